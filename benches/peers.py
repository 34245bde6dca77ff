"""Who uploads, and how each is called."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from places import BUCKET, HERE, Places, Server

OURS = "liboss_upload"
OURS_MEMORY = f"{OURS}, memory"
OURS_STREAM = f"{OURS}, stream"
COMMAND_FILE = "oss-upload FILE"
COMMAND_TAR = "tar | oss-upload -"
TAR_THEN_COMMAND = "tar -f FILE && oss-upload FILE"
TAR_CAT = "tar | cat"
COMMANDS = [COMMAND_FILE, COMMAND_TAR, TAR_THEN_COMMAND, TAR_CAT]
OURS_CALLS = f"{OURS}, one by one"
OURS_BATCH = f"{OURS}, a batch with a manifest"
OURS_SHARDS = f"{OURS}, four shards at the same time"
UNCHANGED = f"{OURS}, nothing changed"
FIND = "find -printf"
CHECKSUMS = "CRC-64 of each file"
FIRST_UPLOAD = "first upload of 10 KiB, C"
BARE_PYTHON = "bare Python"
IMPORT = "import oss_upload"
FIRST_CLIENT = "oss_upload.Client(...)"
HELP = "oss-upload --help"
STARTS = [FIRST_UPLOAD, BARE_PYTHON, IMPORT, FIRST_CLIENT, HELP]
FLOOR = "floor"
CURL = "curl"
CURL_SHARDS = "curl, four at the same time"
SDKS = ["Go v1", "Go v2", "Node ali-oss", "Python oss2", "Python v2"]


@dataclass(frozen=True)
class Command:
    """A program to run."""

    argv: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One file to be uploaded. Without part size and routines everybody does what he does by default."""

    server: Server
    file: str
    part_size: int | None = None
    routines: int | None = None

    @property
    def sizes(self) -> dict[str, str]:
        """For those who take them from the environment."""
        numbers = {"PART_SIZE": self.part_size, "ROUTINES": self.routines}
        return {name: str(number) for name, number in numbers.items() if number}


@dataclass(frozen=True)
class Tree:
    """Files to be uploaded, as tree.c makes them."""

    folder: str
    count: int
    in_each: int

    def key(self, number: int) -> str:
        """Of one file: its path below the folder."""
        return f"{number // self.in_each:04}/{number:07}"


def programs(places: Places) -> dict[str, list[str]]:
    """The peers that are called as peers/README.md says."""
    python = [str(places.bench / "venv/bin/python"), "-B"]
    return {
        "Go v1": [str(places.bench / "go-v1")],
        "Go v2": [str(places.bench / "go-v2")],
        "Node ali-oss": ["node", str(places.bench / "node/peer.mjs")],
        "Python oss2": [*python, str(HERE / "peers/python/v1.py")],
        "Python v2": [*python, str(HERE / "peers/python/v2.py")],
    }


def one_file(places: Places, name: str, job: Job) -> Command:
    """Uploads one file, checked and with a checkpoint, unless it is the floor or curl, which have neither."""
    endpoint, ca_file = job.server.endpoint, job.server.ca_file
    if name == OURS:
        trust = {"OSS_CA_FILE": ca_file} if ca_file else {}
        argv = [str(places.bench / "upload"), endpoint, BUCKET, "ours", job.file]
        return Command(argv, job.server.environment | job.sizes | trust)
    if name in (OURS_MEMORY, OURS_STREAM):
        kind = "memory" if name == OURS_MEMORY else "stream"
        sizes = [str(job.part_size), str(job.routines)]
        return Command([str(places.bench / "source"), kind, endpoint, BUCKET, job.file, *sizes], job.server.environment)
    if name in COMMANDS:
        return command(places, name, job)
    if name == FLOOR:
        argv = [str(places.release / "floor"), job.server.address, BUCKET, job.file]
        return Command([*argv, str(job.part_size), str(job.routines), *([ca_file] if ca_file else [])])
    if name == CURL:
        trust = ["--cacert", ca_file] if ca_file else []
        return Command(["curl", "-sS", "-f", *trust, "-o", os.devnull, "-T", job.file, f"{endpoint}/{BUCKET}/curl"])
    # Each platform has a variable of its own for the authorities to trust.
    trust = dict.fromkeys(["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"], ca_file) if ca_file else {}
    argv = [*programs(places)[name], "file", endpoint, BUCKET, "peer", job.file]
    return Command(argv, job.server.environment | job.sizes | trust)


def command(places: Places, name: str, job: Job) -> Command:
    """What a user of the command writes: a file, or an archive of it."""
    file, archive = Path(job.file), places.work / "archive.tar"
    options = {"--endpoint": job.server.endpoint, "--part-size": job.part_size, "--routines": job.routines}
    given = " ".join(f"{option} {value}" for option, value in options.items() if value)
    upload = f"{places.bench / 'venv/bin/python'} -m oss_upload --quiet {given}"
    tar = f"tar -C {file.parent} -c {file.name} -f"
    line = {
        COMMAND_FILE: f"{upload} {file} oss://{BUCKET}/file",
        COMMAND_TAR: f"{tar} - | {upload} - oss://{BUCKET}/tar",
        TAR_THEN_COMMAND: f"{tar} {archive} && {upload} {archive} oss://{BUCKET}/tar",
        TAR_CAT: f"{tar} - | cat > {os.devnull}",
    }[name]
    return Command(["sh", "-c", line], job.server.environment | package(places))


