"""A campaign before and after: how many customers are worth contacting, and who moved between two scorings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from patron._core.errors import DataError
from patron.decisions.movement import GONE, NEWCOMER
from patron.metrics import Campaign, profit_curve
from patron.metrics.arrays import FloatArray
from patron.plots import style
from patron.plots.arrays import need

Column = Literal["churn_band", "value_band", "segment"]
_BEST_FIRST: Final[dict[str, tuple[str, ...]]] = {
    "churn_band": ("low", "medium", "high"),
    "value_band": ("high", "medium", "low"),
    "segment": (
        "Champions",
        "Loyal",
        "Potential loyalists",
        "New",
        "Promising",
        "Needs attention",
        "About to sleep",
        "Can't lose them",
        "At risk",
        "Hibernating",
        "Lost",
    ),
}
"""Values of each column, from those to keep to those to win back."""
_WHAT: Final = {"churn_band": "risk bands", "value_band": "value bands", "segment": "segments"}
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "stayed": {"facecolor": style.FAINT},
    "rose": {"facecolor": style.BLUE, "hatch": "///"},
    "fell": {"facecolor": style.VERMILLION, "hatch": "\\\\\\"},
    "new": {"facecolor": style.GREEN, "hatch": "..."},
    "gone": {"facecolor": style.INK},
}
_GAP: Final = 0.025
_S: Final = np.linspace(0, 1, 41)
_BEND: Final = _S**2 * (3 - 2 * _S)


def plot_profit(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike | Mapping[str, npt.ArrayLike],
    value: npt.ArrayLike,
    ax: Axes | None = None,
    *,
    campaign: Campaign | None = None,
    currency: str | None = None,
) -> Axes:
    """Draw what a retention campaign would have earned by how many it contacts, the highest first; the best is marked.

    Parameters
    ----------
    actual : array of 0 and 1
        1: the customer left.
    predicted : array, or dict of str to one
        Churn risks, or whatever else ranks customers, in the order of `actual`; several are drawn over each other.
    value : array of float
        What each customer is worth if kept.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    campaign : patron.metrics.Campaign, optional
        What contacts and offers cost, and whom they keep.
    currency : str, optional
        Written at the axis.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        As `patron.metrics.profit_curve`; nothing to draw.

    Examples
    --------
    >>> plot_profit([1, 0], [0.9, 0.5], [200, 100], currency="EUR").get_ylabel()
    'profit per customer of the base (EUR)'
    """
    if np.size(actual) == 0:
        raise DataError("there is nothing to draw", fix="give at least one customer")
    risks = predicted if isinstance(predicted, Mapping) else {"this model": predicted}
    fractions = np.linspace(0, 1, 201)
    looks = style.over_each_other(risks)
    ax = style.canvas(ax)
    label = style.in_currency("profit per customer of the base", currency)
    style.dress(ax, title="How many are worth contacting?", x="customers contacted, highest ranked first", y=label)
    ax.axhline(0, color=style.MUTED, linewidth=1)
    for name, look in looks.items():
        earned = profit_curve(actual, risks[name], value, fractions, campaign)
        best = int(earned.argmax())
        told = f"{name}: best at {style.percent(fractions[best])}" if best else f"{name}: best is nobody"
        ax.plot(fractions, earned, markevery=[best], markersize=7, **look | {"label": told})
    style.percent_ticks(ax.xaxis)
    ax.set_xlim(0, 1)
    style.short_ticks(ax.yaxis)
    style.legend(ax, "best")
    return ax


def plot_segment_flow(moves: pd.DataFrame, of: Column = "segment", ax: Axes | None = None) -> Axes:
    """Draw who moved between two scorings: from where each customer was, left, to where they are, right, best on top.

    Parameters
    ----------
    moves : pandas.DataFrame
        Of ``patron.decisions.movement.movement``: of, before, after, customers.
    of : {'segment', 'churn_band', 'value_band'}
        Between what.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, or nobody is in any.

    Examples
    --------
    >>> moves = pd.DataFrame({"of": "churn_band", "before": ["low", "low"], "after": ["low", "high"],
    ...                       "customers": [90, 10]})
    >>> plot_segment_flow(moves, "churn_band").get_title(loc="left")
    'Who moved between risk bands?'
    """
    need(moves, ("of", "before", "after", "customers"), "the movement")
    rows = moves[(moves["of"] == of) & (moves["customers"] > 0)]
    if of not in _WHAT or rows.empty:
        raise DataError(f"the movement holds nobody of {of!r}", fix=f"one of {', '.join(moves['of'].unique())}")
    names = _ordered(of, [*rows["before"], *rows["after"]])
    flows = rows.pivot_table(index="before", columns="after", values="customers", aggfunc="sum")
    table = flows.reindex(index=names, columns=names).fillna(0).to_numpy(dtype=np.float64)
    total = table.sum()
    left, right = (_stacked(table.sum(axis=axis), total) for axis in (1, 0))
    ax = style.canvas(ax, width=5.4, height=max(3.4, 1.6 + 0.2 * len(names)))
    foot = "customers at the earlier scoring, and at the later one"
    style.dress(ax, title=f"Who moved between {_WHAT[of]}?", x=foot, y="", room=24)
    ax.grid(visible=False)
    counts = dict.fromkeys(_LOOKS, 0)
    starts, ends = left.copy(), right.copy()
    for (i, j), customers in np.ndenumerate(table):
        if customers:
            how = _how(names[i], names[j], i, j)
            counts[how] += int(customers)
            top = starts[i] + (ends[j] - starts[i]) * _BEND
            ax.fill_between(_S, top, top + customers, linewidth=0, edgecolor="white", alpha=0.6, **_LOOKS[how])
            starts[i] += customers
            ends[j] += customers
    for x, side, held in ((0.0, left, table.sum(axis=1)), (1.0, right, table.sum(axis=0))):
        here = np.flatnonzero(held)
        ax.bar(np.full(len(here), x), held[here], bottom=side[here], width=0.02, color=style.INK)
        apart = _apart(side[here] + held[here] / 2, total * 0.75 / max(len(names), 8))
        for place, y in zip(here, apart, strict=True):
            ax.text(
                x + (0.03 if x else -0.03),
                y,
                f"{names[place]} {held[place]:,.0f}",
                ha="left" if x else "right",
                va="center",
                fontsize=style.SMALL,
                color=style.INK,
            )
    ax.set(xlim=(-0.75, 1.75), ylim=(total * (1 + _GAP * len(names)), -0.02 * total), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    patches = [
        Patch(label=f"{how} {n:,}", alpha=0.6, edgecolor="white", **_LOOKS[how]) for how, n in counts.items() if n
    ]
    style.legend(ax, "lower left", also=patches, columns=len(patches), above=True)
    return ax


def _ordered(of: str, names: Sequence[str]) -> list[str]:
    """Put what occurs into its order, the best first; what is not known comes later, newcomers and the gone last."""
    known = [*_BEST_FIRST[of], *sorted(set(names) - {*_BEST_FIRST[of], NEWCOMER, GONE}), NEWCOMER, GONE]
    return [name for name in known if name in set(names)]


def _how(before: str, after: str, i: int, j: int) -> str:
    if before == NEWCOMER:
        return "new"
    if after == GONE:
        return "gone"
    return "stayed" if i == j else "rose" if j < i else "fell"


def _stacked(held: FloatArray, total: float) -> FloatArray:
    """Return where each block begins, those of somebody a gap apart."""
    gaps = np.cumsum(held > 0) - 1
    starts: FloatArray = np.cumsum(held) - held + np.maximum(gaps, 0) * _GAP * total
    return starts


def _apart(places: FloatArray, least: float) -> FloatArray:
    """Move ascending places as little as needed for them to be `least` apart, on average where they were."""
    moved = places.copy()
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + least)
    back = places.copy()
    for i in range(len(back) - 2, -1, -1):
        back[i] = min(back[i], back[i + 1] - least)
    return (moved + back) / 2
