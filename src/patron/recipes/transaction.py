"""Transaction models as recipes, alone and as columns for the trees: P(no purchase), purchases x Gamma-Gamma spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import FitError
from patron.models import TRANSACTION_MODELS, GammaGamma, load_model
from patron.recipes.protocol import LABEL_OF, Array, Task, TrainingData, in_unit, read_fitted, write_fitted

REFERENCE: Final = "pareto_nbd"
"""The model that the others simplify; one of them takes its place in a recipe only beyond noise."""
BEYOND: Final = 1.96
"""Standard errors; customers are the clusters."""


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
    """Expected purchases of a transaction model x expected spend a purchase under Gamma-Gamma.

    Attributes
    ----------
    first : bool
        Whether the spend model counts the first purchase too.
    """

    horizon: int
    model: Any
    spend: GammaGamma
    first: bool = False
    task: ClassVar[Task] = "value"

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        rows = in_unit(rows, self.model.unit_)
        purchases = np.asarray(self.model.expected_purchases(rows, f"{self.horizon} days"), dtype="float64")
        paid = with_first(rows) if self.first else rows
        spend: Array = purchases * np.asarray(self.spend.expected_spend(paid), dtype="float64")
        return spend

    def save(self, folder: Path) -> None:
        """Write value.json."""
        write_fitted(folder, "value", self.model.name, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "horizon": self.horizon,
            "model": self.model.to_dict(),
            "spend": self.spend.to_dict(),
            "first": self.first,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> FittedPurchasesTimesSpend:
        """Build it from `to_dict`."""
        spend = GammaGamma.from_dict(content["spend"])
        return cls(content["horizon"], load_model(content["model"]), spend, content.get("first", False))


def with_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Return frequency and monetary_value with the first purchase counted, read off the features."""
    repeat = rows["frequency"].to_numpy(dtype="float64")
    total = repeat * rows["monetary_value"].to_numpy(dtype="float64") + rows["first_spend"].to_numpy(dtype="float64")
    counted = {"frequency": repeat + 1, "monetary_value": total / (repeat + 1)}
    return pd.DataFrame(counted, index=rows.index)


@dataclass(frozen=True)
class PurchasesTimesSpend:
    """A transaction model x Gamma-Gamma."""

    name: str = "bg_nbd"
    task: ClassVar[Task] = "value"

    def fit(self, data: TrainingData) -> FittedPurchasesTimesSpend:
        """Fit both on all customers at t."""
        model, spend = fit_model(self.name, data, data.t), fit_spend(data, data.t, first=False)
        return FittedPurchasesTimesSpend(data.horizon, model, spend)

    def load(self, folder: Path) -> FittedPurchasesTimesSpend:
        """Read back a fitted one."""
        content, _ = read_fitted(folder, "value", self.name)
        return FittedPurchasesTimesSpend.from_dict(content)


def fit_model(name: str, data: TrainingData, day: pd.Timestamp) -> Any:
    """Return the named transaction model as fitted on all customers as of one day of `data`; fitted once."""
    return data.once(("model", name, day), lambda: TRANSACTION_MODELS[name]().fit(in_unit(data.counts[day], data.unit)))


def fit_spend(data: TrainingData, day: pd.Timestamp, *, first: bool) -> GammaGamma:
    """Return Gamma-Gamma as fitted as of one day of `data`, with the first purchase counted or not; fitted once."""
    paid = data.spend_with_first if first else data.spend
    return data.once(("spend", first, day), lambda: GammaGamma().fit(paid[day]))


def valued(model: Any, data: TrainingData, day: pd.Timestamp) -> FittedPurchasesTimesSpend:
    """Give a transaction model fitted as of a day its Gamma-Gamma of that day, on all purchases if they are known.

    A first purchase tells what a customer spends too: counted in, it ranked the customers of CDNOW far better.
    """
    first = day in data.spend_with_first
    return FittedPurchasesTimesSpend(data.horizon, model, fit_spend(data, day, first=first), first)


def total_of(name: str, data: TrainingData) -> float:
    """Return what today's customers will spend in all, by a transaction model's own recipe."""
    return float(PurchasesTimesSpend(name).fit(data).predict(data.today).sum())


def to_total(spend: Array, total: float) -> float:
    """Return the factor that gives `spend` the total."""
    factor = total / float(spend.sum())
    if not np.isfinite(factor):
        raise FitError("the totals of two predictions cannot be compared", example=factor, fix="another test day")
    return factor


def by_day(rows: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, npt.NDArray[np.intp]]]:
    """Yield each as-of day of `rows` and the positions of its rows."""
    codes, days = pd.factorize(rows.index.get_level_values("as_of"), sort=True)
    for code, day in enumerate(days):
        yield day, np.flatnonzero(codes == code)


def day_by_day(rows: pd.DataFrame, told: Callable[[pd.Timestamp, pd.DataFrame], Array]) -> Array:
    """Return what is told of each row, the rows of an as-of day at a time, in the order of the rows."""
    days, places = zip(*by_day(rows), strict=True)
    parts = [told(day, rows.iloc[where]) for day, where in zip(days, places, strict=True)]
    found: Array = np.concatenate(parts)[np.argsort(np.concatenate(places))]
    return found


def chosen(data: TrainingData, task: Task, name: str | None = None) -> tuple[str, dict[pd.Timestamp, Any]]:
    """Choose a transaction model on the training rows, whose labels are all closed: Pareto/NBD, if none is better.

    Better is a smaller squared error, of the label or of spend, beyond noise: on days with little history the models
    differ by less, and a choice by luck would move the total of a recipe that takes it from its model. At each row's
    as_of the parameters are those that all customers gave that day.

    Parameters
    ----------
    data : TrainingData
    task : {'churn', 'value'}
        What the error is of.
    name : str, optional
        The model, if it is settled already.

    Returns
    -------
    name : str
    models : dict of Timestamp to model
        The chosen model as fitted at each as-of day of the rows.
    """
    names = TRANSACTION_MODELS if name is None else [name]
    fitted = {name: {day: fit_model(name, data, day) for day, _ in by_day(data.rows)} for name in names}
    best = _beyond_noise({name: _squares(data, task, fitted[name]) for name in names}) if name is None else name
    return best, fitted[best]


def _beyond_noise(losses: dict[str, pd.Series]) -> str:
    """Return the least loss, or the reference if that one is not worse by more than customers vary."""
    best = min(losses, key=lambda name: losses[name].sum())
    lost = losses[REFERENCE] - losses[best]
    return best if lost.sum() > BEYOND * np.sqrt(len(lost)) * lost.std() else REFERENCE


def _squares(data: TrainingData, task: Task, models: dict[pd.Timestamp, Any]) -> pd.Series:
    """Return each customer's squared errors over all days."""

    def told(day: pd.Timestamp, rows: pd.DataFrame) -> Array:
        fitted = FittedNoPurchase(data.horizon, models[day]) if task == "churn" else valued(models[day], data, day)
        return fitted.predict(rows)

    squares: pd.Series = (data.rows[LABEL_OF[task]] - day_by_day(data.rows, told)) ** 2
    return squares.groupby(level="customer_id", sort=False).sum()
