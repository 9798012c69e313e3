"""sBG and BdW: the published estimates, customers who toss their coins, edges and refusals."""

from __future__ import annotations

import json
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from patron._core.errors import (
    ConfigError,
    DataError,
    FitError,
    NotFittedError,
    NotIdentifiedWarning,
    UndefinedError,
    UnitAssumedWarning,
    UnitError,
)
from patron.models.beta_discrete_weibull import BetaDiscreteWeibull
from patron.models.family.contract_inputs import cohort_table
from patron.models.maths.contract_likelihood import fall, log_likelihood
from patron.models.maths.survival_sums import sum_for_ever
from patron.models.shifted_beta_geometric import ShiftedBetaGeometric

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
TRUTH = {
    ShiftedBetaGeometric: {"alpha": 1.4, "beta": 4.0},
    BetaDiscreteWeibull: {"alpha": 0.9, "beta": 3.0, "c": 1.5},
}


def cohort(left) -> pd.DataFrame:
    left = np.asarray(left, dtype=float)
    table = pd.DataFrame({"period": np.arange(1, len(left)), "at_risk": left[:-1], "lost": -np.diff(left)})
    table.attrs["period"] = "1 year"
    return table


def contracts(renewals, lost=None, period="1 year", **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"renewals": renewals, **columns})
    if lost is not None:
        frame["lost"] = lost
    frame.attrs["period"] = period
    return frame


@pytest.fixture(params=TRUTH, ids=lambda model: model.name)
def model(request):
    return request.param.from_params(**TRUTH[request.param], period="year")


@pytest.mark.golden
@pytest.mark.parametrize(
    ("left", "alpha", "beta", "likelihood"),
    [(REGULAR, 0.704, 1.182, -1680.27), (HIGH_END, 0.668, 3.806, -1611.16)],
)
def test_published_estimates_of_the_two_segments(left, alpha, beta, likelihood):
    """Fader and Hardie 2007, appendix B, of 1,000 customers."""
    model = ShiftedBetaGeometric().fit(cohort(left))
    assert model.params_.to_dict() == pytest.approx({"alpha": alpha, "beta": beta}, abs=6e-4)
    assert model.log_likelihood_ == pytest.approx(likelihood, abs=5e-3)
    assert model.customers_ == 1000


@pytest.mark.golden
def test_trap_10_residual_lifetime_is_that_just_before_the_renewal_falls_due():
    """Another package's worked example: High End after 7 renewals at 10 % a year, 7.530."""
    model = ShiftedBetaGeometric.from_params(alpha=0.668, beta=3.806, period="year")
    derl = model.discounted_renewals(contracts([7]), None, discount_rate=0.10)
    assert derl.iloc[0] == pytest.approx(7.530, abs=5e-4)


def tossed(model, periods, n, seed) -> np.ndarray:
    """Lifetimes of customers who toss a coin at each renewal until one falls the wrong way, or `periods` passed."""
    params, rng = model.params_, np.random.default_rng(seed)
    first, second = rng.gamma(params["alpha"], size=n), rng.gamma(params["beta"], size=n)
    stay, c = second / (first + second), params.get("c", 1.0)
    lifetime = np.zeros(n, dtype=int)
    there = np.ones(n, dtype=bool)
    for t in range(1, periods + 1):
        lifetime[there] = t
        there &= rng.random(n) < stay ** (t**c - (t - 1) ** c)
    return np.where(there, periods + 1, lifetime)


@pytest.mark.simulation
def test_customers_who_toss_their_coins_behave_as_predicted(model):
    lifetime = tossed(model, 40, 200_000, seed=3)
    for survived in (0, 1, 5):
        frame = contracts([survived])
        ahead = np.minimum(lifetime[lifetime > survived] - 1, 40) - survived
        for seen, told in [
            (ahead >= 3, model.probability_alive(frame, 3)),
            (ahead < 3, model.probability_churn(frame, 3)),
            (np.minimum(ahead, 12), model.expected_renewals(frame, 12)),
            ((1 - 1.1 ** -np.minimum(ahead, 12)) / (1 - 1 / 1.1), model.discounted_renewals(frame, 12)),
        ]:
            assert abs(seen.mean() - told.iloc[0]) < 4 * seen.std() / np.sqrt(len(ahead))
        assert np.median(ahead + 1) == model.periods_to_churn(frame).iloc[0]


