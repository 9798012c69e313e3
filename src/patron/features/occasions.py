"""What BG/BB is fitted on: at how many of a customer's opportunities there was a purchase, and at which the last."""

from __future__ import annotations

import warnings
from typing import Any, Final

import ibis
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import Day, Horizon, date_of, day_number
from patron._core.errors import ConfigError, DataWarning
from patron.data.log import TransactionLog
from patron.features.per_customer import check_days, fetch
from patron.features.purchases import purchases
from patron.features.sources import period_of

_CALENDAR: Final = ("week", "month", "year")


def opportunities(log: TransactionLog, as_of: Day, period: str) -> pd.DataFrame:
    """Count each customer's opportunities to buy, and those taken, up to the end of the as-of day.

    Where purchases have their occasions, a gift a year or an order a month, the question is not how many there were
    but whether there was one: what is bought within a period counts once, and whole periods alone count. The period
    of the first purchase is no opportunity, the next one is the first.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day
        A calendar day in the log's time zone, wholly observed.
    period : str
        From one opportunity to the next. 'week' (Monday to Sunday), 'month' and 'year' are those of the calendar,
        the same for everybody. A fixed length, '28 days' or '2 weeks', runs from each customer's own first purchase:
        days 1 to 28 after it are the first opportunity, whoever else is in the log and whenever it ends.

    Returns
    -------
    DataFrame
        Indexed by customer_id, sorted by it; one row for each customer who had bought.

        - frequency (int64): opportunities with a purchase;
        - recency (int64): number of the last of these, 0 without one;
        - T (int64): opportunities so far, whole periods alone.

        attrs: unit (the period; a fixed length in days), as_of (ISO text), include_first (False).

    Raises
    ------
    DataError
        `as_of` before the log's first day or after the last one observed.
    ConfigError
        A period that is none of these.

    Warns
    -----
    DataWarning
        When `as_of` is not the last day of a week, month or year: what was bought in the one begun does not count.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. and Shang, J. (2010). Customer-base analysis in a discrete-time noncontractual
    setting. Marketing Science 29(6).

    Examples
    --------
    >>> import patron.datasets
    >>> opportunities(patron.datasets.load_cdnow_sample(), "1997-09-30", "month").head(3)
                 frequency  recency  T
    customer_id
    00004                1        7  8
    00018                0        0  8
    00021                0        0  8
    """
    today = day_number(as_of)
    check_days(log, [today], "day", "day")
    length = _length(period)
    days = purchases(log, [today]).days
    days = days.mutate(first=days.ago.max().over(group_by="customer_id"))
    if length is None:
        start = _number(today - days.first, period)
        number, past = _number(today - days.ago, period) - start, _number(today + 1, period) - 1 - start
        _say_what_is_left_out(today, period)
    else:
        number, past = (days.first - days.ago + length - 1) // length, days.first // length
    customers = _taken(days.mutate(number=number, past=past))
    frame = fetch(customers, ["customer_id"]).set_index("customer_id")
    unit = period if length is None else "day" if length == 1 else f"{length} days"
    frame.attrs = {"unit": unit, "as_of": date_of(today).isoformat(), "include_first": False}
    return frame


def _length(period: str) -> int | None:
    """Days of a period of fixed length; None for one of the calendar."""
    if period in _CALENDAR:
        return None
    length = Horizon.parse("1 day" if period == "day" else period)
    if not length.fixed:
        raise ConfigError(
            f"a period is week, month or year, or a fixed length, not '{length}'",
            fix="write it in days or weeks, like '28 days'",
        )
    return length.days()


def _number(day: Any, period: str) -> Any:
    """Count the calendar's periods up to the one that holds a day."""
    if period == "week":
        return (period_of(day, "week") - period_of(0, "week")) // 7
    months = period_of(day, "month")
    return months if period == "month" else (months + 2) // 12  # they are counted in years that begin on 1 March


def _taken(days: Table) -> Table:
    """Count, of purchase days with the `number` of their opportunity, each customer's opportunities taken."""
    taken = (days.number > 0) & (days.number <= days.past)
    counts = days.group_by("customer_id").agg(
        frequency=days.number.nunique(where=taken),
        recency=days.number.max(where=taken),
        T=ibis.greatest(days.past.max(), 0),
    )
    return counts.select(
        "customer_id",
        frequency=counts.frequency.cast("int64"),
        recency=counts.recency.fill_null(0).cast("int64"),
        T=counts["T"].cast("int64"),
    )


def _say_what_is_left_out(today: int, period: str) -> None:
    if _number(today + 1, period) == _number(today, period):
        begun = next(day for day in range(today, today - 366, -1) if _number(day - 1, period) < _number(today, period))
        warnings.warn(
            f"{date_of(today)} is not the last day of a {period}: purchases from {date_of(begun)} on do not count. "
            f"Choose the last day of a {period} as as_of.",
            DataWarning,
            stacklevel=3,
        )
