"""Many files, each to exactly one outcome."""

from __future__ import annotations

import contextlib
import math
import os
import time
from ctypes import byref
from typing import TYPE_CHECKING, Callable, Union, overload

from oss_upload import _awaiting, _ffi, _options, errors, outcomes
from oss_upload._end import End
from oss_upload._handle import ClosedError, Handle
from oss_upload._library import library
from oss_upload._progress import Reports
from oss_upload.errors import InvalidArgument
from oss_upload.upload import SLICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
    from ctypes import c_void_p
    from types import TracebackType

    from typing_extensions import Self

    from oss_upload._options import Path, Source
    from oss_upload.outcomes import BatchProgress, BatchResult, Outcome

# What `upload_many()` takes: a path, or a path and a key.
Pair = Union["Path", tuple["Path", Union[str, None]]]
# So many outcomes wait in the library at most.
_MOST_KEPT = 1024
# The longest time between two looks of asyncio's loop.
_LOOK = 0.02


def merge_manifests(out: Path, manifests: Iterable[Path]) -> None:
    """Writes one manifest of those of all shards of a batch, in any order. Nothing is sent.

    It is that of the same batch without shards: use it with the mode "changed", "verify" or "verify_full". Nothing is
    written unless the manifests are of the same batch (endpoint, bucket, prefix, source, headers and number of shards),
    each shard is there once, and each has come to its end; start what was interrupted again first.

    Args:
        out: The file to write. An existing manifest of that batch is replaced.
        manifests: The manifests of the shards, which stay as they are.

    Raises:
        InvalidArgument: They do not belong together, or one is missing; the message says why. Also a ValueError.
        CheckpointError: One cannot be read or is not complete, or `out` cannot be written.
        CheckpointBusy: A batch uses one of them.
        TypeError: An argument has a wrong type.
    """
    paths = _options.strings("manifests", manifests, _options.file_path)
    error = _ffi.Error()
    if library.oss_manifest_merge(_options.file_path("out", out), paths, len(paths), byref(error)) != _ffi.OK:
        raise errors.from_struct(error)


