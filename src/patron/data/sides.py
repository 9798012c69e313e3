"""Side tables of a log: customers, events and subscriptions, checked on entry against the log they join."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from patron._core.calendar import date_of
from patron._core.errors import DataError
from patron._core.notation import Notation
from patron.data import columns, stamps
from patron.data.columns import Column
from patron.data.engines import connect, count
from patron.data.entry import enter
from patron.data.finding import Finding
from patron.data.sources import Source, engine_errors, open_source

if TYPE_CHECKING:
    from patron.data.log import TransactionLog

Entered = tuple[ir.Table, tuple[Finding, ...]]
Attributes = tuple[tuple[str, tuple[str, ...]], ...]
"""Columns of `customers` that serve as features, and the levels of those that are text."""
KEYS: Final = ("customer_id", "valid_from", "valid_to")
"""What tells the rows of `customers` apart; every other column tells something of the customer."""
MOST_LEVELS: Final = 20
"""More kinds of events, or levels of an attribute, would each be a feature that hardly any customer has."""


def customers(
    log: TransactionLog,
    source: Any,
    table: str | None,
    customer_id: str,
    static: Sequence[str],
    valid_from: str | None,
    valid_to: str | None,
    source_timezone: str | None,
    notation: Notation,
) -> Entered:
    """Check and take the customers' table; see TransactionLog.with_customers."""
    if valid_to is not None and valid_from is None:
        raise DataError("valid_to is named without valid_from", column=valid_to, fix="name both, or neither")
    opened = _opened(log, source, table, notation)
    dates = {name: given for name, given in (("valid_from", valid_from), ("valid_to", valid_to)) if given}
    opened.require([customer_id, *static, *dates.values()], " of customers")
    with engine_errors(opened.name):
        raw = stamps.with_walls(
            opened.take(opened.columns), dates.values(), log.timezone, source_timezone, log.engine, notation
        )
        taken = {"customer_id": columns.identifier(raw[customer_id])}
        for name, given in dates.items():
            taken[name], _ = stamps.day(raw, given, log.timezone, source_timezone, notation, required=False)
        used = {customer_id, *dates.values()}
        taken |= {n: _attribute(raw[n]) for n in opened.columns if n not in used and n not in taken}
        rows, _ = enter(raw, taken, log.engine)
    if dates:
        _refuse_backward(rows, "valid_from", "valid_to", dates)
        _refuse_overlap(rows, customer_id)
    else:
        _refuse_repeats(rows, customer_id)
    return rows, (_unknown(log, rows, "customers"),)


def _attribute(column: ir.Value) -> Column:
    """Numbers as float64, yes and no as 1 and 0, text without the blank, anything else as it is."""
    kind = column.type()
    if kind.is_boolean():
        return Column(column, column.ifelse(1, column.isnull().ifelse(None, 0)).cast("float64"))
    if kind.is_numeric():
        return columns.number(column)
    return Column(column, (column.strip() == "").ifelse(None, column) if kind.is_string() else column)


def attributes(
    table: ir.Table, names: Sequence[str], notation: Notation
) -> tuple[ir.Table, Attributes, tuple[Finding, ...]]:
    """Find the levels of each named column, none of a number's, and read text of many numbers (a CSV's) as numbers.

    Columns that are no use as features are reported.
    """
    useful, useless = [], []
    for name in names:
        kind = table[name].type()
        levels = _distinct(table[name]) if kind.is_string() else []
        if len(levels) > MOST_LEVELS:
            number = columns.number(table[name], notation.decimal)
            if not count(table.filter(functools.reduce(operator.or_, (p.rows for p in number.problems)))):
                table, levels = table.mutate(**{name: number.value}), []
        if table[name].type().is_numeric() or 0 < len(levels) <= MOST_LEVELS:
            useful.append((name, tuple(levels)))
        else:
            why = f"has more than {MOST_LEVELS} levels" if levels else f"holds nothing but {kind}"
            useless.append(
                Finding(f"attribute {name} is no feature", 0, "", f"it {why}: give numbers, or few levels", "warn")
            )
    return table, tuple(useful), tuple(useless)


