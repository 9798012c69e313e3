"""Features named by the log itself: what happened besides purchases, by its kind, and what is known of a customer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from patron.features.feature import THOUSAND, Expression, Feature, Scale, ratio

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from patron.data.log import TransactionLog

EVENT_WINDOWS: Final = (30, 90)
"""Days counted back from the as-of day, itself included."""
_LONGEST: Final = max(EVENT_WINDOWS)


def of_events(kind: str, *, valued: bool = False) -> list[Feature]:
    """Declare the features of one kind of event: how many lately, how long since the last; and of its values."""
    words = kind.replace("_", " ")
    family = f"events: {words}"

    def count(days: int) -> Feature:
        return Feature(
            f"events_{kind}_{days}", f"Events of the kind {kind} in the last {days} days.",
            f"{words} in the last {days} days", "events", family, "events",
            lambda events, _: _sum(events, kind, "times", days), window=days, absent=0.0,
        )  # fmt: skip

    since = Feature(
        f"events_{kind}_since", f"Days since the last event of the kind {kind}; missing without one.",
        f"days since the last {words}", "days", family, "events",
        lambda events, _: (events.kind == kind).ifelse(events.ago, None).min(),
    )  # fmt: skip
    values = [
        Feature(
            f"events_{kind}_latest", f"Value of the latest event of the kind {kind} that has one; their mean on a day.",
            f"latest value of {words}", "number", family, "events",
            _latest(kind),
        ),
        Feature(
            f"events_{kind}_mean", f"Mean value of the events of the kind {kind} in the last {_LONGEST} days.",
            f"mean value of {words} in the last {_LONGEST} days", "number", family, "events",
            lambda events, _: ratio(
                _sum(events, kind, "value", _LONGEST), _sum(events, kind, "valued", _LONGEST) * THOUSAND
            ), window=_LONGEST,
        ),
        Feature(
            f"events_{kind}_change", f"Value of the latest event of the kind {kind} minus the mean of those before it.",
            f"latest value of {words} against those before", "number", family, "events",
            _change(kind),
        ),
    ]  # fmt: skip
    return [*map(count, EVENT_WINDOWS), since, *(values if valued else ())]


def _sum(events: Table, kind: str, column: str, days: int | None = None) -> Value:
    of_kind = events.kind == kind
    return (of_kind if days is None else of_kind & (events.ago < days)).ifelse(events[column], 0).sum()


def _last(events: Table, kind: str, column: str) -> Value:
    """Take a column of the last day on which an event of the kind had a value."""
    told = (events.kind == kind) & (events.valued > 0)
    return told.ifelse(events[column], None).argmin(told.ifelse(events.ago, None))


def _latest(kind: str) -> Expression:
    return lambda events, _: ratio(_last(events, kind, "value"), _last(events, kind, "valued") * THOUSAND)


def _change(kind: str) -> Expression:
    def value(events: Table, scale: Scale) -> Value:
        last, n = _last(events, kind, "value"), _last(events, kind, "valued")
        before = ratio(_sum(events, kind, "value") - last, (_sum(events, kind, "valued") - n) * THOUSAND)
        return _latest(kind)(events, scale) - before

    return value


def of_attribute(name: str, level: str | None = None) -> Feature:
    """Declare what is known of customers: a number, or whether a text is `level`; missing where it is not known."""
    words = name.replace("_", " ")
    if level is None:
        return Feature(
            f"customer_{name}", f"The customer's {words}.",
            words, "number", f"customer: {words}", "customers",
            lambda customers, _: customers[name].max(),
        )  # fmt: skip
    return Feature(
        f"customer_{name}={level}", f"1 if the customer's {words} is {level}, else 0.",
        f"{words} {level}", "yes or no", f"customer: {words}", "customers",
        lambda customers, _: (customers[name] == level).ifelse(1, (customers[name] != level).ifelse(0, None)).max(),
    )  # fmt: skip


def event_features(log: TransactionLog) -> Iterator[Feature]:
    """Declare the features of the events that a log has, kind by kind."""
    for kind in log.kinds:
        yield from of_events(kind, valued=kind in log.valued)


def attribute_features(log: TransactionLog) -> Iterator[Feature]:
    """Declare the features of the attributes that a log has of its customers, level by level."""
    for name, levels in log.attributes:
        for level in levels or (None,):
            yield of_attribute(name, level)


def named(column: str) -> Feature | None:
    """Find the feature of an event or attribute by the name of its column."""
    if event := re.fullmatch(r"events_(.+)_(since|latest|mean|change|\d+)", column, re.DOTALL):
        return next((feature for feature in of_events(event[1], valued=True) if feature.name == column), None)
    if attribute := re.fullmatch(r"customer_(.+?)(?:=(.*))?", column, re.DOTALL):
        return of_attribute(attribute[1], attribute[2])
    return None
