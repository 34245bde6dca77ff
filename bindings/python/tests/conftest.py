"""A local OSS for each test, and a client of it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, Callable

import pytest

from oss_upload import Client

CHECKOUT = Path(__file__).resolve().parents[3]
DEADLINE = 30.0

# Whoever starts the tests in the background of a script has SIGINT ignored, and Python then raises nothing.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Server:
    """A running oss-server: where it is, and what can be asked of it and told to it beside the protocol of OSS."""

    endpoint: str
    region: str
    access_key_id: str
    access_key_secret: str
    bucket: str

    def client(self, **options: Any) -> Client:
        """A client of this server; options replace its own."""
        keys = {"access_key_id": self.access_key_id, "access_key_secret": self.access_key_secret}
        return Client(self.endpoint, **{"region": self.region, **keys, **options})

    def log(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The requests so far, all or those of one operation."""
        entries: list[dict[str, Any]] = json.loads(self._control("GET", "log"))
        return [entry for entry in entries if operation in (None, entry["operation"])]

    def objects(self) -> dict[str, dict[str, Any]]:
        """The objects, by key."""
        return {entry["key"]: entry for entry in self._state()["objects"]}

    def open_uploads(self) -> list[dict[str, Any]]:
        """Uploads that were opened, and neither completed nor aborted."""
        uploads: list[dict[str, Any]] = self._state()["uploads"]
        return uploads

    def faults(self, *rules: dict[str, Any]) -> None:
        """Replaces the fault script."""
        self._control("PUT", "faults", json.dumps(rules).encode())

    def make_bucket(self, name: str) -> None:
        """Makes another bucket."""
        self._control("PUT", "buckets", json.dumps({"name": name}).encode())

    def read(self, key: str) -> bytes:
        """The content of an object, as another client than ours reads it."""
        resource, date = f"/{self.bucket}/{key}", formatdate(usegmt=True)
        digest = hmac.digest(self.access_key_secret.encode(), f"GET\n\n\n{date}\n{resource}".encode(), hashlib.sha1)
        signature = f"OSS {self.access_key_id}:{base64.b64encode(digest).decode()}"
        return self._request("GET", resource, headers={"Date": date, "Authorization": signature})

    def _state(self) -> dict[str, Any]:
        bucket: dict[str, Any] = json.loads(self._control("GET", "state"))["buckets"][self.bucket]
        return bucket

    def _control(self, method: str, name: str, body: bytes | None = None) -> bytes:
        return self._request(method, f"/_server/{name}", body)

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        request = urllib.request.Request(self.endpoint + path, body, headers or {}, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:
            content: bytes = response.read()
            return content


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition; fails when it does not come true in time."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE} s in vain: {what}"
        time.sleep(0.01)


def server_binary() -> Path:
    given = os.environ.get("OSS_SERVER")
    places = [Path(given)] if given else [CHECKOUT / "target" / kind / "oss-server" for kind in ("release", "debug")]
    for place in places:
        if place.is_file():
            return place
    pytest.fail(
        f"no oss-server at {' or '.join(map(str, places))}: run `cargo build --release -p oss-server`, or set "
        "OSS_SERVER to its path",
        pytrace=False,
    )


@pytest.fixture(scope="session", autouse=True)
def _no_credentials_of_the_machine() -> None:
    for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"):
        os.environ.pop(name, None)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """A local OSS."""
    command = [str(server_binary()), "--exit-with-stdin", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield Server(
            ready["endpoint"],
            ready["region"],
            ready["access_key_id"],
            ready["access_key_secret"],
            ready["buckets"][0],
        )


@pytest.fixture
def server() -> Iterator[Server]:
    """A local OSS of this test's own."""
    with serving() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a local file of so many random bytes."""

    def make(size: int) -> Path:
        path = tmp_path / f"{size}.bin"
        path.write_bytes(os.urandom(size))
        return path

    return make


@pytest.fixture
def environment(server: Server) -> dict[str, str]:
    return {
        **os.environ,
        "OSS_ENDPOINT": server.endpoint,
        "OSS_REGION": server.region,
        "OSS_ACCESS_KEY_ID": server.access_key_id,
        "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "oss_upload", *map(str, arguments)]
        return subprocess.Popen(
            command,
            text=True,
            env=environment,
            # A shell that starts the tests in the background ignores SIGINT, and so would Python.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    return start


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command to its end; its output and errors are texts."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        with start(*arguments) as process:
            output, errors = process.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    return run
