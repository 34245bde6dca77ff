"""Runs peers in turn, and what is made of the figures."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from peers import Command, Maker
from places import Places

# Who is slow is run less often: no more than this, in seconds, is spent on one peer of one scenario, unless more is given.
PATIENCE = 25.0


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu: float
    wall: float
    rss: float
    finished: bool = True


@dataclass
class Contest:
    """All runs of a scenario: the costs of each peer, by round."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def median(self, name: str, what: str) -> float:
        """Of all rounds."""
        return statistics.median(getattr(cost, what) for cost in self.costs[name])

    def ratio(self, what: str, name: str, other: str) -> float:
        """The median of the rounds that both ran: what disturbs a round disturbs both."""
        pairs = zip(self.costs[name], self.costs[other])
        return statistics.median(getattr(one, what) / getattr(two, what) for one, two in pairs)


def run(places: Places, command: Command, inside: tuple[str, ...] = (), limit: float | None = None) -> Cost:
    """Runs a program and waits for its end, or kills it after `limit` seconds."""
    output = places.bench / "cost.json"
    output.unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [*inside, places.bench / "measure", output, *command.argv],
        env=environment | {"NO_PROXY": "*", "PYTHONDONTWRITEBYTECODE": "1"} | command.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Cost(0.0, limit, 0.0, finished=False)
    finally:
        places.tidy()
    if process.returncode != 0:
        sys.exit(f"{command.argv[0]} failed: {errors.decode(errors='replace')[-2000:]}")
    cost = json.loads(Path(output).read_text())
    return Cost(cost["cpu"], cost["wall"], cost["rss_kib"] / 1024)


def contest(
    places: Places,
    names: list[str],
    make: Maker,
    rounds: int,
    inside: tuple[str, ...] = (),
    patience: float = PATIENCE,
) -> Contest:
    """Each peer in turn, `rounds` times, each time in another order. The first run of each warms up; of who takes
    longer than all the patience it is the only one."""
    result = Contest()
    turns = {}
    for name in names:
        tell(f"  {name}")
        cost = run(places, make(name), inside)
        turns[name] = min(rounds, int(patience / cost.wall))
        result.costs[name] = [] if turns[name] else [cost]
    for round_number in range(rounds):
        order = [name for name in names if turns[name] > round_number]
        turn = round_number % max(len(order), 1)
        for name in order[turn:] + order[:turn]:
            result.costs[name].append(run(places, make(name), inside))
    return result


def tell(text: str) -> None:
    """For who is waiting."""
    print(text, file=sys.stderr, flush=True)
