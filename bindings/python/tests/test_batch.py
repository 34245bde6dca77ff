"""Many files: each has one outcome, whoever takes it, and what is stopped goes on."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE, Server, wait_until
from test_progress import make_bar

import oss_upload
from oss_upload import Batch, BatchOptions, BatchProgress, BatchResult, Client, Outcome, OutcomeStatus

PART = 100 * 1024
STORED, UNCHANGED, SKIPPED, FAILED, PLANNED = (OutcomeStatus(number) for number in range(5))
DENIED = {"match": {"key": "p/b/2"}, "action": {"type": "status", "status": 403, "code": "AccessDenied"}}
# Slow enough to be stopped, whatever the machine does meanwhile.
SLOWLY = 50


class Stop(Exception):
    pass


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files."""
    root = tmp_path / "tree"
    make_files(root, "a", "b/1", "b/2", "b/c/3")
    return root


def make_files(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def make_many(root: Path, count: int) -> None:
    make_files(root, *(f"{number}" for number in range(count)))


def stored(server: Server, root: Path, prefix: str = "p/") -> None:
    """The bucket has all files of the folder, and nothing else."""
    files = {f"{prefix}{path.relative_to(root)}": path for path in root.rglob("*") if path.is_file()}
    assert server.objects().keys() == files.keys()
    for key in list(files)[:10]:
        assert server.read(key) == files[key].read_bytes()


def test_a_folder(client: Client, server: Server, tree: Path) -> None:
    (tree / "large").write_bytes(os.urandom(3 * PART))
    outcomes: dict[str, Outcome] = {}
    result = client.upload_directory(
        tree, server.bucket, "p/", on_outcome=lambda o: outcomes.setdefault(o.path, o), part_size=PART
    )
    assert result.requests == len(server.log())
    stored(server, tree)
    assert set(outcomes) == {"a", "b/1", "b/2", "b/c/3", "large"}
    large, there = outcomes["large"], server.objects()["p/large"]
    assert (large.status, large.key, large.size, large.error) == (STORED, "p/large", 3 * PART, None)
    assert (str(large.crc64), large.etag) == (there["crc64"], there["etag"].strip('"'))
    assert large.attempts == 5
    assert large.request_id in {entry["request_id"] for entry in server.log()}
    assert result.files_stored == 5
    assert result.bytes_stored == sum(outcome.size for outcome in outcomes.values())
    assert (result.files_failed, result.files_skipped, result.manifest_lines_damaged) == (0, 0, 0)
    assert result.elapsed > 0


def test_failed_files_are_an_error_that_counts_them(client: Client, server: Server, tree: Path) -> None:
    server.faults(DENIED)
    outcomes: list[Outcome] = []
    with pytest.raises(oss_upload.FilesFailedError, match="1 of 4 files failed") as caught:
        client.upload_directory(tree, server.bucket, "p/", on_outcome=outcomes.append)
    result = caught.value.result
    assert isinstance(result, BatchResult)
    assert (result.files_stored, result.files_failed) == (3, 1)
    (failed,) = (outcome for outcome in outcomes if outcome.status is FAILED)
    assert (failed.path, failed.key) == ("b/2", "p/b/2")
    assert isinstance(failed.error, oss_upload.ServiceError)
    assert (failed.error.code, failed.error.http_status) == ("AccessDenied", 403)
    copy = pickle.loads(pickle.dumps((caught.value, failed)))
    assert (copy[0].result, copy[1].error.code) == (result, "AccessDenied")


def test_errors_of_files_are_of_their_own_classes(client: Client, server: Server, tree: Path) -> None:
    (tree / "dangling").symlink_to("nowhere")
    with client.start_batch(server.bucket, directory=tree) as batch:
        errors = {outcome.path: outcome.error for outcome in batch}
        with pytest.raises(oss_upload.FilesFailedError):
            batch.wait()
    error = errors.pop("dangling")
    assert isinstance(error, FileNotFoundError)
    assert isinstance(error, oss_upload.LocalFileNotFound)
    assert error.filename == str(tree / "dangling")
    assert set(errors.values()) == {None}


def test_a_folder_that_is_not_there(client: Client, server: Server, tmp_path: Path) -> None:
    with pytest.raises(oss_upload.LocalFileNotFound, match="cannot read the folder") as caught:
        client.upload_directory(tmp_path / "nothing", server.bucket)
    assert caught.value.filename == str(tmp_path / "nothing")


def test_iterating(client: Client, server: Server, tree: Path) -> None:
    with client.start_batch(server.bucket, "p/", directory=str(tree)) as batch:
        assert batch.result is None or batch.result.files_stored == 4
        assert sorted(outcome.path for outcome in batch) == ["a", "b/1", "b/2", "b/c/3"]
        assert batch.result is not None
        assert batch.result.files_stored == 4
        assert list(batch) == []
    assert (batch.wait(), batch.wait(0)) == (batch.result, batch.result)
    assert batch.progress.ended
    assert repr(batch) == f"<oss_upload.Batch '{server.bucket}/p/' done>"
    stored(server, tree)


def test_names_that_are_not_utf_8(client: Client, server: Server, tree: Path) -> None:
    name = os.fsdecode(b"m\xe9.txt")
    (tree / name).write_text("x")
    with client.start_batch(server.bucket, directory=os.fsencode(tree)) as batch:
        (failed,) = (outcome for outcome in batch if outcome.status is FAILED)
        with pytest.raises(oss_upload.FilesFailedError):
            batch.wait()
    assert failed.path == name
    assert isinstance(failed.error, oss_upload.InvalidArgument)
    paths: dict[str, str] = {}
    client.upload_directory(
        tree, server.bucket, key_encoding="percent", on_outcome=lambda o: paths.setdefault(o.path, o.key)
    )
    assert paths[name] == "m%E9.txt"
    assert (tree / name).exists()


MORE_THAN_ARE_KEPT = 3000


def test_more_outcomes_than_are_kept(client: Client, server: Server, tmp_path: Path) -> None:
    make_many(tmp_path / "tree", MORE_THAN_ARE_KEPT)
    with client.start_batch(server.bucket, "p/", directory=tmp_path / "tree") as batch:
        assert len({outcome.path for outcome in batch}) == MORE_THAN_ARE_KEPT
    # Nobody takes any: they hold nothing up.
    with client.start_batch(server.bucket, "p/", directory=tmp_path / "tree") as batch:
        assert batch.wait().files_stored == MORE_THAN_ARE_KEPT
    with client.start_batch(server.bucket, "p/", directory=tmp_path / "tree") as batch:
        for outcome in batch:
            assert outcome.status is STORED
            break
    assert batch.wait().files_stored == MORE_THAN_ARE_KEPT
    with client.start_batch(server.bucket, "p/", directory=tmp_path / "tree", outcomes=False) as batch:
        with pytest.raises(oss_upload.InvalidArgument, match="outcomes=False"):
            iter(batch)
    assert batch.wait().files_stored == MORE_THAN_ARE_KEPT


def test_who_waits_takes_nothing_from_who_iterates(client: Client, server: Server, tmp_path: Path) -> None:
    make_many(tmp_path / "tree", MORE_THAN_ARE_KEPT)
    paths: list[str] = []
    with client.start_batch(server.bucket, directory=tmp_path / "tree") as batch:
        outcomes = iter(batch)
        paths.append(next(outcomes).path)
        thread = threading.Thread(target=lambda: paths.extend(outcome.path for outcome in outcomes))
        thread.start()
        batch.wait()
        thread.join()
    assert len(set(paths)) == len(paths) == MORE_THAN_ARE_KEPT


def test_an_exception_pauses_and_a_later_call_goes_on(client: Client, server: Server, tmp_path: Path) -> None:
    tree, manifest = tmp_path / "tree", tmp_path / "manifest"
    make_many(tree, 100)
    batch = client.start_batch(server.bucket, "p/", directory=tree, manifest=manifest, max_requests_per_second=SLOWLY)
    with pytest.raises(Stop):
        stop_at(batch, 5)
    assert batch.result is not None
    assert 5 < batch.result.files_stored < 100
    with pytest.raises(oss_upload.Paused, match="start it again with the manifest") as caught:
        batch.wait()
    assert caught.value.result == batch.result
    result = client.upload_directory(tree, server.bucket, "p/", manifest=manifest)
    assert (result.files_stored, result.files_resumed) == (100, batch.result.files_stored)
    assert len(server.log("PutObject")) <= 100 + batch.result.requests - batch.result.files_stored
    stored(server, tree)


def stop_at(batch: Batch, count: int) -> None:
    with batch:
        for number, _ in enumerate(batch):
            if number == count:
                raise Stop


def test_who_stops_a_batch_is_not_told_so_at_its_end(client: Client, server: Server, tmp_path: Path) -> None:
    make_many(tmp_path / "tree", 100)
    for stop, kind in (("pause", oss_upload.Paused), ("cancel", oss_upload.Cancelled)):
        with client.start_batch(server.bucket, directory=tmp_path / "tree", max_requests_per_second=SLOWLY) as batch:
            getattr(batch, stop)()
        with pytest.raises(kind):
            batch.wait()
    batch = client.start_batch(server.bucket, directory=tmp_path / "tree", max_requests_per_second=SLOWLY)
    batch.close()
    batch.close()
    with pytest.raises(oss_upload.Paused):
        batch.wait()
    assert not batch._handle.open


def test_a_failure_that_was_told_is_not_told_again(client: Client, server: Server, tree: Path) -> None:
    server.faults(DENIED)
    with pytest.raises(oss_upload.FilesFailedError):
        with client.start_batch(server.bucket, "p/", directory=tree):
            pass
    with client.start_batch(server.bucket, "p/", directory=tree) as batch:
        with pytest.raises(oss_upload.FilesFailedError):
            batch.wait()


def test_files_that_are_added(client: Client, server: Server, tree: Path) -> None:
    with client.start_batch(server.bucket, "p/") as batch:
        batch.add(tree / "a", "x")
        batch.add(os.fsencode(tree / "b/1"))
        batch.add(str(tree / "missing"), "y")
        batch.seal()
        batch.seal()
        with pytest.raises(oss_upload.InvalidArgument, match="sealed"):
            batch.add(tree / "b/2")
        outcomes = {outcome.key: outcome for outcome in batch}
        with pytest.raises(oss_upload.FilesFailedError):
            batch.wait()
    assert server.objects().keys() == {"x", f"p{tree}/b/1"}
    missing = outcomes["y"].error
    assert isinstance(missing, FileNotFoundError)
    assert missing.filename == str(tree / "missing")
    with client.start_batch(server.bucket) as batch:
        batch.add(tree / "a", "z")
    assert "z" in server.objects(), "the end of the block seals"


def test_files_that_cannot_be_added(client: Client, server: Server, tree: Path) -> None:
    with client.start_batch(server.bucket, "p/", directory=tree) as batch:
        with pytest.raises(oss_upload.InvalidArgument, match="has a folder or a list"):
            batch.add(tree / "a")
    with pytest.raises(oss_upload.ServiceError, match="NoSuchBucket"):
        add_forever(client.start_batch("no-such-bucket"), tree / "a")
    for given in (5, None, ("a", "b")):
        with client.start_batch(server.bucket) as batch:
            with pytest.raises(TypeError, match="path must be"):
                batch.add(given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is closed"):
        batch.seal()


def add_forever(batch: Batch, path: Path) -> None:
    with batch:
        while True:
            batch.add(path, "k")


def test_a_list(client: Client, server: Server, tree: Path, tmp_path: Path) -> None:
    make_files(tree, "c\nd")
    (tmp_path / "list").write_text(f"{tree}/a\tkey of a\0{tree}/c\nd\tcd\0")
    with client.start_batch(server.bucket, list_path=tmp_path / "list", list_null_separated=True) as batch:
        assert sorted(outcome.key for outcome in batch) == ["cd", "key of a"]
    assert server.read("cd") == b"c\nd"


@pytest.mark.parametrize("wants_outcomes", [True, False])
def test_pairs_from_a_generator(client: Client, server: Server, tree: Path, *, wants_outcomes: bool) -> None:
    # More than wait to be uploaded, and than outcomes are kept, all on one thread.
    count, keys = 8000, list[str]()

    def pairs() -> Iterator[tuple[Path, str]]:
        for number in range(count):
            yield tree / "a", f"{number}"

    on_outcome = (lambda outcome: keys.append(outcome.key)) if wants_outcomes else None
    result = client.upload_many(pairs(), server.bucket, on_outcome=on_outcome)
    assert result.files_stored == count
    assert len(server.objects()) == count
    assert len(set(keys)) == (count if wants_outcomes else 0)


def test_pairs_without_keys(client: Client, server: Server, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    client.upload_many(["a", Path("b/1"), b"./b/2", ("b/c/3", None)], server.bucket, "p/")
    stored(server, tree)


def test_pairs_that_are_none(client: Client, server: Server, tree: Path) -> None:
    for pairs in (str(tree / "a"), os.fsencode(tree / "a"), tree / "a"):
        with pytest.raises(TypeError, match="pairs must be several"):
            client.upload_many(pairs, server.bucket)  # type: ignore[arg-type]
    for pair in (5, (tree / "a", 5), (tree / "a", "b", "c")):
        with pytest.raises((TypeError, ValueError)):
            client.upload_many([pair], server.bucket)  # type: ignore[list-item]
    with pytest.raises(oss_upload.InvalidArgument, match="NUL"):
        client.upload_many([(tree / "a", "k"), "a\0"], server.bucket)
    with pytest.raises(Stop):
        client.upload_many(raising(), server.bucket)
    with pytest.raises(oss_upload.ServiceError, match="NoSuchBucket"):
        client.upload_many(((tree / "a", f"{number}") for number in range(10**9)), "no-such-bucket")


def raising() -> Iterator[str]:
    yield "a"
    raise Stop


def test_what_has_not_changed(client: Client, server: Server, tree: Path, tmp_path: Path) -> None:
    options: BatchOptions = {"manifest": tmp_path / "manifest", "mode": "changed"}
    assert client.upload_directory(tree, server.bucket, "p/", **options).files_stored == 4
    make_files(tree, "new")
    result = client.upload_directory(tree, server.bucket, "p/", **options)
    assert (result.files_stored, result.files_unchanged) == (1, 4)
    stored(server, tree)
    # Without a manifest, the bucket is asked.
    result = client.upload_directory(tree, server.bucket, "p/", mode="changed", compare_remote=True)
    assert (result.files_stored, result.files_unchanged) == (0, 5)


def test_failed_files_are_tried_again(client: Client, server: Server, tree: Path, tmp_path: Path) -> None:
    server.faults(DENIED)
    manifest = tmp_path / "manifest"
    with pytest.raises(oss_upload.FilesFailedError):
        client.upload_directory(tree, server.bucket, "p/", manifest=manifest)
    server.faults()
    outcomes: list[Outcome] = []
    client.upload_directory(
        tree, server.bucket, "p/", on_outcome=outcomes.append, mode="retry_failed", manifest=manifest
    )
    assert [(outcome.path, outcome.status) for outcome in outcomes] == [("b/2", STORED)]


def outcomes_of(client: Client, server: Server, tree: Path, **options: Any) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    client.upload_directory(tree, server.bucket, "p/", on_outcome=lambda o: outcomes.setdefault(o.path, o), **options)
    return outcomes


@pytest.mark.parametrize("exclude", ["b/*\n!b/1\n", ["b/*", "!b/1"], iter(["b/*", "!b/1"])])
def test_rules(client: Client, server: Server, tree: Path, exclude: Any) -> None:
    outcomes = outcomes_of(client, server, tree, exclude=exclude)
    assert {path: outcome.status for path, outcome in outcomes.items()} == {
        "a": STORED,
        "b/1": STORED,
        "b/2": SKIPPED,
        "b/c": SKIPPED,
    }
    assert outcomes["b/2"].rule == "exclude: b/*"
    included = outcomes_of(client, server, tree, include=("b/c",))
    assert [path for path, outcome in included.items() if outcome.status is STORED] == ["b/c/3"]
    with pytest.raises(TypeError, match="exclude must be a str or several"):
        outcomes_of(client, server, tree, exclude=b"b")


def test_other_options_arrive(client: Client, server: Server, tree: Path) -> None:
    (tree / "link").symlink_to("a")
    (tree / "empty").mkdir()
    make_files(tree, ".ossignore")
    (tree / ".ossignore").write_text("/b/")
    outcomes = outcomes_of(
        client,
        server,
        tree,
        ignore_files=True,
        symlinks="skip",
        empty_directories=True,
        keep_mtime=True,
        headers={"Content-Type": "text/x-own"},
        metadata={"author": "me"},
        connections=1,
    )
    assert outcomes["link"].rule == "it is a symbolic link"
    assert outcomes["b"].rule == ".ossignore: /b/"
    assert server.objects().keys() == {"p/a", "p/empty/", "p/.ossignore"}
    (entry,) = (entry for entry in server.log("PutObject") if entry["key"] == "p/a")
    assert entry["headers"]["content-type"] == "text/x-own"
    assert entry["headers"]["x-oss-meta-author"] == "me"
    assert float(entry["headers"]["x-oss-meta-mtime"]) == pytest.approx((tree / "a").stat().st_mtime)


def test_shards_and_dry_runs(client: Client, server: Server, tree: Path) -> None:
    shards = [outcomes_of(client, server, tree, shard_index=index, shard_count=2, dry_run=True) for index in (0, 1)]
    assert sorted([*shards[0], *shards[1]]) == ["a", "b/1", "b/2", "b/c/3"]
    assert {outcome.status for shard in shards for outcome in shard.values()} == {PLANNED}
    assert server.log() == []


def test_invalid_options(client: Client, server: Server, tree: Path) -> None:
    for option, value in {"mode": "some", "symlinks": "maybe", "key_encoding": "base64", "exclude": "a{b"}.items():
        with pytest.raises(oss_upload.InvalidArgument, match=option):
            client.upload_directory(tree, server.bucket, **{option: value})  # type: ignore[arg-type]
    with pytest.raises(oss_upload.InvalidArgument, match="verify needs manifest"):
        client.upload_directory(tree, server.bucket, mode="verify")
    with pytest.raises(TypeError, match="unexpected keyword argument 'routines'"):
        client.upload_directory(tree, server.bucket, routines=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="dry_run must be a bool"):
        client.upload_directory(tree, server.bucket, dry_run=1)  # type: ignore[arg-type]
    with pytest.raises(oss_upload.InvalidArgument, match="either directory or list_path"):
        client.start_batch(server.bucket, directory=tree, list_path=tree)


def test_progress(client: Client, server: Server, tree: Path) -> None:
    seen: list[BatchProgress] = []
    client.upload_directory(tree, server.bucket, progress=seen.append)
    last = seen[-1]
    assert last.ended
    assert last.totals_known
    assert (last.files_found, last.files_stored, last.files_failed) == (4, 4, 0)
    assert last.bytes_found == last.bytes_done == sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    assert not any(progress.ended for progress in seen[:-1])
    with make_bar() as bar:
        client.upload_directory(tree, server.bucket, progress=bar)
        assert (bar.n, bar.total) == (last.bytes_done, last.bytes_found)
    with make_bar(total=1000) as bar:
        client.upload_directory(tree, server.bucket, progress=bar)
        assert (bar.n, bar.total) == (last.bytes_done, 1000)


def test_the_large_file_in_work_is_told(server: Server, tree: Path) -> None:
    (tree / "large").write_bytes(bytes(20 * PART))
    seen: list[BatchProgress] = []

    def on_progress(progress: BatchProgress) -> None:
        seen.append(progress)
        if progress.current_done > PART:
            raise Stop

    with server.client(max_bytes_per_second=5 * PART) as client, pytest.raises(Stop):
        client.upload_directory(tree, server.bucket, part_size=PART, progress=on_progress)
    assert (seen[-1].current_path, seen[-1].current_size) == ("large", 20 * PART)
    assert seen[-1].bytes_done >= seen[-1].current_done


def test_an_exception_of_a_callback_stops_the_batch(client: Client, server: Server, tmp_path: Path) -> None:
    make_many(tmp_path / "tree", 100)

    def stop(_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        client.upload_directory(tmp_path / "tree", server.bucket, on_outcome=stop, max_requests_per_second=SLOWLY)
    with pytest.raises(Stop):
        client.upload_directory(tmp_path / "tree", server.bucket, progress=stop, max_requests_per_second=SLOWLY)
    assert len(server.objects()) < 100


def test_async_for(server: Server, tree: Path) -> None:
    async def main() -> list[str]:
        async with server.client() as client, client.start_batch(server.bucket, "p/", directory=tree) as batch:
            paths = [outcome.path async for outcome in batch]
            assert await batch.wait_async() == batch.result
            return paths

    assert sorted(asyncio.run(main())) == ["a", "b/1", "b/2", "b/c/3"]
    stored(server, tree)


def test_batches_in_asyncio(server: Server, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count = 3000
    keys: list[str] = []

    async def pairs() -> AsyncIterator[tuple[Path, str]]:
        for number in range(count):
            yield tree / "a", f"{number}"

    async def main() -> None:
        async with server.client() as client:
            monkeypatch.chdir(tree.parent)
            folder = client.upload_directory_async("tree", server.bucket, "p/", manifest="manifest")
            monkeypatch.chdir("/")
            assert (await folder).files_stored == 4
            assert (tmp_path / "manifest").exists()
            many = client.upload_many_async(pairs(), server.bucket, on_outcome=lambda o: keys.append(o.key))
            assert (await many).files_stored == count
            assert (await client.upload_many_async([(tree / "a", "k")], server.bucket)).files_stored == 1
            async with client.start_batch(server.bucket) as batch:
                for number in range(count):
                    await batch.add_async(tree / "a", f"added/{number}")
                batch.seal()
                assert len([outcome async for outcome in batch]) == count
            with pytest.raises(oss_upload.ServiceError, match="NoSuchBucket"):
                await add_forever_async(client.start_batch("no-such-bucket"), tree / "a")

    asyncio.run(main())
    assert sorted(keys) == sorted(map(str, range(count)))


async def add_forever_async(batch: Batch, path: Path) -> None:
    async with batch:
        while True:
            await batch.add_async(path, "k")


def test_cancelling_pauses(server: Server, tmp_path: Path) -> None:
    tree, manifest = tmp_path / "tree", tmp_path / "manifest"
    make_many(tree, 100)

    async def main() -> None:
        async with server.client() as client:
            upload = client.upload_directory_async(
                tree, server.bucket, "p/", manifest=manifest, max_requests_per_second=SLOWLY
            )
            task = asyncio.ensure_future(upload)
            while len(server.log("PutObject")) < 5:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    with server.client() as client:
        assert client.upload_directory(tree, server.bucket, "p/", manifest=manifest).files_resumed >= 4
    stored(server, tree)


PROGRAM = """
    import signal, sys
    import oss_upload

    # A shell that starts the tests in the background ignores SIGINT, and so would Python.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endpoint, region, key_id, secret, bucket, tree, manifest, how = sys.argv[1:]
    client = oss_upload.Client(endpoint, region=region, access_key_id=key_id, access_key_secret=secret)
    options = {"manifest": manifest, "max_requests_per_second": 50}

    def forever():
        while True:
            yield tree + "/1", "k"

    try:
        if how == "directory":
            client.upload_directory(tree, bucket, "p/", on_outcome=print, **options)
        elif how == "many":
            client.upload_many(forever(), bucket, "p/", **options)
        elif how == "add":
            with client.start_batch(bucket, "p/", **options) as batch:
                for path, key in forever():
                    batch.add(path, key)
        else:
            with client.start_batch(bucket, "p/", directory=tree, **options):
                pass
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("how", ["directory", "many", "add", "block"])
def test_ctrl_c(client: Client, server: Server, tmp_path: Path, how: str) -> None:
    tree, manifest = tmp_path / "tree", tmp_path / "manifest"
    make_many(tree, 100)
    arguments = [server.endpoint, server.region, server.access_key_id, server.access_key_secret, server.bucket]
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments, str(tree), str(manifest), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(server.log("PutObject")) >= (5 if how in ("directory", "block") else 1), "it has begun")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, output.splitlines()[-1]) == (0, "interrupted")
    if how in ("directory", "block"):
        result = client.upload_directory(tree, server.bucket, "p/", manifest=manifest)
        assert 4 <= result.files_resumed < 100
        stored(server, tree)


def test_a_lost_batch_is_paused(client: Client, server: Server, tmp_path: Path) -> None:
    tree, manifest = tmp_path / "tree", tmp_path / "manifest"
    make_many(tree, 100)
    batches = [
        client.start_batch(server.bucket, "p/", directory=tree, manifest=manifest, max_requests_per_second=SLOWLY)
    ]
    wait_until(lambda: batches[0].progress.files_stored > 3, "some are stored")
    batches.clear()

    def no_longer_busy() -> bool:
        try:
            return client.upload_directory(tree, server.bucket, "p/", manifest=manifest).files_resumed > 3
        except oss_upload.CheckpointBusy:
            return False

    wait_until(no_longer_busy, "the lost batch lets go of its manifest")
