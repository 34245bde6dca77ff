"""The resumable uploaders and downloaders of Alibaba Cloud's SDKs."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from local_oss import LocalOss
from sdks import Sdk

PART = 128 << 10
SIZE = 10 * PART + 321
PART_SIX_IS_REFUSED = {
    "match": {"operation": "UploadPart", "part": 6},
    "action": {"type": "status", "status": 403, "code": "AccessDenied"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of eleven parts."""
    path = tmp_path / "source.mp4"
    path.write_bytes(random.Random(3).randbytes(SIZE))
    return path


@pytest.fixture
def checkpoints(tmp_path: Path) -> str:
    """An empty folder for checkpoints."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    return str(folder)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_file_goes_up_and_comes_down(
    sdk: Sdk, server: LocalOss, file: Path, checkpoints: str, tmp_path: Path, threads: int
) -> None:
    headers = {"Content-Type": "video/x-interop", "x-oss-meta-a": "b", "x-oss-object-acl": "public-read"}
    sdk.upload_file("videos/ü +.mp4", str(file), PART, threads, checkpoints, headers)
    head = sdk.head("videos/ü +.mp4")
    assert head.size == SIZE and head.etag.endswith("-11")
    assert head.headers["content-type"] == "video/x-interop" and head.headers["x-oss-meta-a"] == "b"
    assert sdk.acl("videos/ü +.mp4") == "public-read"
    sdk.download_file("videos/ü +.mp4", str(tmp_path / "copy"), PART, threads, checkpoints)
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()
    assert server.uploads() == [] and _files(checkpoints) == []


def test_a_small_file_goes_up_in_one_piece(sdk: Sdk, tmp_path: Path, checkpoints: str) -> None:
    file = tmp_path / "small.txt"
    file.write_bytes(b"small")
    sdk.upload_file("small", str(file), PART, 1, checkpoints)
    assert sdk.get("small") == b"small"
    assert sdk.head("small").headers["x-oss-object-type"] == "Normal"


def test_a_broken_upload_goes_on_where_it_was(sdk: Sdk, server: LocalOss, file: Path, checkpoints: str) -> None:
    server.tell("faults", [PART_SIX_IS_REFUSED])
    with pytest.raises(Exception, match="AccessDenied"):
        sdk.upload_file("object", str(file), PART, 1, checkpoints)
    assert not sdk.exists("object")
    [upload] = server.uploads()
    assert [part["number"] for part in upload["parts"]][:5] == [1, 2, 3, 4, 5]
    assert _files(checkpoints)
    server.tell("faults", [])
    before = len(server.log())
    sdk.upload_file("object", str(file), PART, 1, checkpoints)
    sent = [entry["part_number"] for entry in server.log()[before:] if entry["operation"] == "UploadPart"]
    assert 6 in sent and not {1, 2, 3, 4, 5} & set(sent)
    assert sdk.get("object") == file.read_bytes()
    assert server.uploads() == [] and _files(checkpoints) == []


def test_an_upload_that_is_gone_starts_anew(sdk: Sdk, server: LocalOss, file: Path, checkpoints: str) -> None:
    server.tell("faults", [PART_SIX_IS_REFUSED])
    with pytest.raises(Exception, match="AccessDenied"):
        sdk.upload_file("object", str(file), PART, 1, checkpoints)
    server.tell("faults", [])
    [upload] = server.uploads()
    sdk.abort("object", upload["upload_id"])
    sdk.upload_file("object", str(file), PART, 1, checkpoints)
    assert sdk.get("object") == file.read_bytes()


def _files(folder: str) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]
