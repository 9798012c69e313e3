"""What customers spend around a recipe's prediction, learned from what came of earlier predictions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from patron._core.errors import DataError, FitError
from patron.metrics.arrays import FloatArray, checked
from patron.metrics.distribution import randomised_pit

NEAR: Final = 5
"""A neighbourhood of n customers is NEAR sqrt(n) of them, at least LEAST: sharper and less noisy the more there are."""
LEAST: Final = 100
SHIFT: Final = 0.1
"""Of the mean prediction, added before spend is divided by it: a prediction of 0 has a distribution too."""
LEVELS: Final = np.concatenate(([0.0, 0.01, 0.02], np.arange(1, 20) / 20, [0.97, 0.98, 0.99, 0.995, 1.0]))
MISS: Final = 0.1
"""What a total is taken to miss by before any is seen, with the weight of one day."""
DRAWS: Final = 10_000


@dataclass(frozen=True, eq=False)
class Spread:
    """The distribution of spend given its prediction; any recipe's, row by row.

    Attributes
    ----------
    shift : float
        Added to a prediction before spend is divided by it.
    knots : float array (k,)
        Mean predictions of the neighbourhoods, ascending.
    silent : float array (k,)
        Share that spends nothing.
    ratios : float array (k, len(LEVELS))
        Quantiles of spend / (prediction + shift) among those who spend.
    variance : float array (k,)
        Variance of that ratio among all.
    drift : float
        By how much, in logarithms, totals miss.
    freedom : int
        How much is known of that: degrees of freedom.

    Notes
    -----
    The n customers of earlier, closed days are put in order of their prediction. Overlapping neighbourhoods of
    5 sqrt(n) of them give, each, the share that spends nothing and the quantiles of spend relative to the prediction
    among the others. Between the neighbourhoods' mean predictions both are interpolated; beyond the outermost they
    stay, so twice the highest prediction has about twice its quantiles. Equal predictions are never parted.

    Examples
    --------
    >>> predicted = np.repeat([10.0, 40.0], 500)
    >>> actual = predicted * np.tile([0, 0, 1, 2], 250)
    >>> Spread.fit(predicted, actual).quantiles([10, 40, 80], [0.25, 0.75]).round()
    array([[  0.,  15.],
           [  0.,  60.],
           [  0., 116.]])
    """

    shift: float
    knots: FloatArray
    silent: FloatArray
    ratios: FloatArray
    variance: FloatArray
    drift: float
    freedom: int

    @classmethod
    def fit(cls, predicted: npt.ArrayLike, actual: npt.ArrayLike, day: npt.ArrayLike | None = None) -> Self:
        """Learn from predictions whose outcome is known.

        Parameters
        ----------
        predicted, actual : arrays of shape (n,)
            Predicted spend, 0 or more, and what came, of one horizon and currency.
        day : array of shape (n,), optional
            The as-of day of each row; all one day when left out. More days tell how far totals miss together.

        Raises
        ------
        DataError
            No rows, unequal lengths, a value that is not finite, a negative prediction.
        FitError
            On some day nobody spends or nothing is predicted.
        """
        y, p = checked(actual, _amounts(predicted), None)[:2]
        if len(p) == 0:
            raise DataError("no predictions to learn from", fix="give those of an earlier, closed day")
        missed = _missed(p, y, np.zeros(len(p)) if day is None else np.asarray(day))
        freedom = 1 + len(missed)
        order = np.argsort(p, kind="stable")
        p, y = p[order], y[order]
        shift = SHIFT * float(p.mean())
        ratio, spends = y / (p + shift), y > 0
        known, everybody = [slice(*ends) for ends in _neighbourhoods(p)], np.quantile(ratio[spends], LEVELS)
        return cls(
            shift,
            np.array([p[near].mean() for near in known]),
            np.array([1 - spends[near].mean() for near in known]),
            np.array([_quantiles(ratio[near][spends[near]], everybody) for near in known]),
            np.array([ratio[near].var() for near in known]),
            float(np.sqrt((MISS**2 + (missed**2).sum()) / freedom)),
            freedom,
        )

    def quantiles(self, predicted: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
        """Return quantiles of what each customer will spend.

        Parameters
        ----------
        predicted : array of shape (n,)
            Predicted spend.
        q : float or array of shape (m,)
            Levels, 0 to 1.

        Returns
        -------
        float array (n,), or (n, m) for an array of levels
            Rising with q; a customer alone gets what the base gives.

        Raises
        ------
        DataError
            A prediction that is negative or not finite, a level outside 0 to 1.
        """
        levels = np.asarray(q, dtype=float)
        if not ((levels >= 0) & (levels <= 1)).all():
            raise DataError("a quantile's level lies between 0 and 1", column="q", example=levels.min())
        silent, amounts = self._at(_amounts(predicted))
        columns = [
            np.where(
                level <= silent, 0.0, _along((level - silent) / np.maximum(1 - silent, 1e-12), LEVELS[:, None], amounts)
            )
            for level in levels.reshape(-1)
        ]
        return np.stack(columns, axis=-1).reshape(*silent.shape, *levels.shape)

    def pit(self, predicted: npt.ArrayLike, actual: npt.ArrayLike, uniform: npt.ArrayLike) -> FloatArray:
        """Return the randomised probability integral transform of what came, float array (n,).

        Parameters
        ----------
        predicted, actual : arrays of shape (n,)
        uniform : array of shape (n,)
            Independent draws from 0 to 1, which spread those who spend nothing over the share foreseen for them.
        """
        y, p = checked(actual, _amounts(predicted), None)[:2]
        silent, amounts = self._at(p)
        at = silent + (1 - silent) * np.where(y > 0, _along(y, amounts, LEVELS[:, None]), 0.0)
        return randomised_pit(np.where(y > 0, at, 0.0), at, uniform)

    def total(self, predicted: npt.ArrayLike, level: float = 0.9, seed: int = 0) -> tuple[float, float]:
        """Return the bounds that hold the total of these customers with probability `level`.

        Parameters
        ----------
        predicted : array of shape (n,)
            Predicted spend of the customers that are summed, a few dozen or more.
        level : float
            Between 0 and 1.
        seed : int
            Of the simulation.

        Raises
        ------
        DataError
            A prediction that is negative or not finite, a level outside 0 to 1.

        Notes
        -----
        Two things miss: each customer alone, and all together, as when a season is better than foreseen. The sum of the
        former is drawn from the gamma distribution with its mean, the predicted total, and its variance. The latter
        multiplies it by exp(drift t), where drift squared is the mean of log(actual / predicted)^2 of the totals of the
        days fitted on and of an imagined one that misses by 10 %, and t is Student's with a degree of freedom for each:
        the posterior predictive under that prior. The noise of those days' totals is in the drift too, so the bounds
        are wide rather than narrow; that their customers overlap is not known to it.
        """
        if not 0 < level < 1:
            raise DataError("a probability between 0 and 1", column="level", example=level)
        p = _amounts(predicted)
        mean, variance = p.sum(), (np.interp(p, self.knots, self.variance) * (p + self.shift) ** 2).sum()
        random = np.random.default_rng(seed)
        alone = random.gamma(mean**2 / variance, variance / mean, DRAWS) if mean > 0 and variance > 0 else mean
        together = np.exp(self.drift * random.standard_t(self.freedom, DRAWS))
        low, high = np.quantile(alone * together, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, from which `from_dict` builds the same spread."""
        return {f.name: np.asarray(getattr(self, f.name)).tolist() for f in fields(self)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Build from `to_dict`."""
        made: dict[str, Any] = {k: np.array(held) if isinstance(held, list) else held for k, held in content.items()}
        return cls(**made)

    def _at(self, predicted: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each row's share that spends nothing (n,) and the others' amounts at LEVELS, (len(LEVELS), n)."""
        silent = np.interp(predicted, self.knots, self.silent)
        ratios = np.array([np.interp(predicted, self.knots, column) for column in self.ratios.T])
        return silent, ratios * (predicted + self.shift)


def _amounts(predicted: npt.ArrayLike) -> FloatArray:
    """Return predictions (n,) as floats, refusing what is no amount to be spent."""
    p = checked(np.zeros(np.shape(predicted)), predicted, None)[1]
    if (p < 0).any():
        raise DataError(
            "predicted spend is 0 or more", column="predicted", count=int((p < 0).sum()), example=float(p.min())
        )
    return p


def _missed(predicted: FloatArray, actual: FloatArray, day: npt.NDArray[Any]) -> FloatArray:
    """Return log(actual / predicted) of each day's total."""
    if len(day) != len(actual):
        raise DataError(f"{len(day):,} days for {len(actual):,} predictions", column="day", fix="give each row its day")
    where = np.unique(day, return_inverse=True)[1]
    totals = np.array([np.bincount(where, column) for column in (actual, predicted)])
    if not (totals > 0).all():
        raise FitError("nobody spends, or nothing is predicted, on a day to learn from", fix="other test days")
    missed: FloatArray = np.log(totals[0] / totals[1])
    return missed


def _neighbourhoods(predicted: FloatArray) -> list[tuple[int, int]]:
    """Return first and past-the-last row of each neighbourhood of rows in order of `predicted`, half overlapping.

    One that would cut a group of equal predictions leaves the group out, or takes all of it if too few would remain.
    """
    n = len(predicted)
    size = min(n, max(LEAST, round(NEAR * n**0.5)))
    low = np.round(np.linspace(0, n - size, max(1, -(-2 * n // size) - 1))).astype(int)
    high = low + size
    edges = np.concatenate(([0], np.flatnonzero(np.diff(predicted)) + 1, [n]))
    inner = edges[np.searchsorted(edges, low)], edges[np.searchsorted(edges, high, side="right") - 1]
    outer = edges[np.searchsorted(edges, low, side="right") - 1], edges[np.searchsorted(edges, high)]
    ends = np.where(2 * (inner[1] - inner[0]) >= size, inner, outer).T
    return [(first, end) for first, end in np.unique(ends, axis=0).tolist()]


def _quantiles(ratios: FloatArray, everybody: FloatArray) -> FloatArray:
    return np.quantile(ratios, LEVELS) if len(ratios) else everybody


def _along(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Interpolate x (n,), each in its column: from xs, ascending, to ys, both (m, n) or (m, 1); constant beyond."""
    xs, ys = np.broadcast_arrays(xs, ys)
    left = np.clip((xs <= x).sum(axis=0) - 1, 0, len(xs) - 2)[None]
    x0, x1, y0, y1 = (np.take_along_axis(a, left + k, 0)[0] for a in (xs, ys) for k in (0, 1))
    part = np.divide(x - x0, x1 - x0, out=np.ones(len(x)), where=x1 > x0)
    along: FloatArray = y0 + np.clip(part, 0.0, 1.0) * (y1 - y0)
    return along
