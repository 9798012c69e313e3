"""What a model accepts: the checks of a frame's columns, weights, unit and horizon. Every refusal names the fix."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import UNIT_DAYS, Day, Horizon, check_unit, day_number, unit_days, units
from patron._core.errors import DataError, UnitAssumedWarning, UnitError
from patron.models.maths.fitter import Array, blocks, weighted_count

_MOST: Final = 10_000_000
_LARGEST: Final = 1e12
_CACHED: Final = 65536
"""Rows of one column that the second-level cache holds: what looks at a column twice reads memory once."""
_MAKE_SUMMARY: Final = "make the frame with patron.rfm_summary or patron.features"
MOST_OPPORTUNITIES: Final = 100_000
"""More than any customer has, in days even."""


@dataclass(frozen=True)
class History:
    """What a transaction model knows of customers; arrays of shape (n,), times in the model's unit.

    Attributes
    ----------
    x : ndarray
        Repeat purchases, whole numbers.
    t_x : ndarray
        Age at the last purchase.
    T : ndarray
        Age at the end of observation.
    weight : ndarray
        How many customers the row stands for.
    pace : ndarray, optional
        What covariates multiply the purchase rate by.
    leaving : ndarray, optional
        What covariates multiply the dropout by.
    gaps : ndarray, optional
        Sum of the logarithms of the gaps between purchases.
    """

    x: Array
    t_x: Array
    T: Array
    weight: Array
    pace: Array | None = None
    leaving: Array | None = None
    gaps: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Any) -> History:
        """Return some of the rows."""
        extra = (None if column is None else column[rows] for column in (self.pace, self.leaving, self.gaps))
        return History(self.x[rows], self.t_x[rows], self.T[rows], self.weight[rows], *extra)

    def condensed(self) -> History:
        """Return the same customers, those of one purchase and one age in one row: half of a base in few rows.

        Repeat buyers come first.
        """
        bought = self.x > 0
        repeat, once = self[np.flatnonzero(bought)], np.flatnonzero(~bought)
        age, customers = by_distinct(self.T[once], self.weight[once])
        nothing = np.zeros(len(age))
        return History(
            np.concatenate([repeat.x, nothing]),
            np.concatenate([repeat.t_x, nothing]),
            np.concatenate([repeat.T, age]),
            np.concatenate([repeat.weight, customers]),
        )

    def by_age(self) -> tuple[History, npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
        """Return each pair of x and T once, as of customers never silent, its key, and each row's key.

        Keys are whole numbers below the number of rows. None where there are hardly fewer pairs than rows, or
        covariates set rows apart.
        """
        if self.pace is not None or self.leaving is not None:
            return None
        code, least, ages = _coded(self.T)
        cells = int(self.x.max() + 1) * len(ages)
        if cells > len(self):
            return None
        key, there = np.empty(len(self), dtype=np.int64), np.zeros(cells, dtype=bool)
        for rows in blocks(len(self)):
            place = self.x[rows] * len(ages)
            place += code[rows]
            place -= least
            key[rows] = place
            there[key[rows]] = True
        pairs = np.flatnonzero(there)
        T = ages[pairs % len(ages)]
        return History((pairs // len(ages)).astype(np.float64), T, T, np.ones(len(T))), pairs, key

    def distinct(self) -> tuple[History, npt.NDArray[np.intp]]:
        """Return each history once, with its customers, and each row's place; covariates keep rows apart."""
        if self.pace is not None or self.leaving is not None:
            return self, np.arange(len(self))
        order = np.lexsort((self.x, self.t_x, self.T))
        columns = np.stack([self.x, self.t_x, self.T])[:, order]
        new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(axis=0))[: len(order)]
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.cumsum(new) - 1
        once = self[order[new]]
        return replace(once, weight=weighted_count(place, self.weight, len(once))), place

    @property
    def usual_gap(self) -> float:
        """Time a repeat purchase, over all customers."""
        time, bought = (np.einsum("i,i", self.weight, column) for column in (self.T, self.x))  # BLAS would wake threads
        return float(time / bought)

    @property
    def customers(self) -> float:
        """How many customers there are."""
        return float(self.weight.sum())


