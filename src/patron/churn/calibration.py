"""Calibration of churn: a straight line in log-odds, fitted out of time and kept only if it helps on other days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from patron.boosting import Array, HeldOut
from patron.metrics.arrays import Z95

NOISE: Final = Z95
"""Standard errors of the gain that are noise: a gain within its 95 % interval of 0 is none."""


@dataclass(frozen=True)
class Calibration:
    """logit P(churned) = intercept + slope * margin.

    Attributes
    ----------
    intercept, slope : float
        0 and 1, which change nothing, where no calibration is kept; the slope is never negative.
    reason : str
        What was tried and kept, with the log losses without and with it.

    References
    ----------
    Platt 1999, Probabilistic outputs for support vector machines.

    Examples
    --------
    >>> Calibration(intercept=-0.5, slope=1.0).probability(np.array([0.5]))
    array([0.5])
    """

    intercept: float = 0.0
    slope: float = 1.0
    reason: str = "not tried"

    def probability(self, margin: Array) -> Array:
        """Churn probability, shape (n,)."""
        probability: Array = expit(self.intercept + self.slope * margin)
        return probability


def judged(earlier: HeldOut, latest: HeldOut) -> Calibration:
    """Fit on each of two days held out, judge on the other, and fit on both if both times it helped beyond noise.

    One direction alone is not enough: a month in which everybody buys less passes for a miscalibration, which the next
    month does not have.
    """
    days = [_table(latest), _table(earlier)]
    trials = [_trial(_fitted(days[1]), days[0]), _trial(_fitted(days[0]), days[1])]
    losses = [f"{before:.5f} as it is and {after:.5f} calibrated on the other" for before, after, _ in trials]
    found = f"log loss out of time: of the latest day {losses[0]}, of an earlier one {losses[1]}"
    if not all(helped for *_, helped in trials):
        return Calibration(reason=f"not kept, no gain beyond noise on both days; {found}")
    return replace(_fitted(np.vstack(days)), reason=f"kept, a gain beyond noise on both days; {found}")


def _table(held: HeldOut) -> Array:
    """Return margin, outcome and weight of each row, shape (n, 3)."""
    weight = np.ones(len(held.rows)) if held.rows.weight is None else held.rows.weight
    return np.column_stack([held.margin, held.rows.outcome, weight])


def _fitted(day: Array) -> Calibration:
    margin, outcome, weight = day.T
    model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(margin[:, None], outcome, weight)
    slope = float(model.coef_[0, 0])
    if slope < 0:  # the likelihood is concave: within the bound its maximum is where the bound binds
        return Calibration(float(logit(np.average(outcome, weights=weight))), 0.0)
    return Calibration(float(model.intercept_[0]), slope)


def _trial(line: Calibration, day: Array) -> tuple[float, float, bool]:
    """Return a day's mean log loss without and with the line, and whether that gains more than noise.

    A day has one row a customer, so the gain's noise is the standard error of a mean over rows.
    """
    margin, outcome, weight = day.T
    calibrated = line.intercept + line.slope * margin
    before, after = (np.logaddexp(0.0, m) - outcome * m for m in (margin, calibrated))
    gain = np.average(before - after, weights=weight)
    error = np.sqrt(((weight * (before - after - gain)) ** 2).sum()) / weight.sum()
    means = np.average([before, after], axis=1, weights=weight)
    return float(means[0]), float(means[1]), bool(gain > NOISE * error)
