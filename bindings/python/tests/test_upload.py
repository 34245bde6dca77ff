"""Uploads that run through, or fail by themselves."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server

import oss_upload
from oss_upload import Client, Phase, Progress

KIB = 1024
PART = 100 * KIB


@pytest.mark.parametrize("routines", [None, 1, 3, 16, "auto"])
@pytest.mark.parametrize("size", [0, 1, PART, PART + 1, 1_000_003])
def test_the_object_is_the_file(
    client: Client, server: Server, make_file: Callable[[int], Path], size: int, routines: Any
) -> None:
    path = make_file(size)
    result = client.upload_file(path, server.bucket, "some/key", routines=routines, part_size=PART)
    assert result.request_id == server.log()[-1]["request_id"]
    assert server.read("some/key") == path.read_bytes()
    assert (result.size, result.bytes_sent, result.bytes_resumed, result.parts_resumed) == (size, size, 0, 0)
    assert result.parts == max(1, -(-size // PART))
    stored = server.objects()["some/key"]
    assert (result.etag, result.crc64) == (stored["etag"].strip('"'), int(stored["crc64"]))
    assert 0 <= result.elapsed < 60
    assert (result.part_size_raised, result.restart_reason, result.version_id) == (False, "", "")


def test_part_sizes(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(300 * KIB)
    assert client.upload_file(path, server.bucket, "k").part_size == PART
    assert client.upload_file(path, server.bucket, "k", part_size=150 * KIB).parts == 2
    assert client.upload_file(path, server.bucket, "k", part_size="auto").size == 300 * KIB
    assert server.read("k") == path.read_bytes()


@pytest.mark.parametrize("signature_version", [1, 4])
def test_both_signatures(server: Server, make_file: Callable[[int], Path], signature_version: Any) -> None:
    with server.client(signature_version=signature_version) as client:
        client.upload_file(make_file(5), server.bucket, "k")
    assert server.log()[-1]["signature"] == f"v{signature_version}"


@pytest.mark.parametrize("key", ["a b+c%25&=?#.txt", "Größe/空山", "a/../b", "./a//b", "k" * 1023])
def test_keys(client: Client, server: Server, make_file: Callable[[int], Path], key: str) -> None:
    client.upload_file(make_file(5), server.bucket, key)
    assert server.log()[-1]["key"] == key


@pytest.mark.parametrize("name", ["plain", "ü", b"\xff\xfe", Path("path")])
def test_file_names(client: Client, server: Server, tmp_path: Path, name: Any) -> None:
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118
    Path(os.fsdecode(path)).write_bytes(b"content")
    for spelled in (path, os.fsdecode(path), Path(os.fsdecode(path))):
        client.upload_file(spelled, server.bucket, "k", checkpoint=True)
        assert server.read("k") == b"content"
    assert len(list(tmp_path.iterdir())) == 1


def test_results_cannot_be_changed(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    result = client.upload_file(make_file(5), server.bucket, "k")
    with pytest.raises(FrozenInstanceError):
        result.size = 6  # type: ignore[misc]


@pytest.mark.parametrize("size", [5, 3 * PART])
def test_headers_and_metadata_arrive(
    client: Client, server: Server, make_file: Callable[[int], Path], size: int
) -> None:
    headers = {"Content-Type": "text/x-own", "Cache-Control": "no-cache", "x-oss-storage-class": "IA"}
    client.upload_file(make_file(size), server.bucket, "k", headers=headers, metadata={"author": "me", "Year": "2026"})
    arrived = server.log("PutObject" if size < PART else "InitiateMultipartUpload")[0]["headers"]
    expected = {name.lower(): value for name, value in headers.items()}
    expected |= {"x-oss-meta-author": "me", "x-oss-meta-year": "2026"}
    assert {name: arrived.get(name) for name in expected} == expected


def test_user_agent_and_md5_arrive(server: Server, make_file: Callable[[int], Path]) -> None:
    with server.client(user_agent="backup/1.0") as client:
        client.upload_file(make_file(5), server.bucket, "k", content_md5=True)
    entry = server.log()[-1]
    assert "backup/1.0" in entry["user_agent"]
    assert "content-md5" in entry["headers"]


def test_credentials_from_the_environment(
    server: Server, make_file: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", server.access_key_secret)
    with Client(server.endpoint, region=server.region) as client:
        client.upload_file(make_file(5), server.bucket, "k")


def test_credentials_can_be_replaced(server: Server, make_file: Callable[[int], Path]) -> None:
    with server.client(access_key_secret="outdated") as client:
        client.set_credentials(server.access_key_id, server.access_key_secret)
        client.upload_file(make_file(5), server.bucket, "k")


def test_progress(server: Server, make_file: Callable[[int], Path]) -> None:
    seen: list[Progress] = []
    threads = set()

    def on_progress(progress: Progress) -> bool:
        seen.append(progress)
        threads.add(threading.get_ident())
        return False  # ignored

    size = 10 * PART
    with server.client(max_bytes_per_second=size) as client:
        client.upload_file(make_file(size), server.bucket, "k", routines=3, progress=on_progress)
    assert threads == {threading.get_ident()}
    assert 3 <= len(seen) <= 100
    for name in ("phase", "done_bytes", "sent_bytes", "parts_done", "retries"):
        numbers = [getattr(progress, name) for progress in seen]
        assert numbers == sorted(numbers), name
    assert all(0 <= progress.done_bytes <= size for progress in seen)
    assert [progress.phase for progress in seen].count(Phase.ENDED) == 1
    last = seen[-1]
    assert (last.phase, last.done_bytes, last.total_bytes) == (Phase.ENDED, size, size)
    assert (last.parts_done, last.parts_total, last.resumed_bytes) == (10, 10, 0)
    assert any(progress.bytes_per_second for progress in seen)


@pytest.mark.parametrize("size", [0, 5])
def test_progress_of_small_files(client: Client, server: Server, make_file: Callable[[int], Path], size: int) -> None:
    seen: list[Progress] = []
    client.upload_file(make_file(size), server.bucket, "k", progress=seen.append)
    assert (seen[-1].phase, seen[-1].done_bytes, seen[-1].total_bytes) == (Phase.ENDED, size, size)


def test_one_client_in_many_threads(server: Server, make_file: Callable[[int], Path]) -> None:
    paths = [make_file(2 * PART + n) for n in range(16)]
    with server.client() as client, ThreadPoolExecutor(16) as pool:
        uploads = [
            pool.submit(client.upload_file, path, server.bucket, path.name, routines=3, checkpoint=True, progress=print)
            for path in paths
        ]
        assert [upload.result().size for upload in uploads] == [2 * PART + n for n in range(16)]
    for path in paths:
        assert server.read(path.name) == path.read_bytes()


def test_python_runs_during_an_upload(server: Server, make_file: Callable[[int], Path]) -> None:
    laps = 0
    with server.client(max_bytes_per_second=5 * PART) as client, ThreadPoolExecutor(1) as pool:
        upload = pool.submit(client.upload_file, make_file(5 * PART), server.bucket, "k")
        while not upload.done():
            laps += 1
            time.sleep(0.005)
        assert upload.result().size == 5 * PART
    assert laps > 20


def test_a_wrong_secret(server: Server, make_file: Callable[[int], Path]) -> None:
    seen: list[Progress] = []
    with server.client(access_key_secret="not-the-secret") as client:
        with pytest.raises(oss_upload.ServiceError, match="SignatureDoesNotMatch") as caught:
            client.upload_file(make_file(5), server.bucket, "k", progress=seen.append)
    error = caught.value
    assert (error.status, error.status_name) == (-5, "OSS_SERVICE")
    assert (error.code, error.http_status, error.retryable) == ("SignatureDoesNotMatch", 403, False)
    assert error.request_id == server.log()[-1]["request_id"]
    assert error.result is not None
    assert "not-the-secret" not in str(error)
    assert seen[-1].phase == Phase.ENDED


def test_no_such_bucket(client: Client, make_file: Callable[[int], Path]) -> None:
    with pytest.raises(oss_upload.ServiceError) as caught:
        client.upload_file(make_file(5), "no-such-bucket", "k")
    assert (caught.value.code, caught.value.http_status) == ("NoSuchBucket", 404)
    assert caught.value.request_id


def test_a_missing_file(client: Client, server: Server, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.bin") as caught:
        client.upload_file(tmp_path / "missing.bin", server.bucket, "k")
    assert isinstance(caught.value, oss_upload.LocalFileNotFound)
    assert caught.value.filename == str(tmp_path / "missing.bin")
    assert (caught.value.errno, caught.value.os_errno) == (errno.ENOENT, errno.ENOENT)
    assert server.log() == []


def test_a_directory_is_no_file(client: Client, server: Server, tmp_path: Path) -> None:
    with pytest.raises(oss_upload.LocalFileError):
        client.upload_file(tmp_path, server.bucket, "k")


def test_nobody_listens(make_file: Callable[[int], Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with Client(endpoint, max_attempts=1, access_key_id="a", access_key_secret="b") as client:
        with pytest.raises(ConnectionError) as caught:
            client.upload_file(make_file(5), "bucket", "k")
    assert isinstance(caught.value, oss_upload.NetworkError)
    assert caught.value.retryable


def test_a_response_that_does_not_come(server: Server, make_file: Callable[[int], Path]) -> None:
    server.faults({"match": {}, "action": {"type": "stall", "at": "before_response"}})
    with server.client(stall_timeout=0.3, max_attempts=1) as client, pytest.raises(TimeoutError) as caught:
        client.upload_file(make_file(5), server.bucket, "k")
    assert isinstance(caught.value, oss_upload.TransferTimeout)


def test_faults_are_retried(client: Client, server: Server, make_file: Callable[[int], Path]) -> None:
    server.faults({"match": {"operation": "UploadPart", "every": 3}, "action": {"type": "status", "status": 503}})
    path = make_file(10 * PART)
    result = client.upload_file(path, server.bucket, "k", routines=3)
    assert server.read("k") == path.read_bytes()
    assert result.attempts > 12


def test_a_changed_file(server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(5 * PART)

    def change_it(progress: Progress) -> None:
        if progress.phase == Phase.UPLOADING:
            path.write_bytes(os.urandom(5 * PART))

    with server.client(max_bytes_per_second=5 * PART) as client, pytest.raises(oss_upload.FileChanged):
        client.upload_file(path, server.bucket, "k", on_file_change="fail", progress=change_it)


def test_a_checkpoint_that_cannot_be_written(
    client: Client, server: Server, make_file: Callable[[int], Path], tmp_path: Path
) -> None:
    with pytest.raises(oss_upload.CheckpointError, match="missing"):
        client.upload_file(make_file(5 * PART), server.bucket, "k", checkpoint=tmp_path / "missing" / "cp")
    with pytest.raises(oss_upload.CheckpointError, match="missing"):
        client.upload_file(make_file(5 * PART), server.bucket, "k", checkpoint_dir=tmp_path / "missing")
    assert server.log() == []


def test_a_wrong_checksum(server: Server, make_file: Callable[[int], Path]) -> None:
    server.faults({"match": {}, "action": {"type": "wrong_crc"}})
    with server.client(max_attempts=1) as client:
        with pytest.raises(oss_upload.ChecksumMismatch):
            client.upload_file(make_file(5), server.bucket, "k")


def test_the_response_to_a_callback_can_be_read(
    client: Client, server: Server, make_file: Callable[[int], Path], application: str
) -> None:
    callback = {"callbackUrl": application, "callbackBody": "size=${size}"}
    headers = {"x-oss-callback": base64.b64encode(json.dumps(callback).encode()).decode()}
    for size in (5, 3 * PART):
        result = client.upload_file(make_file(size), server.bucket, "k", headers=headers)
        assert json.loads(result.callback_response) == {"told": f"size={size}"}
    assert client.upload_file(make_file(5), server.bucket, "k").callback_response == b""


@pytest.fixture
def application() -> Iterator[str]:
    """The URL of an application server that OSS calls, and that tells what it was told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = self.rfile.read(int(self.headers["Content-Length"])).decode()
            response = json.dumps({"told": told}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever).start()
        yield f"http://127.0.0.1:{listener.server_port}/"
        listener.shutdown()


