"""oss_upload_file() of the library, called as any language calls it that has no C compiler at hand."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import byref
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server

from oss_upload import _ffi
from oss_upload._library import find

PART = 102400
INVALID_ARGUMENT = -1


@pytest.fixture
def library() -> ctypes.CDLL:
    """The library as the system's loader gives it, without anything that the package has told ctypes."""
    return ctypes.CDLL(find())


@pytest.fixture
def handle(library: ctypes.CDLL, server: Server) -> Iterator[ctypes.c_void_p]:
    options = _ffi.ClientOptions(
        struct_size=ctypes.sizeof(_ffi.ClientOptions),
        endpoint=server.endpoint.encode(),
        region=server.region.encode(),
        access_key_id=server.access_key_id.encode(),
        access_key_secret=server.access_key_secret.encode(),
    )
    client, error = ctypes.c_void_p(), _ffi.Error()
    assert library.oss_client_new(byref(options), byref(client), byref(error)) == _ffi.OK, error.message
    yield client
    library.oss_client_free(client)


def upload_options(server: Server, path: Path) -> _ffi.UploadOptions:
    return _ffi.UploadOptions(
        struct_size=ctypes.sizeof(_ffi.UploadOptions),
        bucket=server.bucket.encode(),
        object_key=b"k",
        file_path=bytes(path),
        part_size=PART,
    )


@pytest.mark.parametrize("name", ["oss_upload_file", "oss_client_upload_file"])
def test_it_uploads(
    library: ctypes.CDLL, handle: ctypes.c_void_p, server: Server, make_file: Callable[[int], Path], name: str
) -> None:
    path = make_file(3 * PART)
    seen: list[int] = []

    def on_progress(progress: Any, user_data: int) -> int:
        seen.append(progress.contents.done_bytes)
        return 0 if user_data == 7 else 2

    result, error = _ffi.Result(), _ffi.Error()
    options = upload_options(server, path)
    call, callback = getattr(library, name), _ffi.ProgressFunction(on_progress)
    status = call(handle, byref(options), byref(result), byref(error), callback, ctypes.c_void_p(7))
    assert status == _ffi.OK, error.message
    assert (result.size, result.parts, seen[-1]) == (3 * PART, 3, 3 * PART)
    assert server.read("k") == path.read_bytes()


def test_what_is_no_client_is_refused(library: ctypes.CDLL, server: Server, make_file: Callable[[int], Path]) -> None:
    options = upload_options(server, make_file(1))
    foreign = (ctypes.c_size_t * 8)(*range(8))
    error = _ffi.Error()
    for name in ("oss_upload_file", "oss_client_upload_file"):
        status = getattr(library, name)(foreign, byref(options), None, byref(error), None, None)
        assert status == error.status == INVALID_ARGUMENT
        assert error.message.startswith(b"client is not an oss_client of this library"), error.message
    assert server.log() == []


def test_the_package_does_without_the_symbol() -> None:
    class Library:
        """A library without oss_upload_file, and with all else."""

        def __getattr__(self, name: str) -> Any:
            if name == "oss_upload_file":
                raise AttributeError(name)
            value = type("Function", (), {})()
            setattr(self, name, value)
            return value

    library: Any = Library()
    _ffi.declare(library)
    assert library.oss_client_upload_file.restype is ctypes.c_int32
