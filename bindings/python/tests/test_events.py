"""Events: what a program hears of requests, retries and parts."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server

from oss_upload import Client, Event, EventKind, OSSUploadError, _ffi
from oss_upload.events import take

PART = 100 * 1024
CAPACITY = 1024

Make = Callable[[int], Path]


def kinds(events: list[Event]) -> list[EventKind]:
    return [event.kind for event in events]


def test_a_retry_is_heard(client: Client, server: Server, make_file: Make) -> None:
    server.faults(
        {
            "match": {"operation": "UploadPart", "part": 2, "times": 1},
            "action": {"type": "status", "status": 503, "code": "SlowDown"},
        }
    )
    assert client.next_event() is None
    result = client.upload_file(make_file(3 * PART), server.bucket, "some/key", checkpoint=True)
    heard = list(client.events())

    assert kinds(heard).count(EventKind.REQUEST) == result.attempts
    assert EventKind.CHECKPOINT_WRITTEN in kinds(heard)
    assert [event.part_number for event in heard if event.kind == EventKind.PART_DONE] == [1, 2, 3]
    assert {event.bytes for event in heard if event.kind == EventKind.PART_DONE} == {PART}
    assert {(event.upload, event.key, event.dropped) for event in heard} == {(1, "some/key", 0)}
    assert [event.at for event in heard] == sorted(event.at for event in heard)
    assert (heard[-1].kind, heard[-1].message) == (EventKind.ENDED, "stored")
    assert kinds(heard).count(EventKind.ENDED) == 1

    (retry,) = (event for event in heard if event.kind is EventKind.RETRY)
    assert (retry.operation, retry.part_number, retry.attempt) == ("UploadPart", 2, 1)
    assert (retry.http_status, retry.code) == (503, "SlowDown")
    assert retry.request_id in {entry["request_id"] for entry in server.log("UploadPart")}
    assert 0 <= retry.elapsed < 60
    assert retry.message
    assert list(client.events()) == []


def test_a_failure_is_heard(client: Client, make_file: Make) -> None:
    client.events()  # opens the queue, without being asked for its first event
    with pytest.raises(OSSUploadError) as caught:
        client.upload_file(make_file(5), "no-such-bucket", "k")
    *_, last = client.events()
    assert (last.kind, last.message) == (EventKind.ENDED, caught.value.message)


def test_nothing_is_kept_before_somebody_asks(client: Client, server: Server, make_file: Make) -> None:
    client.upload_file(make_file(5), server.bucket, "k")
    assert client.next_event() is None
    client.upload_file(make_file(5), server.bucket, "k")
    assert {event.upload for event in client.events()} == {2}


def test_events_of_one_upload(server: Server, make_file: Make) -> None:
    path = make_file(10 * PART)
    with server.client(max_bytes_per_second=10 * PART) as client:
        assert client.next_event() is None
        with client.start(path, server.bucket, "mine") as upload:
            first = list(upload.events())
            client.upload_file(make_file(5), server.bucket, "other")
            upload.wait()
            heard = first + list(upload.events())
            assert upload.next_event() is None
        assert {(event.upload, event.key) for event in heard} == {(1, "mine")}
        assert heard[-1].kind is EventKind.ENDED
        # The client has a queue of its own.
        assert {event.key for event in client.events()} == {"mine", "other"}


def test_resumed_parts_are_heard(client: Client, server: Server, make_file: Make) -> None:
    path = make_file(10 * PART)
    with server.client(max_bytes_per_second=5 * PART) as slow:
        with slow.start(path, server.bucket, "k", checkpoint=True) as upload:
            while upload.progress.parts_done < 2:
                pass
    client.events()
    result = client.upload_file(path, server.bucket, "k", checkpoint=True)
    assert kinds(list(client.events())).count(EventKind.PART_RESUMED) == result.parts_resumed >= 2


def test_the_oldest_are_dropped_and_counted(client: Client, server: Server) -> None:
    client.events()
    for number in range(CAPACITY + 7):
        client.set_credentials(f"id-{number}", server.access_key_secret)
    first, *rest = client.events()
    assert (first.kind, first.upload, first.dropped) == (EventKind.CREDENTIALS_CHANGED, 0, 7)
    assert "id-7" in first.message
    assert len(rest) == CAPACITY - 1
    assert {event.dropped for event in rest} == {0}


def test_draining_may_stop_in_the_middle(client: Client, server: Server) -> None:
    client.events()
    for _ in range(3):
        client.set_credentials(server.access_key_id, server.access_key_secret)
    for _ in client.events():
        break
    assert len(list(client.events())) == 2


def test_threads_share_the_queue(client: Client, server: Server) -> None:
    client.events()
    for _ in range(CAPACITY):
        client.set_credentials(server.access_key_id, server.access_key_secret)
    heard: list[int] = []
    threads = [threading.Thread(target=lambda: heard.append(len(list(client.events())))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(heard) == CAPACITY


def test_closed_handles_are_refused(client: Client, server: Server, make_file: Make) -> None:
    upload = client.start(make_file(5), server.bucket, "k")
    client.events()
    client.set_credentials(server.access_key_id, server.access_key_secret)
    left = client.events()
    upload.close()
    client.close()
    for ask in (upload.next_event, upload.events, client.next_event, client.events):
        with pytest.raises(ValueError, match="is closed"):
            ask()
    # Begun before: what was taken already is given.
    assert next(left).upload in (0, 1)
    with pytest.raises(ValueError, match="is closed"):
        next(left)


def test_no_secret_is_in_them(server: Server, make_file: Make) -> None:
    server.faults({"match": {"operation": "PutObject", "times": 1}, "action": {"type": "status", "status": 503}})
    with server.client(security_token="hush-token") as client:
        client.events()
        with pytest.raises(OSSUploadError):
            client.upload_file(make_file(5), server.bucket, "k", metadata={"owner": "hush-owner"})
        client.set_credentials(server.access_key_id, server.access_key_secret)
        client.upload_file(make_file(5), server.bucket, "k", metadata={"owner": "hush-owner"})
        heard = list(client.events())
    assert EventKind.ENDED in kinds(heard)
    for shown in map(repr, heard):
        assert "hush" not in shown
        assert server.access_key_secret not in shown


def test_unknown_kinds_are_tolerated() -> None:
    kind = EventKind(77)
    assert (kind, kind.name, kind.value) == (77, "UNKNOWN_77", 77)
    assert isinstance(kind, EventKind)
    assert kind not in set(EventKind)
    assert copy.deepcopy(kind) == pickle.loads(pickle.dumps(kind)) == kind
    assert "UNKNOWN_77" in repr(kind)
    wrongs: list[Any] = [-1, "RETRY", None]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="not a valid EventKind"):
            EventKind(wrong)


def told(**fields: Any) -> Event | None:
    """What the wrapper makes of an event of the library."""

    def function(_: object, reference: Any) -> int:
        struct = reference._obj
        for name, value in fields.items():
            setattr(struct, name, value)
        return _ffi.OK

    return take(function, None)  # type: ignore[arg-type]


def test_every_field_arrives() -> None:
    texts = {
        "operation": b"UploadPart",
        "service_code": b"SlowDown",
        "request_id": b"5C3D",
        "object_key": "Größe".encode(),
        "message": b"busy",
    }
    numbers = {"kind": 2, "upload": 3, "at_ms": 1500, "part_number": 7, "attempt": 1, "http_status": 503}
    more = {"elapsed_ms": 250, "bytes": 102400, "concurrency": 4, "dropped": 5}
    event = told(**texts, **numbers, **more)
    assert event == Event(
        EventKind.RETRY, 3, 1.5, "Größe", "UploadPart", 7, 1, 503, "SlowDown", "5C3D", 0.25, 102400, 4, "busy", 5
    )
    assert str(event) == (
        "[3] 1.500 RETRY UploadPart 'Größe' part=7 attempt=1 status=503 code=SlowDown request_id=5C3D elapsed=0.25 "
        "bytes=102400 concurrency=4 dropped=5: busy"
    )
    assert str(told(kind=77)) == "[0] 0.000 UNKNOWN_77"
    with pytest.raises(FrozenInstanceError):
        event.bytes = 6  # type: ignore[misc]


def test_logging(client: Client, server: Server, make_file: Make, caplog: pytest.LogCaptureFixture) -> None:
    client.events()
    client.upload_file(make_file(5), server.bucket, "k")
    with caplog.at_level(logging.DEBUG, "uploads"):
        for event in client.events():
            logging.getLogger("uploads").debug("%s", event)
    assert caplog.messages[-1].endswith(": stored")
