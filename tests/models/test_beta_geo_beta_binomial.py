"""BG/BB: the published donors, an opportunity-by-opportunity simulator, and what is refused."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from patron._core.errors import ConfigError, DataError, FitError, NotIdentifiedWarning, UndefinedError, UnitError
from patron.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from patron.models.family.inputs import read_opportunities

PAPER = {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}


def histories(frequency, recency, T, *, unit="year", **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"frequency": frequency, "recency": recency, "T": T, **columns})
    frame.attrs["unit"] = unit
    return frame


@pytest.fixture(scope="module")
def donors() -> pd.DataFrame:
    """First gift in 1995; one row a distinct history of the six years after, `weight` donors each."""
    frame = pd.read_csv(Path(find_spec("lifetimes").origin).parent / "datasets" / "donations.csv")
    frame = frame.rename(columns={"periods": "T", "weights": "weight"})
    frame.attrs["unit"] = "year"
    return frame


@pytest.fixture(scope="module")
def fitted(donors) -> BetaGeoBetaBinomial:
    return BetaGeoBetaBinomial().fit(donors)


@pytest.fixture(scope="module")
def paper() -> BetaGeoBetaBinomial:
    return BetaGeoBetaBinomial.from_params(**PAPER, unit="year")


@pytest.mark.golden
def test_published_estimates_of_the_donors(fitted):
    assert fitted.customers_ == 11_104
    assert fitted.params_.round(3).to_dict() == pytest.approx(PAPER, abs=5.1e-4)
    assert fitted.log_likelihood_ == pytest.approx(-33225.6, abs=0.05)
    assert fitted.unit_ == "year"


@pytest.mark.golden
def test_published_expectations_of_the_donors(fitted, donors):
    """The paper's table 6, its spreadsheet's total of 2002 to 2006, and two customers of BTYD's walkthrough."""
    next_year = fitted.probability_alive(donors, 1).round(2)
    cell = donors.set_index(["frequency", "recency"]).index
    assert [next_year[cell.get_loc(key)] for key in ((0, 0), (2, 4), (6, 6))] == [0.11, 0.59, 0.93]
    assert fitted.expected_purchases(donors, 5) @ donors["weight"] == pytest.approx(12884.2, abs=0.05)
    a_and_b = fitted.expected_purchases(histories([0, 4], [0, 5], [6, 6]), 10)
    assert a_and_b.tolist() == pytest.approx([0.1302169, 3.627858], rel=5e-5)


@pytest.mark.golden
def test_trap_10_the_residual_is_discounted_once_a_year_from_the_first_year_ahead(paper, donors):
    """Equation 14 of the paper, DERT, as it stands."""
    x, n = donors["frequency"], donors["T"]
    alpha, beta, gamma, delta = PAPER.values()
    bought = special.beta(alpha + x + 1, beta + n - x) / special.beta(alpha, beta)
    stayed = special.beta(gamma, delta + n + 1) / special.beta(gamma, delta)
    ahead = special.hyp2f1(1, delta + n + 1, gamma + delta + n + 1, 1 / 1.1) / 1.1
    wanted = bought * stayed * ahead / np.exp(paper.log_likelihoods(donors))
    found = paper.discounted_purchases(donors, None, discount_rate=0.10)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_rows_and_weights_fit_alike(fitted, donors):
    rows = donors.loc[donors.index.repeat(donors["weight"]), ["frequency", "recency", "T"]]
    again = BetaGeoBetaBinomial().fit(rows)
    np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-12)
    assert again.log_likelihood_ == pytest.approx(fitted.log_likelihood_, rel=1e-13)


def test_lifetimes_finds_the_same_estimates(fitted, donors):
    other = BetaGeoBetaBinomial(solver="lifetimes").fit(donors)
    np.testing.assert_allclose(other.params_, fitted.params_, rtol=1e-3)
    assert other.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-4)


@pytest.mark.parametrize("gamma", [0.3, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0])
def test_trap_04_nothing_happens_at_gamma_of_1(gamma):
    model = BetaGeoBetaBinomial.from_params(alpha=1.2, beta=0.7, gamma=gamma, delta=2.0, unit="month")
    frame = histories([2], [3], [5], unit="month")
    by_hand, survives = 0.0, 1.0
    for k in range(36):
        survives *= (2.0 + 5 + k) / (gamma + 2.0 + 5 + k)
        by_hand += survives
    by_hand *= model.probability_alive(frame).iloc[0] * (1.2 + 2) / (1.2 + 0.7 + 5)
    assert model.expected_purchases(frame, 36).iloc[0] == pytest.approx(by_hand, rel=1e-13)


