"""The executor for Python of the table of scenarios (tests/scenarios).

It reads orders from standard input, carries them out, and says in a line what came out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from oss_upload import (
    Batch,
    BatchOptions,
    Client,
    ClientOptions,
    Event,
    EventKind,
    OSSUploadError,
    Outcome,
    Phase,
    Progress,
    Upload,
    UploadOptions,
    UploadResult,
    merge_manifests,
    shared_upload_part_count,
)
from oss_upload._options import Source


class Thrown(Exception):
    """What a progress callback raises."""


class Order:
    """A word, and names with values."""

    def __init__(self, line: str) -> None:
        self.word, *pairs = line.split()
        self.pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in pairs)]

    def texts(self) -> dict[str, str]:
        """All values as texts; of a name that comes several times, the last."""
        return {name: unquote(value, errors="surrogateescape") for name, value in self.pairs}

    def all(self, name: str) -> list[str]:
        """The values of a name that comes several times."""
        return [unquote(value, errors="surrogateescape") for given, value in self.pairs if given == name]

    def path(self, name: str) -> bytes:
        """A value that need not be text."""
        return unquote_to_bytes(dict(self.pairs)[name])

    def options(self, kind: type) -> dict[str, Any]:
        """The options of this kind, by their names in Python, each of the type that it has there."""
        options: dict[str, Any] = {}
        for name, value in self.texts().items():
            option = name.removesuffix("_ms")
            if option in kind.__annotations__:
                options[option] = self.converted(name, value, str(kind.__annotations__[option]))
        return options

    def converted(self, name: str, value: str, annotation: str) -> object:
        if "bool" in annotation and value in "01":
            return value == "1"
        if "Path" in annotation:
            return self.path(name)
        if "float" in annotation:
            return int(value) / 1000
        return int(value) if value.isdecimal() and "str" not in annotation else value

    def named(self, kind: str) -> dict[str, str]:
        """Headers, or metadata."""
        given = [unquote(value) for name, value in self.pairs if name == kind]
        return dict(header.split(":", 1) for header in given)


class Session:
    """The client and the upload that orders are about."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.upload: Upload | None = None
        self.response: dict[str, list[object]] = {}

    def carry_out(self, order: Order) -> dict[str, list[object]]:
        """What came out, by name."""
        self.response = {}
        try:
            getattr(self, f"do_{order.word}")(order)
        except OSSUploadError as error:
            self.tell_error(error)
        except Thrown:
            self.tell("status", "THROWN")
        return self.response

    def tell(self, name: str, value: object) -> None:
        self.response.setdefault(name, []).append(int(value) if isinstance(value, bool) else value)

    def the_client(self) -> Client:
        assert self.client is not None
        return self.client

    def the_upload(self) -> Upload:
        assert self.upload is not None
        return self.upload

    def do_client(self, order: Order) -> None:
        self.do_end(order)
        self.client = Client(order.texts().get("endpoint"), **order.options(ClientOptions))
        self.tell("status", "OSS_OK")

    def do_set_credentials(self, order: Order) -> None:
        given = order.texts()
        token = given.get("security_token")
        self.the_client().set_credentials(given["access_key_id"], given["access_key_secret"], token)
        self.tell("status", "OSS_OK")

    def do_upload_file(self, order: Order) -> None:
        stop, at_parts = order.texts().get("stop"), int(order.texts().get("at_parts", 0))
        seen: list[Progress] = []

        def watch(progress: Progress) -> None:
            seen.append(progress)
            if stop == "throw" and progress.parts_done >= at_parts and progress.phase is not Phase.ENDED:
                raise Thrown

        try:
            if stop in ("pause", "cancel"):
                result = self.stop_at(order, stop, at_parts, seen)
            else:
                result = self.the_client().upload_file(progress=watch, **upload_arguments(order))
            self.tell("status", "OSS_OK")
            self.tell_result(result)
        finally:
            self.tell_watched(seen)

    def stop_at(self, order: Order, stop: str, at_parts: int, seen: list[Progress]) -> UploadResult:
        # What a callback returns is ignored: whoever wants to pause or cancel an upload starts it.
        with self.the_client().start(**upload_arguments(order)) as upload:
            while True:
                try:
                    result = upload.wait(0.05)
                finally:
                    seen.append(upload.progress)
                if result is not None:
                    return result
                if seen[-1].parts_done >= at_parts:
                    upload.pause() if stop == "pause" else upload.cancel()

    def do_upload_memory(self, order: Order) -> None:
        seen: list[Progress] = []
        try:
            content = Path(os.fsdecode(order.path("content"))).read_bytes()
            result = self.the_client().upload_memory(content, progress=seen.append, **arguments_without_file(order))
            self.tell("status", "OSS_OK")
            self.tell_result(result)
        finally:
            self.tell_watched(seen)

    def do_stream(self, order: Order) -> None:
        given = order.texts()
        content = Path(os.fsdecode(order.path("content"))).read_bytes()
        content = content[: int(given.get("take", len(content)))]
        piece = int(given.get("piece", 0)) or max(1, len(content))
        stream = self.the_client().open_stream(**arguments_without_file(order))
        try:
            for start in range(0, len(content), piece):
                stream.write(content[start : start + piece])
            if given["finish"] == "free":
                self.tell("status", "OSS_OK")
                return
            if given["finish"] == "abort":
                stream.abort()
            result = stream.finish()
            self.tell("status", "OSS_OK")
            self.tell_result(result)
        finally:
            self.tell_progress(stream.progress)
            stream.leave()

    def do_shared(self, order: Order) -> None:
        given, client = order.texts(), self.the_client()
        path = order.path("file_path") if "file_path" in given else None
        options = arguments_without_file(order)
        bucket, key, token = options.pop("bucket"), options.pop("key"), given.get("token", "")
        seen: list[Progress] = []
        if given["call"] == "begin":
            assert path is not None
            token = client.begin_shared_upload(path, bucket, key, **options)
            self.tell("token", token)
            self.tell("part_count", shared_upload_part_count(token))
        elif given["call"] == "send_parts":
            assert path is not None
            first, last = int(given["first"]), int(given["last"])
            fragment = client.send_parts(
                path, bucket, key, token, first=first, last=last, progress=seen.append, **options
            )
            self.tell("fragment", fragment)
        elif given["call"] == "finish":
            fragments = order.all("fragment")
            result = client.finish_shared_upload(
                bucket, key, token, fragments, path=path, progress=seen.append, **options
            )
            self.tell_result(result)
            self.tell_watched(seen)
        else:
            client.abort_shared_upload(bucket, key, token, **options)
        self.tell("status", "OSS_OK")

    def do_batch(self, order: Order) -> None:
        given = order.texts()
        stop, at_outcomes = given.get("stop"), int(given.get("at_outcomes", 0))
        batch = self.the_client().start_batch(**batch_arguments(order))
        try:
            for pair in order.all("pair"):
                path, _, key = pair.partition("\t")
                batch.add(path, key or None)
            batch.seal()
            for number, outcome in enumerate(batch if given["outcomes"] == "1" else (), 1):
                self.tell("outcome", "|".join(map(str, outcome_fields(outcome))))
                if number == at_outcomes:
                    batch.pause() if stop == "pause" else batch.cancel()
            batch.wait()
            self.tell("status", "OSS_OK")
        finally:
            batch.close()
            self.tell_batch(batch)

    def do_merge_manifests(self, order: Order) -> None:
        merge_manifests(order.path("out"), order.all("manifest"))
        self.tell("status", "OSS_OK")

    def do_start(self, order: Order) -> None:
        self.do_free(order)
        self.upload = self.the_client().start(**upload_arguments(order))
        self.tell("status", "OSS_OK")

    def do_wait(self, order: Order) -> None:
        upload = self.the_upload()
        try:
            result = upload.wait(int(order.texts()["timeout_ms"]) / 1000)
            self.tell("status", "OSS_PENDING" if result is None else "OSS_OK")
            if result is not None:
                self.tell_result(result)
        finally:
            self.tell_progress(upload.progress)

    def do_pause(self, _: Order) -> None:
        self.the_upload().pause()

    def do_cancel(self, _: Order) -> None:
        self.the_upload().cancel()

    def do_free(self, _: Order) -> None:
        if self.upload is not None:
            self.upload.close()
        self.upload = None

    def do_events(self, _: Order) -> None:
        for event in self.the_client().events():
            self.tell("event", "|".join(map(str, event_fields(event))))
            self.tell("event.request_id", event.request_id)

    def do_end(self, order: Order) -> None:
        self.do_free(order)
        if self.client is not None:
            self.client.close()
        self.client = None

    def tell_error(self, error: OSSUploadError) -> None:
        self.tell("status", error.status_name)
        for kind in type(error).__mro__:
            self.tell("raised", kind.__name__)
        self.tell("http_status", error.http_status)
        self.tell("os_errno", error.os_errno)
        self.tell("part_number", error.part_number)
        self.tell("retryable", error.retryable)
        self.tell("service_code", error.code)
        self.tell("ec", error.ec)
        self.tell("request_id", error.request_id)
        self.tell("message", str(error))
        if isinstance(error.result, UploadResult):
            self.tell_result(error.result)

    def tell_result(self, result: UploadResult) -> None:
        for name in RESULT:
            self.tell(f"result.{name}", getattr(result, name))
        self.tell("result.callback_response_size", len(result.callback_response))
        self.tell("callback_response", result.callback_response.decode())
        self.tell("result.elapsed_ms", round(result.elapsed * 1000))

    def tell_batch(self, batch: Batch) -> None:
        assert batch.result is not None
        for name, value in vars(batch.result).items():
            told = ("elapsed_ms", round(value * 1000)) if name == "elapsed" else (name, value)
            self.tell(f"batch.{told[0]}", told[1])
        for name, value in vars(batch.progress).items():
            told = ("eta_known", value is not None) if name == "eta" else (name, value)
            self.tell(f"batch_progress.{told[0]}", told[1])

    def tell_progress(self, progress: Progress) -> None:
        self.tell("progress.phase", progress.phase.name.lower())
        for name in PROGRESS:
            self.tell(f"progress.{name}", getattr(progress, name))
        self.tell("progress.eta_known", progress.eta is not None)

    def tell_watched(self, seen: list[Progress]) -> None:
        if not seen:
            return
        self.tell_progress(seen[-1])
        self.tell("progress.runs_forward", all(map(runs_forward, seen, seen[1:])))
        for phase in {progress.phase for progress in seen}:
            self.tell("progress.phases", phase.name.lower())


