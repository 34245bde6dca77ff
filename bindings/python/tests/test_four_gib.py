"""More bytes in one call than 32 bits can count. They are pages of zeros, which take no memory."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from ctypes import byref

import pytest
from conftest import Server, serving

from oss_upload import Client, _ffi
from oss_upload._buffer import Export
from oss_upload._library import library

pytestmark = pytest.mark.skipif(sys.maxsize < 2**33 or sys.platform != "linux", reason="needs 64 bits, and such pages")

SIZE = 2**32 + 1


@pytest.fixture
def server() -> Iterator[Server]:
    """One that keeps no bytes."""
    with serving("--storage", "discard", "--etag", "crc") as server:
        yield server


@pytest.fixture
def zeros() -> Iterator[mmap.mmap]:
    no_reserve = 0x4000
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    with mmap.mmap(-1, SIZE, flags=flags, prot=mmap.PROT_READ) as zeros:
        zeros.madvise(mmap.MADV_HUGEPAGE)
        yield zeros


def test_memory(client: Client, server: Server, zeros: mmap.mmap) -> None:
    assert client.upload_memory(zeros, server.bucket, "k").size == SIZE


def test_a_write_and_one_of_c(client: Client, server: Server, zeros: mmap.mmap) -> None:
    error = _ffi.Error()
    with client.open_stream(server.bucket, "k") as stream:
        assert stream.write(zeros) == SIZE
        with Export("zeros", zeros) as block, stream._handle as pointer:
            status = library.oss_stream_write(pointer, block.address, SIZE - 1, byref(error))
            assert status == _ffi.OK, error.message
    assert stream.result is not None
    assert stream.result.size == 2 * SIZE - 1
