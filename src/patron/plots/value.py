"""Predicted spend and value: tenths of customers against what they spent, and intervals of what will come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from patron.metrics.arrays import Z95, Groups
from patron.plots import style
from patron.plots.arrays import amounts, column, need


def decile_values(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> pd.DataFrame:
    """Mean predicted and actual spend of the tenths of customers, lowest prediction first.

    They are the tenths of the metric `decile_wape`: customers with equal predictions are spread evenly over
    those they span.

    Parameters
    ----------
    actual, predicted : array of float
        Spend a customer over the same horizon, in the same currency, in the same order.

    Returns
    -------
    pandas.DataFrame
        Index `tenth`, 1 to 10: predicted, actual, reach (half the 95 % interval of the actual mean).

    Examples
    --------
    >>> decile_values([0.0, 4.0], [1.0, 3.0])["actual"].round(9).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    """
    happened, foretold = amounts(actual, predicted)
    groups = Groups.by(foretold)
    tenths = groups.tenths(np.ones(foretold.size))
    n = foretold.size / 10
    mean, square, prediction = (
        np.array([part @ groups.sums(values) for part in tenths]) / n for values in (happened, happened**2, foretold)
    )
    spread = np.sqrt(np.maximum(square - mean**2, 0) / max(n - 1, 1))
    return pd.DataFrame(
        {"predicted": prediction, "actual": mean, "reach": Z95 * spread},
        index=pd.RangeIndex(1, 11, name="tenth"),
    )


def plot_decile_values(
    actual: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None, *, currency: str | None = None
) -> Axes:
    """Draw mean predicted and actual spend for each tenth of customers, ordered by prediction.

    Parameters
    ----------
    actual, predicted : array of float
        Spend a customer over the same horizon, in the same currency, in the same order.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    currency : str, optional
        Written at the axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Different lengths, values that are not finite, nothing to draw.

    Examples
    --------
    >>> plot_decile_values([0.0, 4.0, 9.0], [1.0, 3.0, 8.0], currency="USD").get_ylabel()
    'mean spend per customer (USD)'
    """
    table = decile_values(actual, predicted)
    ax = style.canvas(ax)
    x = table.index.to_numpy()
    ax.bar(x - 0.2, table["predicted"], width=0.38, color=style.SKY, label="predicted")
    ax.bar(x + 0.2, table["actual"], width=0.38, color=style.BLUE, label="actual, 95\u202f% interval")
    ax.errorbar(x + 0.2, table["actual"], yerr=table["reach"], fmt="none", ecolor=style.INK, elinewidth=1, capsize=2)
    style.dress(
        ax,
        title="Does the predicted spend come?",
        x="tenths of customers, lowest prediction first",
        y=style.in_currency("mean spend per customer", currency),
    )
    ax.grid(visible=False, axis="x")
    ax.set_xticks(x)
    if (table >= 0).all(axis=None):
        ax.set_ylim(bottom=0)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "upper left")
    return ax


def plot_value_interval(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    actual: pd.Series | None = None,
    level: float = 0.9,
    top: int = 20,
    currency: str | None = None,
) -> Axes:
    """Draw expected values with the interval of each: of the customers worth most, or of groups.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``CustomerValue.interval``: expected, low, high. More rows than `top`, and rows of an index called
        customer_id, are customers, drawn by rank; others are groups, drawn by name.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    actual : pandas.Series, optional
        What came, aligned by the index.
    level : float
        The share of intervals that hold, as asked for when they were made.
    top : int
        How many customers.
    currency : str, optional
        Written at the axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, a value is not finite, nothing to draw.

    Examples
    --------
    >>> table = pd.DataFrame({"expected": [9.0, 4.0], "low": [6.0, 2.0], "high": [12.0, 6.0]}, index=["EU", "US"])
    >>> plot_value_interval(table, currency="EUR").get_ylabel()
    'value (EUR)'
    """
    need(table, ("expected", "low", "high"), "the intervals")
    ranked = len(table) > top or table.index.name == "customer_id"
    rows = table.sort_values("expected", ascending=False, kind="stable").head(top) if ranked else table
    expected, low, high = (column(rows[name], name) for name in ("expected", "low", "high"))
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="What are they worth, give or take?",
        x="customers, most valuable first" if ranked else "group" if rows.index.name is None else str(rows.index.name),
        y=style.in_currency("value", currency),
        room=24,
    )
    ax.grid(visible=False, axis="x")
    place = np.arange(1, len(rows) + 1)
    label = f"expected, {style.percent(level)} interval"
    ax.vlines(place, low, high, color=style.BLUE, linewidth=1.6)
    ax.plot(place, expected, color=style.BLUE, marker="o", markersize=5, linestyle="none", label=label)
    if actual is not None:
        came = actual.reindex(rows.index).to_numpy(dtype=float)
        ax.plot(place, came, color=style.VERMILLION, marker="x", markersize=6, linestyle="none", label="what came")
    if ranked:
        style.counted(ax.xaxis)
        ax.set_xlim(0, len(rows) + 1)
    else:
        ax.set_xticks(
            place, rows.index.astype(str), rotation=45 if rows.index.astype(str).str.len().max() * len(rows) > 40 else 0
        )
    if (low >= 0).all():
        ax.set_ylim(bottom=0)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "lower left", columns=2, above=True)
    return ax