RESULT = (
    "crc64",
    "size",
    "part_size",
    "bytes_sent",
    "bytes_resumed",
    "parts",
    "parts_resumed",
    "attempts",
    "part_size_raised",
    "etag",
    "version_id",
    "request_id",
    "upload_id",
    "restart_reason",
)
PROGRESS = (
    "total_bytes",
    "done_bytes",
    "resumed_bytes",
    "sent_bytes",
    "parts_total",
    "parts_done",
    "retries",
    "bytes_per_second",
)


def upload_arguments(order: Order) -> dict[str, Any]:
    """An order's options as arguments of Client.upload_file()."""
    return {"path": order.path("file_path"), **arguments_without_file(order)}


def arguments_without_file(order: Order) -> dict[str, Any]:
    """The same, for memory and streams."""
    given = order.texts()
    arguments: dict[str, Any] = {
        "bucket": given["bucket"],
        "key": given["object_key"],
        **order.options(UploadOptions),
    }
    if "checkpoint_path" in given:
        arguments["checkpoint"] = order.path("checkpoint_path")
    if headers := order.named("header"):
        arguments["headers"] = headers
    if metadata := order.named("metadata"):
        arguments["metadata"] = metadata
    return arguments


def runs_forward(before: Progress, after: Progress) -> bool:
    """Whether no number that never falls has fallen."""
    return (
        before.done_bytes <= after.done_bytes
        and before.sent_bytes <= after.sent_bytes
        and before.retries <= after.retries
    )


