"""What is measured, and what of it is promised."""

from __future__ import annotations

import time
from collections.abc import Iterable

from batches import batch, batch_mixed, batch_wan
from fairness import fair
from link import SERVER_ADDRESS, link
from measuring import Contest, contest, run, tell
from peers import (
    BARE_PYTHON,
    COMMAND_FILE,
    COMMAND_TAR,
    COMMANDS,
    CURL,
    FIRST_CLIENT,
    FIRST_UPLOAD,
    FLOOR,
    HELP,
    IMPORT,
    OURS,
    OURS_MEMORY,
    OURS_STREAM,
    SDKS,
    STARTS,
    TAR_CAT,
    TAR_THEN_COMMAND,
    Job,
    one_file,
    small_files,
    starting,
)
from places import GIB, MIB, Places, server
from section import Section, Settings, Target, seconds

KB100 = 102_400
# Nearly as many parts as an object can have: Go v1 refuses the last one of the 10,000 that OSS allows.
MOST_PARTS = 9_999

# One after the other to a server that is near.
NEAR_MS, NEAR_PARTS = 5, 500

SMALL_COUNT, SMALL_SIZE, SMALL_AT_A_TIME = 10_000, 10 * 1024, 16

AUTO = f"{OURS}, AUTO"
HAND_SET = [1, 4, 8, 16, 32, 64]
LOSSES = [0.0, 0.001, 0.01]
# On the long link, who is not done by then is rated by what has arrived.
WAN_LIMIT = 30.0
# As much as Go v1 can cut into the parts of its example.
WAN_SIZE = 960 * MIB


def uploads(
    places: Places, settings: Settings, name: str, part_size: int, routines: int, names: list[str], tls: bool = False
) -> tuple[Section, Contest]:
    """One large file: CPU, time, memory of each peer."""
    size = MOST_PARTS * KB100 if part_size == KB100 else GIB
    if settings.quick:
        size //= 8
    file = str(places.source(size))
    options = ["--tls", "--ca-file", str(places.bench / "ca.pem")] if tls else []
    with server(places, *options) as oss:
        job = Job(oss, file, part_size, routines)
        result = contest(places, names, lambda peer: one_file(places, peer, job), settings.rounds)
    parts = "100 KB" if part_size == KB100 else f"{part_size // MIB} MiB"
    title = f"{size / GIB:.2f} GiB, {parts} × {routines}, {'HTTPS' if tls else 'HTTP'}"
    columns = ["", "CPU s/GiB", "s/GiB", "peak MiB", "CPU / ours", "rounds"]
    section = Section(name, title, columns, unit="CPU seconds per GiB")
    for peer in names:
        cpu, wall = (result.median(peer, what) * GIB / size for what in ("cpu", "wall"))
        section.bars[peer] = cpu
        ratio = f"{result.ratio('cpu', peer, names[0]):.2f}"
        rss, rounds = f"{result.median(peer, 'rss'):.1f}", str(len(result.costs[peer]))
        section.rows.append([peer, seconds(cpu), seconds(wall), rss, ratio, rounds])
    return section, result


def parts_8_mib(places: Places, settings: Settings) -> list[Section]:
    """The usual case."""
    section, result = uploads(places, settings, "8mib", 8 * MIB, 4, [OURS, FLOOR, CURL, *SDKS])
    section.targets = [
        Target("CPU at 8 MiB × 4, of the floor", result.ratio("cpu", OURS, FLOOR), 1.15),
        Target("CPU at 8 MiB × 4, of curl -T", result.ratio("cpu", OURS, CURL), 1.0),
        Target("CPU at 8 MiB × 4, of Go v1", result.ratio("cpu", OURS, "Go v1"), 0.35),
        Target("CPU at 8 MiB × 4, of Go v2", result.ratio("cpu", OURS, "Go v2"), 0.35),
    ]
    return [section]


