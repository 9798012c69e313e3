"""Draws docs/pictures/house.svg from the import contract and the first line of each room's docstring."""

from __future__ import annotations

import ast
import html
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "house.svg"
ALT = "The rooms of Patron: each floor imports only from floors below it"
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1b2733; text-anchor: middle }
.n { font: 600 15px ui-monospace, monospace }
.r { stroke: #33506b; stroke-width: 1 }
"""
FLOOR, GAP, TOP, BOTTOM, MIDDLE = 44, 6, 520, 1080, 560


def floors() -> list[list[str]]:
    """Return the rooms of each floor, the topmost floor first, as the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [[room.strip() for room in layer.split("|")] for layer in contracts[0]["layers"]]


def says(room: str) -> str:
    """Return the first line of a room's docstring, without its full stop."""
    package = ROOT / "src" / "patron" / room / "__init__.py"
    source = package if package.exists() else package.parent.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0].rstrip(".") if docstring else ""


def draw() -> str:
    """Return the picture: a floor a row, each standing on all that it may import."""
    stack = floors()
    height = len(stack) * (FLOOR + GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * MIDDLE} {height}" role="img" aria-label="{ALT}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{2 * MIDDLE}" height="{height}" fill="#fff"/>',
    ]
    for number, rooms in enumerate(stack):
        width = TOP + (BOTTOM - TOP) * number / (len(stack) - 1)
        y = 12 + number * (FLOOR + GAP)
        each = (width - GAP * (len(rooms) - 1)) / len(rooms)
        fill = ["#dcebf7", "#e6f2ea", "#fdf1dc"][0 if number < 4 else 1 if number < 9 else 2]
        for place, room in enumerate(rooms):
            x = MIDDLE - width / 2 + place * (each + GAP)
            sentence = says(room)
            room_for = int(each / 6.4)
            if len(sentence) > room_for:
                sentence = sentence[: room_for - 1].rsplit(" ", 1)[0].rstrip(",;:") + " …"
            parts += [
                f'<rect class="r" x="{x:.1f}" y="{y}" width="{each:.1f}" height="{FLOOR}" rx="6" fill="{fill}"/>',
                f'<text class="n" x="{x + each / 2:.1f}" y="{y + 18}">{html.escape(room)}</text>',
                f'<text x="{x + each / 2:.1f}" y="{y + 36}">{html.escape(sentence)}</text>',
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(), encoding="utf-8")
