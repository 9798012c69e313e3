"""What every metric shares: checked arrays, groups of equal values, and NaN instead of a division by zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from patron._core.errors import DataError

FloatArray = npt.NDArray[np.float64]
Z95: Final = 1.959963984540054
"""Standard errors from the middle of a 95 % interval to its ends."""


def checked(
    actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return actual (n,), predicted (n,) and weights (n,) or (replicates, n) as floats; no weights are ones.

    Raises
    ------
    DataError
        For a wrong shape, unequal lengths, a value that is not finite, a negative weight.
    """
    y, p = _column("actual", actual), _column("predicted", predicted)
    if len(y) != len(p):
        raise DataError(
            f"actual has {len(y):,} values and predicted {len(p):,}", fix="give both for the same customers"
        )
    if weights is None:
        return y, p, np.ones(len(y))
    w = np.asarray(weights, dtype=float)
    if w.ndim not in (1, 2) or w.shape[-1] != len(y):
        raise DataError(f"weights of shape {w.shape} for {len(y):,} customers", fix="(n,) or (replicates, n)")
    if w.size and not w.min() >= 0:
        raise DataError("weights are counts: 0 or more", column="weights", count=int((~(w >= 0)).sum()))
    return y, p, w


def checked_labels(
    actual: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None, *, probability: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what `checked` does, having seen that actual is 0 or 1 and, if asked, predicted from 0 to 1.

    Raises
    ------
    DataError
        For what `checked` refuses, a label other than 0 and 1, a probability outside [0, 1].
    """
    y, p, w = checked(actual, predicted, weights)
    other = (y != 0) & (y != 1)
    if other.any():
        raise DataError(
            "a churn label is 0 or 1", column="actual", count=int(other.sum()), example=float(y[other.argmax()])
        )
    outside = (p < 0) | (p > 1)
    if probability and outside.any():
        raise DataError(
            "a probability lies between 0 and 1",
            column="predicted",
            count=int(outside.sum()),
            example=float(p[outside.argmax()]),
        )
    return y, p, w


def _column(name: str, values: npt.ArrayLike) -> FloatArray:
    try:
        column = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError("not numbers", column=name) from error
    if column.ndim != 1:
        raise DataError(f"an array of shape {column.shape}", column=name, fix="one value a customer")
    wrong = ~np.isfinite(column)
    if wrong.any():
        raise DataError(
            "missing or infinite", column=name, count=int(wrong.sum()), example=float(column[wrong.argmax()])
        )
    return column


def ratio(numerator: Any, denominator: Any) -> Any:
    """Divide; NaN where the denominator is 0."""
    denominator = np.asarray(denominator, dtype=float)
    out = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out if out.ndim else float(out)


def dot(a: FloatArray, b: FloatArray) -> Any:
    """Sum a (n,) or (replicates, n) times b (n,) over n; not by BLAS, whose threads cost more than such a sum."""
    return np.einsum("...n,n->...", a, b)[()]


def mean(values: FloatArray, weights: FloatArray) -> Any:
    """Mean of values (n,) under weights (n,) or (replicates, n); NaN of nothing."""
    return ratio(dot(weights, values), weights.sum(axis=-1))


def each(of_weights: Callable[[FloatArray], Any], weights: FloatArray) -> Any:
    """Return a float for weights (n,); for (replicates, n) an array with the result of each row."""
    return of_weights(weights) if weights.ndim == 1 else np.array([of_weights(row) for row in weights])


@dataclass(frozen=True)
class Groups:
    """Customers in ascending order of one value, equal values together, laid end to end on a line of weight.

    Customers with the same value are never put in an order: what is asked of a part of a group is its share of the
    group's sum.

    Attributes
    ----------
    group : int array (n,)
        Each customer's group, 0 for the lowest value.
    count : int
        How many groups there are.
    """

    group: npt.NDArray[np.intp]
    count: int

    @classmethod
    def by(cls, values: FloatArray) -> Groups:
        """Group customers by `values` (n,)."""
        levels, group = np.unique(values, return_inverse=True)
        return cls(group, len(levels))

    def sums(self, amounts: FloatArray) -> FloatArray:
        """Return the sum of amounts (n,) within each group."""
        return np.bincount(self.group, amounts, self.count).astype(float, copy=False)  # of nobody, integers

    def midranks(self, weights: FloatArray) -> FloatArray:
        """Return the middle of each group's stretch of the line: (rank - 1/2) of its customers, ties averaged."""
        weight = self.sums(weights)
        return np.cumsum(weight) - weight / 2

    def up_to(self, points: Any, amounts: FloatArray, weights: FloatArray) -> Any:
        """Return the sum of amounts (n,) up to points of the line; a group that is cut counts in part."""
        line, reached = (np.cumsum(np.append(0.0, self.sums(column))) for column in (weights, amounts))
        return np.interp(points, line, reached)

    def tenths(self, weights: FloatArray) -> FloatArray:
        """Return the part, 0 to 1, of each group in each tenth of the line: (10, groups)."""
        weight = self.sums(weights)
        high = np.cumsum(weight)
        cuts = tenths_of(weights.sum())[:, None]
        inside = np.minimum(high, cuts[1:]) - np.maximum(high - weight, cuts[:-1])
        part: FloatArray = np.maximum(inside, 0) / np.where(weight > 0, weight, 1)
        return part


def tenths_of(total: float) -> FloatArray:
    """Return the eleven points that cut 0 to `total` in ten."""
    return np.linspace(0, total, 11)
