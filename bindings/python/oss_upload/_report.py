"""What the command says at its end: an exit status, words for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import enum
import sys
from typing import TYPE_CHECKING, Any

import oss_upload
from oss_upload import _output

if TYPE_CHECKING:
    from oss_upload.outcomes import BatchResult
    from oss_upload.results import UploadResult

PROGRAM = "oss-upload"


class ExitStatus(enum.IntEnum):
    """Exit status of the command; after a signal, it is 128 plus the signal's number."""

    STORED = 0
    DEFECT = 1
    USAGE = 2
    REFUSED = 3
    NETWORK = 4
    LOCAL_FILE = 5
    CREDENTIALS = 6
    FILE_CHANGED = 7
    CHECKSUM = 8
    CHECKPOINT = 9
    CALLBACK = 10
    OUTPUT = 11
    RESOURCES = 12
    COMMAND = 13
    FILES = 14


EXIT_STATUS: dict[type[oss_upload.OSSUploadError], ExitStatus] = {
    oss_upload.InvalidArgument: ExitStatus.USAGE,
    oss_upload.Unsupported: ExitStatus.USAGE,
    oss_upload.ServiceError: ExitStatus.REFUSED,
    oss_upload.NetworkError: ExitStatus.NETWORK,
    oss_upload.TransferTimeout: ExitStatus.NETWORK,
    oss_upload.LocalFileError: ExitStatus.LOCAL_FILE,
    oss_upload.CredentialsError: ExitStatus.CREDENTIALS,
    oss_upload.FileChanged: ExitStatus.FILE_CHANGED,
    oss_upload.ChecksumMismatch: ExitStatus.CHECKSUM,
    oss_upload.CheckpointError: ExitStatus.CHECKPOINT,
    oss_upload.CheckpointBusy: ExitStatus.CHECKPOINT,
    oss_upload.CallbackFailed: ExitStatus.CALLBACK,
    oss_upload.ResourcesError: ExitStatus.RESOURCES,
    oss_upload.FilesFailedError: ExitStatus.FILES,
}


def exit_status(error: oss_upload.OSSUploadError) -> ExitStatus:
    """That of an error which is no stop on request."""
    kinds = (EXIT_STATUS[kind] for kind in type(error).__mro__ if kind in EXIT_STATUS)
    return next(kinds, ExitStatus.DEFECT)


def complain(message: str) -> None:
    """Says it on standard error. Where nobody can read it, the exit status has to do."""
    _output.write(sys.stderr, f"{PROGRAM}: {message}\n")


def plain(result: UploadResult | BatchResult) -> dict[str, object]:
    """The result in what JSON has: large numbers as text, which many readers would round, and bytes too."""
    if not isinstance(result, oss_upload.UploadResult):
        return dataclasses.asdict(result)
    response = result.callback_response.decode("utf-8", "replace")
    return {**dataclasses.asdict(result), "crc64": str(result.crc64), "callback_response": response}


def json_of(
    status: int,
    file: str = "",
    destination: tuple[str, str] = ("", ""),
    result: UploadResult | BatchResult | None = None,
    error: oss_upload.OSSUploadError | None = None,
) -> dict[str, Any]:
    """The JSON object of every end."""
    return {
        "ok": status == ExitStatus.STORED,
        "exit_status": int(status),
        "file": file,
        "bucket": destination[0],
        "key": destination[1],
        "result": result and plain(result),
        "error": described(error),
    }


def described(error: oss_upload.OSSUploadError | None) -> dict[str, Any] | None:
    """An error in what JSON has."""
    if error is None:
        return None
    told = ("message", "http_status", "code", "ec", "request_id", "os_errno", "part_number", "retryable")
    return {
        "kind": type(error).__name__,
        "status": error.status_name,
        **{name: getattr(error, name) for name in told},
    }
