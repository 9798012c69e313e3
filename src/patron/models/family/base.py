"""What every model has: parameters with standard errors, a summary, JSON, and the estimator's contract."""

from __future__ import annotations

import copy
import inspect
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import ndtri

from patron._core.errors import ConfigError, DataError, FitError, NotFittedError, NotIdentifiedWarning, UndefinedError
from patron._core.files import write_json
from patron._core.showing import page, table
from patron.models.family.uncertainty import parameter_draws
from patron.models.maths.fitter import Array, Coordinates, Optimum

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
        Their standard errors; NaN for a parameter that is not identified (`not_identified_` says why), for a
        model made from parameters, and where a prior held the fit.
    covariance_ : DataFrame
        Their covariance: the inverse of the Hessian, the prior's part included.
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

    def __init__(self, solver: Solver = "newton", prior: float | None = None) -> None:
        self.solver = solver
        self.prior = prior

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

    def _repr_html_(self) -> str:
        title = type(self).__name__
        if "params_" not in self.__dict__:
            return page(title, ["not fitted"])
        facts, told, notes = list(self._measured), self.summary(), list(dict.fromkeys(self.not_identified_.values()))
        if np.isnan(self.log_likelihood_):
            notes.append("Made from known parameters: no errors, no likelihood.")
        else:
            facts += [f"{self.customers_:,.0f} customers", f"log-likelihood {self.log_likelihood_:,.2f}"]
            facts += [] if self.penalised else [f"AIC {self.aic_:,.2f}"]
        if self.penalised:
            notes.append("Held by a prior: no standard errors; intervals by bootstrap.")
        columns = told[["estimate", "standard_error", "low", "high"]]
        rows = [[name, *values] for name, values in zip(told.index, columns.to_numpy().tolist(), strict=True)]
        head = ["parameter", "estimate", "standard error", "95 % from", "to"]
        return page(title, facts, [table(head, rows)], notes)

    @property
    def _measured(self) -> tuple[str, ...]:
        """What the parameters are measured in, in words; nothing where they have no unit of time."""
        return ()

    @property
    def standard_errors_(self) -> pd.Series:
        """Standard errors of the parameters."""
        self._check_fitted()
        errors = np.full(len(self._names), np.nan) if self.penalised else np.sqrt(np.diag(self.covariance_))
        return pd.Series(errors, index=list(self._names), name="standard_error")

    @property
    def penalised(self) -> bool:
        """Whether a prior holds the fit: then Wald errors, AIC and likelihood-ratio tests do not apply."""
        return self.prior is not None

    @property
    def aic_(self) -> float:
        """Akaike's information criterion; NaN for a model made from parameters.

        Raises
        ------
        UndefinedError
            When a prior held the fit.
        """
        self._check_fitted()
        if self.penalised:
            raise UndefinedError("a fit that a prior holds has no AIC", fix="fit without prior and l2")
        return 2 * len(self._names) - 2 * self.log_likelihood_

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
        line = np.isneginf(self._bounds)
        bound = np.where(line, 0.0, self._bounds)
        reach = ndtri(0.5 + level / 2) * errors
        ratio = np.exp(reach / np.where(line, 1.0, values - bound))
        held = "held by a prior: intervals by bootstrap" if self.penalised else ""
        return pd.DataFrame(
            {
                "estimate": values,
                "standard_error": errors,
                "low": np.where(line, values - reach, bound + (values - bound) / ratio),
                "high": np.where(line, values + reach, bound + (values - bound) * ratio),
                "note": [self.not_identified_.get(name, held) for name in self._names],
            },
            index=pd.Index(self._names, name="parameter"),
        )

    def parameter_draws(self, n: int = 1000, seed: int = 0) -> pd.DataFrame:
        """Draw parameters from their posterior: normal in logarithms, by the Hessian at the estimates (Laplace).

        Parameters
        ----------
        n : int
            How many.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            A column a parameter.

        Raises
        ------
        UndefinedError
            When the model has no covariance: made from parameters, or one of them not identified.
        """
        self._check_fitted()
        return parameter_draws(self, n, np.random.default_rng(seed))

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        self._check_fitted()
        return {
            "model": self.name,
            "format": FORMAT,
            "settings": {k: list(v) if isinstance(v, tuple) else v for k, v in self.get_params().items()},
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
        model = cls(**stored.get("settings", {}))
        model._set(
            np.array([stored["params"][name] for name in model._names]),
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
    def _names(self) -> tuple[str, ...]:
        """Every parameter: the family's, then those that the settings ask for."""
        return self.parameters

    @property
    def _bounds(self) -> Array:
        """Open lower bounds of `_names`; -infinity for one that may have either sign."""
        return np.concatenate([self.lower, np.full(len(self._names) - len(self.lower), -np.inf)])

    @property
    def _values(self) -> tuple[float, ...]:
        """The family's parameters."""
        self._check_fitted()
        return tuple(self.params_.to_numpy()[: len(self.parameters)].tolist())

    @property
    def coordinates(self) -> Coordinates:
        """The parameters' logarithms, as the fit and the uncertainty know them."""
        return Coordinates(self._bounds)

    def moved(self, values: Array) -> Self:
        """Return the same model at other parameters, in the order of `params_`."""
        other = copy.copy(self)
        other.params_ = pd.Series(values, index=list(self._names), name="estimate")
        return other

    def _pull(self) -> Array:
        """Return the precision of the prior, a parameter each."""
        if self.prior is not None and not 0 < self.prior < np.inf:
            raise ConfigError(
                "prior is the standard deviation of a normal on each parameter's logarithm",
                example=self.prior,
                fix="2.0 is weak: it says that a parameter is within a factor 50 of an ordinary one; None is without",
            )
        return np.full(len(self._names), 0.0 if self.prior is None else self.prior**-2.0)

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
        if self.penalised or self._names != self.parameters:
            raise ConfigError("lifetimes knows neither covariates nor this prior", fix='use solver="newton"')
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
        if set(given) != set(self._names):
            raise DataError(
                f"{type(self).__name__} has the parameters {', '.join(self._names)}",
                example=", ".join(given),
                fix="give each once, by name",
            )
        for name, least in zip(self._names, self._bounds, strict=True):
            if not least < given[name] < np.inf:
                wanted = "a finite number" if np.isneginf(least) else f"a finite number above {least:g}"
                raise DataError(f"{name} must be {wanted}", example=given[name], fix="correct it")
        size = len(self._names)
        self._set(np.array([float(given[name]) for name in self._names]), covariance=np.full((size, size), np.nan))

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
                f"{name} runs to {'infinity' if optimum.edges[i] > 0 else f'{self._bounds[i]:g}'}"
            )
            for i, name in enumerate(self._names)
            if i in optimum.edges
        }
        reasons: dict[str, str] = {}
        for edge, meaning in self.edges.items():
            together = edge.split()
            if all(key in ends for key in together):
                text = f"{meaning}: {' and '.join(ends.pop(key) for key in together)}"
                reasons |= {key[:-1]: text for key in together}
        return reasons | {
            end[:-1]: f"the data do not tell the effect of {end[:-1]}: {why}" for end, why in ends.items()
        }

    def _set(
        self,
        values: Array,
        *,
        covariance: Array,
        log_likelihood: float = np.nan,
        customers: float = np.nan,
        not_identified: dict[str, str] | None = None,
    ) -> None:
        names = list(self._names)
        self.params_ = pd.Series(values, index=names, name="estimate")
        self.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
        self.log_likelihood_ = float(log_likelihood)
        self.customers_ = float(customers)
        self.not_identified_ = not_identified or {}


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)
