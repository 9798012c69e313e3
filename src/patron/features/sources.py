"""The tables that features aggregate, one a source, each with the rows of every as-of day and none later."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, Final

import ibis
from ibis.expr.types import Table, Value

from patron._core.calendar import Grain
from patron.data.log import TransactionLog
from patron.features.feature import RECENT, THOUSAND, Source, how_many
from patron.features.purchases import Purchases, seen

SIDES: Final = ("baskets", "products", "categories", "channels", "events", "customers")
"""Sources in which a customer may have no row; every other holds all who have bought."""
_MOST: Final = 1e9  # of a quantity, or of the value of an event
_ZERO: Final = 719_468  # days from 0000-03-01, a Wednesday, to 1970-01-01; counted from there no day is negative


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
        return day - _weekday(day)
    era = (day + _ZERO) // 146_097
    day_of_era = (day + _ZERO) % 146_097
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    return 12 * (400 * era + year) + (5 * day_of_year + 2) // 153


def _weekday(day: Any) -> Any:
    """Days since Monday."""
    return (day + _ZERO + 2) % 7


def _month(day: Any) -> Any:
    """From 1 to 12."""
    return (period_of(day, "month") + 2) % 12 + 1


def _thousandths(number: Value) -> Value:
    """Round half up, so that sums are of integers; what is larger than any true one counts as the largest."""
    held = (number > _MOST).ifelse(_MOST, (number < -_MOST).ifelse(-_MOST, number))
    return (held * float(THOUSAND) + 0.5).floor().cast("int64")


def as_of_day(table: Table, as_of: Sequence[int]) -> Value:
    """Return the as-of day of each row: a column where there are several, else the one."""
    return table.as_of if len(as_of) > 1 else ibis.literal(as_of[0], "int64")


def sources(
    log: TransactionLog, bought: Purchases, as_of: Sequence[int], grain: Grain, wanted: Collection[Source]
) -> dict[Source, Table]:
    """Build the sources that are wanted; the same object where two hold the same rows."""
    by = list(bought.by)
    days = _told(bought.days, by, as_of, wanted)

    def periods() -> Table:
        if grain == "day":
            return days
        day = as_of_day(days, as_of)
        ago = period_of(day, grain) - period_of(day - days.ago, grain)
        return days.group_by(*by, ago=ago).agg(amount=days.amount.sum())

    def orders() -> Table:
        if bought.orders is bought.days:
            return days
        return bought.orders.mutate(weekday=_weekday(as_of_day(bought.orders, as_of) - bought.orders.ago))

    @cache
    def lines() -> Table:
        """Take what was bought on days that count, whatever refunds took off it later."""
        names = sorted(log.optional - {"order_id"})
        rows = seen(log.table, as_of).select(*by, "ago", "amount", *names)
        rows = rows.filter(rows.amount >= 0)
        return rows.semi_join(bought.days, [*by, "ago"]) if log.refunds else rows

    build: dict[Source, Callable[[], Table]] = {
        "payments": lambda: days if bought.payments is bought.days else bought.payments,
        "days": lambda: days,
        "dates": lambda: days,
        "gaps": lambda: days,
        "habits": lambda: days,
        "periods": periods,
        "orders": orders,
        "baskets": lambda: _baskets(lines(), by),
        "products": lambda: _parts(lines(), by, "product_id"),
        "categories": lambda: _parts(lines(), by, "category"),
        "channels": lambda: _parts(lines(), by, "channel"),
        "events": lambda: _events(_keyed(log.events, log), as_of, by),
        "customers": lambda: _customers(_keyed(log.customers, log), as_of),
    }
    return {name: build[name]() for name in build if name in wanted}


def _keyed(table: Table, log: TransactionLog) -> Table:
    """Give the rows of a side table the numbers of their customers, if the log has these."""
    return table if log.names is None else table.inner_join(log.names, "customer_id")


def _told(days: Table, by: list[str], as_of: Sequence[int], wanted: Collection[Source]) -> Table:
    """Add to the purchase days what the sources that are wanted tell of them."""
    told = {}
    if {"gaps", "habits"} & set(wanted):
        told["gap"] = days.ago.lag().over(group_by=by, order_by=ibis.desc("ago")) - days.ago
    if "habits" in wanted:
        whole = {"silence": days.ago.min(), "times": days.count(), "spend": days.amount.sum()}
        told |= {name: value.over(group_by=by) for name, value in whole.items()}
    if "dates" in wanted:
        told["month"] = _month(as_of_day(days, as_of) - days.ago)
    return days.mutate(**told) if told else days


def _baskets(lines: Table, by: list[str]) -> Table:
    """Sum up the lines of each day."""
    sums = {"lines": lines.count(), "amount": lines.amount.sum()}
    if "discount" in lines.columns:
        sums |= {"discount": lines.discount.fill_null(0).sum(), "discounted": how_many(lines.discount > 0)}
    if "quantity" in lines.columns:
        sums |= {
            "quantity": _thousandths(lines.quantity).sum().fill_null(0),
            "priced": lines.quantity.notnull().ifelse(lines.amount, 0).sum(),
            "multiples": how_many(lines.quantity > 1),
        }
    return lines.group_by(*by, "ago").agg(**sums)


def _parts(lines: Table, by: list[str], column: str) -> Table:
    """Sum up the lines of each product, category or channel."""
    rows = lines.filter(lines[column].notnull())
    recent = rows.ago < RECENT
    return rows.group_by(*by, column).agg(
        first=rows.ago.max(),
        last=rows.ago.min(),
        lines=how_many(recent),
        before=how_many(~recent & (rows.ago < 2 * RECENT)),
        amount=recent.ifelse(rows.amount, 0).sum(),
    )


def _events(table: Table, as_of: Sequence[int], by: list[str]) -> Table:
    rows = seen(table, as_of)
    sums = {"times": rows.count()}
    if "value" in table.columns:
        sums |= {"value": _thousandths(rows.value).sum().fill_null(0), "valued": how_many(rows.value.notnull())}
    return rows.group_by(*by, "ago", "kind").agg(**sums)


def _customers(table: Table, as_of: Sequence[int]) -> Table:
    """Take what is known of each customer on each as-of day; of a dated table, the row that holds then."""
    known = []
    for day in as_of:
        rows = table
        if "valid_from" in table.columns:
            rows = rows.filter(rows.valid_from.isnull() | (rows.valid_from <= day))
        if "valid_to" in table.columns:
            rows = rows.filter(rows.valid_to.isnull() | (rows.valid_to >= day))
        known.append(rows.mutate(as_of=ibis.literal(day, "int64")))
    return ibis.union(*known)
