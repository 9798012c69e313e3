"""The BG family: after each purchase a customer leaves with a beta probability; members differ in who has a chance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.special import betainc

from patron.models.family.covariates import CovariateModel
from patron.models.family.inputs import History, by_distinct
from patron.models.family.primitives import infinite
from patron.models.maths.beta_rate import BetaGeoRate, log_beta_mean
from patron.models.maths.fitter import BLOCK, Array, Derivatives, Optimum, given_optimum, over_blocks, total
from patron.models.maths.gamma_poisson import (
    BUYING_EDGES,
    Rows,
    add_rows,
    bought,
    log_count,
    more_than,
    row_bought,
    row_waited,
    simulate,
    waited,
    widen,
)
from patron.models.maths.horizon import Integers, Rate
from patron.models.maths.rising import log_rising


def edges(first: str) -> dict[str, str]:
    """Say what it means when parameters run to an edge; `first` is the first occasion to drop out."""
    return {
        "a- b+": "customers hardly drop out",
        "a+ b+": "customers do not differ in how likely they are to drop out",
        "a- b-": "customers either drop out at once or hardly ever",
        "a+ b-": f"customers drop out after {first}",
        "a+": f"customers drop out after {first}",
        "a-": "customers hardly drop out",
        "b+": "customers hardly drop out",
        "b-": f"customers drop out after {first}",
        **BUYING_EDGES,
    }


class BetaDropout(CovariateModel):
    """A member says how many chances to leave a customer of x repeat purchases has had: x + `chances`."""

    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    leaves: ClassVar[tuple[int, int]] = (2, 1)
    chances: ClassVar[int]
    rows: ClassVar[int] = 2 * BLOCK

    def _alike_starts(self, history: History) -> tuple[Array, Array]:
        once = history.usual_gap
        return np.array([1.0, once, 1.0, 3.0]), np.array([1.0, once, 0.3, 0.3])

    def _alike_log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        some = history.condensed()
        beyond, aged = more_than(some.x, some.weight), by_distinct(some.T, some.weight, some.weight * some.x)
        stayed = np.concatenate([np.full(self.chances, some.customers), beyond])
        tempted = some if self.chances else some[: np.count_nonzero(some.x)]
        shift = self.chances - 1

        def evaluate(values: Array) -> Derivatives:
            r, alpha, a, b = values
            return total(
                widen(bought(r, alpha, beyond), 0, 4),
                widen(over_blocks(partial(waited, r, alpha), *aged), 0, 4),
                widen(stayed_log(a, b, stayed), 2, 4),
                over_blocks(partial(_left, values, shift), tempted.x, tempted.t_x, tempted.T, tempted.weight),
            )

        return evaluate

    def _fit_lifetimes(self, history: History) -> Optimum:
        fitter = self._second_opinion().fit(history.x, history.t_x, history.T, history.weight)
        values = np.array([fitter.params_[name] for name in self.parameters])
        return given_optimum(self._log_likelihood(history), values)

    @abstractmethod
    def _second_opinion(self) -> Any:
        """Return the fitter of lifetimes."""

    def _row_derivatives(self, values: tuple[Any, ...], history: History) -> Rows:
        r, alpha, a, b = values
        x, chances = history.x, history.x + self.chances
        f, g, h = np.zeros(len(x)), np.zeros((4, len(x))), np.zeros((4, 4, len(x)))
        add_rows(row_bought(r, alpha, x), [0, 1], f, g, h)
        add_rows(row_waited(r, alpha, x, history.T), [0, 1], f, g, h)
        for sign, first, places in ((1, b, [3]), (-1, a + b, [2, 3])):
            value, slope, bend = log_rising(first, chances)
            f += sign * value
            g[places] += sign * slope
            h[np.ix_(places, places)] += sign * bend
        tempted = np.flatnonzero(chances)
        some = history[tempted]
        value, left, stayed, slope, mixed, bend = _gone(
            tuple(v[tempted] for v in values), self.chances - 1, some.x, some.t_x, some.T
        )
        slope = np.insert(slope, 2, 1 / a[tempted], axis=0)
        f[tempted] += value
        g[:, tempted] += slope * left
        twice = slope[:, None] * slope * stayed
        twice[0, 1] += mixed
        twice[1, 0] += mixed
        twice[1, 1] += bend
        twice[2, 2] -= slope[2] ** 2
        twice[3, 3] += slope[3] ** 2
        h[:, :, tempted] += twice * left
        return f, g, h

    def _alive(self, history: History) -> Array:
        odds = self._odds_gone(history)
        odds += 1
        return np.divide(1, odds, out=odds)

    def _alive_or_gone(self, history: History) -> tuple[Array, Array]:
        odds = self._odds_gone(history)
        with np.errstate(divide="ignore"):
            return 1 / (1 + odds), 1 / (1 + 1 / odds)

    def _odds_gone(self, history: History) -> Array:
        """Odds of having left; infinite where they are beyond a double."""
        if self.chances:
            return self._odds_if_tempted(history)
        odds, tempted = np.zeros(len(history)), np.flatnonzero(history.x > 0)
        odds[tempted] = self._odds_if_tempted(history[tempted])
        return odds

    def _odds_if_tempted(self, history: History) -> Array:
        """Return them of customers who had a chance to leave."""
        r, alpha, a, b = self._at(history)
        odds = history.T - history.t_x
        odds /= alpha + history.t_x
        np.log1p(odds, out=odds)
        odds *= r + history.x
        stays = history.x + (b + self.chances - 1)
        with np.errstate(over="ignore"):
            np.exp(odds, out=odds)
            odds *= np.divide(a, stays, out=stays)
        return odds

    def _alive_ahead(self, history: History, end: Array) -> Array:
        r, alpha, a, b = self._at(history)
        w = end / (alpha + history.T)
        return np.exp(log_beta_mean(a, b + self.chances + history.x, r + history.x, w))

    def _apart(self, history: History) -> Array | None:
        return None if history.leaving is None else self._at(history)[2]

    def _rate(self, history: History) -> tuple[Rate, Array]:
        r, alpha, a, b = self._at(history)
        return BetaGeoRate(r, float(np.max(a)), b + self.chances), alpha + history.T

    def _residual(self, history: History) -> Array:
        _, _, a, b = self._at(history)
        if np.min(a) <= 1:
            raise infinite("a", float(np.min(a)))
        to_come: Array = (a + b + self.chances + history.x - 1) / (a - 1)
        return to_come

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        r, alpha, *_ = self._at(history)
        silent: Array = np.exp(-(r + history.x) * np.log1p(end / (alpha + history.T)))
        return silent

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        r, alpha, a, b = self._at(history)
        shape, stays = r + history.x, b + self.chances + history.x
        odds = end / (alpha + history.T)
        later = stays[:, None] + np.arange(n - 1)
        before = np.exp(-np.log1p(np.reshape(a, (-1, 1)) / later).sum(axis=1))
        last = a / (a + stays + n - 1)
        never = before * (1 - last) * np.exp(log_count(n, shape, odds))
        count: Array = never + before * last * betainc(n, shape, odds / (1 + odds))
        return count

    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:
        r, alpha, a, b = self._at(history)
        alive = np.flatnonzero(rng.random(len(history)) < states[0])
        here = history[alive]
        a = np.broadcast_to(a, len(history))[alive]

        def most(buyers: Integers) -> Integers:
            leaves = rng.beta(a[buyers], b + self.chances + here.x[buyers])
            return rng.geometric(np.maximum(leaves, 1e-12))

        rate = rng.standard_gamma(r + here.x) / (np.broadcast_to(alpha, len(history))[alive] + here.T)
        row, time = simulate(rate, span[alive], rng, most)
        return alive[row], time


def stayed_log(a: float, b: float, stayed: Array) -> Derivatives:
    """Log of having stayed at every chance: sum over j of N(chances > j) * -log1p(a/(b+j)), in a and b."""
    j = np.arange(len(stayed))
    stays, all_ = 1 / (b + j), 1 / (a + b + j)
    twice = stayed @ all_**2
    g = np.array([-(stayed @ all_), stayed @ (a * stays * all_)])
    h = np.array([[twice, twice], [twice, -(stayed @ (a * (stays * all_) * (stays + all_)))]])
    return -float(stayed @ np.log1p(a * stays)), g, h


def _gone(values: tuple[Any, ...], shift: int, x: Array, t_x: Array, T: Array) -> tuple[Array, ...]:
    """Return log(1 + e**z), P(left), P(stayed), the slope of z, and its bends: by r and alpha, by alpha twice.

    z is the log-odds of having left at the last purchase, e**z = a/(b+x+shift) ((alpha+T)/(alpha+t_x))**(r+x), of
    which only the inverse of the power is formed: it never overflows. The slope (3, n) is by r, alpha and b; by a it
    is 1/a.
    """
    r, alpha, a, b = values
    shape, rest, by_end, by_last = r + x, 1 / (x + (b + shift)), 1 / (alpha + T), 1 / (alpha + t_x)
    slope = np.empty((3, len(x)))
    nearer = t_x - T
    nearer *= by_last
    np.log1p(-nearer, out=slope[0])
    nearer *= by_end
    np.multiply(shape, nearer, out=slope[1])
    np.negative(rest, out=slope[2])
    by_end += by_last
    by_end *= -slope[1]
    value = np.multiply(shape, slope[0], out=shape)
    stayed = np.exp(-value)
    left = np.multiply(rest, a, out=rest)
    either = left + stayed
    value += np.log(either)
    left /= either
    stayed /= either
    return value, left, stayed, slope, nearer, by_end


def _left(values: Array, shift: int, x: Array, t_x: Array, T: Array, weight: Array) -> Derivatives:
    """Sum over those who had a chance to leave: log(1 + e**z)."""
    value, left, stayed, slope, mixed, twice = _gone(tuple(values), shift, x, t_x, T)
    a, others = values[2], [0, 1, 3]
    left *= weight
    stayed *= left
    gone, crossed = left.sum(), mixed @ left

    g, h = np.empty(4), np.empty((4, 4))
    g[others], g[2] = slope @ left, gone / a
    h[np.ix_(others, others)] = (slope * stayed) @ slope.T
    h[2, others] = h[others, 2] = slope @ stayed / a
    h[2, 2] = (stayed.sum() - gone) / a**2
    h[0, 1] += crossed
    h[1, 0] += crossed
    h[1, 1] += twice @ left
    h[3, 3] += left @ slope[2] ** 2
    return float(weight @ value), g, h
