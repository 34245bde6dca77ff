"""One upload that runs in the background."""

from __future__ import annotations

import math
import time
from ctypes import byref
from typing import TYPE_CHECKING, Callable, cast, overload

from oss_upload import _awaiting, _ffi, events, results
from oss_upload._end import End
from oss_upload._handle import ClosedError, Handle
from oss_upload._library import library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import c_void_p
    from types import TracebackType

    from typing_extensions import Self

    from oss_upload._buffer import Export
    from oss_upload._options import Path
    from oss_upload.events import Event
    from oss_upload.results import Progress, UploadResult

# Seconds that one call of the library may last: Python sees Ctrl-C and other signals between two calls.
SLICE = 0.1


class Upload:
    """An upload, running or ended, created by `Client.start()` or `Client.start_memory()`.

        with client.start("/data/a.mp4", "my-bucket", "videos/a.mp4", checkpoint=True) as upload:
            while upload.wait(timeout=1) is None:
                print(upload.progress.done_bytes)

    Every method may be called from any thread. Leaving the `with` block closes the upload, which pauses it if it is
    still running. An upload that is garbage-collected without being closed is also paused, in the background. In
    asyncio, use `async with`, `wait_async()` and `aclose()`.

    Attributes:
        path: The local file, as it was given; None when memory is uploaded.
        bucket: Name of the bucket.
        key: Name of the object.
    """

    def __init__(self, path: Path | None, bucket: str, key: str, memory: Export | None = None) -> None:
        """Not for programs: see `Client.start()`."""
        self.path: Path | None = path
        self.bucket: str = bucket
        self.key: str = key
        # Filled by Client, which passes the place to the library: so the upload has an owner from its first moment.
        self._handle = Handle(f"the upload of {bucket}/{key}", _free_with(memory))
        self._memory = memory
        self._started = time.monotonic()
        self._end: End[Progress, UploadResult] | None = None

    @overload
    def wait(self, timeout: None = None) -> UploadResult: ...

    @overload
    def wait(self, timeout: float) -> UploadResult | None: ...

    def wait(self, timeout: float | None = None) -> UploadResult | None:
        """Waits until the upload has ended. Every later call has the same outcome.

        Ctrl-C interrupts it within a tenth of a second and leaves the upload running; closing it (or leaving its `with`
        block) pauses it.

        Args:
            timeout: Seconds to wait. 0 returns at once; None means no limit.

        Returns:
            The outcome of the upload, or None if it is still running.

        Raises:
            OSSUploadError: Its subclasses say why the upload failed or stopped: LocalFileError, NetworkError,
                TransferTimeout, ServiceError, CredentialsError, FileChanged, ChecksumMismatch, CheckpointError,
                CheckpointBusy, Paused, Cancelled, CallbackFailed, ResourcesError, InternalError.
            ValueError: It was closed before it had ended, which only a second Ctrl-C can cause.
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
        """Same as `wait()`, for asyncio: other tasks run meanwhile. Cancelling it leaves the upload running."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            await self._look_async(min(SLICE, deadline - time.monotonic()))
            if self._end is not None:
                return self._end.outcome()
            if time.monotonic() >= deadline:
                return None

    @property
    def progress(self) -> Progress:
        """Current progress; the last state if the upload has ended."""
        return self._look(0)

    def pause(self) -> None:
        """Asks the upload to stop soon and keep its checkpoint and parts. Returns at once.

        `wait()` then raises Paused within about a second, or has the outcome of the upload if it ended first. Without
        a checkpoint, nothing can be kept: the data already sent is removed from the server.
        """
        self._ask(library.oss_upload_pause)

    def cancel(self) -> None:
        """Asks the upload to stop soon, remove the data already sent and delete its checkpoint. Returns at once.

        `wait()` then raises Cancelled, or has the outcome of the upload if it ended first.
        """
        self._ask(library.oss_upload_cancel)

    def next_event(self) -> Event | None:
        """Retrieves the oldest pending event of this upload. Never waits for one.

        The first call opens the upload's own queue, which is separate from the client's and has no earlier events. To
        receive every event, use `Client.next_event()`. Works after the upload has ended, until it is closed.

        Returns:
            The event, or None if there is none.

        Raises:
            ValueError: The upload is closed.
        """
        with self._handle as pointer:
            return events.take(library.oss_upload_next_event, pointer)

    def events(self) -> Iterator[Event]:
        """Yields the pending events, oldest first, and ends when none is left; see `next_event()`.

        Raises:
            ValueError: The upload is closed.
        """
        return events.drain(self.next_event)

    def close(self) -> None:
        """Pauses the upload if it is running, waits until it has stopped (about a second) and frees it.

        Afterwards, its checkpoint is free for another upload. `wait()` and `progress` still report its outcome.
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
        """Same as `close()`, for asyncio: other tasks run meanwhile. Cancelling it ends the wait, not the pause."""
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
        """Its object and state."""
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
            await _awaiting.sleep(min(left, max(0.001, (time.monotonic() - self._started) / 8)))
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
                response = self._response(pointer, result.callback_response_size)
        except ClosedError:
            # By another thread, just now: that has seen the end first.
            if self._end is None:
                raise
            return self._end.progress
        now = results.progress(progress)
        if status != _ffi.PENDING:
            self._end = End(self.path, now, results.result(result, response), None if status == _ffi.OK else error)
            if self._memory is not None:
                self._memory.release()
        return now

    @staticmethod
    def _response(pointer: c_void_p, size: int) -> bytes:
        return _ffi.callback_response(library.oss_upload_callback_response, pointer, size)


def _free_with(memory: Export | None) -> Callable[[c_void_p], None]:
    """What frees an upload, and then the memory that it reads: the library waits until it does so no more."""
    if memory is None:
        return cast("Callable[[c_void_p], None]", library.oss_upload_free)

    def free(pointer: c_void_p) -> None:
        library.oss_upload_free(pointer)
        memory.release()

    return free
