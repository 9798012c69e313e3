"""The blend of churn: a mean of the logistic regression, trees, trees on a transaction model, and that model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import pandas as pd

from patron.churn import ChurnClassifier
from patron.churn.reasons import in_words
from patron.recipes.boosted import TreesOnModel
from patron.recipes.logistic import FittedLogistic, Logistic
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted
from patron.recipes.stack import FittedStack, Stack
from patron.recipes.transaction import FittedNoPurchase

MODEL: Final = 1 / 7
"""What the transaction model itself counts, half as much as each of the three that learn: it has seen every day."""


@dataclass(frozen=True)
class FittedChurnBlend:
    """The three that learn, each as it is alone; the transaction model is the stack's.

    Attributes
    ----------
    logistic : FittedLogistic
    trees : ChurnClassifier
        On the features.
    stack : FittedStack
    """

    logistic: FittedLogistic
    trees: ChurnClassifier
    stack: FittedStack

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        model = FittedNoPurchase(self.stack.horizon, self.stack.model).predict(rows)
        learned = self.logistic.predict(rows), self.trees.predict_proba(rows)[:, 1], self.stack.predict(rows)
        return MODEL * model + (1 - MODEL) * sum(learned) / len(learned)

    def reasons(self, rows: pd.DataFrame, top: int = 3) -> pd.DataFrame:
        """Say what moves each customer's risk most, in words, by the mean of both sets of trees' contributions."""
        rows = in_unit(rows, self.stack.model.unit_)
        told = self.trees.contributions(rows).add(self.stack.contributions(rows), fill_value=0.0) / 2
        return in_words(rows, told, top)

    def save(self, folder: Path) -> None:
        """Write churn.json, churn.txt and churn.2.txt."""
        content = {
            "logistic": dataclasses.asdict(self.logistic),
            "trees": self.trees.to_dict(),
            "stack": self.stack.to_dict(),
        }
        write_fitted(folder, "churn", BlendedChurn.name, content, self.trees.text_, self.stack.trees.text_)


class BlendedChurn(TreesOnModel[ChurnClassifier]):
    """A mean of what errs differently: a straight line, trees, trees that correct a transaction model, that model."""

    name: ClassVar[str] = "blend"
    task: ClassVar[Task] = "churn"
    _grown = ChurnClassifier

    def fit(self, data: TrainingData) -> FittedChurnBlend:
        """Fit the three; what other recipes fitted on these data is taken from them."""
        stack = Stack(self.transaction_model, **self.settings).fit(data)
        return FittedChurnBlend(Logistic().fit(data), self._on_features(data, "churned"), stack)

    def load(self, folder: Path) -> FittedChurnBlend:
        """Read back a fitted one."""
        content, (alone, stacked) = read_fitted(folder, "churn", self.name, trees=2)
        return FittedChurnBlend(
            FittedLogistic(**content["logistic"]),
            ChurnClassifier.from_dict(content["trees"], alone),
            FittedStack.from_dict(content["stack"], stacked),
        )
