"""What trees are given, checked: features by name, outcome, offset and weights; refusals name column, count and fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.utils import check_array, column_or_1d

from patron._core.errors import DataError, FitError, NotFittedError
from patron.features.catalogue import LABELS

Array = npt.NDArray[np.float64]


class InputError(DataError, ValueError):
    """Input refused; a ValueError too, as scikit-learn's contract has it."""


class OutcomeError(FitError, ValueError):
    """Nothing to learn from these outcomes; a ValueError too, as scikit-learn's contract has it."""


class UnfittedError(NotFittedError, SklearnNotFittedError):  # type: ignore[misc]  # scikit-learn ships no types
    """Asked before it was fitted; scikit-learn's own error too."""


def matrix_of(X: Any) -> Array:
    """Return an array of numbers as float64 of shape (n, features); missing stays missing."""
    with _refused_as_ours("give a table of finite numbers, one row a customer; NaN is missing"):
        return np.asarray(check_array(X, dtype="float64", ensure_all_finite="allow-nan"))


def columns_of(frame: pd.DataFrame, names: list[str]) -> Array:
    """Columns by name as float64; missing stays missing, text and infinities are refused by the column's name."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InputError("not among the columns", column=missing[0], fix="give every feature of the fit")
    for name in names:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise InputError("not a number", column=name, example=frame[name].iloc[0], fix="encode it, or leave it out")
    matrix = frame[names].to_numpy(dtype="float64", na_value=np.nan)
    infinite = np.isinf(matrix)
    if infinite.any():
        worst = int(infinite.any(axis=0).argmax())
        raise InputError(
            "infinite", column=names[worst], count=int(infinite[:, worst].sum()), fix="make it missing (NaN) instead"
        )
    return np.ascontiguousarray(matrix)


def names_of(frame: pd.DataFrame, offset: str | None) -> list[str]:
    """Return the names of the features: all columns but the offset's; a label among them is refused."""
    names = [name for name in frame.columns if name != offset]
    found = [name for name in LABELS if name in names]
    if found:
        raise InputError("a label among the features", column=found[0], fix="X, labels = patron.split(frame)")
    return names


def outcome_of(y: Any, dtype: str | None = None) -> npt.NDArray[Any]:
    """Return y as an array of shape (n,), of which nothing is missing or infinite."""
    with _refused_as_ours("give one outcome a row"):
        values: npt.NDArray[Any] = column_or_1d(y, dtype=dtype, warn=True)
    missing = pd.isna(values) | (np.isinf(values) if values.dtype.kind == "f" else False)
    if missing.any():
        raise InputError(
            "an outcome that is missing or infinite",
            column=getattr(y, "name", None),
            count=int(missing.sum()),
            fix="learn from closed labels only: as_of + horizon <= the last day observed",
        )
    return values


def offset_of(X: Any, offset: Any, n: int) -> Array:
    """Return the offset, a column of X by its name or numbers, as float64 of shape (n,)."""
    by_name = isinstance(offset, str)
    values = columns_of(X, [offset])[:, 0] if by_name else np.asarray(offset, dtype="float64")
    if values.shape != (n,) or not np.isfinite(values).all():
        raise InputError(
            "an offset is one finite number a row",
            column=offset if by_name else None,
            count=int((~np.isfinite(values)).sum()),
            fix="fill the missing ones, or leave the offset out",
        )
    return values


def weight_of(sample_weight: Any, n: int) -> Array:
    """Return weights as float64 of shape (n,): 0 or more, not all 0."""
    weight = np.asarray(sample_weight, dtype="float64")
    wrong = ~((weight >= 0) & (weight < np.inf))
    if weight.shape != (n,) or wrong.any() or not weight.any():
        raise InputError(
            "a sample weight is one finite number a row, 0 or more, and not zero for all",
            count=int(wrong.sum()) or None,
            fix="leave sample_weight out, or give a count a row",
        )
    return weight


def as_of_days(X: Any) -> npt.NDArray[np.int64] | None:
    """Return the day number of each row's as-of day, the index level `as_of`; None without one."""
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or "as_of" not in index.names:
        return None
    return index.get_level_values("as_of").to_numpy(dtype="datetime64[D]").astype("int64")


@contextmanager
def _refused_as_ours(fix: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(str(error), fix=fix) from error
