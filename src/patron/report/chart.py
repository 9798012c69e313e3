"""A chart on the page: what the script draws, what it shows in words, and the same figures as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import pandas as pd

from patron.report import numbers

Shape = Literal["line", "bar"]

KEPT: Final = 6
"""Significant digits of the numbers the script draws."""


class Cell(NamedTuple):
    """A cell of a chart's table; `pick` is what choosing it filters the customers by: 'cell:3-5'."""

    text: str
    pick: str = ""


@dataclass(frozen=True)
class Chart:
    """What the template and the script need of a chart.

    Attributes
    ----------
    name : str
        Of its element, unique on the page.
    title, alt, caption : str
        Above it, instead of it, below it.
    drawn : dict
        What the script draws; see page.js.
    head : list of str
        The header of the table.
    rows : list of tuple
        A row's name and its cells.
    """

    name: str
    title: str
    alt: str
    caption: str
    drawn: dict[str, Any]
    head: list[str]
    rows: list[tuple[str, list[Cell]]]

    @property
    def width(self) -> int:
        """Columns of a heatmap, which needs room for each; 0 for any other chart."""
        return len(self.drawn["x"]) if "cells" in self.drawn else 0


def over_time(
    name: str, title: str, caption: str, table: pd.DataFrame, shown: Mapping[str, tuple[str, Shape]], unit: str
) -> Chart:
    """Draw columns of a table over its periods.

    Parameters
    ----------
    name, title, caption : str
        As in `Chart`.
    table : pandas.DataFrame
        One row a period, labelled by its first day.
    shown : mapping of str to (str, {'line', 'bar'})
        Column: its name on the page and its shape; bars stand on one another, those below zero hang.
    unit : str
        '%' for shares, the ISO 4217 code of a currency, or what is counted.

    Examples
    --------
    >>> table = pd.DataFrame({"retention": [0.5, 0.25]}, index=["1997-01-01", "1997-02-01"])
    >>> chart = over_time("kept", "Retention", "", table, {"retention": ("retention", "line")}, "%")
    >>> chart.drawn["x"], chart.drawn["series"][0]["values"], chart.alt.replace(numbers.SPACE, " ")
    (['1997-01', '1997-02'], [50.0, 25.0], 'Retention: retention 50.0 % in 1997-01, 25.0 % in 1997-02.')
    """
    periods = labels(table.index)
    told = [
        f"{label} {_write(table[column].iloc[0], unit)} in {periods[0]}, "
        f"{_write(table[column].iloc[-1], unit)} in {periods[-1]}"
        for column, (label, _) in shown.items()
    ]
    series = [
        {"name": label, "shape": shape, "values": [_drawn(value, unit) for value in table[column]]}
        for column, (label, shape) in shown.items()
    ]
    return Chart(
        name,
        title,
        f"{title}: {'; '.join(told)}.",
        caption,
        {"name": name, "x": periods, "series": series, "unit": unit},
        ["Period", *(f"{label[:1].upper()}{label[1:]}" for label, _ in shown.values())],
        [(period, [Cell(_write(table[column].iloc[k], unit)) for column in shown]) for k, period in enumerate(periods)],
    )


class Square(NamedTuple):
    """A square of a heatmap: what its darkness goes by, the letters inside it, what it says, what choosing it picks."""

    value: float
    label: str
    words: str
    pick: str = ""


def heat(
    name: str,
    title: str,
    alt: str,
    caption: str,
    squares: Mapping[tuple[int, int], Square],
    axes: tuple[str, list[str], str, list[str]],
    *,
    log: bool = False,
) -> Chart:
    """Draw a grid of squares, the darker the more.

    Parameters
    ----------
    name, title, alt, caption : str
        As in `Chart`.
    squares : mapping of (int, int) to Square
        By row, from the top, and column; those left out are empty.
    axes : (str, list of str, str, list of str)
        What the columns are and their labels; the same of the rows.
    log : bool
        Whether darkness goes by the logarithm of the value.

    Examples
    --------
    >>> chart = heat("one", "", "", "", {(0, 1): Square(3, "3", "three")}, ("hour", ["1", "2"], "day", ["Monday"]))
    >>> chart.rows, chart.drawn["cells"], chart.width
    ([('Monday', [Cell(text='', pick=''), Cell(text='3', pick='')])], [[1, 0, 3.0, '3', 'three', '']], 2)
    """
    across, columns, down, rows = axes
    shown = {place: math.log10(one.value) if log else one.value for place, one in squares.items()}
    nothing = Square(math.nan, "", "")
    return Chart(
        name,
        title,
        alt,
        caption,
        {
            "name": name,
            "x": columns,
            "y": rows,
            "axes": [across, down],
            "cells": [
                [column, row, float(f"{shown[row, column]:.{KEPT}g}"), one.label, one.words, one.pick]
                for (row, column), one in squares.items()
            ],
        },
        [down, *columns],
        [
            (
                label,
                [Cell(one.label, one.pick) for one in (squares.get((row, k), nothing) for k in range(len(columns)))],
            )
            for row, label in enumerate(rows)
        ],
    )


def labels(days: pd.Index) -> list[str]:
    """Write the first days of periods as short as they can be told apart: 1997, 1997-02 or 1997-02-03.

    Examples
    --------
    >>> labels(pd.Index(["1997-01-01", "1997-02-01"])), labels(pd.Index(["1997-01-06"]))
    (['1997-01', '1997-02'], ['1997-01-06'])
    """
    stamps = pd.to_datetime(days)
    years = len(stamps) > 1 and bool((stamps.day_of_year == 1).all())
    form = "%Y" if years else "%Y-%m" if (stamps.day == 1).all() else "%Y-%m-%d"
    return [str(day) for day in stamps.strftime(form)]


def _write(value: float, unit: str) -> str:
    if unit == "%":
        return numbers.percent(value)
    return numbers.money(value, unit) if unit.isupper() else numbers.number(value)


def _drawn(value: float, unit: str) -> float | None:
    """Return a number as JSON has it: shares in per cent, what is missing as null."""
    number = float(value) * (100 if unit == "%" else 1)
    return float(f"{number:.{KEPT}g}") if math.isfinite(number) else None
