"""The shape: the total from a transaction model, who spends it from trees, alone and on that model's value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from patron.recipes.boosted import TreesOnModel
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted
from patron.recipes.transaction import FittedPurchasesTimesSpend, day_by_day, fit_model, to_total, total_of, valued
from patron.value.booster import ValueBooster

LEAST: Final = 1e-4
"""Of the mean value: so much is added before the logarithm, which has no end."""


@dataclass(frozen=True)
class FittedShape:
    """The transaction model's value, both sets of trees, and the factors that give each the model's total at t.

    Attributes
    ----------
    transaction : FittedPurchasesTimesSpend
    alone : ValueBooster
        On the features.
    correcting : ValueBooster
        On the features and the value, the logarithm of value + least as offset.
    least : float
    factors : tuple of float
        Of `alone` and of `correcting`.
    """

    transaction: FittedPurchasesTimesSpend
    alone: ValueBooster
    correcting: ValueBooster
    least: float
    factors: tuple[float, float] = (1.0, 1.0)

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        (own, other), (first, second) = self.factors, self.by_trees(rows)
        return (own * first + other * second) / 2

    def by_trees(self, rows: pd.DataFrame) -> tuple[Array, Array]:
        """Spend by the trees alone and by those that correct the model, before either is scaled."""
        corrected = self.correcting.predict(*_with_value(rows, self.transaction.predict(rows), self.least))
        return self.alone.predict(rows), corrected

    def save(self, folder: Path) -> None:
        """Write value.json, value.txt and value.2.txt."""
        content = {
            "transaction": self.transaction.to_dict(),
            "alone": self.alone.to_dict(),
            "correcting": self.correcting.to_dict(),
            "least": self.least,
            "factors": self.factors,
        }
        write_fitted(folder, "value", Shape.name, content, self.alone.text_, self.correcting.text_)


class Shape(TreesOnModel[ValueBooster]):
    """The mean of trees on the features and of trees that correct a transaction model's value, with that one's total.

    The offset tells the biggest buyers apart, where trees alone saturate; the total tells how the base shrinks or
    grows, where trees repeat the level of their training windows. In training a row's value comes from parameters
    fitted as of that row's day, in scoring from those fitted at t.
    """

    name: ClassVar[str] = "shape"
    task: ClassVar[Task] = "value"
    _grown = ValueBooster

    def fit(self, data: TrainingData) -> FittedShape:
        """Choose and fit the transaction model, grow both sets of trees, and scale each to its total at t."""
        name, at = self._chosen(data)
        rows, spend = in_unit(data.rows, data.unit), data.rows["spend_next"]
        value = day_by_day(rows, lambda day, some: valued(at[day], data, day).predict(some))
        least = LEAST * float(value.mean())
        columns, offset = _with_value(rows[data.today.columns], value, least)
        transaction = valued(fit_model(name, data, data.t), data, data.t)
        correcting = self._new(data).fit(columns, spend, offset)
        alone = self._on_features(data, "spend_next")
        unscaled = FittedShape(transaction, alone, correcting, least)
        total = total_of(name, data)
        first, second = (to_total(spend, total) for spend in unscaled.by_trees(data.today))
        return replace(unscaled, factors=(first, second))

    def load(self, folder: Path) -> FittedShape:
        """Read back a fitted one."""
        content, (alone, correcting) = read_fitted(folder, "value", self.name, trees=2)
        return FittedShape(
            FittedPurchasesTimesSpend.from_dict(content["transaction"]),
            ValueBooster.from_dict(content["alone"], alone),
            ValueBooster.from_dict(content["correcting"], correcting),
            content["least"],
            tuple(content["factors"]),
        )


def _with_value(rows: pd.DataFrame, value: Array, least: float) -> tuple[pd.DataFrame, Array]:
    """Return the rows with the model's value as one more column, and as an offset."""
    return rows.assign(expected_spend=value), np.log(value + least)