def event_fields(event: Event) -> list[object]:
    """An event, as all executors tell it."""
    assert isinstance(event.kind, EventKind)
    return [
        event.kind.name.lower().replace("_", " "),
        event.upload,
        event.key,
        event.operation,
        event.part_number,
        event.attempt,
        event.http_status,
        event.code,
        event.bytes,
        event.concurrency,
        event.dropped,
        round(event.at * 1000),
        round(event.elapsed * 1000),
        event.message,
    ]


def batch_arguments(order: Order) -> dict[str, Any]:
    """An order's options as arguments of Client.start_batch()."""
    options = order.options(BatchOptions) | order.options(Source)
    given = order.texts()
    if "manifest_path" in given:
        options["manifest"] = order.path("manifest_path")
    options["headers"], options["metadata"] = order.named("header"), order.named("metadata")
    return {"bucket": given.get("bucket", ""), "prefix": given.get("key_prefix", ""), **options}


def outcome_fields(outcome: Outcome) -> list[object]:
    """In the order of the table of scenarios."""
    error = outcome.error
    return [
        outcome.status.name.lower(),
        int(outcome.resumed),
        outcome.size,
        outcome.crc64,
        outcome.attempts,
        outcome.key,
        outcome.etag,
        outcome.version_id,
        outcome.request_id,
        outcome.path,
        outcome.rule,
        "" if error is None else f"{error.status_name}: {error}",
    ]


def main() -> None:
    """Orders until there are no more."""
    session = Session()
    for line in sys.stdin:
        response = session.carry_out(Order(line))
        values = [
            f" {name}={quote(str(value), safe='', errors='surrogateescape')}"
            for name, all_ in response.items()
            for value in all_
        ]
        sys.stdout.write("=" + "".join(values) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
