"""A local OSS, and a folder in which a reader would try what the documentation shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pages import CHECKOUT

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or CHECKOUT / "target")
BUCKET = "my-bucket"
CARGO = """#!/bin/sh
command=$1
shift
exec "{cargo}" --quiet "$command" --manifest-path "{checkout}/Cargo.toml" "$@"
"""


@dataclass
class Reader:
    """Somebody who tries things, with a key in the environment and a file to upload."""

    home: Path
    server: dict[str, str]
    environment: dict[str, str]

    def here(self, text: str) -> str:
        """The same snippet with the names of this machine: file, checkout, and the local OSS for the real one."""
        for written, real in {
            "/data/videos": str(self.home / "data"),
            "/data/a.mp4": str(self.home / "data/a.mp4"),
            "/path/to/liboss_upload": str(CHECKOUT),
            "https://oss-cn-hangzhou.aliyuncs.com": self.server["endpoint"],
            "oss-cn-hangzhou.aliyuncs.com": self.server["endpoint"],
        }.items():
            text = text.replace(written, real)
        return text

    def write(self, name: str, text: str) -> None:
        """A file with that snippet."""
        (self.home / name).write_text(self.here(text), encoding="utf-8")

    def run(self, command: list[str], **more: str) -> str:
        """What a command prints. It must succeed."""
        done = subprocess.run(
            command,
            cwd=self.home,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def stored(self) -> set[str]:
        """The keys of all objects, each of which must be the file."""
        with urllib.request.urlopen(f"{self.server['endpoint']}/_server/state") as response:
            state = json.load(response)
        objects = state["buckets"][BUCKET]["objects"]
        wanted = (self.home / "data/a.mp4").stat().st_size
        for entry in objects:
            assert entry["size"] == wanted, entry
        return {entry["key"] for entry in objects}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.mp4").write_bytes(os.urandom(700_000))
    binary = os.environ.get("OSS_SERVER") or TARGET / "release/oss-server"
    with subprocess.Popen([binary, "--bucket", BUCKET], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            server = json.loads(process.stdout.readline())
            yield Reader(tmp_path, server, environment(tmp_path, server))
        finally:
            process.kill()


def environment(home: Path, server: dict[str, str]) -> dict[str, str]:
    """Commands that a page takes for granted are found first: this Python, and cargo, which works in the checkout."""
    commands = home / "commands"
    commands.mkdir()
    cargo = subprocess.check_output(["sh", "-c", "command -v cargo"], text=True).strip()
    (commands / "cargo").write_text(CARGO.format(cargo=cargo, checkout=CHECKOUT))
    (commands / "cargo").chmod(0o755)
    for entry in ("include", "bindings", "examples"):
        (home / entry).symlink_to(CHECKOUT / entry)
    (home / "target").symlink_to(TARGET)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OSS_", "ALIBABA_CLOUD_"))},
        "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OSS_UPLOAD_LIBRARY": str(TARGET / "release/liboss_upload.so"),
        "OSS_ACCESS_KEY_ID": server["access_key_id"],
        "OSS_ACCESS_KEY_SECRET": server["access_key_secret"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
