"""The BG/BB model under its old name."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from patron.compat.lifetimes._rows import Rows
from patron.compat.lifetimes.fitters import BaseFitter
from patron.compat.lifetimes.fitters._transactions import UNIT, ahead
from patron.compat.lifetimes.generate_data import beta_geometric_beta_binom_model
from patron.compat.lifetimes.utils import _check_inputs
from patron.models.beta_geo_beta_binomial import BetaGeoBetaBinomial


class BetaGeoBetaBinomFitter(BaseFitter):
    """BG/BB, on `patron.BetaGeoBetaBinomial`: purchases at discrete opportunities.

    Parameters
    ----------
    penalizer_coef : float
        See `BaseFitter`.
    """

    _model = BetaGeoBetaBinomial
    _how: ClassVar[dict[str, str]] = {"unit": UNIT}

    def fit(
        self,
        frequency: Any,
        recency: Any,
        n_periods: Any,
        weights: Any = None,
        initial_params: Any = None,  # noqa: ARG002
        verbose: bool = False,  # noqa: ARG002
        tol: float = 1e-7,  # noqa: ARG002
        index: Any = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frequency, recency, n_periods : array_like
            Opportunities taken, the last of these, opportunities there were.
        weights : array_like, optional
            How many customers each row stands for.
        index : array_like, optional
            Of `data`.
        initial_params, verbose, tol, **kwargs
            Have no effect: Patron's Newton needs no start, and goes on until the gradient is nought.

        Raises
        ------
        ValueError
            When recency exceeds n_periods, and so on (`utils._check_inputs`).
        ConvergenceError
            When no customer bought again.
        """
        x, t_x, n = (np.asarray(values) for values in (frequency, recency, n_periods))
        _check_inputs(x, t_x, n)
        frame = _histories(frequency=x.astype(np.int64), recency=t_x.astype(np.int64), T=n.astype(np.int64)).frame
        self._estimate(frame, weights, index)
        self.data = self.data.rename(columns={"T": "n_periods"})
        return self

    def conditional_expected_number_of_purchases_up_to_time(
        self, m_periods_in_future: Any, frequency: Any, recency: Any, n_periods: Any
    ) -> Any:
        """Return the expected number of purchases at the next opportunities, given the history so far.

        Parameters
        ----------
        m_periods_in_future : array_like
            How many opportunities ahead.
        frequency, recency, n_periods : array_like
            Opportunities taken, the last of these, opportunities there were.
        """
        rows = _histories(t=m_periods_in_future, frequency=frequency, recency=recency, T=n_periods)
        return ahead(rows, self._patron().expected_purchases)

    def conditional_probability_alive(
        self, m_periods_in_future: Any, frequency: Any, recency: Any, n_periods: Any
    ) -> Any:
        """Return P(alive at an opportunity ahead), given the history so far.

        Parameters
        ----------
        m_periods_in_future : array_like
            Which one: 0 is the last there was.
        frequency, recency, n_periods : array_like
            Opportunities taken, the last of these, opportunities there were.
        """
        rows = _histories(t=m_periods_in_future, frequency=frequency, recency=recency, T=n_periods)
        return ahead(rows, self._patron().probability_alive)

    def expected_number_of_transactions_in_first_n_periods(self, n: int) -> pd.DataFrame:
        """Return how many of the customers of the fit are expected to buy x times at their first `n` opportunities.

        Parameters
        ----------
        n : int
            How many opportunities.

        Returns
        -------
        DataFrame
            Indexed by frequency, those seen in the fit: model.
        """
        counts = np.unique(self.data["frequency"])
        nobody = _histories(frequency=[0], recency=[0], T=[0]).frame
        share = [self._patron().probability_of_purchases(int(x), nobody, n).iloc[0] if x <= n else 0.0 for x in counts]
        return pd.DataFrame(
            {"model": np.array(share) * self.data["weights"].sum()}, index=pd.Index(counts, name="frequency")
        )

    def generate_new_data(self, size: int = 1) -> pd.DataFrame:
        """Simulate customers with as many opportunities as those of the fit had, in their order.

        Parameters
        ----------
        size : int
            How many; beyond the customers of the fit their opportunities come round again.
        """
        chances = np.repeat(self.data["n_periods"].to_numpy(), self.data["weights"].to_numpy().astype(np.int64))
        alpha, beta, gamma, delta = self._patron().params_
        return beta_geometric_beta_binom_model(np.resize(chances, size), alpha, beta, gamma, delta, size=size)


def _histories(**given: Any) -> Rows:
    rows = Rows(**given)
    rows.frame.attrs["unit"] = UNIT
    return rows
