"""Who moved between two scorings: from which band or segment to which, with how much value."""

from __future__ import annotations

from typing import Final

import pandas as pd

BANDS: Final = ("churn_band", "value_band", "segment")
NEWCOMER: Final = "(newcomer)"
GONE: Final = "(gone)"
_ENDS: Final = (("before", NEWCOMER), ("after", GONE))
NEEDED: Final = ("customer_id", "clv", *BANDS)
"""The columns of the score tables that are looked at, as far as both have them."""


def movement(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Count customers by where they were and where they are.

    Parameters
    ----------
    before, after : DataFrame
        Two score tables of one name, the earlier first.

    Returns
    -------
    DataFrame
        One row for each that occurs, of each of `BANDS` that both tables have: of (the column), before, after,
        customers, clv_before, clv_after (summed, in money). Who was not scored before comes from '(newcomer)', who is
        no more goes to '(gone)'; clv is 0 where there is none.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": ["a", "b"], "clv": [10.0, 5.0], "churn_band": ["low", "low"]})
    >>> after = pd.DataFrame({"customer_id": ["b", "c"], "clv": [2.0, 8.0], "churn_band": ["high", "low"]})
    >>> movement(before, after)
               of      before   after  customers  clv_before  clv_after
    0  churn_band  (newcomer)     low          1         0.0        8.0
    1  churn_band         low  (gone)          1        10.0        0.0
    2  churn_band         low    high          1         5.0        2.0
    """
    shared = [name for name in NEEDED if name in before and name in after]
    both = before[shared].merge(after[shared], on="customer_id", how="outer", suffixes=("_before", "_after"))
    both[["clv_before", "clv_after"]] = both[["clv_before", "clv_after"]].fillna(0.0)
    parts = []
    for name in (name for name in BANDS if name in shared):
        where = [both[f"{name}_before"].fillna(NEWCOMER), both[f"{name}_after"].fillna(GONE)]
        found = both.groupby(where)[["clv_before", "clv_after"]].agg("sum")
        found.insert(0, "customers", both.groupby(where).size())
        parts.append(found.rename_axis(["before", "after"]).reset_index().assign(of=name))
    columns = ["of", "before", "after", "customers", "clv_before", "clv_after"]
    return pd.concat(parts, ignore_index=True)[columns]


def movement_words(moves: pd.DataFrame, currency: str) -> str:
    """Say the most of a movement in a line: who came and went, how many changed, the widest road.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": ["a", "b"], "clv": [10.0, 5.0], "segment": ["Loyal", "Loyal"]})
    >>> after = pd.DataFrame({"customer_id": ["b", "c"], "clv": [2.0, 8.0], "segment": ["At risk", "New"]})
    >>> movement_words(movement(before, after), "EUR")
    '1 newcomer, 1 gone; 1 in another segment, most from Loyal to At risk (1, EUR 2)'
    """
    one = moves[moves["of"] == moves["of"].iloc[-1]]
    came, gone = (int(one.loc[one[side] == name, "customers"].sum()) for side, name in _ENDS)
    told = [f"{came:,} newcomer{'s' * (came != 1)}, {gone:,} gone"]
    changed = moves[(moves["before"] != NEWCOMER) & (moves["after"] != GONE) & (moves["before"] != moves["after"])]
    for name, what in (("churn_band", "risk band"), ("value_band", "value band"), ("segment", "segment")):
        found = changed[changed["of"] == name]
        if len(found):
            most = found.iloc[int(found["customers"].argmax())]
            worth = f"{most['customers']:,}, {currency} {most['clv_after']:,.0f}"
            count = found["customers"].sum()
            told.append(f"{count:,} in another {what}, most from {most['before']} to {most['after']} ({worth})")
    return "; ".join(told)
