"""What every other recipe must beat: the base rate, overdue against one's own rhythm, the average, the last period."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pandas as pd
from scipy.special import expit

from patron._core.calendar import UNIT_DAYS
from patron._core.errors import FitError
from patron.recipes.logistic import maximum_likelihood
from patron.recipes.protocol import Array, Plain, Task, TrainingData

WINDOWS: Final = (7, 30, 90, 180, 365)
"""Days of the features `spend_7` to `spend_365`."""


@dataclass(frozen=True)
class FittedBaseRate(Plain):
    """One probability for everybody."""

    recipe: ClassVar[str] = "base_rate"
    task: ClassVar[Task] = "churn"
    rate: float

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        return np.full(len(rows), self.rate)


class BaseRate:
    """The share of training rows that churned."""

    name: ClassVar[str] = "base_rate"
    task: ClassVar[Task] = "churn"

    def fit(self, data: TrainingData) -> FittedBaseRate:
        """Take the mean of the labels."""
        return FittedBaseRate(float(data.rows["churned"].mean()))

    def load(self, folder: Path) -> FittedBaseRate:
        """Read back a fitted one."""
        return FittedBaseRate.read(folder)


@dataclass(frozen=True)
class FittedOverdue(Plain):
    """logit P(churned) = intercept + slope * log(1 + days since the last purchase / mean gap)."""

    recipe: ClassVar[str] = "overdue"
    task: ClassVar[Task] = "churn"
    median_gap: float
    intercept: float
    slope: float

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        return expit(self.intercept + self.slope * _overdue(rows, self.median_gap))


class Overdue:
    """A logistic regression on one number, how overdue a customer is; one-time buyers have the median gap."""

    name: ClassVar[str] = "overdue"
    task: ClassVar[Task] = "churn"

    def fit(self, data: TrainingData) -> FittedOverdue:
        """Fit intercept and slope; a FitError where nobody has bought twice."""
        gap = float(data.rows["gap_mean"].median())
        if np.isnan(gap):
            raise FitError("nobody has bought on two days, so there is no gap to be overdue against", fix="a later day")
        intercept, slope = maximum_likelihood(_overdue(data.rows, gap)[:, None], data.rows["churned"])
        return FittedOverdue(gap, intercept, float(slope[0]))

    def load(self, folder: Path) -> FittedOverdue:
        """Read back a fitted one."""
        return FittedOverdue.read(folder)


def _overdue(rows: pd.DataFrame, median_gap: float) -> Array:
    gap = rows["gap_mean"].fillna(median_gap).to_numpy(dtype="float64")
    overdue: Array = np.log1p(rows["days_since_last"].to_numpy(dtype="float64") / gap)
    return overdue


@dataclass(frozen=True)
class FittedAverage(Plain):
    """Spend goes on as it did since the first purchase."""

    recipe: ClassVar[str] = "average"
    task: ClassVar[Task] = "value"
    horizon: int
    unit: str

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        return _spend_per_day(rows, self.unit) * self.horizon


class Average:
    """Repeat spend so far / T x H.

    The first purchase is what makes a customer one and stands at age 0, so it is no part of the spend over T: counted
    in, it would give a customer of yesterday the value of many.
    """

    name: ClassVar[str] = "average"
    task: ClassVar[Task] = "value"

    def fit(self, data: TrainingData) -> FittedAverage:
        """Keep the horizon and the unit."""
        return FittedAverage(data.horizon, data.unit)

    def load(self, folder: Path) -> FittedAverage:
        """Read back a fitted one."""
        return FittedAverage.read(folder)


@dataclass(frozen=True)
class FittedLastPeriod(Plain):
    """The next H days spend what the last H did."""

    recipe: ClassVar[str] = "last_period"
    task: ClassVar[Task] = "value"
    horizon: int
    unit: str

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,); at least 0 where refunds outweigh purchases."""
        per_day = np.full(len(rows), np.nan)
        for days in sorted(WINDOWS, key=lambda days: abs(np.log(days / self.horizon))):
            seen = rows[f"spend_{days}"].to_numpy(dtype="float64") / days
            per_day = np.where(np.isnan(per_day), seen, per_day)
        per_day = np.where(np.isnan(per_day), _spend_per_day(rows, self.unit), per_day)
        spend: Array = np.maximum(per_day, 0.0) * self.horizon
        return spend


class LastPeriod:
    """Spend of the H days before the as-of day.

    It is read off the catalogue's window nearest to H, pro rata (91 days: spend_90 x 91 / 90), so that a score needs
    no other column than any recipe does; where a row lacks that window, off the next nearest.
    """

    name: ClassVar[str] = "last_period"
    task: ClassVar[Task] = "value"

    def fit(self, data: TrainingData) -> FittedLastPeriod:
        """Keep the horizon and the unit."""
        return FittedLastPeriod(data.horizon, data.unit)

    def load(self, folder: Path) -> FittedLastPeriod:
        """Read back a fitted one."""
        return FittedLastPeriod.read(folder)


def _spend_per_day(rows: pd.DataFrame, unit: str) -> Array:
    spend = rows["frequency"].to_numpy(dtype="float64") * rows["monetary_value"].to_numpy(dtype="float64")
    days = rows["T"].to_numpy(dtype="float64") * UNIT_DAYS[unit]
    per_day: Array = np.divide(spend, days, out=np.zeros(len(rows)), where=days > 0)
    return per_day
