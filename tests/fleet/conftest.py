"""A local OSS and a tree of files for real engines on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oss_upload import BatchProgress

BUCKET = "fleet"
FILES, FOLDERS = 20_000, 20


@dataclass(frozen=True)
class Server:
    """A running oss-server. Who uploads to it finds its keys in the environment."""

    endpoint: str

    @property
    def access(self) -> dict[str, Any]:
        """How a fleet gets there."""
        return {"endpoint": self.endpoint, "client_options": {"region": "cn-hangzhou", "credentials": "env"}}

    def state(self) -> dict[str, Any]:
        """Of the bucket."""
        with urllib.request.urlopen(f"{self.endpoint}/_server/state") as response:
            state: dict[str, Any] = json.load(response)["buckets"][BUCKET]
        return state

    def sums(self, prefix: str) -> dict[str, str]:
        """The MD5 of each object with this prefix, by the rest of its key."""
        objects = {entry["key"]: entry["etag"].strip('"').lower() for entry in self.state()["objects"]}
        return {key[len(prefix) :]: etag for key, etag in objects.items() if key.startswith(prefix)}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A local OSS with one bucket. It keeps sums, and no bytes."""
    command = [
        os.environ["OSS_SERVER"],
        "--exit-with-stdin",
        "--bucket",
        BUCKET,
        "--log",
        "none",
        "--storage",
        "discard",
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    # Engines that are started later hand them on to their workers.
    keys = {"OSS_ACCESS_KEY_ID": ready["access_key_id"], "OSS_ACCESS_KEY_SECRET": ready["access_key_secret"]}
    os.environ.update(keys, ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")
    try:
        yield Server(ready["endpoint"])
    finally:
        process.stdin.close()
        process.wait()


@dataclass(frozen=True)
class Tree:
    """A folder of small files, and the MD5 of each by its path from there."""

    path: Path
    sums: dict[str, str]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """20,000 small files, no two alike."""
    path, sums = tmp_path_factory.mktemp("tree"), {}
    for number in range(FOLDERS):
        (path / f"{number:02}").mkdir()
    for number in range(FILES):
        name, content = f"{number % FOLDERS:02}/{number:05}.txt", f"{number}\n".encode() * (1 + number % 50)
        (path / name).write_bytes(content)
        sums[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Tree(path, sums)


@dataclass(frozen=True)
class LargeFile:
    """One file, and its CRC-64 as the server tells it."""

    path: Path
    size: int


@pytest.fixture(scope="session")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LargeFile]:
    """1 GiB, no two MiB alike."""
    path, size = tmp_path_factory.mktemp("large") / "large", 1 << 30
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for number in range(size >> 20):
            file.write(number.to_bytes(8, "little") + block[8:])
    yield LargeFile(path, size)
    path.unlink()


@dataclass
class Killer:
    """A receiver of progress that kills a worker once, in the middle of the work."""

    worker: Callable[[], int]
    killed: int = 0
    seen: list[BatchProgress] = field(default_factory=list)

    def __call__(self, progress: BatchProgress) -> None:
        """Looks how far all are."""
        self.seen.append(progress)
        if not self.killed and FILES // 8 <= progress.files_stored < FILES * 7 // 8:
            self.killed = self.worker()
            os.kill(self.killed, signal.SIGKILL)


@contextmanager
def killed_in_the_middle(server: Server, worker: Callable[[], int]) -> Iterator[list[int]]:
    """Kills a worker when some parts of an upload are there, but not all. Gives the process that was killed."""
    killed: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            parts = sum(len(upload["parts"]) for upload in server.state()["uploads"])
            if parts >= 20:
                killed.append(worker())
                os.kill(killed[0], signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield killed
    finally:
        over.set()
        watcher.join()
