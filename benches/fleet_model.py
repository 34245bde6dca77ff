"""How long 1 to 256 workers need for a million to a thousand million files: a model, with the costs that were measured here.

    python3 benches/fleet_model.py [FOLDER]

Prints tables, and writes fleet-model.svg to FOLDER (target/bench by default). What a file costs is that of the batch in
docs/benchmarks.json; the model's row for one machine is compared with the time that was measured there.

Each worker lists the whole folder, and uploads the files of its shards at the same time; whichever takes longer counts.
Uploading is bound by the worker's processors, by how long a request takes, or by what the service allows an account.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from math import log10
from pathlib import Path

from batches import MEANWHILE
from peers import OURS_BATCH
from picture import text
from places import HERE

BENCHMARKS = HERE.parent / "docs/benchmarks.json"
# Seconds of CPU, measured on two cores: a file of another shard that is only listed; a file of this shard that is unchanged;
# a record that is merged.
CPU_LISTED, CPU_UNCHANGED, CPU_MERGED = 0.9e-6, 3.7e-6, 6.5e-6
# What a batch sends at the same time, and how long a small request takes in a region, from a machine in it.
CONNECTIONS, LATENCY = 64, 0.010
# What OSS allows an account: requests a second, and bytes a second of a region in mainland China. `sequential`: names that
# begin alike, such as dates or numbers, are in one partition.
REQUESTS, REQUESTS_SEQUENTIAL, BANDWIDTH = 10_000, 2_000, 10e9 / 8
FILES = [10**6, 10**7, 10**8, 10**9]
WORKERS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
COLORS = ["#74a9d8", "#2f9e44", "#f08c00", "#d9480f"]


@dataclass(frozen=True)
class Measured:
    """A batch on this machine: seconds, and those of CPU for a file, by the program and by the local OSS."""

    files: int
    seconds: float
    cpu_file: float
    cpu_server: float

    @classmethod
    def read(cls) -> Measured:
        """What the benchmark has kept."""
        (section,) = (section for section in json.loads(BENCHMARKS.read_text())["sections"] if section["name"] == "batch")
        rows = {row[0]: row for row in section["rows"]}
        files = int(section["title"].split()[3].replace(",", ""))
        cpu = {name: float(rows[name][3]) / files for name in (OURS_BATCH, MEANWHILE)}
        return cls(files, float(rows[OURS_BATCH][1]), cpu[OURS_BATCH], cpu[MEANWHILE])


MEASURED = Measured.read()


@dataclass(frozen=True)
class Fleet:
    """Workers of so many cores, and files of so many bytes."""

    workers: int
    files: int
    cores: int = 4
    size: int = 16 * 1024
    sequential: bool = False

    def bounds(self) -> dict[str, float]:
        """Seconds that each resource needs, by its name."""
        share = self.files / self.workers
        limit = REQUESTS_SEQUENTIAL if self.sequential else REQUESTS
        return {
            "listing": self.files * CPU_LISTED,
            "processors": share * MEASURED.cpu_file / self.cores,
            "responses": share * LATENCY / CONNECTIONS,
            "requests an account": self.files / limit,
            "bandwidth": self.files * self.size / BANDWIDTH,
        }

    def upload(self) -> tuple[float, str]:
        """Seconds until all is stored, and what they are spent on."""
        bounds = self.bounds()
        what = max(bounds, key=bounds.__getitem__)
        return bounds[what], what

    def resume(self) -> float:
        """Seconds until a fleet that was killed at the end knows what is left."""
        return self.files * CPU_LISTED + self.files / self.workers * CPU_UNCHANGED

    def merge(self) -> float:
        """Seconds to make one manifest of all."""
        return self.files * CPU_MERGED


def hours(seconds: float) -> str:
    """For people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def table(rows: list[list[str]]) -> str:
    """As Markdown."""
    rows = [rows[0], ["---", *["---:"] * (len(rows[0]) - 1)], *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def picture() -> str:
    """Hours by workers, both logarithmic: one line for each number of files."""
    width, height, left, bottom = 560, 360, 70, 50
    # From a minute to two weeks.
    low, high = 1.7, 6.1

    def x(workers: int) -> float:
        return left + WORKERS.index(workers) * (width - left - 110) / (len(WORKERS) - 1)

    def y(seconds: float) -> float:
        return height - bottom - (log10(seconds) - low) / (high - low) * (height - bottom - 40)

    parts = [text(16, 22, "Files of 16 KiB: time by workers of 4 cores", 14, font_weight="bold")]
    for seconds, name in [(60, "1 min"), (600, "10 min"), (3600, "1 h"), (36_000, "10 h"), (864_000, "10 days")]:
        parts.append(f'<path d="M{left} {y(seconds):.1f} H{width - 110}" stroke="#dee2e6"/>')
        parts.append(text(left - 6, y(seconds) + 4, name, 11, text_anchor="end"))
    parts += [text(x(workers), height - bottom + 18, str(workers), 11, text_anchor="middle") for workers in WORKERS]
    for files, color in zip(FILES, COLORS):
        points = [(x(workers), y(Fleet(workers, files).upload()[0])) for workers in WORKERS]
        line = " ".join(f"{one:.1f},{other:.1f}" for one, other in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(text(points[-1][0] + 8, points[-1][1] + 4, f"{files:,}", 11, fill=color))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="Helvetica, Arial, sans-serif" fill="#212529">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *parts,
        "</svg>\n",
    ])  # fmt: skip


def agreement(measured: Measured) -> str:
    """How the model agrees with what was measured on one machine of two cores that is the server's, too."""
    model = measured.files * (measured.cpu_file + measured.cpu_server) / 2
    ratio = model / measured.seconds
    return f"One machine with its server, {measured.files:,} files: {measured.seconds:.2f} s measured, {model:.2f} s here ({ratio:.2f})."


def main() -> None:
    """Prints the tables and writes the picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "target/bench"
    rows = [["files", *(f"{workers}" for workers in WORKERS)]]
    bound = [list(rows[0])]
    for files in FILES:
        fleets = [Fleet(workers, files) for workers in WORKERS]
        rows.append([f"{files:,}", *(hours(fleet.upload()[0]) for fleet in fleets)])
        bound.append([f"{files:,}", *(fleet.upload()[1] for fleet in fleets)])
    print("Time to upload, by workers:\n", table(rows), "\nBound by:\n", table(bound), sep="\n")
    more = [["files", "sequential names", "resume, 16 workers", "merge"]]
    for files in FILES:
        sequential = Fleet(16, files, sequential=True).upload()[0]
        more.append([f"{files:,}", hours(sequential), hours(Fleet(16, files).resume()), hours(Fleet(16, files).merge())])
    print("\n16 workers:\n", table(more), "", agreement(MEASURED), sep="\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fleet-model.svg").write_text(picture())


if __name__ == "__main__":
    main()
