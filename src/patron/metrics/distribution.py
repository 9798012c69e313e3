"""Metrics of a predicted distribution: whether outcomes fall where it says, and how sharp it is.

The functions take weights as those of `patron.metrics.value` do: counts, (n,) or (replicates, n). A metric of no
customers is NaN; `DataError` for unequal lengths and values that are not finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from patron._core.errors import DataError
from patron.metrics.arrays import FloatArray, checked, mean


def pinball(actual: npt.ArrayLike, predicted: npt.ArrayLike, q: float, weights: npt.ArrayLike | None = None) -> Any:
    """Return the mean quantile loss of predicted `q` quantiles: the lowest for the true ones.

    Parameters
    ----------
    actual, predicted : arrays of shape (n,)
        What came, and its predicted quantile, in one currency.
    q : float
        Between 0 and 1; .5 gives half the mean absolute error.
    weights : array of shape (n,) or (replicates, n), optional

    Notes
    -----
    max(q (y - z), (q - 1) (y - z)) of outcome y and quantile z; its mean over all q is half the continuous ranked
    probability score.

    References
    ----------
    Koenker & Bassett 1978, Regression quantiles; Gneiting & Raftery 2007, Strictly proper scoring rules.

    Examples
    --------
    >>> pinball([10, 0], [0, 10], 0.75)
    5.0
    """
    if not 0 < q < 1:
        raise DataError("a quantile's level lies between 0 and 1", column="q", example=q)
    y, z, w = checked(actual, predicted, weights)
    return mean(np.maximum(q * (y - z), (q - 1) * (y - z)), w)


def coverage(
    actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Any:
    """Return the share of outcomes from `low` to `high`, both included; the ends are (n,) or one number.

    Where many spend exactly nothing an interval from 0 holds more than it promises: ask it of the randomised PIT,
    ``coverage(pit, 0.05, 0.95)``.

    Examples
    --------
    >>> coverage([0, 5, 20], 0, [4, 10, 10])
    0.6666666666666666
    """
    n = np.shape(actual)
    y, a, w = checked(actual, np.broadcast_to(low, n), weights)
    _, b, _ = checked(actual, np.broadcast_to(high, n), None)
    return mean(((a <= y) & (y <= b)).astype(float), w)


def randomised_pit(below: npt.ArrayLike, at: npt.ArrayLike, uniform: npt.ArrayLike) -> FloatArray:
    """Return F(y-) + u (F(y) - F(y-)): uniform on 0 to 1 if F is the outcome's distribution, steps and all.

    Parameters
    ----------
    below, at : arrays of shape (n,)
        The predicted probability of less than the outcome, and of at most the outcome.
    uniform : array of shape (n,)
        Draws from 0 to 1, independent of everything else.

    References
    ----------
    Smith 1985, Diagnostic checks of non-standard time series models; Czado, Gneiting & Held 2009, Predictive model
    assessment for count data.

    Examples
    --------
    >>> randomised_pit([0.0, 0.7], [0.6, 0.7], [0.5, 0.5])
    array([0.3, 0.7])
    """
    low, high = np.asarray(below, dtype=float), np.asarray(at, dtype=float)
    pit: FloatArray = low + np.asarray(uniform, dtype=float) * (high - low)
    return pit
