"""What customers may do ahead, drawn: simulations, samples, and intervals of what will be observed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import Day
from patron._core.errors import UndefinedError
from patron.models.family.groups import by_group, parts_of
from patron.models.family.primitives import Ahead, Length
from patron.models.family.quantities import Quantities
from patron.models.family.uncertainty import (
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
from patron.models.maths.fitter import Array
from patron.models.maths.horizon import Integers


class Played(Quantities):
    """Draws from a transaction model, and the intervals they give."""

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
            When the model has no covariance and no `draws` are given, or was fitted by group and they are.
        """
        check_kind(kind, level)
        if draws is not None and self.groups_ is not None:
            raise UndefinedError(
                "draws are of one model, and this was fitted by group",
                fix="leave them out: each group has a covariance of its own",
            )
        totals, history = Totals(frame, of), self._read(frame)
        start, end = self._horizon(horizon, frame, as_of)
        models, rows = self.by_rows(frame)

        def value(*models: Played) -> Array:
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
        streams = {id(own): place for place, own in enumerate((self.groups_ or {}).values(), 1)}
        drawn = [
            draw_models(model, DRAWS, np.random.default_rng([seed, 0, streams.get(id(model), 0)]), draws)
            for model in models
        ]
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

    def by_rows(self, frame: pd.DataFrame) -> tuple[list[Played], list[Integers]]:
        """Return the models that answer for the frame, and the rows of each."""
        parts = [(self, np.arange(len(frame)))] if self.groups_ is None else parts_of(self, frame)
        models, rows = zip(*parts, strict=True)
        return list(models), list(rows)
