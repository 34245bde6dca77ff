"""What a type checker makes of a program that uses the package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import oss_upload

PROGRAM = """\
import asyncio
from pathlib import Path
from typing import Any
from oss_upload import BatchOptions, BatchResult, Client, ClientOptions, FilesFailedError, Outcome
from oss_upload import OutcomeStatus, Progress, UploadOptions, UploadResult
from tqdm import tqdm

def on_progress(progress: Progress) -> None:
    print(progress.eta)

options: UploadOptions = {"part_size": "auto", "checkpoint": True}
with Client("oss-cn-hangzhou.aliyuncs.com") as client, tqdm(unit="B") as bar:
    result: UploadResult = client.upload_file("a", "b", "c", progress=on_progress, **options)
    client.upload_file("a", "b", "c", progress=bar, headers={"Content-Type": "text/plain"})
    client.upload_file("a", "b", "c", progress=lambda progress: print(progress.phase.name))
    with client.start("a", "b", "c", **options) as upload:
        maybe: UploadResult | None = upload.wait(1)
        result = upload.wait()
        print(upload.wait(1).size)  # error: union-attr
    client.upload_file("a", "b", "c", partsize=5)  # error: call-arg
    client.upload_file("a", "b", "c", part_size="big")  # error: arg-type
    client.upload_file("a", "b", "c", progress=5)  # error: arg-type
    client.upload_file("a", "b", "c", progress=on_progress(5))  # error: arg-type, func-returns-value
    client.start("a", "b", "c", progress=on_progress)  # error: call-arg
    nightly: BatchOptions = {"manifest": Path("m"), "mode": "changed", "exclude": ["*.log"]}
    done: BatchResult = client.upload_directory("a", "b", "c/", progress=bar, on_outcome=print, **nightly)
    client.upload_many(((Path(name), name) for name in "ab"), "b", progress=lambda p: print(p.files_found))
    client.upload_many(["a", (b"b", None)], "b")
    client.upload_directory("a", "b", mode="some")  # error: arg-type
    client.upload_directory("a", "b", routines=3)  # error: call-arg
    client.upload_directory("a", "b", progress=on_progress)  # error: arg-type
    client.upload_many([5], "b")  # error: list-item
    with client.start_batch("b", "c/", directory="a") as batch:
        outcomes: list[Outcome] = [outcome for outcome in batch if outcome.status is OutcomeStatus.FAILED]
        print(batch.result.files_stored)  # error: union-attr
    try:
        batch.add("a", key="b")
    except FilesFailedError as error:
        print(error.result.files_failed)
wrong: UploadOptions = {"routine": 5}  # error: typeddict-unknown-key
shared: ClientOptions = {"region": "cn-hangzhou", "connect_timeout": 2, "ca_file": Path("a.pem")}
Client(**shared)
Client("oss-cn-hangzhou.aliyuncs.com", **shared)
Client("oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou")  # error: call-arg
Client(regoin="cn-hangzhou")  # error: call-arg
Client(cname="no")  # error: arg-type
Client(signature_version=2)  # error: arg-type

async def main() -> None:
    async with Client(region="cn-hangzhou") as client:
        results = await asyncio.gather(client.upload_file_async("a", "b", "c", progress=on_progress, **options))
        print(results[0].etag)
        client.upload_file_async("a", "b", "c")  # error: unused-coroutine
        await client.upload_file_async("a", "b", "c", verify_resume="maybe")  # error: arg-type
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="mypy is for Python 3.10 and newer")
def test_mistakes_are_found_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    options = [
        "--strict",
        "--no-error-summary",
        "--config-file=",
        f"--cache-dir={tmp_path}",
        "--enable-error-code=unused-awaitable",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(path)],
        check=False,
        stdout=subprocess.PIPE,
        cwd=Path(oss_upload.__file__).parents[1],
        text=True,
    )
    found: dict[int, set[str]] = {}
    for line, code in re.findall(r":(\d+): error: .*\[([\w-]+)\]", done.stdout):
        found.setdefault(int(line), set()).add(code)
    expected = {
        number: set(line.partition("# error: ")[2].split(", "))
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if "# error: " in line
    }
    assert found == expected, done.stdout
