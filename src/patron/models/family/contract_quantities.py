"""What a model of contracts tells of a customer or a new cohort: survival, renewals ahead, the remaining lifetime."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import discount_per_day
from patron._core.errors import DataError, UndefinedError
from patron.models.family.base import Model
from patron.models.family.contract_inputs import check_period, period_days, read_contracts, read_renewals, whole
from patron.models.maths.contract_likelihood import fall
from patron.models.maths.fitter import Array
from patron.models.maths.survival_sums import sum_ahead, sum_for_ever

_NEVER: Final = 2.0**50


class ContractQuantities(Model):
    """The public predictions of a contractual model.

    A frame has one row a customer: `renewals`, how many were survived so far, and, where some have left, `lost`. A
    customer already lost is not alive and renews no more.

    Attributes
    ----------
    period_ : str
        From one renewal to the next, like '1 month'.
    """

    period_: str

    @property
    def _measured(self) -> tuple[str, ...]:
        return (f"a renewal every {self.period_.removeprefix('1 ')}",)

    def new_customer(self) -> pd.DataFrame:
        """Return the frame of one customer who has just signed, for whom every quantity can be asked."""
        self._check_fitted()
        frame = pd.DataFrame({"renewals": [0], "lost": [False]})
        frame.attrs["period"] = self.period_
        return frame

    def retention(self, periods: int) -> pd.DataFrame:
        """Return the retention of a new cohort, period by period.

        Parameters
        ----------
        periods : int
            How many.

        Returns
        -------
        DataFrame
            Indexed by period, from 1: `retention_rate`, the share of those still there that renew at its end, and
            `survival`, the share of the cohort left then.
        """
        t = np.arange(whole(periods, "periods"), dtype=np.float64)
        falls = self._fall(t, 1)
        return pd.DataFrame(
            {"retention_rate": np.exp(-falls), "survival": np.exp(-self._fall(np.zeros(1), t + 1))},
            index=pd.RangeIndex(1, len(t) + 1, name="period"),
        )

    def probability_alive(self, frame: pd.DataFrame, ahead: int) -> pd.Series:
        """Probability that the customer is still one `ahead` renewals from now.

        Parameters
        ----------
        frame : DataFrame
            renewals and, if some have left, lost.
        ahead : int
            How many renewals.

        Returns
        -------
        Series
            Indexed like the frame.
        """
        renewals, lost = self._read(frame)
        alive = np.exp(-self._fall(renewals, whole(ahead, "ahead")))
        return pd.Series(np.where(lost, 0.0, alive), frame.index, name="probability_alive")

    def probability_churn(self, frame: pd.DataFrame, horizon: int) -> pd.Series:
        """Probability that the customer has left `horizon` renewals from now.

        Parameters
        ----------
        frame : DataFrame
            As in `probability_alive`.
        horizon : int
            How many renewals.
        """
        renewals, lost = self._read(frame)
        churn = -np.expm1(-self._fall(renewals, whole(horizon, "horizon")))
        return pd.Series(np.where(lost, 1.0, churn), frame.index, name="probability_churn")

    def expected_renewals(self, frame: pd.DataFrame, horizon: int | None) -> pd.Series:
        """Return the expected number of renewals among the next `horizon`.

        Parameters
        ----------
        frame : DataFrame
            As in `probability_alive`.
        horizon : int or None
            How many renewals fall due; None is all that ever will.

        Raises
        ------
        UndefinedError
            When all are asked for and their expected number is infinite.
        """
        return self._renewals_ahead(frame, horizon, 0.0).rename("expected_renewals")

    def discounted_renewals(self, frame: pd.DataFrame, horizon: int | None, discount_rate: float = 0.10) -> pd.Series:
        """Return the expected renewals ahead, discounted to just before the next one falls due.

        The next renewal counts in full, each later one is discounted by one period more. With `horizon` None it is
        the discounted expected residual lifetime, DERL; times the price it is what the contract will still bring.

        Parameters
        ----------
        frame : DataFrame
            As in `probability_alive`.
        horizon : int or None
            How many renewals fall due; None is all that ever will.
        discount_rate : float
            Annual effective rate; .10 is ten per cent a year.

        Raises
        ------
        UndefinedError
            When all are asked for without a discount and their expected number is infinite.

        References
        ----------
        P. Fader and B. Hardie, Customer-Base Valuation in a Contractual Setting: The Perils of Ignoring
        Heterogeneity, Marketing Science 29(1), 2010, equation 6.
        """
        self._check_fitted()
        rate = discount_per_day(discount_rate) * period_days(self.period_)
        return self._renewals_ahead(frame, horizon, rate).rename("discounted_renewals")

    def periods_to_churn(self, frame: pd.DataFrame, q: float = 0.5) -> pd.Series:
        """Return the quantile of the remaining lifetime: within how many renewals a share `q` has left.

        Parameters
        ----------
        frame : DataFrame
            As in `probability_alive`.
        q : float
            The share, between 0 and 1; .5 gives the median.

        Returns
        -------
        Series
            Whole numbers as floats, indexed like the frame; 0 for a customer already lost, infinite beyond 1e15.
        """
        if not 0 < q < 1:
            raise DataError("q is a share between 0 and 1", example=q, fix="0.5 gives the median")
        renewals, lost = self._read(frame)
        distinct, row = np.unique(np.append(renewals, 0.0), return_inverse=True)
        least = -np.log1p(-q) * (1 - 1e-13)  # a share that is met exactly is met
        low, high = np.zeros(len(distinct)), np.full(len(distinct), _NEVER)
        while high[0] - low[0] > 1:  # each step halves every stretch
            middle = (low + high) / 2
            gone = self._fall(distinct, middle) >= least
            low, high = np.where(gone, low, middle), np.where(gone, middle, high)
        high[high == _NEVER] = np.inf
        return pd.Series(np.where(lost, 0.0, high[row[:-1]]), frame.index, name="periods_to_churn")

    def log_likelihoods(self, frame: pd.DataFrame) -> pd.Series:
        """Log of the probability of each row's history.

        Parameters
        ----------
        frame : DataFrame
            One row a contract, as in `fit`.
        """
        self._check_fitted()
        check_period(frame, self.period_)
        renewals, lost, periods = read_contracts(frame)
        stayed = np.minimum(renewals, periods)
        left = np.log(-np.expm1(-self._fall(renewals, 1)))
        start = np.zeros(1)
        values = np.where(lost & (periods > renewals), left, 0.0) - self._fall(start, stayed)
        return pd.Series(values, frame.index, name="log_likelihood")

    @property
    @abstractmethod
    def _three(self) -> tuple[float, float, float]:
        """Return alpha, beta and c."""

    def _fall(self, renewals: Array, ahead: Any) -> Array:
        """-log of the probability to survive `ahead` renewals more."""
        alpha, beta, c = self._three
        return fall(alpha, beta, c, renewals, np.asarray(ahead, dtype=np.float64))

    def _renewals_ahead(self, frame: pd.DataFrame, horizon: int | None, rate: float) -> pd.Series:
        renewals, lost = self._read(frame)
        distinct, row = np.unique(renewals, return_inverse=True)
        if horizon is not None:
            sums = sum_ahead(self._fall, distinct, whole(horizon, "horizon"), rate)
        else:
            alpha, _, c = self._three
            if not rate and alpha * c <= 1:
                names = " ".join(name for name in self.parameters if name != "beta")
                raise UndefinedError(
                    "without a discount the expected renewals to come are infinite, because "
                    f"{names} = {alpha * c:.4g} is not above 1",
                    fix="give a discount_rate above 0, or a horizon; periods_to_churn tells the median",
                )
            sums = sum_for_ever(self._fall, distinct, rate, alpha * c)
        return pd.Series(np.where(lost, 0.0, sums[row]), frame.index)

    def _read(self, frame: pd.DataFrame) -> tuple[Array, npt.NDArray[np.bool_]]:
        self._check_fitted()
        check_period(frame, self.period_)
        return read_renewals(frame)