class Batch:
    """An upload of many files, running or ended, created by `Client.start_batch()`.

        with client.start_batch("my-bucket", "photos/", directory="/data/photos", manifest="photos.manifest") as batch:
            for outcome in batch:
                print(outcome.path, outcome.status.name, outcome.error or "")
        print(batch.result.files_stored)

    Iterating yields what became of each file, in the order in which the files ended, until the batch has ended; in
    asyncio, so does `async for`. Several threads or tasks that iterate share the outcomes. At most 1024 are kept: when
    so many wait to be taken, the batch waits too.

    Leaving the `with` block seals the batch and waits for its end, and raises an error when files failed. Outcomes that
    nobody takes meanwhile are dropped. After an exception in the block, the batch is paused instead, so that a later
    call with its manifest goes on. A batch that is garbage-collected without being closed is also paused, in the
    background. In asyncio, use `async with`, `wait_async()`, `add_async()` and `aclose()`.

    Every method may be called from any thread.

    Attributes:
        bucket: Name of the bucket.
        prefix: What every key begins with.
    """

    def __init__(self, bucket: str, prefix: str, source: Source) -> None:
        """Not for programs: see `Client.start_batch()`."""
        self.bucket: str = bucket
        self.prefix: str = prefix
        # Filled by Client.
        self._handle = Handle(f"the batch to {bucket}/{prefix}", library.oss_batch_free)
        self._directory = source.get("directory")
        self._list = source.get("list_path")
        self._keeps_outcomes = source.get("outcomes", False)
        self._drained = False
        self._iterators = 0
        self._sealed = False
        self._told = False
        self._end: End[BatchProgress, BatchResult] | None = None

    def add(self, path: Path, key: str | None = None) -> None:
        """Adds a file to a batch that has neither `directory` nor `list_path`. Waits while many files wait.

        A file that cannot be uploaded is no error here: its outcome says why. Files wait for the outcomes before them,
        which somebody else has to take meanwhile if they are kept: after some thousand files, a program that first adds
        and then iterates would wait for itself. Start the batch with `outcomes=False`, or use `Client.upload_many()`.
        Ctrl-C interrupts it within a tenth of a second.

        Args:
            path: The local file. A relative path is resolved by this call.
            key: Name of the object. None: the prefix and the path, without a leading "/" or "./".

        Raises:
            InvalidArgument: An argument is invalid, the batch is sealed, or its files come from elsewhere.
            OSSUploadError: The batch has ended; its own error says why, as `wait()` raises it.
            TypeError: An argument has a wrong type.
            ValueError: The batch is closed.
        """
        pair = _pair((path, key))
        try:
            while not self._try_add(pair, SLICE):
                pass
        except _Ending:
            self.wait()
            raise _takes_no_more() from None

    async def add_async(self, path: Path, key: str | None = None) -> None:
        """Same as `add()`, for asyncio: other tasks run while it waits."""
        pair = _pair((path, key))
        wait = 0.0
        try:
            while not self._try_add(pair, 0):
                wait = _longer(wait)
                await _awaiting.sleep(wait)
        except _Ending:
            await self.wait_async()
            raise _takes_no_more() from None

    def seal(self) -> None:
        """Says that nothing more will be added, without which a batch of added files does not end.

        A second call does nothing.

        Raises:
            ValueError: The batch is closed.
        """
        self._sealed = True
        error = _ffi.Error()
        with self._handle as pointer:
            if library.oss_batch_seal(pointer, byref(error)) != _ffi.OK:
                raise errors.from_struct(error)

    @overload
    def wait(self, timeout: None = None) -> BatchResult: ...

    @overload
    def wait(self, timeout: float) -> BatchResult | None: ...

    def wait(self, timeout: float | None = None) -> BatchResult | None:
        """Waits until the batch has ended. Every later call has the same outcome.

        While nobody iterates, outcomes are dropped: to have them, iterate first. Ctrl-C interrupts it within a tenth of
        a second and leaves the batch running; closing it (or leaving its `with` block) pauses it.

        Args:
            timeout: Seconds to wait. 0 returns at once; None means no limit.

        Returns:
            The outcome of the batch, or None if it is still running.

        Raises:
            FilesFailedError: Some files failed; `result` counts them.
            OSSUploadError: Its other subclasses say what ended the batch: Paused, Cancelled, or an error that concerns
                all files, such as CredentialsError, ServiceError, LocalFileError, CheckpointError, CheckpointBusy.
            ValueError: It was closed before it had ended, which only a second Ctrl-C can cause.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._pass_time(min(SLICE, deadline - time.monotonic()))
            if self._end is not None:
                return self._tell(self._end)
            if time.monotonic() >= deadline:
                return None

    @overload
    async def wait_async(self, timeout: None = None) -> BatchResult: ...

    @overload
    async def wait_async(self, timeout: float) -> BatchResult | None: ...

    async def wait_async(self, timeout: float | None = None) -> BatchResult | None:
        """Same as `wait()`, for asyncio: other tasks run meanwhile. Cancelling it leaves the batch running."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        wait = 0.0
        while True:
            self._pass_time(0)
            if self._end is not None:
                return self._tell(self._end)
            if time.monotonic() >= deadline:
                return None
            wait = _longer(wait)
            await _awaiting.sleep(min(wait, max(0, deadline - time.monotonic())))

    @property
    def progress(self) -> BatchProgress:
        """Current progress; the last state if the batch has ended."""
        return self._look(0)

    @property
    def result(self) -> BatchResult | None:
        """What was done, also when the batch failed or was stopped; None while it is running."""
        if self._end is None and self._handle.open:
            self._look(0)
        return None if self._end is None else self._end.result

    def pause(self) -> None:
        """Asks the batch to stop soon. Returns at once.

        Files in work are stopped, and large ones keep their checkpoints; with a manifest, a later call goes on.
        `wait()` then raises Paused within about a second, or has the outcome of the batch if it ended first.
        """
        self._ask(library.oss_batch_pause)

    def cancel(self) -> None:
        """Same as `pause()`, but what was sent of files in work is removed from the server. Stored objects stay.

        `wait()` then raises Cancelled, or has the outcome of the batch if it ended first.
        """
        self._ask(library.oss_batch_cancel)

    def close(self) -> None:
        """Pauses the batch if it is running, waits until it has stopped (about a second) and frees it.

        Afterwards, its manifest is free for another batch. `wait()`, `progress` and `result` still report its outcome.
        May be called more than once.
        """
        try:
            if self._handle.open and self._end is None:
                self.pause()
                while self._end is None:
                    self._look(SLICE)
        finally:
            self._handle.close()

    async def aclose(self) -> None:
        """Same as `close()`, for asyncio: other tasks run meanwhile. Cancelling it ends the wait, not the pause."""
        try:
            if self._handle.open and self._end is None:
                self.pause()
                await self._await_end(_nothing)
        finally:
            self._handle.close()

    def __iter__(self) -> Iterator[Outcome]:
        """Yields what becomes of each file, until the batch has ended.

        Raises:
            InvalidArgument: The batch was started with `outcomes=False`.
            ValueError: The batch is closed.
        """
        self._check_outcomes()
        return self._each()

    def __aiter__(self) -> AsyncIterator[Outcome]:
        """Same as iterating, for asyncio."""
        self._check_outcomes()
        return self._each_async()

    def __enter__(self) -> Self:
        """The batch itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Waits for its end and closes it; after an exception, pauses and closes it."""
        try:
            if kind is None and self._is_awaited():
                self.seal()
                self.wait()
        finally:
            self.close()

    async def __aenter__(self) -> Self:
        """The batch itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Waits for its end and closes it; after an exception, pauses and closes it."""
        if kind is GeneratorExit:
            # The event loop is gone, and with it all awaiting. The batch is paused in the background.
            self._handle.close()
            return
        try:
            if kind is None and self._is_awaited():
                self.seal()
                await self.wait_async()
        finally:
            await self.aclose()

    def __repr__(self) -> str:
        """Where it goes, and its state."""
        end = self._end
        state = "running" if self._handle.open else "closed"
        if end is not None:
            state = "done" if end.error is None else "ended"
        return f"<oss_upload.Batch {f'{self.bucket}/{self.prefix}'!r} {state}>"

    def _ask(self, function: Callable[[c_void_p], None]) -> None:
        # Who stopped it need not be told so at the end of the `with` block.
        self._told = True
        try:
            with self._handle as pointer:
                function(pointer)
        except ClosedError:
            if self._end is None:
                raise

    def _is_awaited(self) -> bool:
        return self._handle.open and not self._told

    def _may_be_added_to(self) -> bool:
        """Whether only its end can be the reason why a file was refused."""
        return self._directory is None and self._list is None and not self._sealed

    def _check_outcomes(self) -> None:
        if not self._keeps_outcomes:
            raise InvalidArgument("the batch was started with outcomes=False: there are none to iterate")

    def _tell(self, end: End[BatchProgress, BatchResult]) -> BatchResult:
        self._told = True
        return end.outcome()

    def _each(self) -> Iterator[Outcome]:
        self._iterators += 1
        try:
            while not self._drained:
                outcome = self._take(SLICE)
                if outcome is not None:
                    yield outcome
            # The end follows the last outcome at once: then there is a result.
            while self._end is None:
                self._look(SLICE)
        finally:
            self._iterators -= 1

    async def _each_async(self) -> AsyncIterator[Outcome]:
        self._iterators += 1
        wait = 0.0
        try:
            while not self._drained:
                outcome = self._take(0)
                wait = 0 if outcome is not None else _longer(wait)
                if outcome is not None:
                    yield outcome
                # Also when there are many: other tasks have their turn.
                await _awaiting.sleep(wait)
            await self._await_end(_nothing)
        finally:
            self._iterators -= 1

    def _run(
        self,
        on_outcome: Callable[[Outcome], object],
        on_progress: Callable[[BatchProgress], object],
        pairs: Iterable[Pair | None] = (),
    ) -> BatchResult:
        """Adds all pairs (None: there is nothing yet), takes what comes meanwhile, and waits for the end."""
        report = self._reports(on_progress)

        def take(seconds: float) -> None:
            outcome = self._take(seconds) if self._keeps_outcomes else None
            while outcome is not None:
                on_outcome(outcome)
                report()
                outcome = self._take(0)
            report()

        # With outcomes to take, the wait is for these: a batch that has no room for them has none for files either.
        patience = 0 if self._keeps_outcomes else SLICE
        with contextlib.suppress(_Ending):
            for pair in pairs:
                while pair is not None and not self._try_add(_pair(pair), patience):
                    take(SLICE / 10)
                take(0)
        self.seal()
        while self._keeps_outcomes and not self._drained:
            take(SLICE)
        while self._end is None:
            report()
            self._look(SLICE)
        self._told = True
        return self._end.report(on_progress)

    async def _run_async(
        self,
        on_outcome: Callable[[Outcome], object],
        on_progress: Callable[[BatchProgress], object],
        pairs: Iterable[Pair] | AsyncIterable[Pair] = (),
    ) -> BatchResult:
        report = self._reports(on_progress)

        def take() -> bool:
            """Takes an outcome; whether there was one."""
            report()
            outcome = self._take(0) if self._keeps_outcomes else None
            if outcome is not None:
                on_outcome(outcome)
            return outcome is not None

        wait = 0.0
        with contextlib.suppress(_Ending):
            async for pair in _one_after_another(pairs):
                while not self._try_add(_pair(pair), 0):
                    wait = 0 if take() else _longer(wait)
                    await _awaiting.sleep(wait)
                take()
                await _awaiting.sleep(0)
        self.seal()
        while self._keeps_outcomes and not self._drained:
            wait = 0 if take() else _longer(wait)
            await _awaiting.sleep(wait)
        await self._await_end(report)
        self._told = True
        assert self._end is not None  # noqa: S101 - awaited just now
        return self._end.report(on_progress)

    def _reports(self, on_progress: Callable[[BatchProgress], object]) -> Reports[BatchProgress]:
        """What is said on the way; the end is reported apart."""
        return Reports(lambda: self.progress, lambda now: None if now.ended else on_progress(now))

    async def _await_end(self, meanwhile: Callable[[], object]) -> None:
        wait = 0.0
        self._look(0)
        while self._end is None:
            meanwhile()
            wait = _longer(wait)
            await _awaiting.sleep(wait)
            self._look(0)

    def _try_add(self, pair: tuple[bytes, bytes | None], seconds: float) -> bool:
        """Adds for at most so long; whether there was room."""
        error = _ffi.Error()
        with self._handle as pointer:
            status = library.oss_batch_try_add(pointer, *pair, _milliseconds(seconds), byref(error))
        if status not in (_ffi.OK, _ffi.PENDING):
            failure = errors.from_struct(error)
            is_ending = isinstance(failure, InvalidArgument) and self._may_be_added_to()
            raise _Ending if is_ending else failure
        return bool(status == _ffi.OK)

    def _take(self, seconds: float) -> Outcome | None:
        """The next outcome, if there is one within so long."""
        struct = _ffi.Outcome()
        return outcomes.outcome(struct, self._directory) if self._next(struct, seconds) else None

    def _next(self, struct: _ffi.Outcome, seconds: float) -> bool:
        with self._handle as pointer:
            status = library.oss_batch_next_outcome(pointer, _milliseconds(seconds), byref(struct))
        self._drained = self._drained or status == _ffi.END
        return bool(status == _ffi.OK)

    def _pass_time(self, seconds: float) -> None:
        """Waits for at most so long. What nobody would take must not hold the batch up."""
        drops = self._keeps_outcomes and not self._drained and not self._iterators and self._end is None
        if drops:
            struct = _ffi.Outcome()
            for _ in range(_MOST_KEPT):
                if not self._next(struct, seconds):
                    break
                seconds = 0
        self._look(0 if drops else seconds)

    def _look(self, seconds: float) -> BatchProgress:
        """Waits for at most so long, and keeps what the library tells at the end."""
        end = self._end
        if end is not None:
            return end.progress
        progress, result, error = _ffi.BatchProgress(), _ffi.BatchResult(), _ffi.Error()
        try:
            with self._handle as pointer:
                status = library.oss_batch_wait(
                    pointer, _milliseconds(seconds), byref(progress), byref(result), byref(error)
                )
        except ClosedError:
            # By another thread, just now: that has seen the end first.
            if self._end is None:
                raise
            return self._end.progress
        now = outcomes.progress(progress)
        if status != _ffi.PENDING:
            source = self._list if self._directory is None else self._directory
            self._end = End(source, now, outcomes.result(result), None if status == _ffi.OK else error)
        return now


def _pair(pair: Pair) -> tuple[bytes, bytes | None]:
    """A path and a key, as C takes them."""
    path, key = (pair, None) if isinstance(pair, (str, bytes, os.PathLike)) else pair
    return _options.file_path("path", path), _options.text("key", key)


async def _one_after_another(pairs: Iterable[Pair] | AsyncIterable[Pair]) -> AsyncIterator[Pair]:
    if hasattr(pairs, "__aiter__"):
        async for pair in pairs:
            yield pair
    else:
        for pair in pairs:
            yield pair


def _milliseconds(seconds: float) -> int:
    return math.ceil(max(0, seconds) * 1000)


def _longer(wait: float) -> float:
    return min(_LOOK, max(0.001, wait * 2))


def _nothing() -> None:
    pass


class _Ending(Exception):
    """The batch takes no more files: it has ended, or is about to."""


def _takes_no_more() -> InvalidArgument:
    return InvalidArgument("the batch has ended: nothing can be added any more")
