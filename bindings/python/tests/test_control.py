"""Uploads that are stopped: paused, cancelled, interrupted, closed, lost."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import DEADLINE, Server, wait_until

import oss_upload
from oss_upload import Client, Phase, Progress, Upload

PART = 100 * 1024
SIZE = 20 * PART
# So SIZE takes four seconds.
SLOW = 5 * PART


class Stop(Exception):
    pass


@pytest.fixture
def slow_client(server: Server) -> Any:
    with server.client(max_bytes_per_second=SLOW) as client:
        yield client


def wait_for_parts(upload: Upload, parts: int = 2) -> None:
    wait_until(lambda: upload.progress.parts_done >= parts, f"{parts} parts sent")


def resume(server: Server, path: Path, **options: Any) -> oss_upload.UploadResult:
    """Goes on with an upload, unthrottled."""
    with server.client() as client:
        result = client.upload_file(path, server.bucket, "k", **{"checkpoint": True, **options})
    assert server.read("k") == path.read_bytes()
    return result


def test_wait(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(5 * PART)
    with slow_client.start(path, server.bucket, "k") as upload:
        assert "running" in repr(upload)
        assert upload.wait(0) is None
        assert upload.wait(timeout=0.05) is None
        assert upload.wait(-1) is None
        result = upload.wait()
        assert upload.wait(0) == upload.wait(timeout=1) == result
        assert "done" in repr(upload)
        upload.pause()
        upload.cancel()
    assert upload.wait() == result
    assert (upload.progress.phase, upload.progress.done_bytes) == (Phase.ENDED, 5 * PART)
    assert server.read("k") == path.read_bytes()


def test_wait_in_several_threads(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    results = []
    with slow_client.start(make_file(2 * PART), server.bucket, "k") as upload:
        threads = [threading.Thread(target=lambda: results.append(upload.wait())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [upload.wait()] * 4


def test_an_upload_outlives_its_client(server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(5 * PART)
    with server.client(max_bytes_per_second=SLOW) as client:
        upload = client.start(path, server.bucket, "k")
    del client
    gc.collect()
    with upload:
        assert upload.wait().size == 5 * PART


@pytest.mark.parametrize("where", ["beside", "file", "directory"])
def test_pause_and_resume(
    slow_client: Client, server: Server, make_file: Callable[[int], Path], tmp_path: Path, where: str
) -> None:
    path, folder = make_file(SIZE), tmp_path / "checkpoints"
    folder.mkdir()
    choices: dict[str, dict[str, Any]] = {
        "beside": {"checkpoint": True},
        "file": {"checkpoint": folder / "ü.cp"},
        "directory": {"checkpoint": False, "checkpoint_dir": folder},
    }
    options = choices[where]
    with slow_client.start(path, server.bucket, "k", routines=3, **options) as upload:
        wait_for_parts(upload)
        upload.pause()
        with pytest.raises(oss_upload.Paused):
            upload.wait()
        with pytest.raises(oss_upload.Paused) as caught:
            upload.wait(0)
        assert "ended" in repr(upload)
    assert caught.value.result is not None
    assert 0 < caught.value.result.bytes_sent < SIZE
    checkpoints = list(folder.iterdir()) if where != "beside" else [path.with_name(path.name + ".cp")]
    assert [checkpoint.is_file() for checkpoint in checkpoints] == [True]

    result = resume(server, path, **options)
    assert result.parts == 20
    assert 2 <= result.parts_resumed < 20
    assert result.bytes_resumed == result.parts_resumed * PART
    assert result.bytes_sent == SIZE - result.bytes_resumed
    assert not checkpoints[0].exists()
    assert server.open_uploads() == []


def test_resumed_progress_starts_where_it_stopped(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)
    with slow_client.start(path, server.bucket, "k", checkpoint=True) as upload:
        wait_for_parts(upload)
    seen: list[Progress] = []
    result = resume(server, path, progress=seen.append, verify_resume="always")
    assert (seen[-1].done_bytes, seen[-1].resumed_bytes) == (SIZE, result.bytes_resumed)


def test_pause_without_a_checkpoint_leaves_nothing(
    slow_client: Client, server: Server, make_file: Callable[[int], Path], tmp_path: Path
) -> None:
    path = make_file(SIZE)
    with slow_client.start(path, server.bucket, "k") as upload:
        wait_for_parts(upload)
        upload.pause()
        with pytest.raises(oss_upload.Paused):
            upload.wait()
    assert server.open_uploads() == []
    assert list(tmp_path.iterdir()) == [path]


def test_cancel(slow_client: Client, server: Server, make_file: Callable[[int], Path], tmp_path: Path) -> None:
    path = make_file(SIZE)
    with slow_client.start(path, server.bucket, "k", routines=3, checkpoint=True) as upload:
        wait_for_parts(upload)
        started = time.monotonic()
        upload.cancel()
        with pytest.raises(oss_upload.Cancelled):
            upload.wait()
        assert time.monotonic() - started < 2
    assert server.open_uploads() == []
    assert list(tmp_path.iterdir()) == [path]


def test_the_checkpoint_of_a_running_upload_is_busy(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)
    with slow_client.start(path, server.bucket, "k", checkpoint=True) as upload:
        wait_for_parts(upload)
        with pytest.raises(oss_upload.CheckpointBusy, match=str(os.getpid())):
            resume(server, path)
    assert resume(server, path).parts_resumed >= 2


def test_close_pauses_and_waits(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(SIZE)
    upload = slow_client.start(path, server.bucket, "k", checkpoint=True)
    wait_for_parts(upload)
    upload.close()
    upload.close()
    assert not upload._handle.open
    with pytest.raises(oss_upload.Paused):
        upload.wait()
    assert 0 < upload.progress.done_bytes < SIZE
    # Not busy any more.
    assert resume(server, path).parts_resumed >= 2


def test_a_lost_upload_is_paused(slow_client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(SIZE)
    upload = slow_client.start(path, server.bucket, "k", checkpoint=True)
    wait_for_parts(upload)
    del upload
    gc.collect()

    def no_longer_busy() -> bool:
        try:
            return resume(server, path).parts_resumed >= 2
        except oss_upload.CheckpointBusy:
            return False

    wait_until(no_longer_busy, "the lost upload lets go of its checkpoint")


def test_an_exception_of_the_progress_callback_stops_the_upload(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)
    calls = 0

    def on_progress(progress: Progress) -> None:
        nonlocal calls
        calls += 1
        if progress.parts_done >= 2:
            calls = 0
            raise Stop("enough")

    with pytest.raises(Stop, match="enough"):
        slow_client.upload_file(path, server.bucket, "k", checkpoint=True, progress=on_progress)
    assert calls == 0, "called again after it had raised"
    assert resume(server, path).parts_resumed >= 2


def test_an_exception_of_the_last_callback_tells_of_the_failure_too(
    client: Client, make_file: Callable[[int], Path]
) -> None:
    def on_progress(progress: Progress) -> None:
        if progress.phase == Phase.ENDED:
            raise Stop

    with pytest.raises(Stop) as caught:
        client.upload_file(make_file(5), "no-such-bucket", "k", progress=on_progress)
    assert isinstance(caught.value.__context__, oss_upload.ServiceError)


PROGRAM = """
    import signal, sys
    import oss_upload

    # A shell that starts the tests in the background ignores SIGINT, and so would Python.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    endpoint, region, key_id, secret, bucket, path, how, rate = sys.argv[1:]
    client = oss_upload.Client(
        endpoint, region=region, access_key_id=key_id, access_key_secret=secret, max_bytes_per_second=int(rate)
    )
    try:
        if how == "forgotten":
            upload = client.start(path, bucket, "k", checkpoint=True)
            while upload.progress.parts_done < 3:
                pass
            upload.lost = upload  # a cycle, so that only the end of the program frees it
            print("the end")
        elif how == "start":
            with client.start(path, bucket, "k", checkpoint=True) as upload:
                upload.wait()
        else:
            on_progress = (lambda progress: None) if how == "progress" else None
            client.upload_file(path, bucket, "k", checkpoint=True, progress=on_progress)
    except KeyboardInterrupt:
        print("interrupted")
