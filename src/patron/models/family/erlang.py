"""The (M)BG/CNBD-k: regular buyers, k phases of a Poisson process a purchase; they leave as in the BG family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final, Never, Self

import numpy as np
import pandas as pd
from scipy.special import betainc, expit, gammaln

from patron._core.errors import ConfigError, DataError, FitError
from patron.models.family.base import Solver
from patron.models.family.beta_dropout import BetaDropout, stayed_log
from patron.models.family.inputs import History, by_distinct, column
from patron.models.maths.fitter import Array, Derivatives, Optimum, over_blocks, total
from patron.models.maths.gamma_poisson import bought, more_than, simulate, waited, widen
from patron.models.maths.horizon import Integers, LogTable
from patron.models.maths.renewal import Renewal
from patron.models.maths.rising import log_rising

_FINE: Final = 0.25
"""Panels of the table, against the width of what is known of a pace."""
MOST: Final = 12
"""The most regular k that is looked for."""
_WITH_GAPS: Final = "rfm_summary(..., gaps=True) gives the column log_gaps"


class ErlangDropout(BetaDropout):
    """Purchases at every k-th phase of a Poisson process of rate lambda ~ Gamma(r, alpha); the rest as in BG/NBD.

    Attributes
    ----------
    k_ : int
        Phases a purchase: 1 is as good as random, the more the more regular.
    """

    k_: int

    def __init__(self, solver: Solver = "newton", prior: float | None = None, k: int | str | None = None) -> None:
        super().__init__(solver, prior)
        self.k = k

    def __repr__(self) -> str:
        known = super().__repr__()
        return known.replace("(", f"(k={self.k_}, ") if "k_" in self.__dict__ else known

    @property
    def _measured(self) -> tuple[str, ...]:
        return (*super()._measured, f"k = {self.k_}")

    @classmethod
    def from_params(cls, *, unit: str, **params: float) -> Self:
        """Make a model from known parameters.

        Parameters
        ----------
        unit : {'day', 'week', 'month', 'year'}
            The unit in which the parameters measure time.
        **params : float
            k and every parameter by name.
        """
        if "k" not in params:
            raise DataError(f"{cls.__name__} has the parameters k, {', '.join(cls.parameters)}", fix="give k too")
        k = _whole(params.pop("k"))
        model = super().from_params(unit=unit, **params)
        model.k = model.k_ = k
        return model

    @classmethod
    def _settings_with(cls, params: dict[str, float]) -> dict[str, Any]:  # noqa: ARG003
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        return {**super().to_dict(), "k": self.k_}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make a model from what `to_dict` gave."""
        model = super().from_dict(stored)
        model.k_ = stored["k"]
        return model

    def _second_opinion(self) -> Never:
        raise ConfigError("lifetimes has no model of regular buyers", fix='use solver="newton"')

    def _history(self, frame: pd.DataFrame, weight: Array | None) -> History:
        history = super()._history(frame, weight)
        if "log_gaps" not in frame.columns:
            return history
        return replace(history, gaps=column(frame, "log_gaps", negative=True))

    def _solve(self, history: History) -> Optimum:
        """Fit at the k asked for, or at the k of the highest likelihood: k = 1, 2, ... until it has fallen twice."""
        if self.k == "wheat-morrison":
            self.k_ = min(max(round(regularity(history)), 1), MOST)
            return super()._solve(history)
        if self.k is not None:
            self.k_ = _whole(self.k)
            optimum = super()._solve(history)
            return optimum if history.gaps is not None or self.k_ == 1 else replace(optimum, log_likelihood=np.nan)
        _gaps(history, "to choose k by likelihood")
        found: dict[int, Optimum] = {}
        for self.k_ in range(1, MOST + 1):
            found[self.k_] = super()._solve(history)
            heights = [found[k].log_likelihood for k in found]
            if len(heights) > 2 and heights[-1] < heights[-2] < heights[-3]:
                break
        self.k_ = max(found, key=lambda k: found[k].log_likelihood)
        return found[self.k_]

    def _alike_starts(self, history: History) -> tuple[Array, Array]:
        once = history.usual_gap / self.k_
        return np.array([1.0, once, 1.0, 3.0]), np.array([1.0, once, 0.3, 0.3])

    def _alike_log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        some = history.condensed()
        phases = self.k_ * some.x
        beyond, aged = more_than(phases, some.weight), by_distinct(some.T, some.weight, some.weight * phases)
        stayed = np.concatenate([np.full(self.chances, some.customers), more_than(some.x, some.weight)])
        known = 0.0 if history.gaps is None else float(history.weight @ self._log_shape(history))
        rows = some.x, some.t_x, some.T, some.weight

        def evaluate(values: Array) -> Derivatives:
            r, alpha, a, b = values
            f, g, h = total(
                widen(bought(r, alpha, beyond), 0, 4),
                widen(over_blocks(partial(waited, r, alpha), *aged), 0, 4),
                widen(stayed_log(a, b, stayed), 2, 4),
                over_blocks(partial(_silent, values, self.k_, self.chances), *rows),
            )
            return f + known, g, h

        return evaluate

    def _log_shape(self, history: History) -> Array:
        """Log of what the gaps alone contribute: gap**(k-1) / Gamma(k) each."""
        if self.k_ == 1:
            return np.zeros(len(history))
        shape: Array = (self.k_ - 1) * _gaps(history, "for the likelihood") - history.x * gammaln(self.k_)
        return shape

    def _log_likelihoods(self, history: History) -> Array:
        r, alpha, a, b = self._values
        shape, chances = self.k_ * history.x, history.x + self.chances
        silent, left = self._branches(history)
        value: Array = (
            self._log_shape(history)
            + log_rising(r, shape)[0]
            - shape * np.log(alpha)
            - (r + shape) * np.log1p(history.T / alpha)
            + log_rising(b, chances)[0]
            - log_rising(a + b, chances)[0]
            + np.logaddexp(np.log(silent.sum(axis=0)), left)
        )
        return value

    def _branches(self, history: History) -> tuple[Array, Array]:
        """Odds of being alive in each phase, (k, n), and the log-odds of having left, against alive in phase 0."""
        r, alpha, a, b = self._values
        shape, chances = r + self.k_ * history.x, history.x + self.chances
        silent = np.ones((self.k_, len(history)))
        passed = (history.T - history.t_x) / (alpha + history.T)
        for j in range(1, self.k_):
            silent[j] = silent[j - 1] * ((shape + j - 1) / j * passed)
        left = np.log(a / (b + np.maximum(chances, 1.0) - 1)) + shape * np.log1p(
            (history.T - history.t_x) / (alpha + history.t_x)
        )
        left[chances == 0] = -np.inf
        return silent, left

    def _states(self, history: History) -> Array:
        silent, left = self._branches(history)
        here = silent.sum(axis=0)
        states: Array = silent / here * expit(np.log(here) - left)
        return states

    def _alive(self, history: History) -> Array:
        return self._alive_or_gone(history)[0]

    def _alive_or_gone(self, history: History) -> tuple[Array, Array]:
        silent, left = self._branches(history)
        z = left - np.log(silent.sum(axis=0))
        return expit(-z), expit(z)

    def _mix(self, history: History, if_alive: Array) -> Array:
        """Mean, if alive, of what is known by phase, (k, n)."""
        silent, _ = self._branches(history)
        mean: Array = (silent * if_alive).sum(axis=0) / silent.sum(axis=0)
        return mean

    def _alive_ahead(self, history: History, end: Array) -> Array:
        if self.k_ == 1:
            return super()._alive_ahead(history, end)
        ahead = np.broadcast_to(end, len(history))
        still = np.empty(len(history))
        for until in np.unique(ahead):
            rows = np.flatnonzero(ahead == until)
            some = history[rows]
            still[rows] = self._mix(some, self._tabled(partial(Renewal.survival, end=until), some))
        return still

    def _if_alive(self, history: History, start: float, end: float, *discounts: float) -> Array:
        if self.k_ == 1 or (np.isinf(end) and not all(discounts)):
            return np.repeat(super()._if_alive(history, start, end, *discounts), self.k_, axis=1)
        return self._tabled(lambda ahead: ahead.purchases(start, end, *discounts), history)

    def _tabled(self, told: Callable[[Renewal], Array], history: History) -> Array:
        """Return what is told of customers alive in each phase, (..., k, n), by a table over x and log(alpha + T).

        The more phases a customer has passed, the better the pace is known, and the finer the table.
        """
        r, alpha, a, b = self._values

        def fine(x: Integers) -> Array:
            return np.maximum(np.sqrt(self.k_ * x) * _FINE, 1.0)

        def log_told(x: Integers, z: Array) -> Array:
            cells = [
                [told(Renewal(self.k_, r + self.k_ * n, age, a, b + self.chances + n)) for age in ages]
                for n, ages in zip(x[:, 0].tolist(), np.exp(z).tolist(), strict=True)
            ]
            values: Array = np.moveaxis(np.array(cells), (0, 1), (-2, -1))
            return np.log(np.maximum(values, 1e-300))

        x = history.x.astype(np.int64)
        values: Array = np.exp(LogTable(log_told, fine)(x, np.log(alpha + history.T)))
        return values

    def _pace(self, history: History) -> Array:
        r, alpha, *_ = self._values
        return (r / self.k_ + history.x) / (alpha + history.T)

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        terms = self._counts(history, end, 0, self.k_)
        short = np.array([terms[j, : self.k_ - j].sum(axis=0) for j in range(self.k_)])
        return self._mix(history, short)

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        r, alpha, a, b = self._values
        k, phase = self.k_, np.arange(self.k_)[:, None]
        stays = b + self.chances + history.x
        before = np.exp(-np.log1p(a / (stays[:, None] + np.arange(n - 1))).sum(axis=1))
        last = a / (a + stays + n - 1)
        odds = end / (alpha + history.T)
        first = k * n - phase
        reached = betainc(first, r + k * history.x + phase, odds / (1 + odds))
        exactly = self._counts(history, end, k * n, k).sum(axis=1)
        return self._mix(history, before * ((1 - last) * exactly + last * reached))

    def _counts(self, history: History, end: Array, first: int, many: int) -> Array:
        """P(first - j + i phases up to `end`) if alive in phase j, (k, many, n), for i = 0, ..., many - 1."""
        r, alpha, *_ = self._values
        odds = end / (alpha + history.T)
        with np.errstate(divide="ignore"):
            log_more = -np.log1p(1 / odds)
        terms = np.zeros((self.k_, many, len(history)))
        for j in range(self.k_):
            shape = r + self.k_ * history.x + j
            for i in range(many):
                n = first - j + i if first else i
                ways = log_rising(shape, float(n))[0] - gammaln(n + 1)
                terms[j, i] = np.exp(ways + (n * log_more if n else 0.0) - shape * np.log1p(odds))
        return terms

    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:
        r, alpha, a, b = self._values
        phase = (rng.random(len(history)) > states.cumsum(axis=0)).sum(axis=0)
        alive = np.flatnonzero(phase < self.k_)
        here, phase = history[alive], phase[alive]

        def most(buyers: Integers) -> Integers:
            leaves = rng.beta(a, b + self.chances + here.x[buyers])
            left: Integers = self.k_ * rng.geometric(np.maximum(leaves, 1e-12)) - phase[buyers]
            return left

        rate = rng.standard_gamma(r + self.k_ * here.x + phase) / (alpha + here.T)
        row, time = simulate(rate, span[alive], rng, most)
        counts = np.bincount(row, minlength=len(alive))
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        bought = (place + 1 + phase[row]) % self.k_ == 0
        return alive[row[bought]], time[bought]


