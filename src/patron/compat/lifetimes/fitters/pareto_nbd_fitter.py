"""The Pareto/NBD model under its old name."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

from patron.compat.lifetimes.fitters._transactions import TransactionFitter, ahead, histories
from patron.compat.lifetimes.generate_data import pareto_nbd_model
from patron.models import ParetoNBD


class ParetoNBDFitter(TransactionFitter):
    """Pareto/NBD, on `patron.ParetoNBD`.

    Parameters
    ----------
    penalizer_coef : float
        See `BaseFitter`.
    """

    _model = ParetoNBD
    _simulator = staticmethod(pareto_nbd_model)

    def fit(
        self,
        frequency: Any,
        recency: Any,
        T: Any,
        weights: Any = None,
        iterative_fitting: int = 1,  # noqa: ARG002
        initial_params: Any = None,  # noqa: ARG002
        verbose: bool = False,  # noqa: ARG002
        tol: float = 1e-4,  # noqa: ARG002
        index: Any = None,
        fit_method: str = "Nelder-Mead",  # noqa: ARG002
        maxiter: int = 2000,  # noqa: ARG002
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
        iterative_fitting, initial_params, verbose, tol, fit_method, maxiter, **kwargs
            Have no effect: Patron's Newton needs no start, and goes on until the gradient is nought.

        Raises
        ------
        ValueError
            When recency exceeds T, and so on (`utils._check_inputs`).
        ConvergenceError
            When no customer bought again.
        """
        return self._fit_histories(frequency, recency, T, weights, index)

    def conditional_probability_of_n_purchases_up_to_time(
        self, n: int, t: float, frequency: Any, recency: Any, T: Any
    ) -> Any:
        """Return P(n purchases in the next t), given the history so far.

        Parameters
        ----------
        n : int
            How many purchases.
        t : float
            Time ahead.
        frequency, recency, T : array_like
            Repeat purchases, age at the last one, age.
        """
        rows = histories(t=t, frequency=frequency, recency=recency, T=T)
        return ahead(rows, partial(self._patron().probability_of_purchases, n))
