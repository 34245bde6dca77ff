"""Streams: bytes of unknown number become an object while they are produced."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Callable

from oss_upload import _awaiting
from oss_upload._buffer import Export
from oss_upload._progress import Reports
from oss_upload._stream import BaseStream
from oss_upload.errors import OSSUploadError
from oss_upload.upload import SLICE

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType

    from typing_extensions import Buffer, Self

    from oss_upload.results import Progress, UploadResult

# What one call copies while asyncio's loop waits for it, and the longest time between two looks whether there is room.
_PIECE = 2**20
_LOOK = 0.02
_PATIENCE = 5


class UploadStream(BaseStream, io.RawIOBase):
    """A binary file that is only written, and becomes an object when it is finished; made by `Client.open_stream()`.

        with client.open_stream("my-bucket", "logs/today.gz") as stream:
            with gzip.open(stream, "wb") as log:
                log.write(b"...")
        print(stream.result.size)

    Whatever writes to a binary file takes it: `tarfile.open(fileobj=stream, mode="w|")`, `shutil.copyfileobj()`,
    `io.BufferedWriter(stream)`, which is worthwhile for many small writes.

    The object exists only after `finish()`, or `close()`, which calls it. An exception in the `with` block aborts the
    stream: no object is stored, and nothing is left on the server. A stream that is garbage-collected without being
    closed, or whose process dies, is left, as `leave()` does.

    One thread at a time writes; the other methods may be called from any thread.
    """

    def __init__(self, bucket: str, key: str) -> None:
        """Not for programs: see `Client.open_stream()`."""
        super().__init__(bucket, key)
        # An exception that is under way already says nothing about this stream.
        self._before = sys.exc_info()[1]
        self._lost = False

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Writes all of `data`, and returns its size. Waits for room when the network is slower, and while paused.

        The bytes are copied. Ctrl-C interrupts it within a tenth of a second. An exception that comes from outside,
        such as KeyboardInterrupt, aborts the stream, since nobody knows how much of `data` was taken.

        Raises:
            OSSUploadError: The upload has failed, perhaps with bytes of an earlier call; see `Upload.wait()`.
                Cancelled: it was aborted. LocalFileError: the spool cannot take more, for instance because its disk is
                full; when nothing of `data` was taken, the stream goes on with the next call, else it is aborted.
            InvalidArgument: It has been finished, or another thread is writing to it.
            TypeError: `data` is not bytes, and does not have the buffer protocol.
            ValueError: It is closed.
        """
        return self._write(data, _nothing)

    def finish(self) -> UploadResult:
        """Says that nothing more comes, and waits until the object is stored. Every later call has the same outcome.

        Ctrl-C interrupts the wait within a tenth of a second; nothing more can be written then.

        Returns:
            The outcome of the upload.

        Raises:
            OSSUploadError: Its subclasses say why the upload failed or stopped; see `Upload.wait()`. Cancelled: it was
                aborted.
            ValueError: It was closed before it was finished.
        """
        return self._finish(_nothing)

    def close(self) -> None:
        """Finishes the stream if it is neither finished nor aborted, and frees it. May be called more than once.

        In a `finally` or `except` block, and in the `__exit__()` of whatever wraps it, while an exception that began
        after the stream was opened is under way, it aborts the stream instead: what was written so far may be half of
        what was meant. Call `finish()` where it is whole nevertheless.

        Raises:
            OSSUploadError: The upload failed, and no call has said so yet; see `finish()`.
        """
        if self.closed:
            return
        try:
            error = sys.exc_info()[1]
            if self._lost or not self._handle.open:
                return
            if error is not None and error is not self._before:
                self._stop()
            elif self._end is None and not self._aborted:
                self._finish_or_stop()
            else:
                self._stop()
        finally:
            self._shut()

    def leave(self) -> None:
        """Closes the stream as if the process had died: no object is stored. Does not wait for anything.

        With a checkpoint, what was sent stays for the next stream of the same bytes; without one, it is removed from
        the server.
        """
        self._shut()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it; after an exception, aborts it and waits until it has stopped (about a second)."""
        if kind is None or self.closed:
            self.close()
            return
        try:
            self._stop()
        finally:
            self._shut()

    def __del__(self) -> None:
        """Leaves it, unlike other files: closing it would store an object that the program has given up."""
        if not self.closed:
            if self._handle.open and self._end is None:
                self._warn_of_loss(self, 2)
            self._shut()

    def _dealloc_warn(self, source: object) -> None:
        """Called by an io.BufferedWriter or io.TextIOWrapper that is dropped, before it closes what it wraps."""
        if not self._lost and self._handle.open and self._end is None:
            self._lost = True
            self._warn_of_loss(source, 3)

    def _write(self, data: Buffer, meanwhile: Callable[[], object]) -> int:
        if self.closed:
            raise ValueError("I/O operation on a closed stream")
        with self._alone(), Export("data", data) as block, self._whole() as taken:
            while taken[0] < block.size:
                taken[0] += self._try_write(block.address + taken[0], block.size - taken[0], SLICE)
                meanwhile()
            return block.size

    def _finish(self, meanwhile: Callable[[], object]) -> UploadResult:
        end = self._end
        if end is None:
            with self._alone():
                while (end := self._end) is None:
                    self._try_finish(SLICE)
                    meanwhile()
        return end.outcome()

    def _run(self, read: Callable[[], Buffer | None], on_progress: Callable[[Progress], object]) -> UploadResult:
        """Sends all that `read` returns until that is empty; None means that there is nothing yet."""
        report = Reports(lambda: self.progress, on_progress)
        try:
            while (data := read()) is None or memoryview(data).nbytes:
                report()
                if data is not None:
                    self._write(data, report)
            result = self._finish(report)
        except OSSUploadError:
            self._stop()
            on_progress(self.progress)
            raise
        on_progress(self.progress)
        return result

    def _finish_or_stop(self) -> None:
        try:
            self.finish()
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        """Aborts it if it goes on, and waits for its end."""
        self.abort()
        # Another thread that is writing is told so. Longer waits only a signal handler, for what it has interrupted.
        if self._end is None and self._writing.acquire(timeout=_PATIENCE):
            try:
                while self._end is None:
                    self._try_finish(SLICE)
            finally:
                self._writing.release()

    def _shut(self) -> None:
        BaseStream.leave(self)
        io.RawIOBase.close(self)


class AsyncUploadStream(BaseStream):
    """A stream for asyncio, made by `Client.open_stream_async()`: other tasks run while it waits.

        async with client.open_stream_async("my-bucket", "logs/today") as stream:
            await stream.write(b"...")
        print(stream.result.size)

    The object exists only after `finish()`, or `aclose()`, which calls it. An exception in the `async with` block,
    cancellation included, aborts the stream: no object is stored, and nothing is left on the server. A stream that is
    garbage-collected without being closed is left, as `leave()` does. One task at a time writes. No executor is used.
    """

    async def write(self, data: Buffer, /) -> int:
        """Writes all of `data`, and returns its size; the errors are those of `UploadStream.write()`.

        Waits for room when the network is slower, and while paused. Cancelling it aborts the stream, since nobody
        knows how much of `data` was taken.
        """
        return await self._write(data, _nothing)

    async def finish(self) -> UploadResult:
        """Says that nothing more comes, and waits until the object is stored, as `UploadStream.finish()` does."""
        return await self._finish(_nothing)

    async def aclose(self) -> None:
        """Finishes the stream if it is neither finished nor aborted, and frees it. May be called more than once.

        Raises:
            OSSUploadError: The upload failed, and no call has said so yet; see `UploadStream.finish()`.
        """
        if not self._handle.open:
            return
        try:
            if self._end is None and not self._aborted:
                await self.finish()
        except BaseException:
            await self._stop()
            raise
        else:
            await self._stop()
        finally:
            BaseStream.leave(self)

    async def __aenter__(self) -> Self:
        """The stream itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it; after an exception, aborts it and awaits its end (about a second)."""
        if kind is None:
            await self.aclose()
            return
        try:
            self.abort()
            # After a GeneratorExit the event loop is gone, and with it all awaiting.
            if kind is not GeneratorExit and self._handle.open:
                await self._stop()
        finally:
            BaseStream.leave(self)

    def __del__(self) -> None:
        """Leaves it: to close it would store an object that the program has given up."""
        if self._handle.open:
            if self._end is None:
                self._warn_of_loss(self, 2)
            BaseStream.leave(self)

    async def _run(
        self, read: Callable[[], Awaitable[Buffer]], on_progress: Callable[[Progress], object]
    ) -> UploadResult:
        """Sends all that `read` returns until that is empty."""
        report = Reports(lambda: self.progress, on_progress)
        try:
            while memoryview(data := await read()).nbytes:
                report()
                await self._write(data, report)
            result = await self._finish(report)
        except OSSUploadError:
            await self._stop()
            on_progress(self.progress)
            raise
        on_progress(self.progress)
        return result

    async def _write(self, data: Buffer, meanwhile: Callable[[], object]) -> int:
        with self._alone(), Export("data", data) as block, self._whole() as taken:
            wait = 0.0
            while taken[0] < block.size:
                piece = min(_PIECE, block.size - taken[0])
                count = self._try_write(block.address + taken[0], piece, 0)
                taken[0] += count
                wait = 0 if count == piece else _longer(wait)
                meanwhile()
                if taken[0] < block.size:
                    await _awaiting.sleep(wait)
            return block.size

    async def _finish(self, meanwhile: Callable[[], object]) -> UploadResult:
        if self._end is None:
            with self._alone():
                await self._await_end(meanwhile)
        end = self._end
        assert end is not None  # noqa: S101 - awaited just now
        return end.outcome()

    async def _await_end(self, meanwhile: Callable[[], object]) -> None:
        wait = 0.0
        self._try_finish(0)
        while self._end is None:
            meanwhile()
            wait = _longer(wait)
            await _awaiting.sleep(wait)
            self._try_finish(0)

    async def _stop(self) -> None:
        self.abort()
        if self._end is None:
            await self._await_end(_nothing)


def _longer(wait: float) -> float:
    return min(_LOOK, max(0.001, wait * 2))


def _nothing() -> None:
    pass
