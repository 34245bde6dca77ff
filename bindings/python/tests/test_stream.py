"""Memory and streams: what is written becomes an object when it is finished, and only then."""

from __future__ import annotations

import array
import asyncio
import gc
import gzip
import io
import mmap
import os
import shutil
import signal
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, wait_until

import oss_upload
from oss_upload import AsyncUploadStream, Cancelled, Client, InvalidArgument, Phase, Progress, UploadStream

PART = 100 * 1024
MIB = 2**20


class Stop(Exception):
    pass


def nothing_is_left(server: Server) -> None:
    assert server.objects() == {}
    wait_until(lambda: server.open_uploads() == [], "what was sent is removed")


def test_memory_of_many_kinds(client: Client, server: Server, tmp_path: Path) -> None:
    content = os.urandom(3 * PART + 5)
    path = tmp_path / "f"
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        kinds: list[Any] = [content, bytearray(content), memoryview(content), mapped, array.array("B", content)]
        for data in kinds:
            seen: list[Progress] = []
            result = client.upload_memory(data, server.bucket, "k", part_size=PART, progress=seen.append)
            assert (result.size, result.parts) == (len(content), 4)
            assert (seen[-1].phase, seen[-1].done_bytes) == (Phase.ENDED, len(content))
            assert server.read("k") == content
    assert client.upload_memory(b"", server.bucket, "k").size == 0


def test_memory_must_be_one_block(client: Client, server: Server) -> None:
    with pytest.raises(InvalidArgument, match="data is not one block of bytes"):
        client.upload_memory(memoryview(b"abcd")[::2], server.bucket, "k")
    with pytest.raises(TypeError, match="data must be bytes or have the buffer protocol, not str"):
        client.upload_memory("text", server.bucket, "k")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="max_memory"):
        client.upload_memory(b"a", server.bucket, "k", max_memory=MIB * 8)


def test_memory_is_held_until_the_end(server: Server) -> None:
    data = bytearray(10 * PART)
    with server.client(max_bytes_per_second=5 * PART) as client:
        upload = client.start_memory(data, server.bucket, "k", part_size=PART)
        with pytest.raises(BufferError):
            data.append(0)
        upload.close()
        data.append(0)
        with client.start_memory(data, server.bucket, "k", part_size=PART) as upload:
            assert upload.wait().size == len(data)
            data.append(0)
        lost = client.start_memory(data, server.bucket, "k", part_size=PART)
        del lost
        gc.collect()
        data.append(0)
        with pytest.raises(InvalidArgument):
            client.start_memory(data, "No_Bucket", "k")
        data.append(0)


def test_a_stream_is_stored_when_its_block_ends(client: Client, server: Server) -> None:
    content = os.urandom(3 * PART + 5)
    with client.open_stream(server.bucket, "k", part_size=PART) as stream:
        assert (stream.writable(), stream.readable(), stream.seekable()) == (True, False, False)
        assert stream.write(content[:5]) == 5
        assert stream.write(memoryview(content)[5:]) == 3 * PART
        assert stream.write(b"") == 0
        assert stream.result is None
    assert stream.closed
    assert stream.result == stream.finish()
    assert stream.finish().size == len(content)
    assert (stream.progress.phase, stream.progress.total_bytes) == (Phase.ENDED, len(content))
    assert server.read("k") == content
    with pytest.raises(ValueError, match="closed"):
        stream.write(b"a")


def test_nothing_is_written_after_the_end(client: Client, server: Server) -> None:
    with client.open_stream(server.bucket, "k") as stream:
        stream.write(b"a")
        stream.finish()
        with pytest.raises(InvalidArgument, match="finished"):
            stream.write(b"b")
    assert server.read("k") == b"a"


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_exception_aborts(client: Client, server: Server, wrapped: bool) -> None:
    with pytest.raises(Stop):  # noqa: PT012
        with client.open_stream(server.bucket, "k", part_size=PART) as stream:
            with io.BufferedWriter(stream) if wrapped else stream as file:
                file.write(bytes(3 * PART))
                raise Stop
    nothing_is_left(server)
    with pytest.raises(Cancelled):
        stream.finish()


