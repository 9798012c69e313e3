"""One currency out of those that the rows are in, by dated rates, exact to the minor unit on every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron._core.money import LARGEST, minor_units
from patron._core.notation import Notation
from patron.data import columns, stamps
from patron.data.columns import Column
from patron.data.engines import beside, connect, count, stage
from patron.data.entry import enter
from patron.data.finding import Finding
from patron.data.sources import engine_errors, open_source

_PART: Final = 10**6
_PARTS: Final = ("units of the rate", "millionths of the rate", "millionths of these")
_CODE, _DAY = "the currency of the row", "the day of the row"
_OLD: Final = 31
_DATED: Final = "by rates= a table of currency, day and rate"


def read_rates(
    source: Any,
    *,
    table: str | None = None,
    currency: str = "currency",
    day: str = "day",
    rate: str = "rate",
    decimal: Literal[".", ","] = ".",
    time_format: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Read what one unit of each currency is worth in the currency of the log.

    Parameters
    ----------
    source : frame, path, glob, URL or ibis.Table
        One row a currency and day.
    table : str, optional
        The table at the URL.
    currency, day, rate : str
        Columns: ISO 4217; the first day on which the rate holds; above zero and below a million.
    decimal, time_format, encoding : str, optional
        How the source writes numbers, days and files; see :func:`patron.read_transactions`.

    Returns
    -------
    pandas.DataFrame
        Columns currency, day (dates) and rate (float64).

    Raises
    ------
    DataError
        Absent columns, missing or unreadable values, two rates of a currency and day, no positive rate.
    """
    written = Notation(decimal, time_format, encoding)
    opened = open_source(source, connect(threads=1), table, written.encoding)
    names = (currency, day, rate)
    opened.require(names, " of rates")
    with engine_errors(opened.name):
        raw = stamps.with_walls(opened.take(names), [day], "UTC", None, opened.engine, written)
        taken = {
            "currency": columns.identifier(raw[currency]),
            "day": stamps.day(raw, day, "UTC", None, written)[0],
            "rate": columns.number(raw[rate], written.decimal),
        }
        rows: pd.DataFrame = enter(raw, taken, opened.engine)[0].to_pyarrow().to_pandas()
    rows["currency"] = rows["currency"].str.strip().str.upper()
    rows["day"] = rows["day"].map(date_of)
    odd = ~rows["rate"].between(0, _PART, inclusive="neither")
    _refuse(rows[odd], rate, "is missing, not above zero, or a million and more")
    _refuse(rows[rows.duplicated(["currency", "day"])], day, "has two rates of one currency")
    return rows


def _refuse(rows: pd.DataFrame, column: str, message: str) -> None:
    if len(rows):
        example = " ".join(map(str, rows.iloc[0]))
        raise DataError(message, column=column, count=len(rows), example=example, fix="correct or remove these rows")


@dataclass(frozen=True)
class Exchange:
    """What the money of a log becomes.

    Attributes
    ----------
    code : str
        The currency, ISO 4217.
    unit : int
        How many of the units that amounts are read in make one: the finest minor unit of the currencies that occur.
    found : tuple of Finding
        What was converted; nothing where all is in one currency.
    """

    code: str
    unit: int
    found: tuple[Finding, ...] = ()


def exchanged(
    raw: ir.Table, column: str | None, asked: str | None, rates: Any, day: ir.Value, engine: Any
) -> tuple[ir.Table, Exchange]:
    """Find the currency of a log; where rows are in others, join what theirs was worth on their `day`.

    The last rate on or before the day holds. One row a currency and day leaves the engine, and comes back with its
    rate.

    Raises
    ------
    DataError
        Several currencies and no rates, another than the one asked for, a row before the first rate of its currency.
    """
    counts = _counted(raw, column) if column else {}
    code = _code(counts, column, asked, rates)
    unit = max(minor_units(name) for name in {*counts, code})
    if column is None or not set(counts) - {code}:
        return raw, Exchange(code, unit)
    raw = raw.mutate(**{_CODE: raw[column].cast("string").strip().upper(), _DAY: day})
    dated = raw.filter(raw[_DAY] >= columns.FIRST_DAY)
    met = dated.group_by(code=_CODE, on=_DAY).aggregate(n=dated.count()).to_pyarrow().to_pandas()
    found = _rated(met, read_rates(rates), code)
    _refuse_unrated(found[found["rate"].isna()], column)
    split = [_split(rate, unit, code) for rate in found["rate"]]
    joined = pa.table(
        {
            _CODE: pa.array(found["code"], pa.string()),
            _DAY: pa.array(found["on"], pa.int32()),
            **{name: pa.array([parts[i] for parts in split], pa.int64()) for i, name in enumerate(_PARTS)},
        }
    )
    foreign = found[found["code"] != code].groupby("code")
    told = tuple(_finding(str(name), some, code) for name, some in foreign)
    raw, rated = beside(raw, joined, engine)
    return stage(raw.left_join(rated, [_CODE, _DAY]), engine), Exchange(code, unit, told)


