"""Customers by cohort, by channel of their first purchase, or by what a Series says of them; the frames by period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from patron._core.errors import ConfigError, DataError
from patron.data.log import TransactionLog
from patron.features.purchases import Purchases
from patron.kpis.periods import Periods, beside

By = Literal["cohort", "channel"] | pd.Series | None
UNKNOWN: Final = "(unknown)"
_NOBODY: Final = -1
_KEY: Final = "group_code"


@dataclass(frozen=True)
class Groups:
    """Who belongs where: an integer a customer in the engine, its text outside.

    Attributes
    ----------
    name : str or None
        Of the index level; None if all customers are one group.
    table : Table or None
        customer_id and group_code, of the customers who belong somewhere.
    texts : Mapping or None
        The text of each code; None where the code is a month.
    """

    name: str | None = None
    table: Table | None = None
    texts: Mapping[int, str] | None = None

    @property
    def keys(self) -> list[str]:
        """Columns to group by besides others: group_code, or none."""
        return [] if self.table is None else [_KEY]

    def onto(self, table: Table) -> Table:
        """Add the column group_code to rows that have a customer_id."""
        if self.table is None:
            return table
        joined = table.left_join(self.table, "customer_id")
        return joined.select(*table.columns, **{_KEY: joined[_KEY].fill_null(_NOBODY)})

    def text(self, code: int) -> str:
        """Return what a code says."""
        if code == _NOBODY:
            return UNKNOWN
        return month_text(code) if self.texts is None else self.texts[code]

    def texts_of(self, frame: pd.DataFrame) -> pd.Index:
        """Return what the column group_code of a frame says, row by row; 'all' without groups."""
        told = [self.text(int(code)) for code in frame[_KEY]] if self.keys else ["all"] * len(frame)
        return pd.Index(told, name=self.name, dtype="str")


def grouped(log: TransactionLog, bought: Purchases, by: By) -> Groups:
    """Sort customers into groups.

    Parameters
    ----------
    log : TransactionLog
        The log.
    bought : Purchases
        What its customers have bought by the end of the last day observed.
    by : {'cohort', 'channel'}, Series indexed by customer_id, or None
        The month of the first purchase; its channel, of several on that day the first in the alphabet; a text for each
        customer, the level is named after the Series. Who is in none is '(unknown)'.

    Raises
    ------
    DataError
        'channel' of a log without one; a Series in which a customer occurs twice.
    ConfigError
        Anything else.
    """
    if by is None:
        return Groups()
    if isinstance(by, pd.Series):
        return _of_series(log, by)
    if by not in ("cohort", "channel"):
        raise ConfigError(
            f"by is {by!r}", fix="'cohort', 'channel', a Series indexed by customer_id, or None for all customers"
        )
    first = bought.days.group_by("customer_id").agg(day=log.observed_until - bought.days.ago.max())
    if by == "cohort":
        months = Periods("month", log.first_day, log.observed_until)
        return Groups(by, months.onto(first, first.day, _KEY).drop("day"))
    if "channel" not in log.optional:
        raise DataError("this log has no column channel", fix="name it in read_transactions(..., channel=...)")
    lines = log.table.filter(log.table.amount >= 0).drop_null("channel")
    names = sorted(lines.select("channel").distinct().to_pyarrow()["channel"].to_pylist())
    codes = pa.table({"channel": pa.array(names, pa.string()), _KEY: pa.array(range(len(names)), pa.int64())})
    told = lines.semi_join(first, ["customer_id", "day"]).inner_join(beside(log.table, codes), "channel")
    return Groups(by, told.group_by("customer_id").agg(**{_KEY: told[_KEY].min()}), dict(enumerate(names)))


def _of_series(log: TransactionLog, by: pd.Series) -> Groups:
    if by.index.has_duplicates:
        twice = by.index[by.index.duplicated()]
        raise DataError(
            "a customer occurs twice in by", column=str(by.name), count=len(twice), example=twice[0],
            fix="give each customer one group",
        )  # fmt: skip
    known = by.dropna().astype(str)
    codes, texts = pd.factorize(known, sort=True)
    table = pa.table({"customer_id": pa.array(known.index.astype(str), pa.string()), _KEY: pa.array(codes, pa.int64())})
    return Groups("group" if by.name is None else str(by.name), beside(log.table, table), dict(enumerate(texts)))


def month_text(month: int) -> str:
    """Return 'YYYY-MM' of a month's number.

    Examples
    --------
    >>> month_text(12 * 1997 + 8)
    '1997-09'
    """
    return f"{month // 12:04}-{month % 12 + 1:02}"


def every_period(counts: pd.DataFrame, periods: Periods, groups: Groups) -> pd.DataFrame:
    """Sum integers by period and group, every period from a group's first row to the last one reported, 0 where none.

    Parameters
    ----------
    counts : DataFrame
        period (numbers), group_code if there are groups, and integers.
    periods : Periods
        What is reported; rows outside are left out.
    groups : Groups
        What group_code says.

    Returns
    -------
    DataFrame
        int64, indexed by period (stamps) or by period and the group's text, sorted.
    """
    keys = [*groups.keys, "period"]
    rows = counts[counts["period"].between(periods.first, periods.last)].astype("int64")
    sums = rows.groupby(keys).sum()
    if not groups.keys:
        whole = pd.RangeIndex(periods.first, periods.last + 1, name="period")
        frame = sums.reindex(whole, fill_value=0)
        frame.index = pd.DatetimeIndex(periods.stamps(whole), name="period")
        return frame
    begun = rows.groupby(_KEY)["period"].min()
    pairs = [(code, period) for code, first in begun.items() for period in range(first, periods.last + 1)]
    frame = sums.reindex(pd.MultiIndex.from_tuples(pairs, names=keys), fill_value=0)
    told = {code: groups.text(int(code)) for code in begun.index}
    codes, numbers = (frame.index.get_level_values(name) for name in keys)
    frame.index = pd.MultiIndex.from_arrays([periods.stamps(numbers), codes.map(told)], names=["period", groups.name])
    return frame.sort_index()


def over(top: pd.Series, bottom: pd.Series) -> pd.Series:
    """Divide integers as floats; missing where the bottom is 0."""
    return top / bottom.astype("float64").where(bottom != 0)
