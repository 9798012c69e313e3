"""The declared list of features: what each is called, what it says, and the one expression that computes it.

A new feature is one more entry here. Its expression aggregates, a customer and as-of day, the rows of one source:

========== =============================================================================================
source     one row
========== =============================================================================================
payments   money moved: `ago`, `amount` (refunds negative)
days       a purchase day that counts: `ago`, `amount` left by refunds, `purchases` (its rows)
gaps       the same with `gap`, the days since the purchase day before (null for the first)
periods    the same days merged by the grain: `ago`, here in whole periods, and `amount`
orders     an order that counts, on its last day: `ago`, `purchases` (1)
========== =============================================================================================

Time is told backwards: `ago` is days before the as-of day, 0 on the day itself; no source holds a later row, so no
feature can look ahead. An expression counts, sums and compares integers and ends in one float operation, so that every
engine gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

Source = Literal["payments", "days", "gaps", "periods", "orders"]
LABELS: Final = ("churned", "purchases_next", "spend_next")
"""What a snapshot adds to the features; nobody knows it at scoring."""
WINDOWS: Final = (7, 30, 90, 180, 365)
"""Days counted back from the as-of day, itself included."""


@dataclass(frozen=True)
class Scale:
    """What turns the integers of a source into the units asked for.

    Attributes
    ----------
    time : float
        Steps of `periods` in one time unit: 7.0 for the unit week over the grain day.
    money : int
        Minor units in one major unit.
    """

    time: float
    money: int


@dataclass(frozen=True)
class Feature:
    """One feature: its name, its meaning in words, and its expression.

    Attributes
    ----------
    name : str
        Column name.
    description : str
        What it is, for the documentation.
    label : str
        What it is, short, for a reason shown to a person.
    unit : str
        What it is counted in; 'time unit' is the one asked for.
    family : str
        Features that tell the same story, counted together in reasons.
    source : {'payments', 'days', 'gaps', 'periods', 'orders'}
        Whose rows it aggregates.
    value : callable
        (source, scale) -> aggregate expression.
    window : int, optional
        Days back that it looks; missing where these begin before the log does.
    dtype : {'float64', 'int64'}
        Type of the column; only a feature that is never missing is an integer.
    """

    name: str
    description: str
    label: str
    unit: str
    family: str
    source: Source
    value: Callable[[Table, Scale], Value]
    window: int | None = None
    dtype: Literal["float64", "int64"] = "float64"


def ratio(top: Value, bottom: Value) -> Value:
    """Divide two integers as floats; missing where the bottom is 0."""
    return top.cast("float64") / bottom.nullif(0).cast("float64")


def within(source: Table, days: int, column: str | None = None) -> Value:
    """Sum of a column, or the number of rows, over the last `days` days, the as-of day included."""
    return (source.ago < days).ifelse(1 if column is None else source[column], 0).sum()


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
]
CATALOGUE: Final[dict[str, Feature]] = {feature.name: feature for feature in _DECLARED}
"""Every feature by its name, in the order of the columns."""


def catalogue() -> pd.DataFrame:
    """List the features, in the order of the columns, for a reader.

    Returns
    -------
    DataFrame
        Indexed by name: description, label, unit, family.

    Examples
    --------
    >>> catalogue().loc["days_since_last", "label"]
    'days since the last purchase'
    >>> len(catalogue())
    26
    """
    columns = ("description", "label", "unit", "family")
    listed = [[getattr(feature, column) for column in columns] for feature in _DECLARED]
    return pd.DataFrame(listed, index=pd.Index(CATALOGUE, name="name"), columns=list(columns))