@pytest.mark.parametrize("values", [(1.2, 0.75, 0.66, 2.8), (0.01, 30.0, 5.0, 0.02), (1e3, 200.0, 0.01, 300.0)])
def test_derivatives_of_the_likelihood_are_its_slopes(values):
    rng = np.random.default_rng(1)
    T = rng.integers(0, 30, 200)
    t_x = rng.integers(0, T + 1)
    x = np.where(t_x > 0, rng.integers(1, np.maximum(t_x, 1) + 1), 0)
    frame = histories(x, t_x, T, weight=rng.integers(1, 4, 200))
    model = BetaGeoBetaBinomial.from_params(**dict(zip(PAPER, values, strict=True)), unit="year")
    evaluate = model._log_likelihood(read_opportunities(frame, frame["weight"].to_numpy(dtype=float)))
    f, gradient, hessian = evaluate(np.array(values))
    assert f == pytest.approx(model.log_likelihoods(frame) @ frame["weight"], rel=1e-12)
    steps = [1e-5 * value * row for value, row in zip(values, np.eye(4), strict=True)]
    sides = [(evaluate(values + step), evaluate(values - step), 2 * step.sum()) for step in steps]
    np.testing.assert_allclose(gradient, [(up[0] - down[0]) / gap for up, down, gap in sides], rtol=1e-6)
    slopes = np.array([(up[1] - down[1]) / gap for up, down, gap in sides])
    scale = np.outer(values, values)
    np.testing.assert_allclose(hessian * scale, slopes * scale, atol=1e-7 * np.abs(hessian * scale).max())


def lives(params, n, opportunities, rng):
    """Customers lived one opportunity at a time: shape (n, opportunities), what was bought and who was alive."""
    buys, leaves = rng.beta(params["alpha"], params["beta"], n), rng.beta(params["gamma"], params["delta"], n)
    alive = np.ones(n, dtype=bool)
    bought, there = np.zeros((n, opportunities), dtype=bool), np.zeros((n, opportunities), dtype=bool)
    for k in range(opportunities):
        alive &= rng.random(n) >= leaves
        there[:, k] = alive
        bought[:, k] = alive & (rng.random(n) < buys)
    return bought, there


def history_of(bought, **more) -> pd.DataFrame:
    number = np.arange(1, bought.shape[1] + 1)
    return histories(bought.sum(axis=1), (bought * number).max(axis=1), bought.shape[1], unit="month", **more)


@pytest.fixture(scope="module")
def played():
    """400,000 customers: their history after six opportunities, then ten more, and when they were alive."""
    params = {"alpha": 0.9, "beta": 1.4, "gamma": 0.7, "delta": 2.9}
    bought, there = lives(params, 400_000, 16, np.random.default_rng(3))
    return BetaGeoBetaBinomial.from_params(**params, unit="month"), history_of(bought[:, :6]), there, bought[:, 6:]


@pytest.mark.simulation
@pytest.mark.parametrize("recency_and_frequency", [False, True], ids=["everybody", "x = 2, t_x = 4"])
def test_trap_16_every_quantity_meets_an_independent_simulation(played, recency_and_frequency):
    model, frame, there, later = played
    if recency_and_frequency:
        some = ((frame["frequency"] == 2) & (frame["recency"] == 4)).to_numpy()
        frame, there, later = frame[some], there[some], later[some]
    frame.attrs["unit"] = "month"
    number, happened = later.sum(axis=1), later.cumsum(axis=1) > 0
    discount = 1.1 ** (-np.arange(1, 11) / 12)
    pairs = {
        "alive": (model.probability_alive(frame), there[:, 5]),
        "alive ahead": (model.probability_alive(frame, 4), there[:, 9]),
        "none": (model.probability_no_purchase(frame, "10 months"), number == 0),
        "one": (model.probability_of_purchases(1, frame, 10), number == 1),
        "seven": (model.probability_of_purchases(7, frame, 10), number == 7),
        "expected": (model.expected_purchases(frame, 10), number),
        "stretch": (model.expected_purchases(frame, (3, 7)), later[:, 3:7].sum(axis=1)),
        "discounted": (model.discounted_purchases(frame, 10), later @ discount),
    }
    for name, (expected, outcome) in pairs.items():
        drawn = outcome.astype(float)
        error = np.sqrt(((drawn - expected) ** 2).sum()) / len(drawn)
        assert abs(drawn.mean() - expected.mean()) < 4 * error, name
    wait = model.time_to_next_purchase(frame, 0.3)
    for k in (1, 2, 3):
        met = happened[(wait == k).to_numpy()]
        if len(met) > 1000:
            assert met[:, k - 1].mean() > 0.29
            assert k == 1 or met[:, k - 2].mean() < 0.31


