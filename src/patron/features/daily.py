"""Purchases along the calendar: first and repeat purchases by day, gaps by length, the days of one customer or some."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from patron._core.calendar import as_stamps
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.per_customer import fetch
from patron.features.purchases import purchases


def purchases_by_day(log: TransactionLog) -> pd.DataFrame:
    """Count first and repeat purchases of every day, as known at the end of the log.

    Parameters
    ----------
    log : TransactionLog
        The transactions; what a customer buys on one day is one purchase.

    Returns
    -------
    DataFrame
        Indexed by day, from the log's first to the last one observed: first, repeat (int64).

    Examples
    --------
    >>> import patron.datasets
    >>> purchases_by_day(patron.datasets.load_cdnow_sample()).sum().to_dict()
    {'first': 2357, 'repeat': 4339}
    """
    days = purchases(log, [log.observed_until]).days
    firsts = days.group_by("customer_id").agg(ago=days.ago.max())
    every, first = (
        fetch(table.group_by("ago").agg(count=table.count()), ["ago"]).set_index("ago")["count"]
        for table in (days, firsts)
    )
    ago = pd.RangeIndex(log.observed_until - log.first_day, -1, -1)
    first = first.reindex(ago, fill_value=0).astype("int64")
    repeat = every.reindex(ago, fill_value=0).astype("int64") - first
    found = pd.DataFrame({"first": first, "repeat": repeat})
    found.index = as_stamps(log.observed_until - ago.to_numpy()).rename("day")
    return found


def gaps(log: TransactionLog) -> pd.Series:
    """Count the gaps between one purchase day of a customer and the next by their length.

    Parameters
    ----------
    log : TransactionLog
        The transactions.

    Returns
    -------
    Series
        Indexed by days, ascending: how many gaps were that long (int64). A gap still open is none.

    Examples
    --------
    >>> import patron.datasets
    >>> gaps(patron.datasets.load_cdnow_sample()).head(2).to_dict()
    {1: 133, 2: 98}
    """
    days = purchases(log, [log.observed_until]).days
    before = days.ago.lag().over(group_by="customer_id", order_by=ibis.desc("ago"))
    lengths = days.select(days=before - days.ago).filter(ibis._.days > 0)
    counts = fetch(lengths.group_by("days").agg(gaps=lengths.count()), ["days"])
    return counts.astype("int64").set_index("days")["gaps"]


def purchase_days(log: TransactionLog, customer_id: str) -> pd.DatetimeIndex:
    """Return the days on which one customer bought, ascending, as known at the end of the log.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    customer_id : str
        Whose.

    Raises
    ------
    DataError
        When this customer bought nothing.

    Examples
    --------
    >>> import patron.datasets
    >>> purchase_days(patron.datasets.load_cdnow_sample(), "00004")[:2].strftime("%Y-%m-%d").tolist()
    ['1997-01-01', '1997-01-18']
    """
    days = purchases(log, [log.observed_until]).days
    own = fetch(days.filter(days.customer_id == str(customer_id)).select("ago"), ["ago"])
    if own.empty:
        raise DataError(
            "this customer bought nothing",
            column="customer_id",
            example=str(customer_id),
            fix="choose one of the log's, written as there, leading zeros too",
        )
    return as_stamps(log.observed_until - own["ago"].to_numpy()[::-1]).rename("day")


def purchase_days_of_some(log: TransactionLog, customers: int) -> pd.DataFrame:
    """Return the purchase days of some customers, spread evenly over all in the order of their first purchases.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    customers : int
        How many, at least one; all, where there are no more.

    Returns
    -------
    DataFrame
        One row a customer and purchase day: customer (0, 1, ... by first purchase), day; sorted by both.

    Raises
    ------
    DataError
        When nobody bought, or no customer is asked for.

    Examples
    --------
    >>> import patron.datasets
    >>> purchase_days_of_some(patron.datasets.load_cdnow_sample(), 2).head(2)
       customer        day
    0         0 1997-01-01
    1         0 1997-01-18
    """
    days = purchases(log, [log.observed_until]).days
    firsts = fetch(days.group_by("customer_id").agg(ago=days.ago.max()), ["customer_id"])
    if firsts.empty or customers < 1:
        raise DataError("there is nobody to draw", fix="take a log with purchases, and at least one customer")
    ids = firsts.sort_values("ago", ascending=False, kind="stable")["customer_id"].to_numpy()
    some = pd.Index(ids[np.linspace(0, len(ids) - 1, min(customers, len(ids))).round().astype(int)])
    own = fetch(days.filter(days.customer_id.isin(list(some))).select("customer_id", "ago"), ["ago"])
    told = pd.DataFrame(
        {
            "customer": some.get_indexer(own["customer_id"]),
            "day": as_stamps(log.observed_until - own["ago"].to_numpy()),
        }
    )
    return told.sort_values(["customer", "day"], ignore_index=True)
