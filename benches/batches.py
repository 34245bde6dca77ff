"""Scenarios of very many files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from link import SERVER_ADDRESS, link
from measuring import Contest, Cost, contest, run, tell
from peers import CHECKSUMS, CURL, CURL_SHARDS, FIND, OURS, OURS_BATCH, OURS_CALLS, OURS_SHARDS, UNCHANGED, Tree, whole_tree
from places import GIB, MIB, Places, Server, server
from section import Section, Settings, Target, seconds

# In as many folders as there are files in each, when there are a million.
TREE_SIZE, TREE_IN_EACH, TREE_AT_A_TIME = 1024, 1000, 16
# Where reading takes more than finding.
MEDIUM_COUNT, MEDIUM_SIZE = 10_000, 256 * 1024
# Over the long link.
FAR_COUNT, FAR_SIZE = 10_000, 10 * 1024
# As many as a batch sends at the most when it chooses.
MOST_AT_A_TIME = 64
# The most objects on a page of ListObjectsV2.
LIST_PAGE = 1000

# For the picture.
SHORT = {OURS_BATCH: f"{OURS}, batch", OURS_SHARDS: f"{OURS}, 4 shards", CURL_SHARDS: "curl, 4 shards"}
MEANWHILE = "the local OSS, during a batch"
FRESH = "liboss_upload, fresh times"
SMALL_ALONE, LARGE_ALONE, TOGETHER = "small files alone", "large file alone", "both in one batch"


def table(name: str, title: str, count: int, results: Contest, first: str) -> Section:
    """A row for each that took part."""
    columns = ["", "seconds", "files/s", "CPU s", "peak MiB", f"time / {first}", "rounds"]
    section = Section(name, title, columns, unit="seconds")
    for peer in results.costs:
        wall, cpu, rss = (results.median(peer, what) for what in ("wall", "cpu", "rss"))
        ratio, rounds = f"{results.ratio('wall', peer, first):.2f}", str(len(results.costs[peer]))
        section.rows.append([peer, seconds(wall), f"{count / wall:,.0f}", seconds(cpu), f"{rss:.1f}", ratio, rounds])
    return section


def batch(places: Places, settings: Settings) -> list[Section]:
    """A tree of very many small files: everything, nothing, and what only seems to have changed."""
    count = settings.files // (10 if settings.quick else 1)
    with places.tree(count, TREE_SIZE, TREE_IN_EACH) as folder:
        tree = Tree(folder, count, TREE_IN_EACH)
        with server(places) as oss:
            make = lambda name: whole_tree(places, name, oss, tree, TREE_AT_A_TIME)  # noqa: E731
            everything = contest(places, [OURS_BATCH, OURS_SHARDS, OURS_CALLS, CURL, CURL_SHARDS], make, settings.rounds, patience=settings.patience)
            served = oss.cpu()
            run(places, make(OURS_BATCH))
            served = oss.cpu() - served
            # The manifest is there now.
            nothing = contest(places, [UNCHANGED, FIND], make, settings.rounds, patience=settings.patience)
            touched = fresh_times(places, oss, tree, settings.rounds)
            lists, heads = compared_with_server(places, oss, tree)
        first_request = seconds_to_first_request(places, tree)
    medium = fresh_times_of_medium_files(places, settings)
    title = f"A tree of {count:,} files of {TREE_SIZE // 1024} KiB, {TREE_AT_A_TIME} at a time"
    section = table("batch", title, count, everything, OURS_BATCH)
    section.bars = {SHORT.get(name, name): everything.median(name, "wall") for name in everything.costs}
    section.rows.append([MEANWHILE, "", "", seconds(served), "", "", "1"])
    section.notes = [
        "A batch sends 64 at a time, as it chooses; each of four shards sends 16. "
        "curl neither signs nor checks anything, and needs a list of all files and their URLs. "
        f"Four of them at the same time take {everything.ratio('cpu', CURL_SHARDS, CURL):.2f} times the CPU of one."
    ]
    section.targets = [
        Target("time of a batch / curl", everything.ratio("wall", OURS_BATCH, CURL), 1.0),
        Target("CPU of a batch / one by one", everything.ratio("cpu", OURS_BATCH, OURS_CALLS), 1.2),
        Target("CPU of four shards / one batch", everything.ratio("cpu", OURS_SHARDS, OURS_BATCH), 1.1),
        Target("peak MiB of a batch", everything.median(OURS_BATCH, "rss"), 64 if count > 100_000 else 48),
        Target("seconds to the first request of a batch", first_request, 0.3),
    ]
    same = table("batch-same", f"The same tree of {count:,} files, stored before", count, nothing, FIND)
    same.rows += table("", "", count, touched, CHECKSUMS).rows
    same.columns[5] = "time / floor"
    same.notes = [
        "The floor of a tree in which nothing has changed is find, that of one whose times are new is a program that knows "
        "the names and computes each CRC-64, on both cores. "
        f"With {MEDIUM_SIZE // 1024} KiB a file the batch takes {medium.ratio('wall', FRESH, CHECKSUMS):.2f} of its time."
    ]
    same.targets = [
        Target("time with nothing changed / find", nothing.ratio("wall", UNCHANGED, FIND), 2.0),
        Target("rate with fresh times / checksums", medium.ratio("wall", CHECKSUMS, FRESH), 0.7, at_least=True),
        Target("ListObjectsV2 requests to compare with the server", lists, count // LIST_PAGE + 1),
        Target("HEAD requests for files of another size", heads, 0),
    ]
    return [section, same]


def fresh_times(places: Places, oss: Server, tree: Tree, rounds: int) -> Contest:
    """All files get new times before each round: the batch must read them, as the floor does, and send nothing."""
    result = Contest({FRESH: [], CHECKSUMS: []})
    opened = oss.connections_accepted()
    for _ in range(rounds):
        tell(f"  {FRESH}")
        subprocess.run(["find", tree.folder, "-type", "f", "-exec", "touch", "{}", "+"], check=True)
        result.costs[FRESH].append(run(places, whole_tree(places, UNCHANGED, oss, tree, TREE_AT_A_TIME)))
        result.costs[CHECKSUMS].append(run(places, whole_tree(places, CHECKSUMS, oss, tree, os.cpu_count() or 1)))
    # That of the question itself is not counted, but that of the question before is.
    if oss.connections_accepted() - opened > 1:
        sys.exit("A file that was the same was asked for or sent.")
    return result


def fresh_times_of_medium_files(places: Places, settings: Settings) -> Contest:
    """Of files whose content takes longer to read than their names."""
    count = MEDIUM_COUNT // (10 if settings.quick else 1)
    with places.tree(count, MEDIUM_SIZE, TREE_IN_EACH) as folder, server(places) as oss:
        tree = Tree(folder, count, TREE_IN_EACH)
        run(places, whole_tree(places, OURS_BATCH, oss, tree, TREE_AT_A_TIME))
        return fresh_times(places, oss, tree, settings.rounds)


def compared_with_server(places: Places, oss: Server, tree: Tree) -> tuple[int, int]:
    """A tree of the same names whose files have another size is compared with what is stored, and nothing is sent: how
    many requests that takes. All but the lists would be HEAD."""
    with places.tree(tree.count, TREE_SIZE + 1, tree.in_each) as other:
        command = whole_tree(places, UNCHANGED, oss, Tree(other, tree.count, tree.in_each), TREE_AT_A_TIME)
        environment = os.environ | command.environment | {"COMPARE_REMOTE": "1", "DRY_RUN": "1"}
        del environment["MANIFEST"]
        printed = subprocess.check_output(command.argv, env=environment, text=True).split()
    requests = int(printed[printed.index("requests") + 1])
    lists = -(-tree.count // LIST_PAGE)
    return min(requests, lists), max(0, requests - lists - 1)


def seconds_to_first_request(places: Places, tree: Tree) -> float:
    """From the start of the program to the first byte that arrives. Nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = Server({"endpoint": f"http://127.0.0.1:{listening.getsockname()[1]}", "ca_file": None, "region": "r"})
        keys = {"OSS_ACCESS_KEY_ID": "id", "OSS_ACCESS_KEY_SECRET": "secret", "OSS_REGION": "r"}
        argv = [places.bench / "batch", nobody.endpoint, "bench", tree.folder]
        start = time.monotonic()
        with subprocess.Popen(argv, env=os.environ | keys, stderr=subprocess.DEVNULL) as process:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)
                taken = time.monotonic() - start
                process.kill()
    return taken


