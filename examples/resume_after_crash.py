#!/usr/bin/env python3
"""Shows what a crash costs: a child process uploads a file and is killed half way, then the upload goes on.

    export OSS_ENDPOINT=oss-cn-hangzhou.aliyuncs.com OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
    python resume_after_crash.py /data/a.mp4 my-bucket videos/a.mp4

A part that the server had acknowledged before the kill is not sent again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import oss_upload

PART_SIZE = 100 * 1024


def upload(
    path: str, bucket: str, key: str, *, rate: int | None = None, report: bool = False
) -> oss_upload.UploadResult:
    """Uploads with a checkpoint; reports the parts that are done, a number a line."""

    def on_progress(progress: oss_upload.Progress) -> None:
        if report:
            print(progress.parts_done, flush=True)

    client = oss_upload.Client(
        os.environ.get("OSS_ENDPOINT"), region=os.environ.get("OSS_REGION"), max_bytes_per_second=rate
    )
    with client:
        return client.upload_file(path, bucket, key, part_size=PART_SIZE, checkpoint=True, progress=on_progress)


def crash(path: str, bucket: str, key: str) -> int:
    """Kills a child that uploads when half of the parts are done; returns how many it had reported."""
    half = Path(path).stat().st_size // PART_SIZE // 2
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", path, bucket, key], stdout=subprocess.PIPE, text=True
    )
    done = 0
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            done = int(line)
            if done >= half:
                break
        child.kill()
    return done


def main() -> int:
    """Uploads what the command line names; returns the exit status."""
    if sys.argv[1:2] == ["--child"]:
        path, bucket, key = sys.argv[2:]
        # In about four seconds, so that there is time to kill it.
        upload(path, bucket, key, rate=max(1024, Path(path).stat().st_size // 4), report=True)
        return 0
    if len(sys.argv) != 4:
        print("usage: resume_after_crash.py FILE BUCKET KEY", file=sys.stderr)
        return 2
    path, bucket, key = sys.argv[1:]
    before = crash(path, bucket, key)
    print(f"killed with {before} parts done; the checkpoint has {Path(path + '.cp').stat().st_size} bytes")
    result = upload(path, bucket, key)
    print(
        f"stored {result.size} bytes in {result.parts} parts: {result.parts_resumed} were there, "
        f"{result.bytes_sent} bytes were sent now"
    )
    if result.parts_resumed < before or result.bytes_sent != result.size - result.bytes_resumed:
        print("something was sent twice", file=sys.stderr)
        return 1
    print("nothing was sent twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
