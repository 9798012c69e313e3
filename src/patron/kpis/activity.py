"""Activity: how many customers are active, and who came, stayed, left and came back, period by period."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import Horizon
from patron.data.log import TransactionLog
from patron.features.purchases import purchases
from patron.kpis.groups import By, every_period, grouped, over
from patron.kpis.periods import Every, Periods, observed

_COUNTS = ["start", "new", "kept", "lost", "reactivated", "new_lapsed", "end"]


def activity(
    log: TransactionLog, every: Every = "month", active_within: str | Horizon = "90 days", by: By = None
) -> pd.DataFrame:
    """Count active customers, and those who came, stayed, left and came back in each period.

    A customer is active at the end of a day who bought on it or on one of the N - 1 days before: in the last N days. A
    day on which a customer only brought something back is no purchase day, nor is one of which refunds left nothing.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    every : {'week', 'month', 'quarter', 'year'}
        Calendar periods; a week runs from Monday to Sunday.
    active_within : str or Horizon
        N, a fixed length in days or weeks.
    by : {'cohort', 'channel'}, Series indexed by customer_id, or None
        Count by month of the first purchase ('YYYY-MM'), by its channel, or by a Series like the score table's segment;
        customers of whom nothing is known are '(unknown)'.

    Returns
    -------
    DataFrame
        A row a period, indexed by `period`, its first day, and the group if there are any; from the period of the
        first purchase to the last wholly observed: a period that has not run out is left out. Customers (int64):

        - start: active at the end of the day before the period;
        - new: bought for the first time ever in the period, whether still active at its end or not;
        - kept: of start, those active at the period's end;
        - lost: start - kept;
        - reactivated: had bought before the period, not active at its start, active at its end;
        - new_lapsed: of new, those no longer active at the period's end; 0 unless N is shorter than the period;
        - end: active at the end of the period's last day.

        And shares (float64, missing where start is 0):

        - retention: kept / start;
        - retention_net: (end - new) / start, the textbook's; it counts who came back as if they had stayed;
        - churn_rate: lost / start = 1 - retention.

    Raises
    ------
    ConfigError
        `every`, `active_within` or `by` cannot be read.
    DataError
        No period was wholly observed; `by` asks for a channel that the log does not have.

    Notes
    -----
    In every row, exactly: end = start + new + reactivated - lost - new_lapsed, and the next row's start is this row's
    end. Who came back and lapsed again within one period is in none of them. Who is active at the end of `as_of` + N
    is who has the label churned = 0 of `as_of` and horizon N. In the first N days of a log nobody can be lost.

    Examples
    --------
    >>> import patron.datasets
    >>> log = patron.datasets.load_cdnow_sample()
    >>> activity(log, every="quarter")[["start", "new", "kept", "lost", "reactivated", "end"]].head(3)
                start   new  kept  lost  reactivated   end
    period
    1997-01-01      0  2357     0     0            0  2357
    1997-04-01   2357     0   521  1836            0   521
    1997-07-01    521     0   211   310          198   409
    """
    periods, within = observed(log, every), Horizon.parse(active_within).fixed_days("active_within")
    bought = purchases(log, [log.observed_until])
    groups = grouped(log, bought, by)
    days = bought.days.select("customer_id", day=log.observed_until - bought.days.ago)
    rows = groups.onto(_changes(days, periods, within))
    changes: pd.DataFrame = (
        rows.group_by(*groups.keys, *rows.drop("customer_id", *groups.keys).columns)
        .agg(customers=rows.count())
        .to_pyarrow()
        .to_pandas()
    )
    counted = every_period(_flows(changes, groups.keys), periods, groups)
    gained = counted["new"] + counted["reactivated"] - counted["lost"] - counted["new_lapsed"]
    counted["end"] = (gained.groupby(level=1, sort=False) if groups.name else gained).cumsum()
    counted["start"] = counted["end"] - gained
    counted["kept"] = counted["start"] - counted["lost"]
    return counted[_COUNTS].assign(
        retention=over(counted["kept"], counted["start"]),
        retention_net=over(counted["end"] - counted["new"], counted["start"]),
        churn_rate=over(counted["lost"], counted["start"]),
    )


def _changes(days: Table, periods: Periods, within: int) -> Table:
    """One row a customer and period with a purchase: what was before it, and what came of it.

    Only the last purchase of a period decides who is active at its end and at the ends that follow. `until` is the
    first period at whose end that purchase no longer counts: the period itself if N is short. `came` is 0 for a new
    customer, 1 for one who was active at the start, 2 for one who was not; `left` is 1 if no purchase came by the end
    of `until`.
    """
    days = periods.onto(days, days.day)
    rows = days.group_by("customer_id", "period").agg(day=days.day.max())
    rows = periods.onto(rows, rows.day + within, "until").drop("day")
    order = ibis.window(group_by="customer_id", order_by=rows.period)
    before, after = rows.until.lag().over(order), rows.period.lead().over(order)
    return rows.mutate(
        came=(before >= rows.period).ifelse(1, (before < rows.period).ifelse(2, 0)),
        left=(after <= rows.until).ifelse(0, 1),
    )


def _flows(changes: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Turn the changes into who came and went in each period."""
    came, customers = changes["came"], changes["customers"]
    brief = changes["until"] == changes["period"]  # not active at the end of the very period
    here = changes[[*keys, "period"]].assign(
        new=customers.where(came == 0, 0),
        new_lapsed=customers.where((came == 0) & brief, 0),
        reactivated=customers.where((came == 2) & ~brief, 0),
        lost=customers.where((came == 1) & brief, 0),
    )
    gone = changes[(changes["left"] == 1) & ~brief]
    later = gone[keys].assign(period=gone["until"], lost=gone["customers"])
    return pd.concat([here, later]).fillna(0)
