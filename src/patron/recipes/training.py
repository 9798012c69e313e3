"""The timeline of a log: what was known at the end of a day, as training data; each day is computed once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pandas as pd

from patron._core.calendar import Day, Grain, Unit, as_stamps, date_of, day_number
from patron._core.errors import DataError
from patron._core.progress import track
from patron.data.log import TransactionLog
from patron.features import LABELS, Which, features, snapshots
from patron.recipes.protocol import Array, TrainingData
from patron.recipes.transaction import with_first

RFM: Final = ["frequency", "recency", "T"]
MOST_ROWS: Final = 300_000
"""More training rows than this cost time and gain nothing measurable: customers are sampled by a hash of their id."""


def training_days(first_day: int, t: Day, horizon: int, every: int, most: int = 6) -> list[pd.Timestamp]:
    """As-of days whose labels are closed at `t`: t - horizon and back from there, with a horizon of history each.

    Parameters
    ----------
    first_day : int
        Day number of the log's first day.
    t : day
        The last day observed.
    horizon : int
        Length of the label window in days.
    every : int
        Days from one as-of day to the next.
    most : int
        How many as-of days at most, the latest; on CDNOW twelve were no better than six.

    Returns
    -------
    list of pandas.Timestamp
        Ascending.

    Raises
    ------
    DataError
        Not even one as-of day has a horizon of history before it and a closed label after it.

    Examples
    --------
    >>> [str(day.date()) for day in training_days(day_number("1997-01-01"), "1997-08-31", 91, 28)]
    ['1997-04-06', '1997-05-04', '1997-06-01']
    """
    last = day_number(t, name="t") - horizon
    days = list(range(last, first_day + horizon - 2, -every))[:most]  # the first day and `last` are both observed
    if not days:
        raise DataError(
            f"no training day: at {date_of(last + horizon)} the log has {last + horizon - first_day + 1} days of history, "
            f"and a {horizon}-day label needs {2 * horizon}",
            fix="a shorter horizon, or a later day",
        )
    return list(as_stamps(days[::-1]))


class Timeline:
    """Features, labels, counts and spend of a log by as-of day, each day asked of the engine at most once.

    Parameters
    ----------
    log : TransactionLog
    horizon : int
        Length of the label window in days.
    unit, grain : str
        How time is measured and how purchases merge.
    which : {'all', 'core'} or iterable of str or Feature
        The features computed, as in `patron.features`; recipes need the core.

    Examples
    --------
    >>> from patron.datasets import load_cdnow_sample
    >>> line = Timeline(load_cdnow_sample(), horizon=91, unit="week", grain="day")
    >>> data = line.training("1998-03-31", ["1997-12-02", "1997-12-30"])
    >>> len(data.rows), len(data.today), sorted(data.counts)[-1].date().isoformat()
    (4714, 2357, '1998-03-31')
    """

    def __init__(
        self, log: TransactionLog, horizon: int, unit: Unit = "day", grain: Grain = "day", which: Which = "all"
    ) -> None:
        self.log = log
        self.horizon = horizon
        self.unit = unit
        self.grain = grain
        self.which = which if isinstance(which, str) else tuple(which)
        self._days: dict[int, pd.DataFrame] = {}

    def test(self, t: Day) -> pd.DataFrame:
        """Return every customer's features and closed labels at `t`; a DataError if the labels are open."""
        day = day_number(t)
        if day + self.horizon > self.log.observed_until:
            raise DataError(
                f"labels of {self.horizon} days are open at {date_of(day)}: the log ends on "
                f"{date_of(self.log.observed_until)}",
                fix=f"{date_of(self.log.observed_until - self.horizon)} or earlier",
            )
        return self._day(day)

    def today(self, t: Day) -> pd.DataFrame:
        """Return every customer's features at `t`, without labels."""
        return self._day(day_number(t)).drop(columns=list(LABELS), errors="ignore")

    def training(self, t: Day, days: Iterable[Day], seed: int = 0) -> TrainingData:
        """Return what was known at the end of `t`, with labelled rows at `days`.

        Raises
        ------
        DataError
            A label of `days` closes after `t`.
        """
        end = day_number(t, name="t")
        origins = sorted({day_number(day) for day in days})
        open_ = [day for day in origins if day + self.horizon > end]
        if open_:
            raise DataError(
                f"a training label of {self.horizon} days would see past {date_of(end)}",
                count=len(open_),
                example=str(date_of(open_[0])),
                fix=f"as-of days up to {date_of(end - self.horizon)}",
            )
        labelled = {day: self.test(date_of(day)) for day in track(origins, "training days")}
        known = {**labelled, end: self.today(date_of(end))}
        stamps = dict(zip(known, as_stamps(list(known)), strict=True))
        return TrainingData(
            t=stamps[end],
            horizon=self.horizon,
            unit=self.unit,
            rows=_stacked(list(labelled.values()), MOST_ROWS),
            today=known[end],
            counts={stamps[day]: _counts(frame) for day, frame in known.items()},
            spend={stamps[day]: _paid(frame) for day, frame in known.items()},
            seed=seed,
            spend_with_first={
                stamps[day]: _paid(with_first(frame)) for day, frame in known.items() if "first_spend" in frame.columns
            },
        )

    def _day(self, day: int) -> pd.DataFrame:
        if day not in self._days:
            at, ahead = date_of(day), f"{self.horizon} days"
            self._days[day] = (
                snapshots(self.log, at, ahead, unit=self.unit, grain=self.grain, which=self.which)
                if day + self.horizon <= self.log.observed_until
                else features(self.log, at, unit=self.unit, grain=self.grain, which=self.which)
            )
        return self._days[day]


def _stacked(frames: list[pd.DataFrame], most: int) -> pd.DataFrame:
    total = sum(map(len, frames))
    attrs = frames[0].attrs
    if total > most:
        frames = [frame[_share(frame) < most / total] for frame in frames]
    rows = pd.concat(frames)
    rows.attrs = {"unit": attrs["unit"], "grain": attrs["grain"]}
    return rows


def _share(frame: pd.DataFrame) -> Array:
    """Return a number in [0, 1) that depends on the customer's id alone."""
    ids = frame.index.get_level_values("customer_id").to_numpy(dtype=object)
    return pd.util.hash_array(ids, categorize=False) / 2.0**64


def _counts(frame: pd.DataFrame) -> pd.DataFrame:
    """`rfm_counts` read off the features, whose RFM columns are `rfm_summary`'s own."""
    counts = frame.groupby(RFM, sort=True).size().rename("weight").reset_index()
    counts.attrs = {"unit": frame.attrs["unit"], "grain": frame.attrs["grain"]}
    return counts


def _paid(frame: pd.DataFrame) -> pd.DataFrame:
    bought = frame[(frame["frequency"] > 0) & (frame["monetary_value"] > 0)]
    return bought[["frequency", "monetary_value"]]
