"""Puts liboss_upload into the wheel: builds it from its Rust sources, or takes a built one.

The sources are those of the checkout around this folder, or of the source distribution that this file is in. The
environment variable OSS_UPLOAD_LIBRARY names a built library instead, such as one that was cross-compiled or made by
another step of a pipeline; then neither Rust nor its sources are needed.

The wheel is for any Python 3, since the library knows nothing of Python. Its platform is read from the library,
whatever this machine is: the system, the processor, and for Linux the oldest glibc that has all that the library uses
(PEP 600), or that it uses musl (PEP 656).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging import tags

# What the library is called in the wheel, by the first bytes of its format.
FILE_NAMES = {
    b"\x7fELF": "liboss_upload.so",
    b"MZ": "oss_upload.dll",
    b"\xcf\xfa\xed\xfe": "liboss_upload.dylib",
}
# What the ELF header calls a processor, and what the tags of wheels call it; with the oldest glibc of its manylinux.
PROCESSORS = {
    3: ("i686", 5),
    21: ("ppc64le", 17),
    22: ("s390x", 17),
    40: ("armv7l", 17),
    62: ("x86_64", 5),
    183: ("aarch64", 17),
    243: ("riscv64", 31),
}
# What the header of PE, the format of Windows, calls a processor.
WINDOWS = {0x014C: "win32", 0x8664: "win_amd64", 0xAA64: "win_arm64"}
# Every manylinux has these libraries, and these versions of GCC's symbols.
SYSTEM_LIBRARIES = re.compile(r"lib(c|m|dl|rt|pthread)\.so\.\d|libgcc_s\.so\.1|ld(64|-linux[-\w]*)\.so\.\d")
# What musl's own linker writes, and what Alpine's does: its loader takes either for itself.
MUSL = re.compile(r"libc\.(so|musl-\w+\.so\.1)")
OLD_GCC = re.compile(r"GCC_[34](\.\d+)+")


class LibraryBuildHook(BuildHookInterface[Any]):
    """Runs for wheels, the editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Adds the library to the files of the wheel, and its platform to the wheel's name."""
        given = os.environ.get("OSS_UPLOAD_LIBRARY")
        library = Path(given).resolve() if given else build(sources(Path(self.root)))
        if not library.is_file():
            raise SystemExit(f"OSS_UPLOAD_LIBRARY names {library}, which is no file")
        build_data["force_include"][str(library)] = f"oss_upload/{file_name(library)}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform(library)}"


def sources(root: Path) -> Path:
    """The Rust project: in a source distribution it is in here, in a checkout this is in it."""
    places = [root / "liboss_upload", root.parents[1]]
    for place in places:
        if (place / "Cargo.toml").is_file():
            return place
    raise SystemExit(
        f"the Rust sources of liboss_upload are neither in {places[0]} nor in {places[1]}: build in bindings/python of "
        "a checkout or in a source distribution, or set OSS_UPLOAD_LIBRARY to the path of a built library"
    )


