"""Gamma-Gamma: the published estimates, expectations against simulation, its bound and its assumption."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError, DependenceWarning, FitError, NotIdentifiedWarning
from patron.features import rfm_summary
from patron.models import GammaGamma
from patron.models.gamma_gamma import _log_likelihood


def spend(n: int, p: float, q: float, v: float, seed: int = 1, least: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers with x purchases of mean m, and their own true mean."""
    rng = np.random.default_rng(seed)
    x = least + rng.poisson(rng.gamma(0.8, 2.0, n))
    nu = rng.gamma(q, 1 / v, n)
    m = np.where(x > 0, rng.gamma(p * np.maximum(x, 1)) / nu / np.maximum(x, 1), 0.0)
    return pd.DataFrame({"frequency": x, "monetary_value": m}), p / nu


@pytest.mark.golden
def test_published_estimates_of_cdnow(cdnow_summary):
    model = GammaGamma().fit(cdnow_summary)
    assert model.params_.round(2).to_dict() == {"p": 6.25, "q": 3.74, "v": 15.44}
    assert model.customers_ == 946


@pytest.mark.golden
def test_published_expectations_of_cdnow(gg):
    """Fader and Hardie, note 025: the mean of a new customer's purchases is 35.2."""
    frame = pd.DataFrame({"frequency": [0], "monetary_value": [0.0]})
    assert gg.expected_spend(frame).iloc[0] == pytest.approx(6.25 * 15.44 / 2.74)


@pytest.mark.simulation
def test_expected_spend_is_what_customers_spend_one_time_buyers_included():
    frame, own_mean = spend(200_000, 6.25, 3.74, 15.44)
    predicted = GammaGamma.from_params(p=6.25, q=3.74, v=15.44).expected_spend(frame)
    for group in (frame["frequency"] == 0, frame["frequency"] == 1, frame["frequency"] > 4, predicted > 60):
        gap = own_mean[group] - predicted[group]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


@pytest.mark.simulation
def test_fit_finds_the_parameters_that_made_the_data():
    frame, _ = spend(20_000, 2.0, 3.0, 40.0)
    model = GammaGamma().fit(frame)
    assert (abs(model.params_ - pd.Series({"p": 2.0, "q": 3.0, "v": 40.0})) < 4 * model.standard_errors_).all()


def test_trap_09_the_bound_of_q_binds_aloud():
    """Spend with q = 0.6 has no mean; nobody is valued below zero or at infinity."""
    frame, _ = spend(5000, 3.0, 0.6, 10.0)
    with pytest.warns(NotIdentifiedWarning, match=r"q is held at its bound of 1\.01"):
        model = GammaGamma().fit(frame)
    assert model.params_["q"] == pytest.approx(1.01)
    assert np.isnan(model.standard_errors_["q"])
    assert np.isfinite(model.standard_errors_[["p", "v"]]).all()
    assert (model.expected_spend(frame) > 0).all()
    assert np.isfinite(model.expected_spend(frame)).all()


def test_trap_09_fits_on_buyers_who_paid_and_scores_everybody(cdnow_summary):
    paid = cdnow_summary[(cdnow_summary["frequency"] > 0) & (cdnow_summary["monetary_value"] > 0)]
    on_all, on_paid = GammaGamma().fit(cdnow_summary), GammaGamma().fit(paid)
    assert on_all.params_.equals(on_paid.params_)
    value = on_all.expected_spend(cdnow_summary)
    assert value.index.equals(cdnow_summary.index)
    once = cdnow_summary["frequency"] == 0
    p, q, v = on_all.params_
    assert value[once].to_numpy() == pytest.approx(p * v / (q - 1))


def test_trap_09_dependence_of_spend_and_frequency_warns_and_cdnows_does_not(cdnow_summary, recwarn):
    GammaGamma().fit(cdnow_summary)
    assert not recwarn.list
    frame, _ = spend(3000, 6.25, 3.74, 15.44)
    GammaGamma().fit(frame)
    assert not recwarn.list
    richer = frame.assign(monetary_value=frame["monetary_value"] * frame["frequency"] ** 0.4)
    with pytest.warns(DependenceWarning, match=r"spend more a purchase \(rank correlation 0\.\d\d\)"):
        GammaGamma().fit(richer)
    poorer = frame.assign(monetary_value=frame["monetary_value"] / np.maximum(frame["frequency"], 1) ** 0.4)
    with pytest.warns(DependenceWarning, match="spend less a purchase"):
        GammaGamma().fit(poorer)


def test_few_customers_do_not_warn_of_dependence(recwarn):
    rising = pd.DataFrame({"frequency": [1, 2, 3, 4, 5, 6], "monetary_value": [9.0, 14.0, 8.0, 15.0, 9.5, 16.0]})
    GammaGamma().fit(rising)
    assert not [warning for warning in recwarn.list if warning.category is DependenceWarning]


