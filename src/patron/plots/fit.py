"""Whether a transaction model tells what customers did: in time, in number, and in a hold-out by their history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.calendar import Day, Horizon, units
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.daily import purchases_by_day
from patron.models.family.primitives import Length
from patron.models.family.transaction import TransactionModel
from patron.models.goodness import LAST, goodness_of_fit, purchase_counts, purchases_by_age
from patron.plots import style
from patron.plots.arrays import named

Models = TransactionModel | Mapping[str, TransactionModel]
"""One fitted model, or several by what they are called in the plot."""

History = Literal["frequency", "recency", "age"]
_HISTORY: Final[dict[str, str]] = {
    "frequency": "repeat purchases so far",
    "recency": "share of their time passed at the last purchase, repeat buyers",
    "age": "{unit} since the first purchase",
}
_UNDER: Final[dict[str, Any]] = {"linewidth": 1.4, "color": style.INK, "label": "actual"}


def tracked_purchases(models: Models, log: TransactionLog, every: str = "7 days") -> pd.DataFrame:
    """Repeat purchases of all customers up to the end of each stretch of time, and those each model expects.

    Parameters
    ----------
    models : transaction model, or dict of str to one
        Fitted, without covariates.
    log : TransactionLog
        What was bought; it may reach beyond what the models were fitted on.
    every : str
        Length of a stretch, in days or weeks; the first begins with the log, and only whole ones count.

    Returns
    -------
    pandas.DataFrame
        Indexed by the last day of each stretch: `actual`, then a column a model; cumulative.

    Raises
    ------
    DataError
        The log is shorter than one stretch.
    ConfigError
        `every` is no fixed length.

    Notes
    -----
    The sum over customers of E[X(t - birth)], whatever they bought since (Fader, Hardie and Lee 2005, section 4).

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> model = patron.BetaGeoNBD().fit(patron.rfm_counts(log, "1997-09-30", unit="week"))
    >>> tracked_purchases(model, log).iloc[-1].round().to_dict()
    {'actual': 4339.0, 'BetaGeoNBD': 4161.0}
    """
    days = purchases_by_day(log)
    step = Horizon.parse(every).fixed_days("every")
    ends = np.arange(step - 1, len(days), step)
    if not len(ends):
        raise DataError(f"the log's {len(days):,} days are less than {every}", fix="track in shorter stretches")
    born = days["first"].to_numpy(dtype=np.float64)
    tracked = {"actual": days["repeat"].to_numpy(dtype=np.float64).cumsum()}
    for name, model in named(models).items():
        tracked[name] = np.convolve(born, purchases_by_age(model, len(days) - 1))[: len(days)]
    return pd.DataFrame(tracked, index=days.index).iloc[ends]


def plot_tracking_purchases(
    models: Models,
    log: TransactionLog,
    ax: Axes | None = None,
    *,
    every: str = "7 days",
    cumulative: bool = True,
    fitted_until: Day | None = None,
) -> Axes:
    """Draw the repeat purchases of all customers over time, beside those each model expects.

    Parameters
    ----------
    models, log, every
        As in `tracked_purchases`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    cumulative : bool
        All repeat purchases so far, or those of each stretch of time.
    fitted_until : day, optional
        The last day that the models saw; marked.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError, ConfigError
        As in `tracked_purchases`.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> model = patron.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> plot_tracking_purchases(model, log, cumulative=False).get_ylabel()
    'repeat purchases in 7 days'
    """
    table = tracked_purchases(models, log, every)
    if not cumulative:
        table = table.diff().fillna(table.iloc[:1])
    ax = style.canvas(ax)
    amount = "repeat purchases so far" if cumulative else f"repeat purchases in {Horizon.parse(every)}"
    style.dress(ax, title="Does the model keep track?", x="day", y=amount)
    ax.plot(table.index, table["actual"], **_UNDER)
    for name, look in style.over_each_other(table.columns[1:]).items():
        ax.plot(table.index, table[name], **look | {"marker": None})
    if fitted_until is not None:
        day: Any = pd.Timestamp(fitted_until)
        ax.axvline(day, color=style.MUTED, linewidth=1, linestyle=":", label="fitted until")
    ax.set_ylim(bottom=0)
    style.dated(ax)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "lower right" if cumulative else "upper right")
    return ax


def plot_purchase_counts(
    models: Models, frame: pd.DataFrame, ax: Axes | None = None, *, weights: Any = None, last: int = 7
) -> Axes:
    """Draw how many customers bought again how often, beside how many each model expects to.

    Parameters
    ----------
    models : transaction model, or dict of str to one
        Fitted.
    frame : pandas.DataFrame
        frequency, recency and T, in the models' unit: what they were fitted on.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    weights : array or str, optional
        How many customers each row stands for; by default the column `weight`, if there is one.
    last : int
        This many purchases or more are one bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent or holds what it cannot, as in `patron.goodness_of_fit`.

    Examples
    --------
    >>> import patron
    >>> frame = patron.rfm_counts(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> models = {"BG/NBD": patron.BetaGeoNBD().fit(frame), "Pareto/NBD": patron.ParetoNBD().fit(frame)}
    >>> plot_purchase_counts(models, frame).get_xlabel()
    'repeat purchases so far'
    """
    tables = {name: purchase_counts(model, frame, weights, last) for name, model in named(models).items()}
    ax = style.canvas(ax)
    style.dress(ax, title="How many bought how often?", x="repeat purchases so far", y="customers")
    ax.grid(visible=False, axis="x")
    for name, look in style.over_each_other(tables).items():
        table = tables[name]
        if not ax.patches:
            ax.bar(table.index, table["actual"], width=0.7, color=style.FAINT, label="actual")
        ax.plot(table.index, table["expected"], markersize=5, **look)
    ax.set_xticks(range(last + 1), [*map(str, range(last)), f"{last}+"])
    ax.set_ylim(bottom=0)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "upper right")
    return ax


def plot_calibration_holdout(
    models: Models,
    frame: pd.DataFrame,
    actual: Any,
    horizon: Length,
    ax: Axes | None = None,
    *,
    by: History = "frequency",
    as_of: Day | None = None,
) -> Axes:
    """Draw the purchases a customer made in a hold-out, by the history before it, beside those each model expected.

    Parameters
    ----------
    models : transaction model, or dict of str to one
        Fitted up to the start of the hold-out.
    frame : pandas.DataFrame
        frequency, recency and T at that start, in the models' unit.
    actual : Series or array
        Purchases of each row in the hold-out; a Series is aligned by its index.
    horizon : float or str
        Length of the hold-out, in the models' unit or a text like '90 days'.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    by : {'frequency', 'recency', 'age'}
        Which part of the history.
    as_of : day, optional
        The day from which months and years run.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        As in `patron.goodness_of_fit`; no such part of a history.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> before = patron.rfm_summary(log, "1997-09-30", unit="week")
    >>> after = patron.rfm_summary(log, "1998-06-30", unit="week")["frequency"] - before["frequency"]
    >>> plot_calibration_holdout(patron.BetaGeoNBD().fit(before), before, after, 39).get_ylabel()
    'purchases per customer, next 39 weeks'
    """
    if by not in _HISTORY:
        raise DataError(f"no part of a history: {by!r}", fix=f"one of {', '.join(_HISTORY)}")
    fits = {name: goodness_of_fit(model, frame, actual, horizon, as_of=as_of) for name, model in named(models).items()}
    looks = style.over_each_other(fits)
    unit = next(iter(named(models).values())).unit_
    ahead = horizon if isinstance(horizon, str | Horizon) else f"{horizon:g} {units(unit)}"
    ax = style.canvas(ax, height=3.8)
    label = _HISTORY[by].format(unit=units(unit))
    style.dress(
        ax,
        title="Does what is expected come?",
        x=f"{label}\n(customers)",
        y=f"purchases per customer, next {ahead}",
    )
    tables = {name: getattr(fit, f"by_{by}") for name, fit in fits.items()}
    table = next(iter(tables.values()))
    place = np.arange(len(table))
    ax.bar(place, table["actual"], width=0.7, color=style.FAINT, label="actual")
    for name, look in looks.items():
        ax.plot(place, tables[name]["expected"], markersize=5, **look)
    names = [str(name) for name in table.index]
    if by == "frequency" and names and table.index[-1] == LAST:
        names[-1] += "+"
    ax.set_xticks(place, [f"{name}\n({style.short(n)})" for name, n in zip(names, table["customers"], strict=True)])
    ax.grid(visible=False, axis="x")
    ax.set_ylim(0, 1.3 * ax.get_ylim()[1])
    style.legend(ax, "upper left", columns=2)
    return ax
