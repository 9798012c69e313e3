"""Every feature and label against a slow, independent computation in plain Python, exactly equal."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from itertools import pairwise
from operator import add

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patron._core.calendar import UNIT_DAYS
from patron.features import CATALOGUE, LABELS, features, rfm_counts, rfm_summary, snapshots, unmatched_refunds
from patron.features.catalogue import WEEKS, WINDOWS

pytestmark = [pytest.mark.property, pytest.mark.engines]

FIRST = 10_227  # 1998-01-01
LAST = FIRST + 700
MEASURES = [("day", "day"), ("week", "day"), ("week", "week"), ("month", "month"), ("year", "day")]
few = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def iso(day):
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def stacked(bought, refunds):
    """Take refunds [(day, cents)] off the latest of {day: cents} bought so far: what is left, and what was dropped."""
    stack, dropped = [], 0
    for today in sorted({*bought, *(day for day, _ in refunds)}):
        if today in bought:
            stack.append([today, bought[today]])
        for cents in (cents for day, cents in refunds if day == today):
            owed = cents
            for entry in reversed(stack):
                taken = min(entry[1], owed)
                entry[1] -= taken
                owed -= taken
            dropped += owed
    return dict(stack), dropped


def standing(rows, as_of):
    """Of one customer: {day: cents left} of the purchase days, a day for each order, cents of idle refunds."""
    seen = [row for row in rows if row[0] <= as_of]
    gross, left, count = defaultdict(lambda: defaultdict(int)), {}, defaultdict(int)
    for day, cents, order in seen:
        if cents >= 0:
            gross[order][day] += cents
            count[order, day] += 1
    own, loose = defaultdict(list), []
    for day, cents, order in seen:
        if cents < 0:
            known = order is not None and min(gross[order], default=LAST) <= day
            (own[order] if known else loose).append((day, -cents))
    dropped = 0
    for order in gross:
        left[order], excess = stacked(gross[order], own[order])
        dropped += excess
    by_day = {day: sum(left[order].get(day, 0) for order in left) for _, day in count}
    free = {day for day in by_day if sum(gross[order].get(day, 0) for order in left) == 0}
    by_day, excess = stacked(by_day, loose)
    days = {day: cents for day, cents in by_day.items() if cents > 0 or day in free}
    orders = []
    for order, lines in left.items():
        counted = [day for day, cents in lines.items() if day in days and (cents > 0 or gross[order][day] == 0)]
        if order is None:
            orders += [day for day in counted for _ in range(count[None, day])]
        elif counted:
            orders.append(max(counted))
    return days, orders, dropped + excess


def period(day, grain):
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    if grain == "month":
        return 12 * date.year + date.month
    return day - date.weekday() if grain == "week" else day


def divide(top, bottom):
    return top / bottom if bottom else math.nan


def expected_rfm(days, as_of, unit, grain, *, include_first=False):
    step = 1.0 if grain == "month" else UNIT_DAYS[unit]
    merged = defaultdict(int)
    for day, cents in days.items():
        merged[period(day, grain)] += cents
    first, last = min(merged), max(merged)
    repeats = [cents for when, cents in merged.items() if include_first or when > first]
    return {
        "frequency": len(repeats),
        "recency": (last - first) / step,
        "T": (period(as_of, grain) - first) / step,
        "monetary_value": sum(repeats) / (len(repeats) * 100) if repeats else 0.0,
    }


def expected_features(rows, as_of, start, unit, grain):
    days, orders, _ = standing(rows, as_of)
    if not days:
        return None
    found = expected_rfm(days, as_of, unit, grain)
    dates = sorted(days)
    found["days_since_last"] = as_of - dates[-1]
    windows = {w: as_of - w for w in WINDOWS}
    observed = {w: cut + 1 >= start for w, cut in windows.items()}
    for w, cut in windows.items():
        found[f"purchases_{w}"] = float(sum(day > cut for day in orders)) if observed[w] else math.nan
    for w, cut in windows.items():
        spent = sum(cents for day, cents, _ in rows if cut < day <= as_of)
        found[f"spend_{w}"] = spent / 100 if observed[w] else math.nan
    for w, cut in windows.items():
        found[f"active_days_{w}"] = float(sum(day > cut for day in dates)) if observed[w] else math.nan
    gaps = [later - earlier for earlier, later in pairwise(dates)]
    n = len(gaps)
    found["gap_mean"] = divide(sum(gaps), n)
    found["gap_std"] = math.sqrt(divide(n * sum(g * g for g in gaps) - sum(gaps) ** 2, n * (n - 1)))
    found["gap_max"] = float(max(gaps)) if gaps else math.nan
    found["overdue_ratio"] = divide((as_of - dates[-1]) * n, sum(gaps))
    found["purchases_trend"] = divide(sum(day - dates[0] for day in dates), n * (as_of - dates[0]))
    recent = sum(cents for day, cents in days.items() if day > windows[90])
    before = sum(cents for day, cents in days.items() if windows[180] < day <= windows[90])
    found["spend_trend"] = divide(recent - before, recent + before) if observed[180] else math.nan
    spent = [(day, cents) for day, cents, _ in rows if day <= as_of]
    for name, (window, value) in beyond_the_core(days, spent, as_of, found).items():
        found[name] = value if as_of - window + 1 >= start else math.nan
    return found


def beyond_the_core(days, spent, as_of, core):
    """Of the features that every log tells: {name: (days that it looks back, value)}; `spent` is money in and out."""
    dates, amounts = sorted(days), [days[day] for day in sorted(days)]
    silence, n, total = as_of - dates[-1], len(dates), sum(amounts)
    gaps = [later - earlier for earlier, later in pairwise(dates)]
    age, last = as_of - dates[0] + 1, gaps[-1] if gaps else math.nan
    lately = [gap for gap, day in zip(gaps, dates[1:], strict=True) if day > as_of - 90]
    ended = [gap for gap, day in zip(gaps, dates[1:], strict=True) if day > as_of - 180]

    def inside(window, since=0):
        return [day for day in dates if as_of - window < day <= as_of - since]

    def paid(window, since=0):
        return sum(cents for day, cents in spent if as_of - window < day <= as_of - since)

    def bought(window, since=0):
        return sum(days[day] for day in inside(window, since))

    year = inside(365)
    months = [(dt.date(1970, 1, 1) + dt.timedelta(days=day)).month for day in [dates[0], *year]]
    overdue = silence - core["gap_mean"]
    back, paid_in = -sum(cents for _, cents in spent if cents < 0), sum(cents for _, cents in spent if cents > 0)
    returned = [day for day, cents in spent if cents < 0]
    return {
        **{f"spend_{w}": (w, paid(w) / 100) for w in WEEKS},
        **{f"active_days_{w}": (w, float(len(inside(w)))) for w in WEEKS},
        "active_weeks_84": (84, float(len({(as_of - day) // 7 for day in inside(84)}))),
        "spend_total": (0, paid(10**6) / 100),
        "active_days_season_90": (364, float(len(inside(364, 274)))),
        "spend_season_90": (364, paid(364, 274) / 100),
        "gift_season_share_365": (365, divide(sum(month >= 11 for month in months[1:]), len(year))),
        "gap_cv": (0, core["gap_std"] / core["gap_mean"]),
        "gap_last": (0, float(last)),
        "gap_last_ratio": (0, divide(last * len(gaps), sum(gaps))),
        "gap_max_180": (180, float(max(ended)) if ended else math.nan),
        "gap_trend_90": (90, divide(sum(lately), len(lately)) / core["gap_mean"]),
        "days_overdue": (0, overdue),
        "overdue_spread": (0, divide(overdue, core["gap_std"])),
        "overdue_max": (0, divide(silence, core["gap_max"])),
        "gaps_longer": (0, divide(sum(gap > silence for gap in gaps), len(gaps))),
        "active_days_trend_28": (56, divide(len(inside(28)) - len(inside(56, 28)), len(inside(56)))),
        "spend_trend_28": (56, divide(bought(28) - bought(56, 28), bought(56))),
        "pace_28": (28, len(inside(28)) / n * (age / min(age, 28))),
        "spend_pace_90": (90, divide(bought(90), total) * (age / min(age, 90))),
        "spend_last": (0, amounts[-1] / 100),
        "spend_last_ratio": (0, divide(amounts[-1] * n, total)),
        "spend_max": (0, max(amounts) / 100),
        "days_since_large": (0, float(as_of - max(day for day in dates if days[day] * n >= total))),
        "spend_spread": (0, divide(sum(abs(cents * n - total) for cents in amounts), n * total * (n > 1))),
        "first_spend": (0, amounts[0] / 100),
        "first_month": (0, float(months[0])),
        "refund_share": (0, divide(back, paid_in)),
        "days_since_refund": (0, float(as_of - max(returned)) if returned else math.nan),
    }


@st.composite
def histories(draw):
    """Rows (day, cents, order) of some customers; crowded days, small amounts and few orders, so that they collide."""
    day = st.one_of(st.integers(0, 12), st.integers(0, 699))
    cents = st.one_of(st.sampled_from([0, 100, 100, 250]), st.integers(1, 999), st.sampled_from([-100, -150, -700]))
    row = st.tuples(day.map(lambda d: FIRST + d), cents, st.sampled_from([None, "o1", "o2", "o3"]))
    customers = draw(st.lists(st.lists(row, min_size=1, max_size=9), min_size=10, max_size=100))
    return {f"{i:03d}": rows for i, rows in enumerate([*customers, [(FIRST, 500, "o1"), (FIRST + 3, -200, None)]])}


def ages():
    """Days from the first; many of them just as long after a crowded day as a window is."""
    windows = st.sampled_from([*WEEKS, *WINDOWS, 84, 364 - 90, 364])
    return st.one_of(st.integers(0, 600), st.builds(add, windows, st.integers(0, 12)))


def log_of(engine, people, *, numbered):
    if not numbered:
        people.update({name: [(day, cents, None) for day, cents, _ in rows] for name, rows in people.items()})
    rows = [(name, *row) for name, rows in people.items() for row in rows]
    frame = pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "time": pd.to_datetime([iso(row[1]) for row in rows]),
            "amount": [row[2] / 100 for row in rows],
        }
    )
    if numbered:
        frame["order_id"] = pd.array([row[3] for row in rows], dtype="string")
    return engine(frame, observed_until=iso(LAST))


def assert_exactly(found, expected):
    """Equal names, types and numbers, NaN where NaN is expected; no tolerance."""
    assert list(found.columns) == list(expected.columns)
    for name in found.columns:
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy(), err_msg=name)


@few
@given(people=histories(), age=ages(), numbered=st.booleans(), measure=st.sampled_from(MEASURES))
def test_features_and_summaries_equal_plain_python(engine, people, age, numbered, measure):
    log = log_of(engine, people, numbered=numbered)
    unit, grain = measure
    as_of = max(FIRST + age, log.first_day)
    expected = {
        name: row
        for name, rows in people.items()
        if (row := expected_features(rows, as_of, log.first_day, unit, grain))
    }
    found = features(log, iso(as_of), unit=unit, grain=grain)
    assert list(found.index) == [(name, pd.Timestamp(iso(as_of))) for name in expected]
    told = found[[name for name, feature in CATALOGUE.items() if feature.needs is None]]
    rows = pd.DataFrame(list(expected.values()))
    assert sorted(rows.columns) == sorted(told.columns)
    assert_exactly(told, rows[told.columns])

    summary = rfm_summary(log, iso(as_of), unit, grain, include_first=True)
    rows = [
        expected_rfm(standing(people[name], as_of)[0], as_of, unit, grain, include_first=True) for name in summary.index
    ]
    assert list(summary.index) == list(expected)
    assert_exactly(summary, pd.DataFrame(rows, columns=summary.columns))

    grouped = found.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    assert_exactly(rfm_counts(log, iso(as_of), unit, grain), grouped)


@few
@given(people=histories(), age=ages(), ahead=st.integers(1, 60), numbered=st.booleans())
def test_labels_and_idle_refunds_equal_plain_python(engine, people, age, ahead, numbered):
    log = log_of(engine, people, numbered=numbered)
    as_of = max(FIRST + age, log.first_day)
    frame = snapshots(log, iso(as_of), horizon=f"{ahead} days", which="core")
    rows, floored = [], 0
    for history in people.values():
        if standing(history, as_of)[0]:
            later = sum(day > as_of for day in standing(history, as_of + ahead)[0])
            spent = sum(cents for day, cents, _ in history if as_of < day <= as_of + ahead)
            floored += max(0, -spent)
            rows.append((int(later == 0), later, max(0, spent) / 100))
    assert_exactly(frame[list(LABELS)], pd.DataFrame(rows, columns=list(LABELS)))
    assert frame.attrs["spend_floored"] == floored / 100
    assert unmatched_refunds(log, as_of) == sum(standing(rows, as_of)[2] for rows in people.values())
