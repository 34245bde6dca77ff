"""Uploads a folder that all hosts share with Spark: one shard of it is one task.

    spark-submit upload_with_spark.py ENDPOINT FOLDER BUCKET PREFIX MANIFESTS SHARDS

Each host needs the package oss-upload, and finds its own credentials. Files that fail make the task fail, and Spark
runs it again: it goes on from its manifest in the folder MANIFESTS, which the hosts share too.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

import oss_upload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def upload(shards: Iterable[int], where: list[str], count: int) -> Iterator[int]:
    """What a task does: yields how many files each shard has stored."""
    endpoint, folder, bucket, prefix, manifests = where
    with oss_upload.Client(endpoint, region="cn-hangzhou") as client:
        for index in shards:
            manifest = f"{manifests}/shard-{index}-of-{count}"
            result = client.upload_directory(
                folder, bucket, prefix, manifest=manifest, shard_index=index, shard_count=count
            )
            yield result.files_stored


def main() -> None:
    """Runs the job."""
    *where, count = sys.argv[1:]
    with SparkSession.builder.appName("upload").getOrCreate() as spark:
        shards = spark.sparkContext.parallelize(range(int(count)), int(count))
        stored = shards.mapPartitions(partial(upload, where=where, count=int(count))).collect()
    print(f"{sum(stored)} files stored")


if __name__ == "__main__":
    main()
