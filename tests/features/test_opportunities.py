"""Opportunities and those taken, against plain Python; the published donors, gift by gift."""

from __future__ import annotations

import datetime as dt
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError, DataWarning
from patron.data.readers import read_transactions
from patron.features.occasions import opportunities

FIRST, LAST = dt.date(2019, 11, 20), dt.date(2022, 4, 10)
CALENDAR = ["week", "month", "year"]
PERIODS = [*CALENDAR, "day", "28 days", "2 weeks"]


def log_of(read, rows, **options):
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    return read(frame.assign(time=pd.to_datetime(frame["time"])), **options)


def calendar(day, period):
    """Any number that is the same within a period, and one more in the next."""
    if period == "week":
        return (day - dt.date(2001, 1, 1)).days // 7
    return 12 * day.year + day.month if period == "month" else day.year


def plainly(days, as_of, period):
    """Go through the opportunities of one customer one by one."""
    taken, T = [], 0
    if period in CALENDAR:
        bought = {calendar(day, period) for day in days}
        first, this = min(bought), calendar(as_of, period)
        last = this if calendar(as_of + dt.timedelta(1), period) > this else this - 1
        for number in range(first + 1, last + 1):
            T += 1
            taken += [T] if number in bought else []
    else:
        length = {"day": 1, "28 days": 28, "2 weeks": 14}[period]
        start = min(days)
        while start + dt.timedelta(length) <= as_of:
            T += 1
            window = [start + dt.timedelta(i) for i in range(1, length + 1)]
            taken += [T] if any(day in days for day in window) else []
            start = window[-1]
    return len(taken), max(taken, default=0), T


@pytest.mark.engines
@pytest.mark.parametrize("as_of", [dt.date(2020, 2, 29), dt.date(2020, 12, 31)], ids=str)
def test_opportunities_equal_plain_python(engine, as_of):
    rng = np.random.default_rng(as_of.year + as_of.month)
    spans = [(LAST - FIRST).days, 40, 3]
    people = {
        f"{i:03d}": {
            FIRST + dt.timedelta(int(start + day)) for day in rng.integers(0, rng.choice(spans), rng.integers(1, 12))
        }
        for i, start in enumerate([0, *rng.integers(0, 400, 300)])
    }
    log = log_of(engine, [(name, day, 1.0) for name, days in people.items() for day in days], observed_until=LAST)
    for period in PERIODS:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = opportunities(log, as_of, period)
        assert [str(kind) for kind in found.dtypes] == ["int64"] * 3
        seen = {name: {day for day in days if day <= as_of} for name, days in people.items()}
        wanted = {name: plainly(days, as_of, period) for name, days in seen.items() if days}
        assert dict(zip(found.index, found.itertuples(index=False, name=None), strict=True)) == wanted, period
        assert list(found.index) == sorted(wanted)
        whole = period not in CALENDAR or calendar(as_of + dt.timedelta(1), period) > calendar(as_of, period)
        assert [warning.category for warning in told] == ([] if whole else [DataWarning])


def gifts(x, t_x, n):
    """Years with a gift of one donor first seen in 1995: the last at t_x, the others as early as can be."""
    return [1995, *range(1996, 1995 + x), *([1995 + t_x] if x else [])], 1995 + n


@pytest.mark.golden
def test_the_published_donors_are_counted_from_their_gifts():
    path = Path(find_spec("lifetimes").origin).parent / "datasets" / "donations.csv"
    table = pd.read_csv(path).rename(columns={"periods": "T", "weights": "weight"})
    rng, rows = np.random.default_rng(1), []
    for x, t_x, n, weight in table.itertuples(index=False):
        for i in range(weight):
            years, last = gifts(x, t_x, n)
            assert last == 2001
            rows += [(f"{x}-{t_x}-{i}", f"{year}-{rng.integers(1, 13):02d}-15", 25.0) for year in years]
    log = log_of(read_transactions, rows, observed_until="2006-12-31")
    found = opportunities(log, "2001-12-31", "year")
    assert len(found) == 11_104
    assert found.attrs == {"unit": "year", "as_of": "2001-12-31", "include_first": False}
    counted = found.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    pd.testing.assert_frame_equal(counted, table.sort_values(["frequency", "recency"]).reset_index(drop=True))