def parts_1_mib(places: Places, settings: Settings) -> list[Section]:
    """Many requests."""
    section, result = uploads(places, settings, "1mib", MIB, 4, [OURS, FLOOR, *SDKS])
    section.targets = [Target("CPU at 1 MiB × 4, of Go v1", result.ratio("cpu", OURS, "Go v1"), 0.2)]
    return [section]


def parts_100_kb(places: Places, settings: Settings) -> list[Section]:
    """As many requests as there can be, and a checkpoint that changes as often."""
    section, result = uploads(places, settings, "100kb", KB100, 8, [OURS, FLOOR, *SDKS])
    section.targets = [
        Target("CPU at 100 KB × 8, of the floor", result.ratio("cpu", OURS, FLOOR), 1.4),
        Target("CPU at 100 KB × 8, of Go v2", result.ratio("cpu", OURS, "Go v2"), 0.5),
    ]
    section.notes = [
        "The floor sends as many requests: one a part, and the two around them.",
        "Go v1 rewrites its whole checkpoint for each part; oss2 lists all parts on the server after each.",
    ]
    one, alone = uploads(places, settings, "100kb-1", KB100, 1, [OURS, FLOOR])
    one.targets = [Target("CPU at 100 KB × 1, of the floor", alone.ratio("cpu", OURS, FLOOR), 1.4)]
    one.notes = ["The default of the options. The floor sends as many requests."]
    return [section, one]


def near(places: Places, settings: Settings) -> list[Section]:
    """Parts of 100 KB by one connection, one after the other, to a server that is near: does the line rest while the next
    part is made ready?"""
    names, count = [OURS, FLOOR], NEAR_PARTS // (8 if settings.quick else 1)
    file = str(places.source(count * KB100))
    with link(places, 0.0, settings.congestion[0], NEAR_MS) as hosts:
        with server(places, "--listen", f"{SERVER_ADDRESS}:0", inside=hosts.server) as oss:
            job = Job(oss, file, KB100, 1)
            result = contest(places, names, lambda name: one_file(places, name, job), settings.rounds, hosts.client)
    title = f"{count:,} parts of 100 KB × 1 over 1 Gbit/s, {NEAR_MS} ms round trip"
    section = Section("near", title, ["", "seconds", "ms a part", "rounds"], unit="seconds")
    for name in names:
        wall = result.median(name, "wall")
        section.rows.append([name, seconds(wall), f"{wall / count * 1000:.2f}", str(len(result.costs[name]))])
    rate = result.ratio("wall", FLOOR, OURS)
    section.targets = [Target(f"rate of 100 KB × 1 at {NEAR_MS} ms / floor", rate, 0.95, at_least=True)]
    return [section]


def https(places: Places, settings: Settings) -> list[Section]:
    """The same with encryption."""
    section, result = uploads(places, settings, "https", 8 * MIB, 4, [OURS, FLOOR, CURL, *SDKS], tls=True)
    section.targets = [Target("CPU over HTTPS, of the rustls floor", result.ratio("cpu", OURS, FLOOR), 1.15)]
    return [section]


def sources(places: Places, settings: Settings) -> list[Section]:
    """The same bytes from memory, and as a stream."""
    section, result = uploads(places, settings, "sources", 8 * MIB, 4, [OURS, OURS_MEMORY, OURS_STREAM])
    section.title += ", from a file, from memory and as a stream"
    section.notes = ["The stream is written in pieces of 64 KiB, which come from the processor's cache."]
    section.targets = [
        Target("CPU from memory, of that from a file", result.ratio("cpu", OURS_MEMORY, OURS), 1.15),
        Target("CPU of a stream, of that from a file", result.ratio("cpu", OURS_STREAM, OURS), 1.15),
        Target("peak memory of a stream at 8 MiB × 4, MiB", result.median(OURS_STREAM, "rss"), 5 * 8 + 14),
    ]
    return [section]


