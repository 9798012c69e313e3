"""The blend: half a transaction model x Gamma-Gamma, half trees scaled to its total."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from patron.recipes.boosted import TreesOnModel
from patron.recipes.protocol import Array, Task, TrainingData, read_fitted, write_fitted
from patron.recipes.transaction import FittedPurchasesTimesSpend, fit_model, to_total, total_of, valued
from patron.value.booster import ValueBooster


@dataclass(frozen=True)
class FittedBlend:
    """Both halves, and the factors that give each the transaction model's total at t."""

    transaction: FittedPurchasesTimesSpend
    trees: ValueBooster
    factor: float
    transaction_factor: float = 1.0

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        own, trees = self.transaction.predict(rows), self.trees.predict(rows)
        return (self.transaction_factor * own + self.factor * trees) / 2

    def save(self, folder: Path) -> None:
        """Write value.json and value.txt."""
        content = {
            "transaction": self.transaction.to_dict(),
            "trees": self.trees.to_dict(),
            "factor": self.factor,
            "transaction_factor": self.transaction_factor,
        }
        write_fitted(folder, "value", Blend.name, content, self.trees.text_)


class Blend(TreesOnModel[ValueBooster]):
    """The total from the transaction model that did best on the training rows, the shape from both.

    Trees carry the level of their training windows into today, which a growing or shrinking base has left; a
    transaction model knows that customers leave.
    """

    name: ClassVar[str] = "blend"
    task: ClassVar[Task] = "value"
    _grown = ValueBooster

    def fit(self, data: TrainingData) -> FittedBlend:
        """Fit both halves, and scale them to the total of the model's own recipe over all customers at t."""
        name, _ = self._chosen(data)
        transaction = valued(fit_model(name, data, data.t), data, data.t)
        trees = self._on_features(data, "spend_next")
        total = total_of(name, data)
        own, other = (to_total(half.predict(data.today), total) for half in (transaction, trees))
        return FittedBlend(transaction, trees, other, own)

    def load(self, folder: Path) -> FittedBlend:
        """Read back a fitted one."""
        content, (text,) = read_fitted(folder, "value", self.name, trees=1)
        return FittedBlend(
            FittedPurchasesTimesSpend.from_dict(content["transaction"]),
            ValueBooster.from_dict(content["trees"], text),
            content["factor"],
            content.get("transaction_factor", 1.0),
        )
