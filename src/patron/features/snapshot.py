"""Features of every customer as of one day or several, and the labels of what each did next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import Day, Grain, Horizon, Unit, as_stamps, date_of, day_numbers
from patron._core.errors import DataError
from patron._core.progress import track
from patron.data.log import TransactionLog
from patron.features.catalogue import LABELS, Which, features_of
from patron.features.per_customer import check_days, fetch, per_customer
from patron.features.purchases import STATE, purchases

_ROWS_AT_ONCE: Final = 2_000_000  # of the log, times as-of days


def features(
    log: TransactionLog,
    as_of: Day | Iterable[Day],
    *,
    unit: Unit = "day",
    grain: Grain = "day",
    which: Which = "all",
) -> pd.DataFrame:
    """Tell of every customer who had bought by the as-of day what the log can.

    What is seen is the log to the end of the as-of day and nothing later, so the features of a day stay what they are
    when the log grows.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day or iterable of days
        Calendar days in the log's time zone, each wholly observed.
    unit : {'day', 'week', 'month', 'year'}
        What recency and T are measured in. All other durations are in days.
    grain : {'day', 'week', 'month'}
        What purchases merge by in frequency, recency, T and monetary_value, as in `rfm_summary`.
    which : {'all', 'core'} or iterable of str or Feature
        All that the log can tell, the 26 of `CORE`, or those named; only what they need is computed. A `Feature` of
        one's own stands beside the names as it is declared.

    Returns
    -------
    DataFrame
        One row a customer and as-of day, indexed by customer_id and as_of, sorted by as_of, then customer_id; all are
        the columns of the catalogue as far as the log has what they need, then those of its events by kind and of its
        customers' attributes; int64 or float64. attrs: unit, grain.

    Raises
    ------
    DataError
        An as-of day before the log's first or after the last one observed, an unknown unit or grain; a feature that
        is none, or that needs what the log does not have.

    Notes
    -----
    A window is missing where it begins before the log's first day; a customer younger than the window has the true
    count.

    Examples
    --------
    >>> import patron.datasets
    >>> log = patron.datasets.load_cdnow_sample()
    >>> features(log, "1998-03-31")[["frequency", "days_since_last", "spend_90", "gap_mean"]].head(3)
                            frequency  days_since_last  spend_90  gap_mean
    customer_id as_of
    00004       1998-03-31          3              109       0.0     115.0
    00018       1998-03-31          0              451       0.0       NaN
    00021       1998-03-31          1              442       0.0      12.0
    """
    days = day_numbers(as_of)
    check_days(log, days, unit, grain)
    wanted = features_of(log, which)
    frame = _stack(log, days, lambda some: per_customer(log, some, unit, grain, wanted), "features")
    frame.attrs = {"unit": unit, "grain": grain}
    return frame


def snapshots(
    log: TransactionLog,
    as_of: Day | Iterable[Day],
    horizon: str | Horizon = "90 days",
    *,
    unit: Unit = "day",
    grain: Grain = "day",
    which: Which = "all",
) -> pd.DataFrame:
    """`features` of one as-of day or several, with the labels of the `horizon` after each.

    Parameters
    ----------
    log, as_of, unit, grain, which
        As in `features`.
    horizon : str or Horizon
        A fixed length H in days or weeks. The labels of as_of see as_of < day <= as_of + H, wholly observed.

    Returns
    -------
    DataFrame
        The frame of `features` and three labels, as known at the end of as_of + H:

        - churned (int8): 1 if no day after as_of counts as a purchase day;
        - purchases_next (int64): the purchase days after as_of that count, whatever the grain;
        - spend_next (float64): purchases minus refunds dated after as_of, in major units, floored at 0 a customer.

        attrs: unit, grain, horizon_days, spend_floored (what the floor cut away, in all).

    Raises
    ------
    DataError
        A horizon that ends after the last day observed; the text names the last as-of day possible. And as `features`.
    ConfigError
        A horizon that is not a fixed length.

    Examples
    --------
    >>> import patron.datasets
    >>> log = patron.datasets.load_cdnow_sample()
    >>> frame = snapshots(log, ["1997-09-30", "1998-03-31"], horizon="91 days")
    >>> frame.groupby("as_of")[list(LABELS)].sum()
                churned  purchases_next  spend_next
    as_of
    1997-09-30     1955             726    27872.95
    1998-03-31     2057             495    17980.54
    """
    ahead = Horizon.parse(horizon).fixed_days("horizon")
    days = day_numbers(as_of)
    check_days(log, days, unit, grain)
    last = log.observed_until - ahead
    if days[-1] > last:
        raise DataError(
            f"the {ahead} days after {date_of(days[-1])} are not wholly observed, the log ends on "
            f"{date_of(log.observed_until)}",
            fix=f"as_of on {date_of(last)} at the latest, or a shorter horizon"
            if last >= log.first_day
            else "a shorter horizon",
        )
    wanted = features_of(log, which)

    def labelled(some: Sequence[int]) -> Table:
        known = per_customer(log, some, unit, grain, wanted).view()  # so that the joins before are done with
        return known.left_join(_ahead(log, some, ahead), STATE).drop("customer_id_right", "as_of_right")

    frame = _stack(log, days, labelled, "snapshots")
    count, spend = (frame[name].fillna(0).astype("int64") for name in ("days_ahead", "minor_ahead"))
    labels = {
        "churned": (count == 0).astype("int8"),
        "purchases_next": count,
        "spend_next": spend.clip(lower=0) / log.minor,
    }
    frame = pd.concat([frame.drop(columns=["days_ahead", "minor_ahead"]), pd.DataFrame(labels)], axis=1)
    floored = -int(spend.clip(upper=0).sum()) / log.minor
    frame.attrs = {"unit": unit, "grain": grain, "horizon_days": ahead, "spend_floored": floored}
    return frame


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the features of a frame of `snapshots` from its labels.

    Parameters
    ----------
    frame : DataFrame
        As `snapshots` gives it; columns may have been added.

    Returns
    -------
    X : DataFrame
        Everything but the labels, with the frame's attrs.
    labels : DataFrame
        churned, purchases_next, spend_next.

    Raises
    ------
    DataError
        A label is absent.
    """
    for name in LABELS:
        if name not in frame.columns:
            raise DataError("the frame has no such label", column=name, fix="make it with snapshots, not features")
    return frame.drop(columns=list(LABELS)), frame[list(LABELS)]


