"""The old code in docs/migrating-from-python.md runs with the SDKs that it was written for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local_oss import BUCKET, CHECKOUT, DEADLINE, LocalOss

TEXT = (CHECKOUT / "docs" / "migrating-from-python.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```py\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("program", PROGRAMS, ids=["oss2", "alibabacloud-oss-v2"])
def test_the_old_code_runs(plain: LocalOss, program: str, tmp_path: Path) -> None:
    plain.reset()
    (tmp_path / "a.mp4").write_bytes(os.urandom(3 << 20))
    environment = {
        **os.environ,
        "OSS_ENDPOINT": plain.endpoint(),
        "OSS_ACCESS_KEY_ID": plain.access_key_id,
        "OSS_ACCESS_KEY_SECRET": plain.access_key_secret,
    }
    program = program.replace("my-bucket", BUCKET)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=DEADLINE)
    opened, *parts, completed = plain.log()
    assert (opened["operation"], opened["headers"]["x-oss-meta-author"]) == ("InitiateMultipartUpload", "me")
    sent = [part["part_number"] for part in parts if part["operation"] == "UploadPart"]
    assert sorted(sent) == [1, 2, 3]
    assert (completed["operation"], completed["status"]) == ("CompleteMultipartUpload", 200)
