"""The likelihood of contracts renewed and lost by period, and the age t**c that survival depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from patron.models.maths.beta_fall import beta_fall, fall_derivatives
from patron.models.maths.fitter import Array, Derivatives, Optimum

_LOG_OLDEST: Final = 230.0
"""Of an age t**c; the squares of ages are still numbers."""
_LOG_LARGEST: Final = 700.0
"""Of a number of periods."""


def log_likelihood(t: Array, stayed: Array, lost: Array) -> Callable[[Array], Derivatives]:
    """Sum over periods t of stayed * log(1 - h) + lost * log h, h the share of those at risk that leaves.

    Parameters
    ----------
    t : ndarray, shape (n,)
        Periods, counted from 1.
    stayed, lost : ndarray, shape (n,)
        How many of those at risk renewed at the end of the period, and how many did not.

    Returns
    -------
    callable
        (alpha, beta) or (alpha, beta, c) to the log-likelihood, its gradient and its Hessian; level in c from
        `steepest` on.
    """
    most = steepest(t)
    log_before, log_after = np.log(np.maximum(t - 1, 1)), np.log(t)

    def evaluate(values: Array) -> Derivatives:
        size = len(values)
        alpha, beta, c = (*values, 1.0)[:3]
        level, c = c > most, min(c, most)
        before, step = age(t - 1, c), growth(t - 1, np.ones(1), c)
        after = before + step
        fallen, first, second = fall_derivatives(alpha, beta + before, step)
        moves = np.array([before * log_before, after * log_after]) * (not level)  # of age before and after, in c
        bends = moves * [log_before, log_after]
        slope = np.zeros((3, 3, len(t)))  # of alpha, b and x in alpha, beta and c
        slope[0, 0] = slope[1, 1] = 1.0
        slope[1, 2], slope[2, 2] = moves[0], moves[1] - moves[0]
        gradient = np.einsum("it,ijt->jt", first, slope)
        hessian = np.einsum("ikt,ijt,klt->jlt", second, slope, slope)
        hessian[2, 2] += first[1] * bends[0] + first[2] * (bends[1] - bends[0])
        gone = -np.expm1(-fallen)
        odds = (1 - gone) / gone
        pull = lost * odds - stayed
        f = float(lost @ np.log(gone) - stayed @ fallen)
        h = hessian @ pull - (gradient * (lost * odds * (1 + odds))) @ gradient.T
        return f, (gradient @ pull)[:size], h[:size, :size]

    return evaluate


def steepest(t: Array) -> float:
    """Return the c beyond which ages t**c are too great to work with."""
    return float(_LOG_OLDEST / np.log(max(t.max(), 2.0)))


def withheld(optimum: Optimum, start: Array, most: float) -> Optimum:
    """Withhold what the fit did not find: where it ended at no maximum, and c beyond `most`, which leaves alpha c."""
    params, known = optimum.params.copy(), np.diag(optimum.covariance) > 0
    if params[-1] > most and len(params) == 3:
        params[2], known[[0, 2]] = most, False
    course = np.where(params < start, -1, 1)
    edges = {int(i): optimum.edges.get(int(i), int(course[i])) for i in np.flatnonzero(~known)}
    covariance = np.where(np.outer(known, known), optimum.covariance, np.nan)
    return replace(optimum, params=params, covariance=covariance, edges=edges)


def fall(alpha: float, beta: float, c: float, t: Array, ahead: Array) -> Array:
    """-log of the probability to renew `ahead` times more after `t` renewals; both of a shape, or broadcast.

    beta_fall(alpha, beta + t**c, (t + ahead)**c - t**c); of ages too great to work with, alpha * their logarithm,
    which it becomes.
    """
    oldest = np.exp(min(_LOG_OLDEST / c, _LOG_LARGEST))
    t, ahead = np.broadcast_arrays(t, ahead)
    start = np.minimum(t, oldest)
    near = np.minimum(ahead, oldest - start)
    beyond = np.log1p((ahead - near) / np.maximum(t + near, 1.0))
    fallen: Array = beta_fall(alpha, beta + age(start, c), growth(start, near, c)) + alpha * c * beyond
    return fallen


def age(t: Array, c: float) -> Array:
    """t**c, 0 at 0."""
    aged: Array = np.where(t > 0, np.maximum(t, 1.0) ** c, 0.0)
    return aged


def growth(t: Array, ahead: Array, c: float) -> Array:
    """(t + ahead)**c - t**c, without the difference."""
    if c == 1:
        return np.broadcast_arrays(ahead, t)[0]
    started = np.maximum(t, 1.0)
    grown: Array = np.where(t > 0, started**c * np.expm1(c * np.log1p(ahead / started)), ahead**c)
    return grown