@pytest.mark.simulation
def test_the_simulator_does_what_customers_do(model):
    counted = np.bincount(np.minimum(tossed(model, 20, 100_000, seed=4), 21), minlength=22)
    sample = model.sample(100_000, 20, seed=5)
    lifetime = np.where(sample["lost"], sample["renewals"] + 1, 21)
    assert (sample.loc[~sample["lost"], "renewals"] == 20).all()
    gap = np.bincount(lifetime, minlength=22) - counted
    assert (abs(gap) < 4.5 * np.sqrt(2 * counted + 1)).all()
    assert model.sample(5, 20, seed=1).equals(model.sample(5, 20, seed=1))
    assert model.sample(3, [0, 4, 9], seed=1)["renewals"].le([0, 4, 9]).all()


@pytest.mark.simulation
def test_a_fit_finds_the_parameters_that_made_the_data(model):
    """Half of the contracts are observed for three periods only: running contracts are censored."""
    sample = model.sample(60_000, np.repeat([3, 12], 30_000), seed=8)
    fitted = type(model)().fit(sample)
    assert (abs(fitted.params_ - model.params_) < 4 * fitted.standard_errors_).all()
    assert fitted.period_ == "1 year"


def test_rows_weights_and_a_cohort_table_fit_alike(model):
    sample = model.sample(3000, np.repeat([2, 9, 14], 1000), seed=2)
    rows = type(model)().fit(sample)
    counted = sample.value_counts().rename("weight").reset_index()
    counted.attrs = sample.attrs
    table = cohort_table(sample)
    cohorts = pd.concat([cohort_table(sample.iloc[:1000]), cohort_table(sample.iloc[1000:])])
    cohorts.attrs = table.attrs
    for frame in (counted, table, cohorts):
        other = type(model)().fit(frame)
        pd.testing.assert_series_equal(other.params_, rows.params_, rtol=1e-9)
        pd.testing.assert_frame_equal(other.covariance_, rows.covariance_, rtol=1e-6)
    assert rows.log_likelihood_ == pytest.approx(rows.log_likelihoods(sample).sum(), rel=1e-12)


def test_the_slopes_of_the_likelihood_are_its_differences():
    table = cohort(HIGH_END)
    t, at_risk, lost = table.to_numpy(dtype=float).T
    evaluate = log_likelihood(t, at_risk - lost, lost)
    at = np.array([0.3, 2.0, 1.4])
    _, gradient, hessian = evaluate(at)
    for i in range(3):
        step = 1e-5 * np.eye(3)[i]
        (up, g_up, _), (down, g_down, _) = evaluate(at + step), evaluate(at - step)
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5)
        assert hessian[i] == pytest.approx((g_up - g_down) / 2e-5, rel=1e-6)


def test_bdw_with_c_1_is_sbg():
    frame = contracts([0, 3, 40])
    sbg = ShiftedBetaGeometric.from_params(alpha=0.7, beta=2.0, period="year")
    bdw = BetaDiscreteWeibull.from_params(alpha=0.7, beta=2.0, c=1.0, period="year")
    for ask in (lambda m: m.discounted_renewals(frame, None), lambda m: m.probability_churn(frame, 4)):
        pd.testing.assert_series_equal(ask(sbg), ask(bdw), rtol=1e-13)


def test_retention_of_a_cohort_is_its_survival_step_by_step(model):
    table = model.retention(12)
    assert table.index.tolist() == list(range(1, 13))
    np.testing.assert_allclose(table["retention_rate"].cumprod(), table["survival"], rtol=1e-13)
    new = model.new_customer()
    assert table["survival"].iloc[-1] == pytest.approx(model.probability_alive(new, 12).iloc[0], rel=1e-14)
    assert model.expected_renewals(new, 12).iloc[0] == pytest.approx(table["survival"].sum())


