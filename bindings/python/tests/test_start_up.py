"""What a program pays that only may upload: modules that take a while to import wait until they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import oss_upload

# Those that took a millisecond or more, with what they import.
HEAVY = {
    "argparse", "asyncio", "concurrent.futures", "hashlib", "importlib.resources", "json", "logging", "multiprocessing",
    "pathlib", "shutil", "socket", "ssl", "subprocess", "tempfile", "unittest", "urllib.parse",
}  # fmt: skip
OF_A_CLIENT = {"ctypes", "dataclasses", "enum", "inspect", "re", "threading", "typing"}
CLIENT = "oss_upload.Client('http://localhost', region='r', access_key_id='a', access_key_secret='b')"


def imported_by(program: str) -> set[str]:
    """The modules that a new process has imported at the end of a program."""
    script = f"import sys; before = set(sys.modules); {program}; print(*sorted(set(sys.modules) - before))"
    # -S: site-packages may import anything at the start.
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path[1:]!r}; {script}"]
    return set(subprocess.check_output(command, text=True).split())


def test_the_package_alone_imports_next_to_nothing() -> None:
    assert imported_by("import oss_upload") == {"oss_upload", "oss_upload._version"}


@pytest.mark.parametrize("program", [f"import oss_upload; {CLIENT}", "from oss_upload import *"])
def test_a_client_imports_what_it_needs(program: str) -> None:
    imported = imported_by(program)
    assert imported & HEAVY == set()
    assert imported & OF_A_CLIENT == OF_A_CLIENT


def test_the_command_imports_what_it_needs() -> None:
    imported = imported_by("import oss_upload._command")
    assert imported & HEAVY == {"argparse", "json"}


def test_every_name_is_there_when_it_is_asked_for() -> None:
    everything: dict[str, object] = {}
    exec("from oss_upload import *", everything)
    assert set(oss_upload.__all__) <= set(everything)
    assert set(oss_upload.__all__) <= set(dir(oss_upload))
    for name in oss_upload.__all__:
        assert getattr(oss_upload, name) is everything[name]
    assert oss_upload.errors.Paused is oss_upload.Paused
    with pytest.raises(AttributeError, match=r"module 'oss_upload' has no attribute 'Clint'"):
        _ = oss_upload.Clint  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="Clint"):
        from oss_upload import Clint  # type: ignore[attr-defined]  # noqa: F401, PLC0415
