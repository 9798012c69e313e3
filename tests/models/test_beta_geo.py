"""BG/NBD: the published estimates, every expectation against simulation, mpmath at hard points, and its traps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import ConfigError, DataError, UndefinedError
from patron.models import BetaGeoNBD

HARD = json.loads((Path(__file__).parents[1] / "golden" / "bg_nbd.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fitted(cdnow_summary) -> BetaGeoNBD:
    return BetaGeoNBD().fit(cdnow_summary)


def model_of(point: dict) -> BetaGeoNBD:
    return BetaGeoNBD.from_params(**{name: point[name] for name in ("r", "alpha", "a", "b")}, unit="day")


def frame_of(point: dict) -> pd.DataFrame:
    frame = pd.DataFrame([{name: point[name] for name in ("frequency", "recency", "T")}])
    frame.attrs["unit"] = "day"
    return frame


@pytest.mark.golden
def test_published_estimates_of_cdnow(fitted):
    assert fitted.params_.round(4).to_dict() == {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
    assert fitted.log_likelihood_ == pytest.approx(-9582.4292, abs=5e-5)
    assert fitted.customers_ == 2357
    assert fitted.unit_ == "week"


@pytest.mark.golden
def test_published_estimates_of_the_rounded_summary_file(histories):
    import importlib.util

    root = Path(importlib.util.find_spec("lifetimes").origin).parent
    rounded = pd.read_csv(root / "datasets" / "cdnow_customers_summary.csv")
    model = BetaGeoNBD().fit(histories(rounded["frequency"], rounded["recency"], rounded["T"]))
    assert model.params_.round(5).to_dict() == {"r": 0.24259, "alpha": 4.41353, "a": 0.79289, "b": 2.42575}
    assert model.log_likelihood_ == pytest.approx(-9582.42556, abs=5e-5)


@pytest.mark.golden
def test_published_holdout_of_cdnow(fitted, cdnow_summary):
    assert fitted.expected_purchases(cdnow_summary, 39).sum() == pytest.approx(1653.4, abs=0.05)


@pytest.mark.golden
@pytest.mark.parametrize("point", HARD, ids=range(len(HARD)))
def test_trap_05_hard_points_equal_mpmath(point):
    model, frame = model_of(point), frame_of(point)
    found = {
        "probability_alive": model.probability_alive(frame),
        "no_purchase_90": model.probability_no_purchase(frame, 90),
        "purchases_90": model.expected_purchases(frame, 90),
        "purchases_365_730": model.expected_purchases(frame, (365, 730)),
        "discounted_3650": model.discounted_purchases(frame, 3650, discount_rate=0.10),
        "discounted": model.discounted_purchases(frame, None, discount_rate=0.10),
    }
    assert {name: value.iloc[0] for name, value in found.items()} == pytest.approx(
        {name: point[name] for name in found}, rel=2e-11, abs=1e-40
    )


def groups(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    x, waited = frame["frequency"], (frame["T"] - frame["recency"]) / frame["T"]
    return {
        "x=0": x == 0,
        "x=1": x == 1,
        "x>1, recent": (x > 1) & (waited < 0.3),
        "x>1, not": (x > 1) & (waited >= 0.3),
    }


def agree(predicted: pd.Series, happened: np.ndarray, frame: pd.DataFrame) -> None:
    """In every group the mean of what happened is the mean predicted, within four standard errors."""
    for name, group in groups(frame).items():
        gap = happened[group] - predicted[group]
        assert group.sum() > 1000
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap)) + 1e-12, name


@pytest.mark.simulation
def test_expected_purchases_happen(played):
    model, frame, _, after = played
    agree(model.expected_purchases(frame, 39), np.array([(t <= 39).sum() for t in after]), frame)
    agree(model.expected_purchases(frame, 104), np.array([len(t) for t in after]), frame)


@pytest.mark.simulation
def test_expected_purchases_of_an_interval_happen(played):
    model, frame, _, after = played
    agree(model.expected_purchases(frame, (13, 52)), np.array([((t > 13) & (t <= 52)).sum() for t in after]), frame)


@pytest.mark.simulation
def test_discounted_purchases_happen(played):
    model, frame, _, after = played
    per_week = np.log(1.5) / 365.25 * 7
    agree(model.discounted_purchases(frame, 104, 0.5), np.array([np.exp(-per_week * t).sum() for t in after]), frame)


@pytest.mark.simulation
def test_as_many_are_alive_as_said(played):
    model, frame, alive, _ = played
    agree(model.probability_alive(frame), alive.astype(float), frame)


@pytest.mark.simulation
def test_trap_02_churn_is_no_purchase_ahead_one_time_buyers_included(played):
    model, frame, _, after = played
    agree(model.probability_no_purchase(frame, 13), np.array([not (t <= 13).any() for t in after]).astype(float), frame)
    r, alpha = model.params_["r"], model.params_["alpha"]
    once = frame["frequency"] == 0
    closed = ((alpha + frame["T"]) / (alpha + frame["T"] + 13)) ** r
    pd.testing.assert_series_equal(
        model.probability_no_purchase(frame, 13)[once], closed[once], check_names=False, rtol=1e-14
    )


@pytest.mark.simulation
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_as_many_buy_n_times_as_said(played, n):
    model, frame, _, after = played
    happened = np.array([(t <= 39).sum() == n for t in after]).astype(float)
    agree(model.probability_of_purchases(n, frame, 39), happened, frame)


@pytest.mark.simulation
def test_trap_16_the_simulator_is_exact(played, summarise):
    model, frame, _, _ = played
    events = model.sample(20_000, frame["T"], seed=3)
    mine = summarise(events, frame["T"])
    for column in ("frequency", "recency"):
        gap = mine[column].mean() - frame[column].mean()
        assert abs(gap) < 4 * np.hypot(mine[column].std(), frame[column].std()) / np.sqrt(20_000)
    for x in range(4):
        p, q = (mine["frequency"] == x).mean(), (frame["frequency"] == x).mean()
        assert abs(p - q) < 4 * np.sqrt(2 * q * (1 - q) / 20_000)


@pytest.mark.simulation
def test_fit_finds_the_parameters_that_made_the_data(played):
    model, frame, _, _ = played
    found = BetaGeoNBD().fit(frame)
    assert (abs(found.params_ - model.params_) < 4 * found.standard_errors_).all()


def test_sample_holds_the_first_purchase_sorted_and_repeatable(bg):
    events = bg.sample(500, T=20, seed=1)
    assert events.columns.tolist() == ["customer_id", "time"]
    assert events.equals(events.sort_values(["customer_id", "time"]))
    assert (events.groupby("customer_id")["time"].min() == 0).all()
    assert events["customer_id"].nunique() == 500
    assert events["time"].max() <= 20
    assert events.equals(bg.sample(500, T=20, seed=1))
    assert not events.equals(bg.sample(500, T=20, seed=2))


def test_trap_01_one_time_buyers_are_alive_by_definition(bg, histories):
    frame = histories([0, 0, 1], [0, 0, 2], [1, 400, 400])
    alive = bg.probability_alive(frame)
    assert alive.iloc[0] == alive.iloc[1] == 1
    assert alive.iloc[2] < 0.2
    assert bg.probability_no_purchase(frame, 13).iloc[1] > 0.99


def test_trap_03_expectation_contains_the_probability_alive(bg, histories):
    """The counts' distribution, not P(alive) times anything, is what the expectation sums."""
    frame = histories([3, 3, 0], [30, 10, 0], [39, 39, 39])
    by_count = sum(n * bg.probability_of_purchases(n, frame, 26) for n in range(1, 80))
    pd.testing.assert_series_equal(bg.expected_purchases(frame, 26), by_count, check_names=False, rtol=1e-6)


