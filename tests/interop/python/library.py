"""liboss_upload, called from a C program."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_oss import BUCKET, CHECKOUT, LocalOss

PROGRAM = CHECKOUT / "tests/interop/upload_many.c"


@dataclass(frozen=True)
class Stored:
    """What the library says about an upload that went well."""

    size: int
    crc64: int
    parts: int
    etag: str


class UploadFailed(Exception):
    """The library could not upload."""


@dataclass(frozen=True)
class Uploader:
    """The built program."""

    program: Path

    def __call__(
        self,
        server: LocalOss,
        files: dict[str, Path],
        headers: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        **options: Any,
    ) -> list[Stored]:
        """Uploads files to keys, one after the other; options are those of client and upload."""
        identity, secret, token = options.pop("key", server.key)
        options = {
            "endpoint": server.endpoint(host),
            "region": server.region,
            "bucket": BUCKET,
            "access_key_id": identity,
            "access_key_secret": secret,
            "security_token": token,
            "ca_file": server.ca_file,
            **options,
        }
        arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
        arguments += [f"header={name}:{value}" for name, value in (headers or {}).items()]
        pairs = [text for key, path in files.items() for text in (key, str(path))]
        run = subprocess.run([self.program, *arguments, "--", *pairs], capture_output=True, text=True, timeout=120)
        if run.returncode != 0:
            raise UploadFailed(run.stderr.strip())
        lines = [line.split(" ") for line in run.stdout.splitlines()]
        return [Stored(int(size), int(crc64), int(parts), etag) for size, crc64, parts, etag in lines]


def build(folder: Path, source: Path = PROGRAM) -> Uploader:
    """Compiles a program and links it with the release build of the library."""
    libraries = Path(os.environ.get("OSS_UPLOAD_LIB_DIR") or CHECKOUT / "target/release")
    program = folder / source.stem
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    places = [f"-I{CHECKOUT / 'include'}", f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *strict, *places, source, "-loss_upload", "-o", program], check=True)
    return Uploader(program)
