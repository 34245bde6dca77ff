"""A list of files that is read from standard input, as the library reads one from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from oss_upload.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from oss_upload.batch import Pair

# The most bytes of an entry: a path and a key, with room for more.
_MOST = 16 * 1024


def pairs(read: Callable[[], Buffer | None], *, null_separated: bool) -> Iterator[Pair | None]:
    """What `read` returns until that is empty, entry by entry; None where that is None, since nothing came."""
    separator, rest = b"\0" if null_separated else b"\n", b""
    while (data := read()) is None or memoryview(data).nbytes:
        if data is None:
            yield None
            continue
        *entries, rest = (rest + bytes(data)).split(separator)
        if max(map(len, (*entries, rest))) > _MOST:
            raise InvalidArgument(f"an entry of the list on standard input has more than {_MOST} bytes")
        for entry in entries:
            yield from _pair(entry, null_separated=null_separated)
    yield from _pair(rest, null_separated=null_separated)


def _pair(entry: bytes, *, null_separated: bool) -> Iterator[Pair]:
    """Of an entry that is not empty."""
    if not null_separated and entry.endswith(b"\r"):
        entry = entry[:-1]
    path, tab, key = entry.rpartition(b"\t")
    if not tab:
        path, key = key, b""
    if not entry:
        return
    try:
        yield path, key.decode() or None
    except UnicodeDecodeError:
        shown = path.decode("utf-8", "replace")
        raise InvalidArgument(f"the key of {shown!r} in the list is not UTF-8") from None
