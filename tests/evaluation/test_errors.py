import numpy as np
import pandas as pd
import pytest

from patron import features
from patron.evaluation import cohorts, errors, first_purchases, tenths


def test_errors_are_what_they_say_in_plain_python():
    rng = np.random.default_rng(2)
    past = pd.DataFrame(
        {
            "as_of": np.resize(pd.to_datetime(["1998-03-03", "1998-03-31"]), 60),
            "prediction": rng.uniform(size=60),
            "actual": rng.integers(0, 2, 60).astype(float),
        }
    )
    group = np.resize(["a", "b", "c"], 60)
    found = errors(past, group).set_index(["as_of", "group"])
    assert len(found) == 6
    for key, row in found.iterrows():
        chosen = past[(past["as_of"] == key[0]) & (group == key[1])]
        p, y = chosen["prediction"].to_numpy(), chosen["actual"].to_numpy()
        assert row["n"] == len(p)
        assert row["bias"] == pytest.approx(p.sum() / y.sum())
        assert row[["predicted", "actual"]].tolist() == pytest.approx([p.mean(), y.mean()])
        assert row["mae"] == pytest.approx(abs(p - y).mean())
        assert row["rmse"] == pytest.approx(np.sqrt(((p - y) ** 2).mean()))


@pytest.mark.simulation
def test_the_interval_of_a_bias_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    worlds, n = 600, 300
    value = rng.gamma(2.0, 5.0, (worlds, n))
    came = value * rng.gamma(0.7, 1 / 0.7, (worlds, n))
    past = pd.DataFrame({"as_of": "1998-03-31", "prediction": 1.2 * value.ravel(), "actual": came.ravel()})
    found = errors(past, np.repeat(np.arange(worlds), n))
    held = (found["low"] <= 1.2) & (found["high"] >= 1.2)
    assert 0.92 < held.mean() < 0.975


def test_where_nothing_came_there_is_no_bias_and_one_customer_has_no_interval():
    past = pd.DataFrame({"as_of": "1998-03-31", "prediction": [1.0, 1.0, 2.0], "actual": [0.0, 0.0, 4.0]})
    found = errors(past, ["none", "none", "one"]).set_index("group")
    assert found.loc["none", ["bias", "low", "high"]].isna().all()
    assert found.loc["one", "bias"] == 0.5
    assert found.loc["one", ["low", "high"]].isna().all()


def test_a_row_without_a_group_is_left_out():
    past = pd.DataFrame({"as_of": "1998-03-31", "prediction": [1.0, 1.0], "actual": [1.0, 3.0]})
    assert errors(past, ["a", None])["n"].tolist() == [1]


def test_tenths_are_equal_in_size_within_each_day_and_equal_values_share_one():
    rng = np.random.default_rng(4)
    values = pd.Series(rng.permutation(np.r_[np.arange(100), 1000 + np.arange(50)]).astype(float))
    day = np.where(values < 1000, "1998-03-03", "1998-03-31")
    found = tenths(values, day)
    assert found.groupby(day).value_counts().groupby(level=0).unique().map(len).eq(1).all()
    assert found[values == 99].tolist() == found[values == 1049].tolist() == [10]
    assert len(set(tenths(pd.Series([2.0] * 7), ["1998-03-31"] * 7))) == 1


@pytest.mark.parametrize(("unit", "grain"), [("day", "day"), ("week", "day"), ("week", "week"), ("month", "month")])
def test_the_first_purchase_is_read_off_the_age(cdnow_sample, unit, grain):
    table = cdnow_sample.table.to_pyarrow().to_pandas()
    day = pd.to_datetime(table.groupby("customer_id")["day"].min(), unit="D").sort_index()
    period = {"day": day, "week": day - pd.to_timedelta(day.dt.day_of_week, unit="D")}
    expected = period.get(grain, day.dt.to_period("M").dt.to_timestamp())
    rows = features(cdnow_sample, "1998-03-31", unit=unit, grain=grain, which=["T"])
    assert list(first_purchases(rows)) == list(expected)


def test_cohorts_are_as_fine_as_a_picture_has_room_for():
    days = pd.date_range("1990-01-01", periods=120, freq="MS")
    for months, name in ((12, "1990-01"), (36, "1990Q1"), (120, "1990")):
        found = cohorts(days[:months])
        assert found[0] == name
        assert found.nunique() <= 12
