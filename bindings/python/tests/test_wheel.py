"""What is packaged: the wheel works alone, its tag is true, and the source distribution is enough where Rust is."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
from conftest import CHECKOUT, Server

import oss_upload
from oss_upload import _library

PROJECT = Path(__file__).resolve().parents[1]
BUILD = """
import sys
from hatchling.build import build_sdist, build_wheel
{"sdist": build_sdist, "wheel": build_wheel}[sys.argv[1]](sys.argv[2])
"""


def build(kind: str, folder: Path, project: Path = PROJECT, **environment: str) -> Path:
    """Makes a wheel or a source distribution as pip does, without a network."""
    clean = {name: value for name, value in os.environ.items() if name != _library.ENVIRONMENT}
    command = [sys.executable, "-c", BUILD, kind, str(folder)]
    done = subprocess.run(
        command, cwd=project, env={**clean, **environment}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    (made,) = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return made


def library() -> Path:
    return Path(_library.library._name).resolve()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the library that the tests use; CI builds one with Cargo too."""
    return build("wheel", tmp_path_factory.mktemp("wheel"), OSS_UPLOAD_LIBRARY=str(library()))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture
def unpacked(sdist: Path, tmp_path: Path) -> Path:
    """The project as somebody has it who downloaded the source distribution."""
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    return tmp_path / sdist.name[: -len(".tar.gz")]


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", PROJECT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    assert f"Tag: py3-none-{platform}" in info


def test_the_licence_is_in_both(wheel: Path, unpacked: Path) -> None:
    place = f"oss_upload-{oss_upload.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"{place}/METADATA").decode()
        texts = {name: archive.read(f"{place}/licenses/{name}") for name in ("LICENSE-MIT", "LICENSE-APACHE")}
    assert "\nLicense-Expression: MIT OR Apache-2.0\n" in metadata
    for name, text in texts.items():
        assert text == (unpacked / name).read_bytes() == (CHECKOUT / name).read_bytes()


