"""Columns beside a model's own parameters: brought to mean 0 and deviation 1 for the fit, told as they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from patron._core.errors import ConfigError, DataError
from patron.models.maths.fitter import Array, Optimum


def check_l2(l2: float) -> float:
    """Refuse a penalty that is none.

    Raises
    ------
    ConfigError
        When it is negative or not finite.
    """
    if not 0 <= l2 < np.inf:
        raise ConfigError("l2 is 0 or more", example=l2, fix="1.0 is weak beside a thousand customers")
    return l2


def standard_columns(columns: Array, weight: Array, names: Sequence[str]) -> tuple[Array, Array]:
    """Return mean and deviation of each column; `names` are of the effects, KIND.COLUMN.

    Raises
    ------
    DataError
        When a column is the same for everybody.
    """
    for name, values in zip(names, columns.T, strict=True):
        if values.min() == values.max():
            raise DataError(
                "a covariate that is the same for everybody tells nothing",
                column=name.partition(".")[2],
                fix="leave it out",
            )
    share = weight / weight.sum()
    mean = share @ columns
    deviation: Array = np.sqrt(share @ (columns - mean) ** 2)
    return mean, deviation


def unscaled(optimum: Optimum, scales: npt.NDArray[np.integer], signs: Array, mean: Array, deviation: Array) -> Optimum:
    """Return an optimum found on standard columns as that of the columns as they came.

    Parameters
    ----------
    optimum : Optimum
        The effects of the k columns come last.
    scales : ndarray of int, shape (k,)
        Position of the parameter whose logarithm each effect adds to: it is told for who has 0 in the column.
    signs : ndarray, shape (k,)
        Whether the effect adds or takes.
    mean, deviation : ndarray, shape (k,)
        Of the columns.
    """
    family = len(optimum.params) - len(mean)
    effects = optimum.params[family:] / deviation
    moved = np.zeros((family, len(mean)))
    moved[scales, np.arange(len(mean))] = -signs * mean / deviation
    own = optimum.params[:family] * np.exp(moved @ optimum.params[family:])
    jacobian = np.diag(np.concatenate([own / optimum.params[:family], 1 / deviation]))
    jacobian[:family, family:] = own[:, None] * moved
    held = ~np.isnan(np.diag(optimum.covariance))
    known = np.where(np.outer(held, held), optimum.covariance, 0.0)
    covariance = jacobian @ known @ jacobian.T
    covariance[~held] = covariance[:, ~held] = np.nan
    return replace(optimum, params=np.concatenate([own, effects]), covariance=covariance)
