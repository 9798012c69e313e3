"""Predictive intervals of spend, fitted on a backtest's earlier days and judged on its last."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.metrics.arrays import FloatArray, Groups
from patron.metrics.distribution import coverage, pinball
from patron.value.spread import Spread

LEVELS: Final = np.arange(1, 20) / 20
"""The quantiles whose mean pinball loss is told: .05 to .95."""


def fit_spread(result: Backtest, recipe: str, known: pd.Timestamp | None = None) -> Spread:
    """Learn what customers spend around a recipe's predictions.

    Parameters
    ----------
    result : Backtest
        Of value.
    recipe : str
        One that took part.
    known : Timestamp, optional
        The last day observed: only test days whose window closed by then are used. All of them when left out, as for
        scores made after the backtest.

    Returns
    -------
    Spread

    Raises
    ------
    ConfigError
        A backtest of churn, or a recipe that took no part.
    DataError
        No test day's window closed by `known`.
    """
    rows = _rows(result, recipe, known)
    return Spread.fit(rows["prediction"], rows["actual"], rows["as_of"])


def intervals(result: Backtest, recipe: str, *, day: Day | None = None, seed: int = 0) -> pd.DataFrame:
    """Judge the predictive distribution of a recipe's spend on one test day, by what had come by then.

    Parameters
    ----------
    result : Backtest
        Of value; at least one test day's window must have closed by the day that is judged.
    recipe : str
        One that took part.
    day : day, optional
        The test day to judge; the last, which reports, when left out.
    seed : int
        Of the randomised PIT.

    Returns
    -------
    DataFrame
        One row a population, `all` and `decile 1` to `decile 10` of the prediction, the highest last; equal predictions
        are in one decile. Columns: population, n; covered, the share of the randomised PIT from .05 to .95, .90 if the
        distribution is right; pinball, the mean loss over the quantiles .05 to .95; pinball_constant, that of quantiles
        constant within each decile, fitted on the same days.

    Raises
    ------
    ConfigError, DataError
        As `fit_spread`.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> predicted = random.gamma(2.0, 10.0, 2_000)
    >>> made = {"recipe": "made", "customer_id": np.tile(np.arange(1_000), 2), "prediction": predicted}
    >>> days = pd.to_datetime(["2024-01-31", "2024-02-29"]).repeat(1_000)
    >>> made |= {"as_of": days, "actual": random.exponential(predicted)}
    >>> result = Backtest.of("value", 28, pd.DataFrame(made), np.ones(2_000, dtype=bool))
    >>> intervals(result, "made").round(2).loc[[0, 10], ["population", "n", "covered"]]
       population     n  covered
    0         all  1000     0.91
    10  decile 10   100     0.94
    """
    judged = result.report_day if day is None else pd.Timestamp(date_of(day_number(day)))
    earlier, spread = _rows(result, recipe, judged), fit_spread(result, recipe, judged)
    rows = _rows(result, recipe)
    test = rows[rows["as_of"] == judged]
    if test.empty:
        raise ConfigError("not a test day", column="day", example=f"{judged:%Y-%m-%d}", fix="one of the backtest's")
    actual, predicted = (test[name].to_numpy(dtype=float) for name in ("actual", "prediction"))
    pit = spread.pit(predicted, actual, np.random.default_rng(seed).uniform(size=len(test)))
    ours = spread.quantiles(predicted, LEVELS)
    constant = _constant(earlier, predicted)
    decile = _deciles(predicted)
    populations = {"all": decile > 0, **{f"decile {k}": decile == k for k in range(1, 11)}}
    return pd.DataFrame(
        [
            {
                "population": name,
                "n": int(who.sum()),
                "covered": coverage(pit[who], 0.05, 0.95),
                "pinball": _loss(actual[who], ours[who]),
                "pinball_constant": _loss(actual[who], constant[who]),
            }
            for name, who in populations.items()
        ]
    )


def _rows(result: Backtest, recipe: str, known: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return a recipe's predictions, of the days whose window had closed by `known`."""
    if result.task != "value" or recipe not in result.recipes:
        raise ConfigError(
            f"no predictions of spend by {recipe!r} in this backtest of {result.task}",
            fix="backtest value with this recipe" if result.task != "value" else f"one of {', '.join(result.recipes)}",
        )
    rows = result.predictions[result.predictions["recipe"] == recipe]
    if known is None:
        return rows
    last = known - pd.Timedelta(days=result.horizon)
    if rows["as_of"].min() > last:
        raise DataError(
            f"no test day whose window of {result.horizon} days closed by {known:%Y-%m-%d}",
            column="as_of",
            fix=f"test on {last:%Y-%m-%d} or earlier too",
        )
    return rows[rows["as_of"] <= last]


def _deciles(predicted: FloatArray) -> npt.NDArray[np.intp]:
    """Return 1 to 10, the highest predictions 10; equal ones in the decile of their middle."""
    groups, ones = Groups.by(predicted), np.ones(len(predicted))
    decile: npt.NDArray[np.intp] = 1 + (10 * groups.midranks(ones) / len(ones)).astype(np.intp)[groups.group]
    return decile


def _constant(earlier: pd.DataFrame, predicted: FloatArray) -> FloatArray:
    """Return quantiles of what was spent in each decile of earlier predictions, for who would have been in it."""
    before, spent = (earlier[name].to_numpy(dtype=float) for name in ("prediction", "actual"))
    cuts = np.unique(np.quantile(before, np.arange(1, 10) / 10))
    of, to = (np.searchsorted(cuts, column, side="left") for column in (before, predicted))
    quantiles = [np.quantile(spent[of == k] if (of == k).any() else spent, LEVELS) for k in range(len(cuts) + 1)]
    return np.array(quantiles)[to]


def _loss(actual: FloatArray, quantiles: FloatArray) -> float:
    return float(np.mean([pinball(actual, column, q) for column, q in zip(quantiles.T, LEVELS, strict=True)]))
