"""A local OSS in a process of its own, and what can be told to it beside the protocol of OSS."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]
DEADLINE = 30.0

BUCKET = "test-bucket"
DOMAIN = "oss.localhost"
CUSTOM_DOMAIN = "files.localhost"
TEMPORARY = ("STS.temporary", "temporary-secret", "token/with+odd=characters")


@dataclass
class LocalOss:
    """A running oss-server."""

    port: int
    tls: bool
    region: str
    access_key_id: str
    access_key_secret: str
    ca_file: str | None = None
    key: tuple[str, str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.key = (self.access_key_id, self.access_key_secret, None)

    def endpoint(self, host: str = "127.0.0.1") -> str:
        """The endpoint below one of the server's names."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def log(self) -> list[dict[str, Any]]:
        """The requests so far."""
        return json.loads(self._control("GET", "log"))

    def uploads(self, bucket: str = BUCKET) -> list[dict[str, Any]]:
        """Uploads that were opened, and neither completed nor aborted."""
        return json.loads(self._control("GET", "state"))["buckets"][bucket]["uploads"]

    def tell(self, page: str, value: Any) -> None:
        """Changes the server's state: clock, faults, policy, buckets."""
        self._control("PUT", page, json.dumps(value).encode())

    def reset(self) -> None:
        """Forgets every object, upload and fault."""
        self._control("POST", "reset")

    def _control(self, method: str, page: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.endpoint()}/_server/{page}", body, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE, context=tls_context(self)) as response:
            return response.read()


def tls_context(server: LocalOss):
    """What urllib needs to trust the server's certificate."""
    import ssl

    return ssl.create_default_context(cafile=server.ca_file) if server.tls else None


def binary() -> Path:
    """The oss-server to test: the one named by OSS_SERVER, else the release build."""
    path = Path(os.environ.get("OSS_SERVER") or CHECKOUT / "target/release/oss-server")
    if not path.is_file():
        raise FileNotFoundError(f"no local OSS at {path}: run `cargo build --release -p oss-server`, or set OSS_SERVER")
    return path


@contextmanager
def local_oss(*options: str, ca_file: Path | None = None) -> Iterator[LocalOss]:
    """Runs a server until the end of the block; with a ca_file it speaks HTTPS and writes its authority there."""
    command = [binary(), "--exit-with-stdin", "--domain", DOMAIN, "--cname", f"{CUSTOM_DOMAIN}={BUCKET}"]
    command += ["--bucket", BUCKET, "--access-key", "test-id:test-secret", "--access-key", ":".join(TEMPORARY)]
    if ca_file:
        command += ["--tls", "--ca-file", ca_file]
    process = subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        yield LocalOss(
            port=ready["port"],
            tls=ca_file is not None,
            region=ready["region"],
            access_key_id=ready["access_key_id"],
            access_key_secret=ready["access_key_secret"],
            ca_file=str(ca_file) if ca_file else None,
        )
    finally:
        process.stdin.close()
        process.wait(DEADLINE)
        process.stdout.close()
