"""What happens inside: requests, retries, parts. For logs and metrics; a thread of the program takes them out."""

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
    """What happened. A newer library may tell kinds that are not listed here: `EventKind.UNKNOWN_77`, for number 77."""

    REQUEST = 1
    """A request has been answered, or has failed."""
    RETRY = 2
    """A request will be tried again, after `elapsed` seconds; the message says why."""
    PART_DONE = 3
    """The server has a part."""
    PART_RESUMED = 4
    """The server has a part that an earlier call sent."""
    CONCURRENCY_CHANGED = 5
    """More or fewer parts may be in flight."""
    CREDENTIALS_CHANGED = 6
    """A source has given the first credentials, or others sign from now on; the message names both."""
    CHECKPOINT_WRITTEN = 7
    """The checkpoint was made safe on disk."""
    RESTARTED = 8
    """All parts are sent again; the message says why."""
    ENDED = 9
    """The upload has ended; the message is "stored" or the error's."""


@dataclass(frozen=True)
class Event:
    """Something that happened to an upload. What does not concern the kind is 0 or empty. No secret is in it.

    str() makes it a line for a log.

    Attributes:
        kind: What happened.
        upload: Which upload of the client, from 1 in the order of starting; 0 for what concerns the client.
        at: Seconds since the upload was started.
        key: Name of the object, cut when it is longer than 255 bytes.
        operation: The API call, such as "UploadPart".
        part_number: The part, from 1.
        attempt: Which try of the request, from 1.
        http_status: HTTP status; 0 when there was no response.
        code: OSS's error code.
        request_id: The request id.
        elapsed: Seconds that the request took; for a retry, that are waited.
        bytes: Body bytes of the request, or bytes of the part.
        concurrency: Parts that may be in flight now.
        message: Why, in one line.
        dropped: Events that were lost right before this one, since nobody took them out in time.
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
    """What oss_client_next_event() or oss_upload_next_event() gives."""
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
    """All events that wait. The first is taken at once: so the call alone opens the queue, or raises."""
    first = next_event()
    return iter(()) if first is None else itertools.chain((first,), iter(next_event, None))
