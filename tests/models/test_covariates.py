"""Covariates and groups: who buys more often, who leaves sooner, and what becomes of a group never seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError, PooledGroupWarning, UndefinedError
from patron.models import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, load_model
from patron.models.family.inputs import read_history

FAMILY = {
    BetaGeoNBD: (0.8, 8.0, 0.8, 2.4),
    ModifiedBetaGeoNBD: (0.8, 8.0, 0.7, 2.6),
    ParetoNBD: (0.8, 8.0, 0.9, 20.0),
}
EFFECTS = {"rate.age": 0.03, "dropout.web": 0.6}


@pytest.fixture(scope="module", params=FAMILY, ids=lambda family: family.name)
def made(request):
    """A model with covariates, and 4,000 customers lived by hand, event after event."""
    family, rng = request.param, np.random.default_rng(5)
    model = family.from_params(unit="week", **dict(zip(family.parameters, FAMILY[family], strict=True)), **EFFECTS)
    n, until = 4000, 80.0
    age, web = rng.normal(50, 12, n).round(), rng.integers(0, 2, n)
    r, alpha, third, fourth = FAMILY[family]
    pace = rng.gamma(r, 1 / (alpha * np.exp(-0.03 * age)))
    if family is ParetoNBD:
        end, leaving = rng.exponential(1 / rng.gamma(third, 1 / (fourth * np.exp(-0.6 * web)))), np.zeros(n)
    else:
        leaving = rng.beta(third * np.exp(0.6 * web), fourth)
        end = np.where((family is ModifiedBetaGeoNBD) & (rng.random(n) < leaving), 0.0, np.inf)
    lives = []
    for i in range(n):
        time, stop, times = 0.0, end[i], []
        while (time := time + rng.exponential(1 / pace[i])) <= min(stop, until):
            times.append(time)
            if rng.random() < leaving[i]:
                stop = time
        lives.append(np.array(times))
    ages = rng.uniform(20, 40, n)
    frame = pd.DataFrame(
        {
            "frequency": [int((times <= T).sum()) for times, T in zip(lives, ages, strict=True)],
            "recency": [times[times <= T].max(initial=0.0) for times, T in zip(lives, ages, strict=True)],
            "T": ages,
            "age": age,
            "web": web,
        }
    )
    frame.attrs["unit"] = "week"
    after = np.array([((times > T) & (times <= T + 39)).sum() for times, T in zip(lives, ages, strict=True)])
    return model, frame, after


@pytest.fixture(scope="module")
def found(made):
    model, frame, _ = made
    return type(model)(rate_covariates=["age"], dropout_covariates=["web"]).fit(frame)


@pytest.mark.simulation
def test_trap_23_a_fit_finds_the_effects_that_made_the_data(made, found):
    model, frame, _ = made
    assert (abs(found.params_ - model.params_) < 4 * found.standard_errors_).all()
    assert found.log_likelihood_ > type(model)().fit(frame).log_likelihood_ + 20
    assert found.log_likelihoods(frame).sum() == pytest.approx(found.log_likelihood_, rel=1e-12)


@pytest.mark.simulation
def test_trap_23_expectations_happen_in_every_group_of_covariates(made):
    model, frame, after = made
    expected = model.expected_purchases(frame, 39)
    played = np.bincount(model.simulate_ahead(frame, 39, seed=1).index, minlength=len(frame))
    for group in (frame["web"] == 0, frame["web"] == 1, frame["age"] < 45, frame["age"] > 55):
        for happened in (after, played):
            gap = (happened - expected)[group]
            assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


def test_trap_23_positive_buys_more_and_leaves_sooner(made):
    model, _, _ = made

    def customer(age, web):
        return model.new_customer(age=age, web=web)

    first_week = [model.expected_purchases(customer(age, 0), 0.1).iloc[0] for age in (20, 60)]
    assert first_week[1] / first_week[0] == pytest.approx(np.exp(0.03 * 40), rel=0.15)
    assert model.probability_alive(customer(50, 1), 52).iloc[0] < model.probability_alive(customer(50, 0), 52).iloc[0]


def test_derivatives_of_rows_are_those_of_the_sum(made):
    """The fit with covariates and the fit without walk on the same surface."""
    model, frame, _ = made
    values, history = np.array(FAMILY[type(model)]), read_history(frame)
    alike = type(model)()._log_likelihood(history)(values)
    rows = model._row_derivatives(tuple(np.full(len(frame), value) for value in values), history)
    for whole, part in zip(alike, rows, strict=True):
        assert part.sum(axis=-1) == pytest.approx(whole, rel=1e-11, abs=1e-9)


def test_columns_in_other_units_change_the_effect_and_nothing_else(made, found):
    model, frame, _ = made
    other = frame.assign(age=1000 * frame["age"] - 5)
    again = type(model)(rate_covariates=["age"], dropout_covariates=["web"]).fit(other)
    assert again.log_likelihood_ == pytest.approx(found.log_likelihood_, abs=1e-6)
    assert again.params_["rate.age"] * 1000 == pytest.approx(found.params_["rate.age"], rel=1e-6)
    assert again.standard_errors_["rate.age"] * 1000 == pytest.approx(found.standard_errors_["rate.age"], rel=1e-6)
    assert again.standard_errors_["alpha"] > 0
    pd.testing.assert_series_equal(again.expected_purchases(other, 39), found.expected_purchases(frame, 39), rtol=1e-6)


def test_a_row_alone_scores_as_among_all(made):
    model, frame, _ = made
    quantities = (
        lambda rows: model.discounted_purchases(rows, None),
        lambda rows: model.probability_no_purchase(rows, 13),
        lambda rows: model.probability_of_purchases(2, rows, 13),
        lambda rows: model.probability_alive(rows, 13),
        lambda rows: model.time_to_next_purchase(rows, 0.1),
    )
    some = frame.iloc[:200]
    for quantity in quantities:
        whole = quantity(some)
        for row in (0, 77, 199):
            assert quantity(some.iloc[[row]]).iloc[0] == whole.iloc[row]


def test_l2_shrinks_effects_and_withholds_wald_errors(made, found):
    model, frame, _ = made
    held = type(model)(rate_covariates=["age"], dropout_covariates=["web"], l2=2000.0).fit(frame)
    for effect in EFFECTS:
        assert abs(held.params_[effect]) < abs(found.params_[effect])
    assert held.standard_errors_.isna().all()
    assert held.summary()["note"].str.contains("prior").all()
    with pytest.raises(UndefinedError, match="no AIC"):
        _ = held.aic_


def test_covariates_are_stored_with_the_model(found, made, tmp_path):
    _, frame, _ = made
    found.save(tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert again.params_.equals(found.params_)
    assert again.expected_purchases(frame, 13).equals(found.expected_purchases(frame, 13))


@pytest.mark.parametrize(
    ("column", "message"),
    [("missing", "no such column"), ("same", "same for everybody"), ("text", "not a column of numbers")],
)
def test_a_covariate_that_cannot_be_one_is_refused(made, column, message):
    model, frame, _ = made
    wrong = frame.assign(same=1.0, text="a")
    with pytest.raises(DataError, match=message) as refused:
        type(model)(rate_covariates=[column]).fit(wrong)
    assert refused.value.column == column


@pytest.mark.parametrize("l2", [-1.0, float("nan"), float("inf")])
def test_an_impossible_penalty_is_refused(l2, made):
    model, frame, _ = made
    with pytest.raises(ConfigError, match="l2 is 0 or more"):
        type(model)(l2=l2).fit(frame)


def test_groups_fit_each_like_alone_and_predict_row_by_row(made):
    model, frame, _ = made
    family = type(model)
    by_web = family().fit(frame, groups="web")
    own = {web: family().fit(frame[frame["web"] == web]) for web in (0, 1)}
    for web, alone in own.items():
        pd.testing.assert_series_equal(by_web.group_params_.loc[web], alone.params_, check_names=False)
    shuffled = frame.sample(300, random_state=1)
    wanted = pd.concat([own[web].expected_purchases(shuffled[shuffled["web"] == web], 13) for web in (0, 1)])
    pd.testing.assert_series_equal(by_web.expected_purchases(shuffled, 13), wanted.loc[shuffled.index])
    both = by_web.purchases_ahead(shuffled, 13)["expected_purchases"]
    pd.testing.assert_series_equal(both, wanted.loc[shuffled.index])
    pd.testing.assert_series_equal(by_web.params_, family().fit(frame).params_)
    assert load_model(by_web.to_dict()).expected_purchases(shuffled, 13).equals(by_web.expected_purchases(shuffled, 13))


def test_a_group_never_seen_goes_by_the_pooled_parameters_aloud(made):
    model, frame, _ = made
    by_web = type(model)().fit(frame, groups="web")
    some = frame.head(50).assign(web=[2] * 20 + [1] * 30)
    with pytest.warns(PooledGroupWarning, match="20 customers are of groups that were not seen"):
        expected = by_web.expected_purchases(some, 13)
    pooled = type(model)().fit(frame).expected_purchases(some, 13)
    assert expected.iloc[:20].equals(pooled.iloc[:20])
    assert not np.isclose(expected.iloc[20:], pooled.iloc[20:]).all()


def test_a_group_that_teaches_nothing_goes_by_the_pooled_parameters_aloud(made):
    model, frame, _ = made
    silent = frame.assign(segment=np.where(frame["frequency"] == 0, "once", "more"))
    with pytest.warns(PooledGroupWarning, match="'once' of segment cannot be fitted"):
        fitted = type(model)().fit(silent, groups="segment")
    assert fitted.group_params_.index.tolist() == ["more", "pooled"]


def test_missing_groups_are_refused(made):
    model, frame, _ = made
    with pytest.raises(DataError, match="missing groups") as refused:
        type(model)().fit(frame.assign(web=frame["web"].where(frame["web"] == 1)), groups="web")
    assert refused.value.count == (frame["web"] == 0).sum()
