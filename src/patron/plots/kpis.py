"""Key figures over time: the active base, sales, and what became of each cohort; drawn from the tables of the KPIs."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from patron._core.errors import DataError
from patron.metrics.arrays import FloatArray
from patron.plots import style
from patron.plots.arrays import need

_SHARES: Final = {
    "retention": "active customers who stayed active",
    "retention_net": "active customers at the end, without new ones, over those at the start",
    "churn_rate": "active customers who fell silent",
    "repeat_rate": "buyers who had bought before",
    "top_10_share": "revenue from the top tenth of buyers",
}
_MONEY: Final = {
    "revenue": "revenue",
    "average_order_value": "revenue per order",
    "revenue_per_customer": "revenue per buyer",
}
_COUNTS: Final = {
    "start": "active customers at the start",
    "new": "new customers",
    "kept": "customers kept",
    "lost": "customers lost",
    "reactivated": "customers reactivated",
    "end": "active customers",
    "orders": "orders",
    "customers": "buyers",
    "purchase_frequency": "orders per buyer",
}
_TITLES: Final = {**_SHARES, **_MONEY, **_COUNTS}
_COHORTS: Final = {
    "share": "share that bought",
    "customers": "customers who bought",
    "revenue": "revenue",
    "revenue_per_customer": "revenue per customer acquired",
}
CohortMeasure = Literal["share", "customers", "revenue", "revenue_per_customer"]
_LETTER: Final = 4.4
"""Points that a digit of a cell takes."""


def plot_activity(table: pd.DataFrame, ax: Axes | None = None, *, measure: str | None = None) -> Axes:
    """Draw how the active base came about: whom it kept, won back and won, and below zero whom it lost.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.kpis.activity``: one row a period; in groups only with a `measure`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    measure : str, optional
        One column over time instead, like retention or churn_rate; a line a group.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, there is no period, or there are groups and no `measure`.

    Examples
    --------
    >>> table = pd.DataFrame({"start": [0, 8], "new": [8, 2], "kept": [0, 5], "lost": [0, 3], "reactivated": [0, 1],
    ...     "end": [8, 8]}, index=pd.DatetimeIndex(["1997-01-01", "1997-02-01"], name="period"))
    >>> plot_activity(table).get_ylabel()
    'active customers at the end of the month'
    """
    if measure is not None:
        return _over_time(table, measure, ax, None)
    need(table, ("kept", "reactivated", "end", "lost"), "the table of activity")
    periods = _periods(table)
    if table.index.nlevels > 1:
        raise DataError("a table in groups", fix="draw one group, or give the measure to compare")
    kept, back = table["kept"].to_numpy(float), table["reactivated"].to_numpy(float)
    won = table["end"].to_numpy(float) - kept - back
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="Does the active base grow?",
        x=_each(periods),
        y=f"active customers at the end of the {_each(periods)}",
    )
    ax.grid(visible=False, axis="x")
    place = np.arange(len(table))
    parts: tuple[tuple[FloatArray, FloatArray, str, dict[str, Any]], ...] = (
        (kept, 0 * kept, "kept", {"color": style.BLUE}),
        (back, kept, "reactivated", {"color": style.SKY, "hatch": "///"}),
        (won, kept + back, "new", {"color": style.ORANGE, "hatch": "..."}),
        (-table["lost"].to_numpy(float), 0 * kept, "lost", {"color": style.VERMILLION, "hatch": "xxx"}),
    )
    for part, below, label, look in parts:
        ax.bar(place, part, bottom=below, width=0.8, label=label, edgecolor="white", linewidth=0.5, **look)
    ax.axhline(0, color=style.MUTED, linewidth=1)
    _periods_below(ax, periods)
    style.short_ticks(ax.yaxis)
    ax.margins(y=0.16)
    style.legend(ax, "upper left", columns=4)
    return ax


def plot_sales(
    table: pd.DataFrame, measure: str = "revenue", ax: Axes | None = None, *, currency: str | None = None
) -> Axes:
    """Draw one key figure of sales over time; a line a group.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.kpis.sales``: one row a period, or a period and group.
    measure : str
        Which column.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    currency : str, optional
        Written at the axis of money.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, there is no period, or more groups than can be told apart.

    Examples
    --------
    >>> table = pd.DataFrame({"revenue": [90.0, 70.0]},
    ...     index=pd.DatetimeIndex(["1997-01-01", "1997-02-01"], name="period"))
    >>> plot_sales(table, currency="USD").get_ylabel()
    'revenue (USD)'
    """
    return _over_time(table, measure, ax, currency)


def plot_cohorts(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    measure: CohortMeasure | None = None,
    currency: str | None = None,
) -> Axes:
    """Map what became of each cohort: one row a cohort, one column a period since its first purchases.

    The first period, in which everybody bought, stands in grey: it would outshine all others.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.kpis.cohorts``: indexed by the cohort's first day, columns 0, 1, 2, ...; what is still open is NaN.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    measure : {'share', 'customers', 'revenue', 'revenue_per_customer'}, optional
        What the table holds; by default what its attrs say, else the share.
    currency : str, optional
        Written at what is money; by default what the attrs say.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        No such measure, or nothing to draw.

    Examples
    --------
    >>> table = pd.DataFrame({0: [1.0, 1.0], 1: [0.4, float("nan")]},
    ...     index=pd.DatetimeIndex(["1997-01-01", "1997-02-01"], name="cohort"))
    >>> plot_cohorts(table).get_xlabel()
    'months since the first purchase'
    """
    measure = measure or table.attrs.get("measure", "share")
    if measure not in _COHORTS:
        raise DataError(f"no measure {measure!r} of cohorts", fix=f"one of {', '.join(_COHORTS)}")
    if table.empty:
        raise DataError("there is nothing to draw", fix="give at least one cohort")
    cohorts = pd.DatetimeIndex(table.index)
    values = table.to_numpy(float)
    later = values[:, 1:]
    label = _COHORTS[measure]
    if "revenue" in measure:
        label = style.in_currency(label, currency or table.attrs.get("unit"))
    ax = style.canvas(ax, height=float(np.clip(1.5 + 0.2 * len(table), 2.4, 6.0)))
    each = table.attrs.get("every") or _each(cohorts)
    style.dress(
        ax, title="What became of each cohort?", x=f"{each}s since the first purchase", y=f"first purchase in {each}"
    )
    ax.grid(visible=False)
    sides = np.arange(values.shape[1] + 1) - 0.5
    feet = np.arange(len(table) + 1) - 0.5
    ax.pcolormesh(sides[:2], feet, np.zeros((len(table), 1)), cmap="Greys", vmin=-0.2, vmax=1, edgecolor="white")
    most = 0.0
    if np.isfinite(later).any():
        most = float(min(np.nanmax(later), 2 * np.nanquantile(later, 0.98)))
        mesh = ax.pcolormesh(
            sides[1:], feet, later, cmap=style.HEAT, vmin=0, vmax=most or 1.0, edgecolor="white", linewidth=0.5
        )
        bar = style.colour_bar(ax, mesh, label, more=most < np.nanmax(later))
        (style.percent_ticks if measure == "share" else style.short_ticks)(bar.ax.yaxis)
    _write(ax, values, measure, most)
    ax.set_ylim(len(table) - 0.5, -0.5)
    shown = range(0, len(table), 1 + (len(table) - 1) // 20)
    ax.set_yticks(list(shown), [_named(cohorts[i], each) for i in shown])
    ax.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    return ax


def _write(ax: Axes, values: FloatArray, measure: str, most: float) -> None:
    """Write the numbers into the cells where these have room for them."""
    told = [["" if np.isnan(value) else _cell(value, measure) for value in row] for row in values]
    width, height = (72 * inches for inches in style.figure_of(ax).get_size_inches())
    longest = max(len(cell) for row in told for cell in row)
    if longest * _LETTER * values.shape[1] > 0.68 * width or 8 * len(values) > 0.75 * height:
        return
    for (row, column), value in np.ndenumerate(values):
        dark = column > 0 and value > 0.6 * most
        colour = "white" if dark else style.INK
        ax.text(column, row, told[row][column], ha="center", va="center", fontsize=7, color=colour)


def _cell(value: float, measure: str) -> str:
    if measure == "share":
        return f"{100 * value:.0f}"
    return f"{value:.2g}" if abs(value) < 10 else style.short(round(value))


def _over_time(table: pd.DataFrame, measure: str, ax: Axes | None, currency: str | None) -> Axes:
    need(table, (measure,), "the table")
    periods = _periods(table)
    label = _TITLES.get(measure, measure.replace("_", " "))
    label = (
        style.in_currency(label, currency)
        if measure in _MONEY
        else f"share of {label}"
        if measure in _SHARES
        else label
    )
    ax = style.canvas(ax)
    style.dress(ax, title=f"{measure.replace('_', ' ').capitalize()} by {_each(periods)}", x=_each(periods), y=label)
    ax.grid(visible=False, axis="x")
    values = table[measure].astype(float)
    lines = values.unstack() if table.index.nlevels > 1 else values.to_frame("")  # noqa: PD010  # of a Series
    lines.index = pd.DatetimeIndex(lines.index)
    often = 1 + len(periods) // 30
    for name, look in style.over_each_other(lines.columns).items():
        ax.plot(np.arange(len(periods)), lines[name].reindex(periods), markersize=4, markevery=often, **look)
    _periods_below(ax, periods)
    if measure in _SHARES:
        style.percent_ticks(ax.yaxis)
    else:
        style.short_ticks(ax.yaxis)
    if not (values < 0).any():
        ax.set_ylim(0, max(1.05 * ax.get_ylim()[1], 1e-9) if measure not in _SHARES else max(1.03, 1.05 * values.max()))
    if table.index.nlevels > 1:
        style.legend(ax, "best")
    return ax


def _periods(table: pd.DataFrame) -> pd.DatetimeIndex:
    if table.empty:
        raise DataError("there is nothing to draw", fix="give at least one period")
    return pd.DatetimeIndex(table.index.get_level_values(0).unique().sort_values())


def _each(periods: pd.DatetimeIndex) -> str:
    """Say how long the periods are, by their first days."""
    if len(periods) > 1:
        days = float(np.diff(periods.to_numpy()).min() / np.timedelta64(1, "D"))
        return next(
            name for longest, name in ((7, "week"), (31, "month"), (92, "quarter"), (np.inf, "year")) if days <= longest
        )
    return "period"


def _named(day: pd.Timestamp, each: str) -> str:
    return {"month": f"{day:%Y-%m}", "quarter": f"{day.year} Q{day.quarter}", "year": f"{day.year}"}.get(
        each, f"{day:%Y-%m-%d}"
    )


def _periods_below(ax: Axes, periods: pd.DatetimeIndex) -> None:
    each = _each(periods)
    shown = range(0, len(periods), 1 + (len(periods) - 1) // (4 if each == "week" else 6))
    ax.set_xticks(list(shown), [_named(periods[i], each) for i in shown])
    ax.margins(x=0.02)
