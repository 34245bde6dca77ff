"""What streams of both kinds, blocking and for asyncio, have in common."""

from __future__ import annotations

import contextlib
import math
import threading
import warnings
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Callable

from oss_upload import _ffi, errors, events, results
from oss_upload._end import End
from oss_upload._handle import ClosedError, Handle
from oss_upload._library import library
from oss_upload.errors import InvalidArgument, OSSUploadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import c_void_p

    from oss_upload.events import Event
    from oss_upload.results import Progress, UploadResult


class BaseStream:
    """A stream that is being uploaded, and how it ended.

    Attributes:
        bucket: Name of the bucket.
        key: Name of the object.
    """

    def __init__(self, bucket: str, key: str) -> None:
        """Not for programs: see `Client.open_stream()`."""
        self.bucket: str = bucket
        self.key: str = key
        # Filled by Client.
        self._handle = Handle(f"the stream to {bucket}/{key}", library.oss_stream_free)
        self._writing = threading.Lock()
        self._last = results.progress(_ffi.Progress())
        self._end: End[Progress, UploadResult] | None = None
        self._aborted = False

    @property
    def result(self) -> UploadResult | None:
        """The outcome when the object is stored, else None."""
        end = self._end
        return end.result if end is not None and end.error is None else None

    @property
    def progress(self) -> Progress:
        """Current progress; the last state if the stream has ended. The total is 0 until the end is known."""
        progress = _ffi.Progress()
        try:
            with self._handle as pointer:
                library.oss_stream_progress(pointer, byref(progress))
        except ClosedError:
            return self._last
        self._last = results.progress(progress)
        return self._last

    def abort(self) -> None:
        """Asks the stream to stop soon, remove the data already sent and delete its checkpoint. Returns at once.

        Writing and finishing it then raise Cancelled, unless the object was stored before. Any thread may call it.
        """
        self._aborted = True
        self._ask(library.oss_stream_abort)

    def pause(self) -> None:
        """Makes writers wait until `resume()`. Bytes that were written before are still sent."""
        self._ask(library.oss_stream_pause)

    def resume(self) -> None:
        """Lets writers go on after `pause()`."""
        self._ask(library.oss_stream_resume)

    def leave(self) -> None:
        """Closes the stream as if the process had died: no object is stored. Does not wait for anything.

        With a checkpoint, what was sent stays for the next stream of the same bytes; without one, it is removed from
        the server.
        """
        with contextlib.suppress(ClosedError):
            self._last = self.progress
        self._handle.close()

    def next_event(self) -> Event | None:
        """Retrieves the oldest pending event of this stream, as `Upload.next_event()` does of an upload.

        Raises:
            ValueError: The stream is closed.
        """
        with self._handle as pointer:
            return events.take(library.oss_stream_next_event, pointer)

    def events(self) -> Iterator[Event]:
        """Yields the pending events, oldest first, and ends when none is left; see `next_event()`.

        Raises:
            ValueError: The stream is closed.
        """
        return events.drain(self.next_event)

    def __repr__(self) -> str:
        """Its object and state."""
        end = self._end
        state = "open" if self._handle.open else "closed"
        if end is not None:
            state = "done" if end.error is None else "ended"
        return f"<oss_upload.{type(self).__name__} {f'{self.bucket}/{self.key}'!r} {state}>"

    def _ask(self, function: Callable[[c_void_p], None]) -> None:
        with contextlib.suppress(ClosedError), self._handle as pointer:
            function(pointer)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """For whoever writes or finishes: one at a time, since bytes of two would be mixed up."""
        if not self._writing.acquire(blocking=False):
            raise InvalidArgument("another thread or task is writing to the stream, or finishing it; one at a time may")
        try:
            yield
        finally:
            self._writing.release()

    @contextlib.contextmanager
    def _whole(self) -> Iterator[list[int]]:
        """Around the writing of one block, which is taken as a whole or ends the stream; counts the bytes taken.

        After an exception from outside, such as KeyboardInterrupt, nobody knows how many were taken. Nor does the
        caller after an error in the middle, such as a full disk of the spool.
        """
        taken = [0]
        try:
            yield taken
        except OSSUploadError:
            if taken[0]:
                self.abort()
            raise
        except BaseException:
            self.abort()
            raise

    def _try_write(self, address: int, size: int, seconds: float) -> int:
        """Writes for at most so long; returns how many bytes were taken."""
        written, error = c_size_t(), _ffi.Error()
        milliseconds = math.ceil(max(0, seconds) * 1000)
        with self._handle as pointer:
            status = library.oss_stream_try_write(pointer, address, size, milliseconds, byref(written), byref(error))
        if status not in (_ffi.OK, _ffi.PENDING):
            raise errors.from_struct(error)
        return written.value

    def _try_finish(self, seconds: float) -> None:
        """Finishes for at most so long, and keeps what the library tells at the end."""
        result, error = _ffi.Result(), _ffi.Error()
        milliseconds = math.ceil(max(0, seconds) * 1000)
        with self._handle as pointer:
            status = library.oss_stream_try_finish(pointer, milliseconds, byref(result), byref(error))
            if status == _ffi.PENDING:
                return
            size = result.callback_response_size
            response = _ffi.callback_response(library.oss_stream_callback_response, pointer, size)
        failure = None if status == _ffi.OK else error
        self._end = End(None, self.progress, results.result(result, response), failure)

    def _warn_of_loss(self, source: object, level: int) -> None:
        """Says that the program has lost a stream, which is left."""
        warnings.warn(
            f"{source!r} was dropped and is left: no object is stored; close it, or use it in a with block",
            ResourceWarning,
            stacklevel=level,
            source=source,
        )
