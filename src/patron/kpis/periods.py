"""Calendar periods: weeks, months, quarters and years by number, and which of them a log has wholly observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis.expr.types import Column, Table

from patron._core.calendar import as_stamps, date_of
from patron._core.errors import ConfigError, DataError
from patron.data.databases import spark_table
from patron.data.log import TransactionLog

Every = Literal["week", "month", "quarter", "year"]
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_MONDAY: Final = 4  # 1970-01-05
_YEAR_0: Final = 1970 * 12


def number(days: Any, every: Every) -> npt.NDArray[np.int64]:
    """Return the number of the period that holds each day: one more each period; of months it is 12 x year + month - 1.

    Examples
    --------
    >>> from patron._core.calendar import day_number
    >>> number(day_number("1997-09-30"), "quarter") - number(day_number("1996-12-31"), "quarter")
    np.int64(3)
    """
    each = np.asarray(days, dtype=np.int64)
    if every == "week":
        return (each - _MONDAY) // 7
    months = each.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + _YEAR_0
    return months // _MONTHS[every]


def first_day(numbers: Any, every: Every) -> npt.NDArray[np.int64]:
    """Return the day number on which each period begins.

    Examples
    --------
    >>> from patron._core.calendar import date_of
    >>> date_of(first_day(1997 * 4 + 2, "quarter")).isoformat()
    '1997-07-01'
    """
    each = np.asarray(numbers, dtype=np.int64)
    if every == "week":
        return each * 7 + _MONDAY
    months = (each * _MONTHS[every] - _YEAR_0).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True)
class Periods:
    """The calendar of a log: the number of every day's period, and the periods that are reported.

    Attributes
    ----------
    every : {'week', 'month', 'quarter', 'year'}
        How long a period is.
    begin, until : int
        Day numbers: the first, and the last one observed.
    """

    every: Every
    begin: int
    until: int

    @property
    def first(self) -> int:
        """Number of the period in which everything begins."""
        return int(number(self.begin, self.every))

    @property
    def last(self) -> int:
        """Number of the last period that has run out."""
        return int(number(self.until + 1, self.every)) - 1

    def __len__(self) -> int:
        return self.last - self.first + 1

    def stamps(self, numbers: Any) -> pd.DatetimeIndex:
        """Label periods by their first day."""
        return as_stamps(first_day(numbers, self.every))

    def onto(self, table: Table, day: Column, name: str = "period") -> Table:
        """Add the number of the period that holds `day`; days after the one that follows `until` count as that one.

        The numbers are looked up in a table of days: the arithmetic of months costs an engine more than the join, and
        no two engines divide alike.
        """
        days = np.arange(self.begin, self.until + 2)
        calendar = beside(table, pa.table({"calendar_day": days, name: number(days, self.every)}))
        dated = table.mutate(calendar_day=ibis.least(day.cast("int64"), self.until + 1))
        return dated.inner_join(calendar, "calendar_day").drop("calendar_day")


def beside(table: Table, rows: pa.Table) -> Table:
    """Bring a small table to the engine that holds `table`."""
    engine = table.get_backend()
    if engine.name == "pyspark":
        return spark_table(engine._session.createDataFrame(rows))  # noqa: SLF001  # Ibis has no other way
    return ibis.memtable(rows)


def observed(log: TransactionLog, every: Every, begin: int | None = None) -> Periods:
    """Return the calendar from the day number `begin`, or the log's first row, to the last day observed.

    Raises
    ------
    ConfigError
        `every` is no period.
    DataError
        Not one period has run out by the last day observed.

    Examples
    --------
    >>> import patron.datasets
    >>> periods = observed(patron.datasets.load_cdnow_sample(), "quarter")
    >>> periods.stamps([periods.first, periods.last])
    DatetimeIndex(['1997-01-01', '1998-04-01'], dtype='datetime64[us]', freq=None)
    """
    if every not in get_args(Every):
        raise ConfigError(f"unknown period {every!r}", fix=f"one of {', '.join(get_args(Every))}")
    periods = Periods(every, log.first_day if begin is None else begin, log.observed_until)
    if periods.last < periods.first:
        shorter = "" if every == "week" else "a shorter period with every=, or "
        raise DataError(
            f"no {every} was wholly observed between {date_of(periods.begin)} and {date_of(periods.until)}",
            fix=f"{shorter}read the log with observed_until= if it was observed for longer",
        )
    return periods