def kinds(table: ir.Table, column: str) -> tuple[str, ...]:
    """Find the kinds of events; a DataError where they are too many."""
    found = _distinct(table.kind)
    if len(found) > MOST_LEVELS:
        raise DataError(
            f"holds more than {MOST_LEVELS} kinds of events",
            column=column,
            example=found[0],
            fix="name those that matter with kinds=, or merge them",
        )
    return tuple(found)


def valued(table: ir.Table, kinds: Sequence[str]) -> tuple[str, ...]:
    """Find which of the kinds of events have a value in any row."""
    if "value" not in table.columns or not kinds:
        return ()
    rows = table.filter(table.value.notnull() & table.kind.isin(list(kinds)))
    return tuple(sorted(rows.select("kind").distinct().to_pyarrow()["kind"].to_pylist()))


def _distinct(column: ir.Value) -> list[str]:
    """Return the texts of a column by code point; of too many, one more than `MOST_LEVELS`."""
    different = column.name("text").as_table().distinct()
    some = different.filter(different.text.notnull()).limit(MOST_LEVELS + 1)
    return sorted(some.to_pyarrow()["text"].to_pylist())


def events(
    log: TransactionLog,
    source: Any,
    table: str | None,
    customer_id: str,
    time: str,
    kind: str,
    value: str | None,
    source_timezone: str | None,
    notation: Notation,
) -> Entered:
    """Check and take the events; see TransactionLog.with_events."""
    opened = _opened(log, source, table, notation)
    value = value or ("value" if "value" in opened.columns else None)
    wanted = [customer_id, time, kind, *([value] if value else [])]
    opened.require(wanted, " of events")
    with engine_errors(opened.name):
        raw = stamps.with_walls(opened.take(wanted), [time], log.timezone, source_timezone, log.engine, notation)
        day, clock = stamps.day(raw, time, log.timezone, source_timezone, notation)
        taken = {"customer_id": columns.identifier(raw[customer_id]), "day": day}
        taken |= {"time_of_day": clock} if clock is not None else {}
        taken["kind"] = columns.identifier(raw[kind])
        taken |= {"value": columns.number(raw[value], notation.decimal)} if value else {}
        rows, _ = enter(raw, taken, log.engine)
    rows, late = _observed(log, rows, "day", "events")
    return rows, (_unknown(log, rows, "events"), late)


def subscriptions(
    log: TransactionLog,
    source: Any,
    table: str | None,
    customer_id: str,
    start: str,
    end: str,
    plan: str | None,
    price: str | None,
    source_timezone: str | None,
    notation: Notation,
) -> Entered:
    """Check and take the subscriptions; see TransactionLog.with_subscriptions."""
    opened = _opened(log, source, table, notation)
    plan = plan or ("plan" if "plan" in opened.columns else None)
    price = price or ("price" if "price" in opened.columns else None)
    wanted = [customer_id, start, end, *(name for name in (plan, price) if name)]
    opened.require(wanted, " of subscriptions")
    with engine_errors(opened.name):
        raw = stamps.with_walls(opened.take(wanted), [start, end], log.timezone, source_timezone, log.engine, notation)
        taken = {"customer_id": columns.identifier(raw[customer_id])}
        taken["start"], _ = stamps.day(raw, start, log.timezone, source_timezone, notation)
        taken["end"], _ = stamps.day(raw, end, log.timezone, source_timezone, notation, required=False)
        taken |= {"plan": columns.text(raw[plan])} if plan else {}
        taken |= {"price": columns.money(raw[price], log.minor, notation.decimal, required=False)} if price else {}
        rows, _ = enter(raw, taken, log.engine)
    _refuse_backward(rows, "start", "end", {"start": start, "end": end})
    rows, late = _observed(log, rows, "start", "subscriptions")
    return rows, (_unknown(log, rows, "subscriptions"), late)


def _opened(log: TransactionLog, source: Any, table: str | None, notation: Notation) -> Source:
    here = log.engine.name
    opened = open_source(source, log.engine if here == "duckdb" else connect(), table, notation.encoding)
    if here != "duckdb" and opened.engine is not log.engine:
        raise DataError(
            f"a log that lives in {here} takes side tables from there",
            fix=f"load it into {here} and name it as the log was named, by the same URL or connection",
        )
    return opened


