"""On Ray: four processes of a local cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import engine
import pytest
import ray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import LargeFile, Server, Tree


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:  # noqa: ARG001 - its keys are in the environment then
    """Of the cluster."""
    ray.init(num_cpus=4, include_dashboard=False, configure_logging=False, log_to_driver=False)
    yield "local"
    ray.shutdown()


def busy_worker() -> int:
    """The process of a worker that has a task. Ray names it after that."""
    for process in Path("/proc").glob("[0-9]*"):
        if (process / "cmdline").read_bytes().startswith((b"ray::<lambda>", b"ray::work")):
            return int(process.name)
    raise LookupError("no worker has a task")


def test_a_tree(address: str, server: Server, tree: Tree, tmp_path: Path) -> None:
    engine.a_tree(address, busy_worker, server, tree, "by-ray/", tmp_path / "manifests")


def test_failures(address: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    engine.failures(address, server, tmp_path / "some")


def test_a_large_file(address: str, server: Server, large_file: LargeFile) -> None:
    engine.a_large_file(address, busy_worker, server, large_file, "large-by-ray")
