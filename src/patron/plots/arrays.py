"""What a plot is given, checked: arrays with something in them, frames with the columns needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import DataError
from patron.metrics.arrays import FloatArray, checked, checked_labels

One = TypeVar("One")


def named(models: One | Mapping[str, One]) -> dict[str, One]:
    """Return models by what they are called in a plot; one alone goes by the name of its class.

    Examples
    --------
    >>> from patron.models import NBD
    >>> list(named(NBD())), list(named({"as it was": NBD()}))
    (['NBD'], ['as it was'])
    """
    return (
        {str(name): one for name, one in models.items()}
        if isinstance(models, Mapping)
        else {type(models).__name__: models}
    )


def amounts(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return what happened and what was predicted, both (n,); a DataError for unequal, infinite or empty ones."""
    happened, foretold, _ = checked(actual, predicted, None)
    return _some(happened), foretold


def labels(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return labels of 0 and 1 and probabilities, both (n,); a DataError for anything else."""
    happened, foretold, _ = checked_labels(actual, predicted, None, probability=True)
    return _some(happened), foretold


def column(values: npt.ArrayLike, name: str) -> FloatArray:
    """Return one column of numbers (n,); a DataError for missing, infinite or no values."""
    array = _some(np.asarray(values, dtype=float))
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise DataError(
            "missing or infinite",
            column=name,
            count=int(wrong.sum()),
            example=float(array[wrong.argmax()]),
            fix="leave these customers out",
        )
    return array


def need(frame: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Refuse a frame that lacks one of `columns`."""
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise DataError(f"{what} has no such column", column=absent[0], fix=f"it needs {', '.join(columns)}")


def _some(array: FloatArray) -> FloatArray:
    if array.size == 0:
        raise DataError("there is nothing to draw", fix="give at least one customer")
    return array
