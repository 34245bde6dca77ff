"""Exceptions: one base class, one class for each status of the library, and Python's own exceptions where they fit."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from oss_upload import _ffi

if TYPE_CHECKING:
    from oss_upload._options import Path
    from oss_upload.outcomes import BatchResult
    from oss_upload.results import UploadResult


_FIELDS = (
    "status",
    "http_status",
    "code",
    "ec",
    "request_id",
    "os_errno",
    "part_number",
    "retryable",
    "filename",
    "result",
)


class OSSUploadError(Exception):
    """The base class of all errors of this package. Errors can be pickled and copied.

    Attributes:
        status: The library's number for this kind of error, negative.
        status_name: Its name, such as "OSS_SERVICE".
        message: One line that says what failed, where, and what to do; also the text of the error. Contains no secrets.
        http_status: HTTP status of the server's response; 0 when there was none.
        code: OSS error code, such as "AccessDenied"; empty if the server sent none.
        ec: Detailed OSS error code (x-oss-ec), such as "0003-00000001"; or empty.
        request_id: Request ID, which Alibaba Cloud support asks for; or empty.
        os_errno: errno of the operating system, or its error number on Windows; 0 when it is not involved. Classes that
            derive from OSError also have `errno` and `strerror`, which are None when it is not involved.
        part_number: Number of the part that failed, from 1; 0 when the failure does not concern a single part.
        retryable: Whether the same call may succeed later without any change.
        filename: The local file that a LocalFileError concerns; None for other errors.
        result: What is known about the upload or the batch that failed, such as the number of bytes sent; None if none
            was started, and for the error of one file of a batch.
    """

    status: int = 0
    status_name: str = "OSS_UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        http_status: int = 0,
        code: str = "",
        ec: str = "",
        request_id: str = "",
        os_errno: int = 0,
        part_number: int = 0,
        retryable: bool = False,
        filename: str | bytes | None = None,
        result: UploadResult | BatchResult | None = None,
    ) -> None:
        """Creates an error; programs need this only in their own tests."""
        # An OSError among the bases gets one argument only: with two it would take the first for errno and make
        # str() its own.
        super().__init__(message)
        if status is not None:
            self.status = status
        self.message = message
        self.http_status = http_status
        self.code = code
        self.ec = ec
        self.request_id = request_id
        self.os_errno = os_errno
        self.part_number = part_number
        self.retryable = retryable
        self.filename = filename
        self.result = result
        if isinstance(self, OSError):
            as_os_error: OSError = self
            as_os_error.errno, as_os_error.strerror = _as_python_has_it(os_errno) if os_errno else (None, None)

    def __str__(self) -> str:
        """The message."""
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles all fields: Exception's and OSError's own ways would lose the keywords or errno."""
        make = partial(type(self), **{field: getattr(self, field) for field in _FIELDS})
        return make, (self.message,), self.__dict__


def _as_python_has_it(os_errno: int) -> tuple[int, str]:
    """Errno and text. Windows has numbers of its own, which Python translates as it does for its own calls."""
    if sys.platform != "win32":
        return os_errno, os.strerror(os_errno)
    return OSError(None, None, None, os_errno).errno or 0, ctypes.FormatError(os_errno)


class InvalidArgument(OSSUploadError, ValueError):
    """An argument or option is invalid; the message names it. Nothing was done."""

    status = -1
    status_name = "OSS_INVALID_ARGUMENT"


class LocalFileError(OSSUploadError, OSError):
    """The local file could not be opened or read; `errno` says why."""

    status = -2
    status_name = "OSS_IO"


class LocalFileNotFound(LocalFileError, FileNotFoundError):
    """The local file does not exist."""


class LocalFilePermission(LocalFileError, PermissionError):
    """There is no permission to read the local file."""


class NetworkError(OSSUploadError, ConnectionError):
    """The server could not be reached, or the connection broke more often than `max_attempts` allows."""

    status = -3
    status_name = "OSS_NETWORK"


