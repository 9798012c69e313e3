"""How things show themselves in a notebook: plain HTML in the page's own colours, every value escaped."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from html import escape

Cell = str | float | None | tuple[float, float, float]
"""Text stands left, numbers right; three numbers are an estimate and its interval."""


def page(title: str, facts: Iterable[str] = (), tables: Iterable[str] = (), notes: Iterable[str] = ()) -> str:
    """Return a title with facts beside it, what `table` made, and a line for each note that is not empty."""
    told = escape(" · ".join(facts))
    head = f"<p><strong>{escape(title)}</strong> {told}".rstrip() + "</p>"
    said = "<br>".join(escape(note) for note in notes if note)
    return "\n".join([head, *tables, *([f"<p>{said}</p>"] if said else [])])


def table(
    head: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str = "", strong: Collection[tuple[int, int]] = ()
) -> str:
    """Return a table, without colours: it takes the theme's.

    Parameters
    ----------
    head : sequence of str
        The columns.
    rows : iterable of sequences
        Of cells: see `Cell`.
    caption : str
        What it is, above it.
    strong : collection of (row, column)
        Cells that stand out, counted from 0.

    Examples
    --------
    >>> print(table(["who", "paid"], [["<Ann>", 1234.5]], strong={(0, 1)}))
    <table>
    <tr><th style="text-align:left">who</th><th style="text-align:right">paid</th></tr>
    <tr><td style="text-align:left">&lt;Ann&gt;</td><td style="text-align:right"><strong>1,234</strong></td></tr>
    </table>
    """
    cells = [list(row) for row in rows]
    left = [any(isinstance(row[column], str) for row in cells) for column in range(len(head))]
    lines = ["<table>", *([f"<caption>{escape(caption)}</caption>"] if caption else [])]
    lines.append("<tr>" + "".join(_cell("th", [name], side) for name, side in zip(head, left, strict=True)) + "</tr>")
    for i, row in enumerate(cells):
        told = (_cell("td", _lines(value), left[j], strong=(i, j) in strong) for j, value in enumerate(row))
        lines.append("<tr>" + "".join(told) + "</tr>")
    return "\n".join([*lines, "</table>"])


def number(value: float, digits: int = 4) -> str:
    """Write a number as it is read: thousands apart, nothing after the point beyond a thousand; '' where there is none.

    Examples
    --------
    >>> [number(value) for value in (2357, -9582.43, 0.24259, 1e-7, float("nan"), float("inf"))]
    ['2,357', '-9,582', '0.2426', '1.000e-07', '', 'infinite']
    """
    if not math.isfinite(value):
        return "" if math.isnan(value) else "infinite" if value > 0 else "-infinite"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#,.{digits}g}".rstrip(".")


def _lines(value: Cell) -> list[str]:
    """Return what stands in a cell: a line, and another for its interval."""
    if isinstance(value, tuple):
        estimate, low, high = (number(float(one), 3) for one in value)
        return [estimate, f"({low} to {high})"] if low else [estimate]
    return [value if isinstance(value, str) else "" if value is None else number(value)]


def _cell(tag: str, lines: Sequence[str], left: bool, *, strong: bool = False) -> str:
    first, *rest = (escape(line) for line in lines)
    told = (f"<strong>{first}</strong>" if strong else first) + "".join(f"<br><small>{line}</small>" for line in rest)
    style = f"text-align:{'left' if left else 'right'}{';white-space:nowrap' if rest else ''}"
    return f'<{tag} style="{style}">{told}</{tag}>'
