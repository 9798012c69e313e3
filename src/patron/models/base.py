"""What every model has: parameters with standard errors, a summary, JSON, and the estimator's contract."""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri

from patron._core.errors import ConfigError, DataError, FitError, NotFittedError, NotIdentifiedWarning
from patron._core.files import write_json
from patron.models.fitter import Array, Optimum

Solver = Literal["newton", "lifetimes"]
FORMAT = 1


class Model(ABC):
    """A model of a few positive parameters, fitted by maximum likelihood.

    A new model names its parameters and says in words what it means when one runs to an edge.

    Attributes
    ----------
    params_ : Series
        The estimates, in the data's natural units.
    standard_errors_ : Series
        Their standard errors; NaN for a parameter that is not identified (`not_identified_` says why) and for
        a model made from parameters.
    covariance_ : DataFrame
        Their covariance.
    log_likelihood_ : float
        At the estimates; NaN for a model made from parameters.
    customers_ : float
        How many customers the fit saw (the sum of weights).
    not_identified_ : dict of str to str
        Parameter to the reason, in words.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]
    lower: ClassVar[tuple[float, ...]]
    edges: ClassVar[dict[str, str]]
    """What it means when parameters run to an edge, the first that fits: 'a- b+' is a to its bound, b to infinity."""

    params_: pd.Series
    covariance_: pd.DataFrame
    log_likelihood_: float
    customers_: float
    not_identified_: dict[str, str]

    def __init__(self, solver: Solver = "newton") -> None:
        self.solver = solver

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002  # scikit-learn's signature
        """Return the constructor's arguments, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {list(self.get_params())}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        fitted = self.__dict__.get("params_")
        values = {} if fitted is None else fitted.to_dict()
        inside = ", ".join(f"{name}={value:.4g}" for name, value in values.items())
        return f"{type(self).__name__}({inside})"

    @property
    def standard_errors_(self) -> pd.Series:
        """Standard errors of the parameters."""
        self._check_fitted()
        return pd.Series(np.sqrt(np.diag(self.covariance_)), index=list(self.parameters), name="standard_error")

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Table of the parameters with standard errors and confidence intervals.

        Parameters
        ----------
        level : float
            Coverage of the intervals. They are symmetric in the parameter's logarithm, so never cross 0.

        Returns
        -------
        DataFrame
            Indexed by parameter: estimate, standard_error, low, high, note.
        """
        self._check_fitted()
        values, errors = self.params_.to_numpy(), self.standard_errors_.to_numpy()
        free = values - np.asarray(self.lower)
        reach = np.exp(ndtri(0.5 + level / 2) * errors / free)
        return pd.DataFrame(
            {
                "estimate": values,
                "standard_error": errors,
                "low": np.asarray(self.lower) + free / reach,
                "high": np.asarray(self.lower) + free * reach,
                "note": [self.not_identified_.get(name, "") for name in self.parameters],
            },
            index=pd.Index(self.parameters, name="parameter"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        self._check_fitted()
        return {
            "model": self.name,
            "format": FORMAT,
            "solver": self.solver,
            "params": {name: float(value) for name, value in self.params_.items()},
            "covariance": [[_or_none(value) for value in row] for row in self.covariance_.to_numpy()],
            "log_likelihood": _or_none(self.log_likelihood_),
            "customers": _or_none(self.customers_),
            "not_identified": dict(self.not_identified_),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make a model from what `to_dict` gave.

        Raises
        ------
        DataError
            When it is another model's, or of an unknown format.
        """
        if stored.get("model") != cls.name or stored.get("format") != FORMAT:
            raise DataError(
                f"not a stored {cls.__name__} of format {FORMAT}",
                example=f"model {stored.get('model')}, format {stored.get('format')}",
                fix="patron.load_model finds the right class",
            )
        model = cls(solver=stored["solver"])
        model._set(
            np.array([stored["params"][name] for name in cls.parameters]),
            covariance=np.array(stored["covariance"], dtype=np.float64),
            log_likelihood=_or_nan(stored["log_likelihood"]),
            customers=_or_nan(stored["customers"]),
            not_identified=dict(stored["not_identified"]),
        )
        return model

    def save(self, path: str | Path) -> None:
        """Write the model to a JSON file."""
        write_json(Path(path), self.to_dict())

    @property
    def _values(self) -> tuple[float, ...]:
        self._check_fitted()
        return tuple(self.params_.tolist())

    @abstractmethod
    def _fit_newton(self, *data: Any) -> Optimum:
        """Fit by the fitter of this package."""

    @abstractmethod
    def _fit_lifetimes(self, *data: Any) -> Optimum:
        """Fit by the package lifetimes."""

    def _solve(self, *data: Any) -> Optimum:
        """Fit by the solver asked for."""
        if self.solver == "newton":
            return self._fit_newton(*data)
        if self.solver != "lifetimes":
            raise ConfigError(f"unknown solver {self.solver!r}", fix="newton, or lifetimes for a second opinion")
        with warnings.catch_warnings():
            # what the archived package says of its own age, and of the steps it tries
            warnings.filterwarnings("ignore", module=r"lifetimes(\..*)?")
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            try:
                return self._fit_lifetimes(*data)
            except Exception as error:
                if type(error).__name__ != "ConvergenceError":
                    raise
                raise FitError("lifetimes did not converge on these data", fix='use solver="newton"') from error

    def _check_fitted(self) -> None:
        if "params_" not in self.__dict__:
            raise NotFittedError(f"this {type(self).__name__} is not fitted", fix="call fit, or use from_params")

    def _set_given(self, given: dict[str, float]) -> None:
        """Take parameters that were not estimated here."""
        if set(given) != set(self.parameters):
            raise DataError(
                f"{type(self).__name__} has the parameters {', '.join(self.parameters)}",
                example=", ".join(given),
                fix="give each once, by name",
            )
        for name, least in zip(self.parameters, self.lower, strict=True):
            if not least < given[name] < np.inf:
                raise DataError(
                    f"{name} must be a finite number above {least:g}", example=given[name], fix="correct it"
                )
        size = len(self.parameters)
        self._set(np.array([float(given[name]) for name in self.parameters]), covariance=np.full((size, size), np.nan))

    def _set_optimum(self, optimum: Optimum, customers: float) -> None:
        """Take what the fitter found, and say what it did not find."""
        reasons = self._reasons(optimum)
        self._set(
            optimum.params,
            covariance=optimum.covariance,
            log_likelihood=optimum.log_likelihood,
            customers=customers,
            not_identified=reasons,
        )
        if reasons:
            warnings.warn(
                f"{type(self).__name__}: {'; '.join(dict.fromkeys(reasons.values()))}. The predictions are the best "
                "fit, but these parameters mean nothing by themselves, and their standard errors are withheld",
                NotIdentifiedWarning,
                stacklevel=3,
            )

    def _reasons(self, optimum: Optimum) -> dict[str, str]:
        """Say in words why each parameter that runs to an edge is not identified."""
        ends = {
            f"{name}{'+' if optimum.edges[i] > 0 else '-'}": (
                f"{name} runs to {'infinity' if optimum.edges[i] > 0 else f'{self.lower[i]:g}'}"
            )
            for i, name in enumerate(self.parameters)
            if i in optimum.edges
        }
        reasons: dict[str, str] = {}
        for edge, meaning in self.edges.items():
            together = edge.split()
            if all(key in ends for key in together):
                text = f"{meaning}: {' and '.join(ends.pop(key) for key in together)}"
                reasons |= {key[:-1]: text for key in together}
        return reasons

    def _set(
        self,
        values: Array,
        *,
        covariance: Array,
        log_likelihood: float = np.nan,
        customers: float = np.nan,
        not_identified: dict[str, str] | None = None,
    ) -> None:
        names = list(self.parameters)
        self.params_ = pd.Series(values, index=names, name="estimate")
        self.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
        self.log_likelihood_ = float(log_likelihood)
        self.customers_ = float(customers)
        self.not_identified_ = not_identified or {}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)
