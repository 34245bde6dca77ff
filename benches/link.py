"""Two hosts, as network namespaces, with a wide-area link between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from places import Places

ROUND_TRIP_MS = 50
BITS_PER_SECOND = 1_000_000_000
CLIENT, SERVER = f"bench-a-{os.getpid()}", f"bench-b-{os.getpid()}"
SERVER_ADDRESS = "10.99.0.2"
USUAL_CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")


@dataclass(frozen=True)
class Link:
    """Prefixes of commands that run on one of the hosts."""

    client: tuple[str, ...]
    server: tuple[str, ...]

    def arrived(self) -> int:
        """Bytes that the server's host has received."""
        text = subprocess.check_output(["ip", "-n", SERVER, "-s", "-j", "link", "show", "wan-b"])
        return json.loads(text)[0]["stats64"]["rx"]["bytes"]


def usual_congestion() -> str:
    """The congestion control of this machine."""
    return USUAL_CONGESTION.read_text().strip()


def obstacle(congestion: str) -> str | None:
    """Why there can be no such link on this machine."""
    if os.geteuid() != 0:
        return "network namespaces need root: run it as root"
    if not shutil.which("ip"):
        return "missing: ip (apt-get install iproute2)"
    if not Path("/dev/net/tun").exists():
        return "missing: /dev/net/tun (modprobe tun)"
    try:
        with host(CLIENT, congestion):
            return None
    except subprocess.CalledProcessError as error:
        return f"no network namespace with {congestion} can be made ({error.stderr.decode().strip()})"


@contextmanager
def host(name: str, congestion: str) -> Iterator[None]:
    """A network namespace. What one connection learnt of the way is not for the next one."""
    subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
    try:
        settings = ["net.ipv4.tcp_no_metrics_save=1"]
        if congestion != usual_congestion():
            # Only what net.ipv4.tcp_allowed_congestion_control of the whole machine allows.
            settings.append(f"net.ipv4.tcp_congestion_control={congestion}")
        subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", *settings], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@contextmanager
def link(places: Places, loss: float, congestion: str, round_trip_ms: int = ROUND_TRIP_MS) -> Iterator[Link]:
    """The link, with a share of its frames lost. Its queue is as long as the bytes that are under way when it is full."""
    with ExitStack() as stack:
        for name in (CLIENT, SERVER):
            stack.enter_context(host(name, congestion))
        queue_bytes = BITS_PER_SECOND // 8 * round_trip_ms // 1000
        numbers = [round_trip_ms / 2, BITS_PER_SECOND, queue_bytes, loss]
        wan = subprocess.Popen(
            [places.release / "wan", CLIENT, SERVER, *map(str, numbers)], stdout=subprocess.PIPE, text=True
        )
        stack.callback(wan.wait)
        stack.callback(wan.kill)
        if wan.stdout.readline().strip() != "ready":
            raise RuntimeError("the link did not come up")
        yield Link(("ip", "netns", "exec", CLIENT), ("ip", "netns", "exec", SERVER))