def pipes(places: Places, settings: Settings) -> list[Section]:
    """The command with a file, and with a pipe. On this machine, producer, upload and server share the processors."""
    section, result = uploads(places, settings, "pipes", 8 * MIB, 4, COMMANDS)
    section.title += ", with the command"
    section.bars = {}
    time_of = {name: result.ratio("wall", name, COMMAND_FILE) for name in COMMANDS}
    section.columns[4] = "time / FILE"
    for row in section.rows:
        row[4] = f"{time_of[row[0]]:.2f}"
    section.notes = [
        f"CPU is that of all programs of the line. `{TAR_CAT}`, which uploads nothing, takes {time_of[TAR_CAT]:.2f} of the"
        f" time of `{COMMAND_FILE}`: what reads a pipe here cannot be faster than that."
    ]
    section.targets = [
        Target(
            f"time of {COMMAND_TAR}, of {TAR_THEN_COMMAND}", result.ratio("wall", COMMAND_TAR, TAR_THEN_COMMAND), 1.0
        )
    ]
    return [section]


def pipes_wan(places: Places, settings: Settings) -> list[Section]:
    """The same over a long link, which is slower than the pipe."""
    names, rounds = [COMMAND_FILE, COMMAND_TAR, TAR_THEN_COMMAND], min(settings.rounds, 3)
    job_size = WAN_SIZE // (4 if settings.quick else 1)
    file = str(places.source(job_size))
    with link(places, 0.0, settings.congestion[0]) as hosts:
        with server(places, "--listen", f"{SERVER_ADDRESS}:0", inside=hosts.server) as oss:
            job = Job(oss, file)
            result = contest(places, names, lambda peer: one_file(places, peer, job), rounds, hosts.client)
    section = Section(
        "pipes-wan", "1 Gbit/s, 50 ms round trip, with the command", ["", "MB/s", "rate / FILE", "rounds"]
    )
    for name in names:
        rate, ratio = job_size / 1e6 / result.median(name, "wall"), 1 / result.ratio("wall", name, COMMAND_FILE)
        section.rows.append([name, f"{rate:.1f}", f"{ratio:.2f}", str(len(result.costs[name]))])
    ratio = 1 / result.ratio("wall", COMMAND_TAR, COMMAND_FILE)
    section.targets = [Target(f"rate of {COMMAND_TAR} over 1 Gbit/s, of {COMMAND_FILE}", ratio, 1.0, at_least=True)]
    return [section]


def memory(places: Places, settings: Settings) -> list[Section]:
    """Peak memory of the C program, whatever the parts."""
    huge = 1 if settings.quick else 10
    shapes = [
        ("100 KB", KB100, 10), ("100 KB", KB100, MOST_PARTS), ("1 MiB", MIB, 1024), ("8 MiB", 8 * MIB, 128),
        ("1 GiB", GIB, huge + 1),
    ]  # fmt: skip
    routines = [1, 4, 16]
    section = Section("memory", "Peak memory", ["parts", *(f"{count} at a time" for count in routines)])
    section.unit = "MiB"
    worst = {}
    with server(places) as oss:
        for label, part_size, parts in shapes:
            if part_size == GIB:
                file = places.work / f"source-sparse-{parts}"
                with file.open("wb") as hole:
                    hole.truncate(parts * part_size - 1)
            else:
                file = places.source(part_size * parts)
            row = []
            for count in routines:
                job = Job(oss, str(file), part_size, count)
                rss = run(places, one_file(places, OURS, job)).rss
                row.append(f"{rss:.1f} MiB")
                worst[count] = max(worst.get(count, 0.0), rss)
            section.rows.append([f"{parts:,} of {label}", *row])
            if part_size == GIB:
                file.unlink()
    section.bars = {f"{count} at a time": worst[count] for count in routines}
    section.targets = [
        Target(f"peak memory with {count} routines, MiB", worst[count], 12 + 0.5 * count) for count in routines
    ]
    return [section]