def _counted(raw: ir.Table, column: str) -> dict[str, int]:
    """Count the rows in each currency; a DataError where a row tells none."""
    code = raw[column].cast("string").strip().upper().fill_null("")
    found = raw.group_by(code=code).aggregate(n=raw.count()).order_by("code").to_pyarrow().to_pylist()
    counts = {row["code"]: row["n"] for row in found}
    if "" in counts:
        raise DataError("is missing", column=column, count=counts[""], fix="fill it in")
    for name, rows in counts.items():
        try:
            minor_units(name)
        except DataError as error:
            raise DataError(error.message, column=column, count=rows, example=name, fix=error.fix) from None
    return counts


def _code(counts: Mapping[str, int], column: str | None, asked: str | None, rates: Any) -> str:
    """Return the currency of the log: the one asked for, to which dated rates convert, else that of every row."""
    if rates is not None and column is None:
        raise DataError("rates are given, but no column tells the currencies", fix="name it with currency_column=")
    if rates is not None and asked is not None:
        return asked
    if len(counts) > 1:
        rarest = min(counts, key=lambda c: counts[c])
        raise DataError(
            f"holds {len(counts)} currencies: {', '.join(counts)}",
            column=column,
            count=counts[rarest],
            example=rarest,
            fix=f"convert them to the one that currency= names, {_DATED}; or read one of them alone, by keep=",
        )
    found = next(iter(counts), asked or "USD")
    if asked is not None and asked != found:
        raise DataError(
            f"says {found}, but the log was to be read in {asked}",
            column=column,
            count=counts[found],
            fix=f"currency={found!r}, or convert the amounts, {_DATED}",
        )
    return found


def _rated(met: pd.DataFrame, rates: pd.DataFrame, code: str) -> pd.DataFrame:
    """Find the rate of each currency and day that occurs."""
    own = pd.DataFrame({"currency": [code], "day": [columns.FIRST_DAY], "rate": [1.0]})
    book = rates[rates["currency"] != code].assign(day=lambda frame: frame["day"].map(day_number))
    known = pd.concat([own, book]).astype({"day": "int64"}).sort_values("day")
    met = met.astype({"on": "int64"}).sort_values("on")
    return pd.merge_asof(met, known, left_on="on", right_on="day", left_by="code", right_by="currency")


def _refuse_unrated(days: pd.DataFrame, column: str) -> None:
    if len(days):
        first = days.iloc[0]
        raise DataError(
            f"has no rate of {first['code']} on or before {date_of(first['on'])}",
            column=column,
            count=int(days["n"].sum()),
            example=first["code"],
            fix="add to rates what it was worth on that day or before",
        )


def _split(rate: float, unit: int, code: str) -> tuple[int, int, int]:
    """Cut what a finest unit is worth, in minor units of `code`, into its whole, millionths and millionths of these."""
    worth = Decimal(repr(rate)) * minor_units(code) / unit
    rest, low = divmod(int((worth * _PART * _PART).to_integral_value(ROUND_HALF_EVEN)), _PART)
    return (*divmod(rest, _PART), low)


def _finding(name: str, days: pd.DataFrame, code: str) -> Finding:
    oldest = int((days["on"] - days["day"]).max())
    old = oldest > _OLD
    return Finding(
        f"amounts converted from {name}",
        int(days["n"].sum()),
        f"{days['rate'].min():g} to {days['rate'].max():g} {code}; the oldest rate used was {oldest} days old",
        "rounded half to even, at the last rate on or before their day" + (": give later rates" if old else ""),
        "warn" if old else "info",
    )


def parts(raw: ir.Table) -> dict[str, Column]:
    """Return the joined rates as columns on their way in; none where all is in one currency."""
    return {name: Column(raw[name], raw[name]) for name in _PARTS if name in raw.columns}


def converted(rows: ir.Table, names: Iterable[str], minor: int) -> ir.Table:
    """Turn the units that amounts were read in into minor units of the log's currency.

    Raises
    ------
    DataError
        An amount becomes larger than any that is accepted.
    """
    if _PARTS[0] not in rows.columns:
        return rows
    amounts = {name: _times(rows[name], *(rows[part] for part in _PARTS)) for name in names}
    rows = rows.mutate(**amounts).drop(*_PARTS)
    beyond = count(rows.filter(rows.amount.abs() > LARGEST))
    if beyond:
        raise DataError(
            f"is larger than {LARGEST // minor:,} once converted",
            column="amount",
            count=beyond,
            fix="correct the rates: what one unit of each currency is worth in the log's",
        )
    return rows


def _times(units: ir.Value, whole: ir.Value, middle: ir.Value, low: ir.Value) -> ir.Value:
    """Multiply by a rate of twelve places and round half to even, in 64-bit integers throughout.

    Amounts end at 10^12 units and each part of the rate at 10^6, so no product passes 10^18.
    """
    size = units.abs()
    lowest = size * low
    carried = size * middle + _millionth(lowest)
    rest = carried % _PART * _PART + lowest % _PART
    floor = size * whole + _millionth(carried)
    half = _PART * _PART // 2
    up = (rest == half).ifelse(floor % 2, (rest > half).ifelse(1, 0))
    return (floor + up) * (units < 0).ifelse(-1, 1)


def _millionth(x: ir.Value) -> ir.Value:
    """Divide by a million, towards zero: the quotient is below 2^53, so its nearest double is off by less than 1/2."""
    return ((x - x % _PART).cast("float64") / float(_PART) + 0.5).floor().cast("int64")
