"""What each customer bought and paid in each period: the one table that sales, cohorts and worth sum up."""

from __future__ import annotations

from typing import Any

import ibis
from ibis.expr.types import Table

from patron.data.log import TransactionLog
from patron.features.purchases import Purchases
from patron.kpis.periods import Periods


def per_period(log: TransactionLog, bought: Purchases, periods: Periods) -> Table:
    """Sum up a customer's payments and orders by period.

    Returns
    -------
    Table
        One row a customer and period with a payment: customer_id, period, amount (minor units, refunds off in the
        period of their own day), orders (each on its last day; purchase days where the log has no order_id), bought (1
        with a purchase day, else 0), begun (the period of the first purchase; null if refunds left none).
    """
    days, payments, orders = bought.days, bought.payments, bought.orders
    numbered = "order_id" in log.optional
    told = {"orders": 0 if numbered else 1, "bought": 1}
    if payments is days:
        parts = [_part(days, amount=days.amount, **told)]
    else:
        parts = [_part(payments, amount=payments.amount), _part(days, **told)]
    if numbered:
        parts.append(_part(orders, orders=orders.purchases))
    rows = ibis.union(*parts)
    rows = periods.onto(rows, log.observed_until - rows.ago)
    rows = rows.group_by("customer_id", "period").agg(
        amount=rows.amount.sum(), orders=rows.orders.sum(), bought=rows.bought.max()
    )
    begun = (rows.bought == 1).ifelse(rows.period, None).min().over(group_by="customer_id")
    return rows.mutate(begun=begun)


def _part(table: Table, **told: Any) -> Table:
    """Take customer_id, ago and what is told; the rest is 0."""
    counts = {name: ibis.literal(0) + told.get(name, 0) for name in ("amount", "orders", "bought")}
    return table.select("customer_id", "ago", **{name: value.cast("int64") for name, value in counts.items()})
