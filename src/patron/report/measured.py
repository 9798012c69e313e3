"""KPIs over time, and by cohort: what `patron.kpis` measured, drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from patron.plots.arrays import need
from patron.plots.style import short
from patron.report import numbers
from patron.report.chart import Chart, Shape, Square, heat, labels, over_time
from patron.report.content import ReportContent

PERIODS: Final = 60
"""The last periods that the page draws."""
COHORTS: Final = 36
"""The last cohorts, and the first periods of each, that the page draws."""
MONEY: Final = "money"


class _Drawn(NamedTuple):
    table: str
    title: str
    unit: str
    columns: Mapping[str, tuple[str, Shape]]
    caption: str


CHARTS: Final = (
    _Drawn(
        "activity",
        "Active customers",
        "customers",
        {
            "end": ("active", "line"),
            "new": ("new", "bar"),
            "reactivated": ("reactivated", "bar"),
            "lost": ("lost", "bar"),
        },
        "Active when the period ended. New: first purchase ever. Reactivated: back after silence. "
        "Lost, below zero: no longer active.",
    ),
    _Drawn(
        "activity",
        "Retention",
        "%",
        {"retention": ("retention", "line")},
        "Of those active when the period began, the share still active when it ended.",
    ),
    _Drawn("sales", "Revenue", MONEY, {"revenue": ("revenue", "bar")}, "Net of refunds."),
    _Drawn(
        "sales",
        "Orders and buyers",
        "a period",
        {"orders": ("orders", "line"), "customers": ("customers who bought", "line")},
        "Where the lines part, each buyer orders more often.",
    ),
    _Drawn(
        "sales",
        "Average order value",
        MONEY,
        {"average_order_value": ("average order value", "line")},
        "Revenue over orders.",
    ),
    _Drawn(
        "sales",
        "Buyers who return",
        "%",
        {"repeat_rate": ("share of buyers", "line")},
        "Of those who bought in the period, the share who had bought before it.",
    ),
    _Drawn("recurring", "Monthly recurring revenue", MONEY, {"mrr": ("recurring revenue", "bar")}, "Of subscriptions."),
    _Drawn(
        "nps", "Net promoter score", "points", {"nps": ("score", "line")}, "Promoters less detractors, -100 to 100."
    ),
    _Drawn("csat", "Satisfaction", "%", {"csat": ("satisfied", "line")}, "Share of answers that are content."),
)


def measured(content: ReportContent) -> list[Chart]:
    """Return the charts of the tables that are there; those over time first, then the cohorts."""
    return [*_over_time(content), *_by_cohort(content)]


def _over_time(content: ReportContent) -> Iterator[Chart]:
    for place, chart in enumerate(CHARTS):
        table = content.kpis.get(chart.table)
        if table is None or table.empty:
            continue
        need(table, tuple(chart.columns), f"the KPI table {chart.table}")
        recent = table.tail(PERIODS)
        if "lost" in chart.columns:
            recent = recent.assign(lost=-recent["lost"])
        unit = content.currency if chart.unit == MONEY else chart.unit
        yield over_time(f"kpi-{place + 1}", chart.title, chart.caption, recent, chart.columns, unit)


def _by_cohort(content: ReportContent) -> Iterator[Chart]:
    counts, revenue = (_recent(content.kpis.get(name)) for name in ("cohorts", "cohort_revenue"))
    if counts is not None:
        first = counts.iloc[:, 0]
        shares = counts.div(first.where(first > 0), axis=0)
        yield _cohorts(
            "cohort-share",
            "Who still buys, by cohort (%)",
            shares,
            lambda share: f"{100 * share:.0f}",
            numbers.percent,
            "Each row: the customers who first bought in that period, and the share of them who bought so much later.",
        )
    if revenue is not None:
        yield _cohorts(
            "cohort-revenue",
            f"Revenue by cohort ({content.currency})",
            revenue,
            lambda amount: short(float(f"{amount:.3g}")),
            lambda amount: numbers.total(amount, content.currency),
            "Each row: what the customers who first bought in that period spent so much later.",
        )


def _cohorts(
    name: str,
    title: str,
    table: pd.DataFrame,
    label: Callable[[float], str],
    words: Callable[[float], str],
    caption: str,
) -> Chart:
    """Draw a table of cohorts by the periods since the first purchase; open cells stay empty."""
    rows, columns = labels(table.index), [str(column) for column in table.columns]
    later = float(table.iloc[:, 1:].max().max())
    squares = {
        (row, column): Square(
            min(value, later) if later > 0 else value,  # the first period would leave all others pale
            label(value),
            f"{rows[row]}, {columns[column]} later: {words(value)}",
        )
        for (row, column), value in np.ndenumerate(table.to_numpy(dtype="float64"))
        if math.isfinite(value)
    }
    return heat(
        name,
        title,
        f"{title}: {len(rows)} cohorts from {rows[0]} to {rows[-1]}, by periods since the first purchase.",
        caption,
        squares,
        ("periods since the first purchase", columns, "first purchase", rows),
    )


def _recent(table: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if table is None or table.empty else table.iloc[-COHORTS:, :COHORTS]
