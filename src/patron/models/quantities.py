"""What a transaction model tells of a customer: every quantity, from a few primitives that a model supplies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import Day, Horizon, discount_per_day, unit_days
from patron._core.errors import ConfigError, DataError, UndefinedError
from patron.models.base import Model
from patron.models.fitter import BLOCK, Array, blocks
from patron.models.groups import by_group, parts_of
from patron.models.horizon import Integers, Rate, log_purchases
from patron.models.inputs import History, check_prediction_unit, read_history, read_horizon
from patron.models.uncertainty import (
    DRAWS,
    REPEATS,
    Kind,
    Of,
    Totals,
    check_kind,
    draw_models,
    mean_interval,
    predictive_interval,
)

Length = float | str | Horizon
Ahead = Length | tuple[Length, Length]

_WAITS: Final = (-60.0, 650.0)
"""Logarithms of the shortest and the longest wait looked at, in mean waits."""


class Quantities(Model):
    """The public predictions of a transaction model.

    A model supplies `_alive`, `_alive_ahead`, `_rate` (how purchases fade, see the horizon engine), `_residual`,
    `_no_purchase_if_alive`, `_count_if_alive`, `_play` and `_log_likelihoods`; one whose customers have a memory
    beyond alive or not supplies `_states` and `_if_alive` instead of `_rate` and `_residual`.

    Attributes
    ----------
    unit_ : str
        The unit in which the model measures time.
    """

    rows: ClassVar[int] = BLOCK
    unit_: str
    groups_: dict[Any, Any] | None = None

    @by_group
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
        (expected,) = self._purchases(history, *self._horizon(horizon, frame, as_of), 0.0)
        return pd.Series(expected, frame.index, name="expected_purchases")

    @by_group
    def expected_purchases_by_month(
        self, frame: pd.DataFrame, months: int, *, as_of: Day | None = None
    ) -> pd.DataFrame:
        """Return the expected purchases of each calendar month ahead, the first starting the day after `as_of`.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        months : int
            How many.
        as_of : day, optional
            As in `expected_purchases`.

        Returns
        -------
        DataFrame
            Indexed like the frame, a column a month: 1, 2, ..., `months`.
        """
        history = self._read(frame)
        table = np.empty((len(frame), months))
        for month in range(months):
            stretch = f"{month} months" if month else 0.0, f"{month + 1} months"
            (table[:, month],) = self._purchases(history, *self._horizon(stretch, frame, as_of), 0.0)
        return pd.DataFrame(table, frame.index, pd.RangeIndex(1, months + 1, name="month"))

    @by_group
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
        start, end = self._horizon(horizon, frame, as_of)
        (discounted,) = self._purchases(history, start, end, self._discount(discount_rate))
        return pd.Series(discounted, frame.index, name="discounted_purchases")

    @by_group
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
        both = self._purchases(history, *self._horizon(horizon, frame, as_of), 0.0, self._discount(discount_rate))
        return pd.DataFrame(both.T, frame.index, ["expected_purchases", "discounted_purchases"], copy=False)

    @by_group
    def probability_alive(
        self, frame: pd.DataFrame, ahead: Length | None = None, *, as_of: Day | None = None
    ) -> pd.Series:
        """Probability that the customer has not left for good; not the opposite of churn.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        ahead : float or str, optional
            How far ahead, whatever is bought until then; by default today.
        as_of : day, optional
            As in `expected_purchases`.
        """
        history = self._read(frame)
        if ahead is None:
            values = self._by_blocks(self._alive, history)
        else:

            def formula(some: History, end: Array) -> Array:
                return self._alive(some) * self._alive_ahead(some, end)

            values = self._by_blocks(formula, history, self._from_now(ahead, frame, as_of))
        return pd.Series(values, frame.index, name="probability_alive")

    @by_group
    def probability_no_purchase(self, frame: pd.DataFrame, horizon: Length, *, as_of: Day | None = None) -> pd.Series:
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
        end = self._from_now(horizon, frame, as_of)
        values = self._by_blocks(self._no_purchase, self._read(frame), end)
        return pd.Series(values, frame.index, name="probability_no_purchase")

    @by_group
    def probability_of_purchases(
        self, n: int, frame: pd.DataFrame, horizon: Length, *, as_of: Day | None = None
    ) -> pd.Series:
        """Probability of exactly `n` purchases within the horizon.

        Parameters
        ----------
        n : int
            How many purchases, 0 or more.
        frame : DataFrame
            frequency, recency and T, in the model's unit; `new_customer()` for one just acquired.
        horizon : float or str
            A length in the model's unit, or a text like '90 days'.
        as_of : day, optional
            As in `expected_purchases`.
        """
        if n < 0 or n != int(n):
            raise DataError("a number of purchases is whole, 0 or more", example=n, fix="correct n")
        end = self._from_now(horizon, frame, as_of)

        def formula(some: History, end: Array) -> Array:
            return self._alive(some) * self._count_if_alive(int(n), some, end) if n else self._no_purchase(some, end)

        values = self._by_blocks(formula, self._read(frame), end)
        return pd.Series(values, frame.index, name="probability_of_purchases")

    @by_group
    def time_to_next_purchase(self, frame: pd.DataFrame, q: float = 0.5) -> pd.Series:
        """Return the time by which the customer has bought again with probability `q`.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        q : float
            Between 0 and 1; .5 gives the median.

        Returns
        -------
        Series
            In the model's unit, from now; infinite for a customer who buys ever again with a probability below `q`.
        """
        if not 0 < q < 1:
            raise DataError("q is a probability between 0 and 1", example=q, fix="0.5 gives the median")

        values = self._by_blocks(partial(self._waits, q=q), self._read(frame))
        return pd.Series(values, frame.index, name="time_to_next_purchase")

    @by_group
    def log_likelihoods(self, frame: pd.DataFrame) -> pd.Series:
        """Return the log-likelihood of each customer; their weighted sum is `log_likelihood_` of these data."""
        values = self._by_blocks(self._log_likelihoods, self._read(frame))
        return pd.Series(values, frame.index, name="log_likelihood")

    def purchases_interval(
        self,
        frame: pd.DataFrame,
        horizon: Ahead,
        *,
        kind: Kind = "predictive",
        level: float = 0.9,
        of: Of = "customer",
        draws: pd.DataFrame | None = None,
        seed: int = 0,
        as_of: Day | None = None,
    ) -> pd.DataFrame:
        """Interval for the purchases ahead: of each customer, each cohort, or the whole base.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float, str or pair
            As in `expected_purchases`.
        kind : {'predictive', 'mean'}
            Of what will be observed, drawn; or of its expectation, which knows the parameters' uncertainty alone
            and says little of a single customer.
        level : float
            The share of intervals that hold.
        of : str, Series or array
            'customer', 'base', a column of groups, or a label for each row.
        draws : DataFrame, optional
            Parameters, as `bootstrap` or `parameter_draws` give them; by default from the covariance.
        seed : int
            Of the random numbers.
        as_of : day, optional
            As in `expected_purchases`.

        Returns
        -------
        DataFrame
            expected, low, high; indexed like the frame, or by group.

        Raises
        ------
        UndefinedError
            When the model has no covariance and no `draws` are given.
        """
        check_kind(kind, level)
        totals, history = Totals(frame, of), self._read(frame)
        start, end = self._horizon(horizon, frame, as_of)
        models, rows = self.by_rows(frame)

        def value(*models: Quantities) -> Array:
            whole = np.empty(len(frame))
            for model, some in zip(models, rows, strict=True):
                first, last = (side[some] if side.ndim else side for side in (start, end))
                (whole[some],) = model._purchases(history[some], first, last, 0.0)
            return whole

        if kind == "mean":
            return mean_interval(value, models, totals, level, draws)

        def outcomes(some: slice) -> Iterator[Array]:
            for row, _ in self.play_often(frame.iloc[some], horizon, draws, seed, stream=some.start, as_of=as_of):
                yield np.bincount(row, minlength=len(range(*some.indices(len(frame))))).astype(np.float64)

        return predictive_interval(outcomes, value(*models), totals, level)

    def play_often(
        self,
        frame: pd.DataFrame,
        horizon: Ahead,
        draws: pd.DataFrame | None = None,
        seed: int = 0,
        *,
        stream: int = 0,
        as_of: Day | None = None,
    ) -> Iterator[tuple[Integers, Array]]:
        """Draw what the customers buy ahead again and again, the parameters drawn too.

        Parameters
        ----------
        frame, horizon, draws, seed, as_of
            As in `purchases_interval`.
        stream : int
            Another one plays other customers with the same parameters.

        Yields
        ------
        row, time : ndarray
            The row of each purchase of one outcome and its time from now, sorted by both.
        """
        history, (start, end) = self._read(frame), self._horizon(horizon, frame, as_of)
        start, end = np.broadcast_to(start, len(history)), np.broadcast_to(end, len(history))
        if np.isinf(end).any():
            raise UndefinedError("what will be bought for ever cannot be drawn", fix="give a horizon")
        distinct, place = history.distinct()
        models, rows = self.by_rows(frame)
        rng = np.random.default_rng([seed, 1, stream])
        drawn = [draw_models(model, DRAWS, np.random.default_rng([seed, 0]), draws) for model in models]
        for together in zip(*drawn, strict=True):
            states = [model._states(distinct)[:, place[some]] for model, some in zip(together, rows, strict=True)]
            for _ in range(REPEATS):
                row, time = [], []
                for model, some, state in zip(together, rows, states, strict=True):
                    who, when = model._play(history[some], state, end[some], rng)
                    row.append(some[who])
                    time.append(when)
                who, when = np.concatenate(row), np.concatenate(time)
                kept = when > start[who]
                yield who[kept], when[kept]

    def new_customer(self, **columns: Any) -> pd.DataFrame:
        """Return the history of a customer at the first purchase: what may be asked of it, asks of one to come.

        Parameters
        ----------
        **columns
            Covariates, or the group, of the customer.

        Returns
        -------
        DataFrame
            One row: frequency 0, recency 0, T 0 and `columns`, in the model's unit.
        """
        self._check_fitted()
        frame = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0], **{k: [v] for k, v in columns.items()}})
        frame.attrs["unit"] = self.unit_
        return frame

    @by_group
    def simulate_ahead(
        self, frame: pd.DataFrame, horizon: Length, seed: int | None = None, *, as_of: Day | None = None
    ) -> pd.DataFrame:
        """Draw what each customer buys ahead: rates, dropout and purchases from what their history leaves open.

        Parameters
        ----------
        frame : DataFrame
            frequency, recency and T, in the model's unit.
        horizon : float or str
            As in `probability_no_purchase`.
        seed : int, optional
            Of the random numbers.
        as_of : day, optional
            As in `expected_purchases`.

        Returns
        -------
        DataFrame
            Indexed like the frame, a row a purchase: `time`, from now.
        """
        history = self._read(frame)
        end = np.broadcast_to(self._from_now(horizon, frame, as_of), len(history))
        row, time = self._play(history, self._states(history), end, np.random.default_rng(seed))
        return pd.DataFrame({"time": time}, frame.index[row])

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
        ages = np.broadcast_to(np.asarray(T, dtype=np.float64), (n_customers,))
        everybody = np.zeros(n_customers, dtype=np.int64)
        history = self._read(self.new_customer())
        states = self._states(history)[:, everybody]
        customer, time = self._play(history[everybody], states, ages, np.random.default_rng(seed))
        counts = np.bincount(customer, minlength=n_customers)
        firsts = np.cumsum(counts) - counts
        return pd.DataFrame(
            {
                "customer_id": np.insert(customer, firsts, np.arange(n_customers)),
                "time": np.insert(time, firsts, 0.0),
            }
        )

    def by_rows(self, frame: pd.DataFrame) -> tuple[list[Quantities], list[Integers]]:
        """Return the models that answer for the frame, and the rows of each."""
        parts = [(self, np.arange(len(frame)))] if self.groups_ is None else parts_of(self, frame)
        models, rows = zip(*parts, strict=True)
        return list(models), list(rows)

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
        values = np.zeros((len(discounts), len(history)))
        apart = self._apart(history)
        if start.ndim or end.ndim or apart is not None:
            keys = np.column_stack(np.broadcast_arrays(start, end, 0.0 if apart is None else apart))
            distinct, row = np.unique(keys, axis=0, return_inverse=True)
            order = np.argsort(row, kind="stable")
            for (first, last, _), some in zip(distinct, np.split(order, np.cumsum(np.bincount(row))[:-1]), strict=True):
                values[:, some] = self._same(history[some], first, last, *discounts)
            return values
        return self._same(history, float(start), float(end), *discounts)

    def _same(self, history: History, start: float, end: float, *discounts: float) -> Array:
        """Return `_purchases` of rows that share a table."""
        values = np.zeros((len(discounts), len(history)))
        if len(history) and end > start:
            pairs, row = history.by_age()
            if_alive = self._if_alive(pairs, start, end, *discounts)
            for rows in blocks(len(history), self.rows):
                ahead = if_alive.take(row[rows], axis=-1)
                ahead *= self._states(history[rows])
                ahead.sum(axis=1, out=values[:, rows])
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
