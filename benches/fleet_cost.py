"""What oss_upload.fleet takes beside the engine itself: the same shards, uploaded by functions that the engine is given.

    benches/fleet.sh [ROUNDS]

Each engine has four processes on this machine. Prints a table, and what of the targets was met.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import oss_upload
from bench import promises, table
from oss_upload import fleet
from places import BUCKET, HERE, Places, server
from section import Section, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKERS, SHARDS = 4, 8
COUNT, SIZE, IN_EACH = 8000, 1024, 1000
# Beside the engine: seconds of a call, and MiB of a worker.
MOST_SECONDS, MOST_MIB = 0.2, 5.0


def by_hand(index: int, folder: str, endpoint: str, manifests: str) -> int:
    """What a program without the fleet gives to an engine."""
    manifest = Path(manifests, str(index))
    with oss_upload.Client(endpoint, region="cn-hangzhou", credentials="env") as client:
        return client.upload_directory(folder, BUCKET, manifest=manifest, shard_index=index, shard_count=SHARDS).files_stored


def memory() -> tuple[int, int]:
    """Of this process: its number, and the most memory that it has had, in KiB."""
    time.sleep(0.2)  # so that each worker gets one of these
    return os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def dask() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """An engine, and how it is given a function."""
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client, lambda *call: client.get_executor(pure=False).submit(*call)


@contextmanager
def ray() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """The same of Ray."""
    import ray

    ray.init(num_cpus=WORKERS, include_dashboard=False, configure_logging=False, log_to_driver=False)
    try:
        yield "local", lambda function, *arguments: ray.remote(function).remote(*arguments).future()
    finally:
        ray.shutdown()


@contextmanager
def processes() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """The same of the standard library."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as executor:
        executor: Executor
        yield executor, executor.submit


ENGINES = {"Dask": dask, "Ray": ray, "ProcessPoolExecutor": processes}


def measure(engine: str, folder: str, endpoint: str, with_fleet: bool) -> tuple[float, float]:
    """Seconds of one call by an engine that has workers already, and the MiB of its largest worker."""
    with ENGINES[engine]() as (handle, submit), TemporaryDirectory() as manifests:
        # Started, and with the package: also by hand somebody must import it.
        wait([submit(memory) for _ in range(4 * WORKERS)])
        start = time.monotonic()
        if with_fleet:
            where = {"endpoint": endpoint, "client_options": {"region": "cn-hangzhou", "credentials": "env"}, "manifests": manifests}
            result = fleet.upload_directory(folder, BUCKET, engine=handle, shards=SHARDS, **where)
            stored = result.files_stored
        else:
            stored = sum(wait([submit(by_hand, index, folder, endpoint, manifests) for index in range(SHARDS)]))
        seconds = time.monotonic() - start
        if stored != COUNT:
            sys.exit(f"{engine}: {stored} files were stored")
        peaks = dict(wait([submit(memory) for _ in range(4 * WORKERS)]))
    return seconds, max(peaks.values()) / 1024


def wait(futures: list[Any]) -> list[Any]:
    """Their results."""
    return [future.result() for future in as_completed(futures)]


def main() -> None:
    """Runs both in turn."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    places = Places(HERE.parent / "target")
    section = Section("fleet", "", ["", "by hand, s", "fleet, s", "more", "by hand, MiB", "fleet, MiB", "more"])
    with places.tree(COUNT, SIZE, IN_EACH) as folder, server(places) as oss:
        os.environ |= oss.environment | {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
        for engine in ENGINES:
            pairs = [[measure(engine, folder, oss.endpoint, with_fleet) for with_fleet in (False, True)] for _ in range(rounds)]
            row, more = [], []
            for index in (0, 1):
                row += [statistics.median(pair[kind][index] for pair in pairs) for kind in (0, 1)]
                more.append(statistics.median(pair[1][index] - pair[0][index] for pair in pairs))
            section.rows.append([engine, *(f"{value:.2f}" for value in (*row[:2], more[0], *row[2:], more[1]))])
            section.targets += [
                Target(f"seconds more with {engine}", more[0], MOST_SECONDS),
                Target(f"MiB more of a worker with {engine}", more[1], MOST_MIB),
            ]
    print(table([section.columns, *section.rows]), promises([section]), sep="\n\n")


if __name__ == "__main__":
    main()
