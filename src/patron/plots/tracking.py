"""Whether what was predicted on past days came: totals, calibration and lift by as-of day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.errors import DataError
from patron.plots import style
from patron.plots.arrays import need
from patron.plots.churn import calibration_bins, gains

_NEEDED: Final = ("recipe", "as_of", "prediction", "actual")
_DAYS: Final = ((style.VERMILLION, "D"), (style.BLUE, "o"), (style.ORANGE, "s"), (style.SKY, "^"), (style.MUTED, "v"))
_LINES: Final = ("-", "--", "-.", ":", (0, (1, 3)))
_FEW: Final = 5
"""Customers of a bin, below which its share says nothing."""


def tracking(predictions: pd.DataFrame) -> pd.DataFrame:
    """Total predicted by each recipe and total that came, by as-of day.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one task's backtest: recipe, as_of, prediction, actual; one row a customer.

    Returns
    -------
    pandas.DataFrame
        Indexed by as_of, ascending: `actual`, then one column a recipe.

    Raises
    ------
    DataError
        A column is absent, or there is no row.

    Examples
    --------
    >>> predictions = pd.DataFrame({"recipe": ["a", "a", "b", "b"], "as_of": "1998-03-31",
    ...                             "prediction": [0.2, 0.6, 0.5, 0.5], "actual": [0.0, 1.0, 0.0, 1.0]})
    >>> tracking(predictions)
                actual    a    b
    as_of
    1998-03-31     1.0  0.8  1.0
    """
    need(predictions, _NEEDED, "the predictions")
    if predictions.empty:
        raise DataError("there is nothing to draw", fix="give the predictions of at least one day")
    rows = predictions.assign(as_of=pd.to_datetime(predictions["as_of"]))
    recipes = list(dict.fromkeys(rows["recipe"]))
    table = pd.DataFrame({"actual": rows[rows["recipe"] == recipes[0]].groupby("as_of")["actual"].sum()})
    for recipe in recipes:
        table[recipe] = rows[rows["recipe"] == recipe].groupby("as_of")["prediction"].sum()
    return table


def plot_tracking(
    predictions: pd.DataFrame,
    task: Literal["churn", "value"],
    ax: Axes | None = None,
    *,
    champion: str | None = None,
    rival: str | None = None,
) -> Axes:
    """Draw each recipe's predicted total over the total that came, by as-of day; 1 is what came.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one task's backtest: recipe, as_of, prediction, actual; one row a customer.
    task : {'churn', 'value'}
        Whether the totals are customers who left, or spend.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    champion, rival : str, optional
        Recipes to mark; the others are drawn faintly.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        As `tracking`.

    Examples
    --------
    >>> predictions = pd.DataFrame({"recipe": "stack", "as_of": ["1998-03-03", "1998-03-31"],
    ...                             "prediction": [0.8, 0.6], "actual": [1.0, 1.0]})
    >>> plot_tracking(predictions, "churn", champion="stack").get_ylabel()
    'predicted / actual number of leavers'
    """
    table = tracking(predictions)
    came = table.pop("actual")
    ax = style.canvas(ax)
    what = "number of leavers" if task == "churn" else "spend of all customers"
    style.dress(ax, title="Did the predicted total come?", x="as-of day", y=f"predicted / actual {what}")
    ax.grid(visible=False, axis="x")
    ax.axhline(1.0, color=style.MUTED, linewidth=1, linestyle="--", label="what came")
    share = table.div(came.where(came > 0), axis="index")
    place = np.arange(len(share))
    marked: dict[str | None, dict[str, Any]] = {
        rival: {"color": style.BLUE, "linewidth": 1.6, "marker": "o", "markersize": 5},
        champion: {"color": style.VERMILLION, "linewidth": 1.8, "marker": "D", "markersize": 6},
    }
    faint: dict[str, Any] = {"color": style.FAINT, "linewidth": 1.2, "marker": "o", "markersize": 3}
    others = [name for name in share.columns if name not in marked]
    for name in [*others, *(name for name in marked if name in share)]:
        label = f"{name} (champion)" if name == champion else name if name == rival else ""
        ax.plot(
            place,
            share[name],
            label=label or ("other recipes" if name == others[0] else "_"),
            **marked.get(name, faint),
        )
    if not share.notna().any(axis=None):
        style.say(ax, "nothing came in these windows")
    ax.set_xticks(place, [day.date().isoformat() for day in share.index])
    ax.margins(x=0.15, y=0.2)
    style.legend(ax, "best")
    return ax


def plot_calibration_by_day(predictions: pd.DataFrame, bins: int = 10, ax: Axes | None = None) -> Axes:
    """Draw the reliability of one recipe's churn risk on each as-of day of a backtest, the latest day in front.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one churn recipe: recipe, as_of, prediction, actual; one row a customer and as-of day. The last five days
        are drawn.
    bins : int
        How many bins of equal width between 0 and 1; those of fewer than five customers are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, there is no row, or what `plot_calibration` refuses.

    Examples
    --------
    >>> past = pd.DataFrame({"recipe": "stack", "as_of": "1998-03-31", "prediction": 0.2, "actual": [0, 0, 0, 0, 1]})
    >>> plot_calibration_by_day(past).get_ylabel()
    'share that left'
    """
    ax = style.canvas(ax)
    style.dress(ax, title="Is the risk true, day by day?", x="predicted churn probability", y="share that left")
    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--", label="perfect")
    for order, (label, past, (colour, marker)) in enumerate(_latest(predictions)):
        table = calibration_bins(past["actual"], past["prediction"], bins)
        table = table[table["customers"] >= _FEW]
        ax.plot(
            table["predicted"],
            table["actual"],
            color=colour,
            marker=marker,
            markersize=5,
            linewidth=1.4,
            label=label,
            zorder=3 - order / 10,
        )
        if order == 0:
            ax.vlines(table["predicted"], table["low"], table["high"], color=colour, linewidth=1.2)
    for axis in (ax.xaxis, ax.yaxis):
        style.percent_ticks(axis)
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.03))
    style.legend(ax, "upper left")
    return ax


def plot_lift_by_day(predictions: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw one recipe's cumulative gains on each as-of day of a backtest: whom it finds first, the latest day in front.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Of one churn recipe: recipe, as_of, prediction, actual; one row a customer and as-of day. The last five days
        are drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, there is no row, or what `plot_lift` refuses.

    Examples
    --------
    >>> past = pd.DataFrame({"recipe": "stack", "as_of": "1998-03-31", "prediction": [0.2, 0.8], "actual": [0, 1]})
    >>> plot_lift_by_day(past).get_ylabel()
    'share of all leavers among them'
    """
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="Whom does it find first, day by day?",
        x="customers called, riskiest first",
        y="share of all leavers among them",
    )
    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--", label="at random")
    for order, (label, past, (colour, _)) in enumerate(_latest(predictions)):
        called, found = gains(past["actual"], past["prediction"])
        ax.plot(called, found, color=colour, linewidth=1.8, linestyle=_LINES[order], label=label, zorder=3 - order / 10)
    for axis in (ax.xaxis, ax.yaxis):
        style.percent_ticks(axis)
    ax.set(xlim=(0, 1), ylim=(0, 1.03))
    style.legend(ax, "lower right")
    return ax


def _latest(predictions: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, tuple[str, str]]]:
    """Yield the last five days of a backtest, the latest first: its name, its rows, its colour and mark."""
    need(predictions, _NEEDED, "the predictions")
    if predictions.empty:
        raise DataError("there is nothing to draw", fix="give the predictions of at least one day")
    latest = sorted(predictions.groupby(pd.to_datetime(predictions["as_of"])), reverse=True, key=lambda day: day[0])
    for (day, past), look in zip(latest, _DAYS, strict=False):
        yield pd.Timestamp(str(day)).date().isoformat(), past, look
