"""What every transaction model does: it is fitted on frequency, recency and T, and tells the purchases to come."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from patron._core.calendar import check_unit
from patron._core.errors import DataError, FitError, PooledGroupWarning, UndefinedError
from patron.models.family.groups import read_groups
from patron.models.family.inputs import History, check_prediction_unit, fitting_unit, read_weights
from patron.models.family.played import Played
from patron.models.family.uncertainty import resampled
from patron.models.maths.fitter import Array, Derivatives, Optimum, maximise

_FEW: Final = (2_500, 20_000)
"""Rows enough to start from, when there are many more: the first for the second."""


class TransactionModel(Played):
    """A model of when customers buy, from frequency x, recency t_x and age T.

    While alive, customers buy at a rate lambda ~ Gamma(r, alpha); the models differ in how they leave. A new model
    supplies `_starts`, `_log_likelihood` and `Primitives`.

    Attributes
    ----------
    unit_ : str
        The unit in which the model measures time.
    groups_ : dict or None
        Of a fit by group: each group to its fitted model. The model's own parameters are the pooled ones.
    """

    groups: str | None = None
    groups_: dict[Any, TransactionModel] | None = None

    def fit(self, frame: pd.DataFrame, weights: Any = None, unit: str | None = None, groups: str | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frame : DataFrame
            One row a customer with frequency, recency and T, as `rfm_summary` or `features` give it, or
            one row a distinct history with `weight`, as `rfm_counts` does.
        weights : array or str, optional
            How many customers each row stands for; by default the column `weight`, if there is one.
        unit : {'day', 'week', 'month', 'year'}, optional
            The unit of recency and T; by default what the frame says.
        groups : str, optional
            A column, for example of cohorts or segments: each group gets parameters of its own, and predictions
            take each row's; groups not seen here go by the pooled parameters, with a warning.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When a column is absent or holds what it cannot.
        UnitError
            When `unit` contradicts the frame.
        FitError
            When no customer bought again, or the solver finds no rest.

        Warns
        -----
        NotIdentifiedWarning
            When a parameter runs to an edge.
        UnitAssumedWarning
            When neither the frame nor `unit` tells the unit.
        """
        weight = read_weights(frame, weights)
        history = self._history(frame, weight)
        unit = fitting_unit(frame, unit)
        if weight is not None and not weight.all():
            history = history[weight > 0]
        if not len(history):
            raise DataError("there is no customer to fit on", column="frequency", fix="pass a frame with rows")
        if not history.x.any():
            raise FitError(
                f"none of {history.customers:,.0f} customers bought again: nothing tells how often they buy, or leave",
                fix="observe for longer, or take more customers",
            )
        optimum = self._solve(history)
        self.unit_, self.groups, self.groups_ = unit, None, None
        self._set_optimum(optimum, history.customers)
        if groups is not None:
            self._fit_groups(frame, weight, unit, groups)
        return self

    @classmethod
    def from_params(cls, *, unit: str, **params: float) -> Self:
        """Make a model from known parameters.

        Parameters
        ----------
        unit : {'day', 'week', 'month', 'year'}
            The unit in which the parameters measure time.
        **params : float
            Every parameter by name; the effects of covariates are named `rate.COLUMN` and `dropout.COLUMN`.
        """
        check_unit(unit)
        model = cls(**cls._settings_with(params))
        model._set_given(params)
        model.unit_ = unit
        return model

    @classmethod
    def _settings_with(cls, params: dict[str, float]) -> dict[str, Any]:  # noqa: ARG003  # covariates ask for more
        """Return the settings under which the model has these parameters."""
        return {}

    def bootstrap(self, frame: pd.DataFrame, n: int = 200, weights: Any = None, seed: int = 0) -> pd.DataFrame:
        """Fit again and again to customers drawn anew, from these estimates on.

        Parameters
        ----------
        frame : DataFrame
            What the model was fitted on.
        n : int
            How often.
        weights : array or str, optional
            As in `fit`; a row of w customers is drawn Poisson(w) times.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            A row a fit, a column a parameter: `draws` of an interval.

        Raises
        ------
        FitError
            When hardly a draw can be fitted.
        """
        self._check_fitted()
        check_prediction_unit(frame, self.unit_)
        history, _ = self._history(frame, read_weights(frame, weights)).distinct()

        def fit(weight: Array) -> Array:
            drawn = replace(history, weight=weight)[weight > 0]
            if not drawn.x.any():
                raise FitError("no repeat buyer was drawn")
            return self._refit(drawn).params

        values = resampled(fit, history.weight, n, np.random.default_rng(seed))
        return pd.DataFrame(values, columns=self.params_.index)

    @property
    def pooled(self) -> Self:
        """The model of all customers alike; of a fit by group, what unseen groups go by."""
        alone = copy.copy(self)
        alone.groups_ = None
        return alone

    @property
    def _measured(self) -> tuple[str, ...]:
        by_group = (
            () if self.groups_ is None else (f"pooled; {len(self.groups_)} groups of {self.groups} have their own",)
        )
        return (f"time in {self.unit_}s", *by_group)

    @property
    def group_params_(self) -> pd.DataFrame:
        """The parameters of each group, a row each; `pooled` last."""
        self._check_fitted()
        if self.groups_ is None:
            raise UndefinedError("this model was not fitted by group", fix="fit(frame, groups=column)")
        rows = {group: model.params_ for group, model in self.groups_.items()}
        return pd.DataFrame({**rows, "pooled": self.params_}).T.rename_axis(self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        stored = {**super().to_dict(), "unit": self.unit_}
        if self.groups_:
            models = [[group, model.to_dict()] for group, model in self.groups_.items()]
            stored["groups"] = {"column": self.groups, "models": models}
        return stored

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make a model from what `to_dict` gave."""
        model = super().from_dict(stored)
        model.unit_ = stored["unit"]
        if "groups" in stored:
            model.groups = stored["groups"]["column"]
            model.groups_ = {group: cls.from_dict(own) for group, own in stored["groups"]["models"]}
        return model

    @abstractmethod
    def _starts(self, history: History) -> tuple[Array, Array]:
        """Return parameters to start from: ordinary ones; dropout at once or hardly ever."""

    @abstractmethod
    def _log_likelihood(self, history: History) -> Callable[[Array], Derivatives]:
        """Read the customers once; return natural parameters -> log-likelihood, gradient, Hessian."""

    def _fit_newton(self, history: History) -> Optimum:
        """Fit by Newton; many rows start from the estimates of every k-th of them, and these from fewer.

        A likelihood may have a second peak, where some customers leave at once and the others hardly ever: a fit of
        not many rows, and one that ends at an edge, looks there too, and the higher peak, its prior included, is the
        estimate.
        """
        evaluate = self._log_likelihood(history)
        start, other = self._starts(history)
        pull = self._pull()

        def climb(evaluate: Callable[[Array], Derivatives], start: Array, customers: float) -> Optimum:
            return maximise(evaluate, start, self._bounds, customers, pull, ordinary)

        def height(optimum: Optimum) -> float:
            away = self.coordinates.of(optimum.params) - self.coordinates.of(ordinary)
            return optimum.log_likelihood - 0.5 * float(pull @ away**2)

        ordinary = start
        for few in _FEW:
            some = history[:: len(history) // few] if len(history) > 2 * few else history[:0]
            if some.x.any():
                near = climb(self._log_likelihood(some), start, some.customers)
                start = start if near.edges else near.params
        found = climb(evaluate, start, history.customers)
        if len(history) <= 2 * _FEW[-1] or found.edges:
            again = climb(evaluate, other, history.customers)
            found = max(found, again, key=height)
        return found

    def _refit(self, history: History) -> Optimum:
        """Fit customers much like those of the estimates."""
        towards, _ = self._starts(history)
        values = self.params_.to_numpy()
        return maximise(self._log_likelihood(history), values, self._bounds, history.customers, self._pull(), towards)

    def _fit_groups(self, frame: pd.DataFrame, weight: Array | None, unit: str, groups: str) -> None:
        """Fit a model for each group of the frame."""
        column = read_groups(frame, groups)
        fitted: dict[Any, TransactionModel] = {}
        for group, rows in column.groupby(column, sort=True, observed=True).indices.items():
            own = type(self)(**self.get_params())
            try:
                fitted[group] = own.fit(frame.iloc[rows], None if weight is None else weight[rows], unit)
            except FitError as error:
                warnings.warn(
                    f"the group {group!r} of {groups} cannot be fitted and goes by the pooled parameters: {error}",
                    PooledGroupWarning,
                    stacklevel=3,
                )
        self.groups, self.groups_ = groups, fitted
