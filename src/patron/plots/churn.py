"""How far to trust a churn risk: its calibration, and whom it finds first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from patron.metrics.arrays import Z95, FloatArray, Groups
from patron.plots import style
from patron.plots.arrays import labels


def calibration_bins(actual: npt.ArrayLike, predicted: npt.ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Mean prediction and share of leavers in bins of equal width; bins without a customer are left out.

    Parameters
    ----------
    actual : array of 0 and 1
        1: the customer left.
    predicted : array of float
        Churn probabilities, in the order of `actual`.
    bins : int
        How many bins between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a bin: low_edge, predicted, actual, low, high (the 95 % interval of the share, Wilson 1927), customers.

    Examples
    --------
    >>> calibration_bins([0, 1, 1, 1], [0.12, 0.88, 0.86, 0.84]).round(2)
       low_edge  predicted  actual   low  high  customers
    0       0.1       0.12     0.0  0.00  0.79          1
    1       0.8       0.86     1.0  0.44  1.00          3
    """
    happened, foretold = labels(actual, predicted)
    bin_of = np.minimum((foretold * bins).astype(int), bins - 1)
    n = np.bincount(bin_of, minlength=bins)
    held = n > 0
    n = n[held]
    share = np.bincount(bin_of, weights=happened, minlength=bins)[held] / n
    centre = (share + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    reach = Z95 * np.sqrt(share * (1 - share) / n + (Z95 / (2 * n)) ** 2) / (1 + Z95**2 / n)
    return pd.DataFrame(
        {
            "low_edge": np.flatnonzero(held) / bins,
            "predicted": np.bincount(bin_of, weights=foretold, minlength=bins)[held] / n,
            "actual": share,
            "low": np.minimum(centre - reach, share),
            "high": np.maximum(centre + reach, share),
            "customers": n,
        }
    )


def plot_calibration(actual: npt.ArrayLike, predicted: npt.ArrayLike, bins: int = 10, ax: Axes | None = None) -> Axes:
    """Draw the reliability of churn risk: whether of those given 70 %, 70 % left.

    Points on the diagonal are calibrated. Each carries its 95 % interval (Wilson 1927); the bars
    at the foot count the customers of its bin. The bins have equal width, so that the bars show how
    the risks are spread; the metric `ece` takes tenths of the customers instead.

    Parameters
    ----------
    actual : array of 0 and 1
        1: the customer left.
    predicted : array of float
        Churn probabilities, in the order of `actual`.
    bins : int
        How many bins of equal width between 0 and 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        Labels other than 0 and 1, probabilities outside 0 to 1, different lengths, nothing to draw.

    Examples
    --------
    >>> plot_calibration([0, 1, 1], [0.2, 0.7, 0.9]).get_xlabel()
    'predicted churn probability'
    """
    table = calibration_bins(actual, predicted, bins)
    ax = style.canvas(ax)
    most = table["customers"].max()
    counts = ax.twinx()
    bars = counts.bar(
        table["low_edge"], table["customers"], width=1 / bins, align="edge", color=style.FAINT, edgecolor="white"
    )
    bars.set_label(f"customers, up to {most:,}")
    counts.set_ylim(0, 4 * most)
    counts.set_yticks([])
    counts.spines[:].set_visible(False)
    ax.set_zorder(counts.get_zorder() + 1)
    ax.patch.set_visible(False)
    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--", label="perfect")
    ax.errorbar(
        table["predicted"],
        table["actual"],
        yerr=[table["actual"] - table["low"], table["high"] - table["actual"]],
        color=style.BLUE,
        marker="o",
        markersize=5,
        linewidth=1.4,
        elinewidth=1.2,
        capsize=2.5,
        label="observed, 95\u202f% interval",
    )
    style.dress(ax, title="Is the risk true?", x="predicted churn probability", y="share that left")
    ax.grid(visible=False)
    for axis in (ax.xaxis, ax.yaxis):
        style.percent_ticks(axis)
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.03))
    style.legend(ax, "best", also=[bars])
    return ax


def gains(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Share of customers called, riskiest first, and share of all leavers among them; equal risks are called together.

    Examples
    --------
    >>> called, found = gains([0, 1, 0, 1], [0.2, 0.2, 0.1, 0.9])
    >>> called.tolist(), found.tolist()
    ([0.0, 0.25, 0.75, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    happened, foretold = labels(actual, predicted)
    groups = Groups.by(-foretold)
    called = np.cumsum(groups.sums(np.ones(happened.size))) / happened.size
    found = np.cumsum(groups.sums(happened)) / max(happened.sum(), 1.0)
    return np.append(0.0, called), np.append(0.0, found)


def plot_lift(actual: npt.ArrayLike, predicted: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """Draw the cumulative gains: which share of the leavers is reached by calling the riskiest x %.

    Customers of equal risk are called together, so a constant prediction gives the diagonal.

    Parameters
    ----------
    actual : array of 0 and 1
        1: the customer left.
    predicted : array of float
        Churn probabilities, in the order of `actual`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        As `plot_calibration`.

    Examples
    --------
    >>> plot_lift([0, 1, 1, 0], [0.2, 0.7, 0.9, 0.1]).get_ylabel()
    'share of all leavers among them'
    """
    called, found = gains(actual, predicted)
    rate = float(labels(actual, predicted)[0].mean())
    ax = style.canvas(ax)
    style.dress(
        ax, title="Whom does it find first?", x="customers called, riskiest first", y="share of all leavers among them"
    )
    for axis in (ax.xaxis, ax.yaxis):
        style.percent_ticks(axis)
    ax.set(xlim=(0, 1), ylim=(0, 1.03))
    ax.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--", label="at random")
    if rate == 0:
        style.say(ax, "nobody left in this window")
        return ax
    ax.plot([0, rate, 1], [0, 1, 1], color=style.FAINT, linewidth=1.4, label="perfect foresight")
    ax.plot(called, found, color=style.BLUE, linewidth=2, label="this model")
    x = 0.2
    y = float(np.interp(x, called, found))
    ax.plot([x, x, 0], [0, y, y], color=style.VERMILLION, linewidth=1, linestyle=":")
    ax.plot([x], [y], "o", color=style.VERMILLION, markersize=5)
    ax.annotate(
        f"{style.percent(x)} of customers:\n{style.percent(y)} of leavers",
        (x, y),
        xytext=(10, -4),
        textcoords="offset points",
        va="top",
        fontsize=style.SMALL,
        color=style.VERMILLION,
    )
    style.legend(ax, "lower right")
    return ax
