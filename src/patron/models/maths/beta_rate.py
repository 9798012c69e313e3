"""The purchase rate of the BG family if alive: a gamma purchase rate that a beta dropout wears down."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from patron.models.maths.fitter import BLOCK, Array, blocks
from patron.models.maths.horizon import Integers, LogTable

_ATOM: Final = 0.5
_NEAR: Final = 9.0
"""The largest w, and the largest a, of a series: its terms fall by a tenth at least in the end."""
_LAST: Final = 1e-18
_TERMS: Final = 16
"""After so many more, the values that are done are left."""
_FAR: Final = 700.0
"""Log-odds so far above the centre's that log(1 - p) falls along with them; their exponential is still a double."""

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
        return log_beta_mean(self._a, self._b + x, self._r + x + 1, w)


def log_beta_mean(a: float | Array, b: Reals, power: Reals, w: Reals) -> Array:
    """Log E[(1 + p w)**-power] for p ~ Beta(a, b): log 2F1(power, a; a+b; -w) without its cancellation.

    By Pfaff's transformation a power series whose terms hardly ever differ in sign, where that is short; else by
    integration.

    Parameters
    ----------
    a, b : float or ndarray
        The shapes.
    power, w : ndarray
        Exponent and w >= 0; all of shapes that broadcast.
    """
    columns = [np.asarray(column) for column in (a, b, power, w)]
    short = _short(*columns)
    if short.all():
        return _log_series(*columns)
    columns = list(np.broadcast_arrays(*columns))
    value = np.empty(short.shape)
    for some, rule in ((short, _log_series), (~short, _by_integral)):
        if some.any():
            value[some] = rule(*(column[some] for column in columns))
    return value


def _short(a: Reals, b: Reals, power: Reals, w: Reals) -> npt.NDArray[np.bool_]:
    """Where the series of hundreds of terms at most loses no more than a digit."""
    excess = a + b - power
    few: npt.NDArray[np.bool_] = (w <= _NEAR) & (np.minimum(a, excess) <= _NEAR)
    few &= np.minimum(excess, 0) * np.log1p(2 * w) > -np.log(10)  # of its terms' sizes against their sum
    return few


def _log_series(a: Reals, b: Reals, power: Reals, w: Reals) -> Array:
    """Log 2F1(power, a; a+b; -w) = -a log(1+w) + log 2F1(a+b-power, a; a+b; w/(1+w)), the latter term by term.

    Abramowitz and Stegun, 15.3.4 and 15.1.1. What is left out of a value changes no bit of it, and nothing beside does.
    """
    shape = np.broadcast_shapes(a.shape, b.shape, power.shape, w.shape)
    a, b, power, w = (column.ravel() for column in np.broadcast_arrays(a, b, power, w))
    mean, term, on, n = np.ones(len(w)), np.ones(len(w)), np.arange(len(w)), np.arange(_TERMS, dtype=float)[:, None]
    columns = a + b - power, a, a + b, w / (1 + w)
    while len(on):
        excess, first, whole, near = columns
        ratios = (excess + n) * (first + n)
        ratios /= (whole + n) * (n + 1)
        ratios *= near
        sums = mean[on]
        for ratio in ratios:
            term *= ratio
            sums += term
        mean[on] = sums
        more = np.abs(term) > _LAST * sums
        term, on, n = term[more], on[more], n + _TERMS
        columns = excess[more], first[more], whole[more], near[more]
    value: Array = np.log(mean) - a * np.log1p(w)
    return value.reshape(shape)


def _by_integral(a: Reals, b: Reals, power: Reals, w: Reals) -> Array:
    return _log_integral(a, b, power, w) - _log_integral(a, b, power, np.zeros(1))


def _log_integral(a: Reals, b: Reals, power: Reals, w: Reals) -> Array:
    """Log of the integral of p**(a-1) (1-p)**(b-1) (1 + p w)**-power, up to a factor of a and b alone.

    The trapezoidal rule in sinh-stretched log-odds of p, laid around the integrand's peak; log-odds are
    measured from those of a/(a+b), so that nothing cancels when a and b are large.
    """
    # d/dy of the log-integrand is 0 where c0 + c1 p + c2 p**2 = 0; one root lies in (0, 1)
    c1, c2 = -(a + b) - w * (power - a), w * (power - a - b)
    root = np.sqrt(np.maximum(c1 * c1 - 4 * a * c2, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        peak = np.clip(np.where(c1 <= 0, 2 * a / (root - c1), -(root + c1) / (2 * c2)), 1e-300, 1 - 1e-16)
    shift = np.log(peak / (a / (a + b))) - np.log((1 - peak) / (b / (a + b)))
    sharp = peak * (1 - peak) * ((a + b) + power * w * (1 - 2 * peak - w * peak**2) / (1 + w * peak) ** 2)
    width = np.minimum(1 / np.sqrt(np.maximum(sharp, 1e-30)), 2.0)
    low, high = -np.arcsinh(9 + 38 / (a * width)), np.arcsinh(9 + 38 / (b * width))

    columns = np.stack([column.ravel() for column in np.broadcast_arrays(a, b, power, w, shift, width, low, high)])
    nodes = _nodes(peak, w, width, low, high).ravel()
    value = np.empty(len(nodes))
    for rule in np.unique(nodes):
        some = np.flatnonzero(nodes == rule)
        for rows in blocks(len(some), 2 * BLOCK // rule):
            value[some[rows]] = _log_sum(int(rule), *columns[:, some[rows]])
    return value.reshape(shift.shape)


def _nodes(peak: Array, w: Reals, width: Array, low: Array, high: Array) -> Integers:
    """Nodes that the rule takes: as many as keep their distance small against the way to the nearest singularity.

    The integrand is singular pi above the log-odds where p is infinite and where 1 + p w is 0; the stretch brings
    the nearer the farther these lie from the peak, as far as the rule reaches.
    """
    odds = np.log(peak) - np.log1p(-peak)
    far = np.maximum(np.abs(odds), np.abs(odds + np.log1p(w)))
    far = np.minimum(far, width * np.sinh(np.maximum(-low, high)))
    strip = np.arcsinh((far + np.pi * 1j) / width).imag
    nodes: Integers = 16 * np.ceil(np.clip((high - low) / strip / 2, 3, 64)).astype(np.int64)  # to 1e-13
    return nodes


def _log_sum(
    nodes: int, a: Array, b: Array, power: Array, w: Array, shift: Array, width: Array, low: Array, high: Array
) -> Array:
    """Log of the integral over log-odds of p that are shift + width sinh(t), t from low to high."""
    centre = a / (a + b)
    stretch = np.linspace(0.0, 1.0, nodes)[:, None] * (high - low)
    stretch += low
    np.exp(stretch, out=stretch)
    inverse = 1 / stretch
    y = stretch - inverse
    y *= width / 2
    y += shift
    near = np.minimum(y, _FAR)
    log_rest = np.expm1(near)
    log_rest *= centre
    np.log1p(log_rest, out=log_rest)
    log_rest += np.subtract(y, near, out=near)  # -log((1 - p) / rest)
    y -= log_rest  # log(p / centre)
    fading = np.exp(y)
    fading *= w * centre
    np.log1p(fading, out=fading)
    fading *= power
    y *= a
    log_rest *= b
    y -= log_rest
    y -= fading
    top = y.max(axis=0)
    y -= top
    np.exp(y, out=y)
    stretch += inverse
    y *= stretch
    mass = np.ascontiguousarray(y.T).sum(axis=1)  # in an order that does not depend on the rows beside
    value: Array = top + np.log(mass * width * (high - low) / (nodes - 1))
    return value
