"""Runs the scenarios and tells what came out: tables on standard output, and a JSON, a page and a picture."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import link
from measuring import PATIENCE, tell
from picture import draw
from places import HERE, Places
from scenarios import FAR, SCENARIOS
from section import Section, Settings, Target

DOCS = HERE.parent / "docs"

INTRODUCTION = """\
# Benchmarks

`make bench` wrote this page; run it to measure your machine. Every program uploads the same file from the page cache to
`tests/oss-server` on loopback, in turn and in varying order; figures are medians. CPU is the user and system time of
the uploading process alone, including its children. The SDKs and liboss_upload check CRC-64 and keep a checkpoint. The
*floor* (`benches/floor`) only reads the file and writes to the socket, through rustls for HTTPS; curl only sends one
PUT.

![CPU time, memory and speed compared with Alibaba Cloud's SDKs](benchmark.svg)
"""


def versions(places: Places) -> dict[str, str]:
    """Of everything that takes part."""

    def first_line(*command: str | Path) -> str:
        return subprocess.check_output(command, text=True, stderr=subprocess.STDOUT).splitlines()[0].strip()

    go_mod = (HERE / "peers/go/go.mod").read_text().split()
    go = {name: go_mod[go_mod.index(name) + 1] for name in go_mod if name.startswith("github.com/aliyun/")}
    python = dict(
        line.split("==") for line in (HERE / "peers/python/requirements.txt").read_text().splitlines() if "==" in line
    )
    node = json.loads((HERE / "peers/node/package.json").read_text())["dependencies"]
    return {
        "liboss_upload": first_line("git", "-C", HERE, "describe", "--always", "--dirty"),
        "rustc": first_line("rustc", "--version").split()[1],
        "go": first_line("go", "version").split()[2].removeprefix("go"),
        **{name.rsplit("/", 1)[1]: version for name, version in go.items()},
        "python": first_line(places.bench / "venv/bin/python", "--version").split()[1],
        **python,
        "node": first_line("node", "--version").removeprefix("v"),
        **node,
        "curl": first_line("curl", "--version").split()[1],
    }


def machine() -> str:
    """What was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def table(rows: list[list[str]]) -> str:
    """As Markdown that can be read as it is: the first column to the left, the others to the right."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    text = [
        line([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]) for row in rows
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([text[0], rule, *text[1:]])


def page(section: Section) -> str:
    """One section, as Markdown."""
    parts = [f"## {section.title}", table([section.columns, *section.rows]), *section.notes, section.measured]
    return "\n\n".join(filter(None, parts)) + "\n"


def promises(sections: list[Section]) -> str:
    """All targets, as Markdown."""
    rows = [["target", "this run", "wanted", ""]]
    for target in (target for section in sections for target in section.targets):
        wanted = f"{'≥' if target.at_least else '≤'} {target.limit:g}"
        rows.append([target.what, f"{target.value:.2f}", wanted, "met" if target.met else "MISSED"])
    return f"## Targets\n\n{table(rows)}\n"


@dataclass
class Results:
    """What `docs/benchmarks.json` keeps: the page is written from it, also when only some scenarios have been run again."""

    where: str
    sections: list[Section] = field(default_factory=list)
    # What `make bench-parts` has counted.
    counted: str = ""

    @classmethod
    def read(cls, path: Path) -> Results:
        """Of earlier runs."""
        kept = json.loads(path.read_text())
        sections = [Section(**{**s, "targets": [Target(**t) for t in s["targets"]]}) for s in kept["sections"]]
        return cls(kept["where"], sections, kept["counted"])

    def replaced_by(self, new: Results) -> Results:
        """With the sections of a new run in place of those of the same name."""
        fresh = {section.name: section for section in new.sections}
        sections = [fresh.pop(section.name, section) for section in self.sections]
        return Results(new.where, [*sections, *fresh.values()], new.counted or self.counted)

    def write(self, figures: Path, markdown: Path, picture: Path) -> None:
        """The figures, the page and the picture."""
        figures.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
        pages = [INTRODUCTION, f"{self.where}\n", promises(self.sections), *map(page, self.sections)]
        markdown.write_text("\n".join([*pages, *filter(None, [self.counted])]))
        picture.write_text(draw(self.sections, "benchmarks.md says with what, and on which machine, each was measured."))
        for path in (figures, markdown, picture):
            tell(f"wrote {path}")


def chosen(options: argparse.Namespace) -> list[str]:
    """The scenarios to run. Without the means for the long link the others are run all the same."""
    names = options.only or list(SCENARIOS)
    obstacles = [] if options.no_wan or not set(FAR) & set(names) else [*filter(None, map(link.obstacle, options.congestion))]
    if obstacles:
        tell(f"No long fat links: {obstacles[0]}. To leave them out, say --no-wan.")
        options.no_wan = True
    return [name for name in names if name not in FAR or not options.no_wan]


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small files, few rounds: to see that it works")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="run this scenario; may be repeated")
    parser.add_argument("--files", type=int, default=100_000, help="in the tree of the batch (%(default)s)")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one peer of the batch (%(default)s)")
    parser.add_argument("--no-wan", action="store_true", help="leave the long fat links out")
    parser.add_argument("--congestion", action="append", help="on the long links; may be repeated (default: the machine's)")
    parser.add_argument("--docs", action="store_true", help="also renew what was run in docs/benchmarks.md")
    options = parser.parse_args()

    places = Places(options.target.resolve())
    options.congestion = options.congestion or [link.usual_congestion()]
    settings = Settings(2 if options.quick else options.rounds, options.quick, options.congestion, options.files, options.patience)
    load = os.getloadavg()[0]
    if load > 0.5:
        tell(f"Something else is running here (load {load:.1f}): figures will be off.")
    used = versions(places)
    where = f"Each section says with what it was measured. The last run was on {machine()}, on loopback."
    with_what = "Versions: " + ", ".join(f"{name} {version}" for name, version in used.items()) + "."
    results = Results(f"{where}\n{with_what}")
    print(f"{results.where}\n")

    for name in chosen(options):
        tell(f"== {name}")
        for section in SCENARIOS[name](places, settings):
            section.measured = (
                f"Measured with {used['liboss_upload']} on {machine()}, in {settings.rounds} rounds at most: "
                f"`benches/run.sh --only {name}`."
            )
            results.sections.append(section)
            print(page(section), flush=True)
    print(promises(results.sections))

    parts = places.bench / "parts.md"
    results.counted = parts.read_text() if parts.exists() else ""
    results.write(*(places.bench / f"bench.{kind}" for kind in ("json", "md", "svg")))
    if options.docs:
        kept = DOCS / "benchmarks.json"
        whole = Results.read(kept).replaced_by(results) if kept.exists() else results
        whole.write(kept, DOCS / "benchmarks.md", DOCS / "benchmark.svg")


if __name__ == "__main__":
    sys.exit(main())
