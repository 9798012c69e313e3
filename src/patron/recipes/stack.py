"""The stack: trees that correct a transaction model, whose outputs are columns and whose churn logit is the offset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd

from patron.churn import ChurnClassifier, clipped_logit
from patron.models import load_model
from patron.recipes.boosted import TreesOnModel
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted
from patron.recipes.transaction import day_by_day, fit_model

OUTPUTS: Final = ("p_no_purchase", "p_alive", "expected_purchases")
"""The transaction model's columns; reasons count them with the offset."""


@dataclass(frozen=True)
class FittedStack:
    """A transaction model fitted at t, and the trees on top of it."""

    horizon: int
    model: Any
    trees: ChurnClassifier

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        return self.trees.predict_proba(*self._with_outputs(rows))[:, 1]

    def reasons(self, rows: pd.DataFrame, top: int = 3) -> pd.DataFrame:
        """Say what moves each customer's risk most, in words: reason_1 to reason_{top}."""
        stacked, offset = self._with_outputs(rows)
        return self.trees.reasons(stacked, top, offset)

    def save(self, folder: Path) -> None:
        """Write churn.json and churn.txt."""
        write_fitted(folder, "churn", Stack.name, self.to_dict(), self.trees.text_)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the trees, as JSON values."""
        return {"horizon": self.horizon, "model": self.model.to_dict(), "trees": self.trees.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any], text: str) -> FittedStack:
        """Build it from `to_dict` and the trees' text."""
        trees = ChurnClassifier.from_dict(content["trees"], text)
        return cls(content["horizon"], load_model(content["model"]), trees)

    def contributions(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Tell what each column adds to the log-odds before calibration, the model's logit as `offset`."""
        return self.trees.contributions(*self._with_outputs(rows))

    def _with_outputs(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, Array]:
        rows = in_unit(rows, self.model.unit_)
        return _stacked(rows, outputs(self.model, rows, self.horizon))


class Stack(TreesOnModel[ChurnClassifier]):
    """LightGBM over the transaction model that did best on the training rows.

    In training a row's outputs come from parameters fitted on all customers as of that row's day; in scoring from
    those fitted at t.
    """

    name: ClassVar[str] = "stack"
    task: ClassVar[Task] = "churn"
    _grown = ChurnClassifier

    def fit(self, data: TrainingData) -> FittedStack:
        """Choose and fit the transaction model, and grow the trees on its offset; fitted once."""
        key = ("stack", self.transaction_model, tuple(sorted(self.settings.items())))
        fitted: FittedStack = data.once(key, lambda: self._fit(data))
        return fitted

    def _fit(self, data: TrainingData) -> FittedStack:
        name, at = self._chosen(data)
        rows = in_unit(data.rows, data.unit)
        found = day_by_day(rows, lambda day, some: outputs(at[day], some, data.horizon))
        stacked, offset = _stacked(rows[data.today.columns], found)
        trees = self._new(data).fit(stacked, data.rows["churned"], offset)
        return FittedStack(data.horizon, fit_model(name, data, data.t), trees)

    def load(self, folder: Path) -> FittedStack:
        """Read back a fitted one."""
        content, (text,) = read_fitted(folder, "churn", self.name, trees=1)
        return FittedStack.from_dict(content, text)


def outputs(model: Any, rows: pd.DataFrame, horizon: int) -> Array:
    """Return the transaction model's outputs for each row, shape (n, 3) in the order of OUTPUTS."""
    ahead = f"{horizon} days"
    return np.column_stack(
        [
            model.probability_no_purchase(rows, ahead),
            model.probability_alive(rows),
            model.expected_purchases(rows, ahead),
        ]
    )


def _stacked(rows: pd.DataFrame, found: Array) -> tuple[pd.DataFrame, Array]:
    return rows.assign(**dict(zip(OUTPUTS, found.T, strict=True))), clipped_logit(found[:, 0])
