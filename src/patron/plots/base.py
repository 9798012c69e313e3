"""The customer base at a glance: who holds the value, and where value meets risk."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from patron._core.errors import DataError
from patron.metrics.arrays import FloatArray
from patron.plots import style
from patron.plots.arrays import column, need

BANDS: Mapping[str, float] = {"high": 0.6, "medium": 0.3}
"""The churn bands of a configuration that names none."""


def concentration(values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Share of customers, most valuable first, and the share of all value they hold.

    Raises
    ------
    DataError
        A negative value: shares of the total would pass 100 %.

    Examples
    --------
    >>> customers, held = concentration([1.0, 3.0])
    >>> customers.tolist(), held.tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.75, 1.0])
    """
    worth = column(values, "values")
    if (worth < 0).any():
        raise DataError(
            "a value below zero has no share of the total",
            column="values",
            count=int((worth < 0).sum()),
            example=float(worth.min()),
            fix="floor the values at zero first",
        )
    ordered = np.sort(worth)[::-1]
    total = ordered.sum()
    held = np.cumsum(ordered) / total if total > 0 else np.zeros(worth.size)
    return np.arange(worth.size + 1) / worth.size, np.concatenate([[0.0], held])


def plot_value_concentration(values: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw which share of the expected value the top x % of customers hold.

    Parameters
    ----------
    values : array of float
        Expected value of each customer, none below zero.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Negative values, values that are not finite, nothing to draw.

    Examples
    --------
    >>> plot_value_concentration([5.0, 3.0, 1.0]).get_ylabel()
    'share of expected value they hold'
    """
    customers, held = concentration(values)
    ax = style.canvas(ax)
    style.dress(
        ax, title="Who holds the value?", x="customers, most valuable first", y="share of expected value they hold"
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.percent_ticks(axis)
    ax.set(xlim=(0, 1), ylim=(0, 1.03))
    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--", label="all worth the same")
    if held[-1] == 0:
        style.say(ax, "no value is expected of anybody")
        return ax
    ax.plot(customers, held, color=style.BLUE, linewidth=2, label="expected value")
    for share in (0.1, 0.2, 0.5):
        y = float(np.interp(share, customers, held))
        ax.plot([share], [y], "o", color=style.VERMILLION, markersize=5)
        ax.annotate(
            f"top {style.percent(share)}: {style.percent(y)}",
            (share, y),
            xytext=(8, -3),
            textcoords="offset points",
            va="top",
            fontsize=style.SMALL,
            color=style.VERMILLION,
        )
    style.legend(ax, "lower right")
    return ax


def plot_risk_by_value(
    scores: pd.DataFrame,
    ax: Axes | None = None,
    *,
    value: str = "expected_revenue",
    bands: Mapping[str, float] = BANDS,
    currency: str | None = None,
) -> Axes:
    """Draw how many customers stand where on churn probability and expected value.

    Parameters
    ----------
    scores : pandas.DataFrame
        One row a customer: `churn_probability` and the column `value`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    value : str
        The column of expected value; drawn on a logarithmic axis, its smallest values gathered in the lowest row.
    bands : mapping of str to float
        Name of each churn band and the lowest probability in it, from high to low; what lies below is 'low'.
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
    >>> scores = pd.DataFrame({"churn_probability": [0.2, 0.7], "expected_revenue": [90.0, 4.0]})
    >>> plot_risk_by_value(scores, currency="USD").get_ylabel()
    'expected revenue per customer (USD)'
    """
    need(scores, ("churn_probability", value), "the score table")
    risk = column(scores["churn_probability"], "churn_probability")
    worth = column(scores[value], value)
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="Where do risk and value meet?",
        x="churn probability",
        y=style.in_currency(f"{value.replace('_', ' ')} per customer", currency),
        room=22,
    )
    ax.grid(visible=False)
    style.percent_ticks(ax.xaxis)
    names, cuts = zip(("low", 0.0), *sorted(bands.items(), key=itemgetter(1)), strict=True)
    held = np.bincount(np.searchsorted(cuts, risk, side="right") - 1, minlength=len(cuts))
    told = (f"{name} {count:,}" for name, count in zip(names, held, strict=True))
    ax.text(0, 1.02, "  |  ".join(told), transform=ax.transAxes, va="bottom", fontsize=style.SMALL, color=style.MUTED)
    for cut in cuts[1:]:
        ax.axvline(cut, color=style.INK, linewidth=0.8, linestyle=":")
    ax.set_xlim(0, 1)
    if not (worth > 0).any():
        style.say(ax, "no value is expected of anybody")
        return ax
    floor = float(np.quantile(worth[worth > 0], 0.005)) / 1.1
    top = float(worth.max()) * 1.1
    rows = np.geomspace(floor, top, 31)
    count, x_edges, y_edges = np.histogram2d(risk, np.clip(worth, floor, top), bins=[np.linspace(0, 1, 41), rows])
    mesh = ax.pcolormesh(
        x_edges,
        y_edges,
        np.where(count > 0, count, np.nan).T,
        cmap=style.HEAT,
        norm=LogNorm(vmin=0.5, vmax=max(count.max(), 2)),
    )
    ax.set_yscale("log")
    ax.set_ylim(floor, top)
    style.log_ticks(ax.yaxis, floor, top)
    bar = style.colour_bar(ax, mesh, "customers in a cell")
    style.log_ticks(bar.ax.yaxis, *mesh.get_clim())
    return ax
