"""Acquisition: what a channel's customers cost, what they bring, and when they have brought what they cost."""

from __future__ import annotations

from typing import Final

import pandas as pd

from patron._core.errors import ConfigError, DataError
from patron.data.log import TransactionLog
from patron.features.purchases import purchases
from patron.kpis.groups import UNKNOWN, Groups, grouped, month_text, over
from patron.kpis.periods import observed
from patron.kpis.spending import per_period
from patron.kpis.worth import scored

COSTS: Final = ("channel", "month", "cost")
_COHORT: Final = ["channel", "month"]


def acquisition(
    log: TransactionLog, costs: pd.DataFrame, scores: pd.DataFrame | None = None, margin: float = 1.0
) -> pd.DataFrame:
    """Hold what customers bring against what they cost, by channel of the first purchase.

    Parameters
    ----------
    log : TransactionLog
        A log with a channel.
    costs : DataFrame
        channel, month ('YYYY-MM'), cost: what was paid, in major units, for the customers of that channel who first
        bought in that month. Rows of the same channel and month add up. Customers of other channels and months take no
        part: what they cost is not known.
    scores : DataFrame, optional
        The score table: customer_id (a column or the index), clv and, if it is there, as_of.
    margin : float
        The share of revenue that is kept; that of `scores` must be the same.

    Returns
    -------
    DataFrame
        A row a channel with costs, indexed by `channel`, sorted:

        - customers (int64): who first bought in one of the months with costs;
        - cost (float64): what they cost in all, in major units;
        - cac: cost / customers;
        - clv: the mean of margin x what a customer paid so far + clv of the scores; without scores of the former
          alone, which is a lower bound;
        - clv_to_cac: clv / cac;
        - payback_months: after how many calendar months, that of the first purchase counted as one, a customer's
          cumulative margin had reached cac; missing if it has not yet. The margin of a month is the mean over the
          cohorts that have been seen for so long.

    Raises
    ------
    ConfigError
        A margin that is not above 0.
    DataError
        A log without channel, costs that cannot be read, scores without clv, no month wholly observed.

    Examples
    --------
    >>> import patron
    >>> log = patron.read_transactions(pd.DataFrame(
    ...     {"customer_id": ["a", "a", "b"], "time": ["2024-01-03", "2024-02-01", "2024-01-20"],
    ...      "amount": [30.0, 40.0, 10.0], "channel": "ads"}), channel="channel", observed_until="2024-02-29")
    >>> acquisition(log, pd.DataFrame({"channel": ["ads"], "month": ["2024-01"], "cost": [50.0]}))
             customers  cost   cac   clv  clv_to_cac  payback_months
    channel
    ads              2  50.0  25.0  40.0         1.6             2.0
    """
    if not margin > 0:
        raise ConfigError(f"margin is a number above 0, not {margin!r}", fix="correct it")
    paid = _checked(costs)
    clv = None
    if scores is not None:
        day, clv = scored(scores, None)
        log = log if day is None else log.until(day)
    periods = observed(log, "month")
    bought = purchases(log, [log.observed_until])
    groups = grouped(log, bought, "channel")
    rows = groups.onto(per_period(log, bought, periods)).drop_null("begun")
    age = (rows.period > rows.begun).ifelse(rows.period - rows.begun, 0)
    cells = rows.group_by(*groups.keys, "begun", age=age).agg(customers=rows.bought.sum(), amount=rows.amount.sum())
    spent = _of_cohorts(cells.to_pyarrow().to_pandas(), groups, paid)
    spent["money"] = spent["amount"] * margin / log.minor
    spent["customers"] = spent["customers"].where(spent["age"] == 0, 0)
    table = spent.groupby("channel")[["customers", "money"]].sum().reindex(sorted(set(paid["channel"])), fill_value=0)
    table.index.name = "channel"
    table["customers"] = table["customers"].astype("int64")
    table.insert(1, "cost", paid.groupby("channel")["cost"].sum())
    table["cac"] = over(table["cost"], table["customers"])
    table["clv"] = over(table.pop("money"), table["customers"])
    if clv is not None:
        whole = rows.group_by("customer_id", *groups.keys, "begun").agg(amount=rows.amount.sum())
        each = _of_cohorts(whole.to_pyarrow().to_pandas(), groups, paid).merge(clv.rename("clv"), on="customer_id")
        table["clv"] = (each["amount"] * margin / log.minor + each["clv"]).groupby(each["channel"]).mean()
    table["clv_to_cac"] = over(table["clv"], table["cac"])
    table["payback_months"] = [
        _payback(spent[spent["channel"] == channel], cac, periods.last) for channel, cac in table["cac"].items()
    ]
    return table


def _of_cohorts(rows: pd.DataFrame, groups: Groups, paid: pd.DataFrame) -> pd.DataFrame:
    """Name channel and month of rows that have codes for them, and keep those with costs."""
    named = rows.assign(channel=groups.texts_of(rows), month=rows["begun"].map(month_text))
    return named.merge(paid[_COHORT].drop_duplicates(), on=_COHORT)


def _payback(spent: pd.DataFrame, cac: float, last: int) -> float:
    """Count the months until the cumulative margin of a customer reaches cac."""
    if not cac > 0:
        return cac  # nothing to pay back, or nobody to pay it
    sizes = spent.groupby("begun")["customers"].sum()
    margin = 0.0
    for age in range(last - int(sizes.index.min()) + 1):
        seen = sizes[sizes.index + age <= last]
        margin += spent.loc[(spent["age"] == age) & spent["begun"].isin(seen.index), "money"].sum() / seen.sum()
        if margin >= cac:
            return age + 1.0
    return float("nan")


def _checked(costs: pd.DataFrame) -> pd.DataFrame:
    for name in COSTS:
        if name not in costs.columns:
            raise DataError("the costs have no such column", column=name, fix=f"give {', '.join(COSTS)}")
    told = pd.DataFrame(
        {
            "channel": costs["channel"].astype("object").fillna(UNKNOWN).astype(str),
            "month": costs["month"].astype(str),
            "cost": pd.to_numeric(costs["cost"], errors="coerce"),
        }
    )
    for name, good, fix in (
        ("month", told["month"].str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])"), "write it as YYYY-MM"),
        ("cost", told["cost"] >= 0, "a number of 0 or more, in the currency of the amounts"),
    ):
        if not good.all():
            bad = costs.loc[~good.to_numpy(), name]
            raise DataError(f"not a {name}", column=name, count=len(bad), example=bad.iloc[0], fix=fix)
    return told
