"""What `progress=` may be: a function, or a progress bar as tqdm makes them."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Callable, Generic, Protocol, TypeVar, Union, cast

from oss_upload.results import Phase

if TYPE_CHECKING:
    from oss_upload.outcomes import BatchProgress
    from oss_upload.results import Progress

# Seconds between two reports.
EVERY = 0.1


class ProgressBar(Protocol):
    """A progress bar that counts bytes, such as `tqdm.tqdm(unit="B", unit_scale=True)`."""

    total: float | None

    def update(self, n: float, /) -> object:
        """Counts so many more bytes."""


ProgressReceiver = Union[Callable[["Progress"], object], ProgressBar, None]
BatchProgressReceiver = Union[Callable[["BatchProgress"], object], ProgressBar, None]


def receiver(progress: ProgressReceiver) -> Callable[[Progress], object]:
    """The function to call with each `Progress`; TypeError when there is none."""
    return _function(progress, _Bar)


def batch_receiver(progress: BatchProgressReceiver) -> Callable[[BatchProgress], object]:
    """The function to call with each `BatchProgress`; TypeError when there is none."""
    return _function(progress, _BatchBar)


def _function(progress: Any, bar: Callable[[Any], _Bar | _BatchBar]) -> Callable[[Any], object]:  # noqa: ANN401
    if progress is None:
        return ignore
    if isinstance(progress, type):
        # tqdm itself can be called, and would make a new bar each time.
        raise TypeError(f"progress must be a function or a bar, not the class {progress.__name__}: make one of it")
    if callable(progress):
        return cast("Callable[[Any], object]", progress)
    if hasattr(progress, "total") and callable(getattr(progress, "update", None)):
        return bar(progress).show
    raise TypeError(f"progress must be callable or a progress bar, not {type(progress).__name__}")


def ignore(_: object) -> None:
    """Nobody wants to know."""


class _Bar:
    """Moves a bar. It only ever adds, so that uploads of many files may share one, in several threads too."""

    def __init__(self, bar: Any) -> None:  # noqa: ANN401 - tqdm has more than a ProgressBar needs
        self._bar = bar
        self._done = 0
        self._resumed = 0
        self._lock = bar.get_lock() if hasattr(bar, "get_lock") else contextlib.nullcontext()

    def show(self, progress: Progress) -> None:
        bar = self._bar
        with self._lock:
            if progress.total_bytes and not bar.total:
                self._set_total(progress.total_bytes)
            self._skip(progress.resumed_bytes - self._resumed)
            bar.update(progress.done_bytes - self._done)
            self._done = progress.done_bytes
            if progress.phase is Phase.ENDED and hasattr(bar, "refresh"):
                bar.refresh()

    def _set_total(self, total: int) -> None:
        bar = self._bar
        if hasattr(bar, "reset") and not bar.n:
            # The bars of notebooks take a total in no other way.
            bar.reset(total)
        else:
            bar.total = total

    def _skip(self, resumed: int) -> None:
        """Counts what an earlier call had sent as there from the start, which leaves it out of the bar's rate."""
        bar = self._bar
        if resumed <= 0 or not hasattr(bar, "initial"):
            return
        bar.initial += resumed
        bar.n += resumed
        bar.last_print_n += resumed
        self._resumed += resumed
        self._done += resumed


class _BatchBar:
    """Moves a bar whose total grows as files are found."""

    def __init__(self, bar: Any) -> None:  # noqa: ANN401
        self._bar = bar
        self._done = 0
        self._has_total = bool(bar.total)

    def show(self, progress: BatchProgress) -> None:
        bar = self._bar
        if not self._has_total:
            bar.total = progress.bytes_found
        bar.update(progress.bytes_done - self._done)
        self._done = progress.bytes_done
        if progress.ended and hasattr(bar, "refresh"):
            bar.refresh()


State = TypeVar("State")


class Reports(Generic[State]):
    """Reports progress now and then, however often it is called."""

    def __init__(self, progress: Callable[[], State], on_progress: Callable[[State], object]) -> None:
        self._progress = progress
        self._on_progress = on_progress
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + EVERY
            self._on_progress(self._progress())
