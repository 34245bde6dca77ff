"""One upload that runs beside the program."""

from __future__ import annotations

import asyncio
import math
import time
from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, overload

from oss_upload import _ffi, errors, events, results
from oss_upload._handle import ClosedError, Handle
from oss_upload._library import library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import c_void_p
    from types import TracebackType

    from typing_extensions import Self

    from oss_upload._options import Path
    from oss_upload.events import Event
    from oss_upload.results import Progress, UploadResult

# Seconds that one call of the library may last: Python sees Ctrl-C and other signals between two calls.
SLICE = 0.1


class Upload:
    """A running or ended upload, made by `Client.start()`.

        with client.start("/data/a.mp4", "my-bucket", "videos/a.mp4", checkpoint=True) as upload:
            while upload.wait(timeout=1) is None:
                print(upload.progress.done_bytes)

    Every method may be called from any thread. Leaving the `with` block closes it, which pauses it when it still runs.
    An upload that is lost without being closed is paused too, in the background. In asyncio it is `async with`,
    `wait_async()` and `aclose()`.

    Attributes:
        path: The local file, as it was given.
        bucket: Name of the bucket.
        key: Name of the object.
    """

    def __init__(self, path: Path, bucket: str, key: str) -> None:
        """Programs do not call this: see `Client.start()`."""
        self.path: Path = path
        self.bucket: str = bucket
        self.key: str = key
        # Filled by Client, which passes the place to the library: so the upload has an owner from its first moment.
        self._handle = Handle(f"the upload of {bucket}/{key}", library.oss_upload_free)
        self._started = time.monotonic()
        self._end: _End | None = None

    @overload
    def wait(self, timeout: None = None) -> UploadResult: ...

    @overload
    def wait(self, timeout: float) -> UploadResult | None: ...

    def wait(self, timeout: float | None = None) -> UploadResult | None:
        """Waits until the upload has ended, and again tells the same at every later call.

        Ctrl-C interrupts it within a tenth of a second and leaves the upload running; closing it (or leaving its `with`
        block) pauses it.

        Args:
            timeout: Seconds to wait; 0 only looks, None has no limit.

        Returns:
            What the upload came to, or None when the time is over and the upload goes on.

        Raises:
            OSSUploadError: Its kinds tell why the upload failed or stopped: LocalFileError, NetworkError,
                TransferTimeout, ServiceError, CredentialsError, FileChanged, ChecksumMismatch, CheckpointError,
                CheckpointBusy, Paused, Cancelled, CallbackFailed, ResourcesError, InternalError.
            ValueError: It was closed before it had ended, which only a second Ctrl-C brings about.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._look(min(SLICE, deadline - time.monotonic()))
            if self._end is not None:
                return self._end.outcome()
            if time.monotonic() >= deadline:
                return None

    @overload
    async def wait_async(self, timeout: None = None) -> UploadResult: ...

    @overload
    async def wait_async(self, timeout: float) -> UploadResult | None: ...

    async def wait_async(self, timeout: float | None = None) -> UploadResult | None:
        """`wait()` for asyncio: other tasks run meanwhile. Cancelling it leaves the upload running, as Ctrl-C does."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            await self._look_async(min(SLICE, deadline - time.monotonic()))
            if self._end is not None:
                return self._end.outcome()
            if time.monotonic() >= deadline:
                return None

    @property
    def progress(self) -> Progress:
        """How far it is now; the last state when it has ended."""
        return self._look(0)

    def pause(self) -> None:
        """Asks the upload to stop soon and to keep its checkpoint and parts; returns at once.

        `wait()` then raises Paused within about a second, or tells what the upload came to when it was faster. Without
        a checkpoint nothing can be kept: what was sent is removed from the server.
        """
        self._ask(library.oss_upload_pause)

    def cancel(self) -> None:
        """Asks the upload to stop soon, to remove what was sent and to delete its checkpoint; returns at once.

        `wait()` then raises Cancelled, or tells what the upload came to when it was faster.
        """
        self._ask(library.oss_upload_cancel)

    def next_event(self) -> Event | None:
        """Takes the oldest event of this upload that waits to be taken out; it never waits for one.

        The first call opens the upload's own queue, which is not the client's: what happened before is not in it, so
        `Client.next_event()` is the one that misses nothing. Events can be taken after the end, until it is closed.

        Returns:
            The event, or None when none waits.

        Raises:
            ValueError: The upload is closed.
        """
        with self._handle as pointer:
            return events.take(library.oss_upload_next_event, pointer)

    def events(self) -> Iterator[Event]:
        """Takes out the events that wait, oldest first, and ends when none is left; see `next_event()`.

        Raises:
            ValueError: The upload is closed.
        """
        return events.drain(self.next_event)

    def close(self) -> None:
        """Pauses the upload when it runs, waits until it has stopped (about a second) and frees it.

        Afterwards its checkpoint is free for another upload. `wait()` and `progress` go on telling what it came to.
        May be called more than once.
        """
        try:
            if self._handle.open:
                self.pause()
                while self._end is None:
                    self._look(SLICE)
        finally:
            self._handle.close()

    async def aclose(self) -> None:
        """`close()` for asyncio: other tasks run while it waits. A cancellation ends the waiting, not the pause."""
        try:
            if self._handle.open:
                self.pause()
                while self._end is None:
                    await self._look_async(SLICE)
        finally:
            self._handle.close()

    def __enter__(self) -> Self:
        """The upload itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()

    async def __aenter__(self) -> Self:
        """The upload itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        if kind is GeneratorExit:
            # The event loop is gone, and with it all awaiting. The upload is paused in the background.
            self._handle.close()
        else:
            await self.aclose()

    def __repr__(self) -> str:
        """What it uploads, and whether it runs."""
        end = self._end
        state = "running" if self._handle.open else "closed"
        if end is not None:
            state = "done" if end.error is None else "ended"
        return f"<oss_upload.Upload {f'{self.bucket}/{self.key}'!r} {state}>"

    def _ask(self, function: Callable[[c_void_p], None]) -> None:
        if self._end is not None:
            return
        try:
            with self._handle as pointer:
                function(pointer)
        except ClosedError:
            if self._end is None:
                raise

    def _run(self, on_progress: Callable[[Progress], object]) -> UploadResult:
        """Waits to the end and reports on the way; on this thread, since it is between calls of the library."""
        progress = self._look(SLICE)
        while self._end is None:
            on_progress(progress)
            progress = self._look(SLICE)
        return self._end.report(on_progress)

    async def _run_async(self, on_progress: Callable[[Progress], object]) -> UploadResult:
        progress = await self._look_async(SLICE)
        while self._end is None:
            on_progress(progress)
            progress = await self._look_async(SLICE)
        return self._end.report(on_progress)

    async def _look_async(self, seconds: float) -> Progress:
        """`_look()` for asyncio.

        It asks now and then instead of waiting in a thread: an executor's threads are few, so that many uploads would
        wait for each other, and cannot be interrupted. To ask costs some microseconds. It sleeps for an eighth of the
        time that the upload has taken so far: short uploads are not held up, and long ones are asked as seldom as the
        program wants to know.
        """
        deadline = time.monotonic() + seconds
        progress = self._look(0)
        while self._end is None and (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(left, max(0.001, (time.monotonic() - self._started) / 8)))
            progress = self._look(0)
        return progress

    def _look(self, seconds: float) -> Progress:
        """Waits for at most so long, and keeps what the library tells at the end."""
        end = self._end
        if end is not None:
            return end.progress
        progress, result, error = _ffi.Progress(), _ffi.Result(), _ffi.Error()
        milliseconds = math.ceil(max(0, seconds) * 1000)
        try:
            with self._handle as pointer:
                status = library.oss_upload_wait(pointer, milliseconds, byref(progress), byref(result), byref(error))
                response = _ffi.callback_response(library, pointer, result.callback_response_size)
        except ClosedError:
            # By another thread, just now: that has seen the end first.
            if self._end is None:
                raise
            return self._end.progress
        now = results.progress(progress)
        if status != _ffi.PENDING:
            self._end = _End(self.path, now, results.result(result, response), None if status == _ffi.OK else error)
        return now


@dataclass(frozen=True)
class _End:
    """How an upload ended."""

    path: Path
    progress: Progress
    result: UploadResult
    error: _ffi.Error | None

    def outcome(self) -> UploadResult:
        if self.error is None:
            return self.result
        # A new one each time: an error that is raised twice collects the tracebacks of both.
        raise errors.from_struct(self.error, self.result, self.path)

    def report(self, on_progress: Callable[[Progress], object]) -> UploadResult:
        """The outcome, after the last report. What that raises has the upload's own failure as its context."""
        try:
            return self.outcome()
        finally:
            on_progress(self.progress)