def small(places: Places, settings: Settings) -> list[Section]:
    """Many small files through one client."""
    count = SMALL_COUNT // (8 if settings.quick else 1)
    folder = str(places.small_files(SMALL_COUNT, SMALL_SIZE))
    names = [OURS, CURL, *SDKS]
    with server(places) as oss:
        opened = oss.connections_accepted()
        run(places, small_files(places, OURS, oss, folder, count, SMALL_AT_A_TIME))
        opened = oss.connections_accepted() - opened - 1  # that of the question before
        make = lambda name: small_files(places, name, oss, folder, count, SMALL_AT_A_TIME)  # noqa: E731
        result = contest(places, names, make, settings.rounds)
    title = f"{count:,} files of {SMALL_SIZE // 1024} KiB, {SMALL_AT_A_TIME} at a time"
    section = Section("small", title, ["", "seconds", "CPU s", "peak MiB", "time / ours", "rounds"], unit="seconds")
    for name in names:
        wall, cpu = result.median(name, "wall"), result.median(name, "cpu")
        ratio = f"{result.ratio('wall', name, OURS):.2f}"
        rss, rounds = f"{result.median(name, 'rss'):.1f}", str(len(result.costs[name]))
        section.rows.append([name, seconds(wall), seconds(cpu), rss, ratio, rounds])
        section.bars[name] = wall
    best = min(SDKS, key=lambda name: result.median(name, "wall"))
    section.targets = [
        Target(f"time for small files, of the best SDK ({best})", result.ratio("wall", OURS, best), 1.0),
        Target("time for small files, of curl", result.ratio("wall", OURS, CURL), 1.0),
        Target("connections opened for small files", opened, SMALL_AT_A_TIME),
    ]
    section.notes = [
        "curl neither signs nor checks anything. Checkpoints are off for all: one request leaves nothing to resume."
    ]
    return [section]


def start(places: Places, settings: Settings) -> list[Section]:
    """What a program pays before it does anything."""
    with server(places) as oss:
        job = Job(oss, str(places.source(SMALL_SIZE)))
        result = contest(places, STARTS, lambda name: starting(places, name, job), 3 * settings.rounds)
    section = Section("start", "Starting", ["", "CPU ms", "beside bare Python", "ms", "peak MiB", "rounds"])
    cpu = {name: result.median(name, "cpu") for name in STARTS}
    for name in STARTS:
        beside = "" if name == FIRST_UPLOAD else f"{1000 * (cpu[name] - cpu[BARE_PYTHON]):.1f}"
        wall, rss = (result.median(name, what) for what in ("wall", "rss"))
        row = [name, f"{1000 * cpu[name]:.1f}", beside, f"{1000 * wall:.1f}", f"{rss:.1f}"]
        section.rows.append([*row, str(len(result.costs[name]))])
    section.targets = [
        Target(f"CPU of a {FIRST_UPLOAD}, ms", 1000 * cpu[FIRST_UPLOAD], 5),
        *(
            Target(f"CPU of {name} beside a bare Python, ms", 1000 * (cpu[name] - cpu[BARE_PYTHON]), 50)
            for name in (IMPORT, FIRST_CLIENT, HELP)
        ),
    ]
    return [section]


def limit(places: Places, settings: Settings) -> list[Section]:
    """What max_bytes_per_second comes to over ten seconds, and what waiting costs."""
    rows, targets = [], []
    for rate in (2_000_000, 50_000_000):
        size = rate * (3 if settings.quick else 10)
        file = str(places.source(size))
        with server(places) as oss:
            command = one_file(places, OURS, Job(oss, file, MIB, 4))
            command.environment["MAX_BYTES_PER_SECOND"] = str(rate)
            cost = run(places, command)
        reached = size / cost.wall
        rows.append([f"{rate / 1e6:.0f} MB/s", f"{reached / 1e6:.2f} MB/s", f"{cost.wall:.2f}", seconds(cost.cpu)])
        targets.append(Target(f"rate at a limit of {rate / 1e6:.0f} MB/s, off by", abs(reached / rate - 1), 0.05))
    section = Section("limit", "A limited rate, 1 MiB × 4", ["limit", "reached", "seconds", "CPU s"], rows)
    section.targets = targets
    return [section]


