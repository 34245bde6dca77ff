"""Events: requests, retries, parts. For logs and metrics; a thread of the program retrieves them."""

from __future__ import annotations

import itertools
from ctypes import byref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from oss_upload import _ffi
from oss_upload._enum import OpenIntEnum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import c_void_p


class EventKind(OpenIntEnum):
    """Kind of an event. A newer library may report others, such as `EventKind.UNKNOWN_77` for number 77."""

    REQUEST = 1
    """A request received a response, or failed."""
    RETRY = 2
    """A request will be retried after `elapsed` seconds; the message says why."""
    PART_DONE = 3
    """A part has reached the server."""
    PART_RESUMED = 4
    """A part sent by an earlier call is on the server."""
    CONCURRENCY_CHANGED = 5
    """The number of parts that may be in flight changed."""
    CREDENTIALS_CHANGED = 6
    """A source returned the first credentials, or they changed; the message names the AccessKey ID and the source."""
    CHECKPOINT_WRITTEN = 7
    """The checkpoint was synced to disk."""
    RESTARTED = 8
    """The upload starts over and sends all parts again; the message says why."""
    ENDED = 9
    """The upload has ended; the message is "stored" or the error message."""


@dataclass(frozen=True)
class Event:
    """An event of an upload. Fields that do not apply to its kind are 0 or empty. It contains no secrets.

    str() returns a line for a log.

    Attributes:
        kind: Kind of the event.
        upload: Number of the upload within the client, from 1 in the order of starting; 0 for events of the client.
        at: Seconds since the upload started.
        key: Name of the object, truncated if it is longer than 255 bytes.
        operation: API operation, such as "UploadPart".
        part_number: Number of the part, from 1.
        attempt: Number of the attempt, from 1.
        http_status: HTTP status; 0 when there was no response.
        code: OSS error code.
        request_id: Request ID.
        elapsed: Seconds that the request took; for a retry, the wait before it.
        bytes: Bytes in the body of the request, or in the part.
        concurrency: Number of parts that may now be in flight.
        message: The reason, in one line.
        dropped: Number of events lost immediately before this one because they were not retrieved in time.
    """

    kind: EventKind
    upload: int
    at: float
    key: str
    operation: str
    part_number: int
    attempt: int
    http_status: int
    code: str
    request_id: str
    elapsed: float
    bytes: int
    concurrency: int
    message: str
    dropped: int

    def __str__(self) -> str:
        """What is known, in one line."""
        known = {
            "part": self.part_number,
            "attempt": self.attempt,
            "status": self.http_status,
            "code": self.code,
            "request_id": self.request_id,
            "elapsed": self.elapsed,
            "bytes": self.bytes,
            "concurrency": self.concurrency,
            "dropped": self.dropped,
        }
        words = [f"[{self.upload}]", f"{self.at:.3f}", self.kind.name, self.operation, self.key and repr(self.key)]
        words += [f"{name}={value}" for name, value in known.items() if value]
        return " ".join(filter(None, words)) + (f": {self.message}" if self.message else "")


def take(function: Callable[..., int], pointer: c_void_p) -> Event | None:
    """The event from oss_client_next_event() or oss_upload_next_event(), if any."""
    struct = _ffi.Event()
    if function(pointer, byref(struct)) != _ffi.OK:
        return None
    return Event(
        kind=EventKind(struct.kind),
        upload=struct.upload,
        at=struct.at_ms / 1000,
        key=_ffi.text(struct.object_key),
        operation=_ffi.text(struct.operation),
        part_number=struct.part_number,
        attempt=struct.attempt,
        http_status=struct.http_status,
        code=_ffi.text(struct.service_code),
        request_id=_ffi.text(struct.request_id),
        elapsed=struct.elapsed_ms / 1000,
        bytes=struct.bytes,
        concurrency=struct.concurrency,
        message=_ffi.text(struct.message),
        dropped=struct.dropped,
    )


def drain(next_event: Callable[[], Event | None]) -> Iterator[Event]:
    """All pending events. The first is retrieved at once, so that the call alone opens the queue, or raises."""
    first = next_event()
    return iter(()) if first is None else itertools.chain((first,), iter(next_event, None))
