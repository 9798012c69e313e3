"""The one fitter: a damped Newton in log-parameters over blocked passes that return f, gradient and Hessian."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from patron._core.errors import FitError

Array = npt.NDArray[np.float64]
Derivatives = tuple[float, Array, Array]
"""Value, gradient (k,) and Hessian (k, k) of a log-likelihood in its natural parameters."""

BLOCK: Final = 8192
"""Rows a block: a dozen columns of them stay in the second-level cache."""

_PASSES: Final = 300
_SMALL_STEP: Final = 1e-5  # in logarithms; Newton's last step leaves its square
_SMALL_GAIN: Final = 1e-10  # of log-likelihood a customer
_RUNAWAY: Final = 0.05  # a step this long where nothing is left to gain leads to an edge
_UNKNOWN: Final = 100.0  # a standard error, in logarithms, that says nothing is known
_FAR: Final = 20.0  # from the start, in logarithms
_FLAT: Final = 1e-14  # curvature against the largest
_NOISE: Final = 1e-14  # rounding of a slope
_ROUGH: Final = 1e-7  # rounding of a likelihood, at worst
_LOOK: Final = "look for extreme values in the frame"


@dataclass(frozen=True)
class Optimum:
    """Where the fitter ended.

    Attributes
    ----------
    params : ndarray, shape (k,)
        The natural parameters.
    log_likelihood : float
        Its value there.
    covariance : ndarray, shape (k, k)
        Of the natural parameters; NaN in the rows and columns of those that are not identified, the others
        given these.
    edges : dict of int to int
        The parameters that are not identified, by position: +1 runs to infinity, -1 to its lower bound.
    passes : int
        How often the data were read.
    """

    params: Array
    log_likelihood: float
    covariance: Array
    edges: dict[int, int]
    passes: int


def blocks(n: int, size: int = BLOCK) -> list[slice]:
    """Cut n rows into blocks."""
    return [slice(first, first + size) for first in range(0, n, size)]


def weighted_count(code: npt.NDArray[np.integer[Any]], values: Array, groups: int) -> Array:
    """Sum values by code; 0.0 for a group without any."""
    return np.bincount(code, values, groups).astype(np.float64, copy=False)


def total(*parts: Derivatives) -> Derivatives:
    """Sum likelihoods and their derivatives."""
    value, gradient, hessian = parts[0]
    for f, g, h in parts[1:]:
        value, gradient, hessian = value + f, gradient + g, hessian + h
    return value, gradient, hessian


def over_blocks(terms: Callable[..., Derivatives], *columns: Array, size: int = BLOCK) -> Derivatives:
    """Sum `terms(*block of columns)` over blocks of rows; no rows are one empty block."""
    pieces = blocks(len(columns[0]), size) or [slice(0)]
    return total(*(terms(*(column[rows] for column in columns)) for rows in pieces))


def maximise(
    evaluate: Callable[[Array], Derivatives],
    start: Array,
    lower: Array,
    customers: float,
    pull: Array | float = 0.0,
    towards: Array | None = None,
) -> Optimum:
    """Maximise a log-likelihood over parameters above `lower`, by Newton's method in log(parameter - lower).

    A parameter whose bound is -infinity is searched for as it is, without a logarithm.

    Away from the optimum the Hessian's eigenvalues are taken by size, the step is cut to a factor e**2 and
    halved until the likelihood rises. The fit has converged when the Newton step is small and the
    Hessian has full rank. A step that stays large while nothing is left to gain marks a parameter that
    runs to an edge: it is reported, never passed off as an estimate.

    Parameters
    ----------
    evaluate : callable
        Natural parameters, shape (k,), to value, gradient and Hessian, summed over the customers.
    start : ndarray, shape (k,)
        Natural parameters to start from.
    lower : ndarray, shape (k,)
        Their open lower bounds.
    customers : float
        The number of customers (the sum of weights): what is small is small per customer.
    pull : ndarray, shape (k,), or float
        Precision of a normal prior on the coordinates of the search (the logarithms); 0 is none. The
        log-likelihood returned is free of it, the covariance is the posterior's.
    towards : ndarray, shape (k,)
        Natural parameters at the prior's centre; by default the start.

    Raises
    ------
    FitError
        When the likelihood is not finite at the start, or no rest is found.
    """
    nothing = max(_SMALL_GAIN, 1e-6 / customers)
    at = _Surface(evaluate, lower, customers, np.broadcast_to(pull, start.shape), start if towards is None else towards)
    first = theta = at.coordinates.of(start)
    f, g, h = at(theta)
    if not np.isfinite(f):
        raise FitError("the likelihood is not finite", fix=_LOOK)
    for passes in range(1, _PASSES):  # noqa: B007  # told in the end
        eigenvalues, basis = np.linalg.eigh(-h)
        curvature = np.maximum(np.abs(eigenvalues), _FLAT * np.abs(eigenvalues).max())
        along = basis.T @ g
        along[np.abs(along) < _NOISE * (1 + abs(f))] = 0.0
        step, gain = basis @ (along / curvature), 0.5 * float(along @ (along / curvature))
        longest = float(np.abs(step).max())
        if longest < _SMALL_STEP or (gain < nothing and longest > _RUNAWAY) or np.abs(theta - first).max() > _FAR:
            break
        trial = step * min(1.0, 2.0 / longest)
        for _ in range(40):
            f_new, g_new, h_new = at(theta + trial)
            promised, rise = float(g @ trial), f_new - f
            levels_off = rise > -_ROUGH * (1 + abs(f)) and abs(float(g_new @ trial)) < promised / 2
            if (rise >= 1e-4 * promised or levels_off) and np.isfinite(h_new).all():
                break
            trial = trial / 2
        else:
            raise FitError("the likelihood does not rise along its own slope", fix=_LOOK)
        theta, f, g, h = theta + trial, f_new, g_new, h_new
    else:
        raise FitError(f"no rest after {_PASSES} passes", fix=_LOOK)

    running = np.abs(step) > _RUNAWAY
    loose = running | (np.sqrt((basis**2 / curvature).sum(axis=1) / customers) > _UNKNOWN)
    if not loose.any():
        theta, f = theta + step, f + gain
    values = at.coordinates.natural(theta)
    scale = at.coordinates.slopes(values)
    held = np.ix_(~loose, ~loose)
    covariance = np.full_like(h, np.nan)
    covariance[held] = np.linalg.inv(-h[held]) / customers
    course = np.sign(np.where(running, step, theta - first)).astype(int)
    edges = {int(i): int(course[i]) or 1 for i in np.flatnonzero(loose)}
    return Optimum(values, f * customers + at.prior(theta), covariance * np.outer(scale, scale), edges, passes)


class Coordinates:
    """The search's own: log(parameter - lower), or the parameter itself where `lower` is -infinity."""

    def __init__(self, lower: Array) -> None:
        self._line = np.isneginf(lower)
        self._lower = np.where(self._line, 0.0, lower)

    def of(self, values: Array) -> Array:
        """Coordinates of natural parameters."""
        return np.where(self._line, values, np.log(np.where(self._line, 1.0, values - self._lower)))

    def natural(self, theta: Array) -> Array:
        """Natural parameters at coordinates."""
        return np.where(self._line, theta, self._lower + np.exp(np.where(self._line, 0.0, theta)))

    def slopes(self, values: Array) -> Array:
        """How fast natural parameters move with their coordinates; the second derivative is the same or 0."""
        return np.where(self._line, 1.0, values - self._lower)

    def bends(self, slopes: Array) -> Array:
        """How fast the slopes move."""
        return np.where(self._line, 0.0, slopes)


