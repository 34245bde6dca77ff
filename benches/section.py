"""A table of what was measured, and what of it is promised."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A promise, and what this run says about it."""

    what: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it was kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass
class Section:
    """One table. The first column names; a row that begins with our name is ours."""

    name: str
    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    # What the picture shows: the number of each row, and what it counts.
    bars: dict[str, float] = field(default_factory=dict)
    unit: str = ""
    more_is_better: bool = False
    # With what, and how.
    measured: str = ""


@dataclass(frozen=True)
class Settings:
    """How thorough a run is."""

    rounds: int
    quick: bool
    congestion: list[str]
    files: int
    # Seconds for one peer of one scenario: who is slow is run less often.
    patience: float


def seconds(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
