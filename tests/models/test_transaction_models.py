"""Every transaction model: the published estimates, mpmath at hard points, each expectation against simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import ConfigError, DataError, UndefinedError
from patron.models import TRANSACTION_MODELS
from patron.models.family.inputs import read_history
from patron.models.family.transaction import TransactionModel

GOLDEN = Path(__file__).parents[1] / "golden"
HARD = [
    pytest.param(name, point, id=f"{name}-{i}")
    for name in TRANSACTION_MODELS
    for i, point in enumerate(json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8")))
]
PUBLISHED = {
    "bg_nbd": ({"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}, -9582.4292, 1653.4),
    "mbg_nbd": ({"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.6140}, -9582.1357, 1576.7),
    "pareto_nbd": ({"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.6687}, -9594.9762, 1665.5),
}
"""Of the 2,357 CDNOW customers: estimates, log-likelihood, purchases expected in the next 39 weeks."""


def at(name: str, values, unit: str = "day") -> TransactionModel:
    model = TRANSACTION_MODELS[name]
    return model.from_params(unit=unit, **dict(zip(model.parameters, values, strict=True)))


@pytest.mark.golden
def test_published_estimates_and_holdout_of_cdnow(fitted, cdnow_summary):
    estimates, log_likelihood, ahead = PUBLISHED[fitted.name]
    assert fitted.params_.round(4).to_dict() == estimates
    assert fitted.log_likelihood_ == pytest.approx(log_likelihood, abs=5e-5)
    assert fitted.expected_purchases(cdnow_summary, 39).sum() == pytest.approx(ahead, abs=0.05)
    assert fitted.customers_ == 2357
    assert fitted.unit_ == "week"


NEAR = 2e-11
"""Relative: what a quantity may be off by."""


@pytest.mark.golden
@pytest.mark.parametrize(("name", "point"), HARD)
def test_trap_05_hard_points_equal_mpmath(name, point):
    model, frame = at(name, [point[key] for key in TRANSACTION_MODELS[name].parameters]), frame_of(point)
    found = {
        "probability_alive": model.probability_alive(frame),
        "no_purchase_90": model.probability_no_purchase(frame, 90),
        "one_purchase_90": model.probability_of_purchases(1, frame, 90),
        "nine_purchases_90": model.probability_of_purchases(9, frame, 90),
        "purchases_90": model.expected_purchases(frame, 90),
        "purchases_365_730": model.expected_purchases(frame, (365, 730)),
        "discounted_3650": model.discounted_purchases(frame, 3650, discount_rate=0.10),
        "discounted": model.discounted_purchases(frame, None, discount_rate=0.10),
    }
    assert {key: value.iloc[0] for key, value in found.items()} == pytest.approx(
        {key: point[key] for key in found}, rel=NEAR, abs=1e-40
    )


@pytest.mark.golden
@pytest.mark.parametrize(("name", "point"), HARD)
def test_trap_05_likelihood_and_derivatives_at_hard_points_equal_mpmath(name, point):
    """Of one customer, in the logarithms of the parameters; against the greatest number of each kind."""
    model = TRANSACTION_MODELS[name]
    values = np.array([point[key] for key in model.parameters])
    f, gradient, hessian = model()._log_likelihood(read_history(frame_of(point)))(values)
    slope = gradient * values
    lower = np.zeros((4, 4))
    lower[np.tril_indices(4)] = np.concatenate(point["hessian"])
    wanted = lower + np.tril(lower, -1).T
    near = 5 * NEAR
    assert f == pytest.approx(point["log_likelihood"], rel=near, abs=near)
    assert slope == pytest.approx(point["gradient"], abs=near * max(1, np.abs(point["gradient"]).max()))
    close = 10 * near * max(1, np.abs(wanted).max())
    assert hessian * np.outer(values, values) + np.diag(slope) == pytest.approx(wanted, abs=close)


def frame_of(point: dict) -> pd.DataFrame:
    frame = pd.DataFrame([{name: point[name] for name in ("frequency", "recency", "T")}])
    frame.attrs["unit"] = "day"
    return frame


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
    found = type(model)().fit(frame)
    assert (abs(found.params_ - model.params_) < 4 * found.standard_errors_).all()


def test_sample_holds_the_first_purchase_sorted_and_repeatable(model):
    events = model.sample(500, T=20, seed=1)
    assert events.columns.tolist() == ["customer_id", "time"]
    assert events.equals(events.sort_values(["customer_id", "time"]))
    assert (events.groupby("customer_id")["time"].min() == 0).all()
    assert events["customer_id"].nunique() == 500
    assert events["time"].max() <= 20
    assert events.equals(model.sample(500, T=20, seed=1))
    assert not events.equals(model.sample(500, T=20, seed=2))


def test_trap_03_expectation_contains_the_probability_alive(model, histories):
    """The counts' distribution, not P(alive) times anything, is what the expectation sums."""
    frame = histories([3, 3, 0], [30, 10, 0], [39, 39, 39])
    by_count = sum(n * model.probability_of_purchases(n, frame, 26) for n in range(1, 80))
    pd.testing.assert_series_equal(model.expected_purchases(frame, 26), by_count, check_names=False, rtol=1e-6)