def _ahead(log: TransactionLog, days: Sequence[int], ahead: int) -> Table:
    """Purchase days and net minor units of each customer in the `ahead` days after each day, as known at their end."""
    bought = purchases(log, [day + ahead for day in days])
    later, paid = (table.filter(table.ago < ahead) for table in (bought.days, bought.payments))
    counts = later.group_by(*bought.by).agg(days_ahead=later.count())
    spend = paid.group_by(*bought.by).agg(minor_ahead=paid.amount.sum())
    both = spend.left_join(counts, bought.by).select(*bought.by, "days_ahead", "minor_ahead")
    return both.mutate(as_of=both.as_of - ahead if len(days) > 1 else ibis.literal(days[0], "int64"))


def _stack(log: TransactionLog, days: list[int], expression: Callable[[list[int]], Table], what: str) -> pd.DataFrame:
    """Run the expression of the as-of days, as many at once as keep the rows in hand few, and index the result."""
    at_once = max(1, _ROWS_AT_ONCE // log.rows)
    groups = [days[start : start + at_once] for start in range(0, len(days), at_once)]
    order = list(reversed(STATE))
    frame = pd.concat([fetch(expression(group), order) for group in track(groups, what)], ignore_index=True)
    customers, stamps = pd.Index(frame.pop("customer_id")), as_stamps(frame.pop("as_of"))
    if len(days) > 1:
        frame.index = pd.MultiIndex.from_arrays([customers, stamps], names=STATE)
    else:  # each customer has one row, in order: nothing to look up
        parts: dict[str, Any] = {
            "levels": [customers, stamps[:1]],
            "codes": [np.arange(len(customers)), np.zeros(len(customers), dtype=np.int8)],
        }
        frame.index = pd.MultiIndex(**parts, names=STATE, verify_integrity=False)
    return frame