@pytest.mark.simulation
def test_what_the_model_draws_is_what_it_expects(played):
    model, frame, _, _ = played
    frame = frame.iloc[:60_000]
    frame.attrs["unit"] = "month"
    drawn = model.simulate_ahead(frame, 10, seed=1)
    assert set(drawn["time"]) == set(range(1, 11))
    assert not drawn.reset_index().duplicated().any()
    number = np.bincount(drawn.index, minlength=len(frame))
    error = np.sqrt(((number - model.expected_purchases(frame, 10)) ** 2).sum())
    assert abs(number.sum() - model.expected_purchases(frame, 10).sum()) < 4 * error
    for n in (0, 3, 10):
        share = model.probability_of_purchases(n, frame, 10)
        assert abs((number == n).sum() - share.sum()) < 4 * np.sqrt(share.sum())
    events = model.sample(60_000, 10, seed=2)
    repeat = events[events["time"] > 0].groupby("customer_id").size().reindex(range(60_000), fill_value=0)
    for n in (0, 1, 9):
        share = model.probability_of_purchases(n, model.new_customer(), 10).iloc[0] * 60_000
        assert abs((repeat == n).sum() - share) < 4 * np.sqrt(share)


@pytest.mark.simulation
def test_estimates_recover_what_was_simulated():
    params = {"alpha": 0.9, "beta": 1.4, "gamma": 0.7, "delta": 2.9}
    frame = history_of(lives(params, 60_000, 12, np.random.default_rng(11))[0])
    model = BetaGeoBetaBinomial().fit(frame)
    assert ((model.params_ - pd.Series(params)).abs() < 3.5 * model.standard_errors_).all()
    assert (model.standard_errors_ < 0.2 * model.params_).all()


@st.composite
def customers(draw):
    """Return a model and twenty histories."""
    values = draw(st.tuples(*[st.floats(-3, 4).map(lambda power: 10**power)] * 4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    T = rng.integers(0, draw(st.sampled_from([3, 40, 400])), 20)
    t_x = rng.integers(0, T + 1)
    x = np.where(t_x > 0, rng.integers(1, np.maximum(t_x, 1) + 1), 0)
    return BetaGeoBetaBinomial.from_params(**dict(zip(PAPER, values, strict=True)), unit="week"), histories(
        x, t_x, T, unit="week"
    )


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(customers(), st.integers(1, 12))
def test_counts_sum_to_one_and_to_the_expectation(pair, ahead):
    model, frame = pair
    shares = np.array([model.probability_of_purchases(n, frame, ahead) for n in range(ahead + 2)])
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, rtol=1e-11)
    np.testing.assert_allclose(
        np.arange(ahead + 2) @ shares, model.expected_purchases(frame, ahead), rtol=1e-10, atol=1e-14
    )
    assert (shares[-1] == 0).all()


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(customers(), st.integers(0, 30), st.integers(1, 30))
def test_stretches_add_up_and_silence_lasts(pair, first, more):
    model, frame = pair
    whole = model.expected_purchases(frame, first + more)
    parts = model.expected_purchases(frame, first) + model.expected_purchases(frame, (first, first + more))
    np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-290)
    falling = [whole, model.discounted_purchases(frame, first + more)]
    rising = [falling[1], model.discounted_purchases(frame, None)]
    silent = [model.probability_no_purchase(frame, ahead) for ahead in (0, first, first + more)]
    alive = [model.probability_alive(frame, ahead) for ahead in (0, first, first + more)]
    for values in (falling, rising[::-1], silent, alive):
        for one, two in pairwise(values):
            assert (two <= one * (1 + 1e-11)).all()
    assert ((silent[0] == 1) & (alive[0] <= 1)).all()


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(customers(), st.floats(0.01, 0.99))
def test_the_wait_is_the_first_opportunity_that_is_likely_enough(pair, q):
    model, frame = pair
    wait = model.time_to_next_purchase(frame, q)
    for k in {int(k) for k in wait if k < 3000}:
        some = frame[(wait == k).to_numpy()]
        some.attrs["unit"] = "week"
        assert (1 - model.probability_no_purchase(some, k) >= q - 1e-9).all()
        assert (1 - model.probability_no_purchase(some, k - 1) < q + 1e-9).all()
    never = frame[np.isinf(wait).to_numpy()]
    never.attrs["unit"] = "week"
    assert (1 - model.probability_no_purchase(never, 1000) < q + 1e-9).all()