def build(project: Path) -> Path:
    """The library that Cargo makes of the sources."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit(
            "this machine has no wheel of oss-upload, and to build one cargo is missing: install Rust 1.89 or newer "
            "(https://rustup.rs), or set OSS_UPLOAD_LIBRARY to the path of a built library"
        )
    # Cargo tells where the library is: CARGO_TARGET_DIR and its own settings can move it.
    command = [cargo, "build", "--release", "--lib", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, check=True).stdout
    messages = map(json.loads, output.splitlines())
    files = [Path(name) for message in messages for name in message.get("filenames") or ()]
    return next(path for path in files if path.name in FILE_NAMES.values())


def file_name(library: Path) -> str:
    """What the library is called in the wheel: where it is used, not where the wheel is made, decides."""
    with library.open("rb") as file:
        start = file.read(4)
    for magic, name in FILE_NAMES.items():
        if start.startswith(magic):
            return name
    raise SystemExit(f"{library} is not a shared library of Linux, Windows or macOS")


def platform(library: Path) -> str:
    """The platform tag of a wheel with this library, such as manylinux_2_34_x86_64."""
    name = file_name(library)
    if name.endswith(".dll"):
        return windows_platform(library)
    if name.endswith(".so") and sys.platform in {"linux", "win32", "darwin"}:
        return linux_platform(library)
    # Those of macOS and BSD depend on the version of the system, and wheels for them are made there.
    return next(tags.platform_tags())


def windows_platform(library: Path) -> str:
    """What a PE file says of its processor."""
    content = library.read_bytes()
    (start,) = struct.unpack_from("<I", content, 0x3C)
    signature, processor = struct.unpack_from("<4sH", content, start)
    if signature != b"PE\0\0" or processor not in WINDOWS:
        raise SystemExit(f"{library} is for a processor that no wheel is known for: number {processor} of PE")
    return WINDOWS[processor]


def linux_platform(library: Path) -> str:
    """That of manylinux for glibc, of musllinux for musl; that of this machine alone when the library needs more."""
    elf = Elf(library)
    if elf.processor not in PROCESSORS:
        raise SystemExit(f"{library} is for a processor that no wheel is known for: number {elf.processor} of ELF")
    name, oldest = PROCESSORS[elf.processor]
    if elf.needed() and all(map(MUSL.fullmatch, elf.needed())):
        return f"musllinux_1_2_{name}"
    glibc = oldest_glibc(elf)
    # A library that needs more than every Linux with that glibc has is a promise for this machine's kind alone.
    return f"linux_{name}" if glibc is None else f"manylinux_2_{max(glibc, oldest)}_{name}"


def oldest_glibc(elf: Elf) -> int | None:
    """The n of the oldest glibc 2.n that has what a library needs; None when it needs anything else, or no glibc."""
    if "libc.so.6" not in elf.needed() or not all(map(SYSTEM_LIBRARIES.fullmatch, elf.needed())):
        return None
    newest = 0
    for version in elf.versions():
        found = re.fullmatch(r"GLIBC_2\.(\d+)(\.\d+)?", version)
        if found is not None:
            newest = max(newest, int(found[1]))
        elif OLD_GCC.fullmatch(version) is None:
            return None
    return newest


class Section(NamedTuple):
    """A section of an ELF file; `strings` is the number of the section that has the texts of this one."""

    kind: int
    start: int
    size: int
    strings: int


class Elf:
    """What an ELF file says of its processor, of the libraries that it needs and of the versions of their symbols."""

    def __init__(self, path: Path) -> None:
        """Reads a file that begins as ELF does."""
        self._file = path.read_bytes()
        self._word = "Q" if self._file[4] == 2 else "I"  # noqa: PLR2004 - ELFCLASS64
        self._order = "<" if self._file[5] == 1 else ">"
        _, self.processor, _, _, _, start, *_, size, count, _ = self._read("16xHHIwwwIHHHHHH", 0)
        self._sections = [self._section(start + number * size) for number in range(count)]

    def needed(self) -> list[str]:
        """The libraries that the loader must find."""
        names = []
        for section in self._of_kind(6):  # SHT_DYNAMIC
            for place in range(section.start, section.start + section.size, struct.calcsize(2 * self._word)):
                tag, value = self._read("ww", place)
                if tag == 0:
                    break
                if tag == 1:  # DT_NEEDED
                    names.append(self._text(section, value))
        return names

    def versions(self) -> list[str]:
        """The versions of their symbols, such as GLIBC_2.34."""
        names = []
        for section in self._of_kind(0x6FFFFFFE):  # SHT_GNU_verneed
            library, step = section.start, 1
            while step:
                _, count, _, version, step = self._read("HHIII", library)
                version += library
                for _ in range(count):
                    _, _, _, name, further = self._read("IHHII", version)
                    names.append(self._text(section, name))
                    version += further
                library += step
        return names

    def _of_kind(self, kind: int) -> list[Section]:
        return [section for section in self._sections if section.kind == kind]

    def _section(self, place: int) -> Section:
        _, kind, _, _, start, size, strings, *_ = self._read("IIwwwwIIww", place)
        return Section(kind, start, size, strings)

    def _text(self, section: Section, offset: int) -> str:
        start = self._sections[section.strings].start + offset
        return self._file[start : self._file.index(b"\0", start)].decode()

    def _read(self, layout: str, place: int) -> tuple[int, ...]:
        """Numbers of the file; "w" is one of the width of the processor's addresses."""
        return struct.unpack_from(self._order + layout.replace("w", self._word), self._file, place)
