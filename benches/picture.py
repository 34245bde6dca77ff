"""Draws the figures as bars, as an SVG that needs nothing else."""

from __future__ import annotations

from html import escape

from peers import FLOOR, OURS
from section import Section

WIDTH, LEFT, GAP = 420, 128, 30
BAR, STEP, HEAD = 15, 20, 46
MARGIN = 16
# A bar much longer than ours is cut, or ours could not be seen.
LONGEST = 8.0
COLORS = {"ours": "#d9480f", "floor": "#868e96", "other": "#74a9d8"}


def color(name: str) -> str:
    """Ours is to be found at once."""
    return COLORS["ours" if name.startswith(OURS) else "floor" if name == FLOOR else "other"]


def text(x: float, y: float, content: str, size: int = 12, **attributes: str) -> str:
    """One line."""
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}"{more}>{escape(content)}</text>'


def panel(section: Section, x: float, y: float) -> list[str]:
    """Bars of one section."""
    ours = next((value for name, value in section.bars.items() if name.startswith(OURS)), max(section.bars.values()))
    full = max(section.bars.values())
    if not section.more_is_better:
        full = min(full, ours * LONGEST)
    better = "more is better" if section.more_is_better else "less is better"
    parts = [
        text(x, y + 14, section.title, 14, font_weight="bold"),
        text(x, y + 32, f"{section.unit}, {better}", 11, fill="#495057"),
    ]
    room = WIDTH - LEFT - 52
    for row, (name, value) in enumerate(section.bars.items()):
        top = y + HEAD + row * STEP
        length = max(room * min(value / full, 1.0), 1.0)
        weight = "bold" if name.startswith(OURS) else "normal"
        parts.append(text(x + LEFT - 6, top + 12, name.replace(OURS, "liboss"), 11, text_anchor="end", font_weight=weight))
        parts.append(f'<rect x="{x + LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{color(name)}"/>')
        if value > full:
            end = x + LEFT + length
            parts.append(f'<path d="M{end - 14:.1f} {top + BAR} l5 -{BAR} h4 l-5 {BAR} z" fill="#fff"/>')
        number = f"{value:.2f}" if value < 10 else f"{value:.0f}"
        parts.append(text(x + LEFT + length + 5, top + 12, number, 11, font_weight=weight))
    return parts


def draw(sections: list[Section], where: str) -> str:
    """All sections that have bars, in two columns."""
    columns = [MARGIN, MARGIN + WIDTH + GAP]
    bottoms = [MARGIN, MARGIN]
    body = []
    for section in (section for section in sections if section.bars):
        column = bottoms.index(min(bottoms))
        body += panel(section, columns[column], bottoms[column])
        bottoms[column] += HEAD + len(section.bars) * STEP + GAP
    width, height = columns[-1] + WIDTH + MARGIN, max(bottoms) + MARGIN
    body.append(text(MARGIN, height - MARGIN, where, 11, fill="#495057"))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="Helvetica, Arial, sans-serif" fill="#212529">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *body,
        "</svg>\n",
    ])  # fmt: skip
