"""Customers from their first purchase on: when some of them bought, and what a new one is expected to buy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from patron._core.calendar import as_stamps, unit_days, units
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.daily import purchase_days_of_some
from patron.models.family.transaction import TransactionModel
from patron.models.goodness import purchases_by_age
from patron.plots import style
from patron.plots.arrays import named
from patron.plots.models import year


def plot_timelines(log: TransactionLog, ax: Axes | None = None, *, customers: int = 25) -> Axes:
    """Draw when customers bought: a line each, from the first purchase to the last day observed.

    Parameters
    ----------
    log : TransactionLog
        What was bought; ``log.until(day)`` ends sooner.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    customers : int
        How many are drawn, spread evenly over all in the order of their first purchases; their ids are not written.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Nobody bought, or there are to be no customers.

    Examples
    --------
    >>> import patron
    >>> plot_timelines(patron.datasets.load_cdnow_sample()).get_ylabel()
    '25 of 2,357 customers, the earliest first'
    """
    table = purchase_days_of_some(log, customers)
    end = as_stamps(np.array([log.observed_until])).to_numpy()
    rows = table.groupby("customer")["day"]
    first, last = rows.min(), rows.max()
    ax = style.canvas(ax)
    told = f"{len(rows):,} of {log.n_customers:,} customers, the earliest first"
    style.dress(ax, title="When did they buy?", x="day", y=told)
    ax.grid(visible=False, axis="y")
    ax.hlines(first.index.to_numpy(), first.to_numpy(), end, color=style.FAINT, linewidth=1)
    ax.plot(last.to_numpy(), last.index.to_numpy(), "o", color=style.VERMILLION, markersize=4, label="last purchase")
    earlier = table[table["day"] < rows.transform("max")]
    day, line = (earlier[name].to_numpy() for name in ("day", "customer"))
    ax.plot(day, line, "|", color=style.BLUE, markersize=6, label="earlier purchases")
    ax.set_ylim(len(rows) + 0.5, -0.5 - 0.12 * len(rows))
    ax.set_yticks([])
    style.dated(ax)
    style.legend(ax, "upper right", columns=2)
    return ax


def plot_expected_purchases(
    models: TransactionModel | Mapping[str, TransactionModel], ax: Axes | None = None, *, until: float | None = None
) -> Axes:
    """Draw the repeat purchases expected of a new customer by the time since the first.

    Parameters
    ----------
    models : transaction model, or dict of str to one
        Fitted, in one unit of time, without covariates.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    until : float, optional
        How far, in the models' unit; a year when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Models in different units, or more than can be told apart.

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> plot_expected_purchases(model).get_xlabel()
    'weeks since the first purchase'
    """
    chosen = named(models)
    looks = style.over_each_other(chosen)
    if len({model.unit_ for model in chosen.values()}) > 1:
        raise DataError("these models measure time in different units", fix="fit them in one")
    unit = next(iter(chosen.values())).unit_
    days = round((year(unit) if until is None else until) * unit_days(unit))
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="What will a new customer buy?",
        x=f"{units(unit)} since the first purchase",
        y="repeat purchases expected",
    )
    age = np.arange(days + 1) / unit_days(unit)
    for name, look in looks.items():
        ax.plot(age, purchases_by_age(chosen[name], days), **look | {"marker": None})
    ax.set_xlim(0, age[-1])
    ax.set_ylim(bottom=0)
    style.legend(ax, "lower right")
    return ax