def test_probabilities_of_all_counts_sum_to_one(model, histories):
    frame = histories([3, 3, 0, 40], [30, 10, 0, 38], [39, 39, 39, 39])
    total = sum(model.probability_of_purchases(n, frame, 26) for n in range(150))
    assert total.to_numpy() == pytest.approx(1, abs=1e-9)


def test_trap_10_discounted_is_dect_and_goes_over_into_dert(model, histories):
    """DECT = exp(-dH) E[Y(H)] + d * integral of exp(-dt) E[Y(t)] dt, by Gauss-Legendre on [0, 52]."""
    frame = histories([0, 3], [0, 30], [39, 39])
    d = np.log(1.1) / 365.25 * 7
    nodes, weights = np.polynomial.legendre.leggauss(30)
    inner = sum(
        26 * w * np.exp(-d * t) * model.expected_purchases(frame, t)
        for t, w in zip(26 * (1 + nodes), weights, strict=True)
    )
    parts = np.exp(-d * 52) * model.expected_purchases(frame, 52) + d * inner
    assert model.discounted_purchases(frame, 52, 0.10).to_numpy() == pytest.approx(parts.to_numpy(), rel=1e-9)
    long = model.discounted_purchases(frame, 52 * 500, 0.10)
    assert model.discounted_purchases(frame, None, 0.10).to_numpy() == pytest.approx(long.to_numpy(), rel=1e-9)


def test_trap_10_the_rate_is_annual_effective(model, histories):
    """One unit of money a year ahead is worth 1 / 1.10: all purchases within one day, a year from now."""
    frame = histories([3], [38], [39])
    year = 365.25 / 7
    later = (year, year + 1 / 7)
    ratio = model.discounted_purchases(frame, later, 0.10) / model.expected_purchases(frame, later)
    assert ratio.iloc[0] == pytest.approx(1 / 1.10, rel=2e-4)


def test_trap_04_nothing_breaks_where_residual_purchases_become_infinite(model, histories):
    """At a = 1 and s = 1 formulas divide by zero; a and b that sum to less than 1 are legitimate."""
    frame = histories([0, 1, 4], [0, 3, 20], [39, 39, 39])
    exact, near = (at(model.name, (0.3, 5, one, 2.0), "week") for one in (1.0, 1.0 + 1e-9))
    if model.name != "pareto_nbd":
        assert np.isfinite(at(model.name, (0.3, 5, 0.2, 0.3), "week").expected_purchases(frame, 52)).all()
    for quantity in (
        lambda model: model.expected_purchases(frame, 52),
        lambda model: model.discounted_purchases(frame, None),
        lambda model: model.probability_no_purchase(frame, 52),
    ):
        assert quantity(exact).to_numpy() == pytest.approx(quantity(near).to_numpy(), rel=1e-7)


