"""The declared list of features: what each is called, what it says, and the one expression that computes it.

A feature is three lines of the list: its name and description; its label, unit, family and source; its expression, what
its source and expression may hold being told in `feature.py`. What happened besides purchases and what is known of a
customer become features by their own names: `named.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from patron._core.errors import DataError
from patron.features import formulae
from patron.features.feature import RECENT, THOUSAND, Feature, change, earliest, how_many, latest, ratio, within
from patron.features.named import attribute_features, event_features, named

if TYPE_CHECKING:
    from patron.data.log import TransactionLog

LABELS: Final = ("churned", "purchases_next", "spend_next")
"""What a snapshot adds to the features; nobody knows it at scoring."""
WINDOWS: Final = (7, 30, 90, 180, 365)
"""Days counted back from the as-of day, itself included."""
WEEKS: Final = (14, 28, 56)
"""The same in whole weeks, so that each holds every weekday equally often."""
SEASON: Final = 364 - RECENT
"""Days before the as-of day at which the 90 days end that followed it 52 weeks ago."""
CORE: Final = (
    "frequency", "recency", "T", "monetary_value", "days_since_last",
    "purchases_7", "purchases_30", "purchases_90", "purchases_180", "purchases_365",
    "spend_7", "spend_30", "spend_90", "spend_180", "spend_365",
    "active_days_7", "active_days_30", "active_days_90", "active_days_180", "active_days_365",
    "gap_mean", "gap_std", "gap_max", "overdue_ratio", "purchases_trend", "spend_trend",
)  # fmt: skip
"""The 26 that never change: any log tells them, and ten million transactions in seconds."""
Which = Literal["all", "core"] | Iterable[str | Feature]
"""All that a log can tell, the core, or those named; a feature of one's own stands there as it is declared."""


def _purchases(days: int) -> Feature:
    return Feature(
        f"purchases_{days}", f"Orders of the last {days} days; purchase rows where the log has no order numbers.",
        f"purchases in the last {days} days", "orders", "activity", "orders",
        lambda orders, _: within(orders, days, "purchases"), window=days,
    )  # fmt: skip


def _spend(days: int) -> Feature:
    return Feature(
        f"spend_{days}", f"Purchases minus refunds dated in the last {days} days.",
        f"spend in the last {days} days", "money", "spend", "payments",
        lambda payments, scale: within(payments, days, "amount").cast("float64") / scale.money, window=days,
    )  # fmt: skip


def _active_days(days: int) -> Feature:
    return Feature(
        f"active_days_{days}", f"Purchase days among the last {days} days.",
        f"purchase days in the last {days} days", "days", "activity", "days",
        lambda purchase_days, _: within(purchase_days, days), window=days,
    )  # fmt: skip