class TransferTimeout(OSSUploadError, TimeoutError):
    """`connect_timeout` or `stall_timeout` passed without progress, more often than `max_attempts` allows."""

    status = -4
    status_name = "OSS_TIMEOUT"


class ServiceError(OSSUploadError):
    """The server refused the request; see `http_status`, `code`, `ec` and `request_id`."""

    status = -5
    status_name = "OSS_SERVICE"


class CredentialsError(OSSUploadError):
    """No credentials were found, or a credentials provider failed."""

    status = -6
    status_name = "OSS_CREDENTIALS"


class FileChanged(OSSUploadError):
    """The local file changed during the upload, and `on_file_change` forbids a restart (or restarts did not help)."""

    status = -7
    status_name = "OSS_FILE_CHANGED"


class ChecksumMismatch(OSSUploadError):
    """The server's CRC-64 differs from the CRC-64 of the local data."""

    status = -8
    status_name = "OSS_CHECKSUM_MISMATCH"


class CheckpointError(OSSUploadError, OSError):
    """The checkpoint file cannot be written (`errno` says why), or this version cannot use it."""

    status = -9
    status_name = "OSS_CHECKPOINT"


class CheckpointBusy(OSSUploadError):
    """Another upload, in this or another process, holds the checkpoint file; the message gives its process id."""

    status = -10
    status_name = "OSS_CHECKPOINT_BUSY"


class Paused(OSSUploadError):
    """The upload was paused. With a checkpoint, start it again to resume where it stopped."""

    status = -11
    status_name = "OSS_PAUSED"


class Cancelled(OSSUploadError):
    """The upload was cancelled. Nothing of it is left on the server, unless the message says otherwise."""

    status = -12
    status_name = "OSS_CANCELLED"


class CallbackFailed(OSSUploadError):
    """The object is stored (see `result`), but the application server's callback (x-oss-callback) failed."""

    status = -13
    status_name = "OSS_CALLBACK_FAILED"


class Unsupported(OSSUploadError):
    """The option is known, but this version of the library does not support it."""

    status = -14
    status_name = "OSS_UNSUPPORTED"


class ResourcesError(OSSUploadError):
    """The system could not create a thread: a process or memory limit is reached. Retrying later may help."""

    status = -15
    status_name = "OSS_RESOURCES"


class FilesFailedError(OSSUploadError):
    """Some files of a batch failed; the outcome of each says why. The other files are as they should be.

    `result`, a `BatchResult`, counts them.
    """

    status = -16
    status_name = "OSS_FILES_FAILED"
    result: BatchResult


class InternalError(OSSUploadError):
    """A bug in the library; please report the message."""

    status = -99
    status_name = "OSS_INTERNAL"


KINDS: dict[int, type[OSSUploadError]] = {kind.status: kind for kind in OSSUploadError.__subclasses__()}
_LOCAL_FILE_KINDS: dict[int, type[LocalFileError]] = {
    errno.ENOENT: LocalFileNotFound,
    errno.EACCES: LocalFilePermission,
    errno.EPERM: LocalFilePermission,
}


def from_struct(
    struct: _ffi.Error, result: UploadResult | BatchResult | None = None, path: Path | None = None
) -> OSSUploadError:
    """The library's struct as an error of its class; the base class for a status that only a newer library knows."""
    kind = KINDS.get(struct.status, OSSUploadError)
    if kind is LocalFileError:
        kind = _LOCAL_FILE_KINDS.get(_as_python_has_it(struct.os_errno)[0], LocalFileError)
    return kind(
        _ffi.text(struct.message),
        status=struct.status,
        http_status=struct.http_status,
        code=_ffi.text(struct.service_code),
        ec=_ffi.text(struct.ec),
        request_id=_ffi.text(struct.request_id),
        os_errno=struct.os_errno,
        part_number=struct.part_number,
        retryable=bool(struct.retryable),
        filename=os.fspath(path) if path is not None and issubclass(kind, LocalFileError) else None,
        result=result,
    )
