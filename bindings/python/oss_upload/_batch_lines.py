"""The progress of a batch on a terminal: a line for the batch, and one for a large file in work."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, TextIO

from oss_upload import _output
from oss_upload._bar import cells, columns_of, duration, size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from oss_upload.outcomes import BatchProgress

_UP, _ERASE_BELOW = "\x1b[A", "\x1b[J"


class BatchLines:
    """Draws the progress again and again: `with BatchLines(sys.stderr) as lines: ... lines.show(progress)`.

    When the terminal goes away, the batch goes on without them.
    """

    def __init__(self, terminal: TextIO | None) -> None:
        self._terminal = terminal
        # One that cannot move its cursor has a line only.
        self._most = 1 if os.environ.get("TERM", "dumb") == "dumb" else 2
        self._drawn: Sequence[str] = ()

    def show(self, progress: BatchProgress) -> None:
        """Draws them over what was drawn before."""
        if self._terminal is not None:
            columns = columns_of(self._terminal) - 1
            self._draw([line for line in (text(progress, columns), current(progress, columns)) if line])

    def clear(self) -> None:
        """Takes them away, so that something else can be written there."""
        if self._drawn:
            self._draw(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._drawn:
            self._write("\n")

    def _draw(self, lines: Sequence[str]) -> None:
        lines = lines[: self._most]
        if self._most == 1:
            line, before = "".join(lines), "".join(self._drawn)
            self._write("\r" + line.ljust(len(before)) + ("" if line else "\r"))
        else:
            self._write("\r" + _UP * (len(self._drawn) - 1) + _ERASE_BELOW + "\n".join(lines))
        self._drawn = lines

    def _write(self, characters: str) -> None:
        if _output.write(self._terminal, characters) is not None:
            self._terminal = None


def text(progress: BatchProgress, columns: int) -> str:
    """The line of the batch for a terminal of so many columns; without the bar where there is no room for it.

    A "+" says that more files may be found. There is a bar when that is not so.
    """
    more = "" if progress.totals_known else "+"
    done = progress.files_stored + progress.files_unchanged + progress.files_failed
    words = [f"{done} of {progress.files_found}{more} files"]
    if progress.files_failed:
        words.append(f"{progress.files_failed} failed")
    words.append(f"{size(progress.bytes_done)} of {size(progress.bytes_found)}{more}")
    words.append(f"{size(progress.bytes_per_second)}/s")
    if progress.eta is not None and not progress.ended:
        words.append(f"{duration(progress.eta)} left")
    line = "  ".join(words)
    if not progress.totals_known or not progress.bytes_found:
        return line[:columns]
    return (cells(progress.bytes_done / progress.bytes_found, 0, columns - len(line)) + line)[:columns]


def current(progress: BatchProgress, columns: int) -> str:
    """The line of the large file in work; empty when there is none."""
    if not progress.current_path or not progress.current_size:
        return ""
    share = progress.current_done / progress.current_size * 100
    words = f"  {share:5.1f} % of {size(progress.current_size)}"
    return (_end_of(printable(progress.current_path), columns - len(words) - 2) + words)[:columns]


def printable(name: str) -> str:
    """A name without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _end_of(name: str, columns: int) -> str:
    """As much of the end of a name as there is room for."""
    left, start = columns, len(name)
    while start > 0 and left >= (width := 2 if unicodedata.east_asian_width(name[start - 1]) in "WF" else 1):
        start, left = start - 1, left - width
    return "  " + name[start:]
