"""BG/NBD: Poisson purchases at a gamma rate; after each repeat purchase a customer leaves with a beta probability."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from patron._core.errors import UndefinedError
from patron.models.beta_rate import BetaGeoRate
from patron.models.fitter import Array, Derivatives, Optimum, given_optimum, over_blocks, total
from patron.models.horizon import Rate
from patron.models.inputs import History
from patron.models.transaction import TransactionModel


class BetaGeoNBD(TransactionModel):
    """The BG/NBD model of Fader, Hardie and Lee (2005).

    While alive, a customer buys at a Poisson rate lambda ~ Gamma(r, alpha); after every repeat purchase the
    customer leaves for good with probability p ~ Beta(a, b).

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: the fitter of this package, or the archived package lifetimes, as a second opinion.

    Notes
    -----
    With x repeat purchases, the last at t_x, observed up to T (equation 6 of the paper):

    L = Gamma(r+x) alpha**r / Gamma(r) * [B(a, b+x) / B(a, b) * (alpha+T)**-(r+x)
    + (x > 0) * B(a+1, b+x-1) / B(a, b) * (alpha+t_x)**-(r+x)].

    A customer without a repeat purchase has had no occasion to leave: P(alive) = 1. That is the model, not a
    sign of health; churn is `probability_no_purchase`.

    References
    ----------
    P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An Alternative to the
    Pareto/NBD Model, Marketing Science 24(2), 2005.

    Examples
    --------
    >>> import pandas as pd
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}, index=["0001", "0006"])
    >>> frame.attrs["unit"] = "week"
    >>> model.expected_purchases(frame, 39).round(3)
    0001    1.226
    0006    0.195
    Name: expected_purchases, dtype: float64
    >>> model.probability_no_purchase(frame, "91 days").round(3)
    0001    0.677
    0006    0.938
    Name: probability_no_purchase, dtype: float64
    """

    name: ClassVar[str] = "bg_nbd"
    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    edges: ClassVar[dict[str, str]] = {
        "a- b+": "customers hardly drop out",
        "a+ b+": "customers do not differ in how likely they are to drop out",
        "a- b-": "customers either drop out at once or hardly ever",
        "a+ b-": "customers drop out after the first repeat purchase",
        "r+ alpha+": "customers do not differ in how often they buy",
        "r- alpha-": "a few customers buy, the others hardly ever",
        "a+": "customers drop out after the first repeat purchase",
        "a-": "customers hardly drop out",
        "b+": "customers hardly drop out",
        "b-": "customers drop out after the first repeat purchase",
        "r+": "customers buy at once",
        "r-": "hardly any customer buys again",
        "alpha+": "hardly any customer buys again",
        "alpha-": "customers buy at once",
    }

    def _start(self, history: History) -> Array:
        pace = float((history.weight * history.T).sum() / (history.weight * history.x).sum())
        return np.array([1.0, pace, 1.0, 3.0])

    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        again = history.x > 0
        repeat, once = history[np.flatnonzero(again)], history[np.flatnonzero(~again)]
        beyond = np.bincount(repeat.x.astype(np.int64), repeat.weight)[:0:-1].cumsum()[::-1]

        def evaluate(values: Array) -> Derivatives:
            return total(
                _counted(values, beyond),
                over_blocks(partial(_silent, values), once.T, once.weight),
                over_blocks(partial(_returned, values), repeat.x, repeat.t_x, repeat.T, repeat.weight),
            )

        return evaluate

    def _fit_lifetimes(self, history: History) -> Optimum:
        from lifetimes import BetaGeoFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        fitter = BetaGeoFitter().fit(history.x, history.t_x, history.T, history.weight)
        values = np.array([fitter.params_[name] for name in self.parameters])
        return given_optimum(self._log_likelihood(history), values)

    def _alive(self, history: History) -> Array:
        r, alpha, a, b = self._values
        x = np.maximum(history.x, 1.0)
        odds = np.log(a / (b + x - 1)) + (r + x) * np.log1p((history.T - history.t_x) / (alpha + history.t_x))
        alive: Array = 1 / (1 + np.exp(np.minimum(odds, 700.0)))
        alive[history.x == 0] = 1.0
        return alive

    def _rate(self) -> tuple[Rate, float]:
        r, alpha, a, b = self._values
        return BetaGeoRate(r, a, b), alpha

    def _residual(self, history: History) -> Array:
        _, _, a, b = self._values
        if a <= 1:
            raise UndefinedError(
                f"without a discount the residual purchases are infinite, because a = {a:.4g} is not above 1",
                fix="give a discount_rate above 0, or a horizon",
            )
        return (a + b + history.x - 1) / (a - 1)

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        r, alpha, _, _ = self._values
        return np.exp(-(r + history.x) * np.log1p(end / (alpha + history.T)))

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        r, alpha, a, b = self._values
        shape, stays = r + history.x, b + history.x
        odds = end / (alpha + history.T)
        log_stayed = np.zeros(len(shape))
        log_count = -shape * np.log1p(odds)
        with np.errstate(divide="ignore"):
            step = np.log(odds / (1 + odds))
        for j in range(n):
            stayed = log_stayed
            log_stayed = log_stayed - np.log1p(a / (stays + j))
            log_count = log_count + np.log((shape + j) / (1 + j)) + step
        leaves = np.exp(stayed) * a / (a + stays + n - 1)
        return np.exp(log_stayed + log_count) + leaves * betainc(n, shape, odds / (1 + odds))

    def _simulate(self, ages: Array, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Array]:
        r, alpha, a, b = self._values
        rate = rng.gamma(r, 1 / alpha, len(ages))
        most = rng.geometric(np.maximum(rng.beta(a, b, len(ages)), 1e-12))
        wanted = rng.poisson(rate * ages)
        customer = np.repeat(np.arange(len(ages)), wanted)
        time = rng.random(len(customer)) * ages[customer]
        time = time[np.lexsort((time, customer))]
        place = np.arange(len(customer)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
        kept = place < most[customer]
        return customer[kept], time[kept]


def _counted(values: Array, beyond: Array) -> Derivatives:
    """Return what depends on x alone: sum over j of N(x > j) * [log((r+j)/alpha) - log1p(a/(b+j))]."""
    r, alpha, a, b = values
    j = np.arange(len(beyond))
    buys, stays, all_ = 1 / (r + j), 1 / (b + j), 1 / (a + b + j)
    every = beyond.sum()
    f = beyond @ (np.log((r + j) / alpha) - np.log1p(a * stays))
    g = np.array([beyond @ buys, -every / alpha, -(beyond @ all_), beyond @ (a * stays * all_)])
    h = np.diag([-(beyond @ buys**2), every / alpha**2, 0.0, -(beyond @ (a * (stays * all_) * (stays + all_)))])
    h[2, 2] = h[2, 3] = h[3, 2] = beyond @ all_**2
    return float(f), g, h


def _silent(values: Array, T: Array, weight: Array) -> Derivatives:
    """Sum over customers without a repeat purchase: -r log1p(T/alpha)."""
    r, alpha, _, _ = values
    log_aged, share = np.log1p(T / alpha), T / (alpha + T)
    once, twice, mass = weight @ log_aged, weight @ share, weight @ share**2
    g, h = np.zeros(4), np.zeros((4, 4))
    g[0], g[1] = -once, r * twice / alpha
    h[0, 1] = h[1, 0] = twice / alpha
    h[1, 1] = r * (mass - 2 * twice) / alpha**2
    return -r * once, g, h


def _returned(values: Array, x: Array, t_x: Array, T: Array, weight: Array) -> Derivatives:
    """Sum over those who bought again: -(r+x) log1p(T/alpha) + log(1 + e**z), z the log-odds of having left.

    z is at least log(a/(b+x-1)), so that e**-z never overflows.
    """
    r, alpha, a, b = values
    shape, rest, by_end, by_last = r + x, 1 / (b + x - 1), 1 / (alpha + T), 1 / (alpha + t_x)
    log_aged, share = np.log1p(T / alpha), T * by_end
    slope = np.empty((4, len(x)))  # of z
    slope[0] = log_aged - np.log1p(t_x / alpha)
    nearer = (t_x - T) * by_end * by_last
    slope[1] = shape * nearer
    slope[2] = 1 / a
    slope[3] = -rest
    z = np.log(a * rest) + shape * slope[0]
    stayed = np.exp(-z)
    left = 1 / (1 + stayed)
    by_shape, by_left = weight * shape, weight * left

    aged, shared = by_shape @ log_aged, by_shape @ share
    f = weight @ (z + np.log1p(stayed)) - aged
    g = slope @ by_left
    g[0] -= weight @ log_aged
    g[1] += shared / alpha
    h = (slope * (by_left * (1 - left))) @ slope.T
    h[0, 1] += weight @ share / alpha + by_left @ nearer
    h[1, 0] = h[0, 1]
    h[1, 1] += ((by_shape * share) @ share - 2 * shared) / alpha**2 - by_left @ (slope[1] * (by_end + by_last))
    h[2, 2] -= by_left.sum() / a**2
    h[3, 3] += by_left @ rest**2
    return float(f), g, h
