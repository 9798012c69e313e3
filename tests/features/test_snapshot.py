"""Snapshots look at nothing after their day, labels at nothing beyond their horizon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import patron.features
from patron._core.calendar import date_of, day_number
from patron._core.errors import ConfigError, DataError
from patron._core.progress import listen
from patron.data.readers import read_transactions
from patron.features import LABELS, features, rfm_summary, snapshots, split
from patron.features.catalogue import features_of

DAYS = ["2020-09-30", "2021-03-31"]
END = "2021-12-31"


def invented(seed=7, customers=60):
    """Two years of purchases, refunds and order numbers of customers who come and go."""
    rng = np.random.default_rng(seed)
    n = 12 * customers
    start = rng.integers(0, 500, customers)
    who = rng.integers(0, customers, n)
    day = np.minimum(start[who] + rng.integers(0, 400, n) * rng.integers(0, 2, n), 720)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in who],
            "time": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D"),
            "amount": np.where(rng.random(n) < 0.15, -1, 1) * rng.integers(0, 5000, n) / 100,
            "order_id": pd.array([f"o{i}" if i < 15 else None for i in rng.integers(0, 20, n)], dtype="string"),
        }
    )


def same_bits(one, two):
    """Whether two frames hold the same index, columns, types and bits."""
    return (
        one.index.equals(two.index)
        and list(one.columns) == list(two.columns)
        and list(one.dtypes) == list(two.dtypes)
        and all(one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes() for name in one.columns)
    )


def amounts(later, rng):
    return later.assign(amount=rng.permutation(later["amount"]) * 3)


def days_later(later, rng):
    shifted = later["time"] + pd.to_timedelta(rng.integers(0, 60, len(later)), unit="D")
    return later.assign(time=shifted.clip(upper=pd.Timestamp(END)))


def customers(later, rng):
    return later.assign(customer_id=rng.permutation(later["customer_id"]))


def new_rows(later, rng):
    extra = later.assign(customer_id=[f"new{i}" for i in range(len(later))], order_id=None)
    return pd.concat([later, later.sample(frac=0.5, random_state=3), extra], ignore_index=True)


def refunds(later, rng):
    return pd.concat([later, later.assign(amount=-later["amount"].abs() * 5)], ignore_index=True)


def nothing(later, rng):
    return later.iloc[:0]


def everything(later, rng):
    return refunds(new_rows(customers(days_later(amounts(later, rng), rng), rng), rng), rng)


@pytest.fixture(scope="module")
def as_it_was():
    return features(read_transactions(invented(), observed_until=END), DAYS, unit="week")


@pytest.mark.engines
@pytest.mark.parametrize(
    ("engine", "scramble"),
    [
        ("duckdb", everything),
        ("duckdb", nothing),
        ("postgres", everything),
    ],
    indirect=["engine"],
)
def test_no_feature_moves_when_the_future_does(engine, scramble, as_it_was):
    frame = invented()
    for day in DAYS:
        later = frame["time"] > day
        changed = pd.concat([frame[~later], scramble(frame[later], np.random.default_rng(1))], ignore_index=True)
        after = features(engine(changed, observed_until=END), day, unit="week")
        assert same_bits(as_it_was[as_it_was.index.get_level_values("as_of") == day], after)


def test_a_log_cut_at_the_day_gives_the_same(here):
    log = here(invented(), observed_until=END)
    for day in DAYS:
        assert same_bits(features(log, day, grain="week"), features(log.until(day), day, grain="week"))


def test_a_label_ends_with_its_horizon(here):
    frame = invented()
    later = frame["time"] > pd.Timestamp(DAYS[0]) + pd.Timedelta(days=90)
    changed = pd.concat([frame[~later], refunds(new_rows(frame[later], None), None)], ignore_index=True)
    before = snapshots(here(frame, observed_until=END), DAYS[0], which="core")
    assert before[list(LABELS)].nunique().min() > 1
    assert same_bits(before, snapshots(here(changed, observed_until=END), DAYS[0], which="core"))


def test_several_days_give_what_each_gives_alone(here):
    log = here(invented(), observed_until=END)
    together = snapshots(log, DAYS[::-1], horizon="13 weeks")
    alone = [snapshots(log, day, horizon="13 weeks") for day in DAYS]
    assert same_bits(together, pd.concat(alone))
    assert together.attrs["spend_floored"] == pytest.approx(sum(frame.attrs["spend_floored"] for frame in alone))
    assert together.attrs["spend_floored"] > 0
    assert same_bits(features(log, DAYS), split(together)[0])


def test_a_customer_alone_gives_what_the_whole_base_gives(here):
    log = here(invented(), observed_until=END)
    whole = features(log, DAYS[1])
    name = whole.index[len(whole) // 2][0]
    alone = replace(log, table=log.table.filter(log.table.customer_id == name))
    assert same_bits(features(alone, DAYS[1]), whole.loc[[name]])


@pytest.mark.parametrize(("unit", "grain"), [("day", "day"), ("week", "week")])
def test_rfm_columns_are_those_of_the_summary(cdnow_sample, unit, grain):
    frame = features(cdnow_sample, "1997-09-30", unit=unit, grain=grain)
    summary = rfm_summary(cdnow_sample, "1997-09-30", unit, grain)
    assert same_bits(frame.droplevel("as_of")[list(summary.columns)], summary)
    assert frame.attrs == {"unit": unit, "grain": grain}


def test_index_and_types_are_the_same_for_every_log(cdnow_sample):
    frame = snapshots(cdnow_sample, ["1997-01-01", "1998-03-31"])
    young = snapshots(cdnow_sample.until("1997-06-30"), "1997-01-01")
    assert frame.index.names == ["customer_id", "as_of"]
    assert frame.index.is_unique
    assert list(frame.index) == sorted(frame.index, key=lambda row: (row[1], row[0]))
    assert frame.index.dtypes["as_of"] == "datetime64[us]"
    assert list(young.dtypes) == list(frame.dtypes)
    declared = {feature.name: feature.dtype for feature in features_of(cdnow_sample)}
    assert frame.dtypes[list(declared)].astype(str).to_dict() == declared
    assert frame.dtypes[list(LABELS)].astype(str).tolist() == ["int8", "int64", "float64"]


def test_trap_21_a_window_longer_than_the_history_is_missing(cdnow_sample):
    windows = {}
    for feature in features_of(cdnow_sample):
        windows.setdefault(feature.window, []).append(feature.name)
    windows.pop(None)
    assert sorted(windows) == [7, 14, 28, 30, 56, 84, 90, 180, 364, 365]
    for days, names in windows.items():
        whole = cdnow_sample.first_day + days - 1
        assert features(cdnow_sample, date_of(whole - 1), which=names).isna().all(axis=None)
        assert features(cdnow_sample, date_of(whole), which=names).notna().any().all()


def test_a_window_of_seven_days_ends_with_the_as_of_day(here):
    times = ["2020-01-01", "2020-03-01", "2020-03-07"]
    log = here(pd.DataFrame({"customer_id": "a", "time": times, "amount": [1.0, 2.0, 4.0]}), observed_until=END)
    windows = ["purchases_7", "spend_7", "active_days_7"]
    assert features(log, "2020-03-07", which=windows).iloc[0].tolist() == [2, 6.0, 2]
    assert features(log, "2020-03-08", which=windows).iloc[0].tolist() == [1, 4.0, 1]


def test_trap_21_a_customer_younger_than_the_window_has_the_true_count(cdnow_sample):
    frame = features(cdnow_sample, "1998-01-31")
    assert (frame["T"] < 365).any()
    assert (frame["active_days_365"] == frame["frequency"] + 1).where(frame["T"] < 365, True).all()  # noqa: FBT003


def test_one_time_buyers_have_no_rhythm(cdnow_sample):
    frame = features(cdnow_sample, "1998-03-31")
    once = frame["frequency"] == 0
    for name in ("gap_mean", "gap_max", "overdue_ratio", "purchases_trend"):
        assert (frame[name].isna() == once).all(), name
    assert (frame["gap_std"].isna() == (frame["frequency"] < 2)).all()


def test_trends_say_which_way_it_goes(here):
    steady = [("steady", f"2020-{month:02d}-01", 1.0) for month in range(1, 13)]
    faster = [("faster", day, 1.0) for day in ("2020-01-01", "2020-11-01", "2020-11-20", "2020-12-10")]
    slower = [("slower", day, 1.0) for day in ("2020-01-01", "2020-01-20", "2020-02-10", "2020-07-20")]
    frame = pd.DataFrame([*steady, *faster, *slower], columns=["customer_id", "time", "amount"])
    found = features(here(frame, observed_until="2020-12-31"), "2020-12-31").droplevel("as_of")
    assert found.loc["slower", "purchases_trend"] < 0.4 < found.loc["steady", "purchases_trend"] < 0.6
    assert found.loc["faster", "purchases_trend"] > 0.8
    assert found["spend_trend"].to_dict() == {"steady": -0.2, "faster": 1.0, "slower": -1.0}  # 2 months against 3


def test_labels_are_closed_or_refused(cdnow_sample):
    last = date_of(day_number("1998-06-30") - 90).isoformat()
    assert len(snapshots(cdnow_sample, last, horizon="90 days"))
    with pytest.raises(DataError, match=f"as_of on {last} at the latest"):
        snapshots(cdnow_sample, ["1997-09-30", "1998-04-02"], horizon="90 days")
    with pytest.raises(DataError, match="a shorter horizon"):
        snapshots(cdnow_sample, "1997-09-30", horizon="900 days")


def test_a_horizon_of_changing_length_is_refused(cdnow_sample):
    with pytest.raises(ConfigError, match="fixed length"):
        snapshots(cdnow_sample, "1997-09-30", horizon="3 months")


def test_trap_13_spend_next_is_the_total_of_the_window(here):
    frame = pd.DataFrame(
        {"customer_id": "a", "time": ["2020-01-01", "2020-02-01", "2020-02-01", "2020-03-01"], "amount": [1.0, 2, 3, 4]}
    )
    log = here(frame, observed_until=END)
    for horizon, expected in {"30 days": [1, 0, 0.0], "31 days": [0, 1, 5.0], "60 days": [0, 2, 9.0]}.items():
        labels = split(snapshots(log, "2020-01-01", horizon=horizon, which=["T"]))[1]
        assert labels.iloc[0].tolist() == expected


def test_split_parts_features_from_labels(cdnow_sample):
    frame = snapshots(cdnow_sample, "1997-09-30", unit="week")
    X, labels = split(frame)
    assert list(X.columns) == [feature.name for feature in features_of(cdnow_sample)]
    assert list(labels.columns) == list(LABELS)
    assert X.index.equals(labels.index)
    assert (X.attrs["unit"], X.attrs["grain"], X.attrs["horizon_days"]) == ("week", "day", 90)


def test_split_refuses_a_frame_without_labels(cdnow_sample):
    with pytest.raises(DataError, match="churned"):
        split(features(cdnow_sample, "1997-09-30"))


@pytest.mark.parametrize(("rows_at_once", "queries"), [(10**6, 1), (14_000, 2), (1, 3)])
def test_as_of_days_that_are_too_many_at_once_are_computed_in_turn(cdnow_sample, monkeypatch, rows_at_once, queries):
    days = ["1997-09-30", "1997-10-31", "1997-11-30"]
    together = features(cdnow_sample, days, which="core")
    monkeypatch.setattr("patron.features.snapshot._ROWS_AT_ONCE", rows_at_once)
    heard = []
    with listen(lambda *step: heard.append(step)):
        assert same_bits(features(cdnow_sample, days, which="core"), together)
    assert heard == [("features", done, queries) for done in range(queries + 1)]


def test_the_room_answers_to_its_name(cdnow_sample):
    assert same_bits(patron.features(cdnow_sample, "1997-09-30"), features(cdnow_sample, "1997-09-30"))