def test_who_is_lost_renews_no_more(model):
    frame = contracts([2, 2], [True, False]).set_axis(["gone", "here"])
    assert model.probability_alive(frame, 0).to_dict() == {"gone": 0.0, "here": 1.0}
    assert model.probability_churn(frame, 0).to_dict() == {"gone": 1.0, "here": 0.0}
    for told in (
        model.expected_renewals(frame, 5),
        model.discounted_renewals(frame, None),
        model.periods_to_churn(frame),
    ):
        assert told["gone"] == 0 < told["here"]
        assert told.index.equals(frame.index)


def test_a_long_horizon_is_the_residual_lifetime(model):
    frame = contracts([0, 4, 900])
    long = model.discounted_renewals(frame, 500)
    pd.testing.assert_series_equal(model.discounted_renewals(frame, None), long, rtol=1e-12)
    assert (model.expected_renewals(frame, 0) == 0).all()


def test_trap_10_a_rate_is_annual_whatever_the_period():
    """Nobody leaves, so that the residual is 1 / (1 - v)."""
    for period, share in [("year", 1.0), ("month", 1 / 12), ("28 days", 28 / 365.25), ("3 months", 1 / 4)]:
        model = ShiftedBetaGeometric.from_params(alpha=1e-12, beta=1e6, period=period)
        value = model.discounted_renewals(model.new_customer(), None, discount_rate=0.21).iloc[0]
        assert value == pytest.approx(1 / -np.expm1(-np.log(1.21) * share), rel=1e-9)


def test_trap_10_an_infinite_residual_names_its_parameter():
    sbg = ShiftedBetaGeometric.from_params(alpha=0.668, beta=3.806, period="year")
    with pytest.raises(UndefinedError, match=r"alpha = 0\.668 is not above 1.*discount_rate above 0, or a horizon"):
        sbg.expected_renewals(sbg.new_customer(), None)
    bdw = BetaDiscreteWeibull.from_params(alpha=0.6, beta=3.8, c=1.5, period="year")
    with pytest.raises(UndefinedError, match=r"alpha c = 0\.9 is not above 1"):
        bdw.discounted_renewals(bdw.new_customer(), None, discount_rate=0)
    enough = ShiftedBetaGeometric.from_params(alpha=3.0, beta=4.0, period="year")
    assert enough.expected_renewals(contracts([6]), None).iloc[0] == pytest.approx((4 + 6) / (3 - 1), rel=1e-12)


def test_a_quantile_met_exactly_is_met_and_one_out_of_sight_is_infinite():
    even = ShiftedBetaGeometric.from_params(alpha=1.0, beta=1.0, period="year")
    assert even.periods_to_churn(even.new_customer()).iloc[0] == 1
    assert even.periods_to_churn(even.new_customer(), q=0.75).iloc[0] == 3
    loyal = ShiftedBetaGeometric.from_params(alpha=0.001, beta=1.0, period="year")
    assert loyal.periods_to_churn(loyal.new_customer()).iloc[0] == np.inf
    with pytest.raises(DataError, match="q is a share between 0 and 1"):
        even.periods_to_churn(even.new_customer(), q=1.0)


@pytest.mark.parametrize(
    ("kind", "left", "words"),
    [
        (ShiftedBetaGeometric, [10_000, 9000, 8100, 7290, 6561], "customers do not differ"),
        (ShiftedBetaGeometric, [1000, 500, 500, 500, 500], "either leave at the first renewal or hardly ever"),
        (ShiftedBetaGeometric, [1000, 990, 970, 930, 850], "customers do not differ"),
        (BetaDiscreteWeibull, [1000, 500, 500, 500, 500], "at the first renewal"),
        (BetaDiscreteWeibull, [1000, 990, 900, 500, 5], "do not differ"),
        (BetaDiscreteWeibull, [1000, 986, 520, 515, 319], "falls as a power of time, however customers differ"),
        (BetaDiscreteWeibull, [259, 259, 259, 227], "leaves before a certain renewal"),
    ],
)
def test_trap_07_an_edge_is_told_in_words(kind, left, words):
    table = cohort(left)
    with pytest.warns(NotIdentifiedWarning, match=words):
        model = kind().fit(table[table["at_risk"] > 0])
    assert model.not_identified_
    assert model.standard_errors_[list(model.not_identified_)].isna().all()
    told = model.retention(len(left) - 1)["survival"]
    np.testing.assert_allclose(told, np.array(left[1:]) / left[0], atol=0.2 if "power" in words else 0.05)


