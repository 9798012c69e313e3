"""What a transaction model believes: maps and curves over how often and how lately a customer bought."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from patron._core.calendar import DAYS_PER_YEAR, unit_days, units
from patron.metrics.arrays import FloatArray
from patron.plots import style

Horizon = float | str | tuple[float, float]
COLUMNS = 60


class TransactionModel(Protocol):
    """What these plots ask of a fitted transaction model."""

    unit_: str

    def expected_purchases(self, frame: pd.DataFrame, horizon: Horizon) -> pd.Series:
        """Purchases expected of each row over the horizon."""

    def discounted_purchases(self, frame: pd.DataFrame, horizon: Horizon | None, discount_rate: float) -> pd.Series:
        """Purchases expected of each row, each discounted from its own moment."""

    def probability_alive(self, frame: pd.DataFrame) -> pd.Series:
        """Chance that the customer of each row has not left for good."""


def plot_frequency_recency(
    model: TransactionModel,
    horizon: Horizon,
    ax: Axes | None = None,
    *,
    T: float | None = None,
    max_frequency: int = 20,
) -> Axes:
    """Map the purchases a model expects by frequency and recency, for customers of the same age.

    One-time buyers have no recency: their row has one colour.

    Parameters
    ----------
    model : fitted transaction model
        With `unit_` and `expected_purchases(frame, horizon)`.
    horizon : float, str or pair
        As in `expected_purchases`: in the model's unit, '90 days', or (start, end).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    T : float, optional
        Age of the customers, in the model's unit; a year when left out.
    max_frequency : int
        The highest number of repeat purchases drawn.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.24, alpha=4.4, a=0.79, b=2.4, unit="week")
    >>> plot_frequency_recency(model, horizon=39).get_xlabel()
    'age at the last purchase (weeks), 52 observed'
    """
    T = year(model.unit_) if T is None else T
    one_time = model.expected_purchases(customers(model.unit_, T, [0], [0.0]), horizon)
    grid = _grid(model.unit_, T, max_frequency)
    repeat = model.expected_purchases(grid, horizon).to_numpy().reshape(max_frequency, COLUMNS)
    rows = np.vstack([np.full((1, COLUMNS), float(one_time.iloc[0])), repeat])
    ax = style.canvas(ax)
    return _map(
        ax, rows, 0, T, model.unit_, f"Purchases in {_in_words(horizon, model.unit_)}", "purchases per customer"
    )


def plot_probability_alive(
    model: TransactionModel, ax: Axes | None = None, *, T: float | None = None, max_frequency: int = 20
) -> Axes:
    """Map the chance that a customer has not left for good, by frequency and recency, at the same age.

    One-time buyers are left out: BG/NBD gives them 1 by construction, which says nothing about them.

    Parameters
    ----------
    model : fitted transaction model
        With `unit_` and `probability_alive(frame)`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    T : float, optional
        Age of the customers, in the model's unit; a year when left out.
    max_frequency : int
        The highest number of repeat purchases drawn.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from patron.models import BetaGeoNBD
    >>> model = BetaGeoNBD.from_params(r=0.24, alpha=4.4, a=0.79, b=2.4, unit="week")
    >>> plot_probability_alive(model).get_ylabel()
    'repeat purchases'
    """
    T = year(model.unit_) if T is None else T
    alive = model.probability_alive(_grid(model.unit_, T, max_frequency)).to_numpy().reshape(max_frequency, COLUMNS)
    ax = style.canvas(ax)
    return _map(ax, alive, 1, T, model.unit_, "Chance of being alive", "P(alive)", limits=(0.0, 1.0))


def plot_iso_value(
    model: TransactionModel,
    ax: Axes | None = None,
    *,
    T: float | None = None,
    max_frequency: int = 20,
    horizon: Horizon | None = None,
    discount_rate: float = 0.10,
) -> Axes:
    """Draw lines along which customers of the same age are worth the same: discounted purchases to come.

    A line that turns back says that of two customers who were last seen as early, the one who used to buy often is
    worth less: that silence is more likely the end.

    Parameters
    ----------
    model : fitted transaction model
        With `unit_` and `discounted_purchases(frame, horizon, discount_rate)`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    T : float, optional
        Age of the customers, in the model's unit; a year when left out.
    max_frequency : int
        The highest number of repeat purchases drawn.
    horizon : float, str or pair, optional
        As in `discounted_purchases`; the whole residual lifetime when left out.
    discount_rate : float
        Annual effective rate.

    Returns
    -------
    matplotlib.axes.Axes

    References
    ----------
    P. Fader, B. Hardie, K. L. Lee, RFM and CLV: Using Iso-Value Curves for Customer Base Analysis, Journal of
    Marketing Research 42(4), 2005.

    Examples
    --------
    >>> from patron.models import ParetoNBD
    >>> model = ParetoNBD.from_params(r=0.5533, alpha=10.5777, s=0.6062, beta=11.668, unit="week")
    >>> plot_iso_value(model, discount_rate=0.15).get_title(loc="left")
    'Who is worth the same?'
    """
    T = year(model.unit_) if T is None else T
    grid = _grid(model.unit_, T, max_frequency)
    worth = model.discounted_purchases(grid, horizon, discount_rate).to_numpy().reshape(max_frequency, COLUMNS)
    ax = style.canvas(ax)
    style.dress(
        ax,
        title="Who is worth the same?",
        x=f"age at the last purchase ({units(model.unit_)}), {T:g} observed",
        y="repeat purchases",
        room=22,
    )
    ahead = "to come" if horizon is None else f"in {_in_words(horizon, model.unit_)}"
    told = f"purchases {ahead}, discounted at {style.percent(discount_rate)} a year"
    ax.text(0, 1.02, told, transform=ax.transAxes, va="bottom", fontsize=style.SMALL, color=style.MUTED)
    powers = 10.0 ** np.arange(-3, 7)
    levels = np.outer(powers, [1, 2, 5]).ravel()
    levels = levels[(levels > worth.max() / 200) & (levels < worth.max())]
    recency, frequency = grid["recency"].to_numpy()[:COLUMNS], np.arange(1, max_frequency + 1)
    fill = ax.contourf(recency, frequency, worth, [0.0, *levels, worth.max()], cmap=style.HEAT, alpha=0.35)
    fill.set_rasterized(True)
    lines = ax.contour(recency, frequency, worth, levels, colors=style.BLUE, linewidths=1.2)
    ax.clabel(lines, fmt=lambda value: f"{value:.2g}", fontsize=style.SMALL, colors=style.INK)
    ax.grid(visible=False)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def year(unit: str) -> float:
    """Return the length of a year in a model's unit, to the nearest whole one."""
    return float(round(DAYS_PER_YEAR / unit_days(unit)))