def test_trap_10_residual_without_discount_names_the_parameter(model, histories):
    frame = histories([0, 3], [0, 30], [39, 39])
    name = model.parameters[2]
    with pytest.raises(UndefinedError, match=rf"{name} = {model.params_[name]:.4g} is not above 1"):
        model.discounted_purchases(frame, None, discount_rate=0)
    finite = at(model.name, (2.0, 5, 2.0, 3.0), "week")
    far = finite.expected_purchases(frame, 1e9)
    assert finite.discounted_purchases(frame, None, 0).to_numpy() == pytest.approx(far.to_numpy(), rel=1e-6)


def test_months_run_to_the_calendar_date_from_argument_index_or_attrs(model, histories):
    frame = histories([3], [30], [39])
    with pytest.raises(DataError, match="needs to know the day it starts from"):
        model.expected_purchases(frame, "12 months")
    wanted = model.expected_purchases(frame, 365 / 7)
    leap = model.expected_purchases(frame, 366 / 7)
    assert model.expected_purchases(frame, "12 months", as_of="1998-06-30").equals(wanted)
    assert model.expected_purchases(frame, "1 year", as_of="1999-06-30").equals(leap)
    frame.attrs["as_of"] = "1998-06-30"
    assert model.expected_purchases(frame, "12 months").equals(wanted)
    stacked = pd.concat([frame, frame])
    stacked.index = pd.MultiIndex.from_tuples(
        [("a", pd.Timestamp("1998-06-30")), ("a", pd.Timestamp("1999-06-30"))], names=["customer_id", "as_of"]
    )
    stacked.attrs = {"unit": "week"}
    assert model.expected_purchases(stacked, "12 months").tolist() == [wanted.iloc[0], leap.iloc[0]]
    assert model.probability_no_purchase(stacked, "12 months").diff().iloc[1] < 0


def test_days_weeks_and_numbers_are_the_same_horizon(model, histories):
    frame = histories([3, 0], [30, 0], [39, 20])
    wanted = model.expected_purchases(frame, 13)
    assert model.expected_purchases(frame, "13 weeks").equals(wanted)
    assert model.expected_purchases(frame, "91 days").equals(wanted)
    assert model.expected_purchases(frame, (0, "91 days")).equals(wanted)
    assert (model.expected_purchases(frame, 0) == 0).all()
    assert (model.probability_no_purchase(frame, 0) == 1).all()


def test_expected_and_discounted_purchases_side_by_side_are_those_alone(fitted, cdnow_summary):
    both = fitted.purchases_ahead(cdnow_summary, (13, "52 weeks"), 0.2)
    assert both.columns.tolist() == ["expected_purchases", "discounted_purchases"]
    assert both["expected_purchases"].equals(fitted.expected_purchases(cdnow_summary, (13, 52)))
    assert both["discounted_purchases"].equals(fitted.discounted_purchases(cdnow_summary, (13, 52), 0.2))
    assert fitted.purchases_ahead(cdnow_summary.iloc[:0], 52).shape == (0, 2)


@pytest.mark.parametrize("unit", [1, 7, np.pi])
def test_many_customers_of_few_ages_score_as_each_alone(model, histories, unit):
    """Pairs of x and T are looked up where ages repeat, whole or not; where they do not, each row is its own."""
    rng = np.random.default_rng(8)
    T = rng.integers(30, 60, 3000) / unit + (rng.random(3000) if unit == np.pi else 0)
    x = rng.integers(0, 9, 3000)
    frame = histories(x, np.where(x > 0, T * rng.uniform(0.1, 1, 3000), 0), T)
    whole = model.expected_purchases(frame, 13)
    for row in range(0, 3000, 211):
        assert model.expected_purchases(frame.iloc[[row]], 13).iloc[0] == whole.iloc[row]


