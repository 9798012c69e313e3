"""What churners were still worth when they were left alone, measured on days whose value horizon has closed."""

from __future__ import annotations

from typing import Final

from patron._core.calendar import Horizon, date_of
from patron.data import TransactionLog
from patron.decisions.contact import LeftAlone
from patron.features import snapshots

_DAYS: Final = 3


def measure(log: TransactionLog, churn_horizon: int, value_horizon: str, every: int) -> LeftAlone | None:
    """Follow those who bought nothing in the churn horizon on to the end of the value horizon.

    Parameters
    ----------
    log : TransactionLog
        What is known at training; nothing later is looked at.
    churn_horizon : int
        H in days.
    value_horizon : str
        Like '12 months'.
    every : int
        Days between the up to three as-of days, the last of which is the latest whose value horizon has closed.

    Returns
    -------
    LeftAlone or None
        The mean over all churners of all days of their spend from H to the value horizon after the as-of day. None if
        the value horizon is no longer than H, no day with H days of history before it has closed, or nobody churned.
    """
    whole = Horizon.parse(value_horizon).days(log.observed_until)
    first, last = log.first_day + churn_horizon - 1, log.observed_until - whole
    days = [last - back * every for back in range(_DAYS) if last - back * every >= first]
    if whole <= churn_horizon or not days:
        return None
    stamps = [date_of(day) for day in sorted(days)]
    lost, seen = (snapshots(log, stamps, f"{length} days", which=["frequency"]) for length in (churn_horizon, whole))
    churned = lost["churned"] == 1
    if not churned.any():
        return None
    spend = (seen["spend_next"] - lost["spend_next"])[churned].clip(lower=0)
    return LeftAlone(float(spend.mean()), whole - churn_horizon, int(churned.sum()), tuple(map(str, stamps)))