@pytest.mark.parametrize(
    "lost", [[539, 277, 6143, 30, 384, 21], [804, 1551, 724, 291, 5302, 5, 7], [1208, 997, 442, 10133, 54, 453]]
)
def test_trap_07_rounding_far_along_a_ridge_is_no_estimate(lost):
    """The likelihood of ever more equal customers rises until alpha and beta are near 1e9."""
    with pytest.warns(NotIdentifiedWarning, match="customers do not differ"):
        model = ShiftedBetaGeometric().fit(cohort(sum(lost) + 1 - np.cumsum([0, *lost])))
    assert list(model.not_identified_) == ["alpha", "beta"]


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=4, max_size=9).filter(lambda left: max(left) > min(left)))
@example([65, 57, 1, 1])
@example([2, 2, 1, 1])
def test_every_cohort_is_fitted_or_said_not_to_tell(left):
    """A standard error is withheld with a reason, and only then."""
    table = cohort(sorted(left, reverse=True))
    for kind in (ShiftedBetaGeometric, BetaDiscreteWeibull):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotIdentifiedWarning)
            model = kind().fit(table)
        errors = model.standard_errors_
        assert errors.index[errors.isna()].tolist() == [name for name in errors.index if name in model.not_identified_]
        assert (errors.dropna() > 0).all()
        assert model.retention(50).le(1).all(axis=None)


@pytest.mark.parametrize("t", [0, 1, 2, 7, 40, 10**6])
@pytest.mark.parametrize("ahead", [1, 2, 50, 10**15])
@pytest.mark.parametrize("c", [1, 2, 16, 40, 209, 330])
def test_survival_of_ages_beyond_all_numbers_is_that_of_whole_ones(t, ahead, c):
    """With alpha = 2, B(2, b) = 1 / (b (b + 1)): whole numbers of any length tell it exactly."""
    first, last = 3 + t**c, 3 + (t + ahead) ** c
    more = Fraction(last * (last + 1), first * (first + 1)) - 1
    exact = math.log1p(more) if more < 1 else math.log(int((more + 1) * 2**64)) - 64 * math.log(2)
    assert fall(2.0, 3.0, float(c), np.array([float(t)]), np.array([float(ahead)])) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(
    ("alpha", "beta", "c"), [(1.5, 3.0, 1.3), (0.02, 1.0, 60.0), (0.0065, 0.66, 85.0), (0.03, 2.0, 209.0)]
)
def test_renewals_for_ever_of_steep_contracts_are_the_sum_of_all(alpha, beta, c):
    renewals, k, rate = np.array([0.0, 1.0, 60.0]), np.arange(1, 200_000.0), 1e-3
    all_of_them = [np.exp(-fall(alpha, beta, c, np.array([t]), k) - rate * (k - 1)).sum() for t in renewals]
    told = sum_for_ever(lambda t, ahead: fall(alpha, beta, c, t, ahead), renewals, rate, alpha * c)
    assert told == pytest.approx(all_of_them, rel=1e-12)


def test_a_likelihood_without_a_maximum_is_told_in_words(monkeypatch):
    def no_rest(*_):
        raise FitError("no rest after 300 passes", fix="look for extreme values in the frame")

    monkeypatch.setattr("patron.models.family.contract.maximise", no_rest)
    with pytest.raises(FitError, match=r"7 periods has no maximum in alpha, beta, c .* prior=2\.0"):
        BetaDiscreteWeibull().fit(cohort(HIGH_END))


def counted(frame) -> pd.DataFrame:
    """The same contracts, those alike in one row."""
    rows = frame.value_counts().rename("weight").reset_index()
    rows.attrs = frame.attrs
    return rows


WORLD = {ShiftedBetaGeometric: 2000, BetaDiscreteWeibull: 10_000}