@pytest.mark.parametrize("horizon", [-1, float("nan"), float("inf"), (5, 5), (5, 2), (1, 2, 3)])
def test_an_impossible_horizon_is_refused(model, histories, horizon):
    with pytest.raises(DataError, match=r"horizon|stretch"):
        model.expected_purchases(histories([3], [30], [39]), horizon)


def test_a_probability_takes_no_pair(model, histories):
    with pytest.raises(ConfigError, match="starts now"):
        model.probability_no_purchase(histories([3], [30], [39]), (1, 2))
    with pytest.raises(DataError, match="whole"):
        model.probability_of_purchases(-1, histories([3], [30], [39]), 13)


def test_a_customer_scored_alone_scores_the_same_to_the_last_bit(fitted, cdnow_summary):
    whole = fitted.discounted_purchases(cdnow_summary, None)
    quiet = fitted.probability_no_purchase(cdnow_summary, 13)
    for row in range(0, len(cdnow_summary), 97):
        alone = cdnow_summary.iloc[[row]]
        assert fitted.discounted_purchases(alone, None).iloc[0] == whole.iloc[row]
        assert fitted.probability_no_purchase(alone, 13).iloc[0] == quiet.iloc[row]


def test_frequencies_far_apart_and_an_empty_frame(model, histories):
    frame = histories([5, 20_000, 300], [30, 39, 38], [39, 39, 39])
    together = model.expected_purchases(frame, 13)
    assert together.tolist() == [model.expected_purchases(frame.iloc[[row]], 13).iloc[0] for row in range(3)]
    assert model.expected_purchases(frame.iloc[:0], 13).empty
    assert model.probability_no_purchase(frame.iloc[:0], "91 days").empty


drawn = st.sampled_from(list(TRANSACTION_MODELS))
positive = st.floats(0.01, 50)
histories_drawn = st.tuples(st.integers(0, 800), st.floats(0.001, 1), st.floats(0.5, 3000))


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(drawn, positive, st.floats(0.05, 500), positive, positive, histories_drawn, st.floats(0.1, 2000))
def test_quantities_are_finite_bounded_and_grow_with_the_horizon(name, r, alpha, third, fourth, history, horizon):
    x, share, T = history
    model = at(name, (r, alpha, third, fourth))
    frame = frame_of({"frequency": x, "recency": T * share if x else 0.0, "T": T})
    alive = model.probability_alive(frame).iloc[0]
    quiet = [model.probability_no_purchase(frame, h).iloc[0] for h in (horizon, 2 * horizon)]
    bought = [model.expected_purchases(frame, h).iloc[0] for h in (horizon, 2 * horizon)]
    between = model.expected_purchases(frame, (horizon, 2 * horizon)).iloc[0]
    discounted = model.discounted_purchases(frame, horizon, 0.2).iloc[0]
    assert 0 <= alive <= 1
    assert 0 <= quiet[1] <= quiet[0] * (1 + 1e-14) <= 1 + 1e-14
    slack = 1 + 1e-11  # each quantity is good to some 4e-12
    assert 0 <= bought[0] <= bought[1] * slack < np.inf
    assert bought[0] + between == pytest.approx(bought[1], rel=1e-9)
    assert 0 <= discounted <= bought[0] * slack
    assert discounted <= model.discounted_purchases(frame, None, 0.2).iloc[0] * (1 + 1e-9)
    assert 1 - quiet[0] <= bought[0] * (1 + 1e-9) + 1e-15


