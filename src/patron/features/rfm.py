"""The summary that transaction and spend models are fitted on: frequency, recency, T and monetary value."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import UNIT_DAYS, Day, Grain, Unit, date_of, day_number
from patron.data.log import TransactionLog
from patron.features.catalogue import CATALOGUE
from patron.features.feature import ratio
from patron.features.per_customer import fetch, per_customer
from patron.features.purchases import purchases
from patron.features.sources import sources

_COUNTS = ("frequency", "recency", "T")


def rfm_summary(
    log: TransactionLog,
    as_of: Day,
    unit: Unit = "day",
    grain: Grain = "day",
    include_first: bool = False,
    gaps: bool = False,
) -> pd.DataFrame:
    """Summarise each customer's purchases up to the end of the as-of day.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day
        A calendar day in the log's time zone, wholly observed.
    unit : {'day', 'week', 'month', 'year'}
        What recency and T are measured in.
    grain : {'day', 'week', 'month'}
        What purchases merge by. A week runs from Monday to Sunday and time counts from Monday to Monday; months are
        calendar months and need the unit month.
    include_first : bool
        Count the first purchase in frequency and monetary_value too. Transaction models refuse such a summary;
        `GammaGamma` takes it.
    gaps : bool
        Add the column log_gaps, from which models of regular buyers tell how regular.

    Returns
    -------
    DataFrame
        Indexed by customer_id, sorted by it; one row for each customer who had bought.

        - frequency (int64): purchase periods after the first;
        - recency (float64): time from the first purchase to the last;
        - T (float64): time from the first purchase to `as_of`;
        - monetary_value (float64): mean of the repeat purchases in major units, 0 without one;
        - log_gaps (float64), on request: sum of the logarithms of the times between purchases, 0 without a repeat one.

        attrs: unit, grain, as_of (ISO text), include_first.

    Raises
    ------
    DataError
        `as_of` before the log's first day or after the last one observed, an unknown unit or grain.

    Notes
    -----
    Equals ``lifetimes.utils.summary_data_from_transaction_data`` of the rows up to `as_of`: day and day is its
    ``freq="D"``, unit week over grain day ``freq="D", freq_multiplier=7``, grain week its ``freq="W"``. They differ
    where lifetimes takes a refund for a purchase, and where it takes in the days after `as_of` of the same week.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science
    24(2).

    Examples
    --------
    >>> import patron.datasets
    >>> rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week").head(3).round(2)
                 frequency  recency      T  monetary_value
    customer_id
    00004                2    30.43  38.86           22.34
    00018                0     0.00  38.43            0.00
    00021                1     1.71  38.86           11.77
    """
    features = [CATALOGUE[name] for name in (*_COUNTS, "monetary_value")]
    if include_first:
        features[0] = replace(features[0], value=lambda source, _: source.count())
        features[3] = replace(
            features[3], value=lambda source, scale: ratio(source.amount.sum(), source.count() * scale.money)
        )
    customers = per_customer(log, [day_number(as_of)], unit, grain, features).drop("as_of")
    summary = fetch(customers, ["customer_id"]).set_index("customer_id")
    if gaps:
        summary["log_gaps"] = _log_gaps(log, as_of, unit, grain, summary.index)
    summary.attrs = _attrs(as_of, unit, grain, include_first=include_first)
    return summary


def rfm_counts(log: TransactionLog, as_of: Day, unit: Unit = "day", grain: Grain = "day") -> pd.DataFrame:
    """Count the customers of each distinct frequency, recency and T; a transaction model fits it like the rows.

    Parameters
    ----------
    log, as_of, unit, grain
        As in `rfm_summary`.

    Returns
    -------
    DataFrame
        frequency (int64), recency, T (float64), weight (int64: customers), sorted by the first three. attrs as there.

    Raises
    ------
    DataError
        As in `rfm_summary`.

    Examples
    --------
    >>> import patron.datasets
    >>> counts = rfm_counts(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> len(counts), int(counts["weight"].sum())
    (1016, 2357)
    """
    customers = per_customer(log, [day_number(as_of)], unit, grain, [CATALOGUE[name] for name in _COUNTS])
    counts = fetch(customers.group_by(_COUNTS).agg(weight=customers.count()), _COUNTS)
    counts.attrs = _attrs(as_of, unit, grain, include_first=False)
    return counts


def _log_gaps(
    log: TransactionLog, as_of: Day, unit: Unit, grain: Grain, customers: pd.Index
) -> npt.NDArray[np.float64]:
    """Sum the logarithms of each customer's gaps, from the shortest to the longest.

    An engine counts each customer's gaps by their length, in integers; logarithms are taken and added here, in one
    order, so that every engine gives the same bits.
    """
    days = [day_number(as_of)]
    bought = purchases(log, days)
    periods = sources(log, bought, days, grain, {"periods"})["periods"]
    before = periods.ago.lag().over(group_by=bought.by, order_by=ibis.desc("ago"))
    lengths = periods.select("customer_id", gap=before - periods.ago).filter(ibis._.gap > 0)
    counts = fetch(lengths.group_by("customer_id", "gap").agg(times=lengths.count()), ["customer_id", "gap"])
    gap = counts["gap"].to_numpy(np.float64) / (1.0 if grain == "month" else UNIT_DAYS[unit])
    row = customers.get_indexer(pd.Index(counts["customer_id"]))
    logs: npt.NDArray[np.float64] = np.log(gap) * counts["times"].to_numpy(np.float64)
    return np.bincount(row, logs, len(customers)).astype(np.float64)


def _attrs(as_of: Day, unit: Unit, grain: Grain, *, include_first: bool) -> dict[Hashable | None, Any]:
    day = date_of(day_number(as_of)).isoformat()
    return {"unit": unit, "grain": grain, "as_of": day, "include_first": include_first}
