"""NBD: Poisson purchases at a gamma rate, for ever; the yardstick of what dropout explains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Never

import numpy as np

from patron._core.errors import ConfigError, UndefinedError
from patron.models.family.inputs import History, by_distinct
from patron.models.family.transaction import TransactionModel
from patron.models.maths.fitter import Array, Derivatives, over_blocks, total
from patron.models.maths.gamma_poisson import BUYING_EDGES, bought, log_count, more_than, simulate, waited
from patron.models.maths.horizon import Integers, Rate
from patron.models.maths.rising import log_rising


class NBD(TransactionModel):
    """The NBD model of Ehrenberg (1959): customers buy at a Poisson rate lambda ~ Gamma(r, alpha) and never leave.

    Parameters
    ----------
    solver : {'newton'}
        Who fits; lifetimes has no such model.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter; by default there is none.

    Notes
    -----
    With x repeat purchases up to T: L = Gamma(r+x) alpha**r / Gamma(r) * (alpha+T)**-(r+x); the recency tells
    nothing. BG/NBD, MBG/NBD and Pareto/NBD contain it where nobody leaves.

    References
    ----------
    A. S. C. Ehrenberg, The Pattern of Consumer Purchases, Applied Statistics 8(1), 1959.

    Examples
    --------
    >>> import pandas as pd
    >>> model = NBD.from_params(r=0.385, alpha=12.07, unit="week")
    >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}, index=["0001", "0006"])
    >>> frame.attrs["unit"] = "week"
    >>> model.expected_purchases(frame, 39).round(3)
    0001    1.826
    0006    0.295
    Name: expected_purchases, dtype: float64
    """

    name: ClassVar[str] = "nbd"
    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0)
    edges: ClassVar[dict[str, str]] = BUYING_EDGES

    def _starts(self, history: History) -> tuple[Array, Array]:
        once = history.usual_gap
        return np.array([1.0, once]), np.array([0.1, 0.1 * once])

    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        beyond = more_than(history.x, history.weight)
        aged = by_distinct(history.T, history.weight, history.weight * history.x)

        def evaluate(values: Array) -> Derivatives:
            r, alpha = values
            return total(bought(r, alpha, beyond), over_blocks(partial(waited, r, alpha), *aged))

        return evaluate

    def _fit_lifetimes(self, history: History) -> Never:  # noqa: ARG002
        raise ConfigError("lifetimes has no NBD model", fix='use solver="newton"')

    def _log_likelihoods(self, history: History) -> Array:
        r, alpha = self._values
        bought = log_rising(r, history.x)[0] - history.x * np.log(alpha)
        likelihood: Array = bought - (r + history.x) * np.log1p(history.T / alpha)
        return likelihood

    def _alive(self, history: History) -> Array:
        return np.ones(len(history))

    def _alive_ahead(self, history: History, end: Array) -> Array:  # noqa: ARG002
        return np.ones(len(history))

    def _rate(self, history: History) -> tuple[Rate, Array]:
        return Steady(), self._values[1] + history.T

    def _residual(self, history: History) -> Never:  # noqa: ARG002
        raise UndefinedError(
            "without a discount the residual purchases are infinite, because customers of the NBD never leave",
            fix="give a discount_rate above 0, or a horizon",
        )

    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        r, alpha = self._values
        return np.exp(-(r + history.x) * np.log1p(end / (alpha + history.T)))

    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        r, alpha = self._values
        count: Array = np.exp(log_count(n, r + history.x, end / (alpha + history.T)))
        return count

    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:  # noqa: ARG002
        r, alpha = self._values
        return simulate(rng.standard_gamma(r + history.x) / (alpha + history.T), span, rng)


class Steady:
    """A purchase rate that does not fade."""

    def log_fading(self, u: Array, x: Integers, age: Array) -> Array:
        """Return zeros."""
        return np.zeros(np.broadcast(u, x, age).shape)

    def scale(self, x: Integers, age: Array) -> Array:  # noqa: ARG002
        """Return any time: a constant is smooth."""
        return age

    fine = None