def read_history(frame: pd.DataFrame, weight: Array | None = None) -> History:
    """Check and take the columns frequency, recency and T.

    Raises
    ------
    DataError
        For an absent column, text, missing, infinite or negative values, a frequency that is no whole
        number, a recency beyond T, recency and frequency that contradict each other, and frames that
        count the first purchase.
    """
    _frame(frame)
    if frame.attrs.get("include_first"):
        raise DataError(
            "this frame counts the first purchase in its frequency",
            column="frequency",
            fix="transaction models take rfm_summary(..., include_first=False)",
        )
    x, t_x, T = frequency(frame), column(frame, "recency"), column(frame, "T")
    if any((t_x[rows] > T[rows]).any() or ((x[rows] > 0) != (t_x[rows] > 0)).any() for rows in blocks(len(x), _CACHED)):
        _refuse(
            t_x > T, frame, "recency", "the last purchase lies after the end of observation T",
            "both are measured from the first purchase; recency is the age at the last purchase, not the time since",
        )  # fmt: skip
        repeats, later = x > 0, t_x > 0
        _refuse(later & ~repeats, frame, "recency", "a customer without a repeat purchase has recency 0", _MAKE_SUMMARY)
        _refuse(
            repeats & ~later, frame, "recency", "a repeat purchase at age 0",
            "frequency leaves out the first purchase and merges those of one day; " + _MAKE_SUMMARY,
        )  # fmt: skip
    return History(x, t_x, T, np.broadcast_to(1.0, len(x)) if weight is None else weight)


def read_opportunities(frame: pd.DataFrame, weight: Array | None = None) -> History:
    """Check and take frequency, recency and T that are counted in opportunities.

    Raises
    ------
    DataError
        As `read_history`; for a recency or T that is no whole number, and more purchases than opportunities.
    """
    history = read_history(frame, weight)
    make = "count them with patron.opportunities"
    for name, values in (("recency", history.t_x), ("T", history.T)):
        _refuse(values != np.floor(values), frame, name, "a number of opportunities is whole", make)
    _refuse(history.x > history.t_x, frame, "frequency", "more purchases than opportunities up to the last", make)
    _refuse(history.T > MOST_OPPORTUNITIES, frame, "T", f"more than {MOST_OPPORTUNITIES:,} opportunities", make)
    return history


def frequency(frame: pd.DataFrame) -> Array:
    """Check and take the column frequency."""
    x = column(frame, "frequency")
    if not pd.api.types.is_integer_dtype(frame["frequency"].dtype):
        _refuse(x != np.floor(x), frame, "frequency", "a number of purchases is whole", _MAKE_SUMMARY)
    _refuse(x > _MOST, frame, "frequency", f"more than {_MOST:,} purchases of one customer", "look for a wrong column")
    return x


def column(frame: pd.DataFrame, name: str, *, negative: bool = False) -> Array:
    """Check and take a column of finite numbers, not below 0 unless `negative`."""
    _frame(frame)
    if name not in frame.columns:
        raise DataError("the frame has no such column", column=name, fix=f"{_MAKE_SUMMARY}, or rename yours")
    found = frame[name]
    if not pd.api.types.is_numeric_dtype(found.dtype):
        raise DataError(
            "not a column of numbers",
            column=name,
            count=len(found),
            example=found.iloc[0] if len(found) else str(found.dtype),
            fix="convert it, for example with pandas.to_numeric",
        )
    values: Array = found.to_numpy(dtype=np.float64, na_value=np.nan)
    least, most, tiny = _ends(values, tiny=not pd.api.types.is_integer_dtype(found.dtype))
    if not (np.isfinite(least) and np.isfinite(most)):
        _refuse(np.isnan(values), frame, name, "missing values", "leave these rows out, or find out why they are empty")
        _refuse(np.isinf(values), frame, name, "infinite values", "leave these rows out, or find out where they arose")
    if tiny or max(-least, most) > _LARGEST:
        unlikely = (np.abs(values) > _LARGEST) | _tiny(values)
        _refuse(unlikely, frame, name, f"values beyond {_LARGEST:.0e} or within {1 / _LARGEST:.0e} of 0", _MAKE_SUMMARY)
    if least < 0 and not negative:
        _refuse(values < 0, frame, name, "negative values", _MAKE_SUMMARY)
    return values


