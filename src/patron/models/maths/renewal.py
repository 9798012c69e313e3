"""What a customer of Erlang gaps does ahead, if alive: a quadrature over the rate of phases and the dropout.

A customer alive in phase j of k has lambda ~ Gamma(m + j, age) and p ~ Beta(a, b). Given both, the purchases ahead are
a renewal process: the n-th comes with phase s = k - j + (n-1) k of a Poisson process, if the customer stayed n - 1
times, with q = 1 - p. Up to some dozens of phases ahead that is a positive sum over n, in which the mean of q**(n-1)
is a product; later the waves of the renewal rate have died out, and what is left is lambda/k * rho**(j-k+1) *
exp(-lambda (1-rho) u) a unit of time, rho = q**(1/k) (the other roots of w**k = q fade like the exponential of
-lambda (1 - cos(2 pi/k)) u).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln

from patron.models.maths.fitter import Array
from patron.models.maths.horizon import Integers

_FADED: Final = 30.0
"""exp(-30): an amplitude of the waves that does not count."""
_GONE: Final = 26.0
"""exp(-26): what does not count beside the same without waves."""
_STEP: Final = 0.09
"""Of the logarithm of lambda, at most; of the log-odds of p, three times that."""
_LEAST: Final = -350.0
"""The least logarithm that counts: products of two such are still numbers of full precision, and quick."""


@dataclass(frozen=True)
class Renewal:
    """Customers of one x and T, alive in each phase.

    Attributes
    ----------
    k : int
        Phases a purchase.
    m, age : float
        lambda ~ Gamma(m + j, age) if alive in phase j.
    a, b : float
        p ~ Beta(a, b).
    """

    k: int
    m: float
    age: float
    a: float
    b: float

    def purchases(self, start: float, end: float, *discounts: float) -> Array:
        """Return expected purchases in (start, end], discounted continuously: (discounts, k)."""
        both = self.m + self.k  # what comes ahead falls like rate**(k-j) towards 0, and its weight like rate**(m+j)
        least = min(discounts)
        reach = min(end, 1 / least) if least else end  # of time, beyond which nothing counts
        turn = min(-np.log(reach), np.log(self.m / (self.age + start)))
        rate, weight = self._rates(start, turn - 40 / both - 10 / np.sqrt(both))
        log_q, chance = self._chances(float(rate[-1]) * end if np.isfinite(end) else np.inf)
        roots = list(self._roots(log_q, chance, waves=start > 0))
        stays = self._stays()
        values = np.empty((len(discounts), self.k))
        for row, d in enumerate(discounts):
            total = rate + d
            most = self._phases / total
            paid = np.zeros((len(rate), self.k))
            soon, late = np.flatnonzero(start < most), np.flatnonzero(most < end)
            paid[soon] = self._soon(rate[soon], d, np.full(len(soon), start), np.minimum(end, most[soon]), stays)
            if len(late):
                first = np.maximum(start, most[late])[:, None]
                for fall, share in roots:
                    loss = d + rate[late, None] * fall
                    decay = _exp(-loss * first) * -np.expm1(-loss * (end - first)) / loss
                    paid[late] += rate[late, None] / self.k * (decay @ share).real
            values[row] = (weight * paid).sum(axis=0)
        return values

    def _soon(self, rate: Array, discount: float, start: Array, end: Array, stays: Array) -> Array:
        """Purchases in (start, end], few phases ahead: (rates, k)."""
        total, s = rate + discount, np.arange(1, len(stays) + 1)
        passed = _passed(len(stays), total * start, total * end)
        if discount:
            with np.errstate(divide="ignore", over="ignore"):  # a rate of 0 buys nothing
                passed *= _exp(-np.log1p(discount / rate)[:, None] * s)
        paid: Array = passed @ stays
        return paid

    def survival(self, end: float) -> Array:
        """P(alive `end` ahead), of shape (k,)."""
        rate, weight = self._rates(0.0, min(-np.log(end) - 37, np.log(self.m / self.age)))
        log_q, chance = self._chances(float(rate[-1]) * end)
        fall = -np.expm1(log_q / self.k)
        stays = self._kept()
        ahead = rate * end
        soon = ahead <= self._phases
        alive = np.empty((len(rate), self.k))
        alive[soon] = _poisson(len(stays) - 1, ahead[soon]) @ stays
        ends = self._powers(fall) * ((1 - fall)[:, None] ** np.arange(self.k)).mean(axis=1, keepdims=True)
        alive[~soon] = _exp(-ahead[~soon, None] * fall) @ (chance[:, None] * ends)
        value: Array = (weight * alive).sum(axis=0) + np.maximum(1 - weight.sum(axis=0), 0.0)
        return value

    @property
    def _phases(self) -> float:
        """Phases ahead by which the waves have faded."""
        return _FADED / min(1.0, 1 - np.cos(2 * np.pi / self.k)) if self.k > 1 else 0.0

    def _rates(self, start: float, least: float) -> tuple[Array, Array]:
        """Nodes of lambda from exp(`least`) on, and their weights in each phase."""
        m, k, peak = self.m, self.k, np.log(self.m / (self.age + start))
        top = m + k + 10 * np.sqrt(m + k) + 45
        low = max(peak - 10 / np.sqrt(m) - 45 / m, least)
        high = np.log(top / self.age)
        step = min(_STEP, 0.7 / np.sqrt(m + k))
        y = np.linspace(low, high, int((high - low) / step) + 2)
        rate = np.exp(y)
        t = y - np.log(m / self.age)
        log_weight = m * (t - np.expm1(t)) - _stirling(m) + np.log(y[1] - y[0])
        weight = _exp(log_weight)[:, None] * np.ones(k)
        for j in range(1, k):
            weight[:, j] = weight[:, j - 1] * rate * self.age / (m + j - 1)
        return rate, weight

    def _chances(self, reach: float) -> tuple[Array, Array]:
        """Nodes of p, as log(1 - p), and their weights: log-odds, far out in ever longer steps."""
        a, b = self.a, self.b
        far = min(reach, 1e12)
        peak, tilted = np.log(a / b), np.log(a / (b + far))
        wide = np.sqrt(1 / a + 1 / b)
        low = tilted - 12 * min(np.sqrt(1 / a), 1) - min(60 / a, 3.0)
        high = peak + 12 * min(wide, 1) + min(60 / b, 3.0)
        step = min(3 * _STEP, 0.7 * wide)
        t = np.arange(low - np.log1p(60 / a), high + np.log1p(60 / b) + step, step)
        left, right = np.exp(low - t), np.exp(t - high)
        y = t - left + right
        grown = np.logaddexp(0, y)
        log_weight = a * y - (a + b) * grown
        weight = _exp(log_weight - log_weight.max()) * (1 + left + right)
        weight /= weight.sum()
        return -grown, weight

    def _roots(self, log_q: Array, chance: Array, *, waves: bool) -> Iterator[tuple[Array, Array]]:
        """Yield 1 - w and its part in the rate, (chances, k), of the real root of w**k = q; of the others if asked.

        These fade against the real one like exp(-rho (1 - cos) s), s phases ahead.
        """
        rho = np.exp(log_q / self.k)
        some = rho > (0.01 if waves else 0.1)
        rho, fall = rho[some], np.maximum(-np.expm1(log_q[some] / self.k), 1e-200)
        part = chance[some, None] * rho[:, None] ** np.arange(1.0 - self.k, 1.0)
        yield fall, part
        for root in range(1, self.k // 2 + 1 if waves else 1):
            turn = np.exp(2j * np.pi * root / self.k)
            left = rho * (1 - turn.real) * self._phases < _GONE
            pair = 1 if 2 * root == self.k else 2
            yield 1 - turn + turn * fall[left], pair * part[left] * turn ** np.arange(1 - self.k, 1)

    def _powers(self, fall: Array) -> Array:
        """rho**(j-k+1), nothing where the waves fade with the rest."""
        rho = 1 - fall
        return np.where(rho[:, None] > 0.1, np.maximum(rho, 0.1)[:, None] ** np.arange(1.0 - self.k, 1.0), 0.0)

    def _stays(self) -> Array:
        """E[q**(n-1)] where phase s brings purchase n of a customer now in phase j, else 0: (phases, k)."""
        purchase, rest = self._after_phases()
        return np.where(rest == 0, self._stayed()[purchase - (rest == 0)], 0.0)[1:]

    def _kept(self) -> Array:
        """E[q**n], n the purchases that 0, 1, ... phases bring a customer now in phase j: (phases, k)."""
        purchase, _ = self._after_phases()
        return self._stayed()[purchase]

    def _after_phases(self) -> tuple[Integers, Integers]:
        many = int(self._phases + 10 * np.sqrt(self._phases) + 25)
        return np.divmod(np.arange(many + 1)[:, None] + np.arange(self.k), self.k)

    def _stayed(self) -> Array:
        """E[q**n], n = 0, 1, ..."""
        purchase, _ = self._after_phases()
        i = np.arange(purchase.max())
        stayed: Array = np.exp(np.concatenate([[0.0], -np.log1p(self.a / (self.b + i)).cumsum()]))
        return stayed


def _passed(phases: int, start: Array, end: Array) -> Array:
    """Return P(phase s falls in (start, end]), s = 1, ..., phases, of a Poisson process of rate 1."""
    s = np.arange(1, phases + 1)
    until_end = _poisson(phases, end)
    if not start.any():
        return np.cumsum(until_end[:, ::-1], axis=1)[:, -2::-1]
    until_start = _poisson(phases, start)
    before = np.cumsum(until_start, axis=1)[:, :-1] - np.cumsum(until_end, axis=1)[:, :-1]
    after = np.cumsum((until_end - until_start)[:, ::-1], axis=1)[:, -2::-1]
    return np.where(s < start[:, None], before, after)


def _poisson(most: int, mean: Array) -> Array:
    """P(i), i = 0, ..., most, at each mean: (means, most + 1)."""
    i = np.arange(most + 1.0)
    log_p = i * np.log(np.maximum(mean, 1e-300))[:, None] - (mean[:, None] + gammaln(i + 1))
    return _exp(log_p)


def _exp(logarithm: Array) -> Array:
    """Exponential; nothing where that does not count."""
    value: Array = np.exp(np.where(logarithm.real > _LEAST, logarithm, -np.inf))
    return value


def _stirling(z: float) -> float:
    """Log of Gamma(z) - z log z + z."""
    if z < 100:
        return float(gammaln(z) - z * np.log(z) + z)
    return float(0.5 * np.log(2 * np.pi / z) + 1 / (12 * z) - 1 / (360 * z**3))
