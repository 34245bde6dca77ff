#!/usr/bin/env python3
"""Runs the Rust tests as Windows programs under Wine: `suite.py [TEST_BINARY...]`.

skips.json names the tests that cannot hold there, and why. A test that Linux has and Windows has not must be in it, too;
so must one that fails. What it names must exist, so that the table does not outlive its reasons; `*` stands for any characters.
"""

import json
import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

TARGET = "x86_64-pc-windows-gnu"
TABLE = Path(__file__).with_name("skips.json")
# Of a whole test binary. Wine can hang.
LONGEST = 1500


def binaries(arguments: list[str]) -> dict[str, str]:
    """Builds test binaries, and says where they are."""
    command = ["cargo", "test", "--no-run", "--message-format=json-render-diagnostics", *arguments]
    built = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in built.splitlines()]
    return {
        "lib" if "lib" in message["target"]["kind"] or "cdylib" in message["target"]["kind"] else message["target"]["name"]: message["executable"]
        for message in messages
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]
    }


def victim(dll: Path) -> str:
    """Compiles the program that `kill` kills, beside the DLL, and returns its path for Windows."""
    program = dll.with_name("kill_victim.exe")
    command = ["x86_64-w64-mingw32-gcc", "-Iinclude", "tests/c/kill_victim.c", dll, "-o", program]
    subprocess.run(command, check=True)
    return f"Z:{program}".replace("/", "\\")


def tests(command: list[str]) -> set[str]:
    listed = subprocess.run([*command, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = {line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")}
    ignored = subprocess.run([*command, "--list", "--ignored"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return names - {line.removesuffix(": test") for line in ignored.splitlines()}


def run(name: str, windows: str, native: str, skips: dict[str, str]) -> list[str]:
    """The complaints."""
    here, there = tests([native]), tests(["wine", windows])
    skipped = {test for test in here | there if any(fnmatchcase(test, pattern) for pattern in skips)}
    complaints = [f"{name}: {test} is not built for Windows, and not in the table" for test in here - there - skipped]
    complaints += [
        f"{name}: {pattern} is in the table, and there is no such test"
        for pattern in skips
        if not any(fnmatchcase(test, pattern) for test in here | there)
    ]
    command = ["wine", windows, "--exact", "--test-threads=2"]
    for test in sorted(skipped & there):
        command += ["--skip", test]
    print(f"== {name}", flush=True)
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST, check=False)
        output = ended.stdout.decode(errors="replace").replace("\r", "")
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace").replace("\r", "")
        complaints.append(f"{name}: took longer than {LONGEST} s")
    failed = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. FAILED$", output, re.MULTILINE)
    summary = re.findall(r"^test result: .*$", output, re.MULTILINE)
    if failed or not summary:
        print(output)
    print(*summary, sep="\n", flush=True)
    complaints += [f"{name}: {test} failed" for test in failed]
    if not summary or ("FAILED" in summary[-1] and not failed):
        complaints.append(f"{name}: did not come to its end")
    return complaints


def main() -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    names = sys.argv[1:] or ["lib", *sorted(table["binaries"])]
    choice = [word for name in names for word in (["--lib"] if name == "lib" else ["--test", name])]
    native, windows = binaries(choice), binaries(["--target", TARGET, *choice])
    # A replay takes 0.1 s under Wine, and there are 10,000 without this.
    os.environ.setdefault("OSS_REPLAYS", "500")
    if "kill" in names:
        os.environ["OSS_KILL_VICTIM"] = victim(Path(windows["kill"]).with_name("oss_upload.dll"))
    complaints = []
    for name in names:
        complaints += run(name, windows[name], native[name], table["skips"].get(name, {}))
    if complaints:
        sys.exit("\n".join(complaints))


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    main()
