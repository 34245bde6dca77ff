#!/usr/bin/env python3
"""Uploads a file with a tqdm bar. Stopped or killed at any moment, it resumes when it is started again.

pip install 'oss-upload[tqdm]'
export OSS_ENDPOINT=oss-cn-hangzhou.aliyuncs.com OSS_ACCESS_KEY_ID=... OSS_ACCESS_KEY_SECRET=...
python upload_tqdm.py /data/a.mp4 my-bucket videos/a.mp4
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tqdm import tqdm

import oss_upload


def main() -> int:
    """Uploads what the command line names; returns the exit status."""
    if len(sys.argv) != 4:
        print("usage: upload_tqdm.py FILE BUCKET KEY", file=sys.stderr)
        return 2
    path, bucket, key = sys.argv[1:]
    client = oss_upload.Client(os.environ.get("OSS_ENDPOINT"), region=os.environ.get("OSS_REGION"))
    try:
        with client, tqdm(desc=Path(path).name, unit="B", unit_scale=True, unit_divisor=1024) as bar:
            result = client.upload_file(
                path, bucket, key, part_size="auto", routines="auto", checkpoint=True, progress=bar
            )
    except KeyboardInterrupt:
        print("paused: run the same command again to resume", file=sys.stderr)
        return 130
    except oss_upload.OSSUploadError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"stored {result.size} bytes, {result.bytes_resumed} of them resumed, CRC-64 {result.crc64}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
