"""What a transaction model supplies, and what is made of it: expectations by table, waits by search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd

from patron._core.calendar import Day, Horizon, discount_per_day, unit_days
from patron._core.errors import ConfigError, UndefinedError
from patron.models.family.base import Model
from patron.models.family.inputs import History, check_prediction_unit, read_history, read_horizon
from patron.models.maths.fitter import BLOCK, Array, blocks
from patron.models.maths.horizon import Integers, Rate, log_purchases

Length = float | str | Horizon
Ahead = Length | tuple[Length, Length]

_WAITS: Final = (-60.0, 680.0)
"""Logarithms of the shortest and the longest wait looked at, in mean waits."""


class Primitives(Model):
    """The inside of a transaction model: arrays of histories in, arrays out.

    A model supplies `_alive`, `_alive_ahead`, `_rate` (how purchases fade, see the horizon engine), `_residual`,
    `_no_purchase_if_alive`, `_count_if_alive`, `_play` and `_log_likelihoods`; one whose customers have a memory
    beyond alive or not supplies `_states` and `_if_alive` instead of `_rate` and `_residual`.
    """

    rows: ClassVar[int] = BLOCK
    unit_: str
    groups_: dict[Any, Any] | None = None

    @abstractmethod
    def _alive(self, history: History) -> Array:
        """P(alive)."""

    def _alive_or_gone(self, history: History) -> tuple[Array, Array]:
        """P(alive) and P(gone); a model for which 1 - P(alive) loses digits tells both."""
        alive = self._alive(history)
        return alive, 1 - alive

    @abstractmethod
    def _alive_ahead(self, history: History, end: Array) -> Array:
        """P(alive `end` ahead | alive)."""

    def _rate(self, history: History) -> tuple[Rate, Array]:
        """Return how purchases fade if alive, and the ages from the model's origin."""
        raise NotImplementedError

    def _residual(self, history: History) -> Array:
        """Purchases to come for ever if alive, undiscounted; an UndefinedError when infinite."""
        raise NotImplementedError

    @abstractmethod
    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        """P(no purchase up to `end` | alive); `end` may be infinite."""

    @abstractmethod
    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        """P(n purchases up to `end` | alive), n > 0."""

    @abstractmethod
    def _play(self, history: History, states: Array, span: Array, rng: np.random.Generator) -> tuple[Integers, Array]:
        """Purchases of a span of time ahead, drawn, given `_states`: row and time from now of each, sorted by both."""

    @abstractmethod
    def _log_likelihoods(self, history: History) -> Array:
        """Log-likelihood of each row."""

    def _pace(self, history: History) -> Array:
        """Purchases a unit of time, now and if alive."""
        r, alpha, *_ = self._at(history)
        pace: Array = (r + history.x) / (alpha + history.T)
        return pace

    def _at(self, history: History) -> tuple[Any, ...]:  # noqa: ARG002  # covariates make them differ by row
        """Return the family's parameters: a number, or an array of one for each row."""
        return self._values

    def _states(self, history: History) -> Array:
        """P(alive and in each state), shape (states, n)."""
        return self._alive(history)[None]

    def _apart(self, history: History) -> Array | None:  # noqa: ARG002
        """Return what keeps rows from sharing a table, if anything does."""
        return None

    def _no_purchase(self, history: History, end: Array) -> Array:
        alive, gone = self._alive_or_gone(history)
        return np.minimum(gone + alive * self._no_purchase_if_alive(history, end), 1.0)

    def _waits(self, history: History, q: float) -> Array:
        """Return the time by which a purchase has happened with probability `q`; infinite where that is never so."""
        alive, wait = self._alive(history), np.full(len(history), np.inf)
        with np.errstate(divide="ignore", over="ignore"):
            silent = 1 - q / alive
        ever = np.flatnonzero(silent > self._no_purchase_if_alive(history, np.asarray(np.inf)))
        wait[ever] = self._wait(history[ever], silent[ever])
        return wait

    def _wait(self, history: History, silent: Array) -> Array:
        """Return the time after which a customer alive now has not bought with probability `silent`."""
        from scipy.optimize.elementwise import find_root  # noqa: PLC0415  # slow to import

        usual = 1 / self._pace(history)
        rows = np.arange(len(history))

        def excess(log_wait: Array, row: Array) -> Array:
            at = row.astype(np.int64)
            return self._no_purchase_if_alive(history[at], usual[at] * np.exp(log_wait)) - silent[at]

        if not len(rows):
            return np.empty(0)
        low, high = (np.full(len(rows), end) for end in _WAITS)
        wait = usual * np.exp(find_root(excess, (low, high), args=(rows.astype(np.float64),)).x)
        return np.where(np.isnan(wait), np.inf, wait)  # beyond what a double tells

    def _purchases(self, history: History, start: Array, end: Array, *discounts: float) -> Array:
        """Return expected purchases in (start, end] ahead, a row a discount; a table for each distinct stretch.

        All but the states depends on x and T alone, so it is found once for each pair of these.
        """
        apart = self._apart(history)
        if start.ndim or end.ndim or apart is not None:
            keys = np.column_stack(np.broadcast_arrays(start, end, 0.0 if apart is None else apart))
            distinct, row = np.unique(keys, axis=0, return_inverse=True)
            order = np.argsort(row, kind="stable")
            values = np.empty((len(discounts), len(history)))
            for (first, last, _), some in zip(distinct, np.split(order, np.cumsum(np.bincount(row))[:-1]), strict=True):
                values[:, some] = self._same(history[some], first, last, *discounts)
            return values
        return self._same(history, float(start), float(end), *discounts)

    def _same(self, history: History, start: float, end: float, *discounts: float) -> Array:
        """Return `_purchases` of rows that share a table."""
        if not len(history) or end <= start:
            return np.zeros((len(discounts), len(history)))
        pairs, pair, key = history.by_age() or (history, None, None)
        told = self._if_alive(pairs, start, end, *discounts)
        if pair is not None:
            if_alive, told = told, np.empty((*told.shape[:-1], pair[-1] + 1))
            told[..., pair] = if_alive
        values = np.empty((len(discounts), len(history)))
        for rows in blocks(len(history), self.rows):
            states = self._states(history[rows])
            for discount, ahead in enumerate(told):
                value = values[discount, rows]
                if key is None:
                    value[:] = ahead[0, rows]
                else:
                    ahead[0].take(key[rows], out=value, mode="clip")  # none is beyond; "raise" would copy
                value *= states[0]
                for alive, there in zip(states[1:], ahead[1:], strict=True):
                    value += alive * (there[rows] if key is None else there[key[rows]])
        return values

    def _if_alive(self, history: History, start: float, end: float, *discounts: float) -> Array:
        """Return expected purchases in (start, end] ahead of customers alive now: (discounts, states, n)."""
        if np.isinf(end) and not all(discounts):
            return self._residual(history)[None, None]
        rate, age = self._rate(history)
        log_v = log_purchases(rate, history.x.astype(np.int64), age, start, end, *discounts)
        values: Array = (self._pace(history) * np.exp(log_v))[:, None]
        return values

    def _discount(self, annual: float) -> float:
        return discount_per_day(annual) * unit_days(self.unit_)

    def _read(self, frame: pd.DataFrame) -> History:
        self._check_fitted()
        check_prediction_unit(frame, self.unit_)
        return self._history(frame, None)

    def _history(self, frame: pd.DataFrame, weight: Array | None) -> History:
        return read_history(frame, weight)

    def _horizon(self, horizon: Ahead | None, frame: pd.DataFrame, as_of: Day | None) -> tuple[Array, Array]:
        if horizon is None:
            return np.zeros(()), np.asarray(np.inf)
        return read_horizon(horizon, self.unit_, frame, as_of)

    def _from_now(self, horizon: Any, frame: pd.DataFrame, as_of: Day | None) -> Array:
        if horizon is None or isinstance(horizon, tuple | list):
            raise ConfigError("this probability is for a horizon that starts now", fix="give one length, not a pair")
        return self._horizon(horizon, frame, as_of)[1]

    def _by_blocks(self, formula: Callable[..., Array], history: History, *columns: Array) -> Array:
        """Apply a formula to blocks of rows; each column has a value a row, or one for all."""
        values = np.empty(len(history))
        for rows in blocks(len(history), self.rows):
            values[rows] = formula(history[rows], *(column[rows] if column.ndim else column for column in columns))
        return values


def infinite(parameter: str, value: float) -> UndefinedError:
    """Return the error for a residual that no discount makes finite."""
    return UndefinedError(
        f"without a discount the residual purchases are infinite, because {parameter} = {value:.4g} is not above 1",
        fix="give a discount_rate above 0, or a horizon",
    )
