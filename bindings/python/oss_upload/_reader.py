"""What is read from a file object, block after block."""

from __future__ import annotations

import errno
import inspect
from typing import TYPE_CHECKING, Any, Callable, Protocol, Union, cast

from oss_upload import _awaiting

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import Buffer

SIZE = 2**20


class _Reads(Protocol):
    def read(self, size: int, /) -> Any: ...  # noqa: ANN401 - bytes, or None when it is non-blocking


class _ReadsInto(Protocol):
    def readinto(self, buffer: Any, /) -> int | None: ...  # noqa: ANN401


class AsyncBinaryReader(Protocol):
    """A binary file object for asyncio, such as an asyncio.StreamReader."""

    def read(self, size: int, /) -> Awaitable[bytes]:
        """At most so many bytes, none at the end."""


BinaryReader = Union[_Reads, _ReadsInto]


def blocking(file: BinaryReader) -> Callable[[], Buffer]:
    """What returns the next bytes of the file, none at its end."""
    readinto = getattr(file, "readinto", None)
    if callable(readinto):
        # What is there already, where the file can tell: a pipe is sent as it fills.
        return _into(getattr(file, "readinto1", readinto))
    read = _read_of(file)
    return lambda: _checked(read(SIZE))


def awaitable(file: BinaryReader | AsyncBinaryReader) -> Callable[[], Awaitable[Buffer]]:
    """The same, for asyncio. What blocks is read in another thread."""
    if not inspect.iscoroutinefunction(getattr(file, "read", None)):
        return _in_a_thread(file)
    read = _read_of(file)

    async def read_on() -> Buffer:
        return _checked(await read(SIZE))

    return read_on


def _in_a_thread(file: BinaryReader | AsyncBinaryReader) -> Callable[[], Awaitable[Buffer]]:
    read = _read_of(file) if hasattr(file, "read") else None
    read_into = blocking(cast("BinaryReader", file)) if read is None else None

    async def read_on() -> Buffer:
        if read is None:
            return await _awaiting.in_a_thread(cast("Callable[[], Buffer]", read_into))
        data = await _awaiting.in_a_thread(read, SIZE)
        # A coroutine function that does not look like one.
        return _checked(await data if inspect.isawaitable(data) else data)

    return read_on


def _read_of(file: object) -> Callable[[int], Any]:
    read = getattr(file, "read", None)
    if not callable(read):
        raise TypeError(f"file must have read() or readinto(), which {type(file).__name__} has not")
    return cast("Callable[[int], Any]", read)


def _into(readinto: Callable[[memoryview], int | None]) -> Callable[[], Buffer]:
    block = memoryview(bytearray(SIZE))

    def read() -> Buffer:
        count = readinto(block)
        if count is None:
            raise _nothing_yet()
        return block[:count]

    return read


def _checked(data: object) -> Buffer:
    if data is None:
        raise _nothing_yet()
    if isinstance(data, str):
        raise TypeError("file is a text file: open it in binary mode, or give its attribute buffer")
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"read() of file must return bytes, not {type(data).__name__}")
    return data


def _nothing_yet() -> BlockingIOError:
    return BlockingIOError(errno.EAGAIN, "file is non-blocking and has nothing to read yet: make it blocking")