def customers(unit: str, T: object, frequency: object, recency: object) -> pd.DataFrame:
    """Return histories as transaction models take them."""
    frame = pd.DataFrame({"frequency": frequency, "recency": recency, "T": T})
    frame.attrs["unit"] = unit
    return frame


def _grid(unit: str, T: float, max_frequency: int) -> pd.DataFrame:
    recency = (np.arange(COLUMNS) + 0.5) * T / COLUMNS
    frequency = np.arange(1, max_frequency + 1)
    return customers(unit, T, np.repeat(frequency, COLUMNS), np.tile(recency, max_frequency))


def _map(
    ax: Axes,
    values: FloatArray,
    first: int,
    T: float,
    unit: str,
    title: str,
    meaning: str,
    limits: tuple[float | None, float | None] = (0.0, None),
) -> Axes:
    """Draw `values`, shape (frequencies from `first`, COLUMNS of recency)."""
    frequency = np.arange(first, first + len(values) + 1) - 0.5
    low, high = limits
    mesh = ax.pcolormesh(
        np.linspace(0, T, COLUMNS + 1), frequency, values, cmap=style.HEAT, vmin=low, vmax=high, rasterized=True
    )
    style.dress(ax, title=title, x=f"age at the last purchase ({units(unit)}), {T:g} observed", y="repeat purchases")
    ax.grid(visible=False)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    style.colour_bar(ax, mesh, meaning)
    return ax


def _in_words(horizon: Horizon, unit: str) -> str:
    if isinstance(horizon, str):
        return f"the next {horizon}"
    if isinstance(horizon, tuple):
        return f"{units(unit)} {horizon[0]:g} to {horizon[1]:g}"
    return f"the next {horizon:g} {units(unit)}"