def test_probabilities_of_all_counts_sum_to_one(bg, histories):
    frame = histories([3, 3, 0, 40], [30, 10, 0, 38], [39, 39, 39, 39])
    total = sum(bg.probability_of_purchases(n, frame, 26) for n in range(150))
    assert total.to_numpy() == pytest.approx(1, abs=1e-9)


def test_trap_04_nothing_breaks_at_a_of_1(histories):
    frame = histories([0, 1, 4], [0, 3, 20], [39, 39, 39])
    at, near = (BetaGeoNBD.from_params(r=0.3, alpha=5, a=a, b=2.0, unit="week") for a in (1.0, 1.0 + 1e-9))
    for quantity in (
        lambda model: model.expected_purchases(frame, 52),
        lambda model: model.discounted_purchases(frame, None),
    ):
        assert quantity(at).to_numpy() == pytest.approx(quantity(near).to_numpy(), rel=1e-7)


def test_trap_10_discounted_is_dect_and_goes_over_into_dert(bg, histories):
    """DECT = exp(-dH) E[Y(H)] + d * integral of exp(-dt) E[Y(t)] dt, by Gauss-Legendre on [0, 52]."""
    frame = histories([0, 3], [0, 30], [39, 39])
    d = np.log(1.1) / 365.25 * 7
    nodes, weights = np.polynomial.legendre.leggauss(30)
    inner = sum(
        26 * w * np.exp(-d * t) * bg.expected_purchases(frame, t)
        for t, w in zip(26 * (1 + nodes), weights, strict=True)
    )
    parts = np.exp(-d * 52) * bg.expected_purchases(frame, 52) + d * inner
    assert bg.discounted_purchases(frame, 52, 0.10).to_numpy() == pytest.approx(parts.to_numpy(), rel=1e-9)
    long = bg.discounted_purchases(frame, 52 * 500, 0.10)
    assert bg.discounted_purchases(frame, None, 0.10).to_numpy() == pytest.approx(long.to_numpy(), rel=1e-9)


