"""The one definition of a purchase: the days and orders that count at the end of an as-of day, refunds netted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr.types import Table, Value

from patron.data.log import TransactionLog

STATE: Final = ("customer_id", "as_of")
"""What tells one customer's state on one as-of day from every other."""


@dataclass(frozen=True)
class Purchases:
    """What the customers of a log have bought, as known at the end of each as-of day: expressions over integers.

    Every as-of day has its own rows, with each customer's state on that day; `ago` is days before it, 0 on it. All that
    a customer buys on one day is one purchase day. A refund never makes one. It acts from its own day on: first on the
    order whose number it bears, the latest lines first, and what exceeds that order is dropped; a refund without a
    number, or with one that no purchase up to its day bears, acts on the customer's latest earlier purchase days. A day
    or an order of which refunds leave nothing stops counting; one that was free from the start counts.

    Attributes
    ----------
    by : tuple of str
        The customer, and as_of (day number) if there are several: one needs no column and no second key to group by.
    payments : Table
        by, ago, amount: money in and, negative, refunds out, each dated by its own day.
    days : Table
        by, ago, amount, purchases: the purchase days that count, the minor units that refunds left of them, and their
        purchase rows.
    orders : Table
        by, ago, amount (left by refunds that bear its number), lines (its purchase rows), purchases (1): the orders
        that count, each on its last day; a row without an order number is an order of its own, and those of a day
        stand in one row that says how many they are. In a log without order numbers these are the `days`.
    """

    by: tuple[str, ...]
    payments: Table
    days: Table
    orders: Table


def purchases(log: TransactionLog, as_of: Sequence[int], customer: str = "customer_id") -> Purchases:
    """Gather what had been bought by the end of each of the day numbers `as_of`, by the column `customer`."""
    by = (customer, "as_of") if len(as_of) > 1 else (customer,)
    rows = _rows(log, as_of, by)
    numbered = "order_id" in rows.columns
    if log.refunds == 0:
        days = rows.group_by(*by, "ago").agg(amount=_sum(rows.amount), purchases=_count(rows))
        return Purchases(by, days, days, _orders(rows.mutate(purchases=1), by) if numbered else days)
    lines, days = _netted(rows, by)
    days = _counting(days)
    orders = _orders(_counting(lines).semi_join(days, [*by, "ago"]), by) if numbered else days
    return Purchases(by, rows, days, orders)


def unmatched_refunds(log: TransactionLog, as_of: int) -> int:
    """Minor units of the refunds up to day number `as_of` that found nothing left to act on, and so were dropped."""
    by = STATE[:1]
    rows = _rows(log, [as_of], by)
    _, days = _netted(rows, by)
    refunded = -rows.filter(rows.amount < 0).amount.sum().fill_null(0)
    matched = (days.gross.sum() - days.amount.sum()).fill_null(0)
    return int(refunded.to_pyarrow().as_py()) - int(matched.to_pyarrow().as_py())


def seen(table: Table, as_of: Sequence[int]) -> Table:
    """Repeat, for each as-of day, the rows dated up to it; `ago` is days before it."""
    days = [
        table.filter(table.day <= day).mutate(as_of=ibis.literal(day, "int64"), ago=day - table.day) for day in as_of
    ]
    return ibis.union(*days)


def _rows(log: TransactionLog, as_of: Sequence[int], by: tuple[str, ...]) -> Table:
    number = ["order_id"] if "order_id" in log.table.columns else []
    return seen(log.table, as_of).select(*by, *number, "ago", "amount")


def _netted(rows: Table, by: tuple[str, ...]) -> tuple[Table, Table]:
    """Lines (one an order and day) and purchase days, with their `gross` and the `amount` refunds left."""
    bought, returned = rows.filter(rows.amount >= 0), rows.filter(rows.amount < 0)
    keys = [name for name in rows.columns if name != "amount"]
    order = keys[:-1]
    lines = bought.group_by(keys).agg(gross=_sum(bought.amount), amount=_sum(bought.amount), purchases=_count(bought))
    if "order_id" in order:
        begun = lines.group_by(order).agg(begun=lines.ago.max())
        own = returned.inner_join(begun, order).filter(ibis._.begun >= ibis._.ago).select(rows.columns)
        lines = _net(lines, own, order)
        returned = returned.anti_join(own, keys)
    days = lines.group_by(*by, "ago").agg(
        gross=_sum(lines.gross), amount=_sum(lines.amount), purchases=_sum(lines.purchases, "int32")
    )
    return lines, _net(days, returned, list(by))


def _net(bought: Table, returned: Table, by: list[str]) -> Table:
    """Take refunds off the latest earlier purchases of the same `by`; what exceeds them all is dropped.

    Purchases stack up: x_i goes on top, a refund takes from the top and stops at the ground. With C_j the running sum
    of purchases and refunds, what was never taken off purchase i is min_{j>=i} C_j - C_{i-1}, held between 0 and x_i:
    it is gone once the sum has fallen back to where it stood before. (An excess stays in the sum, but where one was
    dropped everything earlier is gone, and what comes later starts from there.) `bought` has one row a `by` and day;
    on one day purchases come first. Only a `by` with a refund passes through the windows.
    """
    keys = [*by, "ago"]
    events = (
        bought.semi_join(returned, by)
        .select(*keys, change="amount", refund=ibis.literal(0))
        .union(returned.group_by(keys).agg(change=returned.amount.sum(), refund=ibis.literal(1)))
    )
    order = {"group_by": by, "order_by": [ibis.desc("ago"), "refund"]}
    events = events.mutate(running=events.change.sum().over(**order, rows=(None, 0)))
    events = events.mutate(lowest=events.running.min().over(**order, rows=(0, None)))
    placed = events.filter(events.refund == 0)
    above = placed.lowest - (placed.running - placed.change)
    kept = placed.select(*keys, kept=ibis.greatest(ibis.least(above, placed.change), 0))
    joined = bought.left_join(kept, keys)
    others = [name for name in bought.columns if name != "amount"]
    return joined.select(*others, amount=ibis.coalesce(joined.kept, joined.amount))


def _sum(column: Value, dtype: str = "int64") -> Value:
    """Sum in a type that is summed again fast; engines widen a sum to what no column ever fills."""
    return column.sum().cast(dtype)


def _count(table: Table) -> Value:
    return table.count().cast("int32")


def _counting(bought: Table) -> Table:
    return bought.filter((bought.amount > 0) | (bought.gross == 0))


def _orders(lines: Table, by: tuple[str, ...]) -> Table:
    own_day = lines.order_id.isnull().ifelse(lines.ago, ibis.null(lines.ago.type()))
    orders = lines.group_by(*by, "order_id", own_day=own_day).agg(
        ago=lines.ago.min(), amount=lines.amount.sum(), lines=lines.purchases.sum()
    )
    purchases = orders.order_id.isnull().ifelse(orders.lines, 1)
    return orders.select(*by, "ago", "amount", "lines", purchases=purchases)
