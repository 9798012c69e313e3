"""Days, units and horizons: time inside Patron is an integer day number, the count of days since 1970-01-01."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError, DataError

Unit = Literal["day", "week", "month", "year"]
Grain = Literal["day", "week", "month"]
Day = str | dt.date | dt.datetime | pd.Timestamp | np.datetime64
"""What a caller may give for a calendar day: ISO text, a date, a midnight stamp."""

DAYS_PER_YEAR: Final = 365.25
_EPOCH: Final = dt.date(1970, 1, 1)
UNIT_DAYS: Final[dict[str, float]] = {"day": 1.0, "week": 7.0, "month": DAYS_PER_YEAR / 12, "year": DAYS_PER_YEAR}
_LONGEST: Final = 100 * DAYS_PER_YEAR
_HORIZON: Final = re.compile(r"\s*(\d+)\s*(day|week|month|year)s?\s*")


def day_number(day: Day, *, name: str = "as_of") -> int:
    """Days from 1970-01-01 to `day`; a stamp with a time of day is refused, because an as-of day is a whole day.

    Examples
    --------
    >>> day_number("1997-09-30")
    10134
    """
    try:
        stamp = pd.Timestamp(day)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{name} is not a calendar day", example=str(day), fix="write it as YYYY-MM-DD") from error
    if pd.isna(stamp):
        raise DataError(f"{name} is missing", fix="write it as YYYY-MM-DD")
    if stamp != stamp.normalize() or stamp.tzinfo is not None:
        raise DataError(
            f"{name} must be a calendar day in the log's time zone, without a time of day or a zone",
            example=str(day),
            fix="the whole of the day is observed: write it as YYYY-MM-DD",
        )
    return (stamp.date() - _EPOCH).days


def day_numbers(days: Day | Iterable[Day], *, name: str = "as_of") -> list[int]:
    """Day numbers of one day or several, sorted and each once."""
    listed = [days] if isinstance(days, Day) else list(days)
    if not listed:
        raise DataError(f"{name} is an empty list", fix="give at least one day")
    return sorted({day_number(day, name=name) for day in listed})


def date_of(number: int) -> dt.date:
    """Return the calendar day of a day number.

    Examples
    --------
    >>> date_of(10134).isoformat()
    '1997-09-30'
    """
    return _EPOCH + dt.timedelta(days=int(number))


def as_stamps(numbers: Any) -> pd.DatetimeIndex:
    """Turn an array of day numbers into pandas stamps."""
    return pd.DatetimeIndex(np.asarray(numbers, dtype="int64").astype("datetime64[D]").astype("datetime64[us]"))


def discount_per_day(annual_rate: float) -> float:
    """Turn an annual effective rate into the continuous rate a day: ln(1 + rate) / 365.25."""
    if not np.isfinite(annual_rate) or annual_rate < 0:
        raise DataError(
            "discount_rate is an annual effective rate of 0 or more",
            example=annual_rate,
            fix="0.10 is ten per cent a year",
        )
    return float(np.log1p(annual_rate)) / DAYS_PER_YEAR


@dataclass(frozen=True)
class Horizon:
    """A stretch of time ahead of an as-of day.

    Days and weeks are fixed lengths; months and years run to the calendar date, so their length in
    days depends on the as-of day.

    Attributes
    ----------
    count : int
        How many.
    unit : {'day', 'week', 'month', 'year'}
        Of what.

    Examples
    --------
    >>> Horizon.parse("13 weeks").days()
    91
    >>> Horizon.parse("12 months").days(day_number("1998-06-30"))
    365
    """

    count: int
    unit: Unit

    @classmethod
    def parse(cls, text: object) -> Horizon:
        """Read '90 days', '13 weeks', '12 months', '1 year'; a ConfigError for anything else."""
        if isinstance(text, Horizon):
            return text
        match = _HORIZON.fullmatch(text) if isinstance(text, str) else None
        if match is None or not match[1].strip("0"):
            raise ConfigError(
                f"not a horizon: {text!r}", fix="write a number and a unit, like '90 days', '13 weeks' or '12 months'"
            )
        count, longest = match[1].lstrip("0"), int(_LONGEST / UNIT_DAYS[match[2]])
        if len(count) > len(str(longest)) or int(count) > longest:
            raise ConfigError(f"beyond any customer's life: {str(text)[:40]!r}", fix=f"at most {longest:,} {match[2]}s")
        return cls(int(count), match[2])  # type: ignore[arg-type]  # the pattern admits only units

    @property
    def fixed(self) -> bool:
        """True for days and weeks: the same length whatever the as-of day."""
        return self.unit in ("day", "week")

    def days(self, as_of: int | None = None) -> int:
        """Length in days; months and years need the day number they start from."""
        if self.unit == "day":
            return self.count
        if self.unit == "week":
            return 7 * self.count
        if as_of is None:
            raise DataError(
                f"'{self}' runs to a calendar date, so it needs to know the day it starts from",
                fix="pass as_of=, or a horizon in days or weeks",
            )
        months = self.count * (12 if self.unit == "year" else 1)
        end = pd.Timestamp(date_of(as_of)) + pd.DateOffset(months=months)
        return (end.date() - date_of(as_of)).days

    def fixed_days(self, name: str) -> int:
        """Length in days of a fixed horizon; labels and backtests take no other."""
        if not self.fixed:
            raise ConfigError(
                f"{name} must be a fixed length, not '{self}'",
                fix="write it in days or weeks: labels at different days must be comparable",
            )
        return self.days()

    def __str__(self) -> str:
        """Return '12 months'."""
        return f"{self.count} {self.unit}{'s' if self.count != 1 else ''}"


def unit_days(unit: str) -> float:
    """Length in days of what a model measures time in: a unit, or a fixed length that occasions are apart.

    Examples
    --------
    >>> unit_days("week"), unit_days("28 days")
    (7.0, 28.0)
    """
    if unit in UNIT_DAYS:
        return UNIT_DAYS[unit]
    match = _HORIZON.fullmatch(str(unit))
    if match is None or match[2] not in ("day", "week"):
        raise DataError(f"unknown unit {unit!r}", fix=f"one of {', '.join(UNIT_DAYS)}, or a length like '28 days'")
    return float(Horizon.parse(unit).days())


def units(unit: str) -> str:
    """Return the plural: weeks, or periods of 28 days."""
    return f"{unit}s" if unit in UNIT_DAYS else f"periods of {unit}"


def check_unit(unit: str, grain: str | None = None) -> None:
    """Refuse a unit or grain that Patron does not know, and a grain that the unit cannot measure.

    Without a grain it is a model's unit, which may also be a fixed length like '28 days'.
    """
    if grain is None:
        unit_days(unit)
    elif unit not in UNIT_DAYS:
        raise DataError(f"unknown unit {unit!r}", fix=f"one of {', '.join(UNIT_DAYS)}")
    if grain is not None and grain not in ("day", "week", "month"):
        raise DataError(f"unknown grain {grain!r}", fix="one of day, week, month")
    if grain == "month" and unit != "month":
        raise DataError(
            "purchases merged by month are measured in months", example=unit, fix="unit='month', or a finer grain"
        )