def wan(places: Places, settings: Settings) -> list[Section]:
    """Long fat links, with each congestion control."""
    return [wan_with(places, settings, congestion) for congestion in settings.congestion]


def wan_with(places: Places, settings: Settings, congestion: str) -> Section:
    """One table of a long fat link."""
    names = [AUTO, *(f"{OURS} × {count}" for count in HAND_SET), *SDKS, CURL]
    rates = {loss: wan_rates(places, settings, congestion, loss, names) for loss in LOSSES}
    columns = ["MB/s at a loss of", *(f"{loss:.1%}" for loss in LOSSES)]
    section = Section(f"wan-{congestion}", f"1 Gbit/s, 50 ms round trip, {congestion}", columns, more_is_better=True)
    for name in names:
        section.rows.append([name, *(f"{rates[loss][name]:.1f}" for loss in LOSSES)])
    section.bars = rates[LOSSES[1]]
    section.unit = f"MB/s at a loss of {LOSSES[1]:.1%}"
    for loss, of in rates.items():
        best = max(of[name] for name in names[1 : len(HAND_SET) + 1])
        where = f"{congestion}, {loss:.1%} loss: AUTO, of the best"
        section.targets.append(Target(f"{where} hand-set", of[AUTO] / best, 0.9, True))
        best = max(of[name] for name in [*SDKS, CURL])
        section.targets.append(Target(f"{where} peer", of[AUTO] / best, 1.0, True))
    section.notes = [
        f"Two network namespaces on this machine, joined by benches/wan. Uploads that were not finished after"
        f" {WAN_LIMIT:.0f} s were rated by the bytes that had arrived. Peers use their defaults; Go v1, which has no"
        " default part size, uses the example in its manual (100 KB × 3)."
    ]
    return section


def wan_rates(
    places: Places, settings: Settings, congestion: str, loss: float, names: Iterable[str]
) -> dict[str, float]:
    """Megabytes a second of each peer."""
    size = WAN_SIZE // (4 if settings.quick else 1)
    file = str(places.source(size))
    rates = {}
    with link(places, loss, congestion) as hosts:
        with server(places, "--listen", f"{SERVER_ADDRESS}:0", inside=hosts.server) as oss:
            for name in names:
                routines = int(name.rsplit(" ", 1)[1]) if "×" in name else None
                peer = OURS if name.startswith(OURS) else name
                command = one_file(places, peer, Job(oss, file, None, routines))
                before, start = hosts.arrived(), time.monotonic()
                cost = run(places, command, hosts.client, WAN_LIMIT)
                moved = size if cost.finished else hosts.arrived() - before
                rates[name] = moved / 1e6 / (time.monotonic() - start)
                tell(f"  {loss:.1%} {name}: {rates[name]:.1f} MB/s")
                time.sleep(1.0)  # what is still under way belongs to the one before
    return rates


SCENARIOS = {
    "8mib": parts_8_mib,
    "1mib": parts_1_mib,
    "100kb": parts_100_kb,
    "near": near,
    "https": https,
    "sources": sources,
    "pipes": pipes,
    "memory": memory,
    "small": small,
    "batch": batch,
    "batch-wan": batch_wan,
    "batch-mixed": batch_mixed,
    "fair": fair,
    "start": start,
    "limit": limit,
    "pipes-wan": pipes_wan,
    "wan": wan,
}
# Those that need a long link.
FAR = ["near", "batch-wan", "batch-mixed", "pipes-wan", "wan"]
