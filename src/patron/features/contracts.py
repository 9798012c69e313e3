"""Renewals: what contracts say of each customer as of a day, for the contractual models."""

from __future__ import annotations

from typing import Any, Final

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import Day, Horizon, as_stamps, date_of, day_number
from patron._core.errors import ConfigError, DataError
from patron.data.engines import connect, settle
from patron.data.log import TransactionLog
from patron.features.per_customer import check_days, fetch
from patron.models.family.contract_inputs import read_period

Days = npt.NDArray[np.int64]
_MONTHS: Final = {"month": 1, "year": 12}


def renewals(subscriptions: Any, as_of: Day, period: str, *, grace: int = 0) -> pd.DataFrame:
    """Count how many renewals each contract has survived up to the end of the as-of day, and which are lost.

    Parameters
    ----------
    subscriptions : TransactionLog, frame, path or ibis.Table
        A log that has subscriptions, or a table with columns customer_id, start, end (the last day; empty or later
        than `as_of` is still open) and, if there are any, plan and price.
    as_of : day
        A calendar day, wholly observed. Nothing that happened later shows.
    period : str
        From one renewal to the next: 'week', 'month', '3 months', 'year', '28 days'. Months and years run to the
        calendar day of the start, or the last of a shorter month.
    grace : int
        Days without a contract after which a customer is lost. A contract that starts sooner continues the one
        before: a change of plan, a late payment. 0 asks for the very next day.

    Returns
    -------
    DataFrame
        Indexed by customer_id and start, sorted by both; one row a relationship: contracts of one customer that follow
        each other within the grace, or overlap, are one. Who left and came back has two.

        - renewals (int64): how many were survived; 0 in the first period, and for whoever left in it;
        - lost (bool): ended, and the grace has passed without a new contract;
        - periods (int64): for how many periods the relationship was at risk, as far as they are complete, grace
          included; fits count these alone;
        - plan (text): the last one's, if the table has plans.

        attrs: period, as_of.

    Raises
    ------
    DataError
        As `TransactionLog.with_subscriptions`; a log without subscriptions; `as_of` outside what was observed.
    ConfigError
        `period` or `grace` cannot be read.

    Notes
    -----
    The count is that of Fader and Hardie (2007): who leaves at the end of the first period has survived 0 renewals.
    A period that has not run out on `as_of` counts for nobody, whether they left in it or not: else those who leave
    early in it would weigh more than those who stay.

    Examples
    --------
    >>> contracts = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "b", "c"],
    ...         "start": ["2024-01-31", "2024-01-10", "2024-03-10", "2024-02-01"],
    ...         "end": [None, "2024-03-09", "2024-04-09", "2024-02-29"],
    ...         "plan": ["basic", "basic", "plus", "basic"],
    ...     }
    ... )
    >>> renewals(contracts, "2024-04-30", "month")
                            renewals   lost  periods   plan
    customer_id start
    a           2024-01-31         3  False        3  basic
    b           2024-01-10         2   True        3   plus
    c           2024-02-01         0   True        1  basic
    """
    length = read_period(period)
    grace = read_grace(grace)
    day = day_number(as_of)
    log = subscriptions if isinstance(subscriptions, TransactionLog) else read_alone(subscriptions, day)
    if log.subscriptions is None:
        raise DataError("this log has no subscriptions", fix="add them with log.with_subscriptions(...)")
    if log is subscriptions:
        check_days(log, [day], "day", "day")
    rows = fetch(_relationships(log.subscriptions, day, grace), ["customer_id", "start"])
    start, end = rows["start"].to_numpy(dtype=np.int64), rows["end"].to_numpy(dtype=np.int64)
    survived = renewals_due(start, np.minimum(end, day), length)
    lost = end + grace < day
    frame = rows[["customer_id"]].assign(
        start=as_stamps(start),
        renewals=survived,
        lost=lost,
        periods=np.minimum(survived + lost, renewals_due(start, np.full_like(start, day - grace), length)),
    )
    if "plan" in rows:
        frame["plan"] = rows["plan"]
    frame = frame.set_index(["customer_id", "start"])
    frame.attrs = {"period": str(length), "as_of": date_of(day).isoformat()}
    return frame


def read_grace(grace: Any) -> int:
    """Read a number of days without a contract; a ConfigError for anything else."""
    if isinstance(grace, bool) or not isinstance(grace, int | np.integer) or grace < 0:
        raise ConfigError(f"grace is a whole number of days, 0 or more, not {grace!r}", fix="correct it")
    return int(grace)


def read_alone(source: Any, day: int) -> TransactionLog:
    """Read subscriptions that belong to no transactions, by the reader of those that do."""
    engine = connect()
    nobody = settle(ibis.memtable({"customer_id": []}, schema={"customer_id": "string"}), engine)
    log = TransactionLog(
        table=nobody, first_day=day, observed_until=day, timezone="UTC", currency="USD", minor=100, rows=0, refunds=0,
        n_customers=0, optional=frozenset(), engine=engine,
    )  # fmt: skip
    return log.with_subscriptions(source)


def _relationships(contracts: Table, day: int, grace: int) -> Table:
    """One row a relationship: customer_id, start, end (beyond `day` where it is open) and the last plan."""
    rows = contracts.filter(contracts.start <= day)
    end = (rows.end <= day).ifelse(rows.end.cast("int64"), day + 1)
    told = ["plan"] if "plan" in rows.columns else []
    rows = rows.select("customer_id", *told, start=rows.start.cast("int64"), end=end).distinct()
    order: dict[str, Any] = {"group_by": "customer_id", "order_by": ["start", "end", *told]}  # no two rows tie
    rows = rows.mutate(before=rows.end.max().over(ibis.window(preceding=(None, 1), **order)))
    rows = rows.mutate(anew=(rows.start <= rows.before + 1 + grace).ifelse(0, 1))
    rows = rows.mutate(relationship=rows.anew.sum().over(ibis.window(preceding=None, following=0, **order)))
    by = ["customer_id", "relationship"]
    ends = {"start": rows.start.min(), "end": rows.end.max()}
    if not told:
        return rows.group_by(by).agg(**ends).drop("relationship")
    rows = rows.mutate(latest=rows.start.max().over(group_by=by))
    return rows.group_by(by).agg(**ends, plan=rows.plan.max(where=rows.start == rows.latest)).drop("relationship")


def renewals_due(start: Days, until: Days, period: Horizon) -> Days:
    """How many renewals fall due up to `until`: the k-th on the day that is k periods after `start`."""
    if period.fixed:
        whole: Days = np.maximum(until - start, 0) // period.days()
        return whole
    step = period.count * _MONTHS[period.unit]
    month, day_of_month = _months(start)
    last, last_day = _months(until)
    due: Days = (last - month) // step
    reached = np.minimum(day_of_month, _length(month + due * step)) <= last_day
    due -= (month + due * step == last) & ~reached
    return np.maximum(due, 0)


def falls_on(start: Days, count: Days, period: Horizon) -> Days:
    """Return the day on which the `count`-th renewal falls due: the first that is no longer paid for."""
    if period.fixed:
        fixed: Days = start + count * period.days()
        return fixed
    month, day_of_month = _months(start)
    month = month + count * period.count * _MONTHS[period.unit]
    first = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    day: Days = first + np.minimum(day_of_month, _length(month)) - 1
    return day


def _months(days: Days) -> tuple[Days, Days]:
    """Months since 1970-01, and the day within the month."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64), (dates - months.astype("datetime64[D]")).astype(np.int64) + 1


def _length(months: Days) -> Days:
    """Days of each month."""
    first = months.astype("datetime64[M]")
    days: Days = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    return days
