"""The declared list of features: what each is called, what it says, and the one expression that computes it.

A new feature is one more entry here; `feature.py` says what its expression may aggregate. The first 26, the core, need
nothing but who bought when for how much; those after them need a column that not every log has. What happened besides
purchases and what is known of a customer become features by their own names, at the end.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import TYPE_CHECKING, Final

import pandas as pd

from patron.features.feature import Feature, Scale, how_many, ratio, within

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from patron.data.log import TransactionLog

LABELS: Final = ("churned", "purchases_next", "spend_next")
"""What a snapshot adds to the features; nobody knows it at scoring."""
WINDOWS: Final = (7, 30, 90, 180, 365)
"""Days counted back from the as-of day, itself included."""
EVENT_WINDOWS: Final = (30, 90)
"""The same for events."""
RECENT: Final = 90
"""Days over which baskets, products, categories and discounts are looked at."""


def _gap_std(source: Table, _: Scale) -> Value:
    n, total = source.gap.count(), source.gap.sum()
    return ratio(n * (source.gap * source.gap).sum() - total * total, n * (n - 1)).sqrt()


def _repeat_spend(source: Table, scale: Scale) -> Value:
    first = source.amount.argmax(source.ago)
    return ratio(source.amount.sum() - first, (source.count() - 1) * scale.money).fill_null(0.0)


def _purchases_trend(source: Table, _: Scale) -> Value:
    n, first = source.count(), source.ago.max()
    return ratio(n * first - source.ago.sum(), (n - 1) * first)


def _spend_trend(source: Table, _: Scale) -> Value:
    recent, both = within(source, 90, "amount"), within(source, 180, "amount")
    return ratio(2 * recent - both, both)


def _weekday_habit(source: Table, _: Scale) -> Value:
    n = source.purchases.sum()
    counts = [(source.weekday == day).ifelse(source.purchases, 0).sum() for day in range(7)]
    return ratio(functools.reduce(operator.add, [count * count for count in counts]), n * n)


def _purchases(days: int) -> Feature:
    return Feature(
        f"purchases_{days}",
        f"Orders of the last {days} days; purchase rows where the log has no order numbers.",
        f"purchases in the last {days} days",
        "orders",
        "activity",
        "orders",
        lambda source, _: within(source, days, "purchases"),
        window=days,
    )


def _spend(days: int) -> Feature:
    return Feature(
        f"spend_{days}",
        f"Purchases minus refunds dated in the last {days} days.",
        f"spend in the last {days} days",
        "money",
        "spend",
        "payments",
        lambda source, scale: within(source, days, "amount").cast("float64") / scale.money,
        window=days,
    )


def _active_days(days: int) -> Feature:
    return Feature(
        f"active_days_{days}",
        f"Purchase days among the last {days} days.",
        f"purchase days in the last {days} days",
        "days",
        "activity",
        "days",
        lambda source, _: within(source, days),
        window=days,
    )


_DECLARED = [
    Feature(
        "frequency",
        "Repeat purchases: purchase periods after the first.",
        "repeat purchases",
        "purchases",
        "frequency",
        "periods",
        lambda source, _: source.count() - 1,
        dtype="int64",
    ),
    Feature(
        "recency",
        "Age of the customer at the last purchase, from the first; not the time since the last.",
        "age at the last purchase",
        "time unit",
        "age",
        "periods",
        lambda source, scale: (source.ago.max() - source.ago.min()).cast("float64") / scale.time,
    ),
    Feature(
        "T",
        "Age of the customer at the as-of day, from the first purchase.",
        "time since the first purchase",
        "time unit",
        "age",
        "periods",
        lambda source, scale: source.ago.max().cast("float64") / scale.time,
    ),
    Feature(
        "monetary_value",
        "Mean amount of the repeat purchases; 0 without one.",
        "mean spend a purchase",
        "money",
        "spend",
        "periods",
        _repeat_spend,
    ),
    Feature(
        "days_since_last",
        "Days from the last purchase to the as-of day.",
        "days since the last purchase",
        "days",
        "silence",
        "days",
        lambda source, _: source.ago.min(),
        dtype="int64",
    ),
    *map(_purchases, WINDOWS),
    *map(_spend, WINDOWS),
    *map(_active_days, WINDOWS),
    Feature(
        "gap_mean",
        "Mean of the days between one purchase day and the next; needs two purchase days.",
        "usual days between purchases",
        "days",
        "rhythm",
        "gaps",
        lambda source, _: ratio(source.gap.sum(), source.gap.count()),
    ),
    Feature(
        "gap_std",
        "Standard deviation of those days (n - 1); needs three purchase days.",
        "spread of the days between purchases",
        "days",
        "rhythm",
        "gaps",
        _gap_std,
    ),
    Feature(
        "gap_max",
        "Longest of those stretches so far; needs two purchase days.",
        "longest silence so far",
        "days",
        "rhythm",
        "gaps",
        lambda source, _: source.gap.max(),
    ),
    Feature(
        "overdue_ratio",
        "Days since the last purchase over the mean gap; above 1 the customer is late. Missing for one-time buyers.",
        "silence against the customer's own rhythm",
        "ratio",
        "silence",
        "gaps",
        lambda source, _: ratio(source.ago.min() * source.gap.count(), source.gap.sum()),
    ),
    Feature(
        "purchases_trend",
        "Mean position of the repeat purchase days between the first purchase (0) and the as-of day (1): one half is a "
        "steady pace, less is slowing down, more is speeding up (Laplace's test). Missing for one-time buyers.",
        "pace of purchases, early against late",
        "ratio",
        "trend",
        "days",
        _purchases_trend,
    ),
    Feature(
        "spend_trend",
        "Purchases of the last 90 days minus those of the 90 before, over both: from -1 (stopped) to 1 (just begun). "
        "Missing without a purchase in these 180 days.",
        "spend of the last 90 days against the 90 before",
        "ratio",
        "trend",
        "days",
        _spend_trend,
        window=180,
    ),
    Feature(
        "basket_value_90",
        "Mean amount of an order of the last 90 days.",
        "mean spend an order in the last 90 days",
        "money",
        "baskets",
        "orders",
        lambda source, scale: ratio(
            within(source, RECENT, "amount"), within(source, RECENT, "purchases") * scale.money
        ),
        window=RECENT,
        needs="order_id",
    ),
    Feature(
        "basket_lines_90",
        "Mean number of lines of an order of the last 90 days.",
        "lines an order in the last 90 days",
        "lines",
        "baskets",
        "orders",
        lambda source, _: ratio(within(source, RECENT, "lines"), within(source, RECENT, "purchases")),
        window=RECENT,
        needs="order_id",
    ),
    Feature(
        "basket_trend",
        "Mean amount of an order of the last 90 days over that of all orders so far: below 1 baskets are shrinking.",
        "spend an order, of the last 90 days against all",
        "ratio",
        "baskets",
        "orders",
        lambda source, _: (
            ratio(within(source, RECENT, "amount"), within(source, RECENT, "purchases"))
            / ratio(source.amount.sum(), source.purchases.sum()).nullif(0.0)
        ),
        window=RECENT,
        needs="order_id",
    ),
    Feature(
        "weekend_share",
        "Orders whose day was a Saturday or Sunday, over all orders so far.",
        "share of orders at the weekend",
        "share",
        "weekdays",
        "orders",
        lambda source, _: ratio((source.weekday >= 5).ifelse(source.purchases, 0).sum(), source.purchases.sum()),
        needs="order_id",
    ),
    Feature(
        "weekday_habit",
        "Chance that two orders, drawn at random with replacement, fell on the same day of the week: about 1/7 for a "
        "customer without habits, 1 for one who always comes on the same day.",
        "habit of coming on the same weekday",
        "share",
        "weekdays",
        "orders",
        _weekday_habit,
        needs="order_id",
    ),
    Feature(
        "products_90",
        "Different products bought in the last 90 days.",
        "different products in the last 90 days",
        "products",
        "variety",
        "products",
        lambda source, _: how_many(source["last"] < RECENT),
        window=RECENT,
        needs="product_id",
        absent=0.0,
    ),
    Feature(
        "products_new_90",
        "Of the products bought in the last 90 days, the share that the customer had not bought before.",
        "share of new products in the last 90 days",
        "share",
        "variety",
        "products",
        lambda source, _: ratio(how_many(source["first"] < RECENT), how_many(source["last"] < RECENT)),
        window=RECENT,
        needs="product_id",
    ),
    Feature(
        "products_again",
        "Of all products bought so far, the share bought on more than one day.",
        "share of products bought again",
        "share",
        "variety",
        "products",
        lambda source, _: ratio(how_many(source["first"] > source["last"]), source.count()),
        needs="product_id",
    ),
    Feature(
        "categories_90",
        "Different categories bought from in the last 90 days.",
        "different categories in the last 90 days",
        "categories",
        "variety",
        "categories",
        lambda source, _: how_many(source.recent > 0),
        window=RECENT,
        needs="category",
        absent=0.0,
    ),
    Feature(
        "categories_dropped_90",
        "Of the categories bought from in the 90 days before the last 90, the share not bought from since.",
        "share of categories dropped in the last 90 days",
        "share",
        "variety",
        "categories",
        lambda source, _: ratio(how_many((source.before > 0) & (source.recent == 0)), how_many(source.before > 0)),
        window=2 * RECENT,
        needs="category",
    ),
    Feature(
        "top_category_share_90",
        "Spend of the last 90 days on the category most was spent on, over the spend on all categories.",
        "share of spend on the favourite category",
        "share",
        "variety",
        "categories",
        lambda source, _: ratio(source.amount.max(), source.amount.sum()),
        window=RECENT,
        needs="category",
    ),
    Feature(
        "discount_share_90",
        "Discounts of the last 90 days over what the lines would have cost without them.",
        "share of the price saved by discounts in the last 90 days",
        "share",
        "discounts",
        "lines",
        lambda source, _: ratio(
            within(source, RECENT, "discount"), within(source, RECENT, "discount") + within(source, RECENT, "amount")
        ),
        window=RECENT,
        needs="discount",
    ),
    Feature(
        "discounted_lines_90",
        "Of the lines of the last 90 days, the share with a discount.",
        "share of discounted lines in the last 90 days",
        "share",
        "discounts",
        "lines",
        lambda source, _: ratio(how_many((source.ago < RECENT) & (source.discount > 0)), within(source, RECENT)),
        window=RECENT,
        needs="discount",
    ),
]
CATALOGUE: Final[dict[str, Feature]] = {feature.name: feature for feature in _DECLARED}
"""Every declared feature by its name, in the order of the columns."""


def of_events(kind: str) -> list[Feature]:
    """Declare the features of one kind of event: how many lately, and how long since the last."""
    words = kind.replace("_", " ")
    counts = [
        Feature(
            f"events_{kind}_{days}",
            f"Events of the kind {kind} in the last {days} days.",
            f"{words} in the last {days} days",
            "events",
            f"events: {words}",
            "events",
            lambda source, _, days=days: how_many((source.kind == kind) & (source.ago < days)),  # type: ignore[misc]
            window=days,
            absent=0.0,
        )
        for days in EVENT_WINDOWS
    ]
    since = Feature(
        f"events_{kind}_since",
        f"Days since the last event of the kind {kind}; missing without one.",
        f"days since the last {words}",
        "days",
        f"events: {words}",
        "events",
        lambda source, _: (source.kind == kind).ifelse(source.ago, None).min(),
    )
    return [*counts, since]


def of_attribute(name: str, level: str | None = None) -> Feature:
    """Declare what is known of customers: a number, or whether a text is `level`; missing where it is not known."""
    words = name.replace("_", " ")
    if level is None:
        return Feature(
            f"customer_{name}",
            f"The customer's {words}.",
            words,
            "number",
            f"customer: {words}",
            "customers",
            lambda source, _: source[name].max(),
        )
    return Feature(
        f"customer_{name}={level}",
        f"1 if the customer's {words} is {level}, else 0.",
        f"{words} {level}",
        "yes or no",
        f"customer: {words}",
        "customers",
        lambda source, _: (source[name] == level).ifelse(1, (source[name] != level).ifelse(0, None)).max(),
    )


def features_of(log: TransactionLog) -> list[Feature]:
    """List the features that a log can tell, in the order of the columns."""
    return [
        *(feature for feature in _DECLARED if feature.needs is None or feature.needs in log.optional),
        *(feature for kind in log.kinds for feature in of_events(kind)),
        *(of_attribute(name, level) for name, levels in log.attributes for level in levels or (None,)),
    ]


def feature_named(name: str) -> Feature | None:
    """Find a feature by the name of its column, those of events and attributes too; None for any other column.

    Examples
    --------
    >>> feature_named("events_complaint_90").label
    'complaint in the last 90 days'
    >>> feature_named("customer_income=50-74K").label
    'income 50-74K'
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if event := re.fullmatch(r"events_(.+)_(since|\d+)", name, re.DOTALL):
        return next((feature for feature in of_events(event[1]) if feature.name == name), None)
    if attribute := re.fullmatch(r"customer_(.+?)(?:=(.*))?", name, re.DOTALL):
        return of_attribute(attribute[1], attribute[2])
    return None


def catalogue() -> pd.DataFrame:
    """List the declared features, in the order of the columns, for a reader.

    Returns
    -------
    DataFrame
        Indexed by name: description, label, unit, family, and needs: the column without which it is absent, or ''.

    Examples
    --------
    >>> catalogue().loc["days_since_last", "label"]
    'days since the last purchase'
    >>> catalogue()["needs"].value_counts().to_dict()
    {'': 26, 'order_id': 5, 'product_id': 3, 'category': 3, 'discount': 2}
    """
    columns = ("description", "label", "unit", "family", "needs")
    listed = [[getattr(feature, column) or "" for column in columns] for feature in _DECLARED]
    return pd.DataFrame(listed, index=pd.Index(CATALOGUE, name="name"), columns=list(columns))
