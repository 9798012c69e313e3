"""The recipes of a backtest beside each other, each with its interval."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from patron._core.errors import DataError
from patron.metrics import CHURN_METRICS, VALUE_METRICS, Metric
from patron.plots import style
from patron.plots.arrays import need

METRICS: Final[dict[str, Metric]] = {**CHURN_METRICS, **VALUE_METRICS}
MONEY: Final = ("mae", "rmse", "rmse_no_top")
"""The metrics measured in the currency."""
BETTER: Final = {"low": "lower is better", "high": "higher is better", "one": "1 is unbiased"}


def ranked(table: pd.DataFrame, metric: str, population: str = "all") -> pd.DataFrame:
    """Return the rows of one metric and population on the report day, the last one, best first.

    Raises
    ------
    DataError
        A column is absent, or no such metric or population is in the table.
    """
    need(table, ("recipe", "as_of", "population", "metric", "value", "low", "high"), "the leaderboard")
    rows = table[(table["metric"] == metric) & (table["population"] == population)]
    if rows.empty or metric not in METRICS:
        raise DataError(
            f"the leaderboard holds no {metric!r} of population {population!r}",
            fix=f"one of the metrics {', '.join(METRICS)}; populations all, active",
        )
    today: pd.DataFrame = rows[rows["as_of"] == rows["as_of"].max()]
    return today.iloc[np.argsort(METRICS[metric].loss(today["value"].to_numpy()), kind="stable")]


def plot_leaderboard(
    table: pd.DataFrame,
    metric: str = "brier",
    population: str = "all",
    ax: Axes | None = None,
    *,
    champion: str | None = None,
    currency: str | None = None,
) -> Axes:
    """Draw the recipes on the report day, the best at the top, each with its interval.

    Parameters
    ----------
    table : pandas.DataFrame
        A backtest's table: recipe, as_of, population, metric, value, low, high (NaN: no interval).
        The last as_of is the report day.
    metric : str
        Which metric.
    population : {'all', 'active'}
        Of which customers.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure when left out.
    champion : str, optional
        The recipe to mark.
    currency : str, optional
        Written at the axis where the metric is an amount.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    DataError
        A column is absent, or no such metric or population is in the table.

    Examples
    --------
    >>> table = pd.DataFrame({"recipe": ["base_rate", "stack"], "as_of": "1998-03-31", "population": "all",
    ...     "metric": "brier", "value": [0.13, 0.10], "low": [0.12, 0.09], "high": [0.14, 0.11]})
    >>> [tick.get_text() for tick in plot_leaderboard(table, champion="stack").get_yticklabels()]
    ['stack (champion)', 'base_rate']
    """
    rows = ranked(table, metric, population)
    about = METRICS[metric]
    label = style.in_currency(about.label, currency) if metric in MONEY else about.label
    ax = style.canvas(ax, height=max(3.4, 1.1 + 0.38 * len(rows)))
    day = pd.Timestamp(rows["as_of"].iloc[0]).date().isoformat()
    style.dress(ax, title=f"Recipes on {day}", x=f"{label}: {BETTER[about.better]}", y="")
    ax.grid(visible=False, axis="y")
    if about.better == "one":
        ax.axvline(1.0, color=style.MUTED, linewidth=1, linestyle="--")
    names = [f"{name} (champion)" if name == champion else str(name) for name in rows["recipe"]]
    for place, (name, *numbers) in enumerate(
        zip(rows["recipe"], rows["value"], rows["low"], rows["high"], strict=True)
    ):
        value, low, high = map(float, numbers)
        best = name == champion
        colour = style.VERMILLION if best else style.BLUE
        ax.plot([low, high], [place, place], color=colour, linewidth=1.6, marker="|", markersize=8)
        ax.plot([value], [place], color=colour, marker="D" if best else "o", markersize=6 if best else 5)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", labelsize=style.TEXT, labelcolor=style.INK, length=0)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=5)
    return ax
