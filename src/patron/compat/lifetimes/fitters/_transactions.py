"""What the fitters of purchases in continuous time share: fitted and asked on frequency, recency and T."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import DataError
from patron.compat.lifetimes._rows import Rows
from patron.compat.lifetimes.fitters import BaseFitter
from patron.compat.lifetimes.utils import _check_inputs
from patron.models.family.transaction import TransactionModel

UNIT: Final = "day"
"""Whatever unit the caller measures in: the models only see to it that it is one and the same."""

AT_ONCE: Final = 1e-9
"""Recency of a repeat purchase at age 0, which lifetimes takes and Patron's frames leave out."""


class TransactionFitter(BaseFitter):
    """A transaction model of Patron; subclasses add `fit` and how they simulate."""

    _model: ClassVar[type[TransactionModel]]
    _how: ClassVar[dict[str, str]] = {"unit": UNIT}
    _simulator: ClassVar[Callable[..., pd.DataFrame]]

    def conditional_expected_number_of_purchases_up_to_time(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Return the expected number of purchases in the next `t`, given the history so far.

        Parameters
        ----------
        t : array_like
            Time ahead, in the unit of the fit.
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.

        Returns
        -------
        float, array or Series
            As the arguments are.
        """
        rows = histories(t=t, frequency=frequency, recency=recency, T=T)
        return ahead(rows, self._patron().expected_purchases)

    def predict(self, t: Any, frequency: Any, recency: Any, T: Any) -> Any:
        """Return `conditional_expected_number_of_purchases_up_to_time`."""
        return self.conditional_expected_number_of_purchases_up_to_time(t, frequency, recency, T)

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Return P(alive) given the history so far.

        Parameters
        ----------
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.
        """
        rows = histories(frequency=frequency, recency=recency, T=T)
        return rows.back(self._patron().probability_alive(rows.frame))

    def conditional_probability_alive_matrix(
        self, max_frequency: int | None = None, max_recency: int | None = None
    ) -> npt.NDArray[np.float64]:
        """Return P(alive) of customers of age `max_recency`, a row a recency, a column a frequency.

        Parameters
        ----------
        max_frequency, max_recency : int, optional
            By default the largest in the data; the largest T for `max_recency`.
        """
        alive: npt.NDArray[np.float64] = matrix(self, self.conditional_probability_alive, max_frequency, max_recency)
        return alive

    def expected_number_of_purchases_up_to_time(self, t: Any) -> Any:
        """Return the expected number of repeat purchases of a new customer up to age `t`.

        Parameters
        ----------
        t : array_like
            Age.
        """
        return ahead(new_customers(t), self._patron().expected_purchases)

    def discounted_purchases(self, t: float, force: float, frequency: Any, recency: Any, T: Any) -> Any:
        """Return the purchases expected in the next `t`, each discounted from its own moment; not in lifetimes.

        Parameters
        ----------
        t : float
            Time ahead.
        force : float
            Continuous rate of discount a unit of time.
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.
        """
        rows = histories(frequency=frequency, recency=recency, T=T)
        annual = float(np.expm1(force * 365.25))
        return rows.back(self._patron().discounted_purchases(rows.frame, float(t), annual))

    def generate_new_data(self, size: int = 1) -> pd.DataFrame:
        """Simulate customers as old as those of the fit, in their order.

        Parameters
        ----------
        size : int
            How many; beyond the customers of the fit their ages come round again.
        """
        ages = np.repeat(self.data["T"].to_numpy(), self.data["weights"].to_numpy().astype(np.int64))
        return self._simulator(np.resize(ages, size), *self._patron().params_, size=size)

    def _fit_histories(self, frequency: Any, recency: Any, T: Any, weights: Any, index: Any) -> Self:
        x, t_x, age = (np.asarray(values) for values in (frequency, recency, T))
        _check_inputs(x, t_x, age)
        rows = histories(frequency=x.astype(np.int64), recency=t_x, T=age)
        self._estimate(rows.frame, weights, index)
        self.data["recency"] = t_x
        return self


def matrix(model: Any, quantity: Callable[..., Any], max_frequency: int | None, max_recency: int | None) -> Any:
    """Return a quantity of customers of age `max_recency`, a row a recency, a column a frequency."""
    most = max_frequency or int(model.data["frequency"].max())
    age = max_recency or int(model.data["T"].max())
    recency, frequency = np.mgrid[: age + 1, : most + 1]
    return np.asarray(quantity(frequency, recency, age))


def ahead(rows: Rows, quantity: Callable[[pd.DataFrame, float], pd.Series]) -> Any:
    """Return a quantity up to `t` ahead, each row to its own `t`."""
    if rows.frame["t"].isna().any():
        raise DataError("missing values", column="t", fix="leave these rows out")
    values = np.empty(len(rows.frame))
    t: Any
    for t, some in rows.frame.groupby("t").indices.items():
        values[some] = quantity(rows.frame.iloc[some], float(t))
    return rows.back(values)


def new_customers(t: Any) -> Rows:
    """Return customers without a history, to be asked up to `t`."""
    return histories(t=t, frequency=0, recency=0.0, T=0.0)


def histories(**given: Any) -> Rows:
    """Take histories as lifetimes does: without a repeat purchase recency says nothing."""
    rows = Rows(**given)
    x, t_x = rows.frame["frequency"], rows.frame["recency"]
    rows.frame["recency"] = np.where(x == 0, 0.0, t_x.mask(t_x == 0, AT_ONCE))
    rows.frame.attrs["unit"] = UNIT
    return rows
