"""Metrics of predicted spend: whether the total is right, how close each customer is, how well it ranks.

Every metric is `f(actual, predicted, weights=None)`.

- actual (n,) and predicted (n,) are amounts of one currency over the horizon, one entry a customer.
- weights (n,) are counts: a weight of 2 is the row twice. Weights (replicates, n) give an array with one result
  a row, which is how the bootstrap asks.
- Customers with equal values are never put in an order: they share what falls on them.
- A metric that does not exist for the sample is NaN: all of them for no customers; `bias` and `decile_wape` where
  nothing was spent; `gini` where all spent the same; `spearman` where that holds or all predictions are the same;
  `rmse_no_top` for a single customer.
- `DataError` for unequal lengths and values that are not finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from patron.metrics.arrays import FloatArray, Groups, checked, dot, each, mean, ratio, tenths_of


def bias(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the total predicted over the total that was spent: 1 is right, 1.1 is ten per cent too much.

    Examples
    --------
    >>> bias([10, 30], [20, 30])
    1.25
    """
    y, p, w = checked(actual, predicted, weights)
    return ratio(dot(w, p), dot(w, y))


def mae(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the mean absolute error; where most customers buy nothing, predicting nothing does well by it.

    Examples
    --------
    >>> mae([10, 30], [20, 30])
    5.0
    """
    y, p, w = checked(actual, predicted, weights)
    return mean(np.abs(y - p), w)


def rmse(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the root of the mean squared error.

    Examples
    --------
    >>> rmse([0, 3, 4], [0, 0, 0]) == (25 / 3) ** 0.5
    True
    """
    y, p, w = checked(actual, predicted, weights)
    return mean((y - p) ** 2, w) ** 0.5


def rmse_no_top(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the RMSE without the .1 % of customers who spent most, rounded up: at least one.

    Examples
    --------
    >>> rmse_no_top([10, 10, 5_000], [11, 9, 100])
    1.0
    """
    y, p, w = checked(actual, predicted, weights)
    groups = Groups.by(y)

    def one(w: FloatArray) -> Any:
        kept = w.sum() - np.ceil(w.sum() / 1_000)
        return ratio(groups.up_to(kept, w * (y - p) ** 2, w), kept)

    return each(one, w) ** 0.5


def spearman(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return Spearman's rank correlation, ties at their average rank.

    Examples
    --------
    >>> spearman([1, 2, 3], [10, 20, 15])
    0.5
    """
    y, p, w = checked(actual, predicted, weights)
    by_actual, by_prediction = Groups.by(y), Groups.by(p)

    def one(w: FloatArray) -> Any:
        a, b = ((groups.midranks(w) - w.sum() / 2).take(groups.group) for groups in (by_actual, by_prediction))
        return ratio(dot(w, a * b), np.sqrt(dot(w, a * a) * dot(w, b * b)))

    return each(one, w)


def gini(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the normalised Gini: 1 for the order of what was spent, 0 for no order, -1 for the reverse.

    Notes
    -----
    The Gini index of spend along an order is proportional to the covariance of spend with the rank in that order, so
    the normalised one is cov(y, rank of prediction) / cov(y, rank of y), ties at their average rank. For labels
    0 and 1 it is 2 AUC - 1.

    Examples
    --------
    >>> gini([0, 0, 30, 10], [1, 2, 9, 7])
    1.0
    >>> gini([0, 0, 30, 10], [5, 5, 5, 5])
    0.0
    """
    y, p, w = checked(actual, predicted, weights)
    by_actual, by_prediction = Groups.by(y), Groups.by(p)

    def one(w: FloatArray) -> Any:
        spent, half = w * y, w.sum() / 2
        along_prediction, along_actual = (
            dot(groups.sums(spent), groups.midranks(w) - half) for groups in (by_prediction, by_actual)
        )
        return ratio(along_prediction, along_actual)

    return each(one, w)


def decile_wape(actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Any:
    """Return the error of the totals of ten groups over the total spent.

    Notes
    -----
    The groups are tenths of the customers in order of the prediction: sum over groups of abs(predicted total - actual
    total), divided by the total spent. Customers with equal predictions are spread evenly over the groups they span.

    Examples
    --------
    >>> decile_wape([10, 30], [20, 30])
    0.25
    """
    y, p, w = checked(actual, predicted, weights)
    groups = Groups.by(p)

    def one(w: FloatArray) -> Any:
        gaps = np.diff(groups.up_to(tenths_of(w.sum()), w * (y - p), w))
        return ratio(np.abs(gaps).sum(), dot(w, y))

    return each(one, w)