"""


def program(server: Server, path: Path, how: str) -> subprocess.Popen[str]:
    arguments = [server.endpoint, server.region, server.access_key_id, server.access_key_secret, server.bucket]
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments, str(path), how, str(SLOW)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", ["upload_file", "progress", "start"])
def test_ctrl_c_pauses(server: Server, make_file: Callable[[int], Path], how: str) -> None:
    path = make_file(SIZE)
    with program(server, path, how) as process:
        wait_until(lambda: len(server.log("UploadPart")) >= 3, "three parts sent")
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
        took = time.monotonic() - started
    assert (output, process.returncode) == ("interrupted\n", 0)
    assert took < 2
    assert len(server.log("CompleteMultipartUpload")) == 0
    assert resume(server, path).parts_resumed >= 2


def test_ctrl_c_while_it_starts(
    slow_client: Client, server: Server, make_file: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_file(SIZE)
    call = oss_upload.client._call

    def interrupted(*arguments: Any, **named: Any) -> None:
        call(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("oss_upload.client._call", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            slow_client.start(path, server.bucket, "k", checkpoint=True)
    # Nothing runs on, although the traceback still holds the upload.
    assert caught.tb is not None
    resume(server, path)
    assert len(server.log("CompleteMultipartUpload")) == 1


def test_a_forgotten_upload_does_not_hold_up_the_end_of_the_program(
    server: Server, make_file: Callable[[int], Path]
) -> None:
    path = make_file(SIZE)
    with program(server, path, "forgotten") as process:
        output, _ = process.communicate(timeout=DEADLINE)
    assert (output, process.returncode) == ("the end\n", 0)
    assert len(server.log("CompleteMultipartUpload")) == 0
    assert resume(server, path).parts_resumed >= 2


def test_a_signal_handler_may_stop_the_upload(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    with slow_client.start(make_file(SIZE), server.bucket, "k") as upload:
        before = signal.signal(signal.SIGUSR1, lambda *_: upload.cancel())
        try:
            wait_for_parts(upload)
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            with pytest.raises(oss_upload.Cancelled):
                upload.wait()
            timer.join()
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_closing_in_one_thread_and_waiting_in_another(
    slow_client: Client, server: Server, make_file: Callable[[int], Path]
) -> None:
    ends: list[BaseException] = []

    def wait(upload: Upload) -> None:
        try:
            upload.wait()
        except oss_upload.Paused as error:
            ends.append(error)

    for _ in range(5):
        upload = slow_client.start(make_file(SIZE), server.bucket, "k")
        threads = [threading.Thread(target=wait, args=(upload,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        upload.close()
        for thread in threads:
            thread.join()
    assert len(ends) == 15


FORKED = """
    import os, sys
    import oss_upload

    client = oss_upload.Client("http://127.0.0.1:9", access_key_id="a", access_key_secret="b")
    upload = client.start(sys.argv[1], "bucket", "k")
    child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: client.start(sys.argv[1], "bucket", "k"), upload.wait, upload.pause):
            try:
                use()
            except RuntimeError as error:
                refused += "after a fork, make another client" in str(error)
        upload.close()
        client.close()
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    upload.close()
    sys.exit(os.WEXITSTATUS(status))
"""


def test_handles_are_refused_in_a_forked_child(make_file: Callable[[int], Path]) -> None:
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKED), str(make_file(5))]
    assert subprocess.run(command, check=False, timeout=DEADLINE).returncode == 3


def test_nothing_leaks(server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(5 * PART)

    def use() -> None:
        with server.client() as client:
            client.upload_file(path, server.bucket, "k", routines=3, checkpoint=True)
            with client.start(path, server.bucket, "k", routines=3) as upload:
                upload.cancel()
            client.start(path, server.bucket, "k").close()
            with pytest.raises(oss_upload.ServiceError):
                client.upload_file(path, "no-such-bucket", "k")
        gc.collect()

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208

    use()
    before = held()
    for _ in range(10):
        use()
    # A thread is gone a moment after the library has let go of it.
    wait_until(lambda: held() <= before, f"files and threads back to {before}")
    fds, threads = held()
    assert fds <= before[0]
    assert threads <= before[1]