def test_trap_10_the_rate_is_annual_effective(bg, histories):
    """One unit of money a year ahead is worth 1 / 1.10: all purchases within one day, a year from now."""
    frame = histories([3], [38], [39])
    year = 365.25 / 7
    later = (year, year + 1 / 7)
    ratio = bg.discounted_purchases(frame, later, 0.10) / bg.expected_purchases(frame, later)
    assert ratio.iloc[0] == pytest.approx(1 / 1.10, rel=2e-4)


def test_trap_10_residual_without_discount_names_the_parameter(bg, histories):
    frame = histories([0, 3], [0, 30], [39, 39])
    with pytest.raises(UndefinedError, match=r"a = 0\.7929 is not above 1"):
        bg.discounted_purchases(frame, None, discount_rate=0)
    finite = BetaGeoNBD.from_params(r=2.0, alpha=5, a=2.0, b=3.0, unit="week")
    far = finite.expected_purchases(frame, 1e9)
    assert finite.discounted_purchases(frame, None, 0).to_numpy() == pytest.approx(far.to_numpy(), rel=1e-6)


def test_months_run_to_the_calendar_date_from_argument_index_or_attrs(bg, histories):
    frame = histories([3], [30], [39])
    with pytest.raises(DataError, match="needs to know the day it starts from"):
        bg.expected_purchases(frame, "12 months")
    wanted = bg.expected_purchases(frame, 365 / 7)
    leap = bg.expected_purchases(frame, 366 / 7)
    assert bg.expected_purchases(frame, "12 months", as_of="1998-06-30").equals(wanted)
    assert bg.expected_purchases(frame, "1 year", as_of="1999-06-30").equals(leap)
    frame.attrs["as_of"] = "1998-06-30"
    assert bg.expected_purchases(frame, "12 months").equals(wanted)
    stacked = pd.concat([frame, frame])
    stacked.index = pd.MultiIndex.from_tuples(
        [("a", pd.Timestamp("1998-06-30")), ("a", pd.Timestamp("1999-06-30"))], names=["customer_id", "as_of"]
    )
    stacked.attrs = {"unit": "week"}
    assert bg.expected_purchases(stacked, "12 months").tolist() == [wanted.iloc[0], leap.iloc[0]]
    assert bg.probability_no_purchase(stacked, "12 months").diff().iloc[1] < 0


