"""The wheel: what is in it, and that it works alone."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import oss_upload
from oss_upload import _library

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the library that the tests use; CI builds one with Cargo too."""
    folder = tmp_path_factory.mktemp("wheel")
    script = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    environment = {**os.environ, "OSS_UPLOAD_LIBRARY": str(Path(_library.library._name).resolve())}
    subprocess.run([sys.executable, "-c", script, str(folder)], cwd=PROJECT, env=environment, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_contents(wheel: Path) -> None:
    name, version, python, abi, platform = wheel.stem.split("-")
    assert (name, version, python, abi) == ("oss_upload", oss_upload.__version__, "py3", "none")
    assert platform != "any"
    modules = {f"oss_upload/{path.name}" for path in (PROJECT / "oss_upload").glob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        files = {file for file in archive.namelist() if not file.startswith("oss_upload-")}
        info = archive.read(f"oss_upload-{version}.dist-info/WHEEL").decode()
    assert files == modules | {"oss_upload/py.typed", f"oss_upload/{_library.FILE_NAME}"}
    assert "Root-Is-Purelib: false" in info


def test_the_installed_package_needs_nothing_else(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"], text=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site.strip())
    script = """if True:
        import oss_upload
        from oss_upload import _library
        print(_library.library._name)
        oss_upload.Client("http://127.0.0.1:9", access_key_id="a", access_key_secret="b").close()
    """
    environment = {name: value for name, value in os.environ.items() if name != "OSS_UPLOAD_LIBRARY"}
    output = subprocess.check_output([python, "-I", "-c", script], text=True, cwd=tmp_path, env=environment)
    assert output.strip() == str(Path(site.strip()) / "oss_upload" / _library.FILE_NAME)
