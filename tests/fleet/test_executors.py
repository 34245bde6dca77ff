"""On executors, whose workers are processes or threads."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING

import engine
import pytest
from conftest import BUCKET
from joblib.externals.loky import get_reusable_executor
from oss_upload import InvalidArgument, NetworkError, fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Server


def processes() -> Executor:
    """Of the standard library."""
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("make", [processes, lambda: get_reusable_executor(2), lambda: ThreadPoolExecutor(2)])
def test_failures(make: Callable[[], Executor], server: Server, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    with make() as executor:
        engine.failures(executor, server, tmp_path / "some")


def test_files_of_any_size(server: Server, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        for size in (0, 1, 102_400, 1_000_000):
            (tmp_path / "file").write_bytes(b"x" * size)
            result = fleet.upload_file(
                tmp_path / "file",
                BUCKET,
                f"size/{size}",
                engine=executor,
                tasks=4,
                **{**server.access, "part_size": 102_400},
            )
            assert result.size == size
    assert len(server.sums("size/")) == 4


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"client_options": {"access_key_id": "id", "access_key_secret": "hidden"}}, "access_key_secret"),
        ({"client_options": {"security_token": "hidden"}}, "security_token"),
        ({"client_options": {"proxy": "http://user:hidden@proxy:1"}}, "password"),
        ({"shard_index": 1}, "shard_index"),
        ({"manifest": "m"}, "manifest"),
    ],
)
def test_what_is_refused(options: dict[str, object], what: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidArgument, match=what) as caught:
        fleet.upload_directory(tmp_path, BUCKET, engine=executor, shards=1, endpoint="h", **options)  # type: ignore[arg-type]
    assert "hidden" not in str(caught.value)


def test_an_engine_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="engine must be"):
        fleet.upload_directory(tmp_path, BUCKET, engine=3, shards=1, endpoint="h")


def test_a_failure_of_all_is_raised_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 300_000)
    nobody = {"endpoint": "http://127.0.0.1:9", "client_options": {"credentials": "env", "max_attempts": 1}}
    with ThreadPoolExecutor(2) as executor:
        with pytest.raises(NetworkError):
            fleet.upload_directory(tmp_path, BUCKET, "none/", engine=executor, shards=2, **nobody)
        with pytest.raises(NetworkError):
            fleet.upload_file(tmp_path / "file", BUCKET, "none/file", engine=executor, tasks=2, **nobody)
    assert server.sums("none/") == {}
