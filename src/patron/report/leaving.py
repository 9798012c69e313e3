"""Who is leaving, and what they are worth: the churn bands, and the map of risk by value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from patron import plots
from patron.plots.style import short
from patron.report import numbers
from patron.report.acting import LISTED
from patron.report.chart import Chart, Square, heat
from patron.report.content import ReportContent
from patron.report.picture import picture

RISKS: Final = tuple(k / 10 for k in range(10))
"""Where the columns of the map begin."""
FINEST: Final = 1000
"""The lowest row of the map takes all whose value is below a thousandth of the highest."""


def bands(content: ReportContent, customers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Return, a row a churn band, how many are in it and what they are worth; the riskiest first."""
    upper = 1.0
    for name, lower in [*content.bands.items(), ("low", 0.0)]:
        inside = customers[customers["churn_band"] == name]
        yield {
            "name": name,
            "from": lower,
            "to": upper,
            "customers": len(inside),
            "share": len(inside) / len(customers),
            "risk": inside["churn_probability"].mean(),
            "revenue": inside["expected_revenue"].sum(),
            "clv": inside["clv"].sum() if "clv" in inside else None,
            "at_stake": inside["at_stake"].sum(),
        }
        upper = lower


def concentration(customers: pd.DataFrame) -> dict[str, str]:
    """Draw how few customers hold how much of the value."""
    return picture(
        plots.plot_value_concentration(customers["expected_revenue"].clip(lower=0)),
        "Curve of the share of expected revenue held by the most valuable customers; its marks give the figures.",
        "The further the curve bends from the diagonal, the fewer customers hold the value.",
    )


def steps(values: pd.Series) -> list[float]:
    """Return where the rows of the map begin: 0, then 1, 2, 5, 10, 20, ... as far as the values reach.

    Examples
    --------
    >>> steps(pd.Series([0.1, 30.0, 240.0]))
    [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]
    >>> steps(pd.Series([0.0]))
    [0.0]
    """
    highest = values.max()
    if highest <= 0:
        return [0.0]
    lowest = max(values[values > 0].min(), highest / FINEST)
    powers = range(int(np.floor(np.log10(lowest))), int(np.floor(np.log10(highest))) + 1)
    series = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    first = max(bisect_right(series, lowest), 1)
    return [0.0, *(one for one in series[first:] if one <= highest)]


def cells(customers: pd.DataFrame, rows: list[float]) -> pd.Series:
    """Return each customer's cell of the map, 'column-row' from the lower left; `rows` is where the rows begin."""
    column = np.searchsorted(RISKS, customers["churn_probability"], side="right") - 1
    row = np.maximum(np.searchsorted(rows, customers["expected_revenue"], side="right") - 1, 0)
    return pd.Series(column, customers.index).astype(str) + "-" + pd.Series(row, customers.index).astype(str)


def risk_map(content: ReportContent, customers: pd.DataFrame, rows: list[float]) -> Chart:
    """Draw how many customers share a risk and a value; they carry their `cell` of these rows, most at stake first."""
    risks = [f"{round(100 * low)}-{round(100 * low + 10)}" for low in RISKS]
    worth = [
        f"{short(low)} to {short(high)}" if high is not None else f"from {short(low)}"
        for low, high in zip(rows, [*rows[1:], None], strict=True)
    ]
    squares = {}
    for cell, inside in customers.groupby("cell"):
        column, row = map(int, str(cell).split("-"))
        squares[len(rows) - 1 - row, column] = Square(
            len(inside),
            numbers.count(len(inside)),
            f"Risk {risks[column]}{numbers.SPACE}%, expected revenue {worth[row]}: "
            f"{numbers.count(len(inside))} customer{'s' if len(inside) > 1 else ''}, "
            f"{numbers.total(inside['expected_revenue'].sum(), content.currency)} expected; "
            f"{numbers.count((inside.index < LISTED).sum())} listed below",
            f"cell:{cell}",
        )
    return heat(
        "risk-map",
        "Where risk meets value",
        f"Map of {numbers.count(len(customers))} customers by churn probability and expected revenue; "
        "the table below gives the counts.",
        "Customers in each cell; those at the upper right are worth much and likely to leave. "
        "Choose a cell to list its customers.",
        dict(sorted(squares.items())),
        (
            f"churn probability over {content.churn_horizon} (%)",
            risks,
            f"Expected revenue over {content.value_horizon} ({content.currency})",
            worth[::-1],
        ),
        log=True,
    )
