"""BG/BB: a customer may buy once at each opportunity, a year say, and may leave before each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from patron._core.calendar import Day
from patron.models.family.inputs import MOST_OPPORTUNITIES, History, read_opportunities, read_opportunities_ahead
from patron.models.family.primitives import Ahead, infinite
from patron.models.family.transaction import TransactionModel
from patron.models.maths.beta_fall import beta_fall
from patron.models.maths.fitter import Array, Derivatives, Optimum, blocks, given_optimum, over_blocks, total
from patron.models.maths.horizon import Integers
from patron.models.maths.opportunity_sums import CELLS, count, seen, silence, unseen
from patron.models.maths.survival_sums import sum_ahead, sum_for_ever

_MET: Final = 1 - 1e-12
"""A probability that is met exactly is met."""


class BetaGeoBetaBinomial(TransactionModel):
    """The BG/BB model of Fader, Hardie and Shang (2010), for purchases that have their occasions: a gift a year.

    At each opportunity a customer who is alive buys with probability p ~ Beta(alpha, beta), and before each one leaves
    for good with probability theta ~ Beta(gamma, delta).

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: this package, or lifetimes for a second opinion.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter; by default there is none.

    Notes
    -----
    Time is a number of opportunities, as `patron.opportunities` counts them: frequency is at how many after the first
    purchase the customer bought, recency the number of the last of these, T how many there have been. A horizon is a
    whole number of them, or a text that is one, '5 years' where the unit is a year.

    P(alive) is of having been alive at the last opportunity; the paper's table 6 is one opportunity `ahead`. What is
    bought at the k-th opportunity ahead is discounted by (1 + d)**-k, d the effective rate of one unit, so that
    `discounted_purchases(frame, None)` is the paper's DERT (equation 14). A wait, `time_to_next_purchase`, is sought
    over the next 100,000 opportunities.

    References
    ----------
    P. S. Fader, B. G. S. Hardie and J. Shang, Customer-Base Analysis in a Discrete-Time Noncontractual Setting,
    Marketing Science 29(6), 2010.

    Examples
    --------
    >>> model = BetaGeoBetaBinomial.from_params(alpha=1.204, beta=0.75, gamma=0.657, delta=2.783, unit="year")
    >>> donors = pd.DataFrame({"frequency": [0, 4], "recency": [0, 5], "T": [6, 6]}, index=["A", "B"])
    >>> donors.attrs["unit"] = "year"
    >>> model.expected_purchases(donors, "10 years").round(2)
    A    0.13
    B    3.63
    Name: expected_purchases, dtype: float64
    """

    name: ClassVar[str] = "bg_bb"
    parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    edges: ClassVar[dict[str, str]] = {
        "alpha+ beta+": "customers do not differ in how often they buy",
        "alpha- beta-": "some customers buy at every opportunity, the others hardly ever",
        "alpha+": "customers buy at every opportunity",
        "alpha-": "hardly any customer buys again",
        "beta+": "hardly any customer buys again",
        "beta-": "customers buy at every opportunity",
        "gamma- delta+": "customers hardly drop out",
        "gamma+ delta+": "customers do not differ in how likely they are to drop out",
        "gamma- delta-": "customers either drop out at once or hardly ever",
        "gamma+": "customers drop out at once",
        "gamma-": "customers hardly drop out",
        "delta+": "customers hardly drop out",
        "delta-": "customers drop out at once",
    }

    rows: ClassVar[int] = 2**22

    def _starts(self, history: History) -> tuple[Array, Array]:
        odds = max(float((history.weight @ history.T) / (history.weight @ history.x)) - 1, 0.01)
        return np.array([1.0, odds, 1.0, 5.0]), np.array([0.3, 0.3 * odds, 0.2, 0.6])

    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        some, _ = history.distinct()
        silent = some[some.t_x < some.T]
        silent = silent[np.argsort(silent.T - silent.t_x)]
        size = max(1, CELLS // int((some.T - some.t_x).max() + 1))

        def evaluate(values: Array) -> Derivatives:
            return total(
                seen(values, some.x, some.t_x, some.weight),
                over_blocks(partial(unseen, values), silent.x, silent.t_x, silent.T, silent.weight, size=size),
            )

        return evaluate

    def _fit_lifetimes(self, history: History) -> Optimum:
        from lifetimes import BetaGeoBetaBinomFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        some, _ = history.distinct()
        fitter = BetaGeoBetaBinomFitter().fit(some.x, some.t_x, some.T, some.weight)
        values = np.array([fitter.params_[name] for name in self.parameters])
        return given_optimum(self._log_likelihood(history), values)

    def _log_likelihoods(self, history: History) -> Array:
        alpha, beta, gamma, delta = self._values
        x, t_x = history.x, history.t_x
        fall = beta_fall(beta, alpha, x) + beta_fall(alpha + x, beta, t_x - x) + beta_fall(gamma, delta, t_x)
        bought, alive, gone = self._since_last(history)
        log_silent = np.where(bought < 0.5, np.log1p(-np.minimum(bought, 0.5)), np.log(alive + gone))
        values: Array = log_silent - fall
        return values

    def _alive(self, history: History) -> Array:
        _, alive, gone = self._since_last(history)
        return alive / (alive + gone)

    def _states(self, history: History) -> Array:
        return self._by_blocks(self._alive, history)[None]

    def _alive_ahead(self, history: History, end: Array) -> Array:
        return np.exp(-self._fall(history.T, end))

    def _no_purchase(self, history: History, end: Array) -> Array:
        _, alive, gone = self._since_last(history)
        _, later, left = self._since_last(history, end)
        return np.minimum((later + left) / (alive + gone), 1.0)

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        _, alive, gone = silence(*self._now(history), np.broadcast_to(end, len(history)))
        return np.minimum(alive + gone, 1.0)

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        return count(n, *self._now(history), int(end))

    def _waits(self, history: History, q: float) -> Array:
        alpha, fails, gamma, stays = self._now(history)
        bought, silent, wait = np.zeros(len(history)), self._alive(history), np.full(len(history), np.inf)
        row = np.arange(len(history))
        for k in range(1, MOST_OPPORTUNITIES + 1):
            there = silent * (stays / (gamma + stays))
            bought = bought + there * (alpha / (alpha + fails))
            silent = there * (fails / (alpha + fails))
            wait[row[bought >= q * _MET]] = k
            odds = (alpha / gamma) * np.maximum(
                (gamma + stays) / (alpha + fails), 1.0
            )  # never better to buy than leave
            left = (bought < q * _MET) & (bought + silent * (odds / (1 + odds)) >= q * _MET)
            if not left.any():
                break
            alpha, fails, stays = alpha[left], fails[left] + 1, stays[left] + 1
            bought, silent, row = bought[left], silent[left], row[left]
        return wait

    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:
        alpha, beta, gamma, delta = self._now(history)
        buys, leaves = (np.maximum(rng.beta(*shapes), 1e-12) for shapes in ((alpha, beta), (gamma, delta)))
        stays = np.where(rng.random(len(history)) < states[0], rng.geometric(leaves) - 1, 0)
        last = np.minimum(stays, span)
        row, time = np.arange(len(history)), np.zeros(len(history))
        rows, times = [], []
        while len(row):
            time = time + rng.geometric(buys[row])
            kept = time <= last[row]
            row, time = row[kept], time[kept]
            rows.append(row)
            times.append(time)
        row, time = np.concatenate(rows), np.concatenate(times)
        order = np.lexsort((time, row))
        return row[order], time[order]

    def _pace(self, history: History) -> Array:
        alpha, beta, *_ = self._values
        pace: Array = (alpha + history.x) / (alpha + beta + history.T)
        return pace

    def _if_alive(self, history: History, start: float, end: float, *discounts: float) -> Array:
        _, _, gamma, delta = self._values
        ages, row = np.unique(history.T, return_inverse=True)

        def stayed(rate: float) -> Array:
            """Opportunities to come at which the customer is alive, discounted."""
            if np.isfinite(end):
                sums = sum_ahead(self._fall, ages + start, int(end - start), rate)
                return np.exp(-self._fall(ages, start) - rate * (start + 1)) * sums
            if not rate and gamma <= 1:
                raise infinite("gamma", gamma)
            return np.exp(-rate) * sum_for_ever(self._fall, ages, rate, gamma) if rate else (delta + ages) / (gamma - 1)

        values: Array = self._pace(history) * np.stack([stayed(rate) for rate in discounts])[:, row]
        return values[:, None]

    def _fall(self, age: Array, ahead: float | Array) -> Array:
        """-log of the probability that a customer alive at `age` still is, `ahead` opportunities later."""
        _, _, gamma, delta = self._values
        return beta_fall(gamma, delta + age, ahead)

    def _now(self, history: History) -> tuple[Array, Array, float, Array]:
        """Return the parameters of each customer's beta distributions if alive now."""
        alpha, beta, gamma, delta = self._values
        return alpha + history.x, beta + history.T - history.x, gamma, delta + history.T

    def _since_last(self, history: History, ahead: float | Array = 0) -> tuple[Array, Array, Array]:
        """Return what may have become of each customer from the last purchase to `ahead` opportunities from now."""
        alpha, beta, gamma, delta = self._values
        x, t_x = history.x, history.t_x
        return silence(alpha + x, beta + t_x - x, gamma, delta + t_x, history.T - t_x + ahead)

    def _history(self, frame: pd.DataFrame, weight: Array | None) -> History:
        return read_opportunities(frame, weight)

    def _horizon(self, horizon: Ahead | None, frame: pd.DataFrame, as_of: Day | None) -> tuple[Array, Array]:
        if horizon is None:
            return super()._horizon(horizon, frame, as_of)
        return read_opportunities_ahead(horizon, self.unit_, frame)

    def _by_blocks(self, formula: Callable[..., Array], history: History, *columns: Array) -> Array:
        """Apply a formula to each distinct history once; blocks have as many rows as their opportunities allow."""
        some, row = history.distinct()
        longest = some.T.max(initial=0.0) + sum(float(column) for column in columns) + 1
        values = np.empty(len(some))
        for rows in blocks(len(some), max(1, CELLS // int(longest))):
            values[rows] = formula(some[rows], *columns)
        return values[row]
