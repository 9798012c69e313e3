"""Subscriptions: how long contracts last, what they bring a month, and how that moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Column, Table

from patron._core.errors import ConfigError, DataError
from patron.data.log import TransactionLog
from patron.features.contracts import renewals
from patron.kpis.groups import UNKNOWN, Groups, every_period, over
from patron.kpis.periods import Every, observed
from patron.models.family.contract_inputs import cohort_table

_SHARES: Final = {"week": 1461, "month": 336, "quarter": 112, "year": 28}
"""A price of each billing period comes to this many 336ths a month: a year has 365.25 days."""
_MONTH: Final = _SHARES["month"]
_MOVES: Final = ["new", "reactivated", "expansion", "contraction", "churned"]


def survival(
    log: TransactionLog, every: Every = "month", by: Literal["cohort", "plan"] | None = None, *, grace: int = 0
) -> pd.DataFrame:
    """Estimate which share of subscriptions survives how many periods, after Kaplan and Meier.

    Contracts that still run count as long as they were seen (they are censored), not as lost.

    Parameters
    ----------
    log : TransactionLog
        A log that has subscriptions.
    every : {'week', 'month', 'quarter', 'year'}
        The periods that are counted, from each subscription's own first day.
    by : {'cohort', 'plan'}, optional
        A curve for each month of the first day ('YYYY-MM'), or for each plan, the last one held.
    grace : int
        Days without a contract after which a customer is lost; who signs sooner never left. See `patron.renewals`.

    Returns
    -------
    DataFrame
        A row a period since the first day, indexed by `age` (1, 2, ...), below the group if there are any:

        - at_risk (int64): subscriptions that reached the period and of which it was wholly observed;
        - lost (int64): those of them that ended in it;
        - churn_rate (float64): lost / at_risk;
        - survival (float64): the product of (1 - churn_rate) up to this age, the share that lasts longer.

        attrs: period.

    Raises
    ------
    ConfigError
        `every`, `by` or `grace` cannot be read.
    DataError
        A log without subscriptions, or without their plans.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. Journal of the American
    Statistical Association 53(282).

    Examples
    --------
    >>> import patron
    >>> log = patron.read_transactions(pd.DataFrame({"customer_id": ["a"], "time": ["2024-01-01"], "amount": [1.0]}),
    ...                                observed_until="2024-04-30")
    >>> log = log.with_subscriptions(pd.DataFrame(
    ...     {"customer_id": ["a", "b", "c"], "start": ["2024-01-01", "2024-01-15", "2024-02-01"],
    ...      "end": ["2024-01-31", None, "2024-03-31"]}))
    >>> survival(log).round(3)
         at_risk  lost  churn_rate  survival
    age
    1          3     1       0.333     0.667
    2          2     1       0.500     0.333
    3          1     0       0.000     0.333
    """
    if by not in (None, "cohort", "plan"):
        raise ConfigError(f"by is {by!r}", fix="'cohort', 'plan', or None for all subscriptions")
    period = every if every != "quarter" else "3 months"
    lived = renewals(log, str(np.datetime64(log.observed_until, "D")), period, grace=grace)
    if by is None:
        return _curve(lived)
    if by == "cohort":
        group = list(pd.DatetimeIndex(lived.index.get_level_values("start")).strftime("%Y-%m"))
    elif "plan" in lived:
        group = list(lived["plan"].fillna(UNKNOWN))
    else:
        raise DataError("the subscriptions have no plan", column="plan", fix="name it in with_subscriptions(plan=...)")
    told: pd.DataFrame = pd.concat({name: _curve(some) for name, some in lived.groupby(group)}, names=[by])
    told.attrs = {"period": lived.attrs["period"]}
    return told


def _curve(lived: pd.DataFrame) -> pd.DataFrame:
    table = cohort_table(lived).rename(columns={"period": "age"}).set_index("age").astype("int64")
    table["churn_rate"] = table["lost"] / table["at_risk"]
    table["survival"] = (1 - table["churn_rate"]).cumprod()
    table.attrs = {"period": lived.attrs["period"]}
    return table


def recurring_revenue(
    log: TransactionLog, every: Every = "month", billed: Every | Mapping[str, Every] = "month"
) -> pd.DataFrame:
    """Tell the monthly recurring revenue (MRR) at the end of each period, and how it moved since the one before.

    A customer's MRR on a day is the sum of the prices of the contracts that run on it, brought to a month.

    Parameters
    ----------
    log : TransactionLog
        A log that has subscriptions with prices.
    every : {'week', 'month', 'quarter', 'year'}
        Calendar periods.
    billed : {'week', 'month', 'quarter', 'year'} or mapping of plan to these
        What a price is for; a year has 365.25 days, a quarter three months.

    Returns
    -------
    DataFrame
        A row a period, indexed by `period`, its first day, from that of the first contract to the last wholly observed.
        In major units (float64):

        - start: MRR at the end of the day before the period;
        - new: of customers who paid at no earlier period's end;
        - reactivated: of customers who did, but not at the end of the last one;
        - expansion, contraction: what customers who paid at both ends pay more, and less;
        - churned: of customers who paid at the start and pay nothing at the end;
        - mrr: MRR at the end of the period's last day;
        - net_revenue_retention: (start + expansion - contraction - churned) / start;
        - gross_revenue_retention: (start - contraction - churned) / start.

        The last two are shares of this period, missing where start is 0; every="year" gives those of a year.

    Raises
    ------
    ConfigError
        `every` or `billed` cannot be read.
    DataError
        A log without subscriptions or their prices, a price below 0, a plan that `billed` does not name.

    Notes
    -----
    In every row, up to rounding: mrr = start + new + reactivated + expansion - contraction - churned, and the next
    row's start is this row's mrr. Only what runs at a period's end counts: a contract begun and ended within one is in
    no row. A contract without a price brings nothing; two rows that say the same are one contract.

    Examples
    --------
    >>> import patron
    >>> log = patron.read_transactions(pd.DataFrame({"customer_id": ["a"], "time": ["2024-01-01"], "amount": [1.0]}),
    ...                                observed_until="2024-03-31")
    >>> log = log.with_subscriptions(pd.DataFrame(
    ...     {"customer_id": ["a", "b", "b"], "start": ["2024-01-01", "2024-01-15", "2024-02-15"],
    ...      "end": ["2024-03-14", "2024-02-14", None], "price": [10, 20, 25]}))
    >>> recurring_revenue(log)[["start", "new", "expansion", "churned", "mrr", "net_revenue_retention"]].round(3)
                start   new  expansion  churned   mrr  net_revenue_retention
    period
    2024-01-01    0.0  30.0        0.0      0.0  30.0                    NaN
    2024-02-01   30.0   0.0        5.0      0.0  35.0                  1.167
    2024-03-01   35.0   0.0        0.0     10.0  25.0                  0.714
    """
    contracts = _priced(log, billed)
    begin = contracts.aggregate(day=contracts.start.min()).to_pyarrow()["day"][0].as_py()
    periods = observed(log, every, begin)
    begun = contracts.select("customer_id", day=contracts.start.cast("int64"), change=contracts.monthly)
    ended = contracts.drop_null("end")
    ended = ended.select("customer_id", day=ended.end.cast("int64") + 1, change=-ended.monthly)
    rows = begun.union(ended)
    rows = periods.onto(rows, rows.day).group_by("customer_id", "period").agg(change=ibis._.change.sum())
    moves: pd.DataFrame = _moves(rows.filter(rows.change != 0)).to_pyarrow().to_pandas()
    frame = every_period(moves, periods, Groups())
    change = frame["new"] + frame["reactivated"] + frame["expansion"] - frame["contraction"] - frame["churned"]
    mrr = change.cumsum()
    start = mrr - change
    stayed = start - frame["contraction"] - frame["churned"]
    money = pd.concat([start.rename("start"), frame[_MOVES], mrr.rename("mrr")], axis=1) / (_MONTH * log.minor)
    return money.assign(
        net_revenue_retention=over(stayed + frame["expansion"], start), gross_revenue_retention=over(stayed, start)
    )


def _priced(log: TransactionLog, billed: Every | Mapping[str, Every]) -> Table:
    """Contracts with customer_id, start, end, and monthly: what they bring a month, in 336ths of a minor unit."""
    table = log.subscriptions
    if table is None:
        raise DataError("this log has no subscriptions", fix="add them with log.with_subscriptions(...)")
    if "price" not in table.columns:
        raise DataError(
            "the subscriptions have no price", column="price", fix="name it in with_subscriptions(price=...)"
        )
    table = table.select([name for name in table.columns if name in {"customer_id", "start", "end", "plan", "price"}])
    rows = table.drop_null("price").distinct()
    facts = rows.aggregate(n=rows.count(), below=(rows.price < 0).ifelse(1, 0).sum()).to_pyarrow().to_pylist()[0]
    if not facts["n"]:
        raise DataError("no subscription has a price", column="price", fix="give prices in major units")
    if facts["below"]:
        raise DataError("a price below 0", column="price", count=int(facts["below"]), fix="correct these rows")
    shares = _shares(rows, billed)
    return rows.select("customer_id", "start", "end", monthly=rows.price.cast("int64") * shares)


def _shares(rows: Table, billed: Every | Mapping[str, Every]) -> Any:
    """How many 336ths of a price are a month's."""
    names = set(billed.values()) if isinstance(billed, Mapping) else {billed}
    if unknown := sorted(map(str, names - set(get_args(Every)))):
        raise ConfigError(f"billed by {unknown[0]!r}", fix=f"one of {', '.join(_SHARES)}, or such a one for each plan")
    if not isinstance(billed, Mapping):
        return _SHARES[billed]
    if "plan" not in rows.columns:
        raise DataError("the subscriptions have no plan", column="plan", fix="name it in with_subscriptions(plan=...)")
    plans = rows.drop_null("plan").select("plan").distinct().to_pyarrow()["plan"].to_pylist()
    if absent := sorted(set(plans) - set(billed)):
        raise DataError(
            "billed does not say what the price of a plan is for",
            column="plan",
            example=absent[0],
            fix="name every plan in billed",
        )
    share: Column = rows.plan.cases(*((plan, _SHARES[billed[plan]]) for plan in sorted(plans)), else_=_MONTH)
    return share


def _moves(rows: Table) -> Table:
    """Sum up what customers' changes are, period by period: one row a period."""
    order = ibis.window(group_by="customer_id", order_by=rows.period)
    after = rows.change.sum().over(ibis.cumulative_window(group_by="customer_id", order_by=rows.period))
    rows = rows.mutate(after=after, before=after - rows.change, place=ibis.row_number().over(order))
    came, stays = rows.before == 0, (rows.before > 0) & (rows.after > 0)
    kinds = {
        "new": came & (rows.place == 0),
        "reactivated": came & (rows.place > 0),
        "expansion": stays & (rows.change > 0),
        "contraction": stays & (rows.change < 0),
        "churned": rows.after == 0,
    }
    return rows.group_by("period").agg(
        **{name: kind.ifelse(rows.change.abs(), 0).sum() for name, kind in kinds.items()}
    )
