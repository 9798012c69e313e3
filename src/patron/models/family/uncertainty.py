"""How sure a quantity is: intervals of the expectation, and of what will be observed; of customers, cohorts, the base.

The interval of an expectation (`kind="mean"`) knows the parameters' uncertainty alone: the quantity at a standard
deviation either way along each principal axis of their covariance in logarithms. What will be observed
(`kind="predictive"`) is drawn: parameters, then each customer's rate, dropout and purchases given the history.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np
import pandas as pd
from scipy.special import ndtri

from patron._core.errors import ConfigError, DataError, FitError, UndefinedError
from patron.models.maths.fitter import Array, blocks, weighted_count
from patron.models.maths.horizon import Integers

if TYPE_CHECKING:
    from patron.models.family.base import Model

Kind = Literal["mean", "predictive"]
Of = str | pd.Series | Sequence[Any]
SomeModel = TypeVar("SomeModel", bound="Model")

DRAWS: Final = 100
"""Parameters drawn for a predictive interval."""

REPEATS: Final = 3
"""Outcomes drawn with each of them."""

_ROWS: Final = 65_536


def moved_by_deviations(model: SomeModel) -> list[tuple[SomeModel, SomeModel]]:
    """Return the model a standard deviation either way along each principal axis of its uncertainty.

    Raises
    ------
    UndefinedError
        When the model has no covariance.
    """
    centre, root = _posterior(model)
    return [(_at(model, centre + axis), _at(model, centre - axis)) for axis in root.T]


def parameter_draws(model: Model, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw parameters from the normal posterior of their logarithms (Laplace), each axis in n even strata.

    Raises
    ------
    UndefinedError
        When the model has no covariance.
    """
    centre, root = _posterior(model)
    strata = np.stack([rng.permutation(n) for _ in centre], axis=1)
    normal = ndtri((strata + rng.random(strata.shape)) / n)
    values = model.coordinates.natural(centre + normal @ root.T)
    return pd.DataFrame(values, columns=model.params_.index)


def resampled(fit: Callable[[Array], Array], weight: Array, n: int, rng: np.random.Generator) -> Array:
    """Fit n times to customers drawn anew: a row of `weight` customers counts Poisson(weight) times.

    Parameters
    ----------
    fit : callable
        Weights to parameters.
    weight : ndarray
        How many customers each row stands for.
    n : int
        How often.
    rng : Generator
        Of the random numbers.

    Returns
    -------
    ndarray, shape (n, parameters)

    Raises
    ------
    FitError
        When hardly a draw can be fitted.
    """
    found: list[Array] = []
    for _ in range(2 * n):
        if len(found) == n:
            break
        with contextlib.suppress(FitError):
            found.append(fit(rng.poisson(weight).astype(np.float64)))
    else:
        if len(found) < n:
            raise FitError(
                f"only {len(found)} of {2 * n} draws of these customers can be fitted", fix="take more of them"
            )
    return np.stack(found)


def draw_models(
    model: SomeModel, n: int, rng: np.random.Generator, draws: pd.DataFrame | None = None
) -> list[SomeModel]:
    """Return n models at drawn parameters: rows of `draws`, or from the model's covariance.

    Raises
    ------
    DataError
        When `draws` are of other parameters.
    UndefinedError
        When there are none, and the model has no covariance.
    """
    if draws is None:
        draws = parameter_draws(model, n, rng)
    names = list(model.params_.index)
    if list(draws.columns) != names:
        raise DataError(
            f"these draws are not of {', '.join(names)}",
            example=", ".join(map(str, draws.columns)),
            fix="take them from the same model's bootstrap or parameter_draws",
        )
    values = draws.to_numpy(dtype=np.float64)
    rows = np.arange(n) * len(values) // n if len(values) >= n else np.arange(n) % len(values)
    return [model.moved(values[row]) for row in rows]


class Totals:
    """Whose intervals are asked for: each customer's, each cohort's, or the whole base's.

    Parameters
    ----------
    frame : DataFrame
        The customers.
    of : str, Series or array
        'customer', 'base', a column of the frame, or one label for each row.
    """

    def __init__(self, frame: pd.DataFrame, of: Of) -> None:
        self.code: Integers | None = None
        self.index: pd.Index = frame.index
        if isinstance(of, str) and of == "customer":
            return
        if isinstance(of, str) and of == "base":
            self.code, self.index = np.zeros(len(frame), dtype=np.int64), pd.Index(["base"])
            return
        if isinstance(of, str) and of not in frame.columns:
            raise DataError(
                "an interval is of each 'customer', of the 'base', or of the groups of a column",
                example=of,
                fix=f"name one of the columns {', '.join(map(str, frame.columns))}, or pass a label for each row",
            )
        labels = frame[of] if isinstance(of, str) else pd.Series(of)
        if len(labels) != len(frame):
            raise DataError(
                "there is not one group label for each row",
                example=f"{len(labels):,} for {len(frame):,}",
                fix="align them",
            )
        code, groups = pd.factorize(labels, sort=True)
        if (code < 0).any():
            raise DataError(
                "missing group labels", count=int((code < 0).sum()), fix="fill them, or leave these rows out"
            )
        self.code, self.index = code.astype(np.int64), pd.Index(groups, name=labels.name)

    def __call__(self, values: Array, rows: slice = slice(None)) -> Array:
        """Sum a value for each of some rows into one for each that is asked for."""
        return values if self.code is None else weighted_count(self.code[rows], values, len(self.index))


