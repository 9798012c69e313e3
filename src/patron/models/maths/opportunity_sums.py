"""Sums over discrete opportunities, in BG/BB: what a silence may mean, and the likelihood with its derivatives.

Every sum is of positive terms that grow from one opportunity to the next by a ratio below 1: no beta function is
ever differenced, and nothing cancels.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import logsumexp

from patron.models.maths.beta_fall import beta_fall
from patron.models.maths.fitter import Array, Derivatives, total
from patron.models.maths.gamma_poisson import more_than

CELLS: Final = 2**18
"""Rows times opportunities in a block."""


def silence(alpha: Array, beta: Array, gamma: float, delta: Array, steps: Array) -> tuple[Array, Array, Array]:
    """Return what has become, `steps` opportunities later, of customers alive now.

    Parameters
    ----------
    alpha, beta : ndarray, shape (n,)
        Of the beta distribution of buying at an opportunity.
    gamma, delta : float and ndarray, shape (n,)
        Of the beta distribution of leaving before it.
    steps : ndarray, shape (n,)
        Whole numbers.

    Returns
    -------
    bought, alive, gone : ndarray, shape (n,)
        P(at least one purchase), P(none, still alive), P(none, gone); their sum is 1.
    """
    i = np.arange(steps.max(initial=0.0))
    fails, stays = beta[:, None] + i, delta[:, None] + i
    chances, tempted = alpha[:, None] + fails, gamma + stays
    alive = np.ones((len(steps), len(i) + 1))
    np.cumprod(stays / tempted * (fails / chances), axis=1, out=alive[:, 1:])
    bought = _before(alive[:, :-1] * (stays / tempted) * (alpha[:, None] / chances))
    gone = _before(alive[:, :-1] * (gamma / tempted))
    at = steps.astype(np.int64)[:, None]
    bought, alive, gone = (np.take_along_axis(sums, at, axis=1)[:, 0] for sums in (bought, alive, gone))
    return bought, alive, gone


def count(n: int, alpha: Array, beta: Array, gamma: float, delta: Array, steps: int) -> Array:
    """P(n purchases at the next `steps` opportunities), n > 0, of customers alive now; parameters as in `silence`."""
    if n > steps:
        return np.zeros(len(alpha))
    i = np.arange(n, steps)
    fails, stays = beta[:, None] + (i - n), delta[:, None] + i
    ways = _before(np.log1p(n / (i + 1 - n)) - np.log1p((alpha[:, None] + n) / fails))
    stayed = _before(-np.log1p(gamma / stays))
    leaves = np.zeros_like(ways)
    leaves[:, :-1] = -np.log1p(stays / gamma)
    start = beta_fall(beta, alpha, n) + beta_fall(gamma, delta, n)
    values: Array = np.exp(logsumexp(ways + stayed + leaves, axis=1) - start)
    return values


def seen(values: Array, x: Array, t_x: Array, weight: Array) -> Derivatives:
    """Log of the probability of x purchases at t_x opportunities, in their order, alive throughout: summed over rows.

    For whole numbers each ratio of gammas is a product, sum_j N(x > j) log(alpha + j) and so on, and N a histogram.
    """
    alpha, beta, gamma, delta = values
    bought, missed, passed = (more_than(numbers, weight) for numbers in (x, t_x - x, t_x))
    return total(
        _products(alpha, [1, 0, 0, 0], bought),
        _products(beta, [0, 1, 0, 0], missed),
        _products(alpha + beta, [1, 1, 0, 0], -passed),
        _products(delta, [0, 0, 0, 1], passed),
        _products(gamma + delta, [0, 0, 1, 1], -passed),
    )


def unseen(values: Array, x: Array, t_x: Array, T: Array, weight: Array) -> Derivatives:
    """Log of the probability of no purchase between t_x and T, of customers alive at t_x: summed over rows.

    The probability is a sum over when they left: before the i-th opportunity of the silence, or not yet.
    """
    alpha, beta, gamma, delta = values
    steps = (T - t_x)[:, None]
    i = np.arange(steps.max(initial=0.0) + 1)
    gone, was = i < steps, np.s_[:, :-1]
    fails, stays = (beta + t_x - x)[:, None] + i, (delta + t_x)[:, None] + i
    by_chances, by_tempted = 1 / ((alpha + x)[:, None] + fails), 1 / (gamma + stays)
    log_term = np.where(gone, np.log(gamma * by_tempted), np.where(i > steps, -np.inf, 0.0))
    log_term -= _before(np.log1p((alpha + x)[:, None] / fails[was]) + np.log1p(gamma / stays[was]))
    top = log_term.max(axis=1)
    share = np.exp(log_term - top[:, None])
    mass = share.sum(axis=1)
    log_sum = top + np.log(mass)
    share /= mass[:, None]

    slope = np.empty((4, *share.shape))
    slope[0] = -_before(by_chances[was])
    slope[1] = _before(((alpha + x)[:, None] / fails * by_chances)[was])
    slope[2] = gone * (stays / gamma * by_tempted) - _before(by_tempted[was])
    slope[3] = _before((gamma / stays * by_tempted)[was]) - gone * by_tempted
    mean = np.einsum("ank,nk->an", slope, share)

    share *= weight[:, None]
    later = share[:, :0:-1].cumsum(axis=1)[:, ::-1]  # of leaving after each opportunity
    left = share * gone
    by_alpha, by_beta = np.vdot(by_chances[was] ** 2, later), np.vdot(fails[was] ** -2.0, later)
    by_both = np.vdot(by_tempted[was] ** 2, later) + np.vdot(by_tempted**2, left)
    by_gamma, by_delta = left.sum() / gamma**2, np.vdot(stays[was] ** -2.0, later)
    flat = slope.reshape(4, -1)
    h = (flat * share.ravel()) @ flat.T - (mean * weight) @ mean.T
    h[:2, :2] += [[by_alpha, by_alpha], [by_alpha, by_alpha - by_beta]]
    h[2:, 2:] += [[by_both - by_gamma, by_both], [by_both, by_both - by_delta]]
    return float(weight @ log_sum), mean @ weight, h


def _before(terms: Array) -> Array:
    """Sum over all earlier opportunities, none at the first: one column more."""
    sums = np.zeros((terms.shape[0], terms.shape[1] + 1))
    np.cumsum(terms, axis=1, out=sums[:, 1:])
    return sums


def _products(z: float, parts: list[int], times: Array) -> Derivatives:
    """Sum over j of times_j log(z + j), z the sum of the parameters that have a part, and its derivatives in these."""
    place, each = np.array(parts, dtype=np.float64), 1 / (z + np.arange(len(times)))
    return -float(times @ np.log(each)), (times @ each) * place, -(times @ each**2) * np.outer(place, place)
