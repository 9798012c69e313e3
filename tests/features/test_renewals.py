"""Renewals against a walk through each customer's contracts in plain Python, their counting, and what they refuse."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError
from patron.data.readers import read_transactions
from patron.features.contracts import renewals
from patron.models.family.contract_inputs import cohort_table

DAY = dt.timedelta(days=1)


def contracts(*rows, plans=True):
    frame = pd.DataFrame(rows, columns=["customer_id", "start", "end", *(["plan"] if plans else [])])
    return frame.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


def due_dates(start, period, until):
    k, day = 1, start
    while True:
        day = (pd.Timestamp(start) + k * period).date()
        if day > until:
            return
        yield day
        k += 1


def walked(frame, as_of, period, grace):
    """One customer after another, one contract after another, one due date after another."""
    as_of, found = dt.date.fromisoformat(as_of), []
    for customer, rows in frame.groupby("customer_id"):
        spells = []
        ends = rows["end"].fillna(pd.Timestamp("2099-01-01"))
        for start, last in sorted(zip(rows["start"].dt.date, ends.dt.date, strict=True)):
            if start > as_of:
                continue
            end = min(last, as_of + DAY)  # the day after stands for open
            if spells and start <= spells[-1][1] + (1 + grace) * DAY:
                spells[-1][1] = max(spells[-1][1], end)
            else:
                spells.append([start, end])
        for start, end in spells:
            survived = len(list(due_dates(start, period, min(end, as_of))))
            lost = end + (1 + grace) * DAY <= as_of
            complete = len(list(due_dates(start, period, as_of - grace * DAY)))
            found.append((customer, pd.Timestamp(start), survived, lost, min(survived + lost, complete)))
    return found


def made(seed, customers=150):
    """Contracts with every gap, overlap and open end there is, on month ends too."""
    rng = np.random.default_rng(seed)
    n = 3 * customers
    start = np.datetime64("2023-01-01") + rng.integers(0, 600, n)
    start = np.where(rng.random(n) < 0.3, start.astype("datetime64[M]").astype("datetime64[D]") - 1, start)
    end = start + rng.choice([0, 6, 27, 29, 30, 89, 364, 365], n) + rng.integers(0, 3, n)
    frame = pd.DataFrame({"customer_id": rng.integers(0, customers, n).astype(str), "start": start, "end": end})
    frame["end"] = frame["end"].mask(rng.random(n) < 0.2)
    return frame.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


@pytest.mark.parametrize(
    ("period", "offset", "grace"),
    [
        ("month", pd.DateOffset(months=1), 5),
        ("3 months", pd.DateOffset(months=3), 0),
        ("year", pd.DateOffset(years=1), 1),
        ("28 days", pd.Timedelta(days=28), 0),
    ],
)
def test_the_count_equals_a_walk_through_the_contracts(period, offset, grace):
    frame = made(grace)
    frame = pd.concat([frame, frame.iloc[:40], frame.assign(plan=frame["end"].astype(str))])
    for as_of in ("2024-02-29", "2024-08-31"):
        told = renewals(frame, as_of, period, grace=grace).drop(columns="plan")
        assert list(told.reset_index().itertuples(index=False, name=None)) == walked(frame, as_of, offset, grace)
        assert told.dtypes.astype(str).to_dict() == {"renewals": "int64", "lost": "bool", "periods": "int64"}


@pytest.mark.engines
def test_a_log_and_a_plain_table_say_the_same(engine):
    frame = made(7).assign(plan="a")
    bought = pd.DataFrame({"customer_id": ["0", "1"], "time": "2023-01-01", "amount": 1.0})
    log = engine(bought, observed_until="2024-12-31").with_subscriptions(engine.place(frame))
    pd.testing.assert_frame_equal(renewals(log, "2024-06-30", "month"), renewals(frame, "2024-06-30", "month"))


def test_nothing_after_as_of_shows():
    frame = made(3).assign(plan=[f"p{i % 4}" for i in range(450)])
    as_of = pd.Timestamp("2023-10-31")
    future = frame.copy()
    later = future["end"] > as_of
    future.loc[later, "end"] += pd.Timedelta(days=9)
    future.loc[later & (frame.index % 2 == 0), "end"] = pd.NaT
    future.loc[future["start"] > as_of, "plan"] = "other"
    future = pd.concat([future, contracts(("0", "2023-11-01", None, "new"), ("x", "2024-01-01", None, "new"))])
    told = renewals(frame, "2023-10-31", "month", grace=3)
    pd.testing.assert_frame_equal(told, renewals(future, "2023-10-31", "month", grace=3))
    past = frame[frame["start"] <= as_of].assign(end=frame["end"].mask(frame["end"] > as_of))
    pd.testing.assert_frame_equal(told, renewals(past, "2023-10-31", "month", grace=3))


def test_who_leaves_at_the_end_of_the_first_period_has_survived_no_renewal():
    frame = contracts(
        ("first", "2024-01-01", "2024-12-31", "a"),
        ("second", "2024-01-01", "2025-12-31", "a"),
        ("midway", "2024-01-01", "2024-07-01", "a"),
        ("stays", "2024-01-01", None, "a"),
    )
    told = renewals(frame, "2026-06-30", "year").droplevel("start")
    assert told.loc[["first", "second", "midway", "stays"], "renewals"].tolist() == [0, 1, 0, 2]
    assert told["lost"].to_dict() == {"first": True, "second": True, "midway": True, "stays": False}
    assert cohort_table(told)[["at_risk", "lost"]].to_numpy().tolist() == [[4, 2], [2, 1]]
    assert cohort_table(told).attrs == {"period": "1 year", "as_of": "2026-06-30"}


def test_a_contract_on_its_last_day_is_not_yet_lost():
    frame = contracts(("a", "2024-01-01", "2024-01-31", "x"))
    for as_of, grace, lost, periods in [
        ("2024-01-31", 0, False, 0),
        ("2024-02-03", 3, False, 0),
        ("2024-02-04", 3, True, 1),
    ]:
        told = renewals(frame, as_of, "month", grace=grace).iloc[0]
        assert (told["renewals"], told["lost"], told["periods"]) == (0, lost, periods)


def test_a_change_of_plan_is_no_loss_and_a_longer_gap_is():
    frame = contracts(
        ("a", "2024-01-01", "2024-02-29", "basic"),
        ("a", "2024-03-01", "2024-03-31", "plus"),
        ("a", "2024-04-08", None, "basic"),
    )
    strict = renewals(frame, "2024-05-15", "month")
    assert strict["renewals"].tolist() == [2, 1]
    assert strict["lost"].tolist() == [True, False]
    assert strict["plan"].tolist() == ["plus", "basic"]
    (lenient,) = renewals(frame, "2024-05-15", "month", grace=7).itertuples()
    assert (lenient.renewals, lenient.lost, lenient.plan) == (4, False, "basic")
    assert len(renewals(frame, "2024-05-15", "month", grace=6)) == 2


def test_a_month_that_is_shorter_falls_due_on_its_last_day():
    frame = contracts(("a", "2024-01-31", None, "x"))
    days = ["2024-02-28", "2024-02-29", "2024-03-30", "2025-02-28"]
    assert [int(renewals(frame, day, "month")["renewals"].iloc[0]) for day in days] == [0, 1, 1, 13]


def test_a_period_that_has_not_run_out_biases_nobody():
    """One in ten leaves on a random day of each month, half of the customers signed within the month."""
    rng = np.random.default_rng(5)
    n = 40_000
    start = np.datetime64("2024-06-30") - rng.integers(5, 60, n)
    end = start + (28 * (rng.geometric(0.1, n) - 1) + rng.integers(0, 28, n))
    frame = pd.DataFrame({"customer_id": np.arange(n), "start": start, "end": end})
    table = cohort_table(renewals(frame, "2024-06-30", "28 days"))
    share = table["lost"] / table["at_risk"]
    assert len(share) == 2
    assert (abs(share - 0.1) < 4 * np.sqrt(0.09 / table["at_risk"])).all()


def test_what_cannot_be_read_is_refused(cdnow_sample):
    frame = contracts(("a", "2024-01-31", None), plans=False)
    with pytest.raises(DataError, match="has no subscriptions"):
        renewals(cdnow_sample, "1998-06-30", "month")
    with pytest.raises(ConfigError, match="not a horizon: 'fortnight'"):
        renewals(frame, "2024-06-30", "fortnight")
    for grace in (-1, 2.5):
        with pytest.raises(ConfigError, match="grace is a whole number of days"):
            renewals(frame, "2024-06-30", "month", grace=grace)
    with pytest.raises(DataError, match="start"):
        renewals(frame.drop(columns="start"), "2024-06-30", "month")
    with pytest.raises(DataError, match="lies before 'start'"):
        renewals(frame.assign(end=pd.Timestamp("2024-01-01")), "2024-06-30", "month")
    log = read_transactions(pd.DataFrame({"customer_id": ["a"], "time": ["2024-01-01"], "amount": [1.0]}))
    with pytest.raises(DataError, match="after the last day observed"):
        renewals(log.with_subscriptions(frame.assign(start="2024-01-01")), "2024-06-30", "month")


def test_a_day_before_anybody_signed_is_an_empty_frame():
    told = renewals(contracts(("a", "2024-01-31", None, "x")), "2023-06-30", "month")
    assert told.empty
    assert told.index.names == ["customer_id", "start"]
    assert list(told.columns) == ["renewals", "lost", "periods", "plan"]
