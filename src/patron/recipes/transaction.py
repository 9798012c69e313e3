"""Transaction models as recipes, alone and as columns for the trees: P(no purchase), purchases x Gamma-Gamma spend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.models import TRANSACTION_MODELS, GammaGamma, load_model
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted


@dataclass(frozen=True)
class FittedNoPurchase:
    """P(no purchase within the horizon) under one transaction model."""

    horizon: int
    model: Any
    task: ClassVar[Task] = "churn"

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        found = self.model.probability_no_purchase(in_unit(rows, self.model.unit_), f"{self.horizon} days")
        return np.asarray(found, dtype="float64")

    def save(self, folder: Path) -> None:
        """Write churn.json."""
        content = {"horizon": self.horizon, "model": self.model.to_dict()}
        write_fitted(folder, "churn", self.model.name, content)


@dataclass(frozen=True)
class NoPurchase:
    """The churn probability of a transaction model: not 1 - P(alive), but P(no purchase within the horizon)."""

    name: str = "bg_nbd"
    task: ClassVar[Task] = "churn"

    def fit(self, data: TrainingData) -> FittedNoPurchase:
        """Fit the model on all customers at t."""
        return FittedNoPurchase(data.horizon, fit_model(self.name, data, data.t))

    def load(self, folder: Path) -> FittedNoPurchase:
        """Read back a fitted one."""
        content, _ = read_fitted(folder, "churn", self.name)
        return FittedNoPurchase(content["horizon"], load_model(content["model"]))


@dataclass(frozen=True)
class FittedPurchasesTimesSpend:
    """Expected purchases of a transaction model x expected spend a purchase under Gamma-Gamma."""

    horizon: int
    model: Any
    spend: GammaGamma
    task: ClassVar[Task] = "value"

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        rows = in_unit(rows, self.model.unit_)
        purchases = np.asarray(self.model.expected_purchases(rows, f"{self.horizon} days"), dtype="float64")
        spend: Array = purchases * np.asarray(self.spend.expected_spend(rows), dtype="float64")
        return spend

    def save(self, folder: Path) -> None:
        """Write value.json."""
        write_fitted(folder, "value", self.model.name, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {"horizon": self.horizon, "model": self.model.to_dict(), "spend": self.spend.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> FittedPurchasesTimesSpend:
        """Build it from `to_dict`."""
        return cls(content["horizon"], load_model(content["model"]), GammaGamma.from_dict(content["spend"]))


@dataclass(frozen=True)
class PurchasesTimesSpend:
    """A transaction model x Gamma-Gamma."""

    name: str = "bg_nbd"
    task: ClassVar[Task] = "value"

    def fit(self, data: TrainingData) -> FittedPurchasesTimesSpend:
        """Fit both on all customers at t."""
        spend = GammaGamma().fit(data.spend[data.t])
        return FittedPurchasesTimesSpend(data.horizon, fit_model(self.name, data, data.t), spend)

    def load(self, folder: Path) -> FittedPurchasesTimesSpend:
        """Read back a fitted one."""
        content, _ = read_fitted(folder, "value", self.name)
        return FittedPurchasesTimesSpend.from_dict(content)


def fit_model(name: str, data: TrainingData, day: pd.Timestamp) -> Any:
    """Fit the named transaction model on all customers as of one day of `data`."""
    return TRANSACTION_MODELS[name]().fit(in_unit(data.counts[day], data.unit))


def by_day(rows: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, npt.NDArray[np.intp]]]:
    """Yield each as-of day of `rows` and the positions of its rows."""
    codes, days = pd.factorize(rows.index.get_level_values("as_of"), sort=True)
    for code, day in enumerate(days):
        yield day, np.flatnonzero(codes == code)


def chosen(data: TrainingData) -> tuple[str, dict[pd.Timestamp, Any]]:
    """Choose the transaction model with the lowest Brier score on the training rows, whose labels are all closed.

    At each row's as_of the parameters are those that all customers gave that day.

    Returns
    -------
    name : str
    models : dict of Timestamp to model
        The chosen model as fitted at each as-of day of the rows.
    """
    fitted = {name: {day: fit_model(name, data, day) for day, _ in by_day(data.rows)} for name in TRANSACTION_MODELS}
    return min(fitted.items(), key=lambda item: _brier(data, item[1]))


def _brier(data: TrainingData, models: dict[pd.Timestamp, Any]) -> float:
    squares = 0.0
    for day, where in by_day(data.rows):
        rows = data.rows.iloc[where]
        predicted = FittedNoPurchase(data.horizon, models[day]).predict(rows)
        squares += float(((predicted - rows["churned"].to_numpy()) ** 2).sum())
    return squares / len(data.rows)