def test_a_probability_that_is_met_exactly_is_met():
    """One in four buys at the first opportunity: alive 1/2, buying 1/2."""
    model = BetaGeoBetaBinomial.from_params(alpha=2.0, beta=2.0, gamma=3.0, delta=3.0, unit="year")
    assert model.time_to_next_purchase(model.new_customer(), 0.25).tolist() == [1.0]
    assert model.time_to_next_purchase(model.new_customer(), 0.26).tolist() == [2.0]


@pytest.mark.parametrize(
    ("unit", "horizon", "whole"),
    [
        ("month", "12 months", 12),
        ("month", "2 years", 24),
        ("year", "36 months", 3),
        ("week", "28 days", 4),
        ("28 days", "8 weeks", 2),
        ("day", "1 week", 7),
        ("year", 4.0, 4),
        ("month", (0, "1 year"), 12),
    ],
)
def test_a_horizon_is_a_whole_number_of_opportunities(unit, horizon, whole):
    model = BetaGeoBetaBinomial.from_params(**PAPER, unit=unit)
    frame = model.new_customer()
    assert model.expected_purchases(frame, horizon).iloc[0] == model.expected_purchases(frame, whole).iloc[0]


@pytest.mark.parametrize(
    ("unit", "horizon"),
    [
        ("year", "6 months"),
        ("month", "4 weeks"),
        ("week", "1 month"),
        ("28 days", "1 month"),
        ("week", 2.5),
        ("week", (1, 1.5)),
    ],
)
def test_a_horizon_with_a_fraction_of_an_opportunity_is_refused(unit, horizon):
    model = BetaGeoBetaBinomial.from_params(**PAPER, unit=unit)
    with pytest.raises(DataError, match="a whole number of opportunities, which come in"):
        model.expected_purchases(model.new_customer(), horizon)


@pytest.mark.parametrize("horizon", [-1, float("nan"), float("inf"), (3, 2), (1, 2, 3), 100_001, True, None, "soon"])
def test_a_horizon_that_is_none_is_refused(paper, horizon):
    with pytest.raises((DataError, ConfigError)) as caught:
        paper.expected_purchases(paper.new_customer(), horizon) if horizon is not None else paper.simulate_ahead(
            paper.new_customer(), horizon
        )
    assert caught.value.fix


def test_months_are_told_apart_where_opportunities_are_months(paper):
    model = BetaGeoBetaBinomial.from_params(**PAPER, unit="month")
    table = model.expected_purchases_by_month(model.new_customer(), 3)
    assert table.loc[0].tolist() == [
        model.expected_purchases(model.new_customer(), (k, k + 1)).iloc[0] for k in range(3)
    ]
    with pytest.raises(DataError, match="whole number of opportunities, which come in years"):
        paper.expected_purchases_by_month(paper.new_customer(), 3)


def test_trap_10_without_a_discount_the_residual_asks_for_gamma_above_1(paper, donors):
    with pytest.raises(UndefinedError, match=r"gamma = 0\.657 is not above 1"):
        paper.discounted_purchases(donors, None, discount_rate=0.0)


