"""Sums of survival ahead, discounted by period: up to a horizon, and for ever without being cut off anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from patron.models.maths.fitter import Array

Fall = Callable[[Array, Any], Array]
"""Renewals survived and renewals ahead -> -log of the probability to survive these too."""

_FAR: Final = 2000
_GREGORY: Final = np.array([1 / 2, -1 / 12, 1 / 24, -19 / 720, 3 / 160, -863 / 60480])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_GONE: Final = 1e-20
_END: Final = 1e290


def sum_ahead(fall: Fall, renewals: Array, horizon: int, rate: float) -> Array:
    """Return the expected renewals among the next `horizon`, the k-th discounted by exp(-rate (k - 1)).

    Parameters
    ----------
    fall : callable
        The model's.
    renewals : ndarray of float, shape (n,)
        Survived so far.
    horizon : int
        How many renewals fall due.
    rate : float
        Continuous discount rate a period.
    """
    if not len(renewals):
        return np.zeros(0)
    steps = fall(np.arange(renewals.max() + horizon), 1)
    at = renewals.astype(np.int64)
    fallen, value = np.zeros(len(at)), np.zeros(len(at))
    for k in range(horizon):
        fallen += steps[at + k]
        value += np.exp(-fallen - rate * k)
    return value


def sum_for_ever(fall: Fall, renewals: Array, rate: float, power: float) -> Array:
    """Return the expected renewals to come, discounted like `sum_ahead`; finite for rate > 0 or power > 1.

    One backward recursion, L(t) = p(t) (1 + exp(-rate) L(t + 1)), p the probability to renew, starts far beyond the
    last customer. There survival is smooth, and its sum an integral with Gregory's corrections.

    Parameters
    ----------
    fall, renewals, rate
        As in `sum_ahead`.
    power : float
        Survival falls as t**-power in the end.
    """
    if not len(renewals):
        return np.zeros(0)
    last = int(renewals.max()) + _FAR
    renews = np.exp(-fall(np.arange(last, dtype=np.float64), 1))
    fade = np.exp(-rate)
    value = _from(fall, float(last), rate, power)
    values = np.empty(last)
    for t in range(last - 1, -1, -1):
        value = values[t] = renews[t] * (1 + fade * value)
    return values[renewals.astype(np.int64)]


def _from(fall: Fall, t: float, rate: float, power: float) -> float:
    """Return the sum for ever of a customer of t renewals, t large."""
    start = np.array([t])

    def survival(ahead: Array) -> Array:
        value: Array = np.exp(-fall(start, ahead) - rate * ahead)
        return value

    scale = 1 / (rate + float(fall(start, 1)[0]) + 1 / t)
    grid = np.arange(1.0, np.log(_END / scale))
    left = survival(scale * np.expm1(grid)) * np.exp(grid)
    gone = left < _GONE
    longest = float(grid[np.argmax(gone)] if gone.any() else grid[-1])
    y = np.arange(longest)[:, None] + (1 + _NODES) / 2
    integral = float((survival(scale * np.expm1(y)) * scale * np.exp(y) * _WEIGHTS).sum() / 2)
    if not gone.any():  # from here on a power of time
        end = scale * np.expm1(longest)
        integral += float(survival(np.array([end]))[0]) * (t + end) / (power - 1)
    near = survival(np.arange(6.0))
    differences = np.array([np.diff(near, n)[0] for n in range(6)])
    return float((integral + _GREGORY @ differences - 1) * np.exp(rate))
