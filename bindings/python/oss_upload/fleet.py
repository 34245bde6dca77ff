"""Uploads by many machines, on the engine that is there already: Dask, Ray, or anything with concurrent.futures.

    from dask.distributed import Client
    from oss_upload import fleet

    where = {"endpoint": "oss-cn-hangzhou.aliyuncs.com", "manifests": "/shared/manifests"}
    with Client("scheduler:8786") as engine:
        fleet.upload_directory("/shared/photos", "my-bucket", "photos/", engine=engine, shards=16, **where)

`engine` is a `dask.distributed.Client`; or the address of a Ray cluster as `ray.init()` takes it, such as "auto"; or a
`concurrent.futures.Executor`, such as `ProcessPoolExecutor` and those of mpi4py.futures and loky (joblib). This package
must be installed on the workers, and each must see the files at the same path.

Credentials are never sent to workers. Each worker finds its own, as `Client` does; `credentials` in `client_options`
says where.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Callable, Union

import oss_upload
from oss_upload import _options, _progress
from oss_upload.errors import FilesFailedError, InvalidArgument, OSSUploadError
from oss_upload.outcomes import BatchProgress, BatchResult, OutcomeStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from typing_extensions import Unpack

    from oss_upload._options import BatchOptions, ClientOptions, Path, UploadOptions
    from oss_upload._progress import BatchProgressReceiver
    from oss_upload.outcomes import Outcome
    from oss_upload.results import UploadResult

# A dask.distributed.Client, the address of a Ray cluster, or an Executor.
Engine = Union[Executor, str, Any]
# What workers do, by number. It is pickled. It tells of its progress, if there is somebody to tell.
_Task = Callable[[int, Union["_Tell", None]], Any]
_Tell = Callable[[int, BatchProgress], None]
_Submit = Callable[[int], "Future[Any]"]
_Poll = Callable[[], None]

# So many failures of a shard are named.
MOST_FAILURES = 1000
# How often a task that failed for a reason that passes is done again. Workers that die are the engine's business.
_RETRIES = 2
# Seconds between two reports of a worker.
_EVERY = 1.0


@dataclass(frozen=True)
class Failure:
    """A file that failed.

    Attributes:
        path: Its path, from the folder on.
        key: Name of the object; empty if none could be made.
        message: One line that says what failed, and what to do.
        retryable: Whether it may succeed later without any change.
    """

    path: str
    key: str
    message: str
    retryable: bool


@dataclass(frozen=True)
class FleetResult(BatchResult):
    """What all shards did together. The numbers are the sums over all shards, `elapsed` is that of the call.

    Attributes:
        shards: The result of each shard, by its index.
        failures: The files that failed; of each shard at most 1000.
    """

    shards: tuple[BatchResult, ...]
    failures: tuple[Failure, ...]


def upload_directory(
    path: Path,
    bucket: str,
    prefix: str = "",
    *,
    engine: Engine,
    shards: int,
    endpoint: str | None = None,
    client_options: ClientOptions | None = None,
    manifests: Path | None = None,
    progress: BatchProgressReceiver = None,
    **options: Unpack[BatchOptions],
) -> FleetResult:
    """Uploads all files of a folder that the workers share, and returns when they are stored.

    Each shard is a batch of its own, as `Client.upload_directory()` runs it, for the files whose keys belong to it. A
    worker that dies has its shard run again by the engine (Dask, Ray). A shard that runs twice does no harm.

    Args:
        path: The folder, at the same path for every worker.
        bucket: Name of the bucket.
        prefix: What every key begins with.
        engine: What runs the workers; see the module.
        shards: Number of shards, such as four times the number of workers. A call that is to go on from manifests
            needs the same number.
        endpoint: As for `Client`.
        client_options: The options of `Client`, without keys.
        manifests: Folder for the manifests of the shards, best one that all workers share. If each worker has its own,
            or without any, `mode="changed", compare_remote=True` has files compared with the bucket that a worker does
            not know of.
        progress: A function or a bar, as for `Client.upload_directory()`, called with the sum over all shards: about
            once a second with Dask and Ray, with others when a shard has ended.
        **options: Those of `Client.upload_directory()`, without `manifest`, `shard_index` and `shard_count`.

    Raises:
        FilesFailedError: Some files failed. `result` is a `FleetResult`, which counts and names them.
        InvalidArgument: An option is invalid, or must not be sent to workers.
        OSSUploadError: Its other subclasses say what ended a shard. Files of other shards may be stored.
        Exception: The engine's own, when it has given up.
    """
    start = time.monotonic()
    if options.keys() & {"manifest", "shard_index", "shard_count"}:
        raise InvalidArgument("manifest, shard_index and shard_count are set for each shard: they are no options here")
    task = partial(
        _upload_shard,
        access=partial(oss_upload.Client, endpoint, **_without_secrets(client_options)),
        where=(_options.in_full(path), bucket, prefix),
        options=options,
        manifests=None if manifests is None else _options.in_full(manifests),
        count=shards,
    )
    done: list[_ShardDone] = _run(engine, task, shards, _progress.batch_receiver(progress))
    results, failures = tuple(one.result for one in done), tuple(chain.from_iterable(one.failures for one in done))
    numbers = {field.name: sum(getattr(one, field.name) for one in results) for field in fields(BatchResult)}
    result = FleetResult(**{**numbers, "elapsed": time.monotonic() - start}, shards=results, failures=failures)
    if result.files_failed:
        raise FilesFailedError(f"{result.files_failed} files failed: result.failures says why", result=result)
    return result


def upload_file(
    path: Path,
    bucket: str,
    key: str,
    *,
    engine: Engine,
    tasks: int,
    endpoint: str | None = None,
    client_options: ClientOptions | None = None,
    **options: Unpack[UploadOptions],
) -> UploadResult:
    """Uploads one large file by several workers, and returns when it is stored.

    Each task sends a range of its parts. The object appears complete or not at all, and only if its CRC-64 is that of
    the parts. After a failure, nothing of it is left on the server.

    Args:
        path: The file, at the same path for every worker: a shared one, or copies with the same bytes.
        bucket: Name of the bucket.
        key: Name of the object.
        engine: What runs the workers; see the module.
        tasks: Number of ranges, such as four times the number of workers.
        endpoint: As for `Client`.
        client_options: The options of `Client`, without keys.
        **options: Those of `Client.begin_shared_upload()`. Here, "auto" is the default of `part_size` and `routines`.

    Returns:
        The outcome of the upload.

    Raises:
        InvalidArgument: An option is invalid, or must not be sent to workers.
        OSSUploadError: Its other subclasses say why the upload failed.
        Exception: The engine's own, when it has given up.
    """
    full = _options.in_full(path)
    access = partial(oss_upload.Client, endpoint, **_without_secrets(client_options))
    chosen: UploadOptions = {"part_size": "auto", "routines": "auto", **options}
    with access() as client:
        if FilePath(os.fsdecode(full)).stat().st_size == 0:
            return client.upload_file(full, bucket, key, **chosen)
        token = client.begin_shared_upload(full, bucket, key, **chosen)
        try:
            count = oss_upload.shared_upload_part_count(token)
            ends = sorted({count * number // tasks for number in range(1, tasks + 1)} - {0})
            ranges = list(zip([1, *(end + 1 for end in ends)], ends))
            where = full, bucket, key
            task = partial(_send_parts, access=access, token=token, ranges=ranges, where=where, options=chosen)
            fragments: list[str] = _run(engine, task, len(ranges), _progress.ignore)
            return client.finish_shared_upload(bucket, key, token, fragments, path=full, **chosen)
        except BaseException:
            client.abort_shared_upload(bucket, key, token, **chosen)
            raise


@dataclass(frozen=True)
class _ShardDone:
    result: BatchResult
    failures: list[Failure]
    progress: BatchProgress


def _upload_shard(
    index: int,
    tell: _Tell | None,
    *,
    access: Callable[[], oss_upload.Client],
    where: tuple[Path, str, str],
    options: BatchOptions,
    manifests: Path | None,
    count: int,
) -> _ShardDone:
    """What a worker does for a shard."""
    failures: list[Failure] = []
    reports = _Reports(index, tell)
    more: dict[str, Any] = {"shard_index": index, "shard_count": count, "progress": reports}
    manifest = None if manifests is None else FilePath(os.fsdecode(manifests), f"shard-{index}-of-{count}")
    if manifest is None:
        more["on_outcome"] = partial(_note, failures)
    else:
        manifest.parent.mkdir(parents=True, exist_ok=True)
        more["manifest"] = manifest
    try:
        with access() as client:
            result = client.upload_directory(*where, **options, **more)
    except FilesFailedError as error:
        if not isinstance(error.result, BatchResult):
            raise
        result = error.result
        if manifest is not None:
            failures = list(islice(_failures(manifest), MOST_FAILURES))
    return _ShardDone(result, failures, reports.last)


def _send_parts(
    index: int,
    tell: _Tell | None,  # noqa: ARG001 - there is nothing to tell of parts
    *,
    access: Callable[[], oss_upload.Client],
    token: str,
    ranges: Sequence[tuple[int, int]],
    where: tuple[Path, str, str],
    options: UploadOptions,
) -> str:
    """What a worker does for a range of parts: the fragment."""
    (first, last), (path, bucket, key) = ranges[index], where
    with access() as client:
        return client.send_parts(path, bucket, key, token, first=first, last=last, **options)


class _Reports:
    """Takes the progress of a batch, and passes it on now and then."""

    last: BatchProgress

    def __init__(self, index: int, tell: _Tell | None) -> None:
        self._index, self._tell, self._next = index, tell, 0.0

    def __call__(self, progress: BatchProgress) -> None:
        self.last, now = progress, time.monotonic()
        if self._tell is not None and now >= self._next:
            self._next = now + _EVERY
            self._tell(self._index, progress)


def _note(failures: list[Failure], outcome: Outcome) -> None:
    if outcome.status is OutcomeStatus.FAILED and len(failures) < MOST_FAILURES:
        error = outcome.error
        failures.append(Failure(outcome.path, outcome.key, str(error), error is not None and error.retryable))


def _failures(manifest: FilePath) -> Iterator[Failure]:
    """Those in a manifest whose batch has ended: docs/manifest-format.md describes it."""
    with manifest.open("rb") as lines:
        for line in lines:
            if b'"status":"failed"' in line:
                record = json.loads(line[17:])
                error = record["error"]
                yield Failure(record["path"], record.get("key", ""), error["message"], error["retryable"])


def _without_secrets(options: ClientOptions | None) -> dict[str, Any]:
    """What every worker gets. Others may read what an engine sends."""
    chosen: dict[str, Any] = dict(options or {})
    secrets = [name for name in ("access_key_id", "access_key_secret", "security_token") if chosen.get(name)]
    if "@" in str(chosen.get("proxy") or ""):
        secrets.append("a password for the proxy")
    if secrets:
        raise InvalidArgument(
            f"client_options has {', '.join(secrets)}, and secrets are not sent to workers: let each find its own, and "
            'say where with credentials, such as "env" or "profile:backup"'
        )
    return chosen


def _run(engine: Engine, task: _Task, count: int, show: Callable[[BatchProgress], object]) -> list[Any]:
    """The results of the task for all numbers from 0.

    With the first error that does not pass, tasks that wait are cancelled, and those that run are awaited.
    """
    results: dict[int, Any] = {}
    progress: dict[int, BatchProgress] = {}
    at_end: dict[int, BatchProgress] = {}
    # What nobody wants to know need not be told: a queue of Ray takes most of a second to start.
    with _started(engine, task, None if show is _progress.ignore else progress) as (submit, poll):
        running = {submit(index): (index, 0) for index in range(count)}
        try:
            while running:
                poll()
                for future in wait(running, _EVERY, FIRST_COMPLETED).done:
                    index, failed = running.pop(future)
                    try:
                        results[index] = future.result()
                    except OSSUploadError as error:
                        if not error.retryable or failed >= _RETRIES:
                            raise
                        running[submit(index)] = index, failed + 1
                        continue
                    if isinstance(results[index], _ShardDone):
                        at_end[index] = results[index].progress
                # What was told before may come after the end.
                progress.update(at_end)
                if progress:
                    show(_sum(list(progress.values()), count))
        finally:
            for future in running:
                future.cancel()
            wait(running)
    return [results[index] for index in range(count)]


def _sum(shards: Sequence[BatchProgress], count: int) -> BatchProgress:
    """Of so many shards in all."""
    names = [field.name for field in fields(BatchProgress) if isinstance(getattr(shards[0], field.name), int)]
    together: dict[str, Any] = {name: sum(getattr(shard, name) for shard in shards) for name in names}
    for name in ("totals_known", "ended"):
        together[name] = together[name] == count
    return replace(shards[0], **together, eta=None)


@contextmanager
def _started(engine: Engine, task: _Task, progress: dict[int, BatchProgress] | None) -> Iterator[tuple[_Submit, _Poll]]:
    """A function that has the task done for a number, and one that looks what workers have told meanwhile."""
    if isinstance(engine, str):
        with _started_on_ray(engine, task, progress) as started:
            yield started
    elif isinstance(engine, Executor):
        yield lambda index: engine.submit(task, index, None), lambda: None
    elif hasattr(engine, "get_executor") and hasattr(engine, "subscribe_topic"):
        topic, executor = f"oss_upload-{os.urandom(8).hex()}", engine.get_executor(pure=False)
        if progress is None:
            yield lambda index: executor.submit(task, index, None), lambda: None
            return
        engine.subscribe_topic(topic, lambda event: progress.update({event[1][0]: BatchProgress(**event[1][1])}))
        try:
            yield lambda index: executor.submit(task, index, partial(_tell_dask, topic)), lambda: None
        finally:
            engine.unsubscribe_topic(topic)
    else:
        raise TypeError(f"engine must be a Dask client, the address of a Ray cluster or an Executor, not {engine!r}")


def _tell_dask(topic: str, index: int, progress: BatchProgress) -> None:
    from distributed import get_worker  # noqa: PLC0415 - only where there is Dask

    get_worker().log_event(topic, (index, asdict(progress)))


@contextmanager
def _started_on_ray(
    address: str, task: _Task, progress: dict[int, BatchProgress] | None
) -> Iterator[tuple[_Submit, _Poll]]:
    import ray  # noqa: PLC0415 - only where there is Ray
    from ray.util.queue import Queue  # noqa: PLC0415

    if not ray.is_initialized():
        ray.init(address=address)
    if progress is None:
        quiet = ray.remote(max_retries=3)(lambda index: task(index, None))
        yield lambda index: quiet.remote(index).future(), lambda: None
        return
    told = Queue(actor_options={"num_cpus": 0})
    # So often a worker may die.
    work = ray.remote(max_retries=3)(lambda index: task(index, lambda *news: told.put_nowait(news)))
    try:
        yield lambda index: work.remote(index).future(), lambda: progress.update(told.get_nowait_batch(told.qsize()))
    finally:
        told.shutdown()
