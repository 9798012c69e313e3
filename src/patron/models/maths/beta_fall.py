"""How far the beta function falls, log B(a, b) - log B(a, b + x), and its derivatives; never a difference of gammaln.

The fall is a second difference of log Gamma, in steps a and x from b. It is carried _SHIFT places up by the
recurrence of Gamma, where each place adds a positive term, and finished by Stirling's series, whose powers are
differenced by factors. Nothing cancels, whether a, b and x are tiny or huge.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from patron.models.maths.fitter import Array

_SHIFT: Final = 20
_BLOCK: Final = 4096
_STIRLING: Final = ((1, 1 / 12), (3, -1 / 360), (5, 1 / 1260), (7, -1 / 1680), (9, 1 / 1188))
"""log Gamma(z) = (z - 1/2) log z - z + log(2 pi)/2 + the sum of coefficient * z**-power."""


def beta_fall(a: Any, b: Any, x: Any) -> Array:
    """Log B(a, b) - log B(a, b + x), positive; arrays of a shape or single numbers, all above 0."""
    a, b, x = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (a, b, x)))
    fall = np.empty(b.shape)
    flat = fall.reshape(-1)
    columns = a.ravel(), b.ravel(), x.ravel()
    for first in range(0, fall.size, _BLOCK):
        flat[first : first + _BLOCK] = _fall(*(column[first : first + _BLOCK] for column in columns))
    return fall


def _fall(a: Array, b: Array, x: Array) -> Array:
    z = b + np.arange(_SHIFT)[:, None]
    places = np.log1p((a / z) * (x / (z + a + x))).sum(axis=0)
    z = b + _SHIFT
    A, X, F = z + a, z + x, z + a + x
    series = sum(c * (_drop(z, A, a, m) - _drop(X, F, a, m)) for m, c in _STIRLING)
    main = a * np.log1p(x / A) + x * np.log1p(a / X) - (z - 0.5) * np.log1p((a / z) * (x / F))
    fall: Array = places + main + series
    return fall


def fall_derivatives(a: float, b: Array, x: Array) -> tuple[Array, Array, Array]:
    """`beta_fall` with its gradient and Hessian in (a, b, x).

    Parameters
    ----------
    a : float
        The step that is common to all.
    b, x : ndarray, shape (n,)
        Where each fall begins, and how far b moves.

    Returns
    -------
    fall : ndarray, shape (n,)
    gradient : ndarray, shape (3, n)
    hessian : ndarray, shape (3, 3, n)
    """
    z = b + np.arange(_SHIFT)[:, None]
    A, X, F = z + a, z + x, z + a + x
    gradient = np.stack([_drop(A, F, x, 1), _drop(X, F, a, 1) - _drop(z, A, a, 1), _drop(X, F, a, 1)]).sum(axis=1)
    hessian = _second(z, a, x, {2: 1.0}).sum(axis=2)

    z = b + _SHIFT
    A, X, F = z + a, z + x, z + a + x
    first = [(1, 0.5), *((m + 1, m * c) for m, c in _STIRLING)]  # psi(z) = log z - the sum of coefficient * z**-power
    gradient[0] += np.log1p(x / A) + sum(c * _drop(A, F, x, m) for m, c in first)
    gradient[2] += np.log1p(a / X) + sum(c * _drop(X, F, a, m) for m, c in first)
    gradient[1] -= np.log1p((a / z) * (x / F)) + sum(c * (_drop(z, A, a, m) - _drop(X, F, a, m)) for m, c in first)
    second = {1: 1.0, 2: 0.5, **{m + 2: m * (m + 1) * c for m, c in _STIRLING}}  # of psi'(z)
    hessian += _second(z, a, x, second)
    return beta_fall(a, b, x), gradient, hessian


def _second(z: Array, a: float, x: Array, powers: dict[int, float]) -> Array:
    """Hessian of the fall in (a, b, x), first axes 3 and 3, where psi'(z) is the sum of coefficient * z**-power."""
    A, X, F = z + a, z + x, z + a + x
    by_a = -sum(c * _drop(A, F, x, m) for m, c in powers.items())
    by_x = -sum(c * _drop(X, F, a, m) for m, c in powers.items())
    both = sum(c * F ** (-1.0 * m) for m, c in powers.items())
    by_b = sum(c * _drop_twice(z, a, x, m) for m, c in powers.items())
    return np.array([[by_a, by_a, both], [by_a, by_b, by_x], [both, by_x, by_x]])


def _drop(u: Array, v: Array, step: Any, m: int) -> Array:
    """u**-m - v**-m where v = u + step, without the difference."""
    drop: Array = step * sum(u ** (i - m - 1.0) * v ** (-i * 1.0) for i in range(1, m + 1))
    return drop


def _drop_twice(z: Array, a: float, x: Array, m: int) -> Array:
    """z**-m - (z+a)**-m - (z+x)**-m + (z+a+x)**-m; for m = 1, all that is left far out, without the differences."""
    A, X, F = z + a, z + x, z + a + x
    if m > 1:
        return _drop(z, A, a, m) - _drop(X, F, a, m)
    twice: Array = a * (_drop(z, X, x, 1) / A + _drop(A, F, x, 1) / X)
    return twice