def test_the_record_is_true(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (file for file in archive.namelist() if file.endswith(".dist-info/RECORD"))
        rows = {name: (digest, size) for name, digest, size in csv.reader(archive.read(record).decode().splitlines())}
        assert set(rows) == set(archive.namelist())
        assert rows.pop(record) == ("", "")
        for name, row in rows.items():
            content = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert row == (f"sha256={digest}", str(len(content))), name


def test_the_index_would_take_them(wheel: Path, sdist: Path) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_the_platform_is_what_auditwheel_finds(wheel: Path) -> None:
    output = subprocess.check_output([sys.executable, "-m", "auditwheel", "show", wheel], text=True)
    found = re.search(r'constrains the platform tag to "(\w+)"', " ".join(output.split()))
    assert found is not None, output
    assert found[1] == wheel.stem.split("-")[-1]


LIBRARIES: list[tuple[str, list[str], str]] = [
    ("int nothing;", [], r"linux_\w+"),  # it does not even need glibc
    ("#include <stdlib.h>\nint a(void) { return abs(rand()); }", [], r"manylinux_2_\d+_\w+"),
    (
        "#include <math.h>\n#include <stdlib.h>\ndouble a(double x) { return fmod(x, rand()); }",
        ["-lm"],
        r"manylinux_2_\d+_\w+",
    ),
    ("#include <stdlib.h>\nint thing(void); int a(void) { return thing() + rand(); }", ["-lthing"], r"linux_\w+"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is for Linux")
@pytest.mark.parametrize(("source", "flags", "platform"), LIBRARIES)
def test_platforms_of_other_libraries(
    hatch_build: ModuleType, tmp_path: Path, source: str, flags: list[str], platform: str
) -> None:
    compile_library("int thing(void) { return 0; }", tmp_path / "libthing.so")
    made = compile_library(source, tmp_path / "made.so", f"-L{tmp_path}", *flags)
    assert re.fullmatch(platform, hatch_build.platform(made))


@pytest.mark.parametrize(
    ("needed", "versions", "glibc"),
    [
        (["libc.so.6"], ["GLIBC_2.2.5"], 2),
        (["libc.so.6", "ld-linux-x86-64.so.2"], ["GLIBC_2.4", "GLIBC_2.34", "GLIBC_2.9"], 34),
        (["libc.so.6", "libgcc_s.so.1"], ["GLIBC_2.4", "GCC_3.0", "GCC_4.2.0"], 4),
        (["libc.so.6", "ld64.so.2", "libm.so.6"], ["GLIBC_2.17"], 17),
        (["libc.so.6", "libgcc_s.so.1"], ["GLIBC_2.17", "GCC_12.0.0"], None),
        (["libc.so.6"], ["GLIBC_2.17", "GLIBC_PRIVATE"], None),
        (["libc.so.6", "libssl.so.3"], ["GLIBC_2.17"], None),
        (["libc.so"], [], None),
    ],
)  # fmt: skip
def test_the_oldest_glibc(hatch_build: ModuleType, needed: list[str], versions: list[str], glibc: int | None) -> None:
    class Elf:
        def needed(self) -> list[str]:
            return needed

        def versions(self) -> list[str]:
            return versions

    assert hatch_build.oldest_glibc(Elf()) == glibc


@pytest.mark.skipif(sys.platform != "linux", reason="ELF is for Linux")
def test_the_processor_is_that_of_the_library(hatch_build: ModuleType, tmp_path: Path) -> None:
    content = bytearray(library().read_bytes())
    content[18:20] = (183).to_bytes(2, "little")
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(content)
    assert hatch_build.platform(foreign).endswith("_aarch64")
    content[18:20] = (9999).to_bytes(2, "little")
    foreign.write_bytes(content)
    with pytest.raises(SystemExit, match="number 9999"):
        hatch_build.platform(foreign)
    foreign.write_bytes(b"text")
    with pytest.raises(SystemExit, match="is not a shared library"):
        hatch_build.platform(foreign)


@pytest.mark.parametrize(
    ("needed", "platform"),
    [
        (["libc.so"], "musllinux_1_2_x86_64"),
        (["libc.musl-x86_64.so.1"], "musllinux_1_2_x86_64"),
        (["libc.so", "libgcc_s.so.1"], "linux_x86_64"),
        ([], "linux_x86_64"),
    ],
)
def test_a_library_of_musl(
    hatch_build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: list[str], platform: str
) -> None:
    (tmp_path / "of-musl.so").write_bytes(b"\x7fELF" + bytes(60))

    class Elf:
        processor = 62

        def __init__(self, path: Path) -> None:
            """Takes any file."""

        def needed(self) -> list[str]:
            return needed

        def versions(self) -> list[str]:
            return []

    monkeypatch.setattr(hatch_build, "Elf", Elf)
    assert hatch_build.platform(tmp_path / "of-musl.so") == platform


@pytest.mark.parametrize(("processor", "tag"), [(0x8664, "win_amd64"), (0xAA64, "win_arm64"), (0x014C, "win32")])
def test_a_library_of_windows(hatch_build: ModuleType, tmp_path: Path, processor: int, tag: str) -> None:
    start = b"MZ" + bytes(0x3A) + (0x80).to_bytes(4, "little") + bytes(0x40) + b"PE\0\0"
    made = tmp_path / "any.name"
    made.write_bytes(start + processor.to_bytes(2, "little") + bytes(20))
    assert hatch_build.platform(made) == tag
    assert hatch_build.file_name(made) == "oss_upload.dll"
    made.write_bytes(start + (0x9999).to_bytes(2, "little") + bytes(20))
    with pytest.raises(SystemExit, match="number 39321 of PE"):
        hatch_build.platform(made)


def test_the_library_is_called_as_its_system_does(hatch_build: ModuleType, tmp_path: Path) -> None:
    made = tmp_path / "any.name"
    for start, name in ((b"\x7fELF", "liboss_upload.so"), (b"\xcf\xfa\xed\xfe", "liboss_upload.dylib")):
        made.write_bytes(start + bytes(60))
        assert hatch_build.file_name(made) == name


def test_the_installed_wheel_needs_nothing_else(
    wheel: Path, server: Server, make_file: Callable[[int], Path], tmp_path: Path
) -> None:
    environment = install(wheel, tmp_path / "venv", server)
    path = make_file(300_000)
    command = tmp_path / "venv" / "bin" / "oss-upload"
    subprocess.run([command, "--quiet", path, f"oss://{server.bucket}/a"], env=environment, cwd=tmp_path, check=True)
    script = """if True:
        import os, sys
        import oss_upload
        from oss_upload import _library
        with oss_upload.Client(os.environ["OSS_ENDPOINT"], region=os.environ["OSS_REGION"]) as client:
            client.upload_file(sys.argv[1], sys.argv[2], "b")
        print(_library.library._name)
    """
    python = [str(tmp_path / "venv" / "bin" / "python"), "-I", "-c", script, str(path), server.bucket]
    used = Path(subprocess.check_output(python, env=environment, cwd=tmp_path, text=True).strip())
    assert used.is_relative_to(tmp_path / "venv")
    assert server.read("a") == server.read("b") == path.read_bytes()


def test_the_source_distribution_builds_where_rust_is(
    unpacked: Path, server: Server, make_file: Callable[[int], Path], tmp_path: Path
) -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))
    # Whether all sources are there is the question, not how fast the library is.
    quick = {"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off"}
    wheel = build("wheel", tmp_path, unpacked, CARGO_TARGET_DIR=str(target / "sdist"), **quick)
    environment = install(wheel, tmp_path / "venv", server)
    command = tmp_path / "venv" / "bin" / "oss-upload"
    subprocess.run([command, "-q", make_file(5), f"oss://{server.bucket}/k"], env=environment, cwd=tmp_path, check=True)
    assert list(server.objects()) == ["k"]


def test_without_rust_the_source_distribution_says_what_it_needs(unpacked: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"cargo is missing: install Rust .*https://rustup\.rs.* OSS_UPLOAD_LIBRARY"):
        build("wheel", tmp_path, unpacked, PATH="")


def test_without_sources_the_build_says_what_it_needs(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "liboss_upload" / "Cargo.toml").unlink()
    with pytest.raises(RuntimeError, match=r"the Rust sources of liboss_upload are neither in .* OSS_UPLOAD_LIBRARY"):
        build("wheel", tmp_path, unpacked)
    with pytest.raises(RuntimeError, match=r"OSS_UPLOAD_LIBRARY names .*missing\.so, which is no file"):
        build("wheel", tmp_path, unpacked, OSS_UPLOAD_LIBRARY=str(tmp_path / "missing.so"))


def compile_library(source: str, path: Path, *flags: str) -> Path:
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(path), *flags]
    subprocess.run(command, input=source.encode(), check=True)
    return path


def install(wheel: Path, folder: Path, server: Server) -> dict[str, str]:
    """Installs a wheel in a fresh virtual environment; gives a process environment that has nothing else."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    environment: dict[str, Any] = {
        "PATH": str(folder / "bin"),
        "OSS_ENDPOINT": server.endpoint,
        "OSS_REGION": server.region,
        "OSS_ACCESS_KEY_ID": server.access_key_id,
        "OSS_ACCESS_KEY_SECRET": server.access_key_secret,
    }
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", str(wheel)]
    subprocess.run(pip, env=environment, check=True)
    return environment
