"""One object from several hosts, and the manifests of shards."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import Server
from test_batch import make_files
from test_command import Run

from oss_upload import (
    CheckpointError,
    Client,
    FileChanged,
    InvalidArgument,
    Progress,
    merge_manifests,
    shared_upload_part_count,
)

PART = 102_400
MakeFile = Callable[[int], Path]


def send(server: Server, path: Path, token: str, first: int, last: int) -> str:
    with server.client() as client:
        return client.send_parts(path, server.bucket, "key", token, first=first, last=last)


def test_several_processes_make_one_object(server: Server, client: Client, make_file: MakeFile) -> None:
    path = make_file(4 * PART)
    token = client.begin_shared_upload(path, server.bucket, "key", metadata={"a": "b"})
    assert shared_upload_part_count(token) == 4
    context = multiprocessing.get_context("spawn")
    with pytest.raises(InvalidArgument, match="other object headers"):
        send(server, path, token, 1, 1)
    client.abort_shared_upload(server.bucket, "key", token, metadata={"a": "b"})
    token = client.begin_shared_upload(str(path), server.bucket, "key")
    with context.Pool(2) as pool:
        ranges = [(server, path, token, first, first + 1) for first in (1, 3)]
        fragments = pool.starmap(send, ranges)
    seen: list[Progress] = []
    result = client.finish_shared_upload(server.bucket, "key", token, reversed(fragments), progress=seen.append)
    assert (result.parts, result.parts_resumed, seen[-1].done_bytes) == (4, 4, 4 * PART)
    assert server.read("key") == path.read_bytes()


def test_what_is_raised_stops_the_step_and_what_was_sent_stays(
    server: Server, client: Client, make_file: MakeFile
) -> None:
    path = make_file(40 * PART)
    token = client.begin_shared_upload(path, server.bucket, "key")

    class Stop(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.parts_done > 0:
            raise Stop

    with server.client(max_bytes_per_second=20 * PART) as slow, pytest.raises(Stop):
        slow.send_parts(path, server.bucket, "key", token, first=1, last=40, progress=stop)
    assert len(server.open_uploads()) == 1
    server.faults()
    fragment = client.send_parts(path, server.bucket, "key", token, first=1, last=40)
    client.finish_shared_upload(server.bucket, "key", token, [fragment])
    assert len(server.log("UploadPart")) < 60
    assert server.read("key") == path.read_bytes()


def test_a_file_of_another_size(server: Server, client: Client, make_file: MakeFile, tmp_path: Path) -> None:
    token = client.begin_shared_upload(make_file(PART), server.bucket, "key")
    other = tmp_path / "other"
    other.write_bytes(b"x")
    with pytest.raises(FileChanged, match="another file"):
        client.send_parts(other, server.bucket, "key", token, first=1, last=1)
    client.abort_shared_upload(server.bucket, "key", token)
    assert server.open_uploads() == []


@pytest.mark.parametrize("path", [None, 7])
def test_a_step_that_reads_needs_a_path(server: Server, client: Client, path: object) -> None:
    with pytest.raises(TypeError, match="path must be a str, bytes or"):
        client.begin_shared_upload(cast("Any", path), server.bucket, "key")
    with pytest.raises(TypeError, match="path must be a str, bytes or"):
        client.send_parts(cast("Any", path), server.bucket, "key", "token", first=1, last=1)


def test_arguments_of_wrong_types_are_refused(server: Server, client: Client) -> None:
    call: Any = client
    with pytest.raises(TypeError, match="token must be a str"):
        call.abort_shared_upload(server.bucket, "key", b"token")
    with pytest.raises(TypeError, match="fragments must be several, not one str"):
        call.finish_shared_upload(server.bucket, "key", "token", "fragment")
    with pytest.raises(TypeError, match="first must be an int"):
        call.send_parts("x", server.bucket, "key", "token", first="1", last=1)
    with pytest.raises(InvalidArgument, match="fragments has a NUL"):
        call.finish_shared_upload(server.bucket, "key", "token", ["a\0b"])
    with pytest.raises(InvalidArgument, match="token"):
        shared_upload_part_count("no token")
    with pytest.raises(TypeError, match="manifests must be several, not one"):
        merge_manifests("out", cast("Any", Path("one")))


def test_manifests_become_one(server: Server, client: Client, run: Run, tmp_path: Path) -> None:
    tree, out = tmp_path / "tree", tmp_path / "m"
    make_files(tree, "a", "b/1", "b/2", "b/c/3")
    manifests = [tmp_path / "m0", tmp_path / "m1"]
    client.upload_directory(tree, server.bucket, "p/", manifest=manifests[0], shard_index=0, shard_count=2)
    with pytest.raises(CheckpointError, match="m1"):
        merge_manifests(out, manifests)
    failed = run("manifest", "merge", out, manifests[0])
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "shard_index 1 of 2 is missing" in failed.stderr
    there = f"oss://{server.bucket}/p/"
    assert run("-r", tree, there, "--shard", "2/2", "--manifest", manifests[1]).returncode == 0
    done = run("manifest", "merge", out, *manifests)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    merge_manifests(str(out), map(str, manifests))
    result = client.upload_directory(tree, server.bucket, "p/", manifest=out, mode="changed")
    assert (result.files_unchanged, result.files_stored) == (4, 0)
    assert run("manifest", "merge").returncode == 2
