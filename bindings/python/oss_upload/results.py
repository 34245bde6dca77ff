"""What an upload tells: how far it is, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass

from oss_upload import _ffi
from oss_upload._enum import OpenIntEnum


class Phase(OpenIntEnum):
    """What an upload is doing. A newer library may tell phases that are not listed here: `Phase.UNKNOWN_77`."""

    PREPARING = 0
    """The file and the checkpoint are looked at, or the upload is opened on the server."""
    UPLOADING = 1
    """Parts are sent."""
    VERIFYING = 2
    """Local data is read again and compared with what the server has."""
    COMPLETING = 3
    """All parts are there; the server puts the object together."""
    ENDED = 4
    """The upload has ended, well or not."""
    WAITING = 5
    """There are no credentials that the server takes; others are waited for."""
    HASHING = 6
    """Local data is read for its MD5, which must be known before the data is sent; nothing is being sent meanwhile."""


@dataclass(frozen=True)
class Progress:
    """How far an upload is. Numbers are absolute.

    `done_bytes`, `sent_bytes` and `retries` never run backwards; `parts_done` and `resumed_bytes` begin anew when an
    upload starts over.

    Attributes:
        phase: What it is doing.
        total_bytes: Bytes of the file; 0 while it has not been looked at.
        done_bytes: Bytes behind us, resumed ones included; `total_bytes` at success.
        resumed_bytes: Bytes that an earlier call had sent.
        sent_bytes: Body bytes sent by this call, repeated ones included.
        parts_total: Parts in all.
        parts_done: Parts that the server has, resumed ones included.
        bytes_per_second: Rate of the last few seconds. A resumed upload begins with that of the earlier call.
        eta: Seconds to the end at this rate; None when it cannot be told.
        retries: Requests that had to be tried again.
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
    """What an upload came to. Texts are empty when there is nothing to say.

    Attributes:
        etag: ETag of the object, without quotes.
        crc64: CRC-64/XZ of the whole object, equal to the server's.
        version_id: Version id of the object, in a versioned bucket.
        request_id: Request id of the request that made the object.
        upload_id: Upload id; empty for a file sent with one PutObject.
        size: Bytes of the object.
        part_size: Bytes of a part, as used.
        part_size_raised: Whether `part_size` was raised, since the file would have needed more than 10,000 parts.
        parts: Parts of the upload; 1 for a file sent with one PutObject.
        parts_resumed: Parts that an earlier call had sent.
        bytes_sent: Body bytes sent by this call, repeated ones included.
        bytes_resumed: Bytes that an earlier call had sent and this one did not need to send.
        attempts: HTTP requests made, repeated ones included.
        restart_reason: Why work of an earlier call, or of this one, was thrown away and all parts were sent again.
        elapsed: Seconds from start to end.
        callback_response: What the application server answered to `x-oss-callback`. Empty without a callback, when it
            failed, and when the response was lost on its way and the object itself had to prove that it is stored.
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