@pytest.mark.parametrize("way", ["start", "asyncio"])
def test_relative_paths_mean_what_they_meant_at_the_call(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder, content in ((here, b"a" * 300_000), (elsewhere, b"b" * 300_000)):
        (folder / "cps").mkdir(parents=True)
        (folder / "f").write_bytes(content)
    monkeypatch.chdir(here)
    with server.client() as client:
        # Nothing of a coroutine runs before it is awaited.
        if way == "asyncio":
            coroutine = client.upload_file_async("f", server.bucket, "k", checkpoint_dir="cps")
            monkeypatch.chdir(elsewhere)
            asyncio.run(coroutine)
        else:
            with client.start("f", server.bucket, "k", checkpoint_dir="cps") as upload:
                monkeypatch.chdir(elsewhere)
                upload.wait()
    assert server.read("k") == b"a" * 300_000
    assert list((here / "cps").iterdir()) == list((elsewhere / "cps").iterdir()) == []


@pytest.mark.parametrize("way", ["start", "upload_file", "upload_file_async"])
def test_a_relative_path_needs_a_current_directory(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with server.client() as client:
        with pytest.raises(FileNotFoundError, match="current directory cannot be found") as raised:
            getattr(client, way)("f", server.bucket, "k")
    assert isinstance(raised.value, oss_upload.LocalFileError)
    assert (raised.value.filename, raised.value.errno) == ("f", errno.ENOENT)
