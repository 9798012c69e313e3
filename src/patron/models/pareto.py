"""Pareto/NBD: Poisson purchases at a gamma rate; a customer leaves after an exponential lifetime at a gamma rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np

from patron.models.family.covariates import CovariateModel
from patron.models.family.inputs import History, by_distinct
from patron.models.family.primitives import infinite
from patron.models.maths.fitter import Array, Derivatives, Optimum, blocks, given_optimum, over_blocks, total
from patron.models.maths.gamma_poisson import (
    BUYING_EDGES,
    Rows,
    add_rows,
    bought,
    more_than,
    row_bought,
    row_waited,
    simulate,
    waited,
    widen,
)
from patron.models.maths.horizon import Integers, Rate
from patron.models.maths.silence import BLOCK, count, log_silence, row_silence, silence


class ParetoNBD(CovariateModel):
    """The Pareto/NBD model of Schmittlein, Morrison and Colombo (1987).

    While alive, a customer buys at a Poisson rate lambda ~ Gamma(r, alpha); the lifetime is exponential, at a
    rate mu ~ Gamma(s, beta).

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: the fitter of this package, or the archived package lifetimes, as a second opinion.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter, around an ordinary value; 2.0
        allows a factor of 50 either way. By default there is none.
    rate_covariates, dropout_covariates : sequence of str
        Columns that multiply how often customers buy, and how soon they leave, by exp(effect x column); the effects
        are named `rate.COLUMN` and `dropout.COLUMN`.
    l2 : float
        Penalty on the squared effects, of columns that deviate by 1.

    Notes
    -----
    With x repeat purchases, the last at t_x, observed up to T:

    L = Gamma(r+x) alpha**r beta**s / Gamma(r) * [(alpha+T)**-(r+x) (beta+T)**-s
    + s * integral of (alpha+y)**-(r+x) (beta+y)**-(s+1) dy over [t_x, T]].

    The integral is a fixed quadrature (`patron.models.maths.silence`): the difference of two hypergeometric functions,
    which is the usual form, loses its digits when beta and alpha are far apart or x is large.

    References
    ----------
    D. C. Schmittlein, D. G. Morrison, R. Colombo, Counting Your Customers: Who Are They and What Will They Do
    Next?, Management Science 33(1), 1987. P. Fader, B. Hardie, brucehardie.com/notes/009.

    Examples
    --------
    >>> import pandas as pd
    >>> model = ParetoNBD.from_params(r=0.5533, alpha=10.5777, s=0.6062, beta=11.668, unit="week")
    >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}, index=["0001", "0006"])
    >>> frame.attrs["unit"] = "week"
    >>> model.probability_alive(frame).round(3)
    0001    0.869
    0006    0.295
    Name: probability_alive, dtype: float64
    >>> model.expected_purchases(frame, 39).round(3)
    0001    1.455
    0006    0.107
    Name: expected_purchases, dtype: float64
    """

    name: ClassVar[str] = "pareto_nbd"
    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0, 0.0)
    leaves: ClassVar[tuple[int, int]] = (3, -1)
    rows: ClassVar[int] = BLOCK
    edges: ClassVar[dict[str, str]] = {
        "s- beta+": "customers hardly leave",
        "s+ beta+": "customers do not differ in how soon they leave",
        "s- beta-": "customers either leave at once or hardly ever",
        "s+ beta-": "customers leave at once",
        "s+": "customers leave at once",
        "s-": "customers hardly leave",
        "beta+": "customers hardly leave",
        "beta-": "customers leave at once",
        **BUYING_EDGES,
    }

    def _alike_starts(self, history: History) -> tuple[Array, Array]:
        once, age = history.usual_gap, float(np.average(history.T, weights=history.weight))
        return np.array([1.0, once, 1.0, age]), np.array([1.0, once, 0.3, 0.1 * age])

    def _alike_log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        some = history.condensed()
        some = some[np.argsort(some.T - some.t_x)]  # rows of a block take as many nodes
        beyond, silent = more_than(some.x, some.weight), some.T - some.t_x
        last, customers, purchases = by_distinct(some.t_x, some.weight, some.weight * some.x)
        nothing = np.zeros(len(last))

        def evaluate(values: Array) -> Derivatives:
            r, alpha, s, beta = values

            def after_the_last(x: Array, t_x: Array, t: Array, weight: Array) -> Derivatives:
                return log_silence(s, r + x, alpha + t_x, beta + t_x, t, weight)

            return total(
                widen(bought(r, alpha, beyond), 0, 4),
                widen(over_blocks(partial(waited, r, alpha), last, customers, purchases), 0, 4),
                widen(over_blocks(partial(waited, s, beta), last, customers, nothing), 2, 4),
                over_blocks(after_the_last, some.x, some.t_x, silent, some.weight, size=self.rows),
            )

        return evaluate

    def _fit_lifetimes(self, history: History) -> Optimum:
        from lifetimes import ParetoNBDFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        fitter = ParetoNBDFitter().fit(history.x, history.t_x, history.T, history.weight)
        values = np.array([fitter.params_[name] for name in self.parameters])
        return given_optimum(self._log_likelihood(history), values)

    def _row_derivatives(self, values: tuple[Any, ...], history: History) -> Rows:
        r, alpha, s, beta = values
        x, t_x, nothing = history.x, history.t_x, np.zeros(len(history))
        f, g, h = nothing.copy(), np.zeros((4, len(x))), np.zeros((4, 4, len(x)))
        add_rows(row_bought(r, alpha, x), [0, 1], f, g, h)
        add_rows(row_waited(r, alpha, x, t_x), [0, 1], f, g, h)
        add_rows(row_waited(s, beta, nothing, t_x), [2, 3], f, g, h)
        for rows in blocks(len(x), self.rows):
            silent = row_silence(
                s[rows], (r + x)[rows], (alpha + t_x)[rows], (beta + t_x)[rows], (history.T - t_x)[rows]
            )
            for whole, part in zip((f, g, h), silent, strict=True):
                whole[..., rows] += part
        return f, g, h

    def _alive(self, history: History) -> Array:
        return self._alive_or_gone(history)[0]

    def _alive_or_gone(self, history: History) -> tuple[Array, Array]:
        r, alpha, s, beta = self._at(history)
        x, t_x = history.x, history.t_x
        lives, gone = silence(r + x, s, alpha + t_x, beta + t_x, history.T - t_x)
        both = lives + gone
        return lives / both, gone / both

    def _alive_ahead(self, history: History, end: Array) -> Array:
        _, _, s, beta = self._at(history)
        still: Array = np.exp(-s * np.log1p(end / (beta + history.T)))
        return still

    def _rate(self, history: History) -> tuple[Rate, Array]:
        _, _, s, beta = self._at(history)
        return ParetoRate(s), beta + history.T

    def _residual(self, history: History) -> Array:
        _, _, s, beta = self._at(history)
        if s <= 1:
            raise infinite("s", s)
        to_come: Array = self._pace(history) * (beta + history.T) / (s - 1)
        return to_come

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        r, alpha, s, beta = self._at(history)
        lives, gone = silence(r + history.x, s, alpha + history.T, beta + history.T, end)
        return lives + gone

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        r, alpha, s, beta = self._at(history)
        return count(n, r + history.x, s, alpha + history.T, beta + history.T, end)

    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:
        r, alpha, s, beta = self._at(history)
        alive = np.flatnonzero(rng.random(len(history)) < states[0])
        here = history[alive]
        alpha, beta = (np.broadcast_to(scale, len(history))[alive] for scale in (alpha, beta))
        rate = rng.standard_gamma(r + here.x) / (alpha + here.T)
        leaving = rng.standard_gamma(s, len(here)) / (beta + here.T)
        with np.errstate(divide="ignore", over="ignore"):
            lifetime = rng.standard_exponential(len(here)) / leaving
        row, time = simulate(rate, np.minimum(span[alive], lifetime), rng)
        return alive[row], time


class ParetoRate:
    """The purchase rate ahead against today's, of a customer alive now: ((beta+T) / (beta+T+u))**s."""

    fine = None

    def __init__(self, s: float) -> None:
        self._s = s

    def log_fading(self, u: Array, x: Integers, age: Array) -> Array:  # noqa: ARG002  # the same for every x
        """Log of v(u; x, T) / v(0; x, T), age = beta + T."""
        return -self._s * np.log1p(u / age)

    def scale(self, x: Integers, age: Array) -> Array:  # noqa: ARG002
        """Return where the rate bends: v is smooth in log(scale + u)."""
        return age / (1 + self._s)
