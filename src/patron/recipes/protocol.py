"""What a recipe is: the data it is given, what it hands back, and how that is kept on disk; no recipe lives here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Final, Literal, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import DataError
from patron._core.files import read_json, write_json, write_text

Array = npt.NDArray[np.float64]
Task = Literal["churn", "value"]
LABEL_OF: Final[dict[Task, str]] = {"churn": "churned", "value": "spend_next"}
"""The label that each task predicts."""
T = TypeVar("T")


@dataclass(frozen=True)
class TrainingData:
    """All that was known at the end of day `t`; a recipe is fitted on this and on nothing else.

    Attributes
    ----------
    t : pandas.Timestamp
        The last day observed.
    horizon : int
        Length of the label window in days.
    unit : str
        Time unit of frequency, recency and T.
    rows : DataFrame
        Features and the labels `churned`, `purchases_next`, `spend_next`; index (customer_id, as_of).
        Every label is closed: as_of + horizon <= t.
    today : DataFrame
        Features at `t` of every customer, no label; same index.
    counts : mapping of Timestamp to DataFrame
        `rfm_counts` (frequency, recency, T, weight) of all customers at every as_of of `rows` and at `t`.
    spend : mapping of Timestamp to DataFrame
        frequency and monetary_value of every repeat buyer whose mean repeat purchase is above 0; same days.
    seed : int
        Of everything random in a fit.
    spend_with_first : mapping of Timestamp to DataFrame
        `spend` with the first purchase counted, of everybody who paid; empty where the features lack `first_spend`.
    fits : dict
        Models fitted on these data, kept because several recipes need the same.
    """

    t: pd.Timestamp
    horizon: int
    unit: str
    rows: pd.DataFrame
    today: pd.DataFrame
    counts: Mapping[pd.Timestamp, pd.DataFrame]
    spend: Mapping[pd.Timestamp, pd.DataFrame]
    seed: int = 0
    spend_with_first: Mapping[pd.Timestamp, pd.DataFrame] = field(default_factory=dict)
    fits: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _locks: dict[Any, Lock] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, key: Any, fit: Callable[[], T]) -> T:
        """Return what `fit` makes of these data, made once under this key however many recipes need it."""
        with self._locks.setdefault(key, Lock()):
            if key not in self.fits:
                self.fits[key] = fit()
            made: T = self.fits[key]
            return made


@runtime_checkable
class Fitted(Protocol):
    """A fitted recipe.

    Recipes of churn that grow trees also have ``reasons(rows, top=3) -> DataFrame`` with the columns
    reason_1 to reason_3 (text); the others have no such method.
    """

    def predict(self, rows: pd.DataFrame) -> Array:
        """Churn probability, or spend over the horizon in major units, row by row.

        A customer scored alone gets what scoring the whole base gives.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write TASK.json, and TASK.txt if there are trees, into `folder`."""
        ...


@runtime_checkable
class Recipe(Protocol):
    """What competes in a backtest: a name and its settings, refitted at each origin on what was known then."""

    @property
    def name(self) -> str:
        """What the leaderboard calls it."""
        ...

    @property
    def task(self) -> Task:
        """What it predicts."""
        ...

    def fit(self, data: TrainingData) -> Fitted:
        """Fit on what was known at ``data.t``."""
        ...

    def load(self, folder: Path) -> Fitted:
        """Read back what ``Fitted.save`` wrote."""
        ...


class Plain:
    """A fitted recipe that is a few JSON values: a frozen dataclass of them, saved under its recipe's name."""

    recipe: ClassVar[str]
    task: ClassVar[Task]

    def save(self, folder: Path) -> None:
        """Write TASK.json into `folder`."""
        write_fitted(folder, self.task, self.recipe, vars(self))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**read_fitted(folder, cls.task, cls.recipe)[0])


def write_fitted(folder: Path, task: Task, name: str, content: Mapping[str, Any], *trees: str) -> None:
    """Write the JSON of a fitted recipe and the text of its trees: TASK.json, TASK.txt, TASK.2.txt, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for text, path in zip(trees, _texts(folder, task, len(trees)), strict=True):
        write_text(path, text)
    write_json(folder / f"{task}.json", {"recipe": name, **content})


def read_fitted(folder: Path, task: Task, name: str, trees: int = 0) -> tuple[dict[str, Any], list[str]]:
    """Read JSON and the texts of so many trees, refusing a file of another recipe than `name`."""
    content = read_json(folder / f"{task}.json")
    found = content.pop("recipe")
    if found != name:
        raise DataError(f"{task}.json holds the recipe {found!r}, not {name!r}", fix="load it with load_fitted")
    return content, [path.read_text(encoding="utf-8") for path in _texts(folder, task, trees)]


def _texts(folder: Path, task: Task, trees: int) -> list[Path]:
    return [folder / (f"{task}.txt" if place == 1 else f"{task}.{place}.txt") for place in range(1, trees + 1)]


def in_unit(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return the same rows carrying the time unit, which pandas loses in merge and concat; one they carry stays."""
    carried = rows.copy(deep=False)
    carried.attrs = {"unit": unit, **rows.attrs}
    return carried
