"""What a transaction model tells of a customer: expectations, probabilities, waits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from patron._core.calendar import Day
from patron._core.errors import DataError
from patron.models.family.groups import by_group
from patron.models.family.inputs import History
from patron.models.family.primitives import Ahead, Length, Primitives
from patron.models.maths.fitter import Array


class Quantities(Primitives):
    """The public predictions of a transaction model.

    Attributes
    ----------
    unit_ : str
        The unit in which the model measures time.
    """

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
