"""The shape: the total from a transaction model, who spends it from trees that correct that model's value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from patron.recipes.boosted import TreesOnModel
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted
from patron.recipes.transaction import FittedPurchasesTimesSpend, by_day, fit_model, to_total, valued
from patron.value.booster import ValueBooster

LEAST: Final = 1e-4
"""Of the mean value: less is taken for so much in the offset, whose logarithm has no end."""


@dataclass(frozen=True)
class FittedShape:
    """The transaction model's value, the trees on top of it, and the factor that gives them its total at t."""

    transaction: FittedPurchasesTimesSpend
    trees: ValueBooster
    least: float
    factor: float

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        return self.factor * self.trees.predict(*_with_value(rows, self.transaction.predict(rows), self.least))

    def save(self, folder: Path) -> None:
        """Write value.json and value.txt."""
        content = {
            "transaction": self.transaction.to_dict(),
            "trees": self.trees.to_dict(),
            "least": self.least,
            "factor": self.factor,
        }
        write_fitted(folder, "value", Shape.name, content, self.trees.text_)


class Shape(TreesOnModel[ValueBooster]):
    """Trees on the logarithm of a transaction model's value, scaled to its total.

    The offset tells the biggest buyers apart, where trees alone saturate; the total tells how the base shrinks or
    grows, where trees repeat the level of their training windows. In training a row's value comes from parameters
    fitted as of that row's day, in scoring from those fitted at t.
    """

    name: ClassVar[str] = "shape"
    task: ClassVar[Task] = "value"
    _grown = ValueBooster

    def fit(self, data: TrainingData) -> FittedShape:
        """Choose and fit the transaction model, grow the trees on its value, and scale them to its total at t."""
        name, at = self._chosen(data)
        rows = in_unit(data.rows, data.unit)
        value = np.empty(len(rows))
        for day, where in by_day(rows):
            value[where] = valued(at[day], data, day).predict(rows.iloc[where])
        least = LEAST * float(value.mean())
        columns, offset = _with_value(rows[data.today.columns], value, least)
        trees = self._new(data).fit(columns, data.rows["spend_next"], offset)
        transaction = valued(fit_model(name, data, data.t), data, data.t)
        unscaled = FittedShape(transaction, trees, least, 1.0)
        factor = to_total(unscaled.predict(data.today), transaction.predict(data.today))
        return FittedShape(transaction, trees, least, factor)

    def load(self, folder: Path) -> FittedShape:
        """Read back a fitted one."""
        content, text = read_fitted(folder, "value", self.name)
        return FittedShape(
            FittedPurchasesTimesSpend.from_dict(content["transaction"]),
            ValueBooster.from_dict(content["trees"], text),
            content["least"],
            content["factor"],
        )


def _with_value(rows: pd.DataFrame, value: Array, least: float) -> tuple[pd.DataFrame, Array]:
    """Return the rows with the model's value as one more column, and as an offset."""
    return rows.assign(expected_spend=value), np.log(value + least)
