"""Tables of claims: each line says what is claimed, what this code finds and by how much they may differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
FAILS = "**fails**"


class DisagreementError(AssertionError):
    """What this code finds is not what is claimed: the page is not written."""


class Figure(NamedTuple):
    """Numbers that somebody printed, and the same ones found here.

    Attributes
    ----------
    what : str
        What they are of.
    published : str
        As printed, with commas between them.
    found : float or sequence of float
        As many.
    within : float
        Relative difference that is allowed; 0 asks for every digit that was printed.
    """

    what: str
    published: str
    found: float | Sequence[float]
    within: float = 0.0


class Section(NamedTuple):
    """A table of one source."""

    title: str
    source: str
    figures: Iterable[Figure]


def sections(words: str, parts: Iterable[Section]) -> str:
    """Return a page of tables, or raise `DisagreementError` with every figure that is not met."""
    lines = [words]
    for part in parts:
        lines += ["", f"## {part.title}", "", part.source, ""]
        lines += table(["", "published", "Patron", "held to", "verdict"], map(_row, part.figures))
    return checked(lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    return [_line(head), "|" + "---|" * len(head), *map(_line, rows)]


def checked(lines: Sequence[str]) -> str:
    """Return the page, or raise `DisagreementError` with the lines that fail."""
    wrong = [line for line in lines if FAILS in line]
    if wrong:
        raise DisagreementError("\n".join(wrong))
    return "\n".join(lines) + "\n"


def verdict(right: bool) -> str:
    """Return what a line says in its last column."""
    return "holds" if right else FAILS


def short(number: float, digits: int) -> str:
    """Write a number with so many decimals, without the 0 before the point."""
    return re.sub(r"^(-?)0\.", r"\1.", f"{round(number, digits) + 0.0:.{digits}f}")


def agrees(published: str, found: float, within: float = 0.0) -> bool:
    """Tell whether a number is the one that was printed."""
    printed = Decimal(published)
    digit = 10.0 ** float(printed.as_tuple().exponent)
    return bool(abs(found - float(printed)) <= max(within * abs(float(printed)), 0.5 * digit * (1 + 1e-9)))


def _row(figure: Figure) -> list[str]:
    printed, found = figure.published.split(", "), np.atleast_1d(figure.found)
    pairs = list(zip(printed, found, strict=True))
    told = ", ".join(_like(number, value) for number, value in pairs)
    held = f"{100 * figure.within:g} %".removeprefix("0") if figure.within else "every digit"
    right = all(agrees(number, value, figure.within) for number, value in pairs)
    return [figure.what, figure.published, told, held, verdict(right)]


def _like(published: str, found: float) -> str:
    """Write a number as another one is, with one more digit."""
    printed = Decimal(published).as_tuple()
    if "e" in published:
        return f"{found:.{len(printed.digits)}e}"
    return f"{found:.0f}" if printed.exponent == 0 else short(found, 1 - int(printed.exponent))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