def regularity(history: History) -> float:
    """Estimate k by Wheat and Morrison (1990), from the customers of two gaps.

    Whatever the customer's the first gap's share of both is Beta(k, k): its variance is 1 / (4 (2k + 1)).
    """
    _gaps(history, "to estimate k")
    two = history[np.flatnonzero(history.x == 2)]
    if two.customers < 2:
        raise FitError(
            "fewer than two customers have just two gaps between purchases: nothing tells k by Wheat and Morrison",
            fix="use k=None, the k of the highest likelihood",
        )
    product = np.exp(_gaps(two, "to estimate k") - 2 * np.log(two.t_x))
    variance = float(two.weight @ np.maximum(0.25 - product, 0.0)) / two.customers
    return (1 - 4 * variance) / max(8 * variance, 1e-9)


def _gaps(history: History, why: str) -> Array:
    if history.gaps is None:
        raise DataError(
            f"the logarithms of the gaps are needed {why}", column="log_gaps", fix=f"{_WITH_GAPS}; or give k"
        )
    return history.gaps


def _whole(k: Any) -> int:
    if isinstance(k, str) or k != int(k) or not 1 <= k <= MOST:
        raise ConfigError(
            f"k is a whole number from 1 to {MOST}, 'wheat-morrison' or None", example=k, fix="None finds it"
        )
    return int(k)