def read_weights(frame: pd.DataFrame, weights: Any) -> Array | None:
    """Take how many customers each row stands for: an array, a column's name, or the column `weight` if any."""
    _frame(frame)
    if weights is None:
        if "weight" not in frame.columns:
            return None
        weights = "weight"
    if isinstance(weights, str):
        return column(frame, weights)
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (len(frame),) or not np.isfinite(values).all() or (values < 0).any():
        raise DataError(
            "weights are one finite number, 0 or more, for each row",
            example=f"shape {values.shape} for {len(frame):,} rows",
            fix="pass an array as long as the frame, or the name of a column",
        )
    return values


def fitting_unit(frame: pd.DataFrame, unit: str | None) -> str:
    """Settle in which unit a frame to fit on is measured: the argument, the frame's own, or days, with a warning."""
    own = frame.attrs.get("unit")
    if unit is not None and own is not None and unit != own:
        raise UnitError(
            f"the frame is measured in {units(own)}, not in {units(unit)}", fix="leave unit out, or make the frame anew"
        )
    settled = unit or own
    if settled is None:
        warnings.warn(
            "the frame does not say its time unit (pandas loses attrs in merges); taken as measured in days. "
            "Pass unit= to fit.",
            UnitAssumedWarning,
            stacklevel=3,
        )
        settled = "day"
    check_unit(settled)
    return str(settled)


def check_prediction_unit(frame: pd.DataFrame, unit: str) -> None:
    """Refuse a frame measured in another unit than the model; warn if the frame does not say."""
    _frame(frame)
    own = frame.attrs.get("unit")
    if own is None:
        warnings.warn(
            f"the frame does not say its time unit (pandas loses attrs in merges); taken as measured in {units(unit)}, "
            f'as the model. Set frame.attrs["unit"].',
            UnitAssumedWarning,
            stacklevel=4,
        )
    elif own != unit:
        raise UnitError(
            f"the model was fitted in {units(unit)}, the frame is measured in {units(own)}",
            fix=f'make the frame with unit="{unit}"',
        )


def read_horizon(horizon: Any, unit: str, frame: pd.DataFrame, as_of: Day | None) -> tuple[Array, Array]:
    """Turn a horizon into the start and end of a stretch ahead, in `unit`; each of shape () or (n,).

    Parameters
    ----------
    horizon : float, str, Horizon or pair of these
        A length in `unit`, a text like '90 days' or '12 months', or (from, to).
    unit : str
        The model's unit.
    frame : DataFrame
        Says from which day months and years run, when `as_of` does not: its index level `as_of`, then its attrs.
    as_of : day, optional
        The day that months and years run from.
    """
    if isinstance(horizon, tuple | list):
        if len(horizon) != 2:
            raise DataError("a stretch of time is a pair (from, to)", example=horizon, fix="give two ends")
        start, end = (_length(part, unit, frame, as_of) for part in horizon)
        if (start >= end).any():
            raise DataError("a stretch of time ends after it starts", example=horizon, fix="swap the ends")
        return start, end
    return np.zeros(()), _length(horizon, unit, frame, as_of)


def read_opportunities_ahead(horizon: Any, unit: str, frame: pd.DataFrame) -> tuple[Array, Array]:
    """Turn a horizon into the opportunities that it starts after and ends with, whole numbers; each of shape ().

    Parameters
    ----------
    horizon : int, str, Horizon or pair of these
        How many opportunities, or a text that is a whole number of them; or (from, to).
    unit : str
        The model's unit: from one opportunity to the next.
    frame : DataFrame
        The frame to predict for.
    """
    if isinstance(horizon, tuple | list):
        return read_horizon(tuple(_opportunities(part, unit) for part in horizon), unit, frame, None)
    return read_horizon(_opportunities(horizon, unit), unit, frame, None)


