"""The silence of a Pareto/NBD customer - no purchase for a time, alive or gone - by quadrature; nothing is subtracted.

Purchases at lambda ~ Gamma(k, A), departure at mu ~ Gamma(s, B), both from now on. With y the time of departure,

lives = (A/(A+t))**k (B/(B+t))**s,   gone = s * integral of (A/(A+y))**k (B/(B+y))**s dy/(B+y) over [0, t].

The likelihood, P(alive) and P(no purchase) are these two, seen from the last purchase or from now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from patron.models.maths.fitter import Array, Derivatives, total
from patron.models.maths.gamma_poisson import log_count

BLOCK: Final = 1024
"""Rows a block: their nodes stay in the second-level cache."""

_GONE: Final = 38.0
"""exp(-38): where the integrand has fallen so far, it is cut."""

_COUNTED: Final = 30.0
"""The same of the integrand of a count, which has little mass beyond."""

_ENDLESS: Final = 1e250

_SHORT_RANGE: Final = 1.5
_SHORT_FALL: Final = 8.0
_EASY_RANGE: Final = 4.0
_EASY_FALL: Final = 20.0
_FAR_RANGE: Final = 40.0
"""A range no longer, in log(near + y), over which the integrand falls no deeper, is left to the fewest nodes, or
to few; one of more than 40 takes most."""


def _on_unit(n: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [0, 1], a column each."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (1 + nodes[:, None]) / 2, weights[:, None] / 2


_FEWEST, _FEW, _MORE, _MOST, _COUNT = (_on_unit(nodes) for nodes in (12, 20, 40, 64, 72))

_Nodes = tuple[Array, Array, Array, Array, Array]
"""log((A+y)/A), log((B+y)/B), y/(A+y), y/(B+y) and the integrand times weight at nodes y, (nodes, n) each."""


def silence(k: Array, s: float, A: Array, B: Array, t: Array) -> tuple[Array, Array]:
    """Probabilities of no purchase for a time t, which may be infinite: lives, gone."""
    t = np.minimum(t, _ENDLESS)
    lives: Array = np.exp(-k * np.log1p(t / A) - s * np.log1p(t / B))
    gone = np.empty_like(k)
    for rows, (*_, mass) in _gone(k, s, A, B, t):
        gone[rows] = _down(mass)
    return lives, gone


def log_silence(s: float, k: Array, A: Array, B: Array, t: Array, weight: Array) -> Derivatives:
    """Sum of log(lives + gone), and its derivatives in r, alpha, s, beta; k, A and B grow with r, alpha and beta."""
    nothing = 0.0, np.zeros(4), np.zeros((4, 4))
    pieces = _gone(k, s, A, B, t)
    return total(nothing, *(_slopes(s, k[i], A[i], B[i], t[i], weight[i], nodes) for i, nodes in pieces))


def _slopes(s: float, k: Array, A: Array, B: Array, t: Array, weight: Array, nodes: _Nodes) -> Derivatives:
    log_A, log_B, of_A, of_B, mass = nodes
    slope = np.empty((4, *mass.shape))  # of the logarithm of the integrand
    np.negative(log_A, out=slope[0])
    np.multiply(of_A, k / A, out=slope[1])
    np.subtract(1 / s, log_B, out=slope[2])
    np.multiply(of_B, (s + 1) / B, out=slope[3])
    slope[3] -= 1 / B
    until_A, until_B = t / (A + t), t / (B + t)
    own = np.stack([-np.log1p(t / A), k * until_A / A, -np.log1p(t / B), s * until_B / B])  # slope of log(lives)
    lives = np.exp(k * own[0] + s * own[2])
    both = lives + mass.sum(axis=0)
    by_life = weight * lives / both
    mass *= weight / both
    by_node = slope * mass
    mean = by_node.sum(axis=1) + own * by_life

    h = by_node.reshape(4, -1) @ slope.reshape(4, -1).T + (own * by_life) @ own.T - (mean / weight) @ mean.T
    once_B = (mass * of_B).sum(axis=0)
    twice_A, twice_B = (by_node[1] * slope[1]).sum(axis=0), (mass * of_B * of_B).sum(axis=0)
    gone = mass.sum(axis=0)
    r_alpha, s_beta = (mean[1] / k).sum(), ((once_B + by_life * until_B) / B).sum()
    h += np.array(
        [
            [0.0, r_alpha, 0.0, 0.0],
            [r_alpha, ((twice_A + by_life * own[1] ** 2) / k - 2 * mean[1] / A).sum(), 0.0, 0.0],
            [0.0, 0.0, -gone.sum() / s**2, s_beta],
            [0.0, 0.0, s_beta, 0.0],
        ]
    )
    bend = (s + 1) * (twice_B - 2 * once_B) + gone + s * (until_B - 2) * by_life * until_B
    h[3, 3] += (bend / B**2).sum()
    return float(weight @ np.log(both)), mean.sum(axis=1), h


def row_silence(s: Array, k: Array, A: Array, B: Array, t: Array) -> tuple[Array, Array, Array]:
    """Log(lives + gone) (n,), its gradient (4, n) and Hessian (4, 4, n) in r, alpha, s, beta, of rows that differ."""
    f, g, h = np.empty(len(k)), np.empty((4, len(k))), np.empty((4, 4, len(k)))
    for rows, nodes in _gone(k, s, A, B, t):
        f[rows], g[:, rows], h[:, :, rows] = _row_slopes(s[rows], k[rows], A[rows], B[rows], t[rows], nodes)
    return f, g, h


def _row_slopes(s: Array, k: Array, A: Array, B: Array, t: Array, nodes: _Nodes) -> tuple[Array, Array, Array]:
    log_A, log_B, of_A, of_B, mass = nodes
    slope = np.stack([-log_A, of_A * (k / A), 1 / s - log_B, (of_B * (s + 1) - 1) / B])
    until_A, until_B = t / (A + t), t / (B + t)
    own = np.stack([-np.log1p(t / A), k * until_A / A, -np.log1p(t / B), s * until_B / B])
    lives = np.exp(k * own[0] + s * own[2])
    both = lives + mass.sum(axis=0)
    by_life, by_node = lives / both, mass / both
    mean = (slope * by_node).sum(axis=1) + own * by_life
    h = np.einsum("inr,jnr,nr->ijr", slope, slope, by_node) + own[:, None] * own * by_life - mean[:, None] * mean
    gone = by_node.sum(axis=0)
    h[0, 1] += ((of_A / A) * by_node).sum(axis=0) + until_A / A * by_life
    h[1, 0] = h[0, 1]
    h[1, 1] += (k * (of_A - 2) * of_A * by_node).sum(axis=0) / A**2 + k * (until_A - 2) * until_A * by_life / A**2
    h[2, 2] -= gone / s**2
    h[2, 3] += (of_B * by_node).sum(axis=0) / B + until_B / B * by_life
    h[3, 2] = h[2, 3]
    h[3, 3] += (((s + 1) * (of_B - 2) * of_B + 1) * by_node).sum(axis=0) / B**2
    h[3, 3] += s * (until_B - 2) * until_B * by_life / B**2
    return np.log(both), mean, h


def count(n: int, k: Array, s: float, A: Array, B: Array, t: Array) -> Array:
    """Probability of n purchases within t, n > 0.

    A customer who leaves at y < t has bought n times before: an integral over log(y), whose integrand has one peak;
    taken from where it has risen from exp(-30) of that to where it has fallen to it.
    """
    t = np.broadcast_to(t, k.shape)

    def log_term(y: Array) -> Array:
        return log_count(n, k, y / A) - (s + 1) * np.log1p(y / B) + np.log(s * y / B)

    def slope(y: Array) -> Array:
        return n + 1 - (k + n) * y / (A + y) - (s + 1) * y / (B + y)

    def narrowed(side: int, reach: Array) -> Array:
        for _ in range(4):
            y = middle * np.exp(side * reach)
            excess = np.maximum(top - log_term(y) - _COUNTED, 0)
            reach = reach - excess / np.maximum(-side * slope(y), 1e-300)
        return reach

    half = ((k - 1) * B + (s - n) * A) / 2
    product = (k + s) * (n + 1) * A * B
    root = np.sqrt(half * half + product)
    peak = np.where(half > 0, product / (half + root), root - half) / (k + s)
    middle = np.minimum(peak, t)
    top = log_term(middle)
    rise = (k + n) * np.log1p(middle / A) + (s + 1) * np.log1p(middle / B)
    fall = (k + n) * np.log1p(A / middle) + (s + 1) * np.log1p(B / middle)
    before = narrowed(-1, (_COUNTED + rise) / (n + 1))
    after = narrowed(1, np.minimum((_COUNTED + fall) / (k + s), np.log(t / middle)))
    y = middle * np.exp((before + after) * _COUNT[0] - before)
    left = (before + after) * _down(np.exp(log_term(y)) * _COUNT[1])
    stays: Array = np.exp(log_count(n, k, t / A) - s * np.log1p(t / B))
    return stays + left


def _down(terms: Array) -> Array:
    """Sum over the first axis, one after the other: a row's sum is the same whatever rows are beside it."""
    result = np.zeros(terms.shape[1:])
    for term in terms:
        result += term
    return result