@pytest.mark.simulation
@pytest.mark.slow
@pytest.mark.parametrize(
    ("worlds", "near"),
    [
        pytest.param(100, 0.08, marks=pytest.mark.replications),
        pytest.param(1000, 0.03, marks=pytest.mark.thorough),
    ],
)
def test_trap_17_intervals_of_survivors_hold_nine_times_of_ten(model, worlds, near):
    """In each world two cohorts, 4 and 8 periods old, and how many of them are there 4 periods later."""
    contracts_made, held = WORLD[type(model)], []
    ages = np.repeat([4, 8], contracts_made // 2)
    for seed in range(worlds):
        whole = model.sample(contracts_made, ages + 4, seed=seed)
        survived = np.minimum(whole["renewals"], ages)
        frame = counted(contracts(survived, survived < ages, cohort=ages))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotIdentifiedWarning)
            fitted = type(model)().fit(frame)
        if fitted.not_identified_:
            continue
        expected = model.probability_alive(frame, 4) * frame["weight"]
        later = whole["renewals"] >= ages + 4
        mean = fitted.survivors_interval(frame, 4, kind="mean", of="base").loc["base"]
        drawn = fitted.survivors_interval(frame, 4, of="cohort", seed=seed).loc[8]
        held.append(
            [mean["low"] <= expected.sum() <= mean["high"], drawn["low"] <= later[ages == 8].sum() <= drawn["high"]]
        )
    assert len(held) > 0.95 * worlds
    assert np.mean(held, axis=0) == pytest.approx([0.9, 0.9], abs=near)


def test_trap_17_the_interval_of_a_mean_is_not_that_of_an_outcome():
    fitted = ShiftedBetaGeometric().fit(cohort(HIGH_END))
    few, many = (fitted.new_customer().assign(weight=n) for n in (10, 100_000))
    for frame, least in ((few, 5.0), (many, 1.0)):
        mean, outcome = (fitted.survivors_interval(frame, 12, kind=kind).iloc[0] for kind in ("mean", "predictive"))
        expected = fitted.probability_alive(frame, 12).iloc[0] * frame["weight"].iloc[0]
        assert mean["expected"] == outcome["expected"] == pytest.approx(expected)
        assert outcome["high"] - outcome["low"] > least * (mean["high"] - mean["low"]) * 0.8
        assert outcome[["low", "high"]].tolist() == outcome[["low", "high"]].round().tolist()
    again = fitted.survivors_interval(many, 12, seed=1)
    assert again.equals(fitted.survivors_interval(many, 12, seed=1))
    assert not again.equals(fitted.survivors_interval(many, 12, seed=2))


def test_no_more_survive_than_there_are():
    fitted = ShiftedBetaGeometric().fit(cohort([100, 97, 95, 94, 93]))
    frame = contracts([3, 0, 2], [False, False, True], plan=["a", "b", "b"])
    for kind in ("mean", "predictive"):
        by_plan = fitted.survivors_interval(frame, 2, kind=kind, of="plan", weights=[50, 20, 9])
        assert (by_plan["high"] <= [50, 20]).all()
        each = fitted.survivors_interval(frame, 2, kind=kind)
        assert each.iloc[2].tolist() == [0.0, 0.0, 0.0]
        assert fitted.survivors_interval(frame, 0, kind=kind).iloc[0].tolist() == [1.0, 1.0, 1.0]


def test_bootstrap_draws_spread_like_standard_errors(model):
    sample = model.sample(20_000, 10, seed=6)
    fitted = type(model)().fit(sample)
    for frame in (counted(sample), cohort_table(sample)):
        draws = fitted.bootstrap(frame, 60, seed=2)
        assert draws.shape == (60, len(model.parameters))
        ratio = np.log(draws).std() / (fitted.standard_errors_ / fitted.params_)
        assert ratio.between(0.7, 1.4).all()
        assert (abs(np.log(draws).mean() - np.log(fitted.params_)) < 0.6 * np.log(draws).std()).all()
    new = fitted.new_customer().assign(weight=1000)
    by_draws, by_hessian = (
        fitted.survivors_interval(new, 15, kind="mean", draws=known).iloc[0] for known in (draws, None)
    )
    assert by_draws["high"] - by_draws["low"] == pytest.approx(by_hessian["high"] - by_hessian["low"], rel=0.35)


