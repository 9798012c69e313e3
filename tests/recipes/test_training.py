import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from patron._core.calendar import day_number
from patron._core.errors import DataError
from patron.features import LABELS, features, rfm_counts, rfm_summary, snapshots, split
from patron.recipes import training
from patron.recipes.training import Timeline, training_days, training_frame

pytestmark = pytest.mark.xdist_group("recipes")  # their rows are made once
T = "2024-08-31"


def test_training_days_have_a_horizon_before_them_and_a_closed_label_after_them():
    first = day_number("2024-01-01")
    days = training_days(first, "2024-12-31", horizon=60, every=28, most=99)
    numbers = [day_number(day) for day in days]
    assert numbers[-1] + 60 == day_number("2024-12-31")
    assert set(np.diff(numbers)) == {28}
    assert numbers[0] - first + 1 >= 60 > numbers[0] - 28 - first + 1


def test_training_days_are_the_latest_ones():
    days = training_days(day_number("2020-01-01"), "2024-12-31", 60, 28, most=3)
    assert [str(day.date()) for day in days] == ["2024-09-06", "2024-10-04", "2024-11-01"]


def test_a_history_too_short_for_one_label_is_refused():
    with pytest.raises(DataError, match="99 days of history, and a 50-day label needs 100"):
        training_days(day_number("2024-01-01"), "2024-04-08", 50, 28)
    assert len(training_days(day_number("2024-01-01"), "2024-04-09", 50, 28)) == 1


def test_training_data_are_the_public_frames_of_each_day(line, data):
    day = data.rows.index.get_level_values("as_of").min()
    expected = snapshots(line.log, day, "42 days", unit="week")
    found = data.rows[data.rows.index.get_level_values("as_of") == day]
    assert_frame_equal(found, expected)
    assert_frame_equal(data.today, features(line.log, data.t, unit="week"))
    for at in (day, data.t):
        assert_frame_equal(data.counts[at], rfm_counts(line.log, at, unit="week"), check_dtype=False)
        summary = rfm_summary(line.log, at, unit="week")
        bought = summary.loc[(summary.frequency > 0) & (summary.monetary_value > 0), ["frequency", "monetary_value"]]
        assert_frame_equal(data.spend[at].droplevel("as_of"), bought)
    assert set(data.counts) == set(data.spend) == {*data.rows.index.get_level_values("as_of"), data.t}


def test_frames_carry_their_unit(data):
    for frame in (data.rows, data.today, data.counts[data.t]):
        assert frame.attrs["unit"] == "week"


def test_today_has_no_label(data):
    assert not set(LABELS) & set(data.today)


def test_each_day_is_asked_of_the_engine_once(line, data, monkeypatch):
    monkeypatch.setattr(training, "snapshots", None)
    monkeypatch.setattr(training, "features", None)
    again = line.training(data.t, data.counts.keys() - {data.t})
    assert_frame_equal(again.rows, data.rows)


def test_of_a_long_log_few_days_are_asked_at_once_and_nothing_changes(line, data, monkeypatch):
    monkeypatch.setattr(training, "ROWS_AT_ONCE", 2 * line.log.rows)
    groups = []
    monkeypatch.setattr(
        training, "snapshots", lambda log, days, *how, **unit: groups.append(days) or snapshots(log, days, *how, **unit)
    )
    days = list(data.rows.index.get_level_values("as_of").unique())[:3]
    rows = Timeline(line.log, line.horizon, "week").rows(days)
    assert [len(group) for group in groups] == [2, 1]
    assert_frame_equal(rows, data.rows[data.rows.index.get_level_values("as_of").isin(days)])


def test_a_label_that_closes_after_t_is_refused(line, data):
    with pytest.raises(DataError, match=r"would see past 2024-08-31.*up to 2024-07-20"):
        line.training(data.t, ["2024-07-20", "2024-07-21"])


def test_a_test_day_with_open_labels_is_refused(line):
    with pytest.raises(DataError, match=r"open at 2024-10-15.*2024-10-14 or earlier"):
        line.test("2024-10-15")


def test_too_many_rows_leave_whole_customers_out_but_never_from_the_counts(line, data, monkeypatch):
    monkeypatch.setattr(training, "MOST_ROWS", len(data.rows) // 2)
    fewer = line.training(data.t, data.counts.keys() - {data.t})
    assert 0.4 < len(fewer.rows) / len(data.rows) < 0.6
    kept = fewer.rows.index.get_level_values("customer_id").unique()
    whole = data.rows[data.rows.index.get_level_values("customer_id").isin(kept)]
    assert_frame_equal(fewer.rows, whole)
    assert_frame_equal(fewer.counts[data.t], data.counts[data.t])


def test_a_stamp_of_the_calendar_is_the_key(data):
    assert all(isinstance(day, pd.Timestamp) for day in data.counts)


def test_only_the_eligible_train_and_everybody_is_predicted(line, data):
    some = Timeline(line.log, line.horizon, "week", bought_within=60)
    limited = some.training(T, some.days(T, 28))
    assert (limited.rows["days_since_last"] < 60).all()
    assert len(limited.rows) == (data.rows["days_since_last"] < 60).sum() < len(data.rows)
    assert_frame_equal(limited.today, data.today)
    for day, counts in data.counts.items():
        assert_frame_equal(limited.counts[day], counts)


def test_no_customer_has_more_rows_than_asked_for_and_the_draw_depends_on_nobody_else(line, data):
    few = Timeline(line.log, line.horizon, "week", rows_per_customer=2)
    rows = few.rows(few.days(T, 28))
    counts = rows.groupby(level="customer_id").size()
    whole = data.rows.groupby(level="customer_id").size()
    assert (counts == whole.clip(upper=2)).all()
    assert rows.index.get_level_values("as_of").nunique() > 2
    half = set(data.rows.index.get_level_values("customer_id")[::2])
    fewer = Timeline(few.log, few.horizon, "week", rows_per_customer=2)
    fewer._days = {
        day: frame[frame.index.get_level_values("customer_id").isin(half)] for day, frame in few._days.items()
    }
    alone = fewer.rows(few.days(T, 28))
    assert_frame_equal(alone, rows[rows.index.get_level_values("customer_id").isin(half)])


def test_nobody_eligible_is_refused(line):
    nobody = Timeline(line.log, line.horizon, "week", bought_within=0)
    with pytest.raises(DataError, match="nobody had bought within 0 days"):
        nobody.rows(nobody.days(T, 28))


@pytest.mark.parametrize(("t", "every"), [("2024-06-30", "7 days"), ("2024-08-31", "28 days")])
def test_every_row_of_a_training_frame_had_closed_and_a_longer_log_changes_nothing(line, t, every):
    frame = training_frame(line.log, t, "42 days", every=every, origins=3, unit="week")
    days = frame.index.get_level_values("as_of").unique()
    assert max(days) + pd.Timedelta(days=42) == pd.Timestamp(t)
    assert len(days) == 3
    assert_frame_equal(frame, training_frame(line.log.until(t), t, "42 days", every=every, origins=3, unit="week"))
    X, labels = split(frame)
    assert X.attrs["horizon_days"] == 42
    assert {"churned", "spend_next"} <= set(labels)