def _opportunities(horizon: Any, unit: str) -> Any:
    """Count the opportunities of a length; what is no length is passed on."""
    number = horizon
    if isinstance(horizon, str | Horizon):
        ahead, step = Horizon.parse(horizon), Horizon.parse(f"1 {unit}" if unit in UNIT_DAYS else unit)
        factor = {"day": 1, "week": 7, "month": 1, "year": 12}
        number = ahead.count * factor[ahead.unit] / (step.count * factor[step.unit])
        if ahead.fixed != step.fixed:
            number = 0.5
    if not isinstance(number, int | float | np.number) or not np.isfinite(number):
        return number
    if number != np.floor(number):
        raise DataError(
            f"a horizon is a whole number of opportunities, which come in {units(unit)}",
            example=horizon if isinstance(horizon, str) else str(horizon),
            fix=f"give a whole number of {units(unit)}",
        )
    if number > MOST_OPPORTUNITIES:
        raise DataError(f"more than {MOST_OPPORTUNITIES:,} opportunities ahead", example=number, fix="shorten it")
    return number


def _length(horizon: Any, unit: str, frame: pd.DataFrame, as_of: Day | None) -> Array:
    if isinstance(horizon, int | float | np.number) and not isinstance(horizon, bool):
        if not 0 <= horizon < np.inf:
            raise DataError(
                "a horizon is a finite number, 0 or more", example=horizon, fix=f"give a number of {units(unit)} ahead"
            )
        return np.asarray(float(horizon))
    parsed = Horizon.parse(horizon)
    if parsed.fixed:
        return np.asarray(parsed.days() / unit_days(unit))
    if as_of is None and "as_of" in frame.index.names:
        days, row = np.unique(frame.index.get_level_values("as_of"), return_inverse=True)
        lengths = np.array([parsed.days(day_number(day)) for day in days], dtype=np.float64) / unit_days(unit)
        return lengths[0] if len(days) == 1 else lengths[row]
    start = as_of if as_of is not None else frame.attrs.get("as_of")
    return np.asarray(parsed.days(None if start is None else day_number(start)) / unit_days(unit))


def by_distinct(age: Array, *columns: Array) -> tuple[Array, ...]:
    """Return each age once, and the columns summed over its rows: what is linear in these takes hundreds of rows."""
    code, least, ages = _coded(age)
    place = (code - least).astype(np.int64)
    there = np.flatnonzero(np.bincount(place, minlength=len(ages)))
    return ages[there], *(weighted_count(place, values, len(ages))[there] for values in columns)


def _coded(age: Array) -> tuple[Array, float, Array]:
    """Return code, least and ages with ages[code - least] = age: whole ages in a short range are their own codes."""
    least, most, _ = _ends(age)
    if most - least < len(age) and all((np.floor(age[rows]) == age[rows]).all() for rows in blocks(len(age), _CACHED)):
        return age, least, np.arange(least, most + 1)
    code, ages = pd.factorize(age)
    return code.astype(np.float64), 0.0, ages


def _ends(values: Array, *, tiny: bool = False) -> tuple[float, float, bool]:
    """Return the least and the greatest, NaN where there is one, and, if asked, whether any is tiny."""
    ends, found = [], False
    for rows in blocks(len(values), _CACHED):
        some = values[rows]
        ends.append((some.min(), some.max()))
        found = found or (tiny and ends[-1][0] < 1 / _LARGEST and bool(_tiny(some).any()))
    least, most = np.array(ends or [(0.0, 0.0)]).T
    return least.min(), most.max(), found


def _tiny(values: Array) -> npt.NDArray[np.bool_]:
    return (values > 0) & (values < 1 / _LARGEST)


def _frame(frame: Any) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise DataError("a model takes a pandas frame", example=type(frame).__name__, fix=_MAKE_SUMMARY)


def _refuse(wrong: npt.NDArray[np.bool_], frame: pd.DataFrame, name: str, message: str, fix: str) -> None:
    if wrong.any():
        example = frame[name].iloc[int(np.argmax(wrong))]
        plain = example.item() if isinstance(example, np.generic) else example
        raise DataError(message, column=name, count=int(wrong.sum()), example=plain, fix=fix)
