"""oss2: resumable_upload."""

from __future__ import annotations

from pathlib import Path

import oss2

from command import Uploader, run


class Oss2(Uploader):
    """PyPI oss2."""

    def __init__(self, endpoint: str, bucket: str, at_a_time: int) -> None:
        super().__init__(endpoint, bucket, at_a_time)
        oss2.defaults.connection_pool_size = max(oss2.defaults.connection_pool_size, at_a_time)
        self.remote = oss2.Bucket(oss2.AuthV4(*self.key), endpoint, bucket, region=self.region)

    def file(self, key: str, path: str, part_size: int | None, routines: int | None) -> None:
        store = oss2.ResumableStore(root=str(Path(path).parent))
        threshold = 1 if part_size else None
        oss2.resumable_upload(
            self.remote, key, path, store, multipart_threshold=threshold, part_size=part_size, num_threads=routines
        )

    def small(self, key: str, path: str) -> None:
        self.remote.put_object_from_file(key, path)


run(Oss2)
