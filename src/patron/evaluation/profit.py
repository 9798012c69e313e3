"""What a retention campaign would have earned with each recipe's ranking, on each test day of a backtest of churn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.metrics.profit import Campaign, empb, profit_curve

FRACTIONS: Final = np.linspace(0, 1, 101)


def maximum_profit(result: Backtest, values: pd.Series[float], campaign: Campaign | None = None) -> pd.DataFrame:
    """Return the expected maximum profit of each recipe on each test day, with individual values.

    Parameters
    ----------
    result : Backtest
        Of churn.
    values : Series
        What each customer is worth if kept, as known at the as-of day, in major units; index (customer_id, as_of). The
        predictions of a backtest of value on the same days, times the margin, are such values.
    campaign : Campaign, optional
        Costs, and how likely the offer is accepted.

    Returns
    -------
    DataFrame
        recipe, as_of, profit (a customer of the base), fraction (of the base contacted for it), n.

    Raises
    ------
    ConfigError
        A backtest of value.
    DataError
        A customer without a value on a test day, with two, or with one below 0.

    Examples
    --------
    >>> made = {"recipe": "made", "as_of": pd.Timestamp("2024-01-31"), "customer_id": ["A", "B", "C"]}
    >>> churn = pd.DataFrame({**made, "prediction": [0.8, 0.5, 0.1], "actual": [1, 0, 1]})
    >>> values = pd.Series([200.0, 100.0, 0.0], churn.set_index(["customer_id", "as_of"]).index)
    >>> table = maximum_profit(Backtest.of("churn", 28, churn, np.ones(3, dtype=bool)), values)
    >>> table[["recipe", "profit", "fraction", "n"]].round(2)
      recipe  profit  fraction  n
    0   made   18.67      0.33  3
    """
    rows = [
        {**key, **empb(*columns, campaign)._asdict(), "n": len(np.asarray(columns[0]))}
        for key, columns in _ranked(result, values)
    ]
    return pd.DataFrame(rows, columns=["recipe", "as_of", "profit", "fraction", "n"])


def profit_by_fraction(result: Backtest, values: pd.Series[float], campaign: Campaign | None = None) -> pd.DataFrame:
    """Return what contacting each hundredth of the base earns, the highest risk first, by recipe and test day.

    Parameters
    ----------
    result, values, campaign
        As in `maximum_profit`.

    Returns
    -------
    DataFrame
        recipe, as_of, fraction, profit (a customer of the base, at the expected share who accept).

    Raises
    ------
    ConfigError, DataError
        As `maximum_profit`.
    """
    curves = [
        pd.DataFrame({**key, "fraction": FRACTIONS, "profit": profit_curve(*columns, FRACTIONS, campaign)})
        for key, columns in _ranked(result, values)
    ]
    return pd.concat(curves, ignore_index=True)


def _ranked(
    result: Backtest, values: pd.Series[float]
) -> Iterator[tuple[dict[str, Any], tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]]]:
    """Yield each recipe and day with actual, predicted and value of its customers."""
    if result.task != "churn":
        raise ConfigError("a campaign's profit is that of a ranking by churn", fix="backtest churn")
    if values.index.has_duplicates:
        again = values.index[values.index.duplicated()]
        raise DataError("two values of one customer on one day", column="value", count=len(again), example=again[0])
    for (recipe, day), rows in result.predictions.groupby(["recipe", "as_of"], sort=False):
        value = values.reindex(pd.MultiIndex.from_frame(rows[["customer_id", "as_of"]]))
        if value.isna().any():
            raise DataError(
                f"customers without a value on {day:%Y-%m-%d}",
                column="value",
                count=int(value.isna().sum()),
                example=value.index[value.isna()][0][0],
                fix="give each customer's value on every test day",
            )
        yield {"recipe": recipe, "as_of": day}, (rows["actual"], rows["prediction"], value)