def batch_wan(places: Places, settings: Settings) -> list[Section]:
    """Small files over a long link: a batch chooses how many at a time, the program sends 64."""
    names, rounds = [OURS_BATCH, OURS_CALLS], min(settings.rounds, 3)
    count = FAR_COUNT // (8 if settings.quick else 1)
    with places.tree(count, FAR_SIZE, TREE_IN_EACH) as folder, link(places, 0.0, settings.congestion[0]) as hosts:
        with server(places, "--listen", f"{SERVER_ADDRESS}:0", inside=hosts.server) as oss:
            tree = Tree(folder, count, TREE_IN_EACH)
            make = lambda name: whole_tree(places, name, oss, tree, MOST_AT_A_TIME)  # noqa: E731
            result = contest(places, names, make, rounds, hosts.client)
    title = f"{count:,} files of {FAR_SIZE // 1024} KiB over 1 Gbit/s, 50 ms round trip"
    section = table("batch-wan", title, count, result, OURS_CALLS)
    ratio = result.ratio("wall", OURS_BATCH, OURS_CALLS)
    section.targets = [Target(f"time of a batch / {MOST_AT_A_TIME} at a time by hand", ratio, 1.0)]
    return [section]


def batch_mixed(places: Places, settings: Settings) -> list[Section]:
    """One large file among very many small ones, over the long link: the small ones wait for responses, the large one
    for the line, so that both together need not take longer."""
    size, count = 4 * GIB, settings.files
    if settings.quick:
        size, count = size // 32, count // 20
    result = Contest()
    with places.tree(count, TREE_SIZE, TREE_IN_EACH) as folder, link(places, 0.0, settings.congestion[0]) as hosts:
        large = Path(folder).parent / f"{Path(folder).name}-large"
        large.mkdir()
        try:
            make_file(large / "large", size)
            with server(places, "--listen", f"{SERVER_ADDRESS}:0", inside=hosts.server) as oss:
                for name in (SMALL_ALONE, LARGE_ALONE, TOGETHER):
                    tell(f"  {name}")
                    if name == TOGETHER:
                        (large / "large").rename(Path(folder) / f"{count // TREE_IN_EACH // 2:04}" / "large")
                    tree = Tree(str(large) if name == LARGE_ALONE else folder, count, TREE_IN_EACH)
                    command = whole_tree(places, OURS_BATCH, oss, tree, MOST_AT_A_TIME)
                    result.costs[name] = [run(places, command, hosts.client)]
        finally:
            for left in large.iterdir():
                left.unlink()
            large.rmdir()
    title = f"{size / GIB:g} GiB among {count:,} files of {TREE_SIZE // 1024} KiB over 1 Gbit/s, 50 ms round trip"
    longer = max(SMALL_ALONE, LARGE_ALONE, key=lambda name: result.median(name, "wall"))
    section = Section("batch-mixed", title, ["", "seconds", "CPU s", "peak MiB"], unit="seconds")
    for name, (cost,) in result.costs.items():
        section.rows.append([name, seconds(cost.wall), seconds(cost.cpu), f"{cost.rss:.1f}"])
    section.targets = [Target("time of a large file among small ones / the longer alone", result.ratio("wall", TOGETHER, longer), 1.05)]
    return [section]


def make_file(path: Path, size: int) -> None:
    """Of bytes that no two MiB have in common."""
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(0, size, MIB):
            file.write(number.to_bytes(8, "little") + block[8:])
