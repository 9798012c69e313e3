"""What silence says: the chance that a customer has not left for good, along one history and by frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.calendar import as_stamps, unit_days, units
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.daily import purchase_days
from patron.plots import style
from patron.plots.arrays import named
from patron.plots.models import TransactionModel, customers, year


def alive_by_day(model: TransactionModel, days: Any, until: int) -> pd.Series:
    """P(alive) at the end of every day from a customer's first purchase on.

    Parameters
    ----------
    model : fitted transaction model
        With `unit_` and `probability_alive(frame)`.
    days : DatetimeIndex or array of days
        On which the customer bought.
    until : int
        The last day, as a day number.

    Returns
    -------
    pandas.Series
        Indexed by day.

    Raises
    ------
    DataError
        No day, or none up to `until`.

    Examples
    --------
    >>> from patron._core.calendar import day_number
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> alive_by_day(model, ["1997-01-01", "1997-01-18"], day_number("1997-03-01"))[::20].round(2).to_list()
    [1.0, 0.74, 0.65]
    """
    bought = np.unique(pd.DatetimeIndex(days).normalize().to_numpy().astype("datetime64[D]").astype(np.int64))
    if not len(bought) or bought[0] > until:
        raise DataError("this customer has not bought yet", fix="choose a later day, or another customer")
    today = np.arange(bought[0], until + 1)
    place = np.searchsorted(bought, today, side="right") - 1
    unit = unit_days(model.unit_)
    history = customers(model.unit_, (today - bought[0]) / unit, place, (bought[place] - bought[0]) / unit)
    return model.probability_alive(history).set_axis(as_stamps(today).rename("day"))


def plot_history_alive(
    models: TransactionModel | Mapping[str, TransactionModel],
    log: TransactionLog,
    customer_id: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw how a customer's chance of being alive fell with silence and rose with each purchase.

    Each day shows what was known then; the parameters are those of the fit.

    Parameters
    ----------
    models : fitted transaction model, or dict of str to one
        With `unit_` and `probability_alive(frame)`.
    log : TransactionLog
        What was bought; ``log.until(day)`` ends sooner.
    customer_id : str
        Whose history; it is not written.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        This customer bought nothing.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> model = patron.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> plot_history_alive(model, log, "00004").get_ylabel()
    'P(alive) as known on the day'
    """
    days = purchase_days(log, customer_id)
    ax = style.canvas(ax)
    style.dress(ax, title="Is this customer still alive?", x="day", y="P(alive) as known on the day")
    ax.vlines(days, 0, 1, color=style.FAINT, linewidth=1.2, label="purchases")
    ax.plot(days, np.zeros(len(days)), color=style.MUTED, marker="^", markersize=5, linestyle="none", clip_on=False)
    chosen = named(models)
    for name, look in style.over_each_other(chosen).items():
        path = alive_by_day(chosen[name], days, log.observed_until)
        ax.plot(path.index, path, **look | {"marker": None})
    style.percent_ticks(ax.yaxis)
    ax.set_ylim(0, 1.03)
    style.dated(ax)
    style.legend(ax, "lower left", boxed=True)
    return ax


def plot_silence(
    model: TransactionModel,
    ax: Axes | None = None,
    *,
    frequencies: Sequence[int] = (1, 3, 7, 15),
    active_for: float | None = None,
) -> Axes:
    """Draw how the chance of being alive falls with silence, for customers who had bought more or less often.

    The same silence says more of those who used to buy often.

    Parameters
    ----------
    model : fitted transaction model
        With `unit_` and `probability_alive(frame)`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    frequencies : sequence of int
        Repeat purchases, a line each.
    active_for : float, optional
        Time from the first purchase to the last, in the model's unit; half a year when left out. Silence is drawn up
        to twice that.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        More lines than can be told apart.

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> plot_silence(model).get_xlabel()
    'weeks since the last purchase, 26 from the first to it'
    """
    span = year(model.unit_) / 2 if active_for is None else float(active_for)
    silent = np.linspace(0, 2 * span, 121)
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="What does silence say?",
        x=f"{units(model.unit_)} since the last purchase, {span:g} from the first to it",
        y="P(alive)",
    )
    for frequency, look in style.over_each_other(frequencies).items():
        alive = model.probability_alive(customers(model.unit_, span + silent, frequency, span))
        times = "1 repeat purchase" if frequency == 1 else f"{frequency:,} repeat purchases"
        ax.plot(silent, alive, markevery=20, markersize=4, **look | {"label": times})
    style.percent_ticks(ax.yaxis)
    ax.set(xlim=(0, 2 * span), ylim=(0, 1.03))
    style.legend(ax, "best")
    return ax
