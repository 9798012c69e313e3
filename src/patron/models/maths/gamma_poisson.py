"""What the transaction models share: while alive, a customer buys at a Poisson rate lambda ~ Gamma(r, alpha)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from patron.models.maths.fitter import Array, Derivatives
from patron.models.maths.horizon import Integers
from patron.models.maths.rising import log_rising

BUYING_EDGES: Final = {
    "r+ alpha+": "customers do not differ in how often they buy",
    "r- alpha-": "a few customers buy, the others hardly ever",
    "r+": "customers buy at once",
    "r-": "hardly any customer buys again",
    "alpha+": "hardly any customer buys again",
    "alpha-": "customers buy at once",
}
"""What it means when r or alpha runs to an edge."""


def more_than(x: Array, weight: Array) -> Array:
    """How many customers have more than j repeat purchases, j = 0, 1, ... as long as there are any."""
    beyond: Array = np.bincount(x.astype(np.int64), weight)[:0:-1].cumsum()[::-1]
    return beyond


def bought(r: float, alpha: float, beyond: Array) -> Derivatives:
    """Sum of log(Gamma(r+x) / Gamma(r)) - x log(alpha) and its derivatives in r and alpha, by `more_than`.

    For whole x the ratio of gammas is a product: the sum is over j of N(x > j) * log((r+j)/alpha).
    """
    j = np.arange(len(beyond))
    each, every = 1 / (r + j), beyond.sum()
    g = np.array([beyond @ each, -every / alpha])
    return float(beyond @ np.log((r + j) / alpha)), g, np.diag([-(beyond @ each**2), every / alpha**2])


def waited(shape: float, scale: float, age: Array, customers: Array, purchases: Array) -> Derivatives:
    """Sum of -(shape * customers + purchases) log1p(age/scale) and its derivatives in shape and scale."""
    log_aged, share = np.log1p(age / scale), age / (scale + age)
    by_shape = shape * customers + purchases
    once, shared = customers @ log_aged, by_shape @ share
    mixed = customers @ share / scale
    g = np.array([-once, shared / scale])
    h = np.array([[0.0, mixed], [mixed, ((by_shape * share) @ share - 2 * shared) / scale**2]])
    return -float(by_shape @ log_aged), g, h


Rows = tuple[Array, Array, Array]
"""Value (n,), gradient (k, n) and Hessian (k, k, n) of each row's log-likelihood."""


def row_bought(r: Array, alpha: Array, x: Array) -> Rows:
    """Return `bought` by row, of parameters that differ."""
    value, slope, bend = log_rising(r, x)
    nothing = np.zeros_like(x)
    return (
        value - x * np.log(alpha),
        np.stack([slope, -x / alpha]),
        np.stack([np.stack([bend, nothing]), np.stack([nothing, x / alpha**2])]),
    )


def row_waited(shape: Array, scale: Array, x: Array, age: Array) -> Rows:
    """Return `waited` by row, of parameters that differ."""
    log_aged, share, by_shape = np.log1p(age / scale), age / (scale + age), shape + x
    mixed = share / scale
    return (
        -by_shape * log_aged,
        np.stack([-log_aged, by_shape * mixed]),
        np.stack([np.stack([np.zeros_like(x), mixed]), np.stack([mixed, by_shape * share * (share - 2) / scale**2])]),
    )


def add_rows(part: Rows, places: list[int], f: Array, g: Array, h: Array) -> None:
    """Add derivatives in the parameters at `places` to those in all."""
    f += part[0]
    g[places] += part[1]
    h[np.ix_(places, places)] += part[2]


def widen(part: Derivatives, first: int, size: int) -> Derivatives:
    """Place derivatives in two neighbouring parameters, from `first` on, among `size`."""
    f, g, h = part
    around = (first, size - first - len(g))
    return f, np.pad(g, around), np.pad(h, (around, around))


def log_count(n: int, shape: Array, odds: Array) -> Array:
    """Log P(n purchases, n > 0), of a customer alive throughout, whose lambda ~ Gamma(shape, age); odds = time/age."""
    ways = sum(np.log((shape + j) / (1 + j)) for j in range(n))
    with np.errstate(divide="ignore"):
        count: Array = ways + n * np.log(odds / (1 + odds)) - shape * np.log1p(odds)
    return count


def simulate(
    rate: Array, span: Array, rng: np.random.Generator, most: Callable[[Integers], Integers] | None = None
) -> tuple[Integers, Array]:
    """Purchases at a Poisson rate over a span of time: row and time of each, sorted by both.

    Parameters
    ----------
    rate, span : ndarray, shape (n,)
        Purchases a unit of time, and for how long.
    rng : Generator
        Of the random numbers.
    most : callable, optional
        Rows to how many purchases each makes before leaving; asked of buyers only.
    """
    wanted = rng.poisson(rate * span)
    buyers = np.flatnonzero(wanted)
    wanted = wanted[buyers]
    buyer = np.repeat(np.arange(len(buyers)), wanted)
    time = np.sort(buyer + rng.random(len(buyer))) - buyer  # one sort puts each buyer's in order
    if most is not None:
        place = np.arange(len(buyer)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
        kept = np.flatnonzero(place < most(buyers)[buyer])
        buyer, time = buyer[kept], time[kept]
    row = buyers[buyer]
    return row, time * span[row]
