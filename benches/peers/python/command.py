"""What the programs here have in common: arguments, environment, and many files at a time."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

USAGE = f"usage: {sys.argv[0]} file ENDPOINT BUCKET KEY FILE | many ENDPOINT BUCKET FOLDER COUNT AT_A_TIME"


class Uploader(ABC):
    """One SDK, connected to one bucket."""

    def __init__(self, endpoint: str, bucket: str, at_a_time: int) -> None:
        self.endpoint, self.bucket, self.at_a_time = endpoint, bucket, at_a_time
        self.region = os.environ["OSS_REGION"]
        self.key = os.environ["OSS_ACCESS_KEY_ID"], os.environ["OSS_ACCESS_KEY_SECRET"]

    @abstractmethod
    def file(self, key: str, path: str, part_size: int | None, routines: int | None) -> None:
        """Uploads one file with a checkpoint."""

    @abstractmethod
    def small(self, key: str, path: str) -> None:
        """Uploads one small file with one request."""


def run(kind: type[Uploader]) -> None:
    """Does what the arguments say."""
    match sys.argv[1:]:
        case ["file", endpoint, bucket, key, path]:
            part_size, routines = os.environ.get("PART_SIZE"), os.environ.get("ROUTINES")
            uploader = kind(endpoint, bucket, int(routines or 1))
            uploader.file(key, path, part_size and int(part_size), routines and int(routines))
        case ["many", endpoint, bucket, folder, count, at_a_time]:
            uploader = kind(endpoint, bucket, int(at_a_time))
            names = [f"{i:05}" for i in range(int(count))]
            with ThreadPoolExecutor(int(at_a_time)) as pool:
                for _ in pool.map(lambda name: uploader.small(name, str(Path(folder) / name)), names):
                    pass
        case _:
            sys.exit(USAGE)
