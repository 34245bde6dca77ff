"""alibabacloud-oss-v2: Uploader."""

from __future__ import annotations

from pathlib import Path

import alibabacloud_oss_v2 as oss

from command import Uploader, run


class OssV2(Uploader):
    """PyPI alibabacloud-oss-v2."""

    def __init__(self, endpoint: str, bucket: str, at_a_time: int) -> None:
        super().__init__(endpoint, bucket, at_a_time)
        config = oss.config.load_default()
        config.region, config.endpoint = self.region, endpoint
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(*self.key)
        if at_a_time > 10:  # its default
            config.http_client = oss.transport.RequestsHttpClient(max_connections=at_a_time)
        self.client = oss.Client(config)

    def file(self, key: str, path: str, part_size: int | None, routines: int | None) -> None:
        options = {"enable_checkpoint": True, "checkpoint_dir": str(Path(path).parent)}
        if part_size:
            options |= {"part_size": part_size, "parallel_num": routines}
        uploader = self.client.uploader(**options)
        uploader.upload_file(oss.PutObjectRequest(bucket=self.bucket, key=key), path)

    def small(self, key: str, path: str) -> None:
        self.client.put_object_from_file(oss.PutObjectRequest(bucket=self.bucket, key=key), path)


run(OssV2)
