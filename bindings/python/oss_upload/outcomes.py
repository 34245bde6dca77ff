"""Progress and outcome of a batch, and what became of each of its files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_upload import _ffi, errors
from oss_upload._enum import OpenIntEnum

if TYPE_CHECKING:
    from oss_upload._options import Path
    from oss_upload.errors import OSSUploadError


class OutcomeStatus(OpenIntEnum):
    """How a file ended. A newer library may report others, such as `OutcomeStatus.UNKNOWN_77`."""

    STORED = 0
    """The object is stored, and its CRC-64 is that of the file."""
    UNCHANGED = 1
    """The file was stored before and has not changed since. Verifying: all is as it should be."""
    SKIPPED = 2
    """The file or folder was left out; `Outcome.rule` says why."""
    FAILED = 3
    """The file is not stored, or is not what it should be; `Outcome.error` says why."""
    PLANNED = 4
    """The file would have been uploaded, but for `dry_run`."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file. Texts that do not apply are empty.

    Attributes:
        status: How the file ended.
        path: Path of the file; of a folder's files, from there. Bytes that are not UTF-8 are as os.fsdecode() makes
            them.
        key: Name of the object; empty if none could be made.
        size: Size in bytes.
        crc64: CRC-64/XZ of the object; 0 if it is not stored.
        etag: ETag of the object, without quotes.
        version_id: Version ID of the object, in a bucket with versioning.
        request_id: Request ID of the request that created the object.
        attempts: Number of HTTP requests for this file, including retries.
        resumed: Whether it was stored by an interrupted call of this batch, and not sent again.
        rule: Why it was left out: the rule that names it, or what it is.
        error: Why it failed, as an error of the class that an upload of this file would have raised; None if it did
            not.
    """

    status: OutcomeStatus
    path: str
    key: str
    size: int
    crc64: int
    etag: str
    version_id: str
    request_id: str
    attempts: int
    resumed: bool
    rule: str
    error: OSSUploadError | None


@dataclass(frozen=True)
class BatchProgress:
    """Progress of a batch. Numbers are totals and never decrease, but for the rates.

    Attributes:
        files_found: Number of files found so far, without those that are left out.
        bytes_found: Their size in bytes.
        totals_known: Whether all files have been found, so that these two numbers are the totals.
        files_stored: Number of files stored, including resumed ones.
        files_resumed: Number of files that an interrupted call of this batch had stored.
        files_unchanged: Number of files that have not changed.
        files_skipped: Number of files and folders that were left out.
        files_failed: Number of files that failed.
        bytes_done: Bytes of the files that are done, and those of large files in work that were sent.
        bytes_sent: Body bytes sent, including retries.
        requests: Number of HTTP requests, including retries.
        retries: Number of retries.
        bytes_per_second: Average rate over the last few seconds, in bytes done.
        files_per_second: Average rate over the last few seconds, in files done.
        eta: Seconds remaining at these rates; None when not known.
        current_path: A large file in work; empty if there is none.
        current_done: Its bytes that were sent.
        current_size: Its size in bytes.
        ended: Whether the batch has ended.
    """

    files_found: int
    bytes_found: int
    totals_known: bool
    files_stored: int
    files_resumed: int
    files_unchanged: int
    files_skipped: int
    files_failed: int
    bytes_done: int
    bytes_sent: int
    requests: int
    retries: int
    bytes_per_second: int
    files_per_second: int
    eta: float | None
    current_path: str
    current_done: int
    current_size: int
    ended: bool


@dataclass(frozen=True)
class BatchResult:
    """Outcome of a batch.

    Attributes:
        files_stored: Number of files stored, including resumed ones.
        files_resumed: Number of files that an interrupted call of this batch had stored.
        files_unchanged: Number of files that have not changed.
        files_skipped: Number of files and folders that were left out.
        files_failed: Number of files that failed.
        files_planned: Number of files that would have been uploaded, but for `dry_run`.
        bytes_stored: Size of all stored files in bytes, including resumed ones.
        bytes_sent: Body bytes sent, including retries.
        requests: Number of HTTP requests, including retries.
        manifest_lines_damaged: Number of damaged lines in the manifest, whose files were done again.
        elapsed: Duration of the batch in seconds.
    """

    files_stored: int
    files_resumed: int
    files_unchanged: int
    files_skipped: int
    files_failed: int
    files_planned: int
    bytes_stored: int
    bytes_sent: int
    requests: int
    manifest_lines_damaged: int
    elapsed: float


def outcome(struct: _ffi.Outcome, directory: Path | None) -> Outcome:
    """The library's struct as an `Outcome`; its path may be one in `directory`."""
    status, path = OutcomeStatus(struct.status), os.fsdecode(struct.path)
    error = None
    if status is OutcomeStatus.FAILED:
        full = path if directory is None else os.path.join(os.fsdecode(directory), path)  # noqa: PTH118 - it is a text
        error = errors.from_struct(struct.error, path=full)
    return Outcome(
        status=status,
        path=path,
        key=_ffi.text(struct.key),
        size=struct.size,
        crc64=struct.crc64,
        etag=_ffi.text(struct.etag),
        version_id=_ffi.text(struct.version_id),
        request_id=_ffi.text(struct.request_id),
        attempts=struct.attempts,
        resumed=bool(struct.resumed),
        rule=_ffi.text(struct.rule),
        error=error,
    )


def progress(struct: _ffi.BatchProgress) -> BatchProgress:
    """The library's struct as a `BatchProgress`."""
    return BatchProgress(
        files_found=struct.files_found,
        bytes_found=struct.bytes_found,
        totals_known=bool(struct.totals_known),
        files_stored=struct.files_stored,
        files_resumed=struct.files_resumed,
        files_unchanged=struct.files_unchanged,
        files_skipped=struct.files_skipped,
        files_failed=struct.files_failed,
        bytes_done=struct.bytes_done,
        bytes_sent=struct.bytes_sent,
        requests=struct.requests,
        retries=struct.retries,
        bytes_per_second=struct.bytes_per_second,
        files_per_second=struct.files_per_second,
        eta=None if struct.eta_ms == _ffi.ETA_UNKNOWN else struct.eta_ms / 1000,
        current_path=_ffi.text(struct.current_path),
        current_done=struct.current_done,
        current_size=struct.current_size,
        ended=bool(struct.ended),
    )


def result(struct: _ffi.BatchResult) -> BatchResult:
    """The library's struct as a `BatchResult`."""
    return BatchResult(
        files_stored=struct.files_stored,
        files_resumed=struct.files_resumed,
        files_unchanged=struct.files_unchanged,
        files_skipped=struct.files_skipped,
        files_failed=struct.files_failed,
        files_planned=struct.files_planned,
        bytes_stored=struct.bytes_stored,
        bytes_sent=struct.bytes_sent,
        requests=struct.requests,
        manifest_lines_damaged=struct.manifest_lines_damaged,
        elapsed=struct.elapsed_ms / 1000,
    )