def mean_interval(
    value: Callable[..., Array],
    models: Sequence[Model],
    totals: Totals,
    level: float,
    draws: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Interval of an expectation that depends on the parameters of one or more independent models.

    Parameters
    ----------
    value : callable
        Models, as many as given, to the expectation of each row.
    models : sequence of Model
        At their estimates.
    totals : Totals
        Whose.
    level : float
        Coverage.
    draws : DataFrame, optional
        Parameters of the first model: then the interval lies between quantiles over these.

    Returns
    -------
    DataFrame
        expected, low, high; without draws symmetric in the logarithm.
    """
    expected = totals(value(*models))
    if draws is not None:
        first = draw_models(models[0], len(draws), np.random.default_rng(0), draws)
        drawn = np.stack([totals(value(model, *models[1:])) for model in first])
        low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return pd.DataFrame({"expected": expected, "low": low, "high": high}, totals.index)
    variance = np.zeros_like(expected)
    for place, model in enumerate(models):
        for up, down in moved_by_deviations(model):
            high, low = (totals(value(*models[:place], moved, *models[place + 1 :])) for moved in (up, down))
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = np.log(high / low) / 2
            variance += np.where(high > 0, reach**2, 0.0)
    reach = np.exp(ndtri(0.5 + level / 2) * np.sqrt(variance))
    return pd.DataFrame({"expected": expected, "low": expected / reach, "high": expected * reach}, totals.index)


def predictive_interval(
    outcomes: Callable[[slice], Iterator[Array]], expected: Array, totals: Totals, level: float
) -> pd.DataFrame:
    """Interval between quantiles of what is drawn.

    Parameters
    ----------
    outcomes : callable
        A slice of the rows to an iterator over draws, each a value for each row of the slice; totals are summed
        within a draw.
    expected : ndarray, shape (n,)
        The expectation of each row.
    totals : Totals
        Whose.
    level : float
        Coverage.

    Returns
    -------
    DataFrame
        expected, low, high.
    """
    ends, pieces = [0.5 - level / 2, 0.5 + level / 2], blocks(len(expected), _ROWS)
    if totals.code is None:
        parts = [np.quantile(np.stack(list(outcomes(rows))), ends, axis=0, method="inverted_cdf") for rows in pieces]
        low, high = np.concatenate(parts, axis=1) if parts else np.empty((2, 0))
    else:
        sums = [np.stack([totals(values, rows) for values in outcomes(rows)]) for rows in pieces]
        low, high = np.quantile(np.sum(sums, axis=0), ends, axis=0)
    return pd.DataFrame({"expected": totals(expected), "low": low, "high": high}, totals.index)


def check_kind(kind: str, level: float) -> None:
    """Refuse a level or a kind of interval that is none.

    Raises
    ------
    ConfigError
        When it is.
    """
    if kind not in ("mean", "predictive"):
        raise ConfigError(
            f"unknown kind of interval {kind!r}",
            fix="'predictive': of what will be observed; 'mean': of its expectation",
        )
    if not 0 < level < 1:
        raise ConfigError("level is the share of intervals that hold", example=level, fix="0.9 is nine of ten")


def _posterior(model: Model) -> tuple[Array, Array]:
    """Return the estimates' coordinates and a root of their covariance, in logarithms."""
    coordinates = model.coordinates
    values = model.params_.to_numpy()
    covariance = model.covariance_.to_numpy()
    if np.isnan(covariance).any():
        why = "; ".join(dict.fromkeys(model.not_identified_.values())) or "it was made from parameters"
        raise UndefinedError(
            f"this {type(model).__name__} has no covariance to tell its uncertainty from: {why}",
            fix="pass draws=model.bootstrap(frame), or fit with a prior",
        )
    scale = coordinates.slopes(values)
    root = np.linalg.cholesky(covariance / np.outer(scale, scale))
    return coordinates.of(values), root.astype(np.float64)


def _at(model: SomeModel, theta: Array) -> SomeModel:
    return model.moved(model.coordinates.natural(theta))