def test_days_weeks_and_numbers_are_the_same_horizon(bg, histories):
    frame = histories([3, 0], [30, 0], [39, 20])
    wanted = bg.expected_purchases(frame, 13)
    assert bg.expected_purchases(frame, "13 weeks").equals(wanted)
    assert bg.expected_purchases(frame, "91 days").equals(wanted)
    assert bg.expected_purchases(frame, (0, "91 days")).equals(wanted)
    assert (bg.expected_purchases(frame, 0) == 0).all()
    assert (bg.probability_no_purchase(frame, 0) == 1).all()


@pytest.mark.parametrize("horizon", [-1, float("nan"), float("inf"), (5, 5), (5, 2), (1, 2, 3)])
def test_an_impossible_horizon_is_refused(bg, histories, horizon):
    with pytest.raises(DataError, match=r"horizon|stretch"):
        bg.expected_purchases(histories([3], [30], [39]), horizon)


def test_a_probability_takes_no_pair(bg, histories):
    with pytest.raises(ConfigError, match="starts now"):
        bg.probability_no_purchase(histories([3], [30], [39]), (1, 2))
    with pytest.raises(DataError, match="whole"):
        bg.probability_of_purchases(-1, histories([3], [30], [39]), 13)


def test_a_customer_scored_alone_scores_the_same_to_the_last_bit(fitted, cdnow_summary):
    whole = fitted.discounted_purchases(cdnow_summary, None)
    quiet = fitted.probability_no_purchase(cdnow_summary, 13)
    for row in range(0, len(cdnow_summary), 97):
        alone = cdnow_summary.iloc[[row]]
        assert fitted.discounted_purchases(alone, None).iloc[0] == whole.iloc[row]
        assert fitted.probability_no_purchase(alone, 13).iloc[0] == quiet.iloc[row]


def test_frequencies_far_apart_and_an_empty_frame(bg, histories):
    frame = histories([5, 20_000, 300], [30, 39, 38], [39, 39, 39])
    together = bg.expected_purchases(frame, 13)
    assert together.tolist() == [bg.expected_purchases(frame.iloc[[row]], 13).iloc[0] for row in range(3)]
    assert bg.expected_purchases(frame.iloc[:0], 13).empty
    assert bg.probability_no_purchase(frame.iloc[:0], "91 days").empty


positive = st.floats(0.01, 50)
histories_drawn = st.tuples(st.integers(0, 800), st.floats(0.001, 1), st.floats(0.5, 3000))


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(positive, st.floats(0.05, 500), positive, positive, histories_drawn, st.floats(0.1, 2000))
def test_quantities_are_finite_bounded_and_grow_with_the_horizon(r, alpha, a, b, history, horizon):
    x, share, T = history
    model = BetaGeoNBD.from_params(r=r, alpha=alpha, a=a, b=b, unit="day")
    frame = frame_of({"frequency": x, "recency": T * share if x else 0.0, "T": T})
    alive = model.probability_alive(frame).iloc[0]
    quiet = [model.probability_no_purchase(frame, h).iloc[0] for h in (horizon, 2 * horizon)]
    bought = [model.expected_purchases(frame, h).iloc[0] for h in (horizon, 2 * horizon)]
    between = model.expected_purchases(frame, (horizon, 2 * horizon)).iloc[0]
    discounted = model.discounted_purchases(frame, horizon, 0.2).iloc[0]
    assert 0 <= alive <= 1
    assert 0 <= quiet[1] <= quiet[0] <= 1
    slack = 1 + 1e-11  # each quantity is good to some 4e-12
    assert 0 <= bought[0] <= bought[1] * slack < np.inf
    assert bought[0] + between == pytest.approx(bought[1], rel=1e-9)
    assert 0 <= discounted <= bought[0] * slack
    assert discounted <= model.discounted_purchases(frame, None, 0.2).iloc[0] * (1 + 1e-9)
    assert 1 - quiet[0] <= bought[0] * (1 + 1e-9)


