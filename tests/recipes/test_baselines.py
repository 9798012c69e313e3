import numpy as np
import pandas as pd
import pytest

from patron._core.errors import FitError
from patron.recipes import TrainingData, recipe

DAY = pd.Timestamp("2024-06-30")


def frame(**columns):
    n = len(next(iter(columns.values())))
    index = pd.MultiIndex.from_arrays([[f"c{i}" for i in range(n)], [DAY] * n], names=["customer_id", "as_of"])
    return pd.DataFrame(columns, index=index)


def known(rows, horizon=91, unit="day"):
    return TrainingData(DAY, horizon, unit, rows, rows, {}, {})


def test_the_base_rate_is_the_mean_label():
    rows = frame(churned=[1, 0, 0, 0])
    assert recipe("base_rate", "churn").fit(known(rows)).predict(rows).tolist() == [0.25] * 4


def test_overdue_is_a_logistic_regression_on_silence_over_gap_with_the_median_gap_for_one_time_buyers():
    # silence / gap is 1, 1, 1 and 3, 3, 3: the fit must meet both groups' rates, 1/3 and 2/3
    rows = frame(
        days_since_last=[10, 20, 20, 30, 60, 60],
        gap_mean=[10.0, 20.0, np.nan, 10.0, 20.0, np.nan],
        churned=[0, 0, 1, 1, 1, 0],
    )
    fitted = recipe("overdue", "churn").fit(known(rows))
    assert fitted.median_gap == 15.0
    rows["gap_mean"] = rows["gap_mean"].fillna(20.0)
    fitted = recipe("overdue", "churn").fit(known(rows))
    assert fitted.predict(rows) == pytest.approx([1 / 3] * 3 + [2 / 3] * 3, abs=1e-5)


def test_overdue_needs_somebody_who_came_back():
    with pytest.raises(FitError, match="bought on two days"):
        recipe("overdue", "churn").fit(known(frame(days_since_last=[3, 4], gap_mean=[np.nan, np.nan], churned=[0, 1])))


def test_one_class_cannot_be_learned():
    rows = frame(days_since_last=[3, 4], gap_mean=[1.0, 2.0], churned=[1, 1])
    with pytest.raises(FitError, match="all 2 training rows have churned = 1"):
        recipe("overdue", "churn").fit(known(rows))


@pytest.mark.parametrize(("unit", "age"), [("day", 182.0), ("week", 26.0)])
def test_the_average_is_repeat_spend_over_age_times_the_horizon(unit, age):
    rows = frame(frequency=[4, 0, 2], T=[age, age, 0.0], monetary_value=[25.0, 0.0, 10.0])
    predicted = recipe("average", "value").fit(known(rows, unit=unit)).predict(rows)
    assert predicted == pytest.approx([4 * 25 * 91 / 182, 0, 0])


def windows(**seen):
    return frame(**{f"spend_{days}": seen.get(f"spend_{days}", [np.nan]) for days in (7, 30, 90, 180, 365)}).assign(
        frequency=2, T=50.0, monetary_value=30.0
    )


@pytest.mark.parametrize(
    ("horizon", "seen", "expected"),
    [
        (90, {"spend_90": [45.0], "spend_30": [10.0]}, 45.0),
        (91, {"spend_90": [45.0], "spend_180": [99.0]}, 45.0 * 91 / 90),
        (28, {"spend_30": [10.0], "spend_7": [7.0]}, 10.0 * 28 / 30),
        (182, {"spend_30": [10.0], "spend_90": [45.0]}, 45.0 * 182 / 90),
        (91, {"spend_90": [-5.0]}, 0.0),
        (91, {}, 60.0 / 50.0 * 91),
    ],
    ids=["the window itself", "pro rata", "the nearest", "the next nearest if missing", "refunds", "none: the average"],
)
def test_the_last_period_is_read_off_the_nearest_window(horizon, seen, expected):
    rows = windows(**seen)
    predicted = recipe("last_period", "value").fit(known(rows, horizon)).predict(rows)
    assert predicted == pytest.approx([expected])