def test_many_purchases_of_one_period_are_one_opportunity_taken():
    days = ["2020-01-05", "2020-01-31", "2020-02-01", "2020-02-28", "2020-04-30", "2020-05-01"]
    log = log_of(read_transactions, [("a", day, 5.0) for day in days], observed_until="2020-05-31")
    assert opportunities(log, "2020-04-30", "month").loc["a"].tolist() == [2, 3, 3]
    assert opportunities(log, "2020-05-31", "month").loc["a"].tolist() == [3, 4, 4]


def test_a_period_begun_is_left_out_and_said_in_words():
    log = log_of(read_transactions, [("a", "2020-01-05", 5.0), ("a", "2020-03-02", 5.0)], observed_until="2020-03-31")
    with pytest.warns(DataWarning, match=r"2020-03-30 is not the last day of a month: purchases from 2020-03-01 on"):
        assert opportunities(log, "2020-03-30", "month").loc["a"].tolist() == [0, 0, 1]
    assert opportunities(log, "2020-03-31", "month").loc["a"].tolist() == [1, 2, 2]


def test_a_customer_of_the_period_begun_has_no_opportunity_yet():
    log = log_of(read_transactions, [("a", "2020-03-05", 5.0), ("a", "2020-03-07", 5.0)], observed_until="2020-03-31")
    for as_of in ("2020-03-20", "2020-03-31"):
        with warnings.catch_warnings(action="ignore", category=DataWarning):
            assert opportunities(log, as_of, "month").loc["a"].tolist() == [0, 0, 0]


def test_a_fixed_length_runs_from_each_customers_own_first_purchase():
    rows = [("a", "2020-01-01", 5.0), ("a", "2020-01-29", 5.0), ("a", "2020-01-30", 5.0), ("b", "2020-01-20", 5.0)]
    log = log_of(read_transactions, rows, observed_until="2020-03-31")
    found = opportunities(log, "2020-02-26", "28 days")
    assert found.loc["a"].tolist() == [2, 2, 2]
    assert found.loc["b"].tolist() == [0, 0, 1]
    assert found.attrs["unit"] == opportunities(log, "2020-02-26", "4 weeks").attrs["unit"] == "28 days"
    assert opportunities(log, "2020-02-26", "1 day").attrs["unit"] == "day"
    alone = log_of(read_transactions, rows[:3], observed_until="2020-03-31")
    assert opportunities(alone, "2020-02-26", "28 days").loc["a"].tolist() == [2, 2, 2]


def test_trap_12_a_refund_acts_from_its_own_day(engine):
    rows = [("a", "2020-01-05", 5.0), ("a", "2020-02-03", 7.0), ("a", "2020-04-01", -7.0)]
    log = log_of(engine, rows, observed_until="2020-04-30")
    assert opportunities(log, "2020-03-31", "month").loc["a"].tolist() == [1, 1, 2]
    assert opportunities(log, "2020-04-30", "month").loc["a"].tolist() == [0, 0, 3]


@pytest.mark.parametrize("period", ["3 months", "1 year", "fortnight", "0 days", "1 week 2 days"])
def test_a_period_that_is_none_is_refused(period):
    log = log_of(read_transactions, [("a", "2020-01-05", 5.0)])
    with pytest.raises(ConfigError) as caught:
        opportunities(log, "2020-01-05", period)
    assert caught.value.fix


@pytest.mark.parametrize("as_of", ["2020-01-04", "2020-01-06"])
def test_a_day_not_observed_is_refused(as_of):
    with pytest.raises(DataError, match=r"first day|last day observed"):
        opportunities(log_of(read_transactions, [("a", "2020-01-05", 5.0)]), as_of, "month")