def test_a_summary_with_the_first_purchase_is_taken(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1997-09-30", unit="week", include_first=True)
    model = GammaGamma().fit(summary)
    assert model.customers_ > 2300
    assert model.expected_spend(summary).mean() == pytest.approx(summary["monetary_value"].mean(), rel=0.05)


def test_weights_equal_repeated_rows():
    frame, _ = spend(400, 6.25, 3.74, 15.44)
    weight = np.random.default_rng(2).integers(0, 4, 400)
    repeated = GammaGamma().fit(frame.loc[frame.index.repeat(weight)])
    for weighted in (GammaGamma().fit(frame, weights=weight), GammaGamma().fit(frame.assign(weight=weight))):
        pd.testing.assert_series_equal(weighted.params_, repeated.params_, rtol=1e-8)
        pd.testing.assert_series_equal(weighted.standard_errors_, repeated.standard_errors_, rtol=1e-5)


def test_the_currency_changes_v_and_nothing_else(cdnow_summary):
    model = GammaGamma().fit(cdnow_summary)
    cents = GammaGamma().fit(cdnow_summary.assign(monetary_value=cdnow_summary["monetary_value"] * 100))
    assert (cents.params_ / model.params_).to_dict() == pytest.approx({"p": 1, "q": 1, "v": 100})


def test_a_mean_below_zero_counts_as_zero(gg):
    frame = pd.DataFrame({"frequency": [3, 3], "monetary_value": [-20.0, 0.0]})
    refunded, free = gg.expected_spend(frame)
    assert refunded == free > 0


def test_solver_lifetimes_agrees(cdnow_summary):
    second, first = GammaGamma(solver="lifetimes").fit(cdnow_summary), GammaGamma().fit(cdnow_summary)
    pd.testing.assert_series_equal(second.params_, first.params_, rtol=1e-4)
    assert second.log_likelihood_ == pytest.approx(first.log_likelihood_, abs=1e-4)


def test_nobody_who_paid_twice_is_refused():
    frame = pd.DataFrame({"frequency": [0, 0, 2], "monetary_value": [0.0, 0.0, 0.0]})
    with pytest.raises(FitError, match="nothing tells what they spend"):
        GammaGamma().fit(frame)
    with pytest.raises(DataError, match="monetary_value"):
        GammaGamma().fit(frame[["frequency"]])


def spenders(n: int, seed: int, *, effect: float = 0.0, together: float = 0.0) -> pd.DataFrame:
    """Customers whose scale of spend goes with a column, or with how often they buy; `truth` is their mean spend."""
    rng = np.random.default_rng(seed)
    z = rng.normal(2, 1, n)
    rate = rng.gamma(0.8, 1.0, n)
    x = rng.poisson(3 * rate)
    nu = rng.gamma(4.0, 1 / (15 * np.exp(effect * z) * (1 + 3 * rate) ** together))
    money = rng.gamma(6.0 * np.maximum(x, 1)) / nu / np.maximum(x, 1)
    return pd.DataFrame({"frequency": x, "monetary_value": np.where(x > 0, money, 0.0), "z": z, "truth": 6.0 / nu})


@pytest.mark.simulation
def test_trap_23_a_covariate_of_spend_is_found_and_predicts_one_time_buyers():
    frame = spenders(6000, 1, effect=0.3)
    model = GammaGamma(covariates=["z"]).fit(frame)
    truth = pd.Series({"p": 6.0, "q": 4.0, "v": 15.0, "spend.z": 0.3})
    assert (abs(model.params_ - truth) < 4 * model.standard_errors_).all()
    once = frame[frame["frequency"] == 0]
    expected = model.expected_spend(once)
    for some in (once["z"] < 1, once["z"] > 3):
        assert expected[some].mean() == pytest.approx(once.loc[some, "truth"].mean(), rel=0.12)
    again = GammaGamma.from_dict(model.to_dict())
    assert again.expected_spend(frame).equals(model.expected_spend(frame))
    named = GammaGamma.from_params(**model.params_)
    assert named.expected_spend(frame).equals(model.expected_spend(frame))
    scaled = GammaGamma(covariates=["z"]).fit(frame.assign(z=100 * frame["z"] - 7))
    assert scaled.params_["spend.z"] * 100 == pytest.approx(model.params_["spend.z"], rel=1e-6)
    assert scaled.log_likelihood_ == pytest.approx(model.log_likelihood_, abs=1e-6)


@pytest.mark.simulation
def test_trap_09_dependence_is_told_and_its_remedy_values_one_time_buyers_right():
    frame = spenders(8000, 2, together=0.5)
    found = GammaGamma().independence(frame)
    assert found["low"] > 0.25
    with pytest.warns(DependenceWarning, match="on_frequency=True"):
        plain = GammaGamma().fit(frame)
    remedied = GammaGamma(on_frequency=True).fit(frame)
    assert remedied.log_likelihood_ > plain.log_likelihood_ + 50
    once = frame["frequency"] == 0
    truth = frame.loc[once, "truth"].mean()
    biased, mended = (model.expected_spend(frame)[once].mean() / truth for model in (plain, remedied))
    assert biased > 1.25
    assert abs(mended - 1) < 0.5 * (biased - 1)
    assert GammaGamma.from_params(**remedied.params_).expected_spend(frame).equals(remedied.expected_spend(frame))


def test_effects_of_spend_have_exact_derivatives():
    frame = spenders(300, 3, effect=0.3)
    model = GammaGamma(covariates=["z"], on_frequency=True)
    evaluate = _log_likelihood(*model._paid(frame, None))
    values = np.array([5.0, 3.0, 12.0, 0.2, -0.1])
    _, gradient, hessian = evaluate(values)
    for i in range(5):
        step = 1e-5 * max(abs(values[i]), 0.1)
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        (f_up, g_up, _), (f_down, g_down, _) = evaluate(up), evaluate(down)
        assert (f_up - f_down) / (2 * step) == pytest.approx(gradient[i], rel=1e-6, abs=1e-5)
        assert (g_up - g_down) / (2 * step) == pytest.approx(hessian[i], rel=1e-5, abs=1e-3)
