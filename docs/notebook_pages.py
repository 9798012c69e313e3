"""Writes the notebooks as pages of the site: their words, their code and what it gave when they were executed."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import nbformat


def write_notebooks(folder: Path, to: Path) -> None:
    """Write a page a notebook, and its pictures beside it, into a folder that is emptied first."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for path in sorted(folder.glob("*.ipynb")):
        (to / f"{path.stem}.md").write_text(_page(path, to), encoding="utf-8")


def _page(path: Path, to: Path) -> str:
    parts = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        parts += [_shown(output, to / f"{path.stem}-{number}.png") for output in cell.outputs]
    return "\n\n".join(parts) + f"\n\nTo run it yourself: `notebooks/{path.name}`.\n"


def _shown(output: Any, picture: Path) -> str:
    """Return an output as Markdown, in the richest form that it has."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "image/png" in data:
        picture.write_bytes(base64.b64decode(data["image/png"]))
        return f"![What the code above draws]({picture.name})"
    if "text/markdown" in data:
        return str(data["text/markdown"])
    if "text/html" in data:
        return f'<div class="shown">\n{data["text/html"]}\n</div>'
    return f"```text\n{str(data['text/plain']).rstrip()}\n```"
