"""From declared features to one row a customer and as-of day: the sources, and their aggregation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from patron._core.calendar import UNIT_DAYS, Grain, Unit, check_unit, date_of
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.catalogue import Feature, Scale, Source
from patron.features.purchases import Purchases, purchases

_ZERO = 719_468  # days from 0000-03-01, a Wednesday, to 1970-01-01; counted from there no day is negative


def period_of(day: Any, grain: Grain) -> Any:
    """Return the number of the period that holds a day: the day itself, the week's Monday, or a count of months.

    Takes a day number or an integer column of them; integer steps only, so every engine agrees. The month is
    Hinnant's civil_from_days, counted in years that begin on 1 March.

    Examples
    --------
    >>> from patron._core.calendar import date_of, day_number
    >>> date_of(period_of(day_number("1997-09-30"), "week")).isoformat()
    '1997-09-29'
    >>> period_of(day_number("1997-09-30"), "month") - period_of(day_number("1996-02-29"), "month")
    19
    """
    if grain == "day":
        return day
    if grain == "week":
        return day - (day + _ZERO + 2) % 7
    era = (day + _ZERO) // 146_097
    day_of_era = (day + _ZERO) % 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    return 12 * (400 * era + year) + (5 * day_of_year + 2) // 153


def check_days(log: TransactionLog, as_of: Iterable[int], unit: Unit, grain: Grain) -> None:
    """Refuse an as-of day on which the log saw nothing, and a unit or grain that makes no sense."""
    check_unit(unit, grain)
    for day in as_of:
        if day < log.first_day:
            raise DataError(
                f"as_of {date_of(day)} is before the log's first day, {date_of(log.first_day)}: nobody had bought yet",
                fix="choose a later day",
            )
        if day > log.observed_until:
            raise DataError(
                f"as_of {date_of(day)} is after the last day observed, {date_of(log.observed_until)}",
                fix="choose an earlier day, or read the log with observed_until= if it was observed for longer",
            )


def per_customer(
    log: TransactionLog, as_of: Sequence[int], unit: Unit, grain: Grain, features: Iterable[Feature]
) -> Table:
    """Expression of one row a customer and as-of day: customer_id, as_of (day number) and the features.

    Customers appear from their first purchase on.
    """
    features = list(features)
    check_days(log, as_of, unit, grain)
    scale = Scale(1.0 if grain == "month" else UNIT_DAYS[unit], log.minor)
    bought = purchases(log, as_of)
    tables = _sources(bought, as_of, grain, gaps=any(feature.source == "gaps" for feature in features))
    different = {id(tables[feature.source]): tables[feature.source] for feature in features}
    parts = [
        table.group_by(*bought.by).agg(
            **{feature.name: feature.value(table, scale) for feature in features if tables[feature.source] is table}
        )
        for table in different.values()
    ]
    whole = reduce(lambda left, right: left.join(right, bought.by), parts)
    whole = whole.select(*bought.by, *(feature.name for feature in features))
    day = _as_of(whole, as_of)
    columns = {}
    for feature in features:
        column = whole[feature.name].cast(feature.dtype)
        if feature.window is not None:
            column = (day >= log.first_day + feature.window - 1).ifelse(column, ibis.null("float64"))
        columns[feature.name] = column
    return whole.select("customer_id", as_of=day, **columns)


def _sources(bought: Purchases, as_of: Sequence[int], grain: Grain, *, gaps: bool) -> dict[Source, Table]:
    """Build the tables that features aggregate; the same object where two sources hold the same rows."""
    days = bought.days
    if gaps:
        days = days.mutate(gap=days.ago.lag().over(group_by=bought.by, order_by=ibis.desc("ago")) - days.ago)
    periods = days
    if grain != "day":
        day = _as_of(days, as_of)
        ago = period_of(day, grain) - period_of(day - days.ago, grain)
        periods = days.group_by(*bought.by, ago=ago).agg(amount=days.amount.sum())
    return {
        "payments": days if bought.payments is bought.days else bought.payments,
        "days": days,
        "gaps": days,
        "periods": periods,
        "orders": days if bought.orders is bought.days else bought.orders,
    }


def _as_of(table: Table, as_of: Sequence[int]) -> Value:
    """Return the as-of day of each row: a column where there are several, else the one."""
    return table.as_of if len(as_of) > 1 else ibis.literal(as_of[0], "int64")


def fetch(table: Table, order: Sequence[str]) -> pd.DataFrame:
    """Run an expression; rows sorted by `order`, text in the order of its code points, null as NaN."""
    frame: pd.DataFrame = table.to_pyarrow().sort_by([(name, "ascending") for name in order]).to_pandas()
    return frame
