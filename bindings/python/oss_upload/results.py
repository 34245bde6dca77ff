"""Progress and outcome of an upload."""

from __future__ import annotations

from dataclasses import dataclass

from oss_upload import _ffi
from oss_upload._enum import OpenIntEnum


class Phase(OpenIntEnum):
    """What an upload is doing. A newer library may report others, such as `Phase.UNKNOWN_77`."""

    PREPARING = 0
    """The file and the checkpoint are being examined, or the upload is being created on the server."""
    UPLOADING = 1
    """Parts are being sent."""
    VERIFYING = 2
    """Local data is being read again and compared with the data on the server."""
    COMPLETING = 3
    """All parts are on the server, which is assembling the object."""
    ENDED = 4
    """The upload has ended, successfully or not."""
    WAITING = 5
    """The upload is waiting for credentials that the server accepts (`credentials_wait`)."""
    HASHING = 6
    """Local data is being read for its MD5, which must be known before the data is sent. Nothing is being sent."""


@dataclass(frozen=True)
class Progress:
    """Progress of an upload. Numbers are totals.

    `done_bytes`, `sent_bytes` and `retries` never decrease; `parts_done` and `resumed_bytes` start from 0 again when an
    upload starts over.

    Attributes:
        phase: What the upload is doing.
        total_bytes: Size of the file in bytes; 0 until the file has been examined.
        done_bytes: Bytes done, including resumed ones; equal to `total_bytes` on success.
        resumed_bytes: Bytes sent by an earlier call.
        sent_bytes: Body bytes sent by this call, including retries.
        parts_total: Total number of parts.
        parts_done: Number of parts on the server, including resumed ones.
        bytes_per_second: Average rate over the last few seconds. A resumed upload starts with the earlier call's rate.
        eta: Seconds remaining at this rate; None when not known.
        retries: Number of retries.
    """

    phase: Phase
    total_bytes: int
    done_bytes: int
    resumed_bytes: int
    sent_bytes: int
    parts_total: int
    parts_done: int
    bytes_per_second: int
    eta: float | None
    retries: int


@dataclass(frozen=True)
class UploadResult:
    """Outcome of an upload. Texts that do not apply are empty.

    Attributes:
        etag: ETag of the object, without quotes.
        crc64: CRC-64/XZ of the whole object, equal to the server's value.
        version_id: Version ID of the object, in a bucket with versioning.
        request_id: Request ID of the request that created the object.
        upload_id: Upload ID; empty for a file sent with one PutObject.
        size: Size of the object in bytes.
        part_size: Part size that was used, in bytes.
        part_size_raised: Whether `part_size` was raised because the file would have needed more than 10,000 parts.
        parts: Number of parts; 1 for a file sent with one PutObject.
        parts_resumed: Number of parts sent by an earlier call.
        bytes_sent: Body bytes sent by this call, including retries.
        bytes_resumed: Bytes sent by an earlier call that this call did not have to send again.
        attempts: Number of HTTP requests, including retries.
        restart_reason: Why the work of this or an earlier call was discarded and all parts were sent again.
        elapsed: Duration of the upload in seconds.
        callback_response: The application server's response to `x-oss-callback`. Empty if there was no callback, if it
            failed, or if the response was lost and the upload was confirmed by looking at the object instead.
    """

    etag: str
    crc64: int
    version_id: str
    request_id: str
    upload_id: str
    size: int
    part_size: int
    part_size_raised: bool
    parts: int
    parts_resumed: int
    bytes_sent: int
    bytes_resumed: int
    attempts: int
    restart_reason: str
    elapsed: float
    callback_response: bytes = b""


def progress(struct: _ffi.Progress) -> Progress:
    """The library's struct as a `Progress`."""
    return Progress(
        phase=Phase(struct.phase),
        total_bytes=struct.total_bytes,
        done_bytes=struct.done_bytes,
        resumed_bytes=struct.resumed_bytes,
        sent_bytes=struct.sent_bytes,
        parts_total=struct.parts_total,
        parts_done=struct.parts_done,
        bytes_per_second=struct.bytes_per_second,
        eta=None if struct.eta_ms == _ffi.ETA_UNKNOWN else struct.eta_ms / 1000,
        retries=struct.retries,
    )


def result(struct: _ffi.Result, callback_response: bytes = b"") -> UploadResult:
    """The library's struct as an `UploadResult`."""
    return UploadResult(
        etag=_ffi.text(struct.etag),
        crc64=struct.crc64,
        version_id=_ffi.text(struct.version_id),
        request_id=_ffi.text(struct.request_id),
        upload_id=_ffi.text(struct.upload_id),
        size=struct.size,
        part_size=struct.part_size,
        part_size_raised=bool(struct.part_size_raised),
        parts=struct.parts,
        parts_resumed=struct.parts_resumed,
        bytes_sent=struct.bytes_sent,
        bytes_resumed=struct.bytes_resumed,
        attempts=struct.attempts,
        restart_reason=_ffi.text(struct.restart_reason),
        elapsed=struct.elapsed_ms / 1000,
        callback_response=callback_response,
    )
