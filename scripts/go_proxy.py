#!/usr/bin/env python3
"""Lays folders out as a Go module proxy: python3 go_proxy.py FOLDER VERSION MODULE=SOURCE..."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path


def add(proxy: Path, version: str, module: str, source: Path, time: str) -> None:
    """One module in one version (https://go.dev/ref/mod#goproxy-protocol)."""
    place = proxy / module / "@v"
    place.mkdir(parents=True, exist_ok=True)
    (place / "list").write_text(f"{version}\n")
    (place / f"{version}.info").write_text(json.dumps({"Version": version, "Time": time}))
    (place / f"{version}.mod").write_bytes((source / "go.mod").read_bytes())
    with zipfile.ZipFile(place / f"{version}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            # Always the same, so that the same files have the same checksum.
            entry = zipfile.ZipInfo(f"{module}@{version}/{file.relative_to(source).as_posix()}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())


def main() -> None:
    """Takes the time of the commit, as a release has it."""
    proxy, version = Path(sys.argv[1]), sys.argv[2]
    time = subprocess.check_output(["git", "log", "-1", "--format=%cI"], text=True).strip()  # noqa: S607
    for argument in sys.argv[3:]:
        module, _, source = argument.partition("=")
        add(proxy, version, module, Path(source), time)


main()