def until(
    customers: ir.Table | None, events: ir.Table | None, subscriptions: ir.Table | None, day: int
) -> dict[str, Any]:
    """Return the three tables as they stood at the end of `day`: what had not begun is absent, a later end is open."""
    if customers is not None and "valid_from" in customers.columns:
        customers = _open_after(
            customers.filter(customers.valid_from.isnull() | (customers.valid_from <= day)), "valid_to", day
        )
    if events is not None:
        events = events.filter(events.day <= day)
    if subscriptions is not None:
        subscriptions = _open_after(subscriptions.filter(subscriptions.start <= day), "end", day)
    return {"customers": customers, "events": events, "subscriptions": subscriptions}


def _open_after(table: ir.Table, end: str, day: int) -> ir.Table:
    if end not in table.columns:
        return table
    return table.mutate(**{end: (table[end] <= day).ifelse(table[end], ibis.null(table[end].type()))})


def _one(table: ir.Table) -> dict[str, Any]:
    return dict(table.to_pyarrow().to_pylist()[0])


def _refuse_backward(table: ir.Table, start: str, end: str, names: dict[str, str]) -> None:
    if end not in table.columns:
        return
    wrong = table.filter(table[end] < table[start])
    told = _one(wrong.aggregate(n=wrong.count(), who=wrong.customer_id.min(), end=wrong[end].min()))
    if told["n"]:
        raise DataError(
            f"lies before {names[start]!r}",
            column=names[end],
            count=told["n"],
            example=f"customer {told['who']}",
            fix="correct these rows; an open end stays empty",
        )


def _refuse_repeats(table: ir.Table, customer_id: str) -> None:
    sizes = table.group_by("customer_id").aggregate(n=table.count())
    repeated = sizes.filter(sizes.n > 1)
    told = _one(repeated.aggregate(n=repeated.n.sum(), who=repeated.customer_id.min()))
    if told["n"]:
        raise DataError(
            "occurs in more than one row of customers",
            column=customer_id,
            count=int(told["n"]),
            example=told["who"],
            fix="give one row a customer, or name valid_from and valid_to",
        )


def _refuse_overlap(table: ir.Table, customer_id: str) -> None:
    order = ibis.window(group_by="customer_id", order_by=[table.valid_from.asc(nulls_first=True)])
    open_end = columns.LAST_DAY + 1
    end = table.valid_to.fill_null(open_end) if "valid_to" in table.columns else ibis.literal(open_end)
    table = table.mutate(end=end)
    before, n = table.end.lag().over(order), ibis.row_number().over(order)
    ends = table.select("customer_id", "valid_from", before=before, n=n)
    start = ends.valid_from.fill_null(columns.FIRST_DAY - 1)
    wrong = ends.filter((ends.n > 0) & (start <= ends.before))
    told = _one(wrong.aggregate(n=wrong.count(), who=wrong.customer_id.min()))
    if told["n"]:
        raise DataError(
            "has rows of customers that hold on the same day",
            column=customer_id,
            count=told["n"],
            example=told["who"],
            fix="let each row end the day before the next begins",
        )


def _unknown(log: TransactionLog, table: ir.Table, what: str) -> Finding:
    strangers = table.anti_join(log.table, "customer_id")
    told = _one(strangers.aggregate(n=strangers.count(), who=strangers.customer_id.min()))
    return Finding(
        f"{what} without transactions" if what == "customers" else f"{what} of customers without transactions",
        told["n"],
        told["who"] or "",
        "kept; they take part in nothing until they buy",
    )


def _observed(log: TransactionLog, table: ir.Table, time: str, what: str) -> tuple[ir.Table, Finding]:
    late = table.filter(table[time] > log.observed_until)
    told = _one(late.aggregate(n=late.count(), day=late[time].min()))
    kept = table.filter(table[time] <= log.observed_until)
    example = "" if told["day"] is None else date_of(told["day"]).isoformat()
    return kept, Finding(
        f"{what} after the end of observation",
        told["n"],
        example,
        f"left out: observed until {date_of(log.observed_until)}",
    )
