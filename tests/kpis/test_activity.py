"""Activity is what one counts by hand, its identities hold exactly, and it agrees with the labels of churn."""

import datetime as dt

import pandas as pd
import pytest

import patron
from patron import ConfigError, DataError, kpis

DAY = dt.timedelta(days=1)


def active(days, day, within):
    return any(day - within * DAY < bought <= day for bought in days)


def recount(plain, frame, until, every, within):
    bought = plain.days(frame)
    first = min(day for days in bought.values() for day in days)
    rows = {}
    for start, end in plain.periods(first, until, every):
        row = dict.fromkeys(["start", "new", "kept", "lost", "reactivated", "new_lapsed", "end"], 0)
        for days in bought.values():
            before, after = active(days, start - DAY, within), active(days, end, within)
            new = start <= days[0] <= end
            row["start"] += before
            row["end"] += after
            row["new"] += new
            row["new_lapsed"] += new and not after
            row["kept"] += before and after
            row["lost"] += before and not after
            row["reactivated"] += days[0] < start and not before and after
        rows[pd.Timestamp(start)] = row
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.parametrize(
    ("every", "within"), [("week", 3), ("week", 20), ("month", 10), ("month", 90), ("quarter", 30), ("year", 400)]
)
def test_counts_are_those_of_a_recount(plain, made, every, within):
    frame = plain.rows()
    told = kpis.activity(made, every, f"{within} days")
    wanted = recount(plain, frame, dt.date(2024, 3, 20), every, within)
    assert told.index.names == ["period"]
    assert list(told.index) == list(wanted.index)
    for name in wanted:
        assert told[name].tolist() == wanted[name].tolist(), name


@pytest.mark.parametrize("by", [None, "cohort", "channel"])
@pytest.mark.parametrize("within", ["5 days", "90 days"])
def test_identities_hold_in_every_row(made, within, by):
    told = kpis.activity(made, "month", within, by)
    moved = told["start"] + told["new"] + told["reactivated"] - told["lost"] - told["new_lapsed"]
    assert (moved == told["end"]).all()
    assert (told["kept"] + told["lost"] == told["start"]).all()
    before = told["end"].groupby(level=1).shift() if by else told["end"].shift()
    assert (before.fillna(0) == told["start"]).all()
    some = told[told["start"] > 0]
    assert some["retention"].tolist() == (some["kept"] / some["start"]).tolist()
    assert some["retention_net"].tolist() == ((some["end"] - some["new"]) / some["start"]).tolist()
    assert (some["retention"] + some["churn_rate"]).to_numpy() == pytest.approx(1)
    assert told.loc[told["start"] == 0, ["retention", "retention_net", "churn_rate"]].isna().all(axis=None)


def test_groups_add_up_to_all(made):
    counts = ["start", "new", "kept", "lost", "reactivated", "new_lapsed", "end"]
    whole = kpis.activity(made)[counts]
    segments = pd.Series({f"c{i:02}": ["A", "B"][i % 2] for i in range(30)}, name="segment")
    for by in ("cohort", "channel", segments):
        told = kpis.activity(made, by=by)
        assert told.index.names == ["period", by if isinstance(by, str) else "segment"]
        pd.testing.assert_frame_equal(told[counts].groupby(level=0).sum(), whole)
    assert set(kpis.activity(made, by=segments).index.get_level_values(1)) == {"A", "B", "(unknown)"}


def test_a_group_is_counted_as_if_alone(plain, made):
    frame = plain.rows()
    told = kpis.activity(made, "month", "20 days", by="cohort")
    first = frame.groupby("customer_id")["time"].transform("min").str[:7]
    wanted = kpis.activity(plain.log(frame[first == "2023-04"]), "month", "20 days")
    pd.testing.assert_frame_equal(told.xs("2023-04", level="cohort"), wanted, check_freq=False)


def test_who_is_active_has_bought_within_the_horizon_of_a_churn_label(cdnow_sample):
    told = kpis.activity(cdnow_sample, "month", "90 days")
    labels = patron.snapshots(cdnow_sample, "1998-01-01", "90 days", which="core")["churned"]
    assert told.loc["1998-04-01", "start"] != (labels == 0).sum()  # to 1 April, a day more
    labels = patron.snapshots(cdnow_sample, "1997-12-31", "90 days", which="core")["churned"]
    assert told.loc["1998-04-01", "start"] == (labels == 0).sum()


def test_cdnow_by_pandas_alone(cdnow_sample):
    frame = patron.datasets.source("cdnow-sample")
    frame["time"] = pd.to_datetime(frame["time"])
    told = kpis.activity(cdnow_sample, "month", "28 days")
    assert told["new"].tolist()[:4] == [781, 857, 719, 0]
    for month in ("1997-09-01", "1998-02-01"):
        end = pd.Timestamp(month) + pd.offsets.MonthEnd()
        recent = frame[(frame["time"] > end - pd.Timedelta(days=28)) & (frame["time"] <= end)]
        assert told.loc[month, "end"] == recent["customer_id"].nunique()
    assert len(told) == 18


def test_returns_are_no_purchases(plain):
    rows = [
        ("a", "2024-01-05", 10.0),
        ("a", "2024-02-05", -10.0),  # takes January back: a never bought
        ("b", "2024-01-05", 10.0),
        ("b", "2024-02-20", -3.0),  # no purchase day, and b was not active for it
        ("c", "2024-02-10", 5.0),
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    told = kpis.activity(plain.log(frame, until="2024-03-31"), active_within="28 days")
    assert told["new"].tolist() == [1, 1, 0]
    assert told["end"].tolist() == [1, 1, 0]
    assert told["lost"].tolist() == [0, 1, 1]


def test_the_last_period_must_have_run_out(plain):
    frame = plain.rows()
    assert kpis.activity(plain.log(frame, until="2024-03-31")).index[-1] == pd.Timestamp("2024-03-01")
    assert kpis.activity(plain.log(frame, until="2024-03-30")).index[-1] == pd.Timestamp("2024-02-01")


def test_what_cannot_be_told_is_refused(plain, made):
    frame, log = plain.rows(), made
    with pytest.raises(ConfigError, match="one of week, month, quarter, year"):
        kpis.activity(log, "day")
    with pytest.raises(ConfigError, match="active_within must be a fixed length"):
        kpis.activity(log, active_within="3 months")
    with pytest.raises(ConfigError, match="by is 'segment'"):
        kpis.activity(log, by="segment")
    with pytest.raises(DataError, match=r"no column channel.* Fix: name it"):
        kpis.activity(plain.log(frame.drop(columns="channel")), by="channel")
    with pytest.raises(DataError, match=r"'plan'.*twice in by \(1 row, for example 'a'\)"):
        kpis.activity(log, by=pd.Series(["x", "y"], index=["a", "a"], name="plan"))
    short = plain.log(frame.assign(time="2024-01-05"), until="2024-01-30")
    with pytest.raises(DataError, match="no month was wholly observed between 2024-01-05 and 2024-01-30"):
        kpis.activity(short)
    assert len(kpis.activity(short, "week")) == 4
