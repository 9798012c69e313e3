"""Why a risk is what it is: families of features that raise and lower it, of one customer or of the whole base."""

from __future__ import annotations

import textwrap
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.errors import DataError
from patron.plots import style
from patron.plots.arrays import column

_WIDTH: Final = 26
_OTHER_NAMES: Final = {"offset": "own pace and silence"}


def raised_and_lowered(contributions: pd.DataFrame) -> pd.DataFrame:
    """Mean over customers by which each family raises the risk, and by which it lowers it, the strongest first.

    Parameters
    ----------
    contributions : pandas.DataFrame
        Of ``ChurnClassifier.family_contributions``: a column a family, in log-odds; `baseline` is left out.

    Returns
    -------
    pandas.DataFrame
        Indexed by family: raises (0 or more), lowers (0 or less).

    Raises
    ------
    DataError
        Nothing to draw, or a value is not finite.

    Examples
    --------
    >>> raised_and_lowered(pd.DataFrame({"baseline": [1.0, 1.0], "season": [0.0, 0.1], "silence": [0.4, -0.2]}))
             raises  lowers
    silence    0.20    -0.1
    season     0.05     0.0
    """
    families = contributions.drop(columns="baseline", errors="ignore")
    if families.empty:
        raise DataError("there is nothing to draw", fix="give the contributions of at least one customer")
    moved = pd.DataFrame({name: column(families[name], str(name)) for name in families})
    means = pd.DataFrame({"raises": moved.clip(lower=0).mean(), "lowers": moved.clip(upper=0).mean()})
    order = np.argsort(-(means["raises"] - means["lowers"]).to_numpy(), kind="stable")
    return means.iloc[order]


def plot_reasons(contributions: pd.DataFrame, ax: Axes | None = None, *, top: int = 8) -> Axes:
    """Draw which families of features raise a churn risk and which lower it: of one customer, or on average of many.

    Parameters
    ----------
    contributions : pandas.DataFrame
        Of ``ChurnClassifier.family_contributions``, one row a customer.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    top : int
        How many families.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        As `raised_and_lowered`.

    Examples
    --------
    >>> plot_reasons(pd.DataFrame({"silence": [0.4], "season": [-0.1]})).get_xlabel()
    'lowers | raises the risk (log-odds)'
    """
    table = raised_and_lowered(contributions).head(top)
    one = len(contributions) == 1
    ax = style.canvas(ax, height=max(2.4, 1.3 + 0.27 * len(table)))
    how = "log-odds" if one else f"log-odds, mean of {len(contributions):,}"
    style.dress(
        ax, title="Why this risk?" if one else "What moves the risk?", x=f"lowers | raises the risk ({how})", y=""
    )
    ax.grid(visible=False, axis="y")
    place = np.arange(len(table))
    ax.barh(place, table["raises"], height=0.62, color=style.VERMILLION, label="raises")
    ax.barh(
        place,
        table["lowers"],
        height=0.62,
        color=style.BLUE,
        hatch="///",
        edgecolor="white",
        linewidth=0,
        label="lowers",
    )
    ax.axvline(0, color=style.MUTED, linewidth=1)
    names = [textwrap.fill(_OTHER_NAMES.get(str(name), str(name)), _WIDTH) for name in table.index]
    ax.set_yticks(place, names)
    ax.tick_params(axis="y", labelsize=style.TEXT, labelcolor=style.INK, length=0)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=5)
    return ax
