"""The pages of the documentation: what is shown in them, and what they say about it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE_NOTE = re.compile(r"^<!-- (?P<language>[a-z]+) is (?P<note>run by: .*?) -->$", re.MULTILINE)
FENCE = re.compile(
    r"(?:^<!-- (?P<note>(?:save as|run by|not run): [^\n]*?) -->\n)?^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Snippet:
    """A fenced block. The comment before it, which no reader sees, says what else there is to know."""

    page: str
    line: int
    language: str
    text: str
    note: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """All Markdown files of the project."""
    tracked = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=CHECKOUT, text=True
    )
    return [CHECKOUT / name for name in sorted(tracked.split()) if (CHECKOUT / name).exists()]


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    of_the_page = {note["language"]: note["note"] for note in PAGE_NOTE.finditer(text)}
    found = []
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start("language")) + 1
        name = str(page.relative_to(CHECKOUT))
        note = block["note"] or of_the_page.get(block["language"], "")
        found.append(Snippet(name, line, block["language"], block["text"], note))
    return found
