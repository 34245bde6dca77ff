"""Workers that know nothing of each other share the limits of one account."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from measuring import tell
from places import BUCKET, KIB, MIB, Places, server
from section import Section, Settings, Target

WORKERS = 8
# Each has somewhat more to do than its share in this time, in seconds.
TIME, MORE = 60, 1.3
# What limits, what that is in a second, and how large the files are.
LIMITS = [("requests", 1000, KIB), ("bytes", 64 * MIB, 256 * KIB)]


def fair(places: Places, settings: Settings) -> list[Section]:
    """Batches in so many processes, against an account whose requests or bytes a second are limited."""
    seconds = TIME // (10 if settings.quick else 1)
    title = f"{WORKERS} batches that share the limit of one account, over {seconds} seconds"
    columns = ["limit", "of it", "least share", "largest share", "files that failed"]
    section = Section("fair", title, columns)
    section.notes = ["Shares are of a fair one. The server refuses what goes beyond with 503 and x-oss-qos-delay-time."]
    for what, rate, size in LIMITS:
        tell(f"  {rate:,} {what} a second")
        total = rate * seconds // (1 if what == "requests" else size)
        shares, failed = shared(places, f"--max-{what}-per-second={rate}", size, total // WORKERS, seconds)
        used = sum(shares) / WORKERS
        section.rows.append([f"{rate:,} {what}/s", *(f"{value:.2f}" for value in (used, min(shares), max(shares))), str(failed)])
        section.targets += [
            Target(f"limit of {what} a second that {WORKERS} workers use", used, 0.9, at_least=True),
            Target(f"least share of a worker under a limit of {what}", min(shares), 0.5, at_least=True),
            Target(f"files that failed under a limit of {what}", failed, 0),
        ]
    return [section]


def shared(places: Places, limit: str, size: int, fair_share: int, seconds: int) -> tuple[list[float], int]:
    """What each worker has stored after the time, of its fair share, and how many files failed until all had ended."""
    manifests = [places.work / f"manifest-{worker}" for worker in range(WORKERS)]
    file = str(places.source(size))
    with server(places, limit) as oss:
        environment = os.environ | oss.environment | {"COPIES": str(int(fair_share * MORE))}
        argv = [places.bench / "batch", oss.endpoint, BUCKET, file]
        workers = [
            subprocess.Popen(argv, env=environment | {"MANIFEST": str(manifest)}, stdout=subprocess.PIPE, text=True)
            for manifest in manifests
        ]
        time.sleep(seconds)
        shares = [stored(manifest) / fair_share for manifest in manifests]
        printed = [worker.communicate()[0].split() for worker in workers]
    places.tidy()
    if any(worker.returncode not in (0, 1) for worker in workers):
        sys.exit("A batch ended by a signal.")
    return shares, sum(int(words[words.index("failed") + 1]) for words in printed)


def stored(manifest: Path) -> int:
    """Files that a manifest has: all lines but the first."""
    with manifest.open("rb") as lines:
        return sum(1 for _ in lines) - 1
