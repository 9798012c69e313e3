"""The timeline of a log: what was known at the end of a day, as training data; each day is computed once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from patron._core.calendar import Day, Grain, Horizon, Unit, as_stamps, date_of, day_number
from patron._core.errors import DataError
from patron._core.progress import track
from patron.data.log import TransactionLog
from patron.features import LABELS, Which, features, snapshots
from patron.recipes.protocol import Array, TrainingData
from patron.recipes.transaction import with_first

RFM: Final = ["frequency", "recency", "T"]
MOST_ROWS: Final = 300_000
"""More training rows than this cost time and gain nothing measurable: customers are sampled by a hash of their id."""

ROWS_AT_ONCE: Final = 200_000
"""Rows of the log times as-of days that one question to the engine is about: of a small log, planning is the cost."""

ORIGINS: Final = 6
"""As-of days of the training rows at most: on CDNOW twelve were no better."""


def training_days(first_day: int, t: Day, horizon: int, every: int, most: int = ORIGINS) -> list[pd.Timestamp]:
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
        How many as-of days at most, the latest.

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
            f"no training day: at {date_of(last + horizon)} the log has {last + horizon - first_day + 1} days of "
            f"history, and a {horizon}-day label needs {2 * horizon}",
            fix="a shorter horizon, or a later day",
        )
    return list(as_stamps(days[::-1]))


def training_frame(
    log: TransactionLog,
    t: Day,
    horizon: str | Horizon,
    *,
    every: str | Horizon = "28 days",
    origins: int = ORIGINS,
    bought_within: int | None = None,
    rows_per_customer: int | None = None,
    unit: Unit = "day",
    grain: Grain = "day",
    which: Which = "all",
) -> pd.DataFrame:
    """Rows to train a classifier or a booster on at the end of `t`: rolling as-of days whose labels had closed.

    Parameters
    ----------
    log : TransactionLog
        What is known; nothing after `t` is looked at.
    t : day
        The last day observed.
    horizon, every : str
        Fixed lengths: of the label window, and from one as-of day to the next, back from t - horizon.
    origins : int
        As-of days at most.
    bought_within : int, optional
        Only rows of customers who bought within so many days before the as-of day.
    rows_per_customer : int, optional
        Rows of a customer at most, drawn by a hash of id and day.
    unit, grain, which
        As in `features`.

    Returns
    -------
    DataFrame
        As `snapshots` gives it, for `split`: every as_of + horizon <= t. `ChurnClassifier` and `ValueBooster` stop
        early and calibrate on its latest as-of days, by trees grown on labels that had closed by these.

    Raises
    ------
    DataError
        Not even one as-of day has a horizon of history before it and a closed label after it, or nobody is eligible.

    Examples
    --------
    >>> from patron.datasets import load_cdnow_sample
    >>> frame = training_frame(load_cdnow_sample(), "1998-03-31", "91 days", bought_within=180, rows_per_customer=2)
    >>> [str(day.date()) for day in sorted(frame.index.unique("as_of"))][-1], len(frame)
    ('1997-12-30', 2721)
    """
    length, step = Horizon.parse(horizon).fixed_days("horizon"), Horizon.parse(every).fixed_days("every")
    line = Timeline(
        log, length, unit, grain, which, bought_within=bought_within, rows_per_customer=rows_per_customer,
        origins=origins,
    )  # fmt: skip
    return line.rows(line.days(t, step))


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
    bought_within : int, optional
        Training rows are of customers who bought within so many days before the as-of day; of all when left out. Who
        is predicted, and what the transaction models see, is everybody in any case.
    rows_per_customer : int, optional
        Training rows of a customer at most, drawn by a hash of id and day; all when left out.
    origins : int
        As-of days of the training rows at most.

    Examples
    --------
    >>> from patron.datasets import load_cdnow_sample
    >>> line = Timeline(load_cdnow_sample(), horizon=91, unit="week", grain="day")
    >>> data = line.training("1998-03-31", ["1997-12-02", "1997-12-30"])
    >>> len(data.rows), len(data.today), sorted(data.counts)[-1].date().isoformat()
    (4714, 2357, '1998-03-31')
    """

    def __init__(
        self,
        log: TransactionLog,
        horizon: int,
        unit: Unit = "day",
        grain: Grain = "day",
        which: Which = "all",
        *,
        bought_within: int | None = None,
        rows_per_customer: int | None = None,
        origins: int = ORIGINS,
    ) -> None:
        self.log = log
        self.horizon = horizon
        self.unit = unit
        self.grain = grain
        self.which = which if isinstance(which, str) else tuple(which)
        self.bought_within = bought_within
        self.rows_per_customer = rows_per_customer
        self.origins = origins
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
        return self._known([day])[day]

    def today(self, t: Day) -> pd.DataFrame:
        """Return every customer's features at `t`, without labels."""
        day = day_number(t)
        return self._known([day])[day].drop(columns=list(LABELS), errors="ignore")

    def days(self, t: Day, every: int) -> list[pd.Timestamp]:
        """Return the as-of days of the training rows at `t`, `every` so many days; see `training_days`."""
        return training_days(self.log.first_day, t, self.horizon, every, self.origins)

    def training(self, t: Day, days: Iterable[Day], seed: int = 0) -> TrainingData:
        """Return what was known at the end of `t`, with labelled rows at `days`.

        Raises
        ------
        DataError
            A label of `days` closes after `t`, or nobody had bought so recently.
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
        self._known([*origins, end])
        labelled = self._labelled(origins)
        known = {**labelled, end: self.today(date_of(end))}
        stamps = dict(zip(known, as_stamps(list(known)), strict=True))
        return TrainingData(
            t=stamps[end],
            horizon=self.horizon,
            unit=self.unit,
            rows=self._chosen(list(labelled.values())),
            today=known[end],
            counts={stamps[day]: _counts(frame) for day, frame in known.items()},
            spend={stamps[day]: _paid(frame) for day, frame in known.items()},
            seed=seed,
            spend_with_first={
                stamps[day]: _paid(with_first(frame)) for day, frame in known.items() if "first_spend" in frame.columns
            },
        )

    def rows(self, days: Iterable[Day]) -> pd.DataFrame:
        """Return the training rows of `days`, which must be closed."""
        return self._chosen(list(self._labelled(sorted({day_number(day) for day in days})).values()))

    def _labelled(self, days: list[int]) -> dict[int, pd.DataFrame]:
        self._known(days)
        return {day: self.test(date_of(day)) for day in days}

    def _chosen(self, frames: list[pd.DataFrame]) -> pd.DataFrame:
        """Stack the training rows: of customers who bought recently enough, no more of each than asked for."""
        attrs: dict[Any, Any] = {"unit": self.unit, "grain": self.grain, "horizon_days": self.horizon}
        if self.bought_within is not None:
            frames = [frame[frame["days_since_last"] < self.bought_within] for frame in frames]
        total = sum(map(len, frames))
        if not total:
            raise DataError(
                f"nobody had bought within {self.bought_within} days of any training day", fix="a longer bought_within"
            )
        if total > MOST_ROWS:
            frames = [frame[_share(frame) < MOST_ROWS / total] for frame in frames]
        rows = pd.concat(frames)
        if self.rows_per_customer is not None:
            drawn = pd.Series(pd.util.hash_pandas_object(rows.index, index=False).to_numpy(), rows.index)
            rows = rows[drawn.groupby(level="customer_id").rank(method="first") <= self.rows_per_customer]
        rows.attrs = attrs
        return rows

    def _known(self, days: list[int]) -> dict[int, pd.DataFrame]:
        """Return all days known so far, `days` among them: those whose labels are closed are asked for together."""
        asked: dict[str, Any] = {"unit": self.unit, "grain": self.grain, "which": self.which}
        last = self.log.observed_until - self.horizon
        for day in days:
            if day not in self._days and day > last:
                self._days[day] = features(self.log, date_of(day), **asked)
        closed = [day for day in days if day not in self._days]
        at_once = max(1, ROWS_AT_ONCE // self.log.rows)
        groups = [closed[start : start + at_once] for start in range(0, len(closed), at_once)]
        for group in track(groups, "training days") if groups else ():
            frame = snapshots(self.log, [date_of(day) for day in group], f"{self.horizon} days", **asked)
            as_of = frame.index.get_level_values("as_of")
            for day, stamp in zip(group, as_stamps(group), strict=True):
                self._days[day] = frame[as_of == stamp] if len(group) > 1 else frame
        return self._days


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
