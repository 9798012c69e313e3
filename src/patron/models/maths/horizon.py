"""The horizon engine: purchases to come if alive, V(x, T), over any stretch of time, as a table of log V.

A transaction model without memory splits E[Y] = P(alive) * V(x, T), V free of the recency (not so with
Erlang gaps). It supplies how the purchase rate if alive now fades u ahead, v(u; x, T) / v(0; x, T), positive and
without cancellation, and the engine integrates: V / v(0) = integral of exp(-d u) v(u) / v(0) du over [t1, t2].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from numpy.polynomial.chebyshev import cheb2poly, chebvander

from patron.models.maths.fitter import Array, blocks

Integers = npt.NDArray[np.int64]

_WIDTH: Final = 0.5
_DEGREE: Final = 11
_DENSE: Final = 10_000
_FEW, _MANY = (np.polynomial.legendre.leggauss(nodes) for nodes in (24, 64))
_SHORT: Final = 4.0
"""A stretch no longer, in log(scale + u), is left to few nodes."""

_GONE: Final = 40.0
"""exp(-40): what is discounted further has no weight."""

_ANGLES = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
_TO_CHEBYSHEV = np.linalg.inv(chebvander(_ANGLES, _DEGREE))
_TO_POWERS = np.array([np.pad(cheb2poly([0] * k + [1]), (0, _DEGREE - k)) for k in range(_DEGREE + 1)]).T
"""From values at the nodes to Chebyshev's coefficients, and from these, which soon are small, to those by power: in one
step, large terms would cancel."""


class LogTable:
    """The logarithm of a smooth f(x, z) > 0, x a whole number, z real: Chebyshev nodes in short panels of z.

    z is a logarithm, so that f is analytic far around a panel of a half: twelve nodes leave less than 1e-12. Cells
    (x, panel) do not know of each other: a value is the same, to the last bit, whatever else is asked for.

    Parameters
    ----------
    log_f : callable
        Of x, shape (k, 1), and z, shape (k, nodes); may give several functions, along axes before these.
    fine : callable, optional
        Of x: how many times finer the panels are, where f bends sooner.
    """

    def __init__(
        self, log_f: Callable[[Integers, Array], Array], fine: Callable[[Integers], Array] | None = None
    ) -> None:
        self._fine = fine
        self._log_f = log_f if fine is None else lambda x, z: log_f(x, z / fine(x))

    def __call__(self, x: Integers, z: Array) -> Array:
        """Log f at every pair of `x` and `z` (same shape), the last axes of the result."""
        shape, x, z = z.shape, x.ravel(), z.ravel()
        if not z.size:
            return np.empty(shape)
        if self._fine is not None:
            z = z * self._fine(x)
        names, x = (None, x) if x.max() < _DENSE else np.unique(x, return_inverse=True)
        first = math.floor(z.min() / _WIDTH)
        panels = math.floor(z.max() / _WIDTH) - first + 1
        present = np.zeros((int(x.max()) + 1) * panels, dtype=bool)
        for rows in blocks(len(z)):
            present[_keys(x[rows], z[rows], first, panels)] = True
        cells = np.flatnonzero(present)
        middle = (first + cells % panels + 0.5) * _WIDTH
        powers = self._fill(cells // panels if names is None else names[cells // panels], middle)
        place = np.empty(len(present), dtype=np.int64)
        place[cells] = np.arange(len(cells))
        result = np.empty((*powers.shape[1:-1], len(z)))
        for rows in blocks(len(z)):
            at = place[_keys(x[rows], z[rows], first, panels)]
            local = (z[rows] - middle[at]) * (2 / _WIDTH)
            value = powers[_DEGREE].take(at, axis=-1)
            for power in powers[-2::-1]:
                value *= local
                value += power.take(at, axis=-1)
            result[..., rows] = value
        return result.reshape(*result.shape[:-1], *shape)

    def _fill(self, x: Integers, middle: Array) -> Array:
        """Coefficients of each cell's polynomial, by power, in a variable that runs from -1 to 1."""
        parts = []
        for rows in blocks(len(x), 512):
            values = self._log_f(x[rows, None], middle[rows, None] + _ANGLES * (_WIDTH / 2))
            terms = np.einsum("...kn,cn->c...k", values, _TO_CHEBYSHEV)
            parts.append(np.einsum("c...k,pc->p...k", terms, _TO_POWERS))
        return np.concatenate(parts, axis=-1)


class Rate(Protocol):
    """What a model tells the engine."""

    def log_fading(self, u: Array, x: Integers, age: Array) -> Array:
        """Log of v(u; x, T) / v(0; x, T), v the purchases a unit of time if alive now; `age` = origin + T."""

    def scale(self, x: Integers, age: Array) -> Array:
        """Return the time over which v changes: v is smooth in log(scale + u)."""

    @property
    def fine(self) -> Callable[[Integers], Array] | None:
        """How many times finer than usual its tables are, by x, if at all."""


def log_purchases(rate: Rate, x: Integers, age: Array, start: float, end: float, *discounts: float) -> Array:
    """Log of V / v(0), a row a discount: purchases in (start, end] ahead if alive now, discounted continuously.

    Parameters
    ----------
    rate : Rate
        The model's v(u; x, T) / v(0; x, T).
    x : ndarray of int, shape (n,)
        Repeat purchases.
    age : ndarray, shape (n,)
        Origin of the model + T, positive; V is smooth in its logarithm.
    start, end : float
        The stretch of time ahead; `end` may be infinite if every discount is above 0.
    *discounts : float
        Continuous rates a unit of time.
    """
    if np.isinf(end):
        end = start + _GONE / min(discounts)

    def log_v(x: Integers, log_age: Array) -> Array:
        age = np.exp(log_age)
        scale = rate.scale(x, age)
        near = np.log1p(start / scale)
        reach = np.log1p((end - start) / (scale + start))
        value = np.empty((len(discounts), *age.shape))
        short = reach.max(axis=-1) < _SHORT
        for some, (nodes, weights) in ((short, _FEW), (~short, _MANY)):
            rows = np.flatnonzero(some)
            ahead = near[rows, :, None] + reach[rows, :, None] * ((1 + nodes) / 2)
            u = scale[rows, :, None] * np.expm1(ahead)
            term = rate.log_fading(u, x[rows, :, None], age[rows, :, None]) + ahead - np.multiply.outer(discounts, u)
            top = term.max(axis=-1)
            mass = (np.exp(term - top[..., None]) * weights).sum(axis=-1)
            value[:, rows] = top + np.log(mass * (reach * scale / 2)[rows])
        return value

    return LogTable(log_v, rate.fine)(x, np.log(age))


def _keys(x: Integers, z: Array, first: int, panels: int) -> Integers:
    return x * panels + (np.floor(z / _WIDTH).astype(np.int64) - first)
