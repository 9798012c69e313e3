"""How long a silence means that a customer has left: what labels say at several horizons, and one to begin with.

A label calls a customer churned who buys nothing for H days. Too short an H calls people gone who are only between two
purchases; too long an H tells it when it is too late, and leaves fewer days to test on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import Day, Horizon, date_of, day_number, day_numbers
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features import features, snapshots
from patron.features.per_customer import fetch
from patron.features.purchases import purchases
from patron.features.sources import sources

HORIZONS: Final = ("14 days", "28 days", "42 days", "60 days", "91 days", "182 days")
LONGER: Final = 0.10
"""Share of the gaps that may last longer than the horizon suggested."""
HISTORIES: Final = 3
"""So many horizons must fit into a log: of history, of a training label, of a test."""
WEEK: Final = 7


def label_sensitivity(
    log: TransactionLog, as_of: Day | Iterable[Day], horizons: Iterable[str | Horizon] = HORIZONS
) -> pd.DataFrame:
    """Tell what the churn label says of the same customers at several horizons.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day or iterable of days
        Each must have the longest horizon closed after it.
    horizons : iterable of str or Horizon
        Fixed lengths.

    Returns
    -------
    DataFrame
        One row an as-of day and horizon H, sorted by both: as_of, horizon (days), customers, and shares:

        - churn_rate: of the customers, those who bought nothing in the H days after as_of;
        - returned: of these, those who bought in the H days after that: false alarms of the label. Missing where those
          days are not wholly observed, or nobody had churned;
        - slower: of the customers with two purchase days or more, those whose mean gap is longer than H, to whom a
          silence of H is nothing unusual;
        - agreement: of the customers, those whose label is that of the next shorter horizon; missing for the shortest.

    Raises
    ------
    DataError
        A horizon that is not closed at one of the days.
    ConfigError
        A horizon that is not a fixed length.

    Examples
    --------
    >>> import patron.datasets
    >>> log = patron.datasets.load_cdnow_sample()
    >>> label_sensitivity(log, "1997-12-30", ["28 days", "91 days"]).drop(columns="as_of").round(2)
       horizon  customers  churn_rate  returned  slower  agreement
    0       28       2357        0.94      0.05    0.78        NaN
    1       91       2357        0.84      0.07    0.33       0.89
    """
    lengths = sorted({Horizon.parse(horizon).fixed_days("horizons") for horizon in horizons})
    days = day_numbers(as_of)
    rows = [row for day in days for row in _at(log, day, lengths)]
    columns = ["as_of", "horizon", "customers", "churn_rate", "returned", "slower", "agreement"]
    return pd.DataFrame(rows, columns=columns)


def _at(log: TransactionLog, day: int, lengths: list[int]) -> Iterable[tuple[object, ...]]:
    """Yield a row of `label_sensitivity` for each length, ascending."""
    asked = {*lengths, *(2 * length for length in lengths if day + 2 * length <= log.observed_until)}
    frames = {n: snapshots(log, date_of(day), f"{n} days", which=["gap_mean"]) for n in sorted(asked)}
    left = {n: frame["churned"].to_numpy(dtype=bool) for n, frame in frames.items()}
    gaps = frames[lengths[0]]["gap_mean"].dropna().to_numpy()
    before: npt.NDArray[np.bool_] | None = None
    for length in lengths:
        gone, later = left[length], left.get(2 * length)
        yield (
            pd.Timestamp(date_of(day)),
            length,
            len(gone),
            gone.mean(),
            np.nan if later is None or not gone.any() else 1 - later[gone].mean(),
            (gaps > length).mean() if len(gaps) else np.nan,
            np.nan if before is None else (gone == before).mean(),
        )
        before = gone


@dataclass(frozen=True)
class SuggestedHorizon:
    """A horizon to begin with.

    Attributes
    ----------
    days : int
        Its length, in whole weeks.
    longer : float
        Estimated share of the gaps between purchase days that last longer, among those that end at all.
    reason : str
        Why, in words for people.
    """

    days: int
    longer: float
    reason: str

    def far_from(self, days: int) -> bool:
        """Whether another horizon is less than half of this one, or more than twice as long."""
        return not self.days <= 2 * days <= 4 * self.days


def suggest_horizon(log: TransactionLog, as_of: Day | None = None) -> SuggestedHorizon:
    """Suggest over how many days of silence a customer is called churned.

    It is the smallest number of whole weeks that at most a tenth of the gaps between purchase days outlast, among those
    that end at all, held to what the log can test: three times as long.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    as_of : day, optional
        What was known then; the last day observed when left out.

    Returns
    -------
    SuggestedHorizon

    Raises
    ------
    DataError
        Nobody has bought on two days, or the log is shorter than three weeks.

    Notes
    -----
    The gap that a customer is in has lasted so long and is not over: leaving it out, or taking it as ended, makes gaps
    too short. It is censored in the product-limit estimate S of Kaplan & Meier (1958), whose last level S* is the share
    of gaps that never end; (S(H) - S*) / (1 - S*) of those that do are longer than H. Customers with a single purchase
    day tell nothing of gaps and are left out.

    Examples
    --------
    >>> import patron.datasets
    >>> suggest_horizon(patron.datasets.load_cdnow_sample()).days
    182
    """
    day = log.observed_until if as_of is None else day_number(as_of)
    ended, still = _gaps(log, day)
    if not ended.sum():
        raise DataError("nobody has bought on two days: how long a silence is usual cannot be told", fix="a longer log")
    observed = day - log.first_day + 1
    most = observed // (HISTORIES * WEEK)
    if not most:
        raise DataError(
            f"{observed} days of history, of which no horizon of a week can be tested",
            fix=f"a log of {HISTORIES} weeks or more",
        )
    alive = _outlast(ended, still)
    left = (alive[WEEK::WEEK] - alive[-1]) / (1 - alive[-1])
    enough = int(np.argmax(left <= LONGER)) + 1 if (left <= LONGER).any() else len(left) + 1
    weeks = min(enough, most)
    longer = float(left[weeks - 1]) if weeks <= len(left) else 0.0
    reason = f"Of the gaps between purchase days that end at all, {longer:.0%} last longer than {weeks * WEEK} days"
    if weeks < enough:
        reason += (
            f"; a tenth would need {enough * WEEK} days, of which {HISTORIES} times as many must be on record, and "
            f"there are {observed}"
        )
    return SuggestedHorizon(weeks * WEEK, longer, f"{reason}.")


def _gaps(log: TransactionLog, day: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count, by length in days from 0, the gaps of repeat buyers that ended, and those that had not."""
    table = sources(log, purchases(log, [day]), [day], "day", {"gaps"})["gaps"]
    counted = fetch(table.group_by("gap").agg(times=table.count()), ["gap"]).dropna()
    now = features(log, date_of(day), which=["frequency", "days_since_last"])
    silent = now.loc[now["frequency"] > 0, "days_since_last"].to_numpy()
    length = day - log.first_day + 1
    ended = np.bincount(counted["gap"].astype("int64"), counted["times"], length).astype("int64")
    return ended, np.bincount(silent, minlength=length)


def _outlast(ended: npt.NDArray[np.int64], censored: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Estimate the share of gaps longer than each length (Kaplan & Meier 1958), gaps counted by length from 0."""
    at_risk = (ended + censored)[::-1].cumsum()[::-1]
    return np.cumprod(1 - ended / np.maximum(at_risk, 1))
