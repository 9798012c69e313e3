"""What moves a prediction, and for whom it is off: families that matter, one feature at a time, errors by group."""

from __future__ import annotations

import textwrap
from typing import Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.errors import DataError
from patron.features.catalogue import feature_named
from patron.metrics import METRICS
from patron.plots import style
from patron.plots.arrays import need
from patron.plots.backtest import MONEY

FAMILIES: Final = 8
_SMALLEST: Final = {"churn": 0.02, "value": 0.0}
"""No axis is shorter: what hardly moves shall look so."""
_HIGHEST: Final = 2.0
_WIDTH: Final = 44
_GROUPS: Final = {"cohort": "first purchase", "tenth": "tenths of customers, lowest predicted value first"}


def plot_importance(
    table: pd.DataFrame, metric: str, ax: Axes | None = None, *, currency: str | None = None, top: int = FAMILIES
) -> Axes:
    """Draw how much a metric worsens where groups of columns are shuffled, the most important first.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.evaluation.permutation_importance``: name, increase, spread; groups without an increase are left
        out.
    metric : str
        Name of the metric, as in ``patron.metrics.METRICS``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    currency : str, optional
        Written at the axis of a metric in money.
    top : int
        How many groups to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, or there is nothing to draw; no metric of that name.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["silence", "season"], "increase": [0.02, 0.001], "spread": [0.001, 0.001]})
    >>> plot_importance(table, "brier").get_xlabel()
    'worsening when shuffled: Brier score'
    """
    need(table, ("name", "increase", "spread"), "the table")
    about = next((metrics[metric] for metrics in METRICS.values() if metric in metrics), None)
    if about is None:
        raise DataError(f"no metric {metric!r}", fix="one of patron.metrics.METRICS")
    rows = _some(table.dropna(subset="increase")).head(top)
    ax = style.canvas(ax, height=max(2.4, 1.1 + 0.26 * len(rows)))
    label = f"worsening when shuffled: {about.label}"
    style.dress(ax, title="What does it lean on?", x=label, y="")
    if metric in MONEY:
        ax.set_xlabel(style.in_currency(label, currency))
    ax.grid(visible=False, axis="y")
    place = np.arange(len(rows))
    ax.barh(place, rows["increase"], height=0.62, color=style.SKY)
    ax.errorbar(rows["increase"], place, xerr=rows["spread"], fmt="none", ecolor=style.INK, elinewidth=1, capsize=2)
    ax.axvline(0, color=style.MUTED, linewidth=1)
    ax.set_yticks(place, rows["name"])
    ax.tick_params(axis="y", labelsize=style.TEXT, labelcolor=style.INK, length=0)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=5)
    return ax


def plot_partial_dependence(
    table: pd.DataFrame, task: Literal["churn", "value"], ax: Axes | None = None, *, currency: str | None = None
) -> Axes:
    """Draw the mean prediction of the same customers by the value of one feature, and how the middle 80 % move.

    The values stand side by side at equal distances, whatever lies between them; a missing one stands apart.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.evaluation.partial_dependence``: feature, value, prediction, low, high.
    task : {'churn', 'value'}
        What is predicted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    currency : str, optional
        Of what is predicted, and of the feature.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, there is nothing to draw, or more than one feature.

    Examples
    --------
    >>> table = pd.DataFrame({"feature": "gap_mean", "value": [7.0, 28.0], "prediction": [0.2, 0.4],
    ...                       "low": [0.1, 0.2], "high": [0.3, 0.7]})
    >>> plot_partial_dependence(table, "churn").get_xlabel()
    'usual days between purchases'
    """
    need(table, ("feature", "value", "prediction", "low", "high"), "the table")
    names = _some(table)["feature"].unique()
    if len(names) > 1:
        raise DataError("more than one feature", column="feature", example=str(names[1]), fix="draw one at a time")
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="How does it move the prediction?",
        x=textwrap.fill(_label(str(names[0]), currency), _WIDTH),
        y="predicted churn probability" if task == "churn" else style.in_currency("predicted spend", currency),
    )
    ax.grid(visible=False, axis="x")
    known = table["value"].notna().to_numpy()
    place = np.arange(len(table)) + 0.5 * ~known
    low, mean, high = (table[name].to_numpy(dtype=float) for name in ("low", "prediction", "high"))
    if known.any():
        ax.fill_between(
            place[known],
            low[known],
            high[known],
            color=style.SKY,
            alpha=0.35,
            linewidth=0,
            label="middle 80\u202f% of customers",
        )
        ax.plot(place[known], mean[known], color=style.BLUE, marker="o", markersize=4, linewidth=1.6, label="mean")
    if not known.all():
        ax.vlines(place[~known], low[~known], high[~known], color=style.VERMILLION, linewidth=1.2)
        ax.plot(place[~known], mean[~known], "D", color=style.VERMILLION, markersize=5, label="mean where missing")
    named = [style.short(value) if there else "none" for value, there in zip(table["value"], known, strict=True)]
    ax.set_xticks(place, named, rotation=45 if len(table) > 7 else 0)
    least = _SMALLEST[task]
    bottom, top = min(low.min(), mean.min()), max(high.max(), mean.max())
    slack = max(0.12 * (top - bottom), (least - (top - bottom)) / 2)
    ax.set_ylim(max(bottom - slack, 0), top + 2 * slack)
    ax.locator_params(axis="y", nbins=5)
    if task == "churn":
        style.percent_ticks(ax.yaxis, decimals=0 if top - bottom > 0.04 else 1)
    else:
        style.short_ticks(ax.yaxis)
    style.legend(ax, "best")
    return ax


