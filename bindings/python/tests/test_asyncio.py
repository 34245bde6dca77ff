"""Uploads in asyncio: the event loop goes on, cancelling pauses, and no threads of Python come or stay."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import DEADLINE, Server, wait_until
from tqdm import tqdm

import oss_upload
from oss_upload import Client, Phase, Progress, Upload

PART = 100 * 1024
SIZE = 20 * PART
# So SIZE takes four seconds.
SLOW = 5 * PART


class Stop(Exception):
    pass


@pytest.fixture
def slow_client(server: Server) -> Iterator[Client]:
    with server.client(max_bytes_per_second=SLOW) as client:
        yield client


async def until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition, and lets the other tasks run."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE} s in vain: {what}"
        await asyncio.sleep(0.01)


def resume(server: Server, path: Path) -> oss_upload.UploadResult:
    with server.client() as client:
        result = client.upload_file(path, server.bucket, "k", checkpoint=True)
    assert server.read("k") == path.read_bytes()
    return result


@pytest.mark.parametrize("checkpoint", [{}, {"checkpoint": True}, {"checkpoint": "a.cp"}, {"checkpoint_dir": "dir"}])
@pytest.mark.parametrize("kind", [str, bytes, Path])
def test_a_relative_path_means_what_it_meant_at_the_call(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[Any], Any],
    checkpoint: dict[str, Any],
) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder / "dir").mkdir(parents=True)
        (tmp_path / folder / "f").write_bytes(folder.encode() * PART)
    path = b"f" if kind is bytes else kind("f")

    async def main(client: Client) -> None:
        monkeypatch.chdir(tmp_path / "here")
        task = asyncio.create_task(client.upload_file_async(path, server.bucket, "k", **checkpoint))
        monkeypatch.chdir(tmp_path / "there")
        await task

    with server.client() as client:
        asyncio.run(main(client))
    assert server.read("k") == b"here" * PART


@pytest.mark.parametrize("option", ["checkpoint", "checkpoint_dir"])
def test_a_relative_checkpoint_means_what_it_meant_at_the_call(
    server: Server, make_file: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    path = make_file(SIZE)
    for folder in ("here", "there"):
        (tmp_path / folder / "dir").mkdir(parents=True)
    value: Any = "k.cp" if option == "checkpoint" else "dir"

    async def main(client: Client) -> None:
        monkeypatch.chdir(tmp_path / "here")
        options: Any = {option: value}
        task = asyncio.create_task(client.upload_file_async(path, server.bucket, "k", part_size=PART, **options))
        monkeypatch.chdir(tmp_path / "there")
        await until(lambda: server.log("UploadPart"), "a part sent")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with server.client(max_bytes_per_second=SLOW) as client:
        asyncio.run(main(client))
    assert len(list((tmp_path / "here").rglob("*.cp"))) == 1
    assert list((tmp_path / "there").rglob("*.cp")) == []


@pytest.mark.parametrize("size", [0, 5, 3 * PART + 1])
def test_the_object_is_the_file(server: Server, make_file: Callable[[int], Path], size: int) -> None:
    path = make_file(size)

    async def main() -> oss_upload.UploadResult:
        async with server.client() as client:
            result = await client.upload_file_async(path, server.bucket, "k", part_size=PART, routines=3)
        with pytest.raises(ValueError, match="the client is closed"):
            await client.upload_file_async(path, server.bucket, "k")
        return result

    result = asyncio.run(main())
    assert (result.size, result.bytes_sent) == (size, size)
    assert server.read("k") == path.read_bytes()


def test_the_event_loop_goes_on(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    laps = 0

    async def main() -> None:
        nonlocal laps
        upload = asyncio.ensure_future(slow_client.upload_file_async(make_file(5 * PART), server.bucket, "k"))
        while not upload.done():
            laps += 1
            await asyncio.sleep(0.005)
        await upload

    asyncio.run(main())
    assert laps > 20


def test_progress_is_told_on_the_loops_thread(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    seen: list[Progress] = []
    threads = set()

    def on_progress(progress: Progress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())
        assert asyncio.get_running_loop().is_running()

    upload = slow_client.upload_file_async(make_file(5 * PART), server.bucket, "k", progress=on_progress)
    asyncio.run(as_task(upload))
    assert threads == {threading.get_ident()}
    assert 3 <= len(seen) <= 50
    assert [progress.phase for progress in seen].count(Phase.ENDED) == 1
    assert (seen[-1].done_bytes, seen[-1].total_bytes) == (5 * PART, 5 * PART)


async def as_task(upload: Awaitable[Any]) -> Any:
    return await upload


def test_a_progress_bar(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    with tqdm(unit="B", file=io.StringIO()) as bar:
        asyncio.run(client.upload_file_async(make_file(5), server.bucket, "k", progress=bar))
        assert (bar.n, bar.total) == (5, 5)


def test_many_uploads_at_once_without_a_thread_of_python(server: Server, make_file: Callable[[int], Path]) -> None:
    paths = [make_file(PART + n) for n in range(100)]
    python_threads = set()

    async def main() -> list[oss_upload.UploadResult]:
        async with server.client() as client:
            uploads = [
                client.upload_file_async(
                    path, server.bucket, path.name, progress=lambda _: python_threads.add(threading.active_count())
                )
                for path in paths
            ]
            return await asyncio.gather(*uploads)

    before = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    results = asyncio.run(main())
    assert [result.size for result in results] == [PART + n for n in range(100)]
    assert {entry["size"] for entry in server.objects().values()} == {PART + n for n in range(100)}
    assert python_threads == {before[0]}
    # The library's threads end too, a moment after it has let go of them.
    wait_until(lambda: len(os.listdir("/proc/self/task")) <= before[0] + 1, "the library's threads end")  # noqa: PTH208
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before[1], "the library's files are closed")  # noqa: PTH208


def test_cancelling_pauses_and_awaits_the_end(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)

    async def main() -> None:
        seen: list[Progress] = []
        upload = asyncio.ensure_future(
            slow_client.upload_file_async(path, server.bucket, "k", checkpoint=True, progress=seen.append)
        )
        await until(lambda: seen and seen[-1].parts_done >= 2, "two parts sent")
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert upload.cancelled()
        # The checkpoint is free at once: the end was awaited.
        assert resume(server, path).parts_resumed >= 2

    asyncio.run(main())


def test_a_time_limit_pauses(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(SIZE)
    upload = slow_client.upload_file_async(path, server.bucket, "k", checkpoint=True)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(upload, 0.5)
        # It has ended, and the checkpoint is free.
        assert server.log("CompleteMultipartUpload") == []
        resume(server, path)

    asyncio.run(main())


def test_a_second_cancellation_does_not_wait(
    slow_client: Client, server: Server, make_file: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # An upload that takes its time to pause.
    monkeypatch.setattr(Upload, "pause", lambda _: None)
    started = []
    monkeypatch.setattr(Client, "_start", lambda *arguments, start=Client._start: started.append(start(*arguments)))

    async def main() -> None:
        upload = asyncio.ensure_future(slow_client.upload_file_async(make_file(SIZE), server.bucket, "k"))
        await until(lambda: started, "the upload runs")
        upload.cancel()
        done, _ = await asyncio.wait({upload}, timeout=0.2)
        assert not done
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

    asyncio.run(main())
    assert len(server.log("CompleteMultipartUpload")) == 0


def test_a_failure_is_raised(client: Client, make_file: Callable[[int], Path]) -> None:
    seen: list[Progress] = []
    with pytest.raises(oss_upload.ServiceError, match="NoSuchBucket"):
        asyncio.run(client.upload_file_async(make_file(5), "no-such-bucket", "k", progress=seen.append))
    assert seen[-1].phase is Phase.ENDED


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"part_size": 5}, oss_upload.InvalidArgument, "part_size is 5"),
        ({"progress": 5}, TypeError, "progress"),
        ({"partsize": 5}, TypeError, "unexpected keyword argument 'partsize'"),
    ],
)
def test_wrong_arguments(client: Client, arguments: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        asyncio.run(client.upload_file_async("file", "bucket", "k", **arguments))


def test_an_exception_of_the_progress_callback_pauses(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)

    def on_progress(progress: Progress) -> None:
        if progress.parts_done >= 2:
            raise Stop

    with pytest.raises(Stop):
        asyncio.run(slow_client.upload_file_async(path, server.bucket, "k", checkpoint=True, progress=on_progress))
    assert resume(server, path).parts_resumed >= 2


def test_a_handle_is_awaited(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(SIZE)

    async def main() -> None:
        async with slow_client.start(path, server.bucket, "k", checkpoint=True) as upload:
            assert (upload.path, upload.bucket, upload.key) == (path, server.bucket, "k")
            assert await upload.wait_async(0) is None
            assert await upload.wait_async(timeout=0.05) is None
            waiting = asyncio.ensure_future(upload.wait_async())
            await until(lambda: upload.progress.parts_done >= 2, "two parts sent")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await upload.wait_async(0) is None, "it goes on when the waiting is cancelled"
        with pytest.raises(oss_upload.Paused):
            await upload.wait_async()
        await upload.aclose()

    asyncio.run(main())
    assert resume(server, path).parts_resumed >= 2


def test_an_upload_outlives_the_event_loop_paused(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)
    seen: list[Progress] = []
    loop = asyncio.new_event_loop()
    upload = slow_client.upload_file_async(path, server.bucket, "k", checkpoint=True, progress=seen.append)

    async def main() -> None:
        task = loop.create_task(upload)
        await until(lambda: seen and seen[-1].parts_done >= 2, "two parts sent")
        task._log_destroy_pending = False  # type: ignore[attr-defined]

    loop.run_until_complete(main())
    loop.close()
    upload.close()
    gc.collect()

    def no_longer_busy() -> bool:
        try:
            return resume(server, path).parts_resumed >= 2
        except oss_upload.CheckpointBusy:
            return False

    wait_until(no_longer_busy, "the upload lets go of its checkpoint")


PROGRAM = """
    import asyncio, signal, sys
    from oss_upload import Client  # here, and not while the loop waits

    # A shell that starts the tests in the background ignores SIGINT, and so would Python.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endpoint, region, key_id, secret, bucket, path, rate = sys.argv[1:]

    async def main():
        async with Client(
            endpoint, region=region, access_key_id=key_id, access_key_secret=secret, max_bytes_per_second=int(rate)
        ) as client:
            await client.upload_file_async(path, bucket, "k", checkpoint=True)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_pauses(server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(SIZE)
    arguments = [server.endpoint, server.region, server.access_key_id, server.access_key_secret, server.bucket]
    command = [sys.executable, "-X", "dev", "-c", textwrap.dedent(PROGRAM), *arguments, str(path), str(SLOW)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 3, "three parts sent")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE)
    assert (output, errors, process.returncode) == ("interrupted\n", "", 0)
    assert len(server.log("CompleteMultipartUpload")) == 0
    assert resume(server, path).parts_resumed >= 2
