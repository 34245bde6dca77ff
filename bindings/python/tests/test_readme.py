"""What README.md shows runs, against the local OSS instead of the real one."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import Server

import oss_upload

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(
    example: str,
    server: Server,
    make_file: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = make_file(300_000)
    monkeypatch.chdir(path.parent)
    folder = path.parent / "videos"
    folder.mkdir()
    (folder / "a.mp4").symlink_to(path)
    code = example.replace("/data/a.mp4", str(path)).replace("/data/videos", str(folder))
    code = code.replace("my-bucket", server.bucket)
    with server.client() as client:
        monkeypatch.setattr(oss_upload, "Client", lambda _: client)
        names: dict[str, Any] = {"oss_upload": oss_upload, "client": client, "bandwidth_is_needed_elsewhere": bool}
        exec(code, names)
    assert server.read("videos/a.mp4") == path.read_bytes()
    assert "give up" not in capsys.readouterr().out


def test_every_error_is_in_the_table() -> None:
    rows = "".join(re.findall(r"^\| `.*", README, re.MULTILINE))
    kinds = {name for name in dir(oss_upload) if is_error(getattr(oss_upload, name))}
    assert set(re.findall(r"`([A-Z]\w+)`", rows)) - set(dir(builtins)) == kinds - {"OSSUploadError"}


def is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, oss_upload.OSSUploadError)
