"""Worth: the simple customer lifetime value of textbooks beside the predicted one."""

from __future__ import annotations

from typing import Final

import ibis
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import DAYS_PER_YEAR, Day, Horizon, date_of, day_number
from patron._core.errors import ConfigError, DataError
from patron.data.log import TransactionLog
from patron.features.purchases import Purchases, purchases
from patron.kpis.groups import By, Groups, grouped, over

_SUMS: Final = ("customers", "orders", "amount", "active", "lapses")


def simple_value(
    log: TransactionLog,
    as_of: Day | None = None,
    margin: float = 1.0,
    acquisition_cost: float = 0.0,
    lifespan: float | None = None,
    by: By = None,
    scores: pd.DataFrame | None = None,
    active_within: str | Horizon = "90 days",
) -> pd.DataFrame:
    """Tell the simple CLV of textbooks, average order value x purchases a year x lifespan, beside the predicted one.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day, optional
        Up to when they are known; by default the day of `scores`, or the last day observed.
    margin : float
        The share of revenue that is kept; that of `scores` must be the same.
    acquisition_cost : float
        What a customer cost, in major units.
    lifespan : float, optional
        Years that a customer stays; by default estimated: years of being active in all / how often somebody lapsed.
    by : {'cohort', 'channel'}, Series indexed by customer_id, or None
        As in `activity`.
    scores : DataFrame, optional
        The score table: customer_id (a column or the index), clv and, if it is there, as_of.
    active_within : str or Horizon
        Active is who bought within so long, as in `activity`.

    Returns
    -------
    DataFrame
        A row a group, sorted, or one called 'all':

        - customers (int64): who have bought;
        - average_order_value: revenue net of refunds / orders, in major units;
        - purchases_a_year: orders / years of being active, of all customers together;
        - lifespan_years: years of being active / lapses; missing if nobody lapsed yet;
        - simple_clv: average_order_value x purchases_a_year x lifespan_years x margin - acquisition_cost;
        - predictive_clv, with scores: the mean of margin x what a customer paid so far + clv, - acquisition_cost;
        - difference, with scores: simple_clv - predictive_clv.

    Raises
    ------
    ConfigError
        `by` or `active_within` cannot be read; a lifespan or margin that is not above 0.
    DataError
        `as_of` outside the log, scores without clv or of another day, a customer in them twice.

    Notes
    -----
    The simple CLV is revenue, or margin, from the first purchase to the last of an average customer, undiscounted, and
    the same for all of a group. It takes every customer to lapse at one constant rate (years of being active / lapses
    is its maximum-likelihood estimate, running lives censored), and a life to end N days after its last purchase;
    who comes back begins a new one. The predicted CLV sees who bought how often and how lately, looks ahead for the
    scores' horizon only, and discounts.

    Examples
    --------
    >>> import patron.datasets
    >>> simple_value(patron.datasets.load_cdnow_sample(), margin=0.3).T.round(2)
                             all
    customers            2357.00
    average_order_value    36.45
    purchases_a_year        6.35
    lifespan_years          0.34
    simple_clv             23.30
    """
    for name, value in {"margin": margin, "lifespan": lifespan}.items():
        if value is not None and not value > 0:
            raise ConfigError(f"{name} is a number above 0, not {value!r}", fix="correct it")
    within = Horizon.parse(active_within).fixed_days("active_within")
    clv = None
    if scores is not None:
        as_of, clv = scored(scores, as_of)
    log = log if as_of is None else log.until(as_of)
    bought = purchases(log, [log.observed_until])
    groups = grouped(log, bought, by)
    rows = groups.onto(_lives(log, bought, within))
    totals = rows.aggregate({name: rows[name].sum() for name in _SUMS}, by=groups.keys)
    sums: pd.DataFrame = totals.to_pyarrow().to_pandas()
    sums = sums.set_index(groups.texts_of(sums)).sort_index()
    table = pd.DataFrame({"customers": sums["customers"]})
    table["average_order_value"] = over(sums["amount"] / log.minor, sums["orders"])
    table["purchases_a_year"] = over(sums["orders"] * DAYS_PER_YEAR, sums["active"])
    years = over(sums["active"] / DAYS_PER_YEAR, sums["lapses"])
    table["lifespan_years"] = years if lifespan is None else float(lifespan)
    yearly = table["average_order_value"] * table["purchases_a_year"]
    table["simple_clv"] = yearly * table["lifespan_years"] * margin - acquisition_cost
    if clv is not None:
        each = worth(log, bought, groups, clv, margin)
        table["predictive_clv"] = each["worth"].groupby(groups.texts_of(each)).mean() - acquisition_cost
        table["difference"] = table["simple_clv"] - table["predictive_clv"]
    return table[table["customers"] > 0]


def _lives(log: TransactionLog, bought: Purchases, within: int) -> Table:
    """Rows that sum up to what is known of customers: 1 a customer, orders, amounts, days of being active, lapses."""
    numbered = "order_id" in log.optional
    days = bought.days
    order = ibis.window(group_by="customer_id", order_by=ibis.desc("ago"))
    gap = days.ago - days.ago.lead().over(order)
    told = days.select(
        "customer_id",
        customers=(ibis.row_number().over(order) == 0).ifelse(1, 0),
        orders=ibis.literal(0 if numbered else 1),
        active=ibis.least(ibis.coalesce(gap, days.ago + 1), within),
        lapses=(ibis.coalesce(gap - 1, days.ago) >= within).ifelse(1, 0),
    )
    parts = [told, bought.payments.select("customer_id", "amount")]
    parts += [bought.orders.select("customer_id", orders=bought.orders.purchases)] if numbered else []
    zero = ibis.literal(0)
    return ibis.union(
        *(
            part.select("customer_id", **{n: (part[n] if n in part.columns else zero).cast("int64") for n in _SUMS})
            for part in parts
        )
    )


def scored(scores: pd.DataFrame, as_of: Day | None) -> tuple[Day | None, pd.Series]:
    """Check a score table; return its day, or `as_of` where it does not say, and the clv of each customer."""
    named = scores if "customer_id" in scores.columns else scores.reset_index()
    for name in ("customer_id", "clv"):
        if name not in named.columns:
            raise DataError("the scores have no such column", column=name, fix="give the score table")
    ids = named["customer_id"].astype(str)
    if ids.duplicated().any():
        raise DataError(
            "a customer occurs twice in the scores", column="customer_id", count=int(ids.duplicated().sum()),
            example=ids[ids.duplicated()].iloc[0], fix="give the scores of one day",
        )  # fmt: skip
    if "as_of" in named.columns and len(named):
        day = date_of(day_number(named["as_of"].iloc[0]))
        if as_of is not None and day_number(as_of) != day_number(day):
            raise DataError(f"the scores are of {day}", column="as_of", fix="leave as_of out")
        as_of = day
    clv: pd.Series = named["clv"].astype("float64").set_axis(ids)
    return as_of, clv


def worth(log: TransactionLog, bought: Purchases, groups: Groups, clv: pd.Series, margin: float) -> pd.DataFrame:
    """Tell what each scored customer brings from first to last: margin x paid so far + clv; and in which group."""
    paid = groups.onto(bought.payments.group_by("customer_id").agg(amount=bought.payments.amount.sum()))
    each: pd.DataFrame = paid.to_pyarrow().to_pandas().set_index("customer_id")
    each = each.join(clv.rename("clv"), how="inner")
    return each.assign(worth=each["amount"] / log.minor * margin + each["clv"])
