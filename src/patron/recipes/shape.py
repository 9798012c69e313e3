"""The total from a transaction model, who spends it from trees: `shape` from trees alone, `blend` half the model's."""

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
Weights = tuple[float, float, float]


@dataclass(frozen=True)
class FittedShape:
    """The transaction model's value, two sets of trees, and what each of the three counts.

    Attributes
    ----------
    name : str
        Of the recipe.
    transaction : FittedPurchasesTimesSpend
    alone : ValueBooster
        On the features.
    correcting : ValueBooster
        On the features and the value, the logarithm of value + least as offset.
    least : float
    weights : tuple of float
        Of the model's value, of `alone` and of `correcting`: its share x what gives it the model's total at t.
    """

    name: str
    transaction: FittedPurchasesTimesSpend
    alone: ValueBooster
    correcting: ValueBooster
    least: float
    weights: Weights = (1.0, 1.0, 1.0)
    task: ClassVar[Task] = "value"

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        model, alone, correcting = (weight * part for weight, part in zip(self.weights, self.parts(rows), strict=True))
        return model + alone + correcting

    def parts(self, rows: pd.DataFrame) -> tuple[Array, Array, Array]:
        """Spend by the transaction model, by the trees alone and by those that correct it, before any is scaled."""
        value = self.transaction.predict(rows)
        return value, self.alone.predict(rows), self.correcting.predict(*_with_value(rows, value, self.least))

    def save(self, folder: Path) -> None:
        """Write value.json, value.txt and value.2.txt."""
        content = {
            "transaction": self.transaction.to_dict(),
            "alone": self.alone.to_dict(),
            "correcting": self.correcting.to_dict(),
            "least": self.least,
            "weights": self.weights,
        }
        write_fitted(folder, "value", self.name, content, self.alone.text_, self.correcting.text_)


class Shape(TreesOnModel[ValueBooster]):
    """The mean of trees on the features and of trees that correct a transaction model's value, with that one's total.

    The offset tells the biggest buyers apart, where trees alone saturate; the total tells how the base shrinks or
    grows, where trees repeat the level of their training windows. In training a row's value comes from parameters
    fitted as of that row's day, in scoring from those fitted at t.
    """

    name: ClassVar[str] = "shape"
    task: ClassVar[Task] = "value"
    shares: ClassVar[Weights] = (0.0, 0.5, 0.5)
    """Of the total: what comes from the model's value, from the trees alone, from those that correct it."""
    _grown = ValueBooster

    def fit(self, data: TrainingData) -> FittedShape:
        """Choose and fit the transaction model, grow both sets of trees, and scale each part to its total at t."""
        model, _ = self._chosen(data)
        key = ("shape", model, tuple(sorted(self.settings.items())))
        unscaled: FittedShape = data.once(key, lambda: self._unscaled(data))
        total = total_of(model, data)
        first, second, third = (
            share * to_total(part, total) for share, part in zip(self.shares, unscaled.parts(data.today), strict=True)
        )
        return replace(unscaled, name=self.name, weights=(first, second, third))

    def _unscaled(self, data: TrainingData) -> FittedShape:
        name, at = self._chosen(data)
        rows, spend = in_unit(data.rows, data.unit), data.rows["spend_next"]
        value = day_by_day(rows, lambda day, some: valued(at[day], data, day).predict(some))
        least = LEAST * float(value.mean())
        columns, offset = _with_value(rows[data.today.columns], value, least)
        transaction = valued(fit_model(name, data, data.t), data, data.t)
        correcting = self._new(data).fit(columns, spend, offset)
        return FittedShape(self.name, transaction, self._on_features(data, "spend_next"), correcting, least)

    def load(self, folder: Path) -> FittedShape:
        """Read back a fitted one."""
        content, (alone, correcting) = read_fitted(folder, "value", self.name, trees=2)
        return FittedShape(
            self.name,
            FittedPurchasesTimesSpend.from_dict(content["transaction"]),
            ValueBooster.from_dict(content["alone"], alone),
            ValueBooster.from_dict(content["correcting"], correcting),
            content["least"],
            tuple(content["weights"]),
        )


class Blend(Shape):
    """The mean of a transaction model's own value and of the `shape` that trees give its total.

    Where training days are few or the base changes, the model errs less than the trees; where history is long, more.
    """

    name: ClassVar[str] = "blend"
    shares: ClassVar[Weights] = (0.5, 0.25, 0.25)


def _with_value(rows: pd.DataFrame, value: Array, least: float) -> tuple[pd.DataFrame, Array]:
    """Return the rows with the model's value as one more column, and as an offset."""
    return rows.assign(expected_spend=value), np.log(value + least)
