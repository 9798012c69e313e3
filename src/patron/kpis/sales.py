"""Sales: revenue, orders and buyers period by period, how often and how much they buy, how few bring how much."""

from __future__ import annotations

from typing import Final

import ibis
import pandas as pd

from patron.data.log import TransactionLog
from patron.features.purchases import purchases
from patron.kpis.groups import By, every_period, grouped, over
from patron.kpis.periods import Every, observed
from patron.kpis.spending import per_period

_TENTH: Final = 10


def sales(log: TransactionLog, every: Every = "month", by: By = None) -> pd.DataFrame:
    """Tell revenue, orders and buyers of each period, and what they come to a head.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    every : {'week', 'month', 'quarter', 'year'}
        Calendar periods; a week runs from Monday to Sunday.
    by : {'cohort', 'channel'}, Series indexed by customer_id, or None
        As in `activity`: a customer is of the channel of the first purchase, whatever channel later ones came through.

    Returns
    -------
    DataFrame
        A row a period, indexed by `period`, its first day, and the group if there are any; a last period that has not
        run out is left out.

        - revenue (float64): purchases minus refunds, each in the period of its own day, in major units;
        - orders (int64): orders, each on its last day; purchase days where the log has no order_id;
        - customers (int64): customers with a purchase day in the period;
        - average_order_value: revenue / orders, in major units;
        - purchase_frequency: orders / customers;
        - revenue_per_customer: revenue / customers = average_order_value x purchase_frequency, in major units;
        - repeat_rate: share of those customers who had bought before the period: 1 - new / customers, with `new` of
          `activity`;
        - top_10_share: share of what the period's customers paid, net of refunds and at least 0 each, that the tenth
          who paid most brought (of 11 customers, two).

        The last five are float64 and missing where the bottom is 0. What refunds take back entirely is no order and no
        purchase day, but its money is in the revenue: in when it was paid, out when it was paid back.

    Raises
    ------
    ConfigError
        `every` or `by` cannot be read.
    DataError
        No period was wholly observed; `by` asks for a channel that the log does not have.

    Examples
    --------
    >>> import patron.datasets
    >>> sales(patron.datasets.load_cdnow_sample(), every="quarter").iloc[:2, :4].round(2)
                  revenue  orders  customers  average_order_value
    period
    1997-01-01  112498.61    3169       2357                35.50
    1997-04-01   33629.63     920        524                36.55
    """
    periods = observed(log, every)
    bought = purchases(log, [log.observed_until])
    groups = grouped(log, bought, by)
    rows = groups.onto(per_period(log, bought, periods))
    keys = [*groups.keys, "period"]
    rows = rows.mutate(paid=((rows.amount > 0) & (rows.bought == 1)).ifelse(rows.amount, 0))
    rank = ibis.row_number().over(group_by=keys, order_by=rows.paid.desc())  # ties share one amount
    buyers = rows.bought.sum().over(group_by=keys)
    rows = rows.mutate(top=(rank < (buyers + _TENTH - 1) // _TENTH).ifelse(rows.paid, 0))
    sums = rows.group_by(keys).agg(
        amount=rows.amount.sum(), orders=rows.orders.sum(), customers=rows.bought.sum(),
        again=(rows.begun < rows.period).ifelse(rows.bought, 0).sum(), paid=rows.paid.sum(), top=rows.top.sum(),
    )  # fmt: skip
    frame = every_period(sums.to_pyarrow().to_pandas(), periods, groups)
    revenue = frame["amount"] / log.minor
    return pd.DataFrame(
        {
            "revenue": revenue,
            "orders": frame["orders"],
            "customers": frame["customers"],
            "average_order_value": over(revenue, frame["orders"]),
            "purchase_frequency": over(frame["orders"], frame["customers"]),
            "revenue_per_customer": over(revenue, frame["customers"]),
            "repeat_rate": over(frame["again"], frame["customers"]),
            "top_10_share": over(frame["top"], frame["paid"]),
        }
    )
