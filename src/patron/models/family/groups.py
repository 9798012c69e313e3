"""Fits by group: one model for each cohort or segment, and the pooled one for groups that were not seen."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import DataError, PooledGroupWarning

P = ParamSpec("P")
Frame = TypeVar("Frame", pd.Series, pd.DataFrame)


def by_group(method: Callable[P, Frame]) -> Callable[P, Frame]:
    """Let a model that was fitted by group answer for each row of `frame` with its group's parameters."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Frame:
        model: Any = args[0]
        if model.groups_ is None:
            return method(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        frame = bound.arguments["frame"]
        places, parts = [], []
        for own, rows in parts_of(model, frame):
            bound.arguments |= {"self": own, "frame": frame.iloc[rows]}
            part = method(*bound.args, **bound.kwargs)
            parts.append(part)
            places.append(rows if len(part) == len(rows) else np.repeat(rows[:1], len(part)))
        if not parts:
            return method(*(model.pooled, *args[1:]), **kwargs)
        order = np.argsort(np.concatenate(places), kind="stable")
        whole: Frame = pd.concat(parts).iloc[order]
        return whole

    return answer


def read_groups(frame: pd.DataFrame, name: str) -> pd.Series:
    """Check and take the column that tells the groups.

    Raises
    ------
    DataError
        When it is absent or has missing values.
    """
    if name not in frame.columns:
        raise DataError("the frame has no such column to group by", column=name, fix="join it, or name another")
    column = frame[name]
    if column.isna().any():
        raise DataError(
            "missing groups",
            column=name,
            count=int(column.isna().sum()),
            fix="fill them, for example with 'unknown': that is then a group of its own",
        )
    return column


def parts_of(model: Any, frame: pd.DataFrame) -> Iterator[tuple[Any, npt.NDArray[np.intp]]]:
    """Yield the model of each group of the frame, and its rows; unseen groups go by the pooled model, aloud."""
    column = read_groups(frame, model.groups)
    codes, values = pd.factorize(column)
    unseen = [value for value in values if value not in model.groups_]
    if unseen:
        count = int(column.isin(unseen).sum())
        warnings.warn(
            f"{count:,} customers are of groups that were not seen in the fit ({', '.join(map(str, unseen[:5]))}"
            f"{', ...' if len(unseen) > 5 else ''}): they go by the pooled parameters",
            PooledGroupWarning,
            stacklevel=3,
        )
    for code, value in enumerate(values):
        yield model.groups_.get(value, model.pooled), np.flatnonzero(codes == code)
