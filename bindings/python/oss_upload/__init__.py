"""Resumable, verified uploads of files, memory and streams to Alibaba Cloud Object Storage Service (OSS).

    import oss_upload

    with oss_upload.Client("oss-cn-hangzhou.aliyuncs.com") as client:
        result = client.upload_file("/data/a.mp4", "my-bucket", "videos/a.mp4", checkpoint=True)
    print(result.etag, result.size)

`Client` holds the endpoint, credentials, connections and limits; `Client.upload_file()` uploads one file and returns
when it is stored, `Client.upload_file_async()` does so for asyncio; `Client.start()` returns an `Upload` that runs
in the background. `Client.upload_memory()` takes a block of memory, `Client.open_stream()` what is written to it, and
`Client.upload_fileobj()` what is read from a file object. `Client.upload_directory()` and `Client.upload_many()` upload
many files. Failures raise an `OSSUploadError` or one of its subclasses.
`Client.events()` yields events for logs and metrics. Everything may be used from any thread, but not in a forked child.
The command `python -m oss_upload` uploads a file from a shell.

`import oss_upload` takes no time: what a program uses is imported when it is used first, and the library with it.
`from oss_upload import Client` imports at that line.
"""

from oss_upload._version import __version__

# As of typing, which takes a while to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from oss_upload._options import BatchOptions, ClientOptions, UploadOptions
    from oss_upload._progress import ProgressBar
    from oss_upload._shared import shared_upload_part_count
    from oss_upload.batch import Batch, merge_manifests
    from oss_upload.client import Client
    from oss_upload.errors import (
        CallbackFailed,
        Cancelled,
        CheckpointBusy,
        CheckpointError,
        ChecksumMismatch,
        CredentialsError,
        FileChanged,
        FilesFailedError,
        InternalError,
        InvalidArgument,
        LocalFileError,
        LocalFileNotFound,
        LocalFilePermission,
        NetworkError,
        OSSUploadError,
        Paused,
        ResourcesError,
        ServiceError,
        TransferTimeout,
        Unsupported,
    )
    from oss_upload.events import Event, EventKind
    from oss_upload.outcomes import BatchProgress, BatchResult, Outcome, OutcomeStatus
    from oss_upload.results import Phase, Progress, UploadResult
    from oss_upload.stream import AsyncUploadStream, UploadStream
    from oss_upload.upload import Upload

__all__ = [
    "AsyncUploadStream",
    "Batch",
    "BatchOptions",
    "BatchProgress",
    "BatchResult",
    "CallbackFailed",
    "Cancelled",
    "CheckpointBusy",
    "CheckpointError",
    "ChecksumMismatch",
    "Client",
    "ClientOptions",
    "CredentialsError",
    "Event",
    "EventKind",
    "FileChanged",
    "FilesFailedError",
    "InternalError",
    "InvalidArgument",
    "LocalFileError",
    "LocalFileNotFound",
    "LocalFilePermission",
    "NetworkError",
    "OSSUploadError",
    "Outcome",
    "OutcomeStatus",
    "Paused",
    "Phase",
    "Progress",
    "ProgressBar",
    "ResourcesError",
    "ServiceError",
    "TransferTimeout",
    "Unsupported",
    "Upload",
    "UploadOptions",
    "UploadResult",
    "UploadStream",
    "__version__",
    "merge_manifests",
    "shared_upload_part_count",
]

# Where the names are that are not errors.
_MODULES = {
    "AsyncUploadStream": "stream",
    "Batch": "batch",
    "BatchOptions": "_options",
    "BatchProgress": "outcomes",
    "BatchResult": "outcomes",
    "Client": "client",
    "ClientOptions": "_options",
    "Event": "events",
    "EventKind": "events",
    "Outcome": "outcomes",
    "OutcomeStatus": "outcomes",
    "Phase": "results",
    "Progress": "results",
    "ProgressBar": "_progress",
    "Upload": "upload",
    "UploadOptions": "_options",
    "UploadResult": "results",
    "UploadStream": "stream",
    "merge_manifests": "batch",
    "shared_upload_part_count": "_shared",
}
_PUBLIC_MODULES = {"batch", "client", "errors", "events", "outcomes", "results", "stream", "upload"}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Imports what is asked for first then: a program that only may upload starts as if it did not."""
        from importlib import import_module  # noqa: PLC0415

        if name in _PUBLIC_MODULES:
            return import_module(f"oss_upload.{name}")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"oss_upload.{_MODULES.get(name, 'errors')}"), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """What there is, imported or not."""
        return sorted({*globals(), *__all__, *_PUBLIC_MODULES})
