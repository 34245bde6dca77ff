"""On Dask: four processes of a local cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import engine
import pytest
from dask.distributed import Client, LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import LargeFile, Server, Tree


@pytest.fixture(scope="module")
def dask(server: Server) -> Iterator[Client]:  # noqa: ARG001 - its keys are in the environment then
    """Their client."""
    with LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


def busy_worker(client: Client) -> int:
    """The process of a worker that has something to do."""
    busy = [address for address, tasks in client.processing().items() if tasks]
    return next(iter(client.run(os.getpid, workers=busy[:1]).values()))


def test_a_tree(dask: Client, server: Server, tree: Tree, tmp_path: Path) -> None:
    engine.a_tree(dask, lambda: busy_worker(dask), server, tree, "by-dask/", tmp_path / "manifests")


def test_failures(dask: Client, server: Server, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    engine.failures(dask, server, tmp_path / "some")


def test_a_large_file(dask: Client, server: Server, large_file: LargeFile) -> None:
    engine.a_large_file(dask, lambda: busy_worker(dask), server, large_file, "large-by-dask")