@pytest.mark.property
@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0.1, 1), st.integers(1, 40), st.integers(1, 4)), min_size=60))
def test_trap_20_weights_equal_repeated_rows(rows):
    frame = pd.DataFrame(
        [(x, T * share if x else 0.0, float(T), w) for x, share, T, w in [*rows, (1, 0.2, 30, 3), (2, 0.9, 20, 2)]],
        columns=["frequency", "recency", "T", "weight"],
    )
    frame.attrs["unit"] = "week"
    log_likelihood = BetaGeoNBD()._log_likelihood
    from patron.models.inputs import read_history

    values = np.array([0.5, 6.0, 0.8, 2.0])
    weighted = log_likelihood(read_history(frame, frame["weight"].to_numpy(float)))(values)
    repeated = log_likelihood(read_history(frame.loc[frame.index.repeat(frame["weight"])]))(values)
    for one, other in zip(weighted, repeated, strict=True):
        assert one == pytest.approx(other, rel=1e-11)


def test_weighted_fit_equals_the_fit_of_the_rows(cdnow_summary, fitted):
    counts = cdnow_summary.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    counts.attrs["unit"] = "week"
    for weighted in (
        BetaGeoNBD().fit(counts),
        BetaGeoNBD().fit(counts.rename(columns={"weight": "n"}), weights="n"),
        BetaGeoNBD().fit(counts.drop(columns="weight"), weights=counts["weight"]),
    ):
        pd.testing.assert_series_equal(weighted.params_, fitted.params_, rtol=1e-8)
        pd.testing.assert_frame_equal(weighted.covariance_, fitted.covariance_, rtol=1e-5)
        assert weighted.customers_ == 2357


@pytest.mark.property
@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 400))
def test_the_unit_of_time_changes_alpha_and_nothing_else(cdnow_summary, fitted, factor):
    other = cdnow_summary.assign(recency=cdnow_summary["recency"] * factor, T=cdnow_summary["T"] * factor)
    again = BetaGeoNBD().fit(other)
    wanted = fitted.params_ * [1, factor, 1, 1]
    pd.testing.assert_series_equal(again.params_, wanted, rtol=1e-7)
    pd.testing.assert_series_equal(
        again.expected_purchases(other, 39 * factor), fitted.expected_purchases(cdnow_summary, 39), rtol=1e-7
    )


def test_fitted_in_days_and_in_weeks_predicts_the_same(cdnow_sample, cdnow_summary, fitted):
    from patron.features import rfm_summary

    days = rfm_summary(cdnow_sample, "1997-09-30", unit="day", grain="day")
    model = BetaGeoNBD().fit(days)
    for horizon in ("39 weeks", "12 months"):
        pd.testing.assert_series_equal(
            model.discounted_purchases(days, horizon), fitted.discounted_purchases(cdnow_summary, horizon), rtol=1e-7
        )


def test_solver_lifetimes_agrees(cdnow_summary, fitted):
    second = BetaGeoNBD(solver="lifetimes").fit(cdnow_summary)
    pd.testing.assert_series_equal(second.params_, fitted.params_, rtol=1e-4)
    assert second.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-4)
    pd.testing.assert_series_equal(second.standard_errors_, fitted.standard_errors_, rtol=1e-3)
    pd.testing.assert_series_equal(
        second.expected_purchases(cdnow_summary, 39), fitted.expected_purchases(cdnow_summary, 39), rtol=1e-3
    )