def test_close_in_finally_aborts_after_an_exception(client: Client, server: Server) -> None:
    try:
        raise Stop  # noqa: TRY301
    except Stop:
        # This exception is older than the stream.
        stream = client.open_stream(server.bucket, "whole")
        stream.write(b"a")
        stream.close()
    assert list(server.objects()) == ["whole"]
    stream = client.open_stream(server.bucket, "half")

    def write() -> None:
        try:
            stream.write(b"a")
            raise Stop
        finally:
            stream.close()

    with pytest.raises(Stop):
        write()
    assert list(server.objects()) == ["whole"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_lost_stream_is_left(client: Client, server: Server, wrapped: bool) -> None:
    file: Any = client.open_stream(server.bucket, "k", part_size=PART)
    if wrapped:
        file = io.BufferedWriter(file)
    file.write(bytes(3 * PART))
    with pytest.warns(ResourceWarning, match="dropped"):  # noqa: PT031
        del file
        gc.collect()
    nothing_is_left(server)


def test_abort_and_leave(client: Client, server: Server) -> None:
    with client.open_stream(server.bucket, "k") as stream:
        stream.write(b"a")
        stream.abort()
        with pytest.raises(Cancelled):
            stream.finish()
    with client.open_stream(server.bucket, "k") as stream:
        stream.write(b"a")
        stream.leave()
        assert stream.closed
    nothing_is_left(server)


def test_what_writes_to_files_writes_to_streams(client: Client, server: Server, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "f").write_bytes(content)
    with client.open_stream(server.bucket, "tar") as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        archive.add(tmp_path / "f", "f")
    with tarfile.open(fileobj=io.BytesIO(server.read("tar"))) as stored:
        member = stored.extractfile("f")
        assert member is not None
        assert member.read() == content
    with client.open_stream(server.bucket, "gzip") as stream, gzip.open(stream, "wb") as packed:
        packed.write(content)
    assert gzip.decompress(server.read("gzip")) == content
    with client.open_stream(server.bucket, "copy") as stream:
        shutil.copyfileobj(io.BytesIO(content), stream)
    assert server.read("copy") == content
    with io.BufferedWriter(client.open_stream(server.bucket, "lines")) as lines:
        lines.writelines([b"a\n"] * 1000)
    assert server.read("lines") == b"a\n" * 1000


def test_pause_and_ctrl_c(client: Client, server: Server) -> None:
    stream = client.open_stream(server.bucket, "k", part_size=PART)
    stream.pause()
    timer = threading.Timer(0.3, stream.resume)
    timer.start()
    assert stream.write(b"a") == 1
    timer.join()
    stream.pause()
    main = threading.get_ident()
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt), stream:
        stream.write(b"b")
    timer.join()
    nothing_is_left(server)


def test_a_stream_resumes_after_it_was_left(client: Client, server: Server, tmp_path: Path) -> None:
    content = os.urandom(5 * PART)
    options: Any = {"part_size": PART, "checkpoint": tmp_path / "cp"}
    stream = client.open_stream(server.bucket, "k", **options)
    stream.write(content)
    wait_until(lambda: stream.progress.parts_done >= 3, "three parts sent")
    stream.leave()
    wait_until((tmp_path / "cp").exists, "the checkpoint")

    def again() -> oss_upload.UploadResult | None:
        try:
            return client.upload_fileobj(io.BytesIO(content), server.bucket, "k", **options)
        except oss_upload.CheckpointBusy:
            return None

    wait_until(again, "the checkpoint is free")
    assert server.read("k") == content


def test_fileobj(client: Client, server: Server) -> None:
    content = os.urandom(3 * MIB)
    seen: list[Progress] = []
    result = client.upload_fileobj(io.BytesIO(content), server.bucket, "k", progress=seen.append)
    assert (result.size, seen[-1].done_bytes) == (len(content), len(content))
    assert server.read("k") == content
    with pytest.raises(TypeError, match="text file"):
        client.upload_fileobj(io.StringIO("text"), server.bucket, "k")

    class Broken:
        def read(self, _: int) -> bytes:
            raise Stop

    with pytest.raises(Stop):
        client.upload_fileobj(Broken(), server.bucket, "other")
    assert list(server.objects()) == ["k"]


def test_asyncio(client: Client, server: Server) -> None:
    content = os.urandom(3 * MIB)

    class Reader(io.BytesIO):
        async def read(self, size: int) -> bytes:  # type: ignore[override]
            await asyncio.sleep(0)
            return super().read(size)

    async def main() -> None:
        assert (await client.upload_memory_async(content, server.bucket, "memory", part_size=MIB)).parts == 3
        async with client.open_stream_async(server.bucket, "stream") as stream:
            assert await stream.write(content) == len(content)
        assert stream.result is not None
        await client.upload_fileobj_async(Reader(content), server.bucket, "reader")
        await client.upload_fileobj_async(io.BytesIO(content), server.bucket, "file")

    asyncio.run(main())
    assert {key: server.read(key) == content for key in server.objects()} == dict.fromkeys(
        ("memory", "stream", "reader", "file"), True
    )


def test_cancelling_a_task_aborts(client: Client, server: Server) -> None:
    async def write(stream: AsyncUploadStream) -> None:
        async with stream:
            stream.pause()
            await stream.write(b"a")

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(write(client.open_stream_async(server.bucket, "k")), 0.3)

    asyncio.run(main())
    nothing_is_left(server)


def test_a_stream_says_what_it_is(client: Client, server: Server) -> None:
    with client.open_stream(server.bucket, "k") as stream:
        assert isinstance(stream, UploadStream)
        assert repr(stream) == f"<oss_upload.UploadStream '{server.bucket}/k' open>"
        stream.events()
    assert "done" in repr(stream)
