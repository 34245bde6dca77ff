#!/usr/bin/env python3
"""Runs `make demo` in a terminal and draws what it prints, as it moves, to docs/demo.svg."""

from __future__ import annotations

import os
import pty
import re
import sys
import time
from html import escape
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PICTURE = CHECKOUT / "docs/demo.svg"
COLUMNS, ROWS = 92, 17
CHARACTER, LINE, MARGIN = 8.4, 19, 16
FRAMES_PER_SECOND = 8
# How long the end is looked at before it begins again.
REST_SECONDS = 5.0
# What is built before that is of no interest.
BEGIN = "Starting the local OSS"


def record(command: list[str]) -> list[tuple[float, str]]:
    """What the command prints on a terminal, and when."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)  # noqa: S606
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        pieces.append((time.monotonic(), piece.decode("utf-8", "replace")))
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        raise SystemExit(f"{command} failed:\n" + "".join(text for _, text in pieces))
    return pieces


def screens(pieces: list[tuple[float, str]]) -> list[tuple[float, list[str]]]:
    """The lines on the screen each time that something was printed: bold ones begin with an escape sequence."""
    lines, shown, begun = [""], [], None
    for when, text in pieces:
        for piece in re.findall(r"\r\n|\n|\r|\x1b\[[0-9;]*m|[^\r\n\x1b]+", text):
            if piece in ("\r\n", "\n"):
                lines.append("")
            elif piece == "\r":
                lines[-1] = ""
            elif piece.startswith("\x1b"):
                lines[-1] += "\x1b" if piece == "\x1b[1m" else ""
            else:
                lines[-1] += piece
        if begun is None and BEGIN in "".join(lines):
            begun = when
            lines = [line for line in lines if BEGIN in line] + lines[-1:]
        if begun is not None:
            shown.append((when - begun, [line[:COLUMNS] for line in lines[-ROWS:]]))
    return shown


def frames(shown: list[tuple[float, list[str]]]) -> list[list[str]]:
    """The screen at equal distances of time."""
    result, current, step = [], 0, 0
    while current < len(shown):
        while current < len(shown) and shown[current][0] * FRAMES_PER_SECOND <= step:
            current += 1
        result.append(shown[max(0, current - 1)][1])
        step += 1
    return [*result, *[shown[-1][1]] * round(REST_SECONDS * FRAMES_PER_SECOND)]


def draw(pictures: list[list[str]]) -> str:
    """The screens side by side as one film strip, of which a window shows one at a time; at rest the last."""
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), ROWS * LINE + 2 * MARGIN
    seconds = len(pictures) / FRAMES_PER_SECOND
    # Equal ones that follow each other are drawn once, and shown for longer.
    distinct: list[list[str]] = []
    shown = []
    for number, lines in enumerate(pictures):
        if not distinct or distinct[-1] != lines:
            distinct.append(lines)
            percent, left = 100 * number / len(pictures), -width * (len(distinct) - 1)
            shown.append(f"{percent:.2f}% {{ transform: translateX({left}px) }}")
    body = []
    for number, lines in enumerate(distinct):
        for row, line in enumerate(lines):
            text = escape(line.replace("\x1b", ""))
            if text.strip():
                weight = ' class="b"' if "\x1b" in line else ""
                body.append(f'<text x="{number * width + MARGIN}" y="{MARGIN + 14 + row * LINE}"{weight}>{text}</text>')
    last = -width * (len(distinct) - 1)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" {size}>
<title>make demo</title>
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre }}
.b {{ font-weight: bold; fill: #88c0d0 }}
#film {{ transform: translateX({last}px); animation: play {seconds:.2f}s steps(1, end) infinite }}
@keyframes play {{
{chr(10).join(shown)}
}}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#2e3440"/>
<g id="film">
{chr(10).join(body)}
</g>
</svg>
"""


def main() -> None:
    """Records, and writes the picture."""
    pictures = frames(screens(record([str(CHECKOUT / "scripts/demo.sh")])))
    PICTURE.write_text(draw(pictures), encoding="utf-8")
    sys.stderr.write(f"{len(pictures)} frames in {PICTURE}\n")


if __name__ == "__main__":
    main()
