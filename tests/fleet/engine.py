"""What every engine must get through: one of its workers is killed in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import BUCKET, FILES, Killer, LargeFile, Server, Tree, killed_in_the_middle
from oss_upload import FilesFailedError, fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# So that there is a middle.
SLOWLY = 500
SHARDS = 8


def a_tree(
    engine: fleet.Engine, worker: Callable[[], int], server: Server, tree: Tree, prefix: str, manifests: Path
) -> None:
    """Arrives whole, though a worker dies."""
    killer = Killer(worker)
    result = fleet.upload_directory(
        tree.path, BUCKET, prefix, engine=engine, shards=SHARDS, manifests=manifests, progress=killer,
        max_requests_per_second=SLOWLY, **server.access,
    )  # fmt: skip
    assert killer.killed
    assert (result.files_stored, result.files_failed, len(result.shards)) == (FILES, 0, SHARDS)
    assert server.sums(prefix) == tree.sums
    last = killer.seen[-1]
    assert (last.files_stored, last.ended, last.totals_known) == (FILES, True, True)
    assert len(killer.seen) > 2, "workers told of their progress"

    again = fleet.upload_directory(
        tree.path, BUCKET, prefix, engine=engine, shards=SHARDS, manifests=manifests, mode="changed", **server.access
    )
    assert (again.files_unchanged, again.requests) == (FILES, 0)


def failures(engine: fleet.Engine, server: Server, folder: Path) -> None:
    """Are named, and the other files are stored."""
    for name in ("good", "bad"):
        (folder / name).write_text(name)
    (folder / "bad").unlink()
    (folder / "bad").symlink_to("good")
    for manifests in (None, folder.parent / "manifests-of-failures"):
        with pytest.raises(FilesFailedError) as caught:
            fleet.upload_directory(
                folder,
                BUCKET,
                "some/",
                engine=engine,
                shards=3,
                manifests=manifests,
                symlinks="refuse",
                **server.access,
            )
        result = caught.value.result
        assert isinstance(result, fleet.FleetResult)
        assert (result.files_stored, result.files_failed) == (1, 1)
        (failure,) = result.failures
        assert failure.path == "bad"
        assert "symbolic link" in failure.message


def a_large_file(engine: fleet.Engine, worker: Callable[[], int], server: Server, file: LargeFile, key: str) -> None:
    """Arrives whole, though a worker dies."""
    with killed_in_the_middle(server, worker) as killed:
        result = fleet.upload_file(file.path, BUCKET, key, engine=engine, tasks=16, part_size=2 << 20, **server.access)
    assert killed
    (stored,) = (entry for entry in server.state()["objects"] if entry["key"] == key)
    assert (stored["size"], stored["crc64"], server.state()["uploads"]) == (file.size, str(result.crc64), [])
