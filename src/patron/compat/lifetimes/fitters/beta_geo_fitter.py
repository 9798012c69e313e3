"""The BG/NBD model under its old name."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from patron.compat.lifetimes.fitters._transactions import TransactionFitter, ahead, new_customers
from patron.compat.lifetimes.generate_data import beta_geometric_nbd_model
from patron.models import BetaGeoNBD
from patron.models.family.transaction import TransactionModel


class BetaGeoFitter(TransactionFitter):
    """BG/NBD, on `patron.BetaGeoNBD`.

    Parameters
    ----------
    penalizer_coef : float
        See `BaseFitter`.

    Examples
    --------
    >>> from patron.compat.lifetimes.datasets import load_cdnow_summary
    >>> data = load_cdnow_summary(index_col=[0])
    >>> BetaGeoFitter().fit(data["frequency"], data["recency"], data["T"])
    <lifetimes.BetaGeoFitter: fitted with 2357 subjects, a: 0.79, alpha: 4.41, b: 2.43, r: 0.24>
    """

    _model: ClassVar[type[TransactionModel]] = BetaGeoNBD
    _simulator = staticmethod(beta_geometric_nbd_model)

    def fit(
        self,
        frequency: Any,
        recency: Any,
        T: Any,
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
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.
        weights : array_like, optional
            How many customers each row stands for.
        index : array_like, optional
            Of `data`.
        initial_params, verbose, tol, **kwargs
            Have no effect: Patron's Newton needs no start, and goes on until the gradient is nought.

        Raises
        ------
        ValueError
            When recency exceeds T, and so on (`utils._check_inputs`).
        ConvergenceError
            When no customer bought again.
        """
        return self._fit_histories(frequency, recency, T, weights, index)

    def conditional_probability_alive(self, frequency: Any, recency: Any, T: Any) -> Any:
        """Return P(alive) given the history so far: always an array.

        Parameters
        ----------
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.
        """
        return np.atleast_1d(super().conditional_probability_alive(frequency, recency, T))

    def probability_of_n_purchases_up_to_time(self, t: Any, n: int) -> Any:
        """Return P(n repeat purchases up to age t) of a new customer.

        Parameters
        ----------
        t : array_like
            Age.
        n : int
            How many purchases.
        """
        return ahead(new_customers(t), partial(self._patron().probability_of_purchases, n))