@pytest.mark.property
@settings(max_examples=15, deadline=None)
@given(
    drawn, st.lists(st.tuples(st.integers(0, 6), st.floats(0.1, 1), st.integers(1, 40), st.integers(1, 4)), min_size=60)
)
def test_trap_20_weights_equal_repeated_rows(name, rows):
    frame = pd.DataFrame(
        [(x, T * share if x else 0.0, float(T), w) for x, share, T, w in [*rows, (1, 0.2, 30, 3), (2, 0.9, 20, 2)]],
        columns=["frequency", "recency", "T", "weight"],
    )
    frame.attrs["unit"] = "week"
    log_likelihood = TRANSACTION_MODELS[name]()._log_likelihood
    values = np.array([0.5, 6.0, 0.8, 2.0])
    weighted = log_likelihood(read_history(frame, frame["weight"].to_numpy(float)))(values)
    repeated = log_likelihood(read_history(frame.loc[frame.index.repeat(frame["weight"])]))(values)
    for one, other in zip(weighted, repeated, strict=True):
        assert one == pytest.approx(other, rel=1e-11)


def test_weighted_fit_equals_the_fit_of_the_rows(cdnow_summary, fitted):
    counts = cdnow_summary.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    counts.attrs["unit"] = "week"
    for weighted in (
        type(fitted)().fit(counts),
        type(fitted)().fit(counts.rename(columns={"weight": "n"}), weights="n"),
        type(fitted)().fit(counts.drop(columns="weight"), weights=counts["weight"]),
    ):
        pd.testing.assert_series_equal(weighted.params_, fitted.params_, rtol=1e-8)
        pd.testing.assert_frame_equal(weighted.covariance_, fitted.covariance_, rtol=1e-5)
        assert weighted.customers_ == 2357


@pytest.mark.property
@settings(max_examples=5, deadline=None)
@given(st.floats(0.01, 400))
def test_the_unit_of_time_changes_the_scales_and_nothing_else(cdnow_summary, fitted, factor):
    other = cdnow_summary.assign(recency=cdnow_summary["recency"] * factor, T=cdnow_summary["T"] * factor)
    again = type(fitted)().fit(other)
    wanted = fitted.params_ * [factor if name in ("alpha", "beta") else 1 for name in fitted.parameters]
    pd.testing.assert_series_equal(again.params_, wanted, rtol=1e-7)
    pd.testing.assert_series_equal(
        again.expected_purchases(other, 39 * factor), fitted.expected_purchases(cdnow_summary, 39), rtol=1e-7
    )


def test_fitted_in_days_and_in_weeks_predicts_the_same(cdnow_sample, cdnow_summary, fitted):
    from patron.features import rfm_summary

    days = rfm_summary(cdnow_sample, "1997-09-30", unit="day", grain="day")
    model = type(fitted)().fit(days)
    for horizon in ("39 weeks", "12 months"):
        pd.testing.assert_series_equal(
            model.discounted_purchases(days, horizon), fitted.discounted_purchases(cdnow_summary, horizon), rtol=1e-7
        )


def test_solver_lifetimes_agrees(cdnow_summary, fitted):
    second = type(fitted)(solver="lifetimes").fit(cdnow_summary)
    pd.testing.assert_series_equal(second.params_, fitted.params_, rtol=1e-3)
    assert second.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-4)
    assert second.log_likelihood_ <= fitted.log_likelihood_
    pd.testing.assert_series_equal(second.standard_errors_, fitted.standard_errors_, rtol=3e-3)
    pd.testing.assert_series_equal(
        second.expected_purchases(cdnow_summary, 39), fitted.expected_purchases(cdnow_summary, 39), rtol=1e-3
    )


def test_who_may_leave_at_once_is_not_surely_alive_after_one_purchase(model, histories):
    """Trap 1 is BG/NBD's alone: there a one-time buyer is alive for ever."""
    alive = model.probability_alive(histories([0, 0], [0, 0], [1, 400]))
    assert (alive.tolist() == [1, 1]) if model.name == "bg_nbd" else (0 < alive.iloc[1] < alive.iloc[0] < 1)
