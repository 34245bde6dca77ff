"""The programs in examples/ do what they say."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import CHECKOUT, DEADLINE, Server, wait_until

import oss_upload

MIB = 1024 * 1024
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(server: Server) -> Start:
    environment = {
        **os.environ,
        "OSS_ENDPOINT": server.endpoint,
        "OSS_REGION": server.region,
        "OSS_ACCESS_KEY_ID": server.access_key_id,
        "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
        "PYTHONPATH": str(Path(oss_upload.__file__).parents[1]),
    }

    def start(name: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(CHECKOUT / "examples" / name), *map(str, arguments)],
            env=environment,
            # A shell that starts the tests in the background ignores SIGINT, and so would Python.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def run(start: Start) -> Callable[..., tuple[int, str, str]]:
    """Runs an example to its end: its exit status, output and errors."""

    def run(name: str, *arguments: object) -> tuple[int, str, str]:
        return end(start(name, *arguments))

    return run


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        output, errors = process.communicate(timeout=DEADLINE)
    return process.returncode, output, errors


# The server takes two parts, and does not answer when there are more.
TWO_PARTS = {"match": {"part": list(range(3, 100))}, "action": {"type": "stall", "at": "before_body"}}


def bytes_sent(server: Server, key: str, *, after: int) -> int:
    """How much of an object was in the requests after so many."""
    return sum(entry["body_bytes"] for entry in server.log()[after:] if entry["key"] == key and entry["part_number"])


def test_upload_tqdm(run: Any, start: Start, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(20 * MIB)
    server.faults(TWO_PARTS)
    process = start("upload_tqdm.py", path, server.bucket, "k")
    wait_until(lambda: sum(entry["stored"] for entry in server.log("UploadPart")) == 2, "two parts sent")
    process.send_signal(signal.SIGINT)
    status, output, errors = end(process)
    assert (status, output) == (130, "")
    assert "run the same command again" in errors

    server.faults()
    before = len(server.log())
    status, output, errors = run("upload_tqdm.py", path, server.bucket, "k")
    assert status == 0
    resumed = re.match(rf"stored {20 * MIB} bytes, (\d+) of them resumed", output)
    assert resumed is not None
    assert int(resumed[1]) == 20 * MIB - bytes_sent(server, "k", after=before) > 0
    assert "100%" in errors
    assert "20971520.bin" in errors
    assert server.read("k") == path.read_bytes()
    assert run("upload_tqdm.py", path, "no-such-bucket", "k")[0] == 1
    assert run("upload_tqdm.py", path)[0] == 2


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with files of several sizes, some of them deeper."""
    root = tmp_path / "tree"
    for name, size in {"a.bin": 0, "b.bin": 5, "c/d.bin": 300_000, "c/e/ü.bin": 7, "z.bin": 20 * MIB}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return root


def test_upload_directory(run: Any, start: Start, server: Server, tree: Path, tmp_path: Path) -> None:
    command = ("upload_directory.py", tree, server.bucket, "backup/", "--state", tmp_path / "state")
    refused = {"type": "status", "status": 403, "code": "AccessDenied"}
    server.faults({"match": {"key": "backup/b.bin"}, "action": refused}, TWO_PARTS)
    process = start(*command)
    wait_until(lambda: sum(entry["stored"] for entry in server.log("UploadPart")) == 2, "two parts sent")
    wait_until(lambda: len(server.objects()) == 3, "the small files are stored")
    process.send_signal(signal.SIGINT)
    status, output, errors = end(process)
    assert status == 130, errors
    assert output.splitlines()[-1].endswith("0 were there already, 1 failed, 1 left")
    assert "FAILED" in errors
    assert "AccessDenied" in errors

    server.faults()
    before = len(server.log())
    status, output, errors = run(*command)
    assert (status, errors) == (0, "")
    missing = bytes_sent(server, "backup/z.bin", after=before)
    assert 0 < missing < 20 * MIB
    assert output.splitlines()[-1] == f"2 stored ({missing + 5} bytes sent), 3 were there already, 0 failed, 0 left"
    assert {entry["key"] for entry in server.log()[before:] if entry["stored"]} == {"backup/b.bin", "backup/z.bin"}
    files = [path for path in tree.rglob("*") if path.is_file()]
    assert {f"backup/{path.relative_to(tree).as_posix()}" for path in files} == set(server.objects())
    for path in files[:4]:
        assert server.objects()[f"backup/{path.relative_to(tree).as_posix()}"]["size"] == path.stat().st_size
    assert server.read("backup/z.bin") == (tree / "z.bin").read_bytes()

    (tree / "b.bin").write_bytes(b"changed")
    with (tmp_path / "state" / "stored.jsonl").open("a") as journal:
        journal.write('["torn')
    status, output, _ = run(*command)
    assert (status, output.splitlines()[-1]) == (0, "1 stored (7 bytes sent), 4 were there already, 0 failed, 0 left")
    assert server.read("backup/b.bin") == b"changed"
    assert run(*command)[1] == "0 stored (0 bytes sent), 5 were there already, 0 failed, 0 left\n"
    assert run("upload_directory.py", tree, server.bucket, "--state", tree / "state")[0] == 2


def test_resume_after_crash(run: Any, server: Server, make_file: Callable[[int], Path]) -> None:
    path = make_file(20 * 100 * 1024)
    status, output, errors = run("resume_after_crash.py", path, server.bucket, "k")
    assert (status, errors) == (0, "")
    assert output.endswith("nothing was sent twice\n")
    sent = [entry["part_number"] for entry in server.log("UploadPart") if entry["stored"]]
    assert sorted(sent) == list(range(1, 21))
    assert server.read("k") == path.read_bytes()