@pytest.mark.parametrize(
    ("column", "change", "words"),
    [
        ("recency", [1.5, 2], "a number of opportunities is whole"),
        ("T", [5.5, 6], "a number of opportunities is whole"),
        ("frequency", [3, 1], "more purchases than opportunities"),
        ("recency", [7, 2], "after the end of observation"),
        ("T", [200_000, 6], "more than 100,000 opportunities"),
    ],
)
def test_impossible_histories_are_refused(paper, column, change, words):
    frame = histories([1, 1], [2, 2], [6, 6]).assign(**{column: change})
    frame.attrs["unit"] = "year"
    with pytest.raises(DataError, match=words) as caught:
        paper.probability_alive(frame)
    assert caught.value.column == column
    assert caught.value.fix


def test_trap_18_a_frame_counted_in_other_periods_is_refused(paper, donors):
    model = BetaGeoBetaBinomial.from_params(**PAPER, unit="28 days")
    with pytest.raises(UnitError, match="was fitted in periods of 28 days, the frame is measured in years"):
        model.probability_alive(donors)
    with pytest.raises(UnitError, match="in years, not in periods of 28 days"):
        BetaGeoBetaBinomial().fit(donors, unit="28 days")
    with pytest.raises(DataError, match="unknown unit"):
        BetaGeoBetaBinomial.from_params(**PAPER, unit="3 months")


def test_trap_10_a_rate_is_a_years_whatever_the_unit():
    frames = [histories([2], [3], [6], unit=unit) for unit in ("year", "28 days")]
    year, days = (
        BetaGeoBetaBinomial.from_params(**PAPER, unit=frame.attrs["unit"]).discounted_purchases(frame, 1).iloc[0]
        / BetaGeoBetaBinomial.from_params(**PAPER, unit=frame.attrs["unit"]).expected_purchases(frame, 1).iloc[0]
        for frame in frames
    )
    assert year == pytest.approx(1 / 1.1, rel=1e-14)
    assert days == pytest.approx(1.1 ** (-28 / 365.25), rel=1e-14)


def test_a_stored_model_is_the_same_to_the_last_bit(fitted, donors, tmp_path):
    fitted.save(tmp_path / "bg_bb.json")
    again = BetaGeoBetaBinomial.from_dict(fitted.to_dict())
    assert again.to_dict() == fitted.to_dict()
    assert again.expected_purchases(donors, 5).equals(fitted.expected_purchases(donors, 5))


def test_nobody_who_buys_again_cannot_be_fitted():
    with pytest.raises(FitError, match="none of 9 customers bought again"):
        BetaGeoBetaBinomial().fit(histories([0], [0], [5], weight=[9]))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (histories([0, 3, 5], [0, 5, 5], [5, 5, 5], weight=[500, 1, 400]), "drop out|every opportunity"),
        (histories([1, 2, 3, 4], [5, 5, 5, 5], [5, 5, 5, 5], weight=[80, 200, 210, 70]), "hardly drop out"),
        (histories([0, 1], [0, 1], [3, 3], weight=[5, 5]), "drop out"),
    ],
)
def test_trap_07_what_the_data_do_not_tell_is_said_in_words(frame, words):
    with pytest.warns(NotIdentifiedWarning, match=words):
        model = BetaGeoBetaBinomial().fit(frame)
    assert model.standard_errors_.isna().any()
    assert np.isfinite(model.expected_purchases(frame, 5)).all()


def test_a_prior_keeps_the_estimates_off_the_edges():
    frame = histories([1, 2, 3, 4], [5, 5, 5, 5], [5, 5, 5, 5], weight=[80, 200, 210, 70])
    model = BetaGeoBetaBinomial(prior=1.0).fit(frame)
    assert not model.not_identified_
    assert model.params_.between(1e-3, 1e3).all()


def test_customers_just_acquired_tell_nothing(fitted, donors):
    more = pd.concat([donors, histories([0], [0], [0], weight=[1000])])
    more.attrs["unit"] = "year"
    again = BetaGeoBetaBinomial().fit(more)
    np.testing.assert_allclose(again.params_, fitted.params_, rtol=1e-7)


def test_groups_have_parameters_of_their_own(fitted, donors):
    both = pd.concat([donors.assign(cohort="a"), donors.assign(cohort="b")])
    both.attrs["unit"] = "year"
    model = BetaGeoBetaBinomial().fit(both, groups="cohort")
    np.testing.assert_allclose(model.group_params_.loc["b"], fitted.params_, rtol=1e-6)
    np.testing.assert_allclose(
        model.expected_purchases(both, 5).to_numpy()[:22], fitted.expected_purchases(donors, 5), rtol=1e-6
    )