def test_an_interval_that_cannot_be_is_refused(model):
    new = model.new_customer()
    with pytest.raises(UndefinedError, match=r"made from parameters.*bootstrap"):
        model.survivors_interval(new, 4)
    with pytest.raises(ConfigError, match="unknown kind"):
        model.survivors_interval(new, 4, kind="both")
    with pytest.raises(DataError, match="ahead is a whole number"):
        model.survivors_interval(new, 1.5)
    with pytest.raises(DataError, match="only be told of whole contracts"):
        model.survivors_interval(new.assign(weight=0.5), 4)
    with pytest.raises(FitError, match="draws of these customers can be fitted"):
        model.bootstrap(cohort([10, 10, 10, 10, 9]).assign(lost=[0, 0, 0, 1e-9]), 5)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (contracts([3, 4, 5], [False] * 3), "none of 3 customers left"),
        (contracts([0, 0, 1], [True, False, True]).iloc[:2], "1 periods observed cannot tell"),
    ],
)
def test_what_tells_nothing_is_not_fitted(frame, message, model):
    with pytest.raises(FitError, match=message):
        type(model)().fit(frame)
    with pytest.raises(DataError, match="no contract was at risk for a whole period"):
        type(model)().fit(contracts([0, 0], [False, False]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (contracts([1, 2]), "column 'lost': the frame has no such column"),
        (contracts([1.5], [True]), "a number of renewals is whole"),
        (contracts([-1], [True]), "missing, infinite or negative"),
        (contracts([np.nan], [True]), "missing, infinite or negative"),
        (contracts([1], [2]), "lost or not"),
        (contracts([1], ["yes"]), "not a column of numbers"),
        (contracts([1], [False], periods=[2]), "at risk in the periods it survived"),
        (cohort([10, 12, 3]), "missing, infinite or negative"),
        (cohort([10, 7, 3]).assign(period=[0, 1]), "periods are counted 1, 2, 3"),
        (cohort([10, 7, 3]).assign(lost=[11, 1]), "more contracts were lost than were at risk"),
        ([1, 2], "takes a pandas frame"),
    ],
)
def test_a_frame_that_contradicts_itself_is_refused(frame, message):
    with pytest.raises(DataError, match=message):
        ShiftedBetaGeometric().fit(frame, period="year")


def test_periods_are_told_apart(model):
    frame = contracts([1, 2], period="1 month")
    with pytest.raises(UnitError, match="fitted on periods of 1 year, the frame counts periods of 1 month"):
        model.probability_alive(frame, 1)
    with pytest.raises(UnitError, match="counts periods of 1 year, not of 1 month"):
        type(model)().fit(cohort(REGULAR), period="month")
    frame.attrs.clear()
    with pytest.warns(UnitAssumedWarning, match="taken as 1 year"):
        model.probability_alive(frame, 1)
    table = cohort(HIGH_END)
    table.attrs.clear()
    with pytest.warns(UnitAssumedWarning, match="taken as 1 month"):
        assert type(model)().fit(table).period_ == "1 month"


@pytest.mark.parametrize("ahead", [-1, 1.5, "12 months", True, None, np.nan])
def test_renewals_ahead_are_counted(model, ahead):
    with pytest.raises(DataError, match="ahead is a whole number"):
        model.probability_alive(model.new_customer(), ahead)


def test_json_gives_the_model_back(model, tmp_path):
    fitted = type(model)().fit(cohort(HIGH_END))
    again = type(model).from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.to_dict() == fitted.to_dict()
    assert again.params_.equals(fitted.params_)
    assert again.period_ == "1 year"
    with pytest.raises(NotFittedError):
        clone(fitted).new_customer()
    with pytest.raises(ConfigError, match="lifetimes has no model of contracts"):
        type(model)(solver="lifetimes").fit(cohort(HIGH_END))


def test_an_empty_frame_gives_empty_answers(model):
    frame = contracts(np.array([], dtype=int))
    for told in (
        model.probability_alive(frame, 2), model.expected_renewals(frame, 3), model.periods_to_churn(frame),
        model.discounted_renewals(frame, None),
    ):  # fmt: skip
        assert told.empty
