"""docs/platforms.md tells of every platform that is tested or made, and of no other."""

from __future__ import annotations

import re

from pages import CHECKOUT

PAGE = (CHECKOUT / "docs/platforms.md").read_text(encoding="utf-8")
SCRIPTS = {path.stem for path in (CHECKOUT / "scripts/platforms").glob("*.sh")}


def rows(first_cell: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    lines = PAGE[PAGE.index(f"| {first_cell}") :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_script_has_its_row_and_every_name_its_script() -> None:
    told = {name for row in rows("platform |") for name in re.findall(r"^`([\w-]+)`", row[2])}
    told |= {row[0].strip("`") for row in rows("also run")}
    assert told == SCRIPTS


def test_every_cell_says_something() -> None:
    for row in rows("platform |"):
        assert len(row) == 5, row
        assert all(row), row


def test_every_wheel_is_told_of() -> None:
    made = re.search(r"^platforms='(.*)'$", (CHECKOUT / "scripts/platform.sh").read_text(), re.MULTILINE)
    assert made is not None
    tags = {
        "linux-amd64": "manylinux_2_17_x86_64",
        "linux-arm64": "manylinux_2_17_aarch64",
        "linux-musl-amd64": "musllinux_1_2_x86_64",
        "linux-musl-arm64": "musllinux_1_2_aarch64",
        "windows-amd64": "win_amd64",
    }
    assert set(made[1].split()) == set(tags)
    assert [tag for name, tag in tags.items() if name != "windows-amd64" and f"`{tag}`" not in PAGE] == []


def test_ci_runs_what_the_page_says() -> None:
    chosen = re.search(r"^CI_PLATFORMS='(.*)'$", (CHECKOUT / ".ci/run").read_text(), re.MULTILINE)
    assert chosen is not None
    assert set(chosen[1].split()) <= SCRIPTS
    assert "`CI_PLATFORMS` in `.ci/run`" in PAGE
