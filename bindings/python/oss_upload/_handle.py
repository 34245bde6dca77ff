"""A pointer of the library, with its rule: freed once, after all other calls with it have returned."""

from __future__ import annotations

import os
import threading
from ctypes import c_void_p
from typing import TYPE_CHECKING, Callable, NoReturn

if TYPE_CHECKING:
    from types import TracebackType


class ClosedError(ValueError):
    """The handle was closed."""


class Handle:
    """Owns one pointer from before the library fills it, and lends it to calls on any thread: `with handle as pointer`.

    Closing while calls are on their way frees it when the last one returns. A lost handle is freed too. In a forked
    child, where the library's threads do not exist, it can be neither used nor freed.
    """

    def __init__(self, what: str, free: Callable[[c_void_p], None]) -> None:
        self.pointer = c_void_p()
        self._what = what
        self._free = free
        # Reentrant, since a signal handler may use the handle while its thread is in here.
        self._lock = threading.RLock()
        self._users = 0
        self._closed = False
        self._process = os.getpid()

    @property
    def open(self) -> bool:
        """Whether there is something to use, or to close."""
        return bool(self.pointer.value) and not self._closed and os.getpid() == self._process

    def __enter__(self) -> c_void_p:
        if os.getpid() != self._process:
            raise RuntimeError(f"{self._what} belongs to process {self._process}: after a fork, make another client")
        with self._lock:
            if self._closed:
                raise ClosedError(f"{self._what} is closed")
            self._users += 1
            return self.pointer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            self._free_when_unused()

    def close(self) -> None:
        """Frees the pointer as soon as nobody uses it. May be called more than once."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._closed = True
            self._free_when_unused()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self._what} cannot be pickled or copied: make another client in the other process")

    def __del__(self) -> None:
        self.close()

    def _free_when_unused(self) -> None:
        if self._closed and self._users == 0:
            pointer, self.pointer = self.pointer, c_void_p()
            if pointer.value:
                self._free(pointer)
