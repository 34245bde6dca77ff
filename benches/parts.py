"""What one part and one small file cost: instructions by place, and system calls.

Each program runs with few units and with many; the difference, divided by the number of those that are more, is what one costs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench import table
from places import BUCKET, Places, Server, server

FEW, MANY = 100, 600
KB100, FILE = 102_400, 10 * 1024

INTRODUCTION = """\
## What a part and a small file cost

`make bench-parts` counts these. The programs are `examples/upload.c`, with a checkpoint, and `benches/many.c`, without; both
send one request at a time. A place is that of the function whose instructions they are. valgrind, which counts them, lacks
the processor's instructions for SHA-256: they make what it counts for 30,000 instructions about a tenth."""

# The first place fits whose pattern is in the name of the function or of its library.
PLACES = [
    ("CRC-64, MD5, SHA-256", "crc_fast|crc64|md5|sha2"),
    ("signature", "sign_v|kept_signer|hmac|text::hex|base64"),
    ("URL, headers, texts of the request", "percent|oss::request|oss::endpoint|oss::api|text::date|object_headers"),
    ("HTTP (ureq, http, httparse)", r"ureq|<?\(?http::|httparse|bytes::|transport::message"),
    ("connection", "transport::|os::unix::socket"),
    ("journal", "checkpoint|serde"),
    ("queue, progress, events", "transfer::|events|mailbox|crossbeam"),
    ("source", "source::|os::unix::file"),
    ("allocation", "malloc|free|realloc|calloc|__rdl|__rust_|raw_vec|arena"),
    ("copying, comparing, formatting", r"mem(cpy|move|set|cmp|chr)|core::|alloc::|str(len|cmp)|printf"),
    ("upload and service", "oss_upload"),
    ("system library, and the program", ""),
]


def upload(places: Places, oss: Server) -> Callable[[int], list[str]]:
    """One file in so many parts, one at a time, with a checkpoint."""
    return lambda parts: [
        *(str(places.bench / "upload"), oss.endpoint, BUCKET, "parts"), str(places.source(parts * KB100))
    ]  # fmt: skip


def many(places: Places, oss: Server) -> Callable[[int], list[str]]:
    """So many files, one at a time."""
    folder = str(places.small_files(MANY, FILE))
    return lambda files: [str(places.bench / "many"), oss.endpoint, BUCKET, folder, str(files), "1"]


def instructions(command: list[str], environment: dict[str, str]) -> Counter[str]:
    """By place."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        run([*valgrind, *command], environment)
        listed = subprocess.check_output(["callgrind_annotate", "--threshold=100", "--auto=no", out], text=True)
    counts: Counter[str] = Counter()
    for count, name in re.findall(r"^ *([\d,]+) \([ \d.]+%\)  (.*)$", listed, re.MULTILINE):
        if name != "PROGRAM TOTALS":
            place = next(place for place, pattern in PLACES if re.search(pattern, name.rsplit("/release/", 1)[0]))
            counts[place] += int(count.replace(",", ""))
    return counts


def calls(command: list[str], environment: dict[str, str]) -> Counter[str]:
    """By name."""
    with tempfile.NamedTemporaryFile("r") as out:
        run(["strace", "-f", "-c", "-U", "calls,name", "-o", out.name, *command], environment)
        found = re.findall(r"^ *(\d+) +(\w+)$", out.read(), re.MULTILINE)
    return Counter({name: int(count) for count, name in found if name != "total"})


def run(command: list[str], environment: dict[str, str]) -> None:
    """Fails with what the program said."""
    ended = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)}: {ended.stderr}")


def each(cost: Callable[[list[str], dict[str, str]], Counter[str]], make: Callable[[int], list[str]],
         environment: dict[str, str]) -> dict[str, float]:  # fmt: skip
    """What one unit costs."""
    few, many = (cost(make(count), environment) for count in (FEW, MANY))
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in many}


def main() -> None:
    """Prints the tables."""
    places = Places(Path(sys.argv[1]).resolve())
    with server(places) as oss:
        sizes = {"PART_SIZE": str(KB100), "ROUTINES": "1", "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
        units = [upload(places, oss), many(places, oss)]
        counted = [[each(cost, make, oss.environment | sizes) for make in units] for cost in (instructions, calls)]
    columns, tables = ["a part of 100 KB", "a file of 10 KiB"], []
    for title, costs, names, digits in [
        ("instructions", counted[0], [place for place, _ in PLACES], 0),
        ("system calls", counted[1], sorted(set(counted[1][0]) | set(counted[1][1])), 1),
    ]:
        rows = [[name, *(f"{cost.get(name, 0):,.{digits}f}" for cost in costs)] for name in names]
        # What does not come once in twenty units is not of the unit.
        rows = [row for row in rows if any(float(cell.replace(",", "")) >= 0.1 for cell in row[1:])]
        total = ["together", *(f"{sum(cost.values()):,.{digits}f}" for cost in costs)]
        tables.append(table([[title, *columns], *rows, total]))
    print("\n\n".join(tables))
    (places.bench / "parts.md").write_text("\n\n".join([INTRODUCTION, *tables]) + "\n")


if __name__ == "__main__":
    main()
