"""Goodness of fit: a right model passes, a wrong one shows where it is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.models import NBD, BetaGeoNBD, goodness_of_fit

TRUE = BetaGeoNBD.from_params(r=0.8, alpha=8.0, a=0.8, b=2.4, unit="week")


@pytest.fixture(scope="module")
def world():
    events = TRUE.sample(4000, 60, seed=4)
    customer, time = events["customer_id"].to_numpy(), events["time"].to_numpy()
    seen = time <= 34
    recency = np.zeros(4000)
    np.maximum.at(recency, customer[seen], time[seen])
    frame = pd.DataFrame(
        {"frequency": np.bincount(customer[seen], minlength=4000) - 1, "recency": recency, "T": 34.0},
        index=[f"c{i}" for i in range(4000)],
    )
    frame.attrs["unit"] = "week"
    return frame, pd.Series(np.bincount(customer[~seen], minlength=4000), frame.index)


@pytest.mark.simulation
def test_a_right_model_is_found_right(world):
    frame, actual = world
    fit = goodness_of_fit(TRUE, frame, actual, 26)
    assert fit.calibration_error < 1.63 / np.sqrt(len(frame))
    assert fit.pit.between(0, 1).all()
    for table in (fit.by_frequency, fit.by_recency):
        spread = np.sqrt(6 * table["expected"] / table["customers"])
        assert (abs(table["expected"] - table["actual"]) < 4 * spread).all()
    counts = fit.counts
    assert counts["expected"].sum() == pytest.approx(4000) == counts["actual"].sum()
    assert (abs(counts["expected"] - counts["actual"]) < 4 * np.sqrt(counts["expected"])).all()


@pytest.mark.simulation
def test_a_model_without_dropout_shows_where_it_is_wrong(world):
    frame, actual = world
    fit = goodness_of_fit(NBD().fit(frame), frame, actual, 26)
    assert fit.calibration_error > 3 / np.sqrt(len(frame))
    silent = fit.by_recency.iloc[0]
    assert silent["expected"] > 2 * silent["actual"]


def test_tables_are_plain_sums(world):
    frame, actual = world
    fit = goodness_of_fit(TRUE, frame, actual, 26)
    expected = TRUE.expected_purchases(frame, 26)
    once = frame["frequency"] == 0
    assert fit.by_frequency.loc[0, "customers"] == once.sum()
    assert fit.by_frequency.loc[0, "expected"] == pytest.approx(expected[once].mean())
    assert fit.by_frequency.loc[7, "actual"] == pytest.approx(actual[frame["frequency"] >= 7].mean())
    assert fit.by_recency["customers"].sum() == (~once).sum()
    assert fit.counts.loc[7, "actual"] == (actual >= 7).sum()


def test_actual_counts_are_aligned_by_customer_and_checked(world):
    frame, actual = world
    right = goodness_of_fit(TRUE, frame, actual, 26)
    shuffled = goodness_of_fit(TRUE, frame, actual.sample(frac=1, random_state=1), 26)
    pd.testing.assert_frame_equal(right.by_frequency, shuffled.by_frequency)
    with pytest.raises(DataError, match="every customer") as refused:
        goodness_of_fit(TRUE, frame, actual.iloc[5:], 26)
    assert refused.value.count == 5
    with pytest.raises(DataError, match="one count for each row"):
        goodness_of_fit(TRUE, frame, actual.to_numpy()[:9], 26)
    with pytest.raises(DataError, match="whole numbers"):
        goodness_of_fit(TRUE, frame, actual - 0.5, 26)
