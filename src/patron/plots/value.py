"""How far to trust a predicted spend: tenths of customers, predicted against what they spent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from patron.metrics.arrays import Z95, Groups
from patron.plots import style
from patron.plots.arrays import amounts


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
