"""Logistic regression on all features: log scale, standardised, one indicator where a feature can be missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from patron._core.errors import FitError
from patron.recipes.protocol import Array, Plain, Task, TrainingData


def maximum_likelihood(columns: Array, y: Any, ridge: float = 1e-6) -> tuple[float, Array]:
    """Intercept and coefficients of a logistic regression; the ridge settles columns that say the same.

    Parameters
    ----------
    columns : ndarray, shape (n, k)
    y : array of 0 and 1, shape (n,)
    ridge : float
        Penalty on half the squared coefficients, against the sum of log-likelihoods.

    Raises
    ------
    FitError
        All of y are 0, or all are 1.
    """
    outcome = np.asarray(y)
    if outcome.min() == outcome.max():
        raise FitError(
            f"all {len(outcome):,} training rows have churned = {outcome[0]}",
            fix="another horizon or other days, at which some customers churn and some do not",
        )
    fitted = LogisticRegression(C=1 / ridge, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(columns, outcome)
    return float(fitted.intercept_[0]), fitted.coef_[0]


@dataclass(frozen=True)
class FittedLogistic(Plain):
    """The columns used and, for each, how it is scaled and what it weighs.

    Attributes
    ----------
    columns : list of str
        In order.
    mean, scale, slope : list of float
        Of sign(x) log(1 + abs(x)); a missing x counts as the mean.
    missing : list of float
        Added where x is missing.
    intercept : float
    """

    recipe: ClassVar[str] = "logistic"
    task: ClassVar[Task] = "churn"
    columns: list[str]
    mean: list[float]
    scale: list[float]
    slope: list[float]
    missing: list[float]
    intercept: float

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        margin = np.full(len(rows), self.intercept)
        # column by column: a matrix product may round differently for one row than for many
        for name, mean, scale, slope, missing in zip(
            self.columns, self.mean, self.scale, self.slope, self.missing, strict=True
        ):
            x = _on_log_scale(rows[name])
            margin += np.where(np.isnan(x), missing, slope * (x - mean) / scale)
        return expit(margin)


class Logistic:
    """All features at once, linear on the log scale; ties with the trees on some data, and loads anywhere."""

    name: ClassVar[str] = "logistic"
    task: ClassVar[Task] = "churn"

    def fit(self, data: TrainingData) -> FittedLogistic:
        """Fit with a ridge of 1 on standardised columns; columns that never vary are left out. Fitted once."""
        fitted: FittedLogistic = data.once("logistic", lambda: _logistic(data))
        return fitted

    def load(self, folder: Path) -> FittedLogistic:
        """Read back a fitted one."""
        return FittedLogistic.read(folder)


def _logistic(data: TrainingData) -> FittedLogistic:
    scaled = {name: _on_log_scale(data.rows[name]) for name in data.today.columns}
    columns = {name: x for name, x in scaled.items() if len(np.unique(x[~np.isnan(x)])) > 1}
    mean = {name: float(np.nanmean(x)) for name, x in columns.items()}
    scale = {name: float(np.nanstd(x)) for name, x in columns.items()}
    absent = {name: np.isnan(x) for name, x in columns.items()}
    partly = [name for name in columns if absent[name].any()]
    design = np.column_stack(
        [
            *(np.where(absent[name], 0.0, (x - mean[name]) / scale[name]) for name, x in columns.items()),
            *(absent[name].astype("float64") for name in partly),
        ]
    )
    intercept, slopes = maximum_likelihood(design, data.rows["churned"], ridge=1.0)
    missing = dict(zip(partly, slopes[len(columns) :].tolist(), strict=True))
    return FittedLogistic(
        columns=list(columns),
        mean=list(mean.values()),
        scale=list(scale.values()),
        slope=slopes[: len(columns)].tolist(),
        missing=[missing.get(name, 0.0) for name in columns],
        intercept=intercept,
    )


def _on_log_scale(column: pd.Series) -> Array:
    x = column.to_numpy(dtype="float64", na_value=np.nan)
    scaled: Array = np.sign(x) * np.log1p(np.abs(x))
    return scaled
