"""LightGBM on the features alone: churn by the classifier, spend by the booster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd

from patron._core.errors import ConfigError
from patron.boosting import BoostedTrees
from patron.churn import ChurnClassifier
from patron.models import TRANSACTION_MODELS
from patron.recipes.protocol import Array, Task, TrainingData, in_unit, read_fitted, write_fitted
from patron.recipes.transaction import chosen
from patron.value.booster import ValueBooster

Trees = TypeVar("Trees", bound=BoostedTrees)


class TreeRecipe(Generic[Trees]):
    """A recipe that grows trees; its settings are theirs (`learning_rate`, `num_threads`, ...)."""

    task: ClassVar[Task]
    _grown: type[Trees]

    def __init__(self, **settings: Any) -> None:
        known = sorted(set(self._grown().get_params()) - {"horizon", "seed"})
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ConfigError(f"the trees have no setting {unknown[0]!r}", fix=f"one of {', '.join(known)}")
        for name, value in settings.items():
            if isinstance(value, str | list | dict):
                raise ConfigError(f"{name} is a number", example=value, fix="correct it, or leave it out")
        self.settings = settings

    def _on_features(self, data: TrainingData, label: str) -> Trees:
        """Return trees grown on the features alone; recipes of the same settings share them."""
        key = ("trees", label, tuple(sorted(self.settings.items())))
        trees: Trees = data.once(key, lambda: self._new(data).fit(data.rows[data.today.columns], data.rows[label]))
        return trees

    def _new(self, data: TrainingData) -> Trees:
        return self._grown(**self.settings, horizon=data.horizon, seed=data.seed)


class TreesOnModel(TreeRecipe[Trees]):
    """Trees beside a transaction model, by default the one that did best on the training rows.

    Parameters
    ----------
    transaction_model : str, optional
        The model, if it is settled: then no other is fitted.
    **settings
        The trees'.
    """

    def __init__(self, transaction_model: str | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        if transaction_model is not None and transaction_model not in TRANSACTION_MODELS:
            raise ConfigError(
                f"no transaction model {transaction_model!r}", fix=f"one of {', '.join(TRANSACTION_MODELS)}"
            )
        self.transaction_model = transaction_model

    def _chosen(self, data: TrainingData) -> tuple[str, dict[pd.Timestamp, Any]]:
        """Return the model's name, and it as fitted at each as-of day of the rows; chosen once."""
        key = ("chosen", self.task, self.transaction_model)
        found: tuple[str, dict[pd.Timestamp, Any]] = data.once(
            key, lambda: chosen(data, self.task, self.transaction_model)
        )
        return found


@dataclass(frozen=True)
class FittedBoostedChurn:
    """A churn classifier, and the time unit its reasons are told in."""

    unit: str
    trees: ChurnClassifier

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, shape (n,)."""
        return self.trees.predict_proba(rows)[:, 1]

    def reasons(self, rows: pd.DataFrame, top: int = 3) -> pd.DataFrame:
        """Say what moves each customer's risk most, in words: reason_1 to reason_{top}."""
        return self.trees.reasons(in_unit(rows, self.unit), top)

    def save(self, folder: Path) -> None:
        """Write churn.json and churn.txt."""
        content = {"unit": self.unit, "trees": self.trees.to_dict()}
        write_fitted(folder, "churn", BoostedChurn.name, content, self.trees.text_)


class BoostedChurn(TreeRecipe[ChurnClassifier]):
    """Churn by LightGBM on all features."""

    name: ClassVar[str] = "lightgbm"
    task: ClassVar[Task] = "churn"
    _grown = ChurnClassifier

    def fit(self, data: TrainingData) -> FittedBoostedChurn:
        """Grow the trees on the training rows."""
        return FittedBoostedChurn(data.unit, self._on_features(data, "churned"))

    def load(self, folder: Path) -> FittedBoostedChurn:
        """Read back a fitted one."""
        content, (text,) = read_fitted(folder, "churn", self.name, trees=1)
        return FittedBoostedChurn(content["unit"], ChurnClassifier.from_dict(content["trees"], text))


@dataclass(frozen=True)
class FittedBoostedValue:
    """A value booster."""

    trees: ValueBooster

    def predict(self, rows: pd.DataFrame) -> Array:
        """Spend over the horizon, shape (n,)."""
        return self.trees.predict(rows)

    def save(self, folder: Path) -> None:
        """Write value.json and value.txt."""
        write_fitted(folder, "value", BoostedValue.name, {"trees": self.trees.to_dict()}, self.trees.text_)


class BoostedValue(TreeRecipe[ValueBooster]):
    """Spend by LightGBM (Tweedie) on all features."""

    name: ClassVar[str] = "lightgbm"
    task: ClassVar[Task] = "value"
    _grown = ValueBooster

    def fit(self, data: TrainingData) -> FittedBoostedValue:
        """Grow the trees on the training rows."""
        return FittedBoostedValue(self._on_features(data, "spend_next"))

    def load(self, folder: Path) -> FittedBoostedValue:
        """Read back a fitted one."""
        content, (text,) = read_fitted(folder, "value", self.name, trees=1)
        return FittedBoostedValue(ValueBooster.from_dict(content["trees"], text))
