"""What may be paid for a new customer at most, against what was paid, by channel and month of the first purchase."""

from __future__ import annotations

from typing import Final

import pandas as pd

from patron._core.errors import DataError

COSTS: Final = ("channel", "month", "cost")
UNKNOWN: Final = "(unknown)"
_BY: Final = ["channel", "month"]


def ceilings(customers: pd.DataFrame, costs: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Hold what customers are worth against what they cost.

    Parameters
    ----------
    customers : DataFrame
        One row a customer: channel (text, missing if not known) and month ('YYYY-MM') of the first purchase, spend
        (net, so far, money), clv (residual, margined, money).
    costs : DataFrame
        channel, month, cost: what was paid in all for the customers of that channel who first bought in that month.
    margin : float
        The share of the spend so far that was kept.

    Returns
    -------
    DataFrame
        One row a channel and month that has customers or costs, sorted: channel, month, customers, ceiling (the mean of
        margin x spend so far + clv: what such a customer brings from first to last, and so the most that one more may
        cost), paid (cost a customer), left (ceiling - paid); the last two are missing without costs, all three without
        customers. The channel of customers without one is '(unknown)'.

    Raises
    ------
    DataError
        Two costs of one channel and month, a negative or missing cost, a month that is none.

    Examples
    --------
    >>> customers = pd.DataFrame({"channel": ["ads", "ads", None], "month": "2024-01", "spend": [100.0, 20, 50],
    ...                           "clv": [30.0, 10, 5]})
    >>> costs = pd.DataFrame({"channel": ["ads"], "month": ["2024-01"], "cost": [90.0]})
    >>> ceilings(customers, costs, margin=0.5)
         channel    month  customers  ceiling  paid  left
    0  (unknown)  2024-01          1     30.0   NaN   NaN
    1        ads  2024-01          2     50.0  45.0   5.0
    """
    checked = _checked(costs)
    worth = customers.assign(
        channel=customers["channel"].fillna(UNKNOWN), ceiling=customers["spend"] * margin + customers["clv"]
    )
    cohorts = worth.groupby(_BY)["ceiling"].agg(customers="size", ceiling="mean")
    table: pd.DataFrame = cohorts.join(checked.set_index(_BY), how="outer").sort_index().reset_index()
    table["customers"] = table["customers"].fillna(0).astype("int64")
    table["paid"] = (table.pop("cost") / table["customers"]).where(table["customers"] > 0)
    table["left"] = table["ceiling"] - table["paid"]
    return table


def _checked(costs: pd.DataFrame) -> pd.DataFrame:
    told = costs[list(COSTS)].assign(
        channel=costs["channel"].astype("object").fillna(UNKNOWN).astype(str),
        month=costs["month"].astype(str),
        cost=pd.to_numeric(costs["cost"], errors="coerce"),
    )
    faults = {
        "month": (~told["month"].str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])"), "not a month", "write it as YYYY-MM"),
        "cost": (~(told["cost"] >= 0), "not a cost", "a number of 0 or more, in the currency of the amounts"),
        "channel": (told.duplicated(_BY), "two costs of one channel and month", "add them up"),
    }
    for column, (bad, message, fix) in faults.items():
        if bad.any():
            example = costs.loc[bad.to_numpy(), column].iloc[0]
            raise DataError(message, column=f"plan.costs: {column}", count=int(bad.sum()), example=example, fix=fix)
    return told
