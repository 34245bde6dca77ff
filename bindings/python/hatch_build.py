"""Puts liboss_upload into the wheel: builds it in the checkout around this folder, or takes a built one.

The environment variable OSS_UPLOAD_LIBRARY names a built library, such as one that was cross-compiled or made by
another step of a pipeline; then neither Rust nor the checkout is needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging import tags

FILE_NAME = "liboss_upload.dylib" if sys.platform == "darwin" else "liboss_upload.so"


class LibraryBuildHook(BuildHookInterface[Any]):
    """Runs for wheels, the editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Adds the library to the files of the wheel, and its platform to the wheel's name."""
        given = os.environ.get("OSS_UPLOAD_LIBRARY")
        library = Path(given).resolve() if given else build(Path(self.root).parents[1])
        if not library.is_file():
            raise SystemExit(f"OSS_UPLOAD_LIBRARY names {library}, which is no file")
        build_data["force_include"][str(library)] = f"oss_upload/{FILE_NAME}"
        build_data["pure_python"] = False
        # Any Python 3: the library knows nothing of Python.
        build_data["tag"] = f"py3-none-{platform()}"


def build(checkout: Path) -> Path:
    """The library that Cargo makes of the checkout."""
    manifest = checkout / "Cargo.toml"
    if not manifest.is_file():
        raise SystemExit(
            f"{checkout} is not a checkout of liboss_upload: run this in bindings/python of one, or set "
            f"OSS_UPLOAD_LIBRARY to the path of a built {FILE_NAME}"
        )
    cargo = shutil.which("cargo")
    if cargo is None:
        raise SystemExit(
            "cargo is missing: install Rust (https://rustup.rs), or set OSS_UPLOAD_LIBRARY to the path of a built "
            f"{FILE_NAME}"
        )
    # Cargo tells where the library is: CARGO_TARGET_DIR and its own settings can move it.
    command = [cargo, "build", "--release", "--lib", "--message-format=json-render-diagnostics"]
    output = subprocess.run(command, cwd=checkout, stdout=subprocess.PIPE, check=True).stdout
    messages = map(json.loads, output.splitlines())
    files = [Path(name) for message in messages for name in message.get("filenames") or ()]
    return next(path for path in files if path.name == FILE_NAME)


def platform() -> str:
    """Such as linux_x86_64: the machine itself, without a promise about others (see auditwheel for that)."""
    return next(tag for tag in tags.platform_tags() if not tag.startswith(("manylinux", "musllinux")))