class _Surface:
    """A log-likelihood a customer, its prior included, over the coordinates of the search."""

    def __init__(
        self, evaluate: Callable[[Array], Derivatives], lower: Array, customers: float, pull: Array, centre: Array
    ) -> None:
        self._evaluate, self._customers, self._pull = evaluate, customers, pull
        self.coordinates = Coordinates(lower)
        self._centre = self.coordinates.of(centre)

    def prior(self, theta: Array) -> float:
        """Return what the prior takes from the log-likelihood of all customers."""
        return 0.5 * float(self._pull @ (theta - self._centre) ** 2)

    def __call__(self, theta: Array) -> Derivatives:
        values = self.coordinates.natural(theta)
        scale = self.coordinates.slopes(values)
        f, g, h = self._evaluate(values)
        bend = h * np.outer(scale, scale) + np.diag(g * self.coordinates.bends(scale) - self._pull)
        slope = g * scale - self._pull * (theta - self._centre)
        return (f - self.prior(theta)) / self._customers, slope / self._customers, bend / self._customers


def given_optimum(evaluate: Callable[[Array], Derivatives], values: Array) -> Optimum:
    """Take the optimum that somebody else found; likelihood and covariance (NaN off a maximum) are ours."""
    f, _, h = evaluate(values)
    covariance = np.linalg.inv(-h) if np.linalg.eigvalsh(-h).min() > 0 else np.full_like(h, np.nan)
    return Optimum(values, f, covariance.astype(np.float64), {}, 1)
