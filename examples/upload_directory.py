#!/usr/bin/env python3
"""Uploads a directory with all that is in it, several files at a time.

    export OSS_ENDPOINT=oss-cn-hangzhou.aliyuncs.com OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
    python upload_directory.py /data/videos my-bucket backup/videos/ --state /var/lib/backup

The state directory remembers which files are stored, and has the checkpoints of those that are not: run the program
again after a failure, Ctrl-C, a crash or a change, and it sends what is missing. A file that fails does not stop the
others.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import oss_upload


@dataclass(frozen=True)
class LocalFile:
    """A file as it was when the directory was looked at."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: Path) -> LocalFile:
        """The file at a path."""
        status = path.stat()
        return cls(path, status.st_size, status.st_mtime_ns)


class Journal:
    """Which files are stored: one line of JSON each, appended when the object is there."""

    def __init__(self, path: Path) -> None:
        """Reads what earlier runs wrote."""
        self._stored: set[tuple[str, str, int, int]] = set()
        text = path.read_text() if path.exists() else ""
        for line in text.splitlines():
            with contextlib.suppress(ValueError):  # torn by a crash: that file is sent again
                self._stored.add(tuple(json.loads(line)))
        self._file = path.open("a")
        if text and not text.endswith("\n"):
            self._file.write("\n")

    def __contains__(self, entry: tuple[LocalFile, str]) -> bool:
        """Whether a file is stored at a place, as it is now."""
        return self._line(*entry) in self._stored

    def add(self, file: LocalFile, where: str) -> None:
        """Remembers that a file is stored."""
        self._file.write(json.dumps(self._line(file, where)) + "\n")
        self._file.flush()

    @staticmethod
    def _line(file: LocalFile, where: str) -> tuple[str, str, int, int]:
        return str(file.path), where, file.size, file.mtime_ns


class Stopped(Exception):
    """Ctrl-C: raised in the progress callbacks, which pauses their uploads."""


def main() -> int:
    """Uploads what the command line names; returns the exit status: 0 all stored, 1 some failed, 130 paused."""
    options = parse()
    options.state.mkdir(parents=True, exist_ok=True)
    journal = Journal(options.state / "stored.jsonl")
    paths = [path for path in sorted(options.directory.rglob("*")) if path.is_file()]
    files = {LocalFile.at(path): options.prefix + path.relative_to(options.directory).as_posix() for path in paths}
    missing = {file: key for file, key in files.items() if (file, f"{options.bucket}/{key}") not in journal}

    stop = threading.Event()

    def on_progress(_: oss_upload.Progress) -> None:
        if stop.is_set():
            raise Stopped

    stored = failed = sent = 0
    client = oss_upload.Client(os.environ.get("OSS_ENDPOINT"), region=os.environ.get("OSS_REGION"))
    with client, ThreadPoolExecutor(options.jobs) as pool:
        uploads: dict[Future[oss_upload.UploadResult], tuple[LocalFile, str]] = {
            pool.submit(
                client.upload_file,
                file.path,
                options.bucket,
                key,
                part_size="auto",
                checkpoint_dir=options.state,
                progress=on_progress,
            ): (file, key)
            for file, key in missing.items()
        }
        try:
            for upload in as_completed(uploads):
                file, key = uploads[upload]
                try:
                    result = upload.result()
                except oss_upload.OSSUploadError as error:
                    failed += 1
                    print(f"FAILED {file.path}: {error}", file=sys.stderr)
                else:
                    stored += 1
                    sent += result.bytes_sent
                    journal.add(file, f"{options.bucket}/{key}")
                    print(f"stored {key} ({result.size} bytes, {result.bytes_resumed} resumed)", flush=True)
        except KeyboardInterrupt:
            stop.set()
            for upload in uploads:
                upload.cancel()
    print(
        f"{stored} stored ({sent} bytes sent), {len(files) - len(missing)} were there already, {failed} failed, "
        f"{len(missing) - stored - failed} left"
    )
    return 130 if stop.is_set() else int(failed > 0)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Uploads a directory to OSS; run it again to send what is missing.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("bucket")
    parser.add_argument("prefix", nargs="?", default="", help='what the keys begin with, such as "backup/"')
    parser.add_argument("--jobs", type=int, default=4, help="files at a time (default: 4)")
    parser.add_argument("--state", type=Path, required=True, help="a directory of its own, outside of the other one")
    options = parser.parse_args()
    # Absolute, so that a run from elsewhere knows the files again.
    options.directory, options.state = options.directory.resolve(), options.state.resolve()
    if options.directory in (options.state, *options.state.parents):
        parser.error("the state directory is inside of the other one")
    return options


if __name__ == "__main__":
    sys.exit(main())
