"""The expressions of the catalogue that take more than a line."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

from patron.features.feature import RECENT, Expression, Scale, earliest, how_many, ratio, within

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value


def repeat_spend(periods: Table, scale: Scale) -> Value:
    """Mean amount of the repeat purchases; 0 without one."""
    first = earliest(periods, "amount")
    return ratio(periods.amount.sum() - first, (periods.count() - 1) * scale.money).fill_null(0.0)


def gap_mean(gaps: Table, _: Scale) -> Value:
    """Mean gap."""
    return ratio(gaps.gap.sum(), gaps.gap.count())


def gap_std(gaps: Table, _: Scale) -> Value:
    """Deviation of the gaps from their mean (n - 1)."""
    n, total = gaps.gap.count(), gaps.gap.sum()
    return ratio(n * (gaps.gap * gaps.gap).sum() - total * total, n * (n - 1)).sqrt()


def gap_trend(gaps: Table, scale: Scale) -> Value:
    """Mean of the gaps that ended lately, over that of all."""
    lately = (gaps.ago < RECENT) & gaps.gap.notnull()
    return ratio(within(gaps, RECENT, "gap"), how_many(lately)) / gap_mean(gaps, scale)


def days_overdue(gaps: Table, scale: Scale) -> Value:
    """Days since the last purchase, minus the mean gap."""
    return gaps.ago.min().cast("float64") - gap_mean(gaps, scale)


def laplace(days: Table, _: Scale) -> Value:
    """Mean position of the repeat purchase days between the first (0) and the as-of day (1)."""
    n, first = days.count(), days.ago.max()
    return ratio(n * first - days.ago.sum(), (n - 1) * first)


def pace(window: int, column: str | None = None) -> Expression:
    """Declare what a window holds over what it would hold at the customer's pace so far."""

    def value(days: Table, _: Scale) -> Value:
        whole = days.count() if column is None else days[column].sum()
        age = days.ago.max() + 1
        return ratio(within(days, window, column), whole) * ratio(age, (age < window).ifelse(age, window))

    return value


def since_large(habits: Table, _: Scale) -> Value:
    """Days since a purchase day of at least the mean amount."""
    return (habits.amount * habits.times >= habits.spend).ifelse(habits.ago, None).min()


def spend_spread(habits: Table, _: Scale) -> Value:
    """Mean deviation of a purchase day's amount from their mean, over that mean; no squares, which would overflow."""
    n = habits.count()
    apart = (habits.amount * habits.times - habits.spend).abs().sum()
    return ratio(apart, (n > 1).ifelse(n * habits.amount.sum(), 0))


def refund_share(payments: Table, _: Scale) -> Value:
    """Refunds over purchases."""
    back, paid = ((sign > 0).ifelse(sign, 0).sum() for sign in (-payments.amount, payments.amount))
    return ratio(back, paid)


def basket_trend(column: str) -> Expression:
    """Declare the mean of an order of the last 90 days over that of all orders."""

    def value(orders: Table, _: Scale) -> Value:
        recent = ratio(within(orders, RECENT, column), within(orders, RECENT, "purchases"))
        return recent / ratio(orders[column].sum(), orders.purchases.sum()).nullif(0.0)

    return value


def weekday_habit(orders: Table, _: Scale) -> Value:
    """Chance that two orders fell on the same day of the week."""
    n = orders.purchases.sum()
    counts = [(orders.weekday == day).ifelse(orders.purchases, 0).sum() for day in range(7)]
    return ratio(functools.reduce(operator.add, [count * count for count in counts]), n * n)


def discount_share(baskets: Table, _: Scale) -> Value:
    """Discounts over what everything would have cost without them."""
    return ratio(baskets.discount.sum(), baskets.discount.sum() + baskets.amount.sum())


def discount_share_90(baskets: Table, _: Scale) -> Value:
    """Discounts of the last 90 days over what these would have cost without them."""
    saved = within(baskets, RECENT, "discount")
    return ratio(saved, saved + within(baskets, RECENT, "amount"))


def first_discount(baskets: Table, _: Scale) -> Value:
    """Discounts of the first purchase day over what it would have cost without them."""
    saved = earliest(baskets, "discount")
    return ratio(saved, saved + earliest(baskets, "amount"))
