"""Where things are, and the processes that a benchmark needs around it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BUCKET = "bench"
KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Places:
    """Folders of one run."""

    target: Path

    @property
    def bench(self) -> Path:
        """Programs and peers."""
        return self.target / "bench"

    @property
    def work(self) -> Path:
        """Sources, and the checkpoints beside them."""
        folder = self.bench / "work"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def release(self) -> Path:
        """What cargo builds."""
        return self.target / "release"

    def source(self, size: int) -> Path:
        """A file of that size, in the page cache."""
        path = self.work / f"source-{size}"
        if not path.exists() or path.stat().st_size != size:
            block = os.urandom(MIB)
            with path.open("wb") as file:
                for number in range(0, size, MIB):
                    file.write((number.to_bytes(8, "little") + block[8:])[: size - number])
        with path.open("rb") as file:
            while file.read(8 * MIB):
                pass
        return path

    def small_files(self, count: int, size: int) -> Path:
        """A folder with files 00000, 00001 and so on."""
        folder = self.bench / f"small-{count}-{size}"
        if not folder.exists():
            new = folder.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            for number in range(count):
                (new / f"{number:05}").write_bytes(os.urandom(size))
            new.rename(folder)
        for file in folder.iterdir():
            file.read_bytes()
        return folder

    @contextmanager
    def tree(self, count: int, size: int, in_each: int) -> Iterator[str]:
        """Folders 0000, 0001 and so on of so many files each. They are in memory where there is room: no disk is then
        still writing them while they are uploaded."""
        memory, needed = Path("/dev/shm"), 2 * count * max(size, 4096)
        fits = memory.is_dir() and shutil.disk_usage(memory).free > needed
        with tempfile.TemporaryDirectory(prefix="tree-", dir=memory if fits else self.bench) as folder:
            subprocess.run([self.bench / "tree", folder, str(count), str(size), str(in_each)], check=True)
            yield folder

    def tidy(self) -> None:
        """Removes checkpoints that were left behind."""
        for path in self.work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif not path.name.startswith("source-") or "." in path.name:
                path.unlink()


@dataclass(frozen=True)
class Server:
    """A running local OSS."""

    ready: dict
    pid: int = 0

    @property
    def endpoint(self) -> str:
        """With its scheme."""
        return self.ready["endpoint"]

    @property
    def address(self) -> str:
        """Host and port."""
        return self.endpoint.split("://")[1]

    @property
    def ca_file(self) -> str | None:
        """Of the authority to trust."""
        return self.ready["ca_file"]

    @property
    def environment(self) -> dict[str, str]:
        """What clients need."""
        keys = {name.upper(): self.ready[name] for name in ("access_key_id", "access_key_secret", "region")}
        return {f"OSS_{name}": value for name, value in keys.items()}

    def cpu(self) -> float:
        """Seconds of CPU since the start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def connections_accepted(self) -> int:
        """Since the start, this question's not counted."""
        with urllib.request.urlopen(f"{self.endpoint}/_server/state") as response:
            return json.load(response)["connections_accepted"] - 1


@contextmanager
def server(places: Places, *options: str, inside: tuple[str, ...] = ()) -> Iterator[Server]:
    """A local OSS that keeps neither bytes nor a log and computes no MD5, so that it is not what is measured. `inside` is
    put before the command."""
    command = [
        *inside, places.release / "oss-server", "--bucket", BUCKET, "--storage", "discard", "--etag", "crc",
        "--log", "none", "--allow-anonymous", "--exit-with-stdin", *options,
        # ali-oss names it to an endpoint that is an address.
        "--domain", "oss-cn-hangzhou.aliyuncs.com",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Server(json.loads(process.stdout.readline()), process.pid)
    finally:
        process.stdin.close()
        process.wait()