# fmt: off
_DECLARED = [
    # the core
    Feature("frequency", "Repeat purchases: purchase periods after the first.",
            "repeat purchases", "purchases", "frequency", "periods",
            lambda periods, _: periods.count() - 1, dtype="int64"),
    Feature("recency", "Age of the customer at the last purchase, from the first; not the time since the last.",
            "age at the last purchase", "time unit", "age", "periods",
            lambda periods, scale: (periods.ago.max() - periods.ago.min()).cast("float64") / scale.time),
    Feature("T", "Age of the customer at the as-of day, from the first purchase.",
            "time since the first purchase", "time unit", "age", "periods",
            lambda periods, scale: periods.ago.max().cast("float64") / scale.time),
    Feature("monetary_value", "Mean amount of the repeat purchases; 0 without one.",
            "mean spend a purchase", "money", "spend", "periods",
            formulae.repeat_spend),
    Feature("days_since_last", "Days from the last purchase to the as-of day.",
            "days since the last purchase", "days", "silence", "days",
            lambda days, _: days.ago.min(), dtype="int64"),
    *map(_purchases, WINDOWS),
    *map(_spend, WINDOWS),
    *map(_active_days, WINDOWS),
    Feature("gap_mean", "Mean of the days between one purchase day and the next; needs two purchase days.",
            "usual days between purchases", "days", "rhythm", "gaps",
            formulae.gap_mean),
    Feature("gap_std", "Standard deviation of those days (n - 1); needs three purchase days.",
            "spread of the days between purchases", "days", "rhythm", "gaps",
            formulae.gap_std),
    Feature("gap_max", "Longest of those stretches so far; needs two purchase days.",
            "longest silence so far", "days", "rhythm", "gaps",
            lambda gaps, _: gaps.gap.max()),
    Feature("overdue_ratio", "Days since the last purchase over the mean gap; above 1 the customer is late. Missing "
            "for one-time buyers.",
            "silence against the customer's own rhythm", "ratio", "silence", "gaps",
            lambda gaps, _: ratio(gaps.ago.min() * gaps.gap.count(), gaps.gap.sum())),
    Feature("purchases_trend", "Mean position of the repeat purchase days between the first purchase (0) and the "
            "as-of day (1): one half is a steady pace, less is slowing down, more is speeding up (Laplace's test). "
            "Missing for one-time buyers.",
            "pace of purchases, early against late", "ratio", "trend", "days",
            formulae.laplace),
    Feature("spend_trend", "Purchases of the last 90 days minus those of the 90 before, over both: from -1 (stopped) "
            "to 1 (just begun). Missing without a purchase in these 180 days.",
            "spend of the last 90 days against the 90 before", "ratio", "trend", "days",
            lambda days, _: change(days, RECENT, "amount"), window=2 * RECENT),
    # activity and spend in whole weeks, and when the season was the one ahead
    *map(_spend, WEEKS),
    *map(_active_days, WEEKS),
    Feature("active_weeks_84", "Of the last twelve weeks, counted back from the as-of day, those with a purchase day.",
            "weeks with a purchase among the last twelve", "weeks", "activity", "days",
            lambda days, _: (days.ago < 84).ifelse(days.ago // 7, None).nunique(), window=84),
    Feature("spend_total", "Purchases minus refunds so far.",
            "spend so far", "money", "spend", "payments",
            lambda payments, scale: payments.amount.sum().cast("float64") / scale.money),
    Feature("active_days_season_90", "Purchase days among the 90 days that followed this day 52 weeks ago.",
            "purchase days in the same season a year ago", "days", "season", "days",
            lambda days, _: within(days, 364) - within(days, SEASON), window=364),
    Feature("spend_season_90", "Purchases minus refunds dated in the 90 days that followed this day 52 weeks ago.",
            "spend in the same season a year ago", "money", "season", "payments",
            lambda payments, scale: (within(payments, 364, "amount") - within(payments, SEASON, "amount"))
            .cast("float64") / scale.money, window=364),
    Feature("gift_season_share_365", "Of the purchase days of the last 365 days, the share in November and December.",
            "share of purchase days in November and December", "share", "season", "dates",
            lambda dates, _: ratio(how_many((dates.ago < 365) & (dates.month >= 11)), within(dates, 365)), window=365),
    # rhythm and silence
    Feature("gap_cv", "Standard deviation of the gaps between purchase days over their mean: 0 is clockwork, 1 is "
            "chance, more is bursts.",
            "irregularity of the days between purchases", "ratio", "rhythm", "gaps",
            lambda gaps, scale: formulae.gap_std(gaps, scale) / formulae.gap_mean(gaps, scale)),
    Feature("gap_last", "Days between the last two purchase days.",
            "last stretch between purchases, in days", "days", "rhythm", "gaps",
            lambda gaps, _: latest(gaps, "gap")),
    Feature("gap_last_ratio", "Days between the last two purchase days over the mean gap.",
            "last stretch between purchases against the usual one", "ratio", "rhythm", "gaps",
            lambda gaps, _: ratio(latest(gaps, "gap") * gaps.gap.count(), gaps.gap.sum())),
    Feature("gap_max_180", "Longest gap that ended in the last 180 days.",
            "longest silence that ended in the last 180 days", "days", "rhythm", "gaps",
            lambda gaps, _: (gaps.ago < 180).ifelse(gaps.gap, None).max(), window=180),
    Feature("gap_trend_90", "Mean of the gaps that ended in the last 90 days over that of all gaps: above 1 is slower.",
            "recent days between purchases against the usual ones", "ratio", "trend", "gaps",
            formulae.gap_trend, window=RECENT),
    Feature("days_overdue", "Days since the last purchase minus the mean gap: days since the next one was due by the "
            "customer's own rhythm, negative before.",
            "days past the expected return", "days", "silence", "gaps",
            formulae.days_overdue),
    Feature("overdue_spread", "Those days over the standard deviation of the gaps.",
            "lateness against the spread of the customer's rhythm", "ratio", "silence", "gaps",
            lambda gaps, scale: formulae.days_overdue(gaps, scale) / formulae.gap_std(gaps, scale).nullif(0.0)),
    Feature("overdue_max", "Days since the last purchase over the longest gap; above 1 the silence has never been so "
            "long.",
            "silence against the longest so far", "ratio", "silence", "gaps",
            lambda gaps, _: ratio(gaps.ago.min(), gaps.gap.max())),
    Feature("gaps_longer", "Share of the gaps so far that were longer than the present silence.",
            "share of earlier silences that were longer", "share", "silence", "habits",
            lambda habits, _: ratio(how_many(habits.gap > habits.silence), habits.gap.count())),
    # trends
    Feature("active_days_trend_28", "Purchase days of the last 28 days minus those of the 28 before, over both.",
            "purchase days of the last 28 days against the 28 before", "ratio", "trend", "days",
            lambda days, _: change(days, 28), window=56),
    Feature("spend_trend_28", "Purchases of the last 28 days minus those of the 28 before, over both.",
            "spend of the last 28 days against the 28 before", "ratio", "trend", "days",
            lambda days, _: change(days, 28, "amount"), window=56),
    Feature("pace_28", "Purchase days of the last 28 days over as many days' worth of the customer's pace so far.",
            "purchase days of the last 28 days against the usual pace", "ratio", "trend", "days",
            formulae.pace(28), window=28),
    Feature("spend_pace_90", "Purchases of the last 90 days over as many days' worth of the customer's so far.",
            "spend of the last 90 days against the usual pace", "ratio", "trend", "days",
            formulae.pace(RECENT, "amount"), window=RECENT),
    # single purchases
    Feature("spend_last", "Amount of the last purchase day.",
            "spend at the last purchase", "money", "spend", "days",
            lambda days, scale: latest(days, "amount").cast("float64") / scale.money),
    Feature("spend_last_ratio", "Amount of the last purchase day over the mean of all.",
            "spend at the last purchase against the usual", "ratio", "trend", "days",
            lambda days, _: ratio(latest(days, "amount") * days.count(), days.amount.sum())),
    Feature("spend_max", "Largest amount of a purchase day.",
            "largest purchase", "money", "spend", "days",
            lambda days, scale: days.amount.max().cast("float64") / scale.money),
    Feature("days_since_large", "Days since a purchase day of at least the customer's mean amount.",
            "days since the last purchase of the usual size", "days", "silence", "habits",
            formulae.since_large),
    Feature("spend_spread", "Mean deviation of a purchase day's amount from the customer's mean, over that mean. "
            "Missing for one-time buyers.",
            "spread of the spend a purchase", "ratio", "spend", "habits",
            formulae.spend_spread),
    Feature("first_spend", "Amount of the first purchase day.",
            "spend at the first purchase", "money", "first purchase", "days",
            lambda days, scale: earliest(days, "amount").cast("float64") / scale.money),
    Feature("first_month", "Month of the first purchase, from 1 to 12.",
            "month of the first purchase", "month", "first purchase", "dates",
            lambda dates, _: earliest(dates, "month")),
    Feature("first_lines", "Lines bought on the first purchase day.",
            "lines at the first purchase", "lines", "first purchase", "days",
            lambda days, _: earliest(days, "purchases"), needs="order_id"),
    Feature("first_discount_share", "Discounts of the first purchase day over what it would have cost without them.",
            "share of the price saved at the first purchase", "share", "first purchase", "baskets",
            formulae.first_discount, needs="discount"),
    # refunds
    Feature("refund_share", "Refunds so far over purchases so far.",
            "share of the spend refunded", "share", "refunds", "payments",
            formulae.refund_share),
    Feature("days_since_refund", "Days since the last refund; missing without one.",
            "days since the last refund", "days", "refunds", "payments",
            lambda payments, _: (payments.amount < 0).ifelse(payments.ago, None).min()),
    # baskets and weekdays
    Feature("basket_value", "Mean amount of an order.",
            "mean spend an order", "money", "baskets", "orders",
            lambda orders, scale: ratio(orders.amount.sum(), orders.purchases.sum() * scale.money), needs="order_id"),
    Feature("basket_value_90", "Mean amount of an order of the last 90 days.",
            "mean spend an order in the last 90 days", "money", "baskets", "orders",
            lambda orders, scale: ratio(
                within(orders, RECENT, "amount"), within(orders, RECENT, "purchases") * scale.money
            ), window=RECENT, needs="order_id"),
    Feature("basket_lines", "Mean number of lines of an order.",
            "lines an order", "lines", "baskets", "orders",
            lambda orders, _: ratio(orders.lines.sum(), orders.purchases.sum()), needs="order_id"),
    Feature("basket_lines_90", "Mean number of lines of an order of the last 90 days.",
            "lines an order in the last 90 days", "lines", "baskets", "orders",
            lambda orders, _: ratio(within(orders, RECENT, "lines"), within(orders, RECENT, "purchases")),
            window=RECENT, needs="order_id"),
    Feature("basket_trend", "Mean amount of an order of the last 90 days over that of all orders so far: below 1 "
            "baskets are shrinking.",
            "spend an order, of the last 90 days against all", "ratio", "baskets", "orders",
            formulae.basket_trend("amount"), window=RECENT, needs="order_id"),
    Feature("basket_lines_trend", "Mean number of lines of an order of the last 90 days over that of all orders.",
            "lines an order, of the last 90 days against all", "ratio", "baskets", "orders",
            formulae.basket_trend("lines"), window=RECENT, needs="order_id"),
    Feature("weekend_share", "Orders whose day was a Saturday or Sunday, over all orders so far.",
            "share of orders at the weekend", "share", "weekdays", "orders",
            lambda orders, _: ratio((orders.weekday >= 5).ifelse(orders.purchases, 0).sum(), orders.purchases.sum()),
            needs="order_id"),
    Feature("weekday_habit", "Chance that two orders, drawn at random with replacement, fell on the same day of the "
            "week: about 1/7 for a customer without habits, 1 for one who always comes on the same day.",
            "habit of coming on the same weekday", "share", "weekdays", "orders",
            formulae.weekday_habit, needs="order_id"),
    # products, categories, channels
    Feature("products_28", "Different products bought in the last 28 days.",
            "different products in the last 28 days", "products", "variety", "products",
            lambda products, _: how_many(products["last"] < 28), window=28, needs="product_id", absent=0.0),
    Feature("products_90", "Different products bought in the last 90 days.",
            "different products in the last 90 days", "products", "variety", "products",
            lambda products, _: how_many(products["last"] < RECENT), window=RECENT, needs="product_id", absent=0.0),
    Feature("products_new_90", "Of the products bought in the last 90 days, the share that the customer had not bought "
            "before.",
            "share of new products in the last 90 days", "share", "variety", "products",
            lambda products, _: ratio(how_many(products["first"] < RECENT), how_many(products["last"] < RECENT)),
            window=RECENT, needs="product_id"),
    Feature("products_again", "Of all products bought so far, the share bought on more than one day.",
            "share of products bought again", "share", "variety", "products",
            lambda products, _: ratio(how_many(products["first"] > products["last"]), products.count()),
            needs="product_id"),
    Feature("products_dropped_90", "Of the products bought on more than one day, the share not bought in the last 90 "
            "days.",
            "share of usual products dropped in the last 90 days", "share", "variety", "products",
            lambda products, _: ratio(
                how_many((products["first"] > products["last"]) & (products["last"] >= RECENT)),
                how_many(products["first"] > products["last"]),
            ), window=RECENT, needs="product_id"),
    Feature("categories_90", "Different categories bought from in the last 90 days.",
            "different categories in the last 90 days", "categories", "variety", "categories",
            lambda categories, _: how_many(categories.lines > 0), window=RECENT, needs="category", absent=0.0),
    Feature("categories_new_90", "Of the categories bought from in the last 90 days, the share that the customer had "
            "not bought from before.",
            "share of new categories in the last 90 days", "share", "variety", "categories",
            lambda categories, _: ratio(how_many(categories["first"] < RECENT), how_many(categories.lines > 0)),
            window=RECENT, needs="category"),
    Feature("categories_dropped_90", "Of the categories bought from in the 90 days before the last 90, the share not "
            "bought from since.",
            "share of categories dropped in the last 90 days", "share", "variety", "categories",
            lambda categories, _: ratio(
                how_many((categories.before > 0) & (categories.lines == 0)), how_many(categories.before > 0)
            ), window=2 * RECENT, needs="category"),
    Feature("category_habit_90", "Chance that two lines of the last 90 days, drawn at random with replacement, were of "
            "the same category.",
            "habit of buying the same category", "share", "variety", "categories",
            lambda categories, _: ratio(
                (categories.lines * categories.lines).sum(), categories.lines.sum() * categories.lines.sum()
            ), window=RECENT, needs="category"),
    Feature("top_category_share_90", "Spend of the last 90 days on the category most was spent on, over the spend on "
            "all categories.",
            "share of spend on the favourite category", "share", "variety", "categories",
            lambda categories, _: ratio(categories.amount.max(), categories.amount.sum()),
            window=RECENT, needs="category"),
    Feature("channels_90", "Different channels bought through in the last 90 days.",
            "different channels in the last 90 days", "channels", "channels", "channels",
            lambda channels, _: how_many(channels.lines > 0), window=RECENT, needs="channel", absent=0.0),
    Feature("channels_new_90", "Of the channels bought through in the last 90 days, the share that the customer had "
            "not bought through before.",
            "share of new channels in the last 90 days", "share", "channels", "channels",
            lambda channels, _: ratio(how_many(channels["first"] < RECENT), how_many(channels.lines > 0)),
            window=RECENT, needs="channel"),
    Feature("top_channel_share_90", "Spend of the last 90 days through the channel most was spent through, over the "
            "spend through all.",
            "share of spend through the favourite channel", "share", "channels", "channels",
            lambda channels, _: ratio(channels.amount.max(), channels.amount.sum()),
            window=RECENT, needs="channel"),
    # discounts and quantities
    Feature("discount_share", "Discounts so far over what the lines would have cost without them.",
            "share of the price saved by discounts", "share", "discounts", "baskets",
            formulae.discount_share, needs="discount"),
    Feature("discount_share_90", "Discounts of the last 90 days over what the lines would have cost without them.",
            "share of the price saved by discounts in the last 90 days", "share", "discounts", "baskets",
            formulae.discount_share_90, window=RECENT, needs="discount"),
    Feature("discount_trend_90", "That share of the last 90 days minus that of all days so far.",
            "discounts of the last 90 days against all", "share", "discounts", "baskets",
            lambda baskets, scale: formulae.discount_share_90(baskets, scale)
            - formulae.discount_share(baskets, scale), window=RECENT, needs="discount"),
    Feature("discounted_lines_90", "Of the lines of the last 90 days, the share with a discount.",
            "share of discounted lines in the last 90 days", "share", "discounts", "baskets",
            lambda baskets, _: ratio(within(baskets, RECENT, "discounted"), within(baskets, RECENT, "lines")),
            window=RECENT, needs="discount"),
    Feature("quantity_90", "Units bought in the last 90 days.",
            "units in the last 90 days", "units", "quantities", "baskets",
            lambda baskets, _: within(baskets, RECENT, "quantity").cast("float64") / THOUSAND,
            window=RECENT, needs="quantity", absent=0.0),
    Feature("multiples_90", "Of the lines of the last 90 days, the share of more than one unit.",
            "share of lines of several units in the last 90 days", "share", "quantities", "baskets",
            lambda baskets, _: ratio(within(baskets, RECENT, "multiples"), within(baskets, RECENT, "lines")),
            window=RECENT, needs="quantity"),
    Feature("unit_price_90", "Mean price of a unit bought in the last 90 days.",
            "price a unit in the last 90 days", "money", "quantities", "baskets",
            lambda baskets, scale: ratio(
                within(baskets, RECENT, "priced") * THOUSAND, within(baskets, RECENT, "quantity") * scale.money
            ), window=RECENT, needs="quantity"),
]
# fmt: on
CATALOGUE: Final[dict[str, Feature]] = {feature.name: feature for feature in _DECLARED}
"""Every declared feature by its name, in the order of the columns."""


def features_of(log: TransactionLog, which: Which = "all") -> list[Feature]:
    """List the features that a log can tell, in the order of the columns.

    Parameters
    ----------
    log : TransactionLog
        The transactions, and what stands beside them.
    which : {'all', 'core'} or iterable of str or Feature
        All of them, the core, or those named, in that order; a `Feature` of one's own is taken as it is.

    Raises
    ------
    DataError
        A name that is no feature, or one that needs what the log does not have; a name given twice.

    Examples
    --------
    >>> import patron.datasets
    >>> log = patron.datasets.load_cdnow_sample()
    >>> len(features_of(log)), len(features_of(log, "core")), len(features_of(log, ["T", "gap_cv"]))
    (62, 26, 2)
    """
    told = [feature for feature in CATALOGUE.values() if feature.needs is None or feature.needs in log.optional]
    told += [*event_features(log), *attribute_features(log)]
    if isinstance(which, str) and which == "all":
        return told
    by_name = {feature.name: feature for feature in told}
    asked = CORE if isinstance(which, str) and which == "core" else [which] if isinstance(which, str) else list(which)
    found = [one if isinstance(one, Feature) else _told(one, by_name) for one in asked]
    names = [feature.name for feature in found]
    for name in names:
        if names.count(name) > 1:
            raise DataError("a feature named twice", column=name, fix="name each once")
    return found


def _told(name: str, by_name: dict[str, Feature]) -> Feature:
    """Find a feature among those that a log tells, or say what it lacks."""
    if name in by_name:
        return by_name[name]
    known = feature_named(name)
    if known is None:
        close = difflib.get_close_matches(name, [*by_name, "all", "core"], 1)
        raise DataError("no such feature", column=name, fix=f"did you mean {close[0]}?" if close else "see `CATALOGUE`")
    raise DataError(
        f"a feature that this log cannot tell: it has no {known.needs or known.source} for it",
        column=name,
        fix="read the log with what it needs, or leave the feature out",
    )


def feature_named(name: str) -> Feature | None:
    """Find a feature by the name of its column, those of events and attributes too; None for any other column.

    Examples
    --------
    >>> feature_named("events_complaint_90").label
    'complaint in the last 90 days'
    >>> feature_named("customer_income=50-74K").label
    'income 50-74K'
    """
    return CATALOGUE.get(name) or named(name)


def catalogue() -> pd.DataFrame:
    """List the declared features, in the order of the columns, for a reader.

    Returns
    -------
    DataFrame
        Indexed by name: description, label, unit, family, source, and needs: the column without which it is absent,
        or ''.

    Examples
    --------
    >>> catalogue().loc["days_since_last", "label"]
    'days since the last purchase'
    >>> catalogue()["needs"].value_counts()[["", "order_id"]].to_dict()
    {'': 59, 'order_id': 9}
    """
    return table(CATALOGUE.values())


def table(features: Iterable[Feature]) -> pd.DataFrame:
    """Return one row a feature, in words; see `catalogue`."""
    columns = ("description", "label", "unit", "family", "source", "needs")
    listed = {f.name: [getattr(f, column) or "" for column in columns] for f in features}
    return pd.DataFrame.from_dict(listed, orient="index", columns=list(columns)).rename_axis("name")