def plot_errors(
    table: pd.DataFrame,
    by: Literal["cohort", "tenth"],
    task: Literal["churn", "value"],
    ax: Axes | None = None,
) -> Axes:
    """Draw by how much the total predicted of each group of customers is off, with its 95 % interval.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``patron.evaluation.errors``, of one as-of day: group, bias, low, high.
    by : {'cohort', 'tenth'}
        What the groups are: customers by the time of their first purchase, or tenths by predicted value.
    task : {'churn', 'value'}
        What was predicted.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, or there is nothing to draw.

    Examples
    --------
    >>> table = pd.DataFrame({"group": ["1997-01", "1997-02"], "bias": [1.1, 0.9], "low": [1.0, 0.8],
    ...                       "high": [1.2, 1.0]})
    >>> plot_errors(table, "cohort", "churn").get_ylabel()
    'predicted / actual number of leavers'
    """
    need(table, ("group", "bias", "low", "high"), "the table")
    rows = _some(table)
    ax = style.canvas(ax)
    what = "number of leavers" if task == "churn" else "spend"
    title = "Is it off for some cohorts?" if by == "cohort" else "Is it off for the most valuable?"
    style.dress(ax, title=title, x=_GROUPS[by], y=f"predicted / actual {what}")
    ax.grid(visible=False, axis="x")
    ax.axhline(1.0, color=style.MUTED, linewidth=1, linestyle="--")
    place = np.arange(len(rows))
    bias, low, high = (rows[name].to_numpy(dtype=float) for name in ("bias", "low", "high"))
    if np.isnan(bias).all():
        style.say(ax, "nothing came in this window")
    ax.errorbar(
        place,
        bias,
        yerr=np.nan_to_num([bias - low, high - bias]),
        color=style.BLUE,
        fmt="o",
        markersize=5,
        elinewidth=1.2,
        capsize=2.5,
    )
    ax.set_xticks(place, rows["group"].astype(str), rotation=0 if len(rows) <= 4 or by == "tenth" else 60)
    ax.margins(y=0.15)
    ax.set_ylim(top=min(ax.get_ylim()[1], max(_HIGHEST, 1.3 * float(np.nan_to_num(bias).max()))))
    return ax


def _some(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        raise DataError("there is nothing to draw", fix="give a table with at least one row")
    return table


def _label(name: str, currency: str | None) -> str:
    """Return the feature in words, with its unit where the words do not tell it."""
    feature = feature_named(name)
    if feature is None:
        return name.replace("_", " ")
    if feature.unit == "money":
        return style.in_currency(feature.label, currency)
    told = feature.unit in ("number", "yes or no") or feature.unit in feature.label
    return feature.label if told else f"{feature.label} ({feature.unit})"
