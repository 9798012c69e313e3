"""The purchase rate of the BG family if alive: a gamma purchase rate that a beta dropout wears down."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from patron.models.maths.fitter import Array, blocks
from patron.models.maths.horizon import Integers, LogTable

_ATOM: Final = 0.5

Reals = npt.NDArray[np.floating[Any]]


class BetaGeoRate:
    """Purchases a unit of time, u ahead, of a BG/NBD customer alive now, against those now.

    v(u; x, T) = E[lambda exp(-lambda p u)] with lambda ~ Gamma(r+x, alpha+T) and p ~ Beta(a, b+x), that is
    v(0) * E[(1 + p w)**-(r+x+1)], w = u/(alpha+T). The mean over p is a function of x and w alone, so it is tabled
    once, in z = log(1 + w/bend(x)). MBG/NBD is the same with b + 1 for b.

    Parameters
    ----------
    r : float
        Shape of the gamma distribution of purchase rates.
    a, b : float
        Shapes of the beta distribution of dropout.
    """

    def __init__(self, r: float, a: float, b: float) -> None:
        self._r, self._a, self._b = r, a, b
        self._nodes = int(nodes_of(a, b))
        self.fine = self._finer if b < _ATOM else None
        self._table = LogTable(self._log_mean, self.fine)

    def log_fading(self, u: Array, x: Integers, age: Array) -> Array:
        """Log of v(u; x, T) / v(0; x, T), age = alpha + T."""
        return self._table(*np.broadcast_arrays(x, np.log1p(u / self.scale(x, age))))

    def scale(self, x: Integers, age: Array) -> Array:
        """Return where the rate bends: v is smooth in log(scale + u)."""
        return age * self._bend(x)

    def _finer(self, x: Integers) -> Array:
        """With b + x near 0 some leave at the next purchase for sure: v bends where only the others are left."""
        return np.where(self._b + x < _ATOM, 1 + (self._r + x) / 8, 1.0)

    def _bend(self, x: Integers) -> Array:
        return (self._a + self._b + x) / (self._a + self._r + x + 1) / 4

    def _log_mean(self, x: Integers, z: Array) -> Array:
        w: Array = self._bend(x) * np.expm1(z)
        means = [
            log_beta_mean(self._a, self._b + x[rows], self._r + x[rows] + 1, w[rows], self._nodes)
            for rows in blocks(len(x), 32)
        ]
        return np.concatenate(means)


def nodes_of(a: float | Array, b: float) -> Any:
    """Nodes that the mean over Beta(a, b or more) takes: the smaller the shapes, the longer the tails to cover."""
    return 32 * np.ceil((np.arcsinh(9 + 19 / a) + np.arcsinh(9 + 19 / b)) / 2)


def log_beta_mean(a: float | Array, b: Reals, power: Reals, w: Reals, nodes: int) -> Array:
    """Log E[(1 + p w)**-power] for p ~ Beta(a, b): log 2F1(power, a; a+b; -w) without its cancellation.

    The trapezoidal rule in sinh-stretched log-odds of p, laid around the integrand's peak; log-odds are
    measured from those of a/(a+b), so that nothing cancels when a and b are large.

    Parameters
    ----------
    a, b : float or ndarray
        The shapes.
    power, w : ndarray
        Exponent and w >= 0; all of shapes that broadcast.
    nodes : int
        Of the rule, see `nodes_of`.
    """
    a, b, power, w = (np.asarray(column)[..., None] for column in (a, b, power, w))
    grid = np.linspace(0.0, 1.0, nodes)
    return _log_integral(a, b, power, w, grid) - _log_integral(a, b, power, np.zeros(1), grid)


def _log_integral(a: Reals, b: Reals, power: Reals, w: Reals, grid: Array) -> Array:
    """Log of the integral of p**(a-1) (1-p)**(b-1) (1 + p w)**-power, up to a factor of a and b alone."""
    centre, rest = a / (a + b), b / (a + b)
    # d/dy of the log-integrand is 0 where c0 + c1 p + c2 p**2 = 0; one root lies in (0, 1)
    c1, c2 = -(a + b) - w * (power - a), w * (power - a - b)
    root = np.sqrt(np.maximum(c1 * c1 - 4 * a * c2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        peak = np.clip(np.where(c1 <= 0, 2 * a / (root - c1), -(root + c1) / (2 * c2)), 1e-300, 1 - 1e-16)
    shift = np.log(peak / centre) - np.log((1 - peak) / rest)
    sharp = peak * (1 - peak) * ((a + b) + power * w * (1 - 2 * peak - w * peak**2) / (1 + w * peak) ** 2)
    width = np.minimum(1 / np.sqrt(np.maximum(sharp, 1e-30)), 2.0)
    low, high = -np.arcsinh(9 + 38 / (a * width)), np.arcsinh(9 + 38 / (b * width))
    stretch = np.exp(low + (high - low) * grid)
    y = shift + width * (stretch - 1 / stretch) / 2
    grown = np.maximum(y, 0) + np.log1p(np.where(y > 0, rest, centre) * np.expm1(-np.abs(y)))
    log_term = a * y - (a + b) * grown - power * np.log1p(w * centre * np.exp(y - grown))
    top = log_term.max(axis=-1, keepdims=True)
    mass = (np.exp(log_term - top) * (stretch + 1 / stretch)).sum(axis=-1)
    value: Array = top[..., 0] + np.log(mass * (width * (high - low))[..., 0])
    return value
