"""The rows trees learn from, and an as-of day held out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from patron.boosting.inputs import Array


@dataclass(frozen=True)
class Rows:
    """What trees learn from, one row a customer and as-of day.

    Attributes
    ----------
    features : float array (n, features)
    outcome : float array (n,)
    offset, weight : float array (n,), optional
    day, closes : int array (n,), optional
        The as-of day and the last day of its label window; None where either is unknown.
    """

    features: Array
    outcome: Array
    offset: Array | None = None
    weight: Array | None = None
    day: npt.NDArray[np.int64] | None = None
    closes: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        columns: dict[str, Any] = {name: None if all_ is None else all_[chosen] for name, all_ in vars(self).items()}
        return Rows(**columns)

    def latest(self) -> tuple[Rows, Rows]:
        """Return the rows of the latest as-of day, and those whose labels had closed by it: none where undated."""
        if self.day is None or self.closes is None:
            return self, self.where(np.zeros(len(self), dtype=bool))
        day = self.day.max()
        return self.where(self.day == day), self.where(self.closes <= day)

    def dataset(self, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        """Return the rows as LightGBM takes them; `reference` lends its bins."""
        return lgb.Dataset(self.features, self.outcome, weight=self.weight, init_score=self.offset, reference=reference)


@dataclass(frozen=True)
class HeldOut:
    """An as-of day predicted by trees that were grown on days whose labels had closed by then.

    Attributes
    ----------
    rows : Rows
        Of the day.
    trees : int
        The number that predicted it best.
    margin : float array (n,)
        Offset + trees.
    """

    rows: Rows
    trees: int
    margin: Array
