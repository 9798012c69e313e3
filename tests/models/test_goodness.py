"""Goodness of fit: a right model passes, a wrong one shows where it is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.models import NBD, BetaGeoCNBD, BetaGeoNBD, GammaGamma, ParetoNBD, goodness_of_fit
from patron.models.goodness import purchase_counts, purchases_by_age, spend_counts

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


def test_ages_are_cut_in_sixths_of_their_range(world):
    frame, actual = world
    older = frame.assign(T=np.where(np.arange(4000) < 1000, 40.0, 34.0))
    fit = goodness_of_fit(TRUE, older, actual, 26)
    assert fit.by_age["customers"].to_dict() == {"34-35": 3000, "39-40": 1000}
    assert fit.by_age["actual"].iloc[1] == pytest.approx(actual.iloc[:1000].mean())
    assert goodness_of_fit(TRUE, frame, actual, 26).by_age["customers"].tolist() == [4000]


@pytest.mark.simulation
def test_counts_expected_are_those_of_customers_as_old(world):
    frame, _ = world
    mixed = frame.iloc[[0, 1, 2, 3]].assign(T=[10.0, 34.0, 34.0, 60.0], frequency=[0, 2, 9, 0], recency=[0.0, 9, 9, 0])
    table = purchase_counts(TRUE, mixed, last=3)
    assert table["actual"].tolist() == [2, 0, 1, 1]
    new = TRUE.new_customer()
    one = [TRUE.probability_of_purchases(1, new, T).iloc[0] for T in mixed["T"]]
    assert table.loc[1, "expected"] == pytest.approx(sum(one))
    assert table["expected"].sum() == pytest.approx(4)
    whole = purchase_counts(TRUE, frame)
    assert (abs(whole["expected"] - whole["actual"]) < 4 * np.sqrt(whole["expected"])).all()


def test_counts_weigh_rows_and_know_groups(world):
    frame, _ = world
    some = frame.head(300).assign(channel=["shop", "web", "web"] * 100)
    counts = frame.head(300).value_counts(["frequency", "recency", "T"]).rename("weight").reset_index()
    counts.attrs = dict(frame.attrs)
    pd.testing.assert_frame_equal(purchase_counts(TRUE, counts), purchase_counts(TRUE, some))
    grouped = BetaGeoNBD().fit(some, groups="channel")
    apart = sum(purchase_counts(grouped.groups_[name], some[some["channel"] == name]) for name in ("shop", "web"))
    pd.testing.assert_frame_equal(purchase_counts(grouped, some), apart)


@pytest.mark.parametrize(
    "model",
    [
        TRUE,
        ParetoNBD.from_params(r=0.05, alpha=0.3, s=0.6, beta=900.0, unit="day"),
        NBD.from_params(r=4.0, alpha=90.0, unit="month"),
        BetaGeoCNBD.from_params(k=3, r=0.8, alpha=2.0, a=0.8, b=2.4, unit="week"),
    ],
    ids=lambda model: model.name,
)
def test_purchases_by_age_are_those_expected_of_a_new_customer(model):
    told = purchases_by_age(model, 900)
    born, days = model.new_customer(), {"week": 7.0, "day": 1.0, "month": 365.25 / 12}[model.unit_]
    for age in (1, 2, 17, 364, 900):
        assert told[age] == pytest.approx(model.expected_purchases(born, age / days).iloc[0], rel=1e-8, abs=1e-9)
    assert told[0] == 0
    assert purchases_by_age(model, 0).tolist() == [0.0]
    assert purchases_by_age(model, 2)[1] == pytest.approx(told[1], rel=1e-8, abs=1e-9)


@pytest.mark.simulation
def test_spend_expected_is_that_of_as_many_purchases():
    model = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    rng = np.random.default_rng(8)
    x = rng.integers(1, 9, 6000)
    mean = rng.gamma(6.25 * x, 1 / (x * rng.gamma(3.74, 1 / 15.44, 6000)))
    frame = pd.DataFrame({"frequency": x, "monetary_value": mean})
    table = spend_counts(model, frame, np.geomspace(2, 900, 15))
    assert (abs(table["expected"] - table["actual"]) < 4 * np.sqrt(table["expected"]) + 1).all()
    assert table["expected"].sum() == pytest.approx(6000, rel=1e-3)
    twice = spend_counts(model, frame.assign(weight=2), [10, 30])
    assert twice.loc[0, "expected"] == pytest.approx(2 * spend_counts(model, frame, [10, 30]).loc[0, "expected"])