def package(places: Places) -> dict[str, str]:
    """Where Python finds ours. It is compiled, as an installed one is."""
    return {
        "PYTHONPATH": str(HERE.parent / "bindings/python"),
        "OSS_UPLOAD_LIBRARY": str(places.release / "liboss_upload.so"),
        "PYTHONPYCACHEPREFIX": str(places.bench / "pycache"),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def starting(places: Places, name: str, job: Job) -> Command:
    """The least that a program does, to see what starting it costs."""
    if name == FIRST_UPLOAD:
        return one_file(places, OURS, job)
    programs = {
        BARE_PYTHON: ["-c", "pass"],
        IMPORT: ["-c", "import oss_upload"],
        FIRST_CLIENT: ["-c", f"import oss_upload; oss_upload.Client({job.server.endpoint!r})"],
        HELP: ["-m", "oss_upload", "--help"],
    }
    return Command([str(places.bench / "venv/bin/python"), *programs[name]], job.server.environment | package(places))


def small_files(places: Places, name: str, server: Server, folder: str, count: int, at_a_time: int) -> Command:
    """Uploads many small files with one request each."""
    arguments = [server.endpoint, BUCKET, folder, str(count), str(at_a_time)]
    if name == OURS:
        return Command([str(places.bench / "many"), *arguments], server.environment)
    if name == CURL:
        files = f"{folder}/[00000-{count - 1:05}]"
        parallel = ["-Z", "--parallel-immediate", "--parallel-max", str(at_a_time), "--no-progress-meter"]
        return Command(["curl", "-sS", "-f", *parallel, "-o", os.devnull, "-T", files, f"{server.endpoint}/{BUCKET}/"])
    return Command([*programs(places)[name], "many", *arguments], server.environment)


def whole_tree(places: Places, name: str, server: Server, tree: Tree, at_a_time: int) -> Command:
    """Uploads a tree of very many small files; their paths below it are the keys."""
    if name in (OURS_BATCH, UNCHANGED):
        batch = f"exec {places.bench / 'batch'} {server.endpoint} {BUCKET} {tree.folder}"
        manifest = str(places.bench / "tree.manifest")
        command = f"rm -f {manifest}; {batch}" if name == OURS_BATCH else f"{batch} 1"
        return Command(["sh", "-c", command], {**server.environment, "MANIFEST": manifest})
    if name == OURS_SHARDS:
        batch = f"{places.bench / 'batch'} {server.endpoint} {BUCKET} {tree.folder}"
        manifest = places.bench / "tree.manifest"
        # Together they have as many connections as one batch.
        shard = f"SHARD_INDEX=$i SHARD_COUNT=4 CONNECTIONS=16 MANIFEST={manifest}-$i {batch}"
        return Command(["sh", "-c", f"rm -f {manifest}-*; {four_times(shard)}"], server.environment)
    if name == FIND:
        return Command(["find", tree.folder, "-type", "f", "-printf", r"%s %T@ %i\n"])
    if name == CHECKSUMS:
        return Command([str(places.release / "checksum"), tree.folder, str(tree.count), str(tree.in_each), str(at_a_time)])
    if name == OURS_CALLS:
        arguments = [server.endpoint, BUCKET, tree.folder, str(tree.count), str(at_a_time), str(tree.in_each)]
        return Command([str(places.bench / "many"), *arguments], server.environment)
    parallel = ["-Z", "--parallel-immediate", "--parallel-max", str(at_a_time), "--no-progress-meter"]
    if name == CURL_SHARDS:
        lists = [curl_list(places, server, tree, shard, 4) for shard in range(4)]
        return Command(["sh", "-c", four_times(f"curl -sS -f {' '.join(parallel)} -K {lists[0][:-1]}$i")])
    return Command(["curl", "-sS", "-f", *parallel, "-K", curl_list(places, server, tree)])


def four_times(command: str) -> str:
    """For the shell: runs it four times at the same time, with i from 0 to 3. The status is that of each."""
    return f'for i in 0 1 2 3; do {command} & pids="$pids $!"; done; for pid in $pids; do wait $pid || exit; done'


def curl_list(places: Places, server: Server, tree: Tree, shard: int = 0, shards: int = 1) -> str:
    """A file that names the files of a tree, or every so many of them, and where each goes: curl takes no folder."""
    path = places.bench / f"curl-tree-{shard}"
    with path.open("w") as file:
        for number in range(shard, tree.count, shards):
            key = tree.key(number)
            file.write(f'upload-file = "{tree.folder}/{key}"\nurl = "{server.endpoint}/{BUCKET}/{key}"\n')
    return str(path)


Maker = Callable[[str], Command]
