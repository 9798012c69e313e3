"""What every transaction model does: it is fitted on frequency, recency and T, and tells the purchases to come."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import UNIT_DAYS, Day, Horizon, check_unit, discount_per_day
from patron._core.errors import ConfigError, DataError, FitError
from patron.models.base import Model
from patron.models.fitter import BLOCK, Array, Derivatives, Optimum, blocks, maximise
from patron.models.horizon import Rate, log_purchases
from patron.models.inputs import (
    History,
    check_prediction_unit,
    fitting_unit,
    read_history,
    read_horizon,
    read_weights,
)

Ahead = float | str | Horizon | tuple[float | str | Horizon, float | str | Horizon]
_FEW: Final = 20_000
"""Rows enough to start from, when there are many more."""


class TransactionModel(Model):
    """A model of when customers buy, from frequency x, recency t_x and age T.

    While alive, customers buy at a Poisson rate lambda ~ Gamma(r, alpha); the models differ in how they leave.
    A new model supplies `_starts`, `_log_likelihood`, `_alive`, `_rate` (how purchases fade, see the horizon
    engine), `_residual`, `_no_purchase_if_alive`, `_count_if_alive` and `_simulate`.

    Attributes
    ----------
    unit_ : str
        The unit in which the model measures time.
    """

    rows: ClassVar[int] = BLOCK
    unit_: str

    def fit(self, frame: pd.DataFrame, weights: Any = None, unit: str | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frame : DataFrame
            One row a customer with frequency, recency and T, as `rfm_summary` or `features` give it, or
            one row a distinct history with `weight`, as `rfm_counts` does.
        weights : array or str, optional
            How many customers each row stands for; by default the column `weight`, if there is one.
        unit : {'day', 'week', 'month', 'year'}, optional
            The unit of recency and T; by default what the frame says.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When a column is absent or holds what it cannot.
        UnitError
            When `unit` contradicts the frame.
        FitError
            When no customer bought again, or the solver finds no rest.

        Warns
        -----
        NotIdentifiedWarning
            When a parameter runs to an edge.
        UnitAssumedWarning
            When neither the frame nor `unit` tells the unit.
        """
        weight = read_weights(frame, weights)
        history = read_history(frame, weight)
        unit = fitting_unit(frame, unit)
        if weight is not None and not weight.all():
            history = history[weight > 0]
        if not len(history):
            raise DataError("there is no customer to fit on", column="frequency", fix="pass a frame with rows")
        if not history.x.any():
            raise FitError(
                f"none of {history.customers:,.0f} customers bought again: nothing tells how often they buy, or leave",
                fix="observe for longer, or take more customers",
            )
        optimum = self._solve(history)
        self.unit_ = unit
        self._set_optimum(optimum, history.customers)
        return self

    @classmethod
    def from_params(cls, *, unit: str, **params: float) -> Self:
        """Make a model from known parameters.

        Parameters
        ----------
        unit : {'day', 'week', 'month', 'year'}
            The unit in which the parameters measure time.
        **params : float
            Every parameter by name.
        """
        check_unit(unit)
        model = cls()
        model._set_given(params)
        model.unit_ = unit
        return model

    def expected_purchases(self, frame: pd.DataFrame, horizon: Ahead, *, as_of: Day | None = None) -> pd.Series:
        """Return the expected number of purchases ahead; P(alive) is contained in it, never multiply by that.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float, str or pair
            A length in the model's unit, a text like '90 days' or '12 months', or (from, to).
        as_of : day, optional
            The day from which months and years run; by default the index level `as_of`, else the frame's attrs.

        Returns
        -------
        Series
            Indexed like the frame.
        """
        history = self._read(frame)
        (expected,) = self._purchases(history, *read_horizon(horizon, self.unit_, frame, as_of), 0.0)
        return pd.Series(expected, frame.index, name="expected_purchases")

    def discounted_purchases(
        self, frame: pd.DataFrame, horizon: Ahead | None, discount_rate: float = 0.10, *, as_of: Day | None = None
    ) -> pd.Series:
        """Return the expected purchases ahead, each discounted continuously from its own moment.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float, str, pair or None
            As in `expected_purchases`; None is the whole residual lifetime (DERT).
        discount_rate : float
            Annual effective rate; .10 is ten per cent a year.
        as_of : day, optional
            As in `expected_purchases`.

        Raises
        ------
        UndefinedError
            When the residual is asked for without a discount and is infinite.
        """
        history = self._read(frame)
        if horizon is None:
            start, end = np.zeros(()), np.asarray(np.inf)
        else:
            start, end = read_horizon(horizon, self.unit_, frame, as_of)
        (discounted,) = self._purchases(history, start, end, self._discount(discount_rate))
        return pd.Series(discounted, frame.index, name="discounted_purchases")

    def purchases_ahead(
        self, frame: pd.DataFrame, horizon: Ahead, discount_rate: float = 0.10, *, as_of: Day | None = None
    ) -> pd.DataFrame:
        """Return `expected_purchases` and `discounted_purchases` side by side, in the time of one.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float, str or pair
            As in `expected_purchases`.
        discount_rate : float
            As in `discounted_purchases`.
        as_of : day, optional
            As in `expected_purchases`.

        Returns
        -------
        DataFrame
            Indexed like the frame: expected_purchases, discounted_purchases.
        """
        history = self._read(frame)
        start, end = read_horizon(horizon, self.unit_, frame, as_of)
        both = self._purchases(history, start, end, 0.0, self._discount(discount_rate))
        return pd.DataFrame(both.T, frame.index, ["expected_purchases", "discounted_purchases"], copy=False)

    def probability_alive(self, frame: pd.DataFrame) -> pd.Series:
        """Probability that the customer has not left for good; not the opposite of churn."""
        values = self._by_blocks(self._alive, self._read(frame))
        return pd.Series(values, frame.index, name="probability_alive")

    def probability_no_purchase(
        self, frame: pd.DataFrame, horizon: float | str | Horizon, *, as_of: Day | None = None
    ) -> pd.Series:
        """Probability that the customer buys nothing within the horizon: churn, where there is no contract.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float or str
            A length in the model's unit, or a text like '90 days'.
        as_of : day, optional
            As in `expected_purchases`.
        """
        history = self._read(frame)

        def formula(some: History, end: Array) -> Array:
            alive = self._alive(some)
            return np.minimum((1 - alive) + alive * self._no_purchase_if_alive(some, end), 1.0)

        values = self._by_blocks(formula, history, self._from_now(horizon, frame, as_of))
        return pd.Series(values, frame.index, name="probability_no_purchase")

    def probability_of_purchases(
        self, n: int, frame: pd.DataFrame, horizon: float | str | Horizon, *, as_of: Day | None = None
    ) -> pd.Series:
        """Probability of exactly `n` purchases within the horizon.

        Parameters
        ----------
        n : int
            How many purchases, 0 or more.
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float or str
            A length in the model's unit, or a text like '90 days'.
        as_of : day, optional
            As in `expected_purchases`.
        """
        if n < 0 or n != int(n):
            raise DataError("a number of purchases is whole, 0 or more", example=n, fix="correct n")
        if n == 0:
            return self.probability_no_purchase(frame, horizon, as_of=as_of).rename("probability_of_purchases")
        history = self._read(frame)

        def formula(some: History, end: Array) -> Array:
            return self._alive(some) * self._count_if_alive(int(n), some, end)

        values = self._by_blocks(formula, history, self._from_now(horizon, frame, as_of))
        return pd.Series(values, frame.index, name="probability_of_purchases")

    def sample(self, n_customers: int, T: float | npt.ArrayLike, seed: int | None = None) -> pd.DataFrame:
        """Simulate customers exactly as the model says they behave.

        Parameters
        ----------
        n_customers : int
            How many.
        T : float or array of shape (n_customers,)
            How long each is observed, from the first purchase on, in the model's unit.
        seed : int, optional
            Of the random numbers.

        Returns
        -------
        DataFrame
            customer_id (int64) and time (in the model's unit since the customer's first purchase, which is
            there at 0), sorted by both.
        """
        self._check_fitted()
        ages = np.broadcast_to(np.asarray(T, dtype=np.float64), (n_customers,))
        customer, time = self._simulate(ages, np.random.default_rng(seed))
        counts = np.bincount(customer, minlength=n_customers)
        firsts = np.cumsum(counts) - counts
        return pd.DataFrame(
            {
                "customer_id": np.insert(customer, firsts, np.arange(n_customers)),
                "time": np.insert(time, firsts, 0.0),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        return {**super().to_dict(), "unit": self.unit_}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make a model from what `to_dict` gave."""
        model = super().from_dict(stored)
        model.unit_ = stored["unit"]
        return model

    @abstractmethod
    def _starts(self, history: History) -> tuple[Array, Array]:
        """Return parameters to start from: ordinary ones; dropout at once or hardly ever."""

    @abstractmethod
    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        """Read the customers once; return natural parameters -> log-likelihood, gradient, Hessian."""

    @abstractmethod
    def _alive(self, history: History) -> Array:
        """P(alive)."""

    @abstractmethod
    def _rate(self) -> tuple[Rate, float]:
        """Return how purchases fade if alive, and the origin of ages."""

    @abstractmethod
    def _residual(self, history: History) -> Array:
        """Purchases to come for ever if alive, undiscounted; an UndefinedError when infinite."""

    @abstractmethod
    def _no_purchase_if_alive(self, history: History, end: Array) -> Array:
        """P(no purchase up to `end` | alive)."""

    @abstractmethod
    def _count_if_alive(self, n: int, history: History, end: Array) -> Array:
        """P(n purchases up to `end` | alive), n > 0."""

    @abstractmethod
    def _simulate(self, ages: Array, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Array]:
        """Repeat purchases of customers observed up to `ages`: customer and time of each, sorted by both."""

    def _fit_newton(self, history: History) -> Optimum:
        """Fit by Newton; many rows start from the estimates of every k-th of them.

        A likelihood may have a second peak, where some customers leave at once and the others hardly ever: a fit of
        not many rows, and one that ends at an edge, looks there too, and the higher peak is the estimate.
        """
        lower, evaluate = np.asarray(self.lower), self._log_likelihood(history)
        start, other = self._starts(history)
        few = history[:: len(history) // _FEW] if len(history) > 2 * _FEW else None
        if few is not None and few.x.any():
            near = maximise(self._log_likelihood(few), start, lower, few.customers)
            start = start if near.edges else near.params
        found = maximise(evaluate, start, lower, history.customers)
        if few is None or found.edges:
            again = maximise(evaluate, other, lower, history.customers)
            found = max(found, again, key=lambda optimum: optimum.log_likelihood)
        return found

    def _purchases(self, history: History, start: Array, end: Array, *discounts: float) -> Array:
        """Return expected purchases in (start, end] ahead, a row a discount; a table for each distinct stretch.

        All but P(alive) depends on x and T alone, so it is found once for each pair of these.
        """
        values = np.zeros((len(discounts), len(history)))
        if start.ndim or end.ndim:
            distinct, row = np.unique(np.column_stack(np.broadcast_arrays(start, end)), axis=0, return_inverse=True)
            for i, (first, last) in enumerate(distinct):
                some = row == i
                values[:, some] = self._purchases(history[some], np.asarray(first), np.asarray(last), *discounts)
        elif len(history) and end > start:
            pairs, row = history.by_age()
            if_alive = self._if_alive(pairs, float(start), float(end), *discounts)
            for rows in blocks(len(history), self.rows):
                values[:, rows] = self._alive(history[rows]) * if_alive.take(row[rows], axis=1)
        return values

    def _if_alive(self, history: History, start: float, end: float, *discounts: float) -> Array:
        """Return expected purchases in (start, end] ahead of customers alive now, a row a discount."""
        if np.isinf(end) and not all(discounts):
            return self._residual(history)[None]
        rate, origin = self._rate()
        log_v = log_purchases(rate, history.x.astype(np.int64), origin + history.T, start, end, *discounts)
        return self._pace(history) * np.exp(log_v)

    def _discount(self, annual: float) -> float:
        return discount_per_day(annual) * UNIT_DAYS[self.unit_]

    def _read(self, frame: pd.DataFrame) -> History:
        self._check_fitted()
        check_prediction_unit(frame, self.unit_)
        return read_history(frame)

    def _from_now(self, horizon: Any, frame: pd.DataFrame, as_of: Day | None) -> Array:
        if isinstance(horizon, tuple | list):
            raise ConfigError("this probability is for a horizon that starts now", fix="give one length, not a pair")
        return read_horizon(horizon, self.unit_, frame, as_of)[1]

    def _pace(self, history: History) -> Array:
        """Purchases a unit of time, now and if alive."""
        r, alpha, *_ = self._values
        return (r + history.x) / (alpha + history.T)

    def _by_blocks(self, formula: Callable[..., Array], history: History, *columns: Array) -> Array:
        """Apply a formula to blocks of rows; each column has a value a row, or one for all."""
        values = np.empty(len(history))
        for rows in blocks(len(history), self.rows):
            values[rows] = formula(history[rows], *(column[rows] if column.ndim else column for column in columns))
        return values
