"""The new code in docs/migrating-from-python.md runs, from top to bottom, as one program."""

from __future__ import annotations

import builtins
import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import CHECKOUT, DEADLINE, Server

import oss_upload

TEXT = (CHECKOUT / "docs" / "migrating-from-python.md").read_text(encoding="utf-8")


def test_the_new_code_runs(server: Server, tmp_path: Path) -> None:
    server.make_bucket("my-bucket")
    (tmp_path / "a.mp4").write_bytes(os.urandom(3 << 20))
    environment = {
        **os.environ,
        "OSS_ENDPOINT": server.endpoint,
        "OSS_ACCESS_KEY_ID": server.access_key_id,
        "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
        "PYTHONPATH": str(Path(oss_upload.__file__).parents[1]),
    }
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    output = subprocess.check_output(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, text=True, timeout=DEADLINE
    )
    assert "OSS said no: NoSuchBucket 404" in output
    # A report more when Complete takes its time.
    assert output.count("3145728 of 3145728") >= 2
    for entry in server.log("InitiateMultipartUpload"):
        if entry["bucket"] == "my-bucket":
            assert entry["headers"]["x-oss-meta-author"] == "me"
    stored = [entry["key"] for entry in server.log("CompleteMultipartUpload") if entry["stored"]]
    assert stored == ["videos/a.mp4", "videos/b.mp4"]


def test_the_tables_name_what_there_is() -> None:
    new = [row.split("|")[2] for row in TEXT.splitlines() if row.startswith("| ")]
    options = {
        *oss_upload.UploadOptions.__annotations__,
        *oss_upload.ClientOptions.__annotations__,
        "endpoint",
        "progress",
    }
    named = set(re.findall(r"\b(\w+)=", " ".join(new)))
    assert {"checkpoint", "routines", "proxy"} <= named <= options
    results = set(re.findall(r"`(?:result)?\.(\w+)`", " ".join(new)))
    errors = vars(oss_upload.ServiceError(""))
    assert results <= {*oss_upload.UploadResult.__annotations__, *errors}
    kinds = re.findall(r"`([A-Z]\w+)`", " ".join(new))
    assert all(hasattr(oss_upload, kind) or hasattr(builtins, kind) for kind in kinds)
