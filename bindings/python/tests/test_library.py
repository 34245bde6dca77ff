"""Where the library is found, and what is said when it is not, or does not fit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import oss_upload
from oss_upload import _library

PACKAGE = Path(oss_upload.__file__).parent


def import_package(parent: Path, library: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Imports the package that lies in a folder, in another process; prints which library it took."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from oss_upload import _library; print(_library.library._name)"
    )
    environment = {name: value for name, value in os.environ.items() if name != _library.ENVIRONMENT}
    if library is not None:
        environment[_library.ENVIRONMENT] = str(library)
    command = [sys.executable, "-I", "-c", script, str(parent)]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True)


@pytest.fixture
def library() -> Path:
    return Path(_library.library._name).resolve()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, outside the checkout and without a library; gives the folder it is in."""
    ignore = shutil.ignore_patterns("__pycache__", _library.FILE_NAME)
    shutil.copytree(PACKAGE, tmp_path / "site" / "oss_upload", ignore=ignore)
    return tmp_path / "site"


def make_library(folder: Path, source: str) -> Path:
    path = folder / "made.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", path], input=source.encode(), check=True)
    return path


def test_the_environment_comes_first(copy: Path, library: Path, tmp_path: Path) -> None:
    shutil.copy(library, copy / "oss_upload" / _library.FILE_NAME)
    elsewhere = Path(shutil.copy(library, tmp_path / "elsewhere.so"))
    assert import_package(copy, elsewhere).stdout.strip() == str(elsewhere)


def test_then_the_library_beside_the_package(copy: Path, library: Path) -> None:
    beside = Path(shutil.copy(library, copy / "oss_upload" / _library.FILE_NAME))
    assert import_package(copy).stdout.strip() == str(beside)


def test_then_the_checkout(copy: Path, library: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(copy, checkout / "bindings" / "python")
    (checkout / "target" / "release").mkdir(parents=True)
    built = Path(shutil.copy(library, checkout / "target" / "release" / _library.FILE_NAME))
    assert import_package(checkout / "bindings" / "python").stdout.strip() == str(built)


def test_a_missing_library(copy: Path) -> None:
    finished = import_package(copy)
    assert finished.returncode == 1
    for text in ("ImportError", str(copy / "oss_upload" / _library.FILE_NAME), "OSS_UPLOAD_LIBRARY", "cargo build"):
        assert text in finished.stderr


def test_what_the_environment_names_must_be_there(copy: Path, library: Path) -> None:
    shutil.copy(library, copy / "oss_upload" / _library.FILE_NAME)
    finished = import_package(copy, copy / "missing.so")
    assert "ImportError" in finished.stderr
    assert "missing.so" in finished.stderr
    assert "OSS_UPLOAD_LIBRARY names it" in finished.stderr


@pytest.mark.parametrize(("number", "version"), [(0x000200, "0.2.0"), (0x010105, "1.1.5")])
def test_another_version_is_refused(copy: Path, tmp_path: Path, number: int, version: str) -> None:
    source = f"unsigned oss_version_number(void) {{ return {number}u; }}"
    finished = import_package(copy, make_library(tmp_path, source))
    assert f"is liboss_upload {version}, but oss_upload {oss_upload.__version__} needs 0.1.x" in finished.stderr


@pytest.mark.parametrize("source", ["int nothing;", "unsigned oss_version_number(void) { return 0x000100u; }"])
def test_another_library_is_refused(copy: Path, tmp_path: Path, source: str) -> None:
    finished = import_package(copy, make_library(tmp_path, source))
    assert "ImportError" in finished.stderr
    assert "made.so is not a liboss_upload" in finished.stderr