def _silent(values: Array, k: int, chances: int, x: Array, t_x: Array, T: Array, weight: Array) -> Derivatives:
    """Sum of log(S + e**z): S the odds of having passed 0, ..., k-1 phases since t_x, z the log-odds of having left.

    With w_j = C(m+j-1, j) s**j, m = r + kx, s = (T-t_x)/(alpha+T), the derivatives of log S are moments over j.
    """
    r, alpha, a, b = values
    m, by_end, by_last = r + k * x, 1 / (alpha + T), 1 / (alpha + t_x)
    s = (T - t_x) * by_end
    odd, gone, gone2 = np.ones_like(m), np.zeros_like(m), np.zeros_like(m)
    sums = np.zeros((6, len(m)))  # of w times 1, h, h**2 - h2, j, j**2, h j
    for j in range(k):
        if j:
            each = 1 / (m + j - 1)
            odd = odd * ((m + j - 1) / j * s)
            gone, gone2 = gone + each, gone2 + each * each
        sums += odd * np.stack(
            [np.ones_like(m), gone, gone * gone - gone2, np.full_like(m, j), np.full_like(m, j * j), gone * j]
        )
    size = sums[0]
    by_m, by_mm, by_s, by_ss, by_ms = sums[1:] / size
    slope, bend = np.zeros((4, len(m))), np.zeros((3, len(m)))  # of log S; bends in rr, ra, aa
    slope[0], slope[1] = by_m, -by_s * by_end
    bend[0] = by_mm - by_m**2
    bend[1] = -(by_ms - by_m * by_s) * by_end
    bend[2] = (by_ss - by_s**2 + by_s) * by_end**2
    log_size = np.log(size)

    tried = x + chances > 0
    rest = 1 / np.where(tried, b + x + chances - 1, 1.0)
    nearer = (t_x - T) * by_end * by_last
    tilt = np.zeros((4, len(m)))
    tilt[0] = np.log1p((T - t_x) * by_last)
    tilt[1] = m * nearer
    tilt[2], tilt[3] = 1 / a, -rest
    z = np.where(tried, np.log(a * rest) + m * tilt[0] - log_size, -np.inf)
    left = 1 / (1 + np.exp(-z.clip(-700.0, 700.0)))
    left[~tried] = 0.0

    both = tilt - slope
    by_left, by_stay = weight * left, weight * (1 - left)
    f = weight @ (log_size + np.logaddexp(0, z))
    g = slope @ by_stay + tilt @ by_left
    h = (both * (by_left * (1 - left))) @ both.T
    h[0, 0] += bend[0] @ by_stay
    mixed = bend[1] @ by_stay + nearer @ by_left
    h[0, 1] += mixed
    h[1, 0] += mixed
    h[1, 1] += bend[2] @ by_stay - (tilt[1] * (by_end + by_last)) @ by_left
    h[2, 2] -= by_left.sum() / a**2
    h[3, 3] += by_left @ rest**2
    return float(f), g, h