def _gone(k: Array, s: float | Array, A: Array, B: Array, t: Array) -> Iterator[tuple[npt.NDArray[np.intp], _Nodes]]:
    """Yield the rows that few nodes serve, to 1e-12, and those that need more or most, each with their nodes.

    The nodes lie in log(near + y), near the lesser of A and B, up to t or to where one of the two factors of the
    integrand, a power of near + y and a power of far + y, has fallen to exp(-38).
    """
    above = A > B
    swapped = bool(above.any())
    if swapped and not above.all():  # covariates make A - B differ
        every = np.broadcast_to(s, k.shape)
        for side in (np.flatnonzero(above), np.flatnonzero(~above)):
            for rows, at in _gone(k[side], every[side], A[side], B[side], t[side]):
                yield side[rows], at
        return
    near, far, line, power = (B, A, np.full_like(k, s), k) if swapped else (A, B, k - 1, np.full_like(k, s + 1))
    ratio = near / far
    cut = np.log1p(t / near)
    with np.errstate(divide="ignore", over="ignore"):
        bound = np.log1p(np.expm1((_GONE + np.maximum(-line, 0) * cut) / power) / ratio)
        cut = np.minimum(np.minimum(cut, _GONE / np.maximum(line, 0)), bound)
    fall = line * cut + power * np.log1p(ratio * np.expm1(cut))
    short = (cut < _SHORT_RANGE) & (fall < _SHORT_FALL)
    easy = (cut < _EASY_RANGE) & (fall < _EASY_FALL)
    columns = ratio, line, power, cut, s * cut * near / B
    far_off = cut > _FAR_RANGE
    for some, rule in ((short, _FEWEST), (easy & ~short, _FEW), (~easy & ~far_off, _MORE), (far_off, _MOST)):
        rows = np.flatnonzero(some)
        if len(rows):
            at = _at_nodes(*rule, *(column[rows] for column in columns))
            yield rows, (at[1], at[0], at[3], at[2], at[4]) if swapped else at


def _at_nodes(
    nodes: Array, weights: Array, ratio: Array, line: Array, power: Array, cut: Array, scale: Array
) -> _Nodes:
    """Return `_Nodes`, of near and far in place of A and B."""
    log_near = cut * nodes
    by_near = np.expm1(log_near)
    by_far = ratio * by_near
    log_far = np.log1p(by_far)
    fall = line * log_near
    fall += power * log_far
    mass = np.exp(np.negative(fall, out=fall), out=fall)
    mass *= scale * weights
    by_near /= 1 + by_near
    by_far /= 1 + by_far
    return log_near, log_far, by_near, by_far, mass
