"""The client: endpoint, credentials, and limits that its uploads share."""

from __future__ import annotations

import os
from ctypes import byref
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from oss_upload import _ffi, _options, _progress, _reader, _shared, errors, events
from oss_upload._buffer import Export
from oss_upload._handle import Handle
from oss_upload._library import library
from oss_upload._options import BatchOptions, ClientOptions, UploadOptions
from oss_upload.stream import AsyncUploadStream, UploadStream
from oss_upload.upload import Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Coroutine, Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Buffer, Self, Unpack

    from oss_upload._options import Path, Source
    from oss_upload._progress import BatchProgressReceiver, ProgressReceiver
    from oss_upload._reader import AsyncBinaryReader, BinaryReader
    from oss_upload._stream import BaseStream
    from oss_upload.batch import Batch, Pair
    from oss_upload.events import Event
    from oss_upload.outcomes import BatchResult, Outcome
    from oss_upload.results import UploadResult

Pairs = TypeVar("Pairs")


class Client:
    """The endpoint, credentials, connections and limits that its uploads share.

        with Client("oss-cn-hangzhou.aliyuncs.com") as client:
            client.upload_file("/data/a.mp4", "my-bucket", "videos/a.mp4")

    Several threads may use it at the same time: one client for a program is enough. It must not be used in a
    forked child (RuntimeError): create a new client there.
    """

    @_options.explained_by(ClientOptions)
    def __init__(
        self,
        endpoint: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Creates a client. Nothing is sent yet.

        Args:
            endpoint: Host, with an optional scheme ("https://" by default) and port: "oss-cn-hangzhou.aliyuncs.com", an
                internal, accelerate or dual-stack host, a custom domain (then set `cname`), or an IP address. May be
                left out when `region` is given.
            **options: Those of `ClientOptions`.

        Raises:
            InvalidArgument: An option is invalid; the message names it. Also a ValueError.
            CredentialsError: The source set by `credentials` has none.
            LocalFileError: `ca_file` could not be read. Also an OSError.
            Unsupported: The profile requires a login.
            TypeError: An argument has a wrong type.
        """
        # Kept for repr() only, which must not tell secrets.
        self._endpoint, self._region = endpoint, options.get("region")
        self._handle = Handle("the client", library.oss_client_free)
        struct = _options.client_options(endpoint, options)
        _call(library.oss_client_new, byref(struct), byref(self._handle.pointer), path=options.get("ca_file"))

    @_options.explained_by(UploadOptions)
    def upload_file(
        self,
        path: Path,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> UploadResult:
        """Uploads one file and returns when it is stored.

        The object appears complete or not at all, and only if its CRC-64 equals that of the file. With a checkpoint, a
        failed or paused upload resumes where it stopped when it is started again; without one, nothing of it is left
        on the server. Ctrl-C, or any other exception meanwhile, pauses the upload and reaches the caller once the
        upload has stopped (about a second; a second Ctrl-C does not wait).

        Args:
            path: The local file. A relative path means what it means at the time of the call, wherever the program goes
                meanwhile; so do those of the checkpoint.
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            key: Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with "/" or a backslash.
            **options: Those of `UploadOptions`.
            progress: A function, called on this thread with a `Progress` about ten times a second and once at the end,
                also when the upload failed. What it returns is ignored; to stop the upload, raise. Or a progress bar
                that counts bytes, such as `tqdm(unit="B", unit_scale=True)`: it gets the file's size as its total when
                it has none, bytes that an earlier call had sent do not count for its rate, and it is left open at its
                end. A bar with a total may be shared by uploads of many files, in several threads too.

        Returns:
            The outcome of the upload.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say why the upload failed or stopped; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        on_progress = _progress.receiver(progress)
        with Upload(path, bucket, key) as upload:
            self._start(upload, options)
            return upload._run(on_progress)

    def upload_file_async(
        self,
        path: Path,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> Coroutine[Any, Any, UploadResult]:
        """Same as `upload_file()`, for asyncio: other tasks of the event loop, including uploads, run meanwhile.

            async with Client("oss-cn-hangzhou.aliyuncs.com") as client:
                await client.upload_file_async("/data/a.mp4", "my-bucket", "videos/a.mp4", checkpoint=True)

        Arguments, result and errors are those of `upload_file()`. `progress` is called on the event loop's thread. If
        the task is cancelled, or anything else is raised meanwhile, the upload is paused, and its end is awaited
        (about a second; a second cancellation does not wait). No Python thread and no executor is used.

        The upload starts when the coroutine first runs. Relative paths are resolved by this call.
        """
        full, options = _options.in_full(path), _options.with_full_paths(options)

        async def run() -> UploadResult:
            on_progress = _progress.receiver(progress)
            async with Upload(path, bucket, key) as upload:
                self._start(upload, options, full)
                return await upload._run_async(on_progress)

        return run()

    def start(
        self,
        path: Path,
        bucket: str,
        key: str,
        **options: Unpack[UploadOptions],
    ) -> Upload:
        """Starts an upload and returns at once; the arguments are those of `upload_file()`.

        The arguments are checked before this call returns. The file and the server are accessed afterwards;
        `Upload.wait()` reports failures there.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            LocalFileError, CheckpointError: A path is relative, and the current directory no longer exists, or it is
                longer than the system allows.
            Unsupported: This version does not support an option.
            ResourcesError: No thread could be created.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        upload = Upload(path, bucket, key)
        try:
            self._start(upload, options)
        except BaseException:
            upload.close()
            raise
        return upload

    @_options.explained_by(UploadOptions)
    def upload_memory(
        self,
        data: Buffer,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> UploadResult:
        """Uploads a block of memory and returns when it is stored.

        The memory is not copied, and must not change before this call returns; meanwhile a bytearray cannot be resized.
        Everything else is as for `upload_file()`, except that nothing can be resumed: Ctrl-C, or any other exception
        meanwhile, stops the upload, and nothing of it is left on the server.

        Args:
            data: bytes, or anything else with the buffer protocol whose bytes are one block: bytearray, memoryview,
                mmap, array, a C-contiguous array of numpy.
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            key: Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with "/" or a backslash.
            **options: Those of `UploadOptions`, without those about files and streams.
            progress: A function or a progress bar, as `upload_file()` takes it.

        Returns:
            The outcome of the upload.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError. The bytes of `data` are
                not one block.
            OSSUploadError: Its other subclasses say why the upload failed or stopped; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        on_progress = _progress.receiver(progress)
        with self.start_memory(data, bucket, key, **options) as upload:
            return upload._run(on_progress)

    def upload_memory_async(
        self,
        data: Buffer,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> Coroutine[Any, Any, UploadResult]:
        """Same as `upload_memory()`, for asyncio, in the way of `upload_file_async()`.

        The memory is held from this call on. It is let go when the upload has ended; after a second cancellation, which
        does not wait for that, the event loop waits (at most about a second).
        """
        memory, options = Export("data", data), _options.with_full_paths(options)

        async def run() -> UploadResult:
            on_progress = _progress.receiver(progress)
            async with Upload(None, bucket, key, memory) as upload:
                self._start_memory(upload, memory, options)
                return await upload._run_async(on_progress)

        return run()

    def start_memory(
        self,
        data: Buffer,
        bucket: str,
        key: str,
        **options: Unpack[UploadOptions],
    ) -> Upload:
        """Starts the upload of a block of memory and returns at once; the arguments are those of `upload_memory()`.

        The memory must not change before the upload has ended. It is held until `Upload.wait()`, `Upload.progress` or
        `Upload.close()` has seen the end. An upload that is garbage-collected before pauses, and waits until its memory
        is no longer read (at most about a second).

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            Unsupported: This version does not support an option.
            ResourcesError: No thread could be created.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        memory = Export("data", data)
        upload = Upload(None, bucket, key, memory)
        try:
            self._start_memory(upload, memory, options)
        except BaseException:
            upload.close()
            memory.release()
            raise
        return upload

    @_options.explained_by(UploadOptions)
    def open_stream(self, bucket: str, key: str, **options: Unpack[UploadOptions]) -> UploadStream:
        """Opens a binary file to write to, which becomes an object when it is finished; see `UploadStream`.

            with client.open_stream("my-bucket", "backup.tar") as stream:
                with tarfile.open(fileobj=stream, mode="w|") as archive:
                    archive.add("/data")

        The arguments are checked before this call returns; nothing is sent before the first part is full or the stream
        is finished. In memory are at most `max_memory` bytes. With a path as `checkpoint`, a stream can be resumed
        after a crash: open it again with the same options and write the same bytes from their beginning; parts that the
        server has are not sent again.

        Args:
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            key: Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with "/" or a backslash.
            **options: Those of `UploadOptions`, without those about files.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            LocalFileError: There is no room for a spool file in `spool_dir`. Also an OSError.
            CheckpointError: The checkpoint's path is relative, and the current directory no longer exists.
            Unsupported: This version does not support an option.
            ResourcesError: No thread could be created.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        stream = UploadStream(bucket, key)
        try:
            self._open(stream, options)
        except BaseException:
            stream.leave()
            raise
        return stream

    def open_stream_async(self, bucket: str, key: str, **options: Unpack[UploadOptions]) -> AsyncUploadStream:
        """Same as `open_stream()`, for asyncio; see `AsyncUploadStream`. The call itself does not wait for anything."""
        stream = AsyncUploadStream(bucket, key)
        self._open(stream, options)
        return stream

    @_options.explained_by(UploadOptions)
    def upload_fileobj(
        self,
        file: BinaryReader,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> UploadResult:
        """Reads a binary file object to its end, and returns when that is stored as an object.

        The file is read from where it is, and left open. An exception while it is read, and any other, such as
        KeyboardInterrupt, aborts the upload (which takes about a second) and reaches the caller; no object is stored.

        Args:
            file: Anything with `read(size)` that returns bytes, or with `readinto()`: a response, a pipe, a member of
                an archive. For a local file, `upload_file()` is faster and can resume.
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            key: Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with "/" or a backslash.
            **options: Those of `UploadOptions`, without those about files.
            progress: A function or a progress bar, as `upload_file()` takes it; called between two reads. The total is
                0 until the file has been read.

        Returns:
            The outcome of the upload.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say why the upload failed; see `Upload.wait()`.
            BlockingIOError: The file is non-blocking, and has nothing to read yet.
            TypeError: An argument has a wrong type, or the file is not binary.
            ValueError: The client is closed.
        """
        read, on_progress = _reader.blocking(file), _progress.receiver(progress)
        with self.open_stream(bucket, key, **options) as stream:
            return stream._run(read, on_progress)

    def upload_fileobj_async(
        self,
        file: BinaryReader | AsyncBinaryReader,
        bucket: str,
        key: str,
        *,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> Coroutine[Any, Any, UploadResult]:
        """Same as `upload_fileobj()`, for asyncio.

        `file` has a coroutine function `read(size)`, as asyncio.StreamReader has, or blocks: then it is read in a
        thread of the loop's executor, which after a cancellation may go on with a last read. Cancelling aborts the
        upload, and awaits its end (about a second). `progress` is called on the event loop's thread.
        """
        options = _options.with_full_paths(options)

        async def run() -> UploadResult:
            read, on_progress = _reader.awaitable(file), _progress.receiver(progress)
            async with self.open_stream_async(bucket, key, **options) as stream:
                return await stream._run(read, on_progress)

        return run()

    @_options.explained_by(UploadOptions)
    def begin_shared_upload(self, path: Path, bucket: str, key: str, **options: Unpack[UploadOptions]) -> str:
        """Opens an object that several hosts upload together, and returns the token that the other steps need.

            token = client.begin_shared_upload("/shared/a.tar", "my-bucket", "a.tar", part_size="auto")
            count = oss_upload.shared_upload_part_count(token)
            # On any host, in any order, as often as you like:
            fragment = client.send_parts("/shared/a.tar", "my-bucket", "a.tar", token, first=1, last=count)
            # With the fragments of all parts:
            client.finish_shared_upload("my-bucket", "a.tar", token, [fragment])

        Each host sees the file at a path of its own: as a shared file, or as a copy with the same bytes. All steps take
        the same bucket, key, headers and metadata. A step that fails, is stopped or killed can be repeated, here or on
        another host; parts stay on the server until the upload is finished or aborted. The token is a line of text
        without secrets. A file that changes is an error, whatever `on_file_change` says.

        Args:
            path: The local file, which must not be empty.
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            key: Name of the object: 1 to 1023 bytes of UTF-8 that do not begin with "/" or a backslash. If Content-Type
                is not set, it is guessed from the key.
            **options: Those of `UploadOptions`, without those about checkpoints and streams.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say why the step failed; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        return _shared.run(self._handle, _shared.begin(path, bucket, key, options))[1]

    @_options.explained_by(UploadOptions)
    def send_parts(
        self,
        path: Path,
        bucket: str,
        key: str,
        token: str,
        *,
        first: int,
        last: int,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> str:
        """Sends parts `first` to `last` of a shared upload, and returns the fragment for `finish_shared_upload()`.

        Parts that the server has already are compared with the file, and not sent again. Ranges may overlap, and
        several hosts may send the same one. Ctrl-C, or any other exception meanwhile, stops the step; what was sent
        stays on the server.

        Args:
            path: The file, as this host sees it.
            bucket: As in `begin_shared_upload()`.
            key: As in `begin_shared_upload()`.
            token: What `begin_shared_upload()` returned.
            first: Number of the first part; parts begin with 1.
            last: Number of the last part, at most `shared_upload_part_count(token)`.
            **options: As in `begin_shared_upload()`. `part_size` has no effect.
            progress: A function or a progress bar, as `upload_file()` takes it.

        Raises:
            FileChanged: The file has another size than it had, or changes meanwhile.
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say why the step failed; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        step = _shared.send((path, bucket, key), token, (first, last), options)
        return _shared.run(self._handle, step, _progress.receiver(progress))[1]

    @_options.explained_by(UploadOptions)
    def finish_shared_upload(
        self,
        bucket: str,
        key: str,
        token: str,
        fragments: Iterable[str],
        *,
        path: Path | None = None,
        progress: ProgressReceiver = None,
        **options: Unpack[UploadOptions],
    ) -> UploadResult:
        """Makes the object of all parts of a shared upload, and proves it by its CRC-64.

        The order of the fragments does not matter, and they may be repeated; of a part that is in several, the last one
        counts. An object that is stored already, since this call is repeated, counts as success.

        Args:
            bucket: As in `begin_shared_upload()`.
            key: As in `begin_shared_upload()`.
            token: What `begin_shared_upload()` returned.
            fragments: What the calls of `send_parts()` returned.
            path: The file, if this host sees it. It is needed when parts were read from files with different times: the
                content must decide then, and the file is read. `verify_resume="never"` promises instead that all files
                had the same bytes; "always" reads the file in any case.
            **options: As in `begin_shared_upload()`. `part_size` has no effect.
            progress: A function or a progress bar, as `upload_file()` takes it.

        Returns:
            The outcome of the upload.

        Raises:
            FileChanged: The file changed while hosts sent it, or may have. `part_number` says which part to send again.
            InvalidArgument: An argument is invalid, or parts are missing; the message names them. Also a ValueError.
            OSSUploadError: Its other subclasses say why the step failed; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        step = _shared.finish((path, bucket, key), token, fragments, options)
        return _shared.run(self._handle, step, _progress.receiver(progress))[0]

    @_options.explained_by(UploadOptions)
    def abort_shared_upload(self, bucket: str, key: str, token: str, **options: Unpack[UploadOptions]) -> None:
        """Removes from the server what was sent of a shared upload.

        An upload that is gone already is no error, and an object that was stored stays.

        Args:
            bucket: As in `begin_shared_upload()`.
            key: As in `begin_shared_upload()`.
            token: What `begin_shared_upload()` returned.
            **options: As in `begin_shared_upload()`.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say why the step failed; see `Upload.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        _shared.run(self._handle, _shared.abort(bucket, key, token, options))

    @_options.explained_by(BatchOptions)
    def upload_directory(
        self,
        path: Path,
        bucket: str,
        prefix: str = "",
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        progress: BatchProgressReceiver = None,
        **options: Unpack[BatchOptions],
    ) -> BatchResult:
        """Uploads all files of a folder and of the folders below, and returns when they are stored.

            client.upload_directory("/data/photos", "my-bucket", "photos/", manifest="/var/lib/backup/photos")

        Files are found while others are uploaded. Every file ends as exactly one outcome; one that fails stops nothing.
        With a manifest, a batch that was interrupted, even by a kill, goes on when it is started again: what is stored
        is not sent again, and large files go on in their middle. Nothing is deleted in the bucket. Ctrl-C, or any other
        exception meanwhile, pauses the batch and reaches the caller once it has stopped (about a second; a second
        Ctrl-C does not wait).

        Args:
            path: The folder.
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            prefix: What every key begins with, such as "photos/". The path of the file, from the folder on, follows it
                directly.
            on_outcome: A function, called on this thread with the `Outcome` of each file, in the order in which they
                end. What it returns is ignored; to stop the batch, raise. When it is slow, the batch waits for it.
            **options: Those of `BatchOptions`.
            progress: A function, called on this thread with a `BatchProgress` about ten times a second and once at the
                end. Or a progress bar that counts bytes, such as `tqdm(unit="B", unit_scale=True)`: without a total,
                it gets the size of the files that are found.

        Returns:
            The outcome of the batch.

        Raises:
            FilesFailedError: Some files failed; `on_outcome` was told why. `result` counts them.
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say what ended the batch; see `Batch.wait()`.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        on_progress = _progress.batch_receiver(progress)
        source: Source = {"directory": path, "outcomes": on_outcome is not None}
        with self._start_batch(bucket, prefix, source, options) as batch:
            return batch._run(on_outcome or _progress.ignore, on_progress)

    def upload_directory_async(
        self,
        path: Path,
        bucket: str,
        prefix: str = "",
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        progress: BatchProgressReceiver = None,
        **options: Unpack[BatchOptions],
    ) -> Coroutine[Any, Any, BatchResult]:
        """Same as `upload_directory()`, for asyncio, in the way of `upload_file_async()`.

        `on_outcome` and `progress` are called on the event loop's thread. If the task is cancelled, the batch is
        paused, and its end is awaited.
        """
        source: Source = {"directory": _options.in_full(path), "outcomes": on_outcome is not None}
        options = _options.with_full_paths(options)

        async def run() -> BatchResult:
            on_progress = _progress.batch_receiver(progress)
            async with self._start_batch(bucket, prefix, source, options) as batch:
                return await batch._run_async(on_outcome or _progress.ignore, on_progress)

        return run()

    @_options.explained_by(BatchOptions)
    def upload_many(
        self,
        pairs: Iterable[Pair],
        bucket: str,
        prefix: str = "",
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        progress: BatchProgressReceiver = None,
        **options: Unpack[BatchOptions],
    ) -> BatchResult:
        """Uploads many files, wherever they are, and returns when they are stored.

            client.upload_many(((photo.path, f"photos/{photo.id}.jpg") for photo in photos), "my-bucket")

        Everything else is as for `upload_directory()`.

        Args:
            pairs: Paths, or pairs of a path and a key; also a generator, of any length. It is asked on this thread for
                the next one when there is room. A relative path means what it means then. Without a key (or with None),
                the key is `prefix` and the path, without a leading "/" or "./".
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            prefix: What the keys begin with that are made of paths. A key that is given is taken as it is.
            on_outcome: A function, called on this thread with the `Outcome` of each file, in the order in which they
                end, between two questions for the next pair. When it is slow, the batch waits for it.
            **options: Those of `BatchOptions`.
            progress: A function or a progress bar, as `upload_directory()` takes it.

        Returns:
            The outcome of the batch.

        Raises:
            FilesFailedError: Some files failed; `on_outcome` was told why. `result` counts them.
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            OSSUploadError: Its other subclasses say what ended the batch; see `Batch.wait()`.
            TypeError: An argument has a wrong type, or `pairs` has something else in it.
            ValueError: The client is closed.
        """
        several, on_progress = _several(pairs), _progress.batch_receiver(progress)
        with self._start_batch(bucket, prefix, {"outcomes": on_outcome is not None}, options) as batch:
            return batch._run(on_outcome or _progress.ignore, on_progress, several)

    def upload_many_async(
        self,
        pairs: Iterable[Pair] | AsyncIterable[Pair],
        bucket: str,
        prefix: str = "",
        *,
        on_outcome: Callable[[Outcome], object] | None = None,
        progress: BatchProgressReceiver = None,
        **options: Unpack[BatchOptions],
    ) -> Coroutine[Any, Any, BatchResult]:
        """Same as `upload_many()`, for asyncio, in the way of `upload_directory_async()`.

        `pairs` may also be an asynchronous iterable. A relative path in it means what it means when it is asked for.
        """
        several, options = _several(pairs), _options.with_full_paths(options)

        async def run() -> BatchResult:
            on_progress = _progress.batch_receiver(progress)
            async with self._start_batch(bucket, prefix, {"outcomes": on_outcome is not None}, options) as batch:
                return await batch._run_async(on_outcome or _progress.ignore, on_progress, several)

        return run()

    @_options.explained_by(BatchOptions)
    def start_batch(
        self,
        bucket: str,
        prefix: str = "",
        *,
        directory: Path | None = None,
        list_path: Path | None = None,
        list_null_separated: bool = False,
        outcomes: bool = True,
        **options: Unpack[BatchOptions],
    ) -> Batch:
        """Starts the upload of many files and returns at once; see `Batch`.

        The arguments are checked before this call returns. Files and server are accessed afterwards; `Batch.wait()`
        reports failures there.

        Args:
            bucket: Name of the bucket: 3 to 63 of a-z, 0-9 and "-".
            prefix: What the keys begin with that are made of paths, such as "photos/".
            directory: Folder whose files, and those in all folders below, are uploaded, in the order of their paths.
            list_path: File with one path a line, or with a path, a tab and a key. Without it and `directory`, the files
                are those of `Batch.add()`, until `Batch.seal()`.
            list_null_separated: The entries of the list end with a zero byte instead of a line break.
            outcomes: Keep every outcome until somebody who iterates takes it; when 1024 wait, the batch waits too. With
                False there is nothing to iterate, and nothing to wait for.
            **options: Those of `BatchOptions`.

        Raises:
            InvalidArgument: An argument is invalid; the message names it. Also a ValueError.
            LocalFileError, CheckpointError: A path is relative, and the current directory no longer exists.
            ResourcesError: No thread could be created.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        source: Source = {
            "directory": directory,
            "list_path": list_path,
            "list_null_separated": list_null_separated,
            "outcomes": outcomes,
        }
        return self._start_batch(bucket, prefix, source, options)

    def set_credentials(self, access_key_id: str, access_key_secret: str, security_token: str | None = None) -> None:
        """Replaces the credentials, including those of running uploads: the next request is signed with the new ones.

        Args:
            access_key_id: AccessKey id.
            access_key_secret: AccessKey secret.
            security_token: Security token of temporary (STS) credentials; None for a permanent key.

        Raises:
            CredentialsError: The ID or the secret is empty.
            InvalidArgument: An argument is invalid. Also a ValueError.
            TypeError: An argument has a wrong type.
            ValueError: The client is closed.
        """
        key_id = _options.required("access_key_id", access_key_id)
        secret = _options.required("access_key_secret", access_key_secret)
        token = _options.text("security_token", security_token)
        with self._handle as pointer:
            _call(library.oss_client_set_credentials, pointer, key_id, secret, token)

    def next_event(self) -> Event | None:
        """Retrieves the oldest pending event of the client's uploads. Never waits for one.

        The first call opens the queue: make it before the first upload to receive every event. Up to 1024 events are
        kept; after that, the oldest are dropped, and the next one counts them. Nothing is recorded until the first
        call. Several threads share one queue: each event goes to one of them.

        Returns:
            The event, or None if there is none.

        Raises:
            ValueError: The client is closed.
        """
        with self._handle as pointer:
            return events.take(library.oss_client_next_event, pointer)

    def events(self) -> Iterator[Event]:
        """Yields the pending events, oldest first, and ends when none is left; see `next_event()`.

            for event in client.events():
                logger.debug("%s", event)

        It does not wait for more: call it again from time to time. The call also opens the queue.

        Raises:
            ValueError: The client is closed.
        """
        return events.drain(self.next_event)

    def close(self) -> None:
        """Frees the client. Its uploads continue. May be called more than once."""
        self._handle.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes it, without waiting for anything."""
        self.close()

    def __repr__(self) -> str:
        """Its endpoint, without secrets."""
        state = "" if self._handle.open else " closed"
        return f"<oss_upload.Client endpoint={self._endpoint!r} region={self._region!r}{state}>"

    def _start(self, upload: Upload, options: UploadOptions, path: Path | None = None) -> None:
        given = upload.path if path is None else path
        if given is None:
            raise TypeError("path must be a str, bytes or os.PathLike, not NoneType")
        struct = _options.upload_options(given, upload.bucket, upload.key, options)
        with self._handle as pointer:
            _call(library.oss_upload_start, pointer, byref(struct), byref(upload._handle.pointer), path=upload.path)

    def _start_memory(self, upload: Upload, memory: Export, options: UploadOptions) -> None:
        struct, out = _options.upload_options(None, upload.bucket, upload.key, options), byref(upload._handle.pointer)
        with self._handle as pointer:
            _call(library.oss_upload_memory_start, pointer, byref(struct), memory.address, memory.size, out)

    def _open(self, stream: BaseStream, options: UploadOptions) -> None:
        struct, out = _options.upload_options(None, stream.bucket, stream.key, options), byref(stream._handle.pointer)
        with self._handle as pointer:
            _call(library.oss_stream_open, pointer, byref(struct), out, path=options.get("spool_dir"))

    def _start_batch(self, bucket: str, prefix: str, source: Source, options: BatchOptions) -> Batch:
        # Most programs have no batch, and need not wait for its modules.
        from oss_upload.batch import Batch  # noqa: PLC0415

        struct = _options.batch_options(bucket, prefix, source, options)
        batch, path = Batch(bucket, prefix, source), source.get("directory") or source.get("list_path")
        with self._handle as pointer:
            _call(library.oss_batch_start, pointer, byref(struct), byref(batch._handle.pointer), path=path)
        return batch


def _several(pairs: Pairs) -> Pairs:
    if isinstance(pairs, (str, bytes, os.PathLike)):
        raise TypeError(f"pairs must be several paths, or pairs of a path and a key, not one {type(pairs).__name__}")
    return pairs


def _call(function: Callable[..., int], *arguments: Any, path: Path | None = None) -> None:  # noqa: ANN401
    """Calls a function of the library whose last argument is an oss_error, and raises what it says of a local file."""
    error = _ffi.Error()
    if function(*arguments, byref(error)) != _ffi.OK:
        raise errors.from_struct(error, path=path)
