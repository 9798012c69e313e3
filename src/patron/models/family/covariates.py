"""Static covariates: they multiply how often customers buy, or how soon they leave, by exp(effect x column)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.models.family.base import Solver
from patron.models.family.columns import check_l2, standard_columns, unscaled
from patron.models.family.inputs import History, column
from patron.models.family.transaction import TransactionModel
from patron.models.maths.fitter import Array, Derivatives, Optimum, over_blocks
from patron.models.maths.gamma_poisson import Rows

FAMILY: Final = 4
"""Parameters of the family; the effects of covariates follow."""


class CovariateModel(TransactionModel):
    """A transaction model of four parameters, the scale of purchases second, that may differ by covariates.

    Customer i has alpha_i = alpha exp(-gamma'z_i): a positive effect buys more. The member says which parameter
    dropout covariates act on (`leaves`), and whether it grows or falls with dropout.
    """

    leaves: ClassVar[tuple[int, int]]
    """Position of the parameter that dropout covariates act on, and the sign of the effect on its logarithm."""

    def __init__(
        self,
        solver: Solver = "newton",
        prior: float | None = None,
        rate_covariates: Sequence[str] = (),
        dropout_covariates: Sequence[str] = (),
        l2: float = 0.0,
    ) -> None:
        super().__init__(solver, prior)
        self.rate_covariates = rate_covariates
        self.dropout_covariates = dropout_covariates
        self.l2 = l2

    @classmethod
    def _settings_with(cls, params: dict[str, float]) -> dict[str, Any]:
        return {
            f"{kind}_covariates": tuple(name.partition(".")[2] for name in params if name.startswith(f"{kind}."))
            for kind in ("rate", "dropout")
        }

    @property
    def penalised(self) -> bool:
        """Whether a prior or an L2 penalty holds the fit."""
        return super().penalised or self.l2 > 0

    @property
    def _names(self) -> tuple[str, ...]:
        return (
            *self.parameters,
            *(f"rate.{name}" for name in self.rate_covariates),
            *(f"dropout.{name}" for name in self.dropout_covariates),
        )

    def _pull(self) -> Array:
        pull = super()._pull()
        pull[len(self.parameters) :] = check_l2(self.l2)
        return pull

    def _history(self, frame: pd.DataFrame, weight: Array | None) -> History:
        history = super()._history(frame, weight)
        return replace(
            history, pace=_columns(frame, self.rate_covariates), leaving=_columns(frame, self.dropout_covariates)
        )

    def _at(self, history: History) -> tuple[Any, ...]:
        values: list[Any] = list(self._values)
        if history.pace is not None:
            values[1] = values[1] * np.exp(-history.pace @ self._effects("rate"))
        if history.leaving is not None:
            place, sign = self.leaves
            values[place] = values[place] * np.exp(sign * (history.leaving @ self._effects("dropout")))
        return tuple(values)

    def _effects(self, kind: str) -> Array:
        names = self.rate_covariates if kind == "rate" else self.dropout_covariates
        return self.params_[[f"{kind}.{name}" for name in names]].to_numpy()

    def _starts(self, history: History) -> tuple[Array, Array]:
        ordinary, other = self._alike_starts(history)
        nothing = np.zeros(len(self._names) - len(ordinary))
        return np.concatenate([ordinary, nothing]), np.concatenate([other, nothing])

    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        if history.pace is None and history.leaving is None:
            return self._alike_log_likelihood(history)
        design, place = self._design(history)
        columns = np.arange(len(history), dtype=np.float64)

        def evaluate(values: Array) -> Derivatives:
            scale = np.concatenate([values[:FAMILY], np.ones(len(values) - FAMILY)])
            logs = np.concatenate([np.log(values[:FAMILY]), values[FAMILY:]])

            def terms(rows: Array) -> Derivatives:
                some = rows.astype(np.int64)
                return self._by_design(logs, design[some], place, history[some])

            f, g, h = over_blocks(terms, columns)
            own = np.where(np.arange(len(values)) < FAMILY, g, 0.0)
            return f, g / scale, (h - np.diag(own)) / np.outer(scale, scale)

        return evaluate

    def _design(self, history: History) -> tuple[Array, npt.NDArray[np.intp]]:
        """Return what multiplies each parameter's coordinate, row by row, and the logarithm that it adds to."""
        rows, (leaves, sign) = len(history), self.leaves
        pace = np.empty((rows, 0)) if history.pace is None else -history.pace
        leaving = np.empty((rows, 0)) if history.leaving is None else sign * history.leaving
        place = [*range(FAMILY), *[1] * pace.shape[1], *[leaves] * leaving.shape[1]]
        return np.hstack([np.ones((rows, FAMILY)), pace, leaving]), np.array(place)

    def _by_design(self, logs: Array, design: Array, place: npt.NDArray[np.intp], history: History) -> Derivatives:
        """Sum the derivatives of rows in `logs`, in which the logarithms of their parameters are linear."""
        own = np.exp(np.stack([design[:, place == i] @ logs[place == i] for i in range(FAMILY)]))
        f, g, h = self._row_derivatives(tuple(own), history)
        slope = own * g * history.weight
        bend = own[:, None] * own * h * history.weight
        bend[np.arange(FAMILY), np.arange(FAMILY)] += slope
        return (
            float(history.weight @ f),
            (slope[place] * design.T).sum(axis=1),
            np.einsum("jkn,nj,nk->jk", bend[place][:, place], design, design),
        )

    def _fit_newton(self, history: History) -> Optimum:
        """Fit with covariates of mean 0 and deviation 1, and tell the effects in theirs."""
        names = self._names[FAMILY:]
        if not names:
            return super()._fit_newton(history)
        columns = np.hstack([part for part in (history.pace, history.leaving) if part is not None])
        mean, deviation = standard_columns(columns, history.weight, names)
        scaled = (columns - mean) / deviation
        paced = len(self.rate_covariates)
        standard = replace(
            history,
            pace=None if history.pace is None else scaled[:, :paced],
            leaving=None if history.leaving is None else scaled[:, paced:],
        )
        kinds = [(1, -1) if name.startswith("rate.") else self.leaves for name in names]
        scales, signs = np.array(kinds).T
        return unscaled(super()._fit_newton(standard), scales, signs, mean, deviation)

    def _refit(self, history: History) -> Optimum:
        return self._fit_newton(history) if self._names[FAMILY:] else super()._refit(history)

    def _log_likelihoods(self, history: History) -> Array:
        shape = (len(history),)
        f, _, _ = self._row_derivatives(tuple(np.broadcast_to(value, shape) for value in self._at(history)), history)
        return f

    @abstractmethod
    def _alike_starts(self, history: History) -> tuple[Array, Array]:
        """Return `_starts` for customers without covariates."""

    @abstractmethod
    def _alike_log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        """Return `_log_likelihood` of customers without covariates."""

    @abstractmethod
    def _row_derivatives(self, values: tuple[Any, ...], history: History) -> Rows:
        """Log-likelihood (n,), gradient (4, n) and Hessian (4, 4, n) of rows whose parameters may differ."""


def _columns(frame: pd.DataFrame, names: Sequence[str]) -> Array | None:
    if not names:
        return None
    return np.column_stack([column(frame, name, negative=True) for name in names])
