"""Standard output and standard error, which may be closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import io
import select
from typing import Any, TextIO


def write(stream: TextIO | None, text: str) -> OSError | None:
    """Writes the text at once, and returns what failed.

    Nothing is left in Python's buffers: Python would flush them when it ends, print what fails there, and end with
    status 120. Characters that the encoding does not have are written as escapes. A stream that was closed from the
    start (None) takes everything: who closes it asks for no output.
    """
    if stream is None:
        return None
    try:
        if isinstance(stream, io.TextIOWrapper):
            _write_through(stream, text.encode(stream.encoding, "backslashreplace"))
        else:
            stream.write(text)
            stream.flush()
    except OSError as error:
        return error
    return None


def _write_through(stream: io.TextIOWrapper, data: bytes) -> None:
    stream.flush()
    # With PYTHONUNBUFFERED there is no buffer.
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)
    while data:
        written = raw.write(data)
        if written is None:
            # Another program has made a shared pipe or terminal non-blocking, and it is full now.
            select.select((), (raw,), ())
        else:
            data = data[written:]
