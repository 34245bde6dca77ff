"""The progress bar of the command: one line of a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from oss_upload import _output
from oss_upload.results import Phase, Progress

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

WIDEST = 40
NARROWEST = 10
KIB = 1024
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
PHASES = {
    Phase.PREPARING: "preparing",
    Phase.VERIFYING: "verifying",
    Phase.COMPLETING: "completing",
    Phase.WAITING: "waiting for credentials",
    Phase.HASHING: "hashing",
}


class Bar:
    """Draws an upload's progress again and again: `with Bar(sys.stderr) as bar: ... bar.show(progress)`.

    [=======########.....]  75.0 %  57.2 MiB/s  0:12 left: what an earlier call had sent, what this one has, what is
    left. When the terminal goes away, the upload goes on without a bar.
    """

    def __init__(self, terminal: TextIO, *, sized: bool = True) -> None:
        """Without `sized` there is no bar before the total is known, which is that of a stream at its end."""
        self._sized = sized
        self._terminal: TextIO | None = terminal
        self._drawn = 0

    def show(self, progress: Progress) -> None:
        """Draws it over what was drawn before."""
        if self._terminal is not None:
            line = text(progress, columns_of(self._terminal) - 1, sized=self._sized)
            self._write("\r" + line.ljust(self._drawn))
            self._drawn = len(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._drawn:
            self._write("\n")

    def _write(self, characters: str) -> None:
        if _output.write(self._terminal, characters) is not None:
            self._terminal = None


def columns_of(terminal: TextIO) -> int:
    """How wide the terminal is."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns or 80
    except OSError:
        return 80


def text(progress: Progress, columns: int, *, sized: bool = True) -> str:
    """The line for a terminal of so many columns; without the bar itself where there is no room for it."""
    if not sized and not progress.total_bytes:
        state = PHASES.get(progress.phase, "")
        return f"{size(progress.done_bytes)}  {size(progress.bytes_per_second)}/s  {state}".rstrip()[:columns]
    # An empty file is done at its end.
    total = progress.total_bytes or (0 if progress.phase is Phase.ENDED else 1)
    done, resumed = (progress.done_bytes / total, progress.resumed_bytes / total) if total else (1.0, 0.0)
    words = f"{done * 100:5.1f} %  {size(progress.bytes_per_second)}/s  {_state(progress)}".rstrip()
    return (cells(done, resumed, columns - len(words)) + words)[:columns]


def cells(done: float, resumed: float, columns: int) -> str:
    """The bar itself, such as "[===###...]  "; nothing where there is no room for it."""
    width = min(WIDEST, columns - 4)
    if width < NARROWEST:
        return ""
    return f"[{''.join('=' if i < resumed * width else '#' if i < done * width else '.' for i in range(width))}]  "


def size(count: float) -> str:
    """Such as "57.2 MiB"."""
    unit = 0
    while count >= KIB and unit < len(UNITS) - 1:
        count, unit = count / KIB, unit + 1
    return f"{count:.1f} {UNITS[unit]}" if unit else f"{count:.0f} bytes"


def duration(seconds: float) -> str:
    """Such as "1:02:03", or "0:12"."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _state(progress: Progress) -> str:
    if progress.phase is Phase.ENDED:
        return "done" if progress.done_bytes == progress.total_bytes else "stopped"
    if progress.phase in PHASES:
        return PHASES[progress.phase]
    return "" if progress.eta is None else f"{duration(progress.eta)} left"
