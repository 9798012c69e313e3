"""The Gamma-Gamma model under its old name."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from patron.compat.lifetimes._rows import Rows
from patron.compat.lifetimes.fitters import BaseFitter
from patron.compat.lifetimes.utils import _check_inputs, _customer_lifetime_value
from patron.models import GammaGamma


class GammaGammaFitter(BaseFitter):
    """Gamma-Gamma, on `patron.GammaGamma`.

    Parameters
    ----------
    penalizer_coef : float
        See `BaseFitter`.
    """

    _model = GammaGamma

    def fit(
        self,
        frequency: Any,
        monetary_value: Any,
        weights: Any = None,
        initial_params: Any = None,  # noqa: ARG002
        verbose: bool = False,  # noqa: ARG002
        tol: float = 1e-7,  # noqa: ARG002
        index: Any = None,
        q_constraint: bool = False,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Self:
        """Estimate the parameters by maximum likelihood; customers without a repeat purchase are left out.

        Parameters
        ----------
        frequency, monetary_value : array_like
            Repeat purchases and their mean value.
        weights : array_like, optional
            How many customers each row stands for.
        index : array_like, optional
            Of `data`.
        initial_params, verbose, tol, **kwargs
            Have no effect: Patron's Newton needs no start, and goes on until the gradient is nought.
        q_constraint
            Has no effect: q is always kept above 1, without which no mean exists.

        Raises
        ------
        ValueError
            When a monetary_value is 0 or below, or a frequency is not whole.
        ConvergenceError
            When no customer has a repeat purchase.
        """
        x, m = np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
        _check_inputs(x, monetary_value=m)
        return self._estimate(pd.DataFrame({"monetary_value": m, "frequency": x}), weights, index)

    def conditional_expected_average_profit(self, frequency: Any = None, monetary_value: Any = None) -> Any:
        """Return the expected value of a purchase, given those so far.

        Parameters
        ----------
        frequency, monetary_value : array_like, optional
            Repeat purchases and their mean value; by default those of the fit.
        """
        rows = Rows(
            frequency=self.data["frequency"] if frequency is None else frequency,
            monetary_value=self.data["monetary_value"] if monetary_value is None else monetary_value,
        )
        return rows.back(self._patron().expected_spend(rows.frame))

    def customer_lifetime_value(
        self,
        transaction_prediction_model: Any,
        frequency: Any,
        recency: Any,
        T: Any,
        monetary_value: Any,
        time: float = 12,
        discount_rate: float = 0.01,
        freq: str = "D",
    ) -> pd.Series:
        """Return the discounted value of each customer's purchases in the next `time` months.

        Parameters
        ----------
        transaction_prediction_model : fitter
            Of purchases in continuous time.
        frequency, recency, T : Series
            Repeat purchases, age at the last one, age.
        monetary_value : Series
            Mean value of the repeat purchases.
        time : float
            Months ahead.
        discount_rate : float
            A month, effective.
        freq : {'D', 'W', 'M', 'h'}
            The unit of T.

        Returns
        -------
        Series
            clv, indexed like `frequency`.
        """
        value = self.conditional_expected_average_profit(frequency, monetary_value)
        return _customer_lifetime_value(
            transaction_prediction_model, frequency, recency, T, value, time, discount_rate, freq=freq
        )
