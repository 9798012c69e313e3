"""How customers differ: in how often they buy and how soon they leave, in what they spend, in their gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import betainc, gammainc

from patron._core.calendar import Unit, unit_days
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.daily import gaps
from patron.metrics.arrays import FloatArray
from patron.models.family.transaction import TransactionModel
from patron.models.gamma_gamma import GammaGamma
from patron.models.goodness import spend_counts
from patron.plots import style
from patron.plots.arrays import named

Trait = Literal["buying", "leaving"]
_RATES: Final = ("r", "s")
"""First parameter of a gamma distribution of rates; any other is that of a beta distribution of chances."""
_TITLES: Final = {"buying": "How often do they buy?", "leaving": "How soon do they leave?"}
_BINS: Final = 24


def share_up_to(model: TransactionModel, trait: Trait, at: FloatArray) -> FloatArray:
    """Share of customers whose rate, or chance, is at most `at`, as the model has it.

    Parameters
    ----------
    model : TransactionModel
        Fitted; with covariates it speaks of customers of whom all are 0.
    trait : {'buying', 'leaving'}
        Purchases, or departures, a unit of time while alive; the chance to leave after a purchase of BG/NBD and its
        kin; of BG/BB the chances to buy and to leave at an opportunity.
    at : array
        Rates, or chances.

    Raises
    ------
    DataError
        The customers of the model never leave; no such trait.

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> share_up_to(model, "buying", np.array([0.01, 0.1])).round(2)
    array([0.51, 0.83])
    """
    names = _names(model, trait)
    first, second = (float(model.params_[name]) for name in names)
    if names[0] in _RATES:
        phases = getattr(model, "k_", 1) if trait == "buying" else 1
        return np.asarray(gammainc(first, second * phases * at))
    return np.asarray(betainc(first, second, at))


def plot_rates(
    models: TransactionModel | Mapping[str, TransactionModel], trait: Trait = "buying", ax: Axes | None = None
) -> Axes:
    """Draw how customers differ in how often they buy, or in how soon they leave: which share is at or below a rate.

    Shares rather than a density, which has no bound at 0 where many hardly ever buy.

    Parameters
    ----------
    models : transaction model, or dict of str to one
        Fitted, in one unit of time.
    trait : {'buying', 'leaving'}
        As in `share_up_to`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Models that measure it differently, as a rate and as a chance, or in different units; as `share_up_to`.

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> plot_rates(model).get_xlabel(), plot_rates(model, "leaving").get_xlabel()
    ('purchases a week while alive', 'chance to leave after a purchase')
    """
    chosen = named(models)
    looks = style.over_each_other(chosen)
    labels = {name: _measure(model, trait) for name, model in chosen.items()}
    if len(set(labels.values())) > 1:
        told = "; ".join(f"{name}: {label}" for name, label in labels.items())
        raise DataError(f"these models measure it differently: {told}", fix="draw them in plots of their own")
    label = next(iter(labels.values()))
    ax = style.canvas(ax)
    style.dress(ax, title=_TITLES[trait], x=label, y="share of customers at or below")
    if label.startswith("chance"):
        at = np.linspace(0, 1, 401)
        style.percent_ticks(ax.xaxis)
        ax.set_xlim(0, 1)
    else:
        at = np.geomspace(1e-6, 1e4, 2001)
        ends = [
            at[[np.argmax(share > 0.02), np.argmax(share > 0.999)]]
            for share in (share_up_to(m, trait, at) for m in chosen.values())
        ]
        low, high = max(min(e[0] for e in ends), max(e[1] for e in ends) / 1e4), max(e[1] for e in ends)
        ax.set_xscale("log")
        style.log_ticks(ax.xaxis, low, high)
        ax.set_xlim(low, high)
        at = np.geomspace(low, high, 401)
    for name, look in looks.items():
        ax.plot(at, share_up_to(chosen[name], trait, at), **look | {"marker": None})
    style.percent_ticks(ax.yaxis)
    ax.set_ylim(0, 1.03)
    style.legend(ax, "best")
    return ax


def plot_spend_fit(
    models: GammaGamma | Mapping[str, GammaGamma],
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    weights: Any = None,
    currency: str | None = None,
) -> Axes:
    """Draw what customers spend a purchase on average, beside what each spend model expects of as many purchases.

    Parameters
    ----------
    models : GammaGamma, or dict of str to one
        Fitted.
    frame : pandas.DataFrame
        frequency and monetary_value: what they were fitted on; customers who paid nothing again are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    weights : array or str, optional
        How many customers each row stands for; by default the column `weight`, if there is one.
    currency : str, optional
        Written at the axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent or holds what it cannot.
    FitError
        Nobody paid again.

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30")
    >>> plot_spend_fit(patron.GammaGamma().fit(summary), summary, currency="USD").get_xlabel()
    'mean spend a purchase (USD), repeat buyers'
    """
    chosen = named(models)
    looks = style.over_each_other(chosen)
    paid = frame.loc[frame["monetary_value"] > 0, "monetary_value"].to_numpy(dtype=np.float64)
    low, high = np.quantile(paid, [0.002, 0.998]) if len(paid) else (1.0, 2.0)
    edges = np.geomspace(low / 1.2, high * 1.2, _BINS + 1)
    tables = {name: spend_counts(model, frame, edges, weights) for name, model in chosen.items()}
    ax = style.canvas(ax)
    label = f"{style.in_currency('mean spend a purchase', currency)}, repeat buyers"
    style.dress(ax, title="What do they spend?", x=label, y="customers in a bar")
    ax.grid(visible=False, axis="x")
    table = next(iter(tables.values()))
    ax.bar(
        table["low"],
        table["actual"],
        width=table["high"] - table["low"],
        align="edge",
        color=style.FAINT,
        edgecolor="white",
        label="actual",
    )
    middle = np.sqrt(table["low"] * table["high"])
    for name, look in looks.items():
        ax.plot(middle, tables[name]["expected"], markersize=4, **look)
    ax.set_xscale("log")
    style.log_ticks(ax.xaxis, edges[0], edges[-1])
    ax.set_xlim(edges[0], edges[-1])
    style.short_ticks(ax.yaxis)
    style.legend(ax, "upper right")
    return ax


def plot_gaps(log: TransactionLog, ax: Axes | None = None, *, unit: Unit = "week") -> Axes:
    """Draw the times between one purchase day of a customer and the next, with the middle one and the longest tenth.

    Silences that still last are in none of the bars.

    Parameters
    ----------
    log : TransactionLog
        What was bought.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    unit : {'day', 'week', 'month', 'year'}
        Width of a bar: a gap of up to one unit is in the first.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Nobody bought again; an unknown unit.

    Examples
    --------
    >>> import patron
    >>> plot_gaps(patron.datasets.load_cdnow_sample()).get_xlabel()
    'weeks from one purchase to the next'
    """
    counts = gaps(log)
    if counts.empty:
        raise DataError("nobody bought again: there is no gap", fix="observe for longer, or take more customers")
    width = unit_days(unit)
    lengths = counts.index.to_numpy()
    bar = np.ceil(lengths / width).astype(np.int64) - 1
    heights = np.bincount(bar, counts)
    passed = counts.to_numpy().cumsum() / counts.sum()
    ax = style.canvas(ax)
    style.dress(ax, title="How long between purchases?", x=f"{unit}s from one purchase to the next", y="gaps in a bar")
    ax.grid(visible=False, axis="x")
    ax.bar(np.arange(len(heights)) + 0.5, heights, width=0.9, color=style.SKY)
    for share, line, label in ((0.5, "-", "half of them"), (0.9, "--", f"{style.percent(0.9)} of them")):
        days = int(lengths[np.searchsorted(passed, share)])
        ax.axvline(
            days / width, color=style.VERMILLION, linewidth=1.4, linestyle=line, label=f"{label}: up to {days:,} days"
        )
    ax.set_xlim(0, len(heights))
    style.counted(ax.xaxis)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "upper right")
    return ax


def _names(model: TransactionModel, trait: Trait) -> tuple[str, ...]:
    if trait not in _TITLES:
        raise DataError(f"no trait {trait!r}", fix=f"one of {', '.join(_TITLES)}")
    names = model.parameters[:2] if trait == "buying" else model.parameters[2:4]
    if not names:
        raise DataError(f"customers of {type(model).__name__} never leave", fix="draw models with dropout")
    return names


def _measure(model: TransactionModel, trait: Trait) -> str:
    """Say what the rate, or the chance, is of."""
    rate = _names(model, trait)[0] in _RATES
    if trait == "buying":
        return f"purchases a {model.unit_} while alive" if rate else f"chance to buy in a {model.unit_} while alive"
    if rate:
        return f"departures a {model.unit_}"
    return "chance to leave after a purchase" if "r" in model.parameters else f"chance to leave before a {model.unit_}"
