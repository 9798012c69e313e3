"""Each row of the migration page's list: what lifetimes gave, and what is right."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln

import patron
from patron._core.errors import DataError, NotIdentifiedWarning
from patron.compat.lifetimes import (
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
    generate_data,
    plotting,
    utils,
)
from patron.compat.lifetimes.datasets import load_donations

BG = {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259}
DONORS = {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}
PARETO = {"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.668}


def at(fitter, **params):
    model = fitter()
    model.params_ = pd.Series(params)
    return model


def columns(frame):
    return frame["frequency"], frame["recency"], frame["T"]


def log(*rows):
    return pd.DataFrame(rows, columns=["id", "date", "amount"])


def test_trap_06_a_penalty_does_not_drag_the_parameters_to_zero(cdnow, old, quiet):
    plain = BetaGeoFitter().fit(*columns(cdnow)).params_
    held = BetaGeoFitter(penalizer_coef=0.01).fit(*columns(cdnow))
    dragged = old[""].BetaGeoFitter(penalizer_coef=0.01).fit(*columns(cdnow)).params_
    assert dragged["b"] < 0.35 * plain["b"]
    assert (np.abs(np.log(held.params_ / plain)) < np.log(2)).all()
    assert held.standard_errors_.isna().all()


def test_penalty_is_a_prior_of_patron(cdnow):
    ours = BetaGeoFitter(penalizer_coef=0.01).fit(*columns(cdnow))
    theirs = patron.BetaGeoNBD(prior=(2 * 0.01 * 2357) ** -0.5).fit(cdnow, unit="week")
    np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-12)


def test_trap_07_pareto_fit_does_not_stop_half_way_and_has_errors(cdnow, old, quiet):
    theirs = old[""].ParetoNBDFitter().fit(*columns(cdnow), maxiter=20)
    ours = ParetoNBDFitter().fit(*columns(cdnow), maxiter=20)
    assert np.abs(np.log(theirs.params_ / pd.Series(PARETO))).max() > 0.5
    np.testing.assert_allclose(ours.params_, pd.Series(PARETO), rtol=1e-3)
    assert ours.summary.loc["s", "se(coef)"] == pytest.approx(0.187, abs=0.001)


def test_trap_07_what_the_data_do_not_identify_is_said(recwarn):
    always = pd.DataFrame({"frequency": [5, 9, 7, 6] * 9, "recency": 29.5, "T": 30.0})
    fitter = BetaGeoFitter()
    with pytest.warns(NotIdentifiedWarning, match="hardly drop out"):
        fitter.fit(*columns(always))
    assert fitter.standard_errors_[["a", "b"]].isna().all()


def test_trap_07_no_repeat_purchase_is_a_convergence_error():
    once = pd.DataFrame({"frequency": [0, 0], "recency": 0.0, "T": [3.0, 4.0]})
    with pytest.raises(utils.ConvergenceError, match="bought again"):
        BetaGeoFitter().fit(*columns(once))
    assert issubclass(utils.ConvergenceError, ValueError)


def test_trap_08_covariances_off_the_diagonal(cdnow, old, quiet):
    theirs, ours = (each().fit(*columns(cdnow)).variance_matrix_ for each in (old[""].BetaGeoFitter, BetaGeoFitter))
    assert not np.allclose(theirs, theirs.T)
    np.testing.assert_allclose(ours, ours.T)
    np.testing.assert_allclose(np.diag(ours), np.diag(theirs), rtol=1e-3)
    correlation = ours.loc["a", "b"] / np.sqrt(ours.loc["a", "a"] * ours.loc["b", "b"])
    assert 0.9 < correlation < 1


def test_log_likelihood_is_of_the_data_as_given(cdnow, old, quiet):
    ours = BetaGeoFitter().fit(*columns(cdnow))
    assert 2357 * ours._negative_log_likelihood_ == pytest.approx(9582.4256, abs=1e-3)
    theirs = old[""].BetaGeoFitter().fit(*columns(cdnow))._negative_log_likelihood_
    scaled = theirs + cdnow["frequency"].mean() * np.log(cdnow["T"].max())  # of time in units of the greatest T
    assert scaled == pytest.approx(ours._negative_log_likelihood_, abs=1e-4)
    assert abs(theirs - scaled) > 3


@pytest.mark.parametrize(
    ("fitter", "params"),
    [
        (BetaGeoFitter, {**BG, "a": 1.0}),
        (ModifiedBetaGeoFitter, {**BG, "a": 1.0}),
        (ParetoNBDFitter, {**PARETO, "s": 1.0}),
    ],
)
def test_trap_04_at_one_nothing_is_missing(fitter, params, old, quiet):
    theirs, ours = at(getattr(old[""], fitter.__name__), **params), at(fitter, **params)
    name = "s" if "s" in params else "a"
    near = [at(fitter, **{**params, name: value}) for value in (1 - 1e-4, 1 + 1e-4)]
    for ask in (
        lambda model: model.conditional_expected_number_of_purchases_up_to_time(13.0, 2, 30.4, 38.9),
        lambda model: model.expected_number_of_purchases_up_to_time(13.0),
    ):
        assert not np.isfinite(ask(theirs))
        assert ask(ours) == pytest.approx(np.mean([ask(model) for model in near]), rel=1e-6)


def test_trap_05_many_purchases_overflow_nowhere(old, quiet):
    theirs, ours = at(old[""].BetaGeoFitter, **BG), at(BetaGeoFitter, **BG)
    assert np.isnan(theirs.probability_of_n_purchases_up_to_time(300, 180))
    assert 0 < ours.probability_of_n_purchases_up_to_time(300, 180) < 1e-3
    far = {**PARETO, "beta": 1e5}
    theirs, ours = at(old[""].ParetoNBDFitter, **far), at(ParetoNBDFitter, **far)
    assert np.isnan(theirs.conditional_probability_alive(500, 2000.0, 3000.0))
    assert 0 < ours.conditional_probability_alive(500, 2000.0, 3000.0) < 1e-80


def test_trap_09_mean_spend_is_never_negative(old, quiet):
    unequal = pd.DataFrame({"frequency": 2, "monetary_value": 1 / np.linspace(0.001, 1, 300) ** 2})
    theirs = old[""].GammaGammaFitter().fit(unequal["frequency"], unequal["monetary_value"])
    assert theirs.conditional_expected_average_profit(0, 0.0) < 0
    ours = GammaGammaFitter()
    with pytest.warns(NotIdentifiedWarning, match="no mean"):
        ours.fit(unequal["frequency"], unequal["monetary_value"])
    assert ours.conditional_expected_average_profit(0, 0.0) > 0


def test_spend_is_fitted_on_repeat_buyers_though_others_are_given(cdnow):
    some = cdnow.assign(monetary_value=cdnow["monetary_value"].clip(lower=1.0))
    repeat = some[some["frequency"] > 0]
    every, only = (GammaGammaFitter().fit(given["frequency"], given["monetary_value"]) for given in (some, repeat))
    pd.testing.assert_series_equal(every.params_, only.params_)


def test_trap_10_a_year_of_value_has_365_days_each_purchase_discounted_from_its_own(cdnow, old, quiet):
    weekly = patron.BetaGeoNBD.from_params(**BG, unit="week")
    spend = at(GammaGammaFitter, p=6.25, q=3.74, v=15.44)
    ours = spend.customer_lifetime_value(at(BetaGeoFitter, **BG), *columns(cdnow), cdnow["monetary_value"], freq="W")
    cdnow = cdnow.copy()
    cdnow.attrs["unit"] = "week"
    purchases = weekly.discounted_purchases(cdnow, 365.25 / 7, discount_rate=1.01**12 - 1)
    value = purchases * spend.conditional_expected_average_profit(cdnow["frequency"], cdnow["monetary_value"])
    pd.testing.assert_series_equal(ours, value.rename("clv"), rtol=1e-12)

    before, fitter = old[""].GammaGammaFitter(), old[""].BetaGeoFitter()
    before.params_, fitter.params_ = spend.params_, pd.Series(BG)
    fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    theirs = before.customer_lifetime_value(fitter, *columns(cdnow), cdnow["monetary_value"], freq="W")
    assert ours.sum() / theirs.sum() == pytest.approx(1.005, abs=0.003)  # not discounted to the month's end
    ours, theirs = (
        gamma.customer_lifetime_value(bg, *columns(cdnow), cdnow["monetary_value"], discount_rate=0.0).sum()
        for gamma, bg in ((spend, at(BetaGeoFitter, **BG)), (before, fitter))
    )
    assert ours / theirs == pytest.approx(1.006, abs=0.003)  # 365.25 days, not 360


def test_trap_11_the_last_day_of_the_calibration_is_on_one_side_only():
    rows = log((1, "2020-01-01", 5.0), (1, "2020-01-10 09:00", 5.0), (1, "2020-01-20", 5.0))
    held = utils.calibration_and_holdout_data(rows, "id", "date", "2020-01-10", "2020-01-31", datetime_format="mixed")
    assert held.loc[1, ["frequency_cal", "recency_cal", "T_cal", "frequency_holdout"]].tolist() == [1, 9, 9, 1]


def test_trap_11_days_after_the_end_are_not_observed_though_their_week_is():
    rows = log((1, "2020-01-01", 5.0), (1, "2020-01-15", 5.0), (1, "2020-01-17", 5.0), (2, "2020-01-17", 5.0))
    summary = utils.summary_data_from_transaction_data(
        rows, "id", "date", "amount", observation_period_end="2020-01-15", freq="W"
    )
    assert summary.loc[1].tolist() == [1, 2, 2, 5.0]
    assert 2 not in summary.index


def test_the_last_day_is_found_though_stamps_are_text():
    rows = log((1, "01.02.2020", 5.0), (1, "28.01.2020", 5.0))
    assert utils.summary_data_from_transaction_data(rows, "id", "date", datetime_format="%d.%m.%Y").loc[1, "T"] == 4


def test_months_are_calendar_months():
    rows = log((1, "2020-01-31", 5.0), (1, "2020-02-01", 5.0), (1, "2020-05-20", 5.0))
    summary = utils.summary_data_from_transaction_data(
        rows, "id", "date", observation_period_end="2020-06-30", freq="M"
    )
    assert summary.loc[1].tolist() == [2, 4, 5]


def test_trap_12_a_refund_makes_no_purchase(old, quiet):
    rows = log((1, "2020-01-01", 5.0), (1, "2020-01-05", 8.0), (1, "2020-01-09", 4.0), (1, "2020-01-12", -6.0))
    given = (rows, "id", "date", "amount", None, "2020-01-31")
    assert old[".utils"].summary_data_from_transaction_data(*given).loc[1].tolist() == [3, 11, 30, 2.0]
    assert utils.summary_data_from_transaction_data(*given).loc[1].tolist() == [1, 4, 30, 6.0]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({}, {}),
        ({"freq": "M"}, {"unit": "month", "grain": "month"}),
        ({"freq": "W"}, {"unit": "week", "grain": "week"}),
    ],
)
def test_trap_12_summary_is_that_of_patron(here, there):
    rng = np.random.default_rng(1)
    n = 1500
    rows = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 90, n).astype(str),
            "time": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 24 * 500, n), unit="h"),
            "amount": rng.gamma(2, 20, n).round(2) * np.where(rng.random(n) < 0.2, -1, 1),
        }
    )
    rows.loc[::37, "amount"] = 0.0
    theirs = patron.rfm_summary(patron.read_transactions(rows), "2020-11-10", **there)
    ours = utils.summary_data_from_transaction_data(
        rows, "customer_id", "time", "amount", observation_period_end="2020-11-10", **here
    )
    pd.testing.assert_frame_equal(ours, theirs.astype(float), check_index_type=False)


def test_trap_13_holdout_mean_times_count_is_the_holdout_total():
    rows = log(
        (1, "2020-01-01", 5.0), (1, "2020-02-01", 10.0), (1, "2020-02-01", 20.0), (1, "2020-02-05", 60.0),
        (1, "2020-02-09", -15.0), (2, "2020-01-02", 5.0),
    )  # fmt: skip
    held = utils.calibration_and_holdout_data(
        rows, "id", "date", "2020-01-31", "2020-02-28", monetary_value_col="amount"
    )
    assert held["frequency_holdout"].tolist() == [2, 0]
    assert (held["frequency_holdout"] * held["monetary_value_holdout"]).tolist() == [75.0, 0.0]


@pytest.mark.simulation
def test_trap_16_simulated_donors_are_as_the_model_says():
    np.random.seed(5)
    donors = generate_data.beta_geometric_beta_binom_model(6, *DONORS.values(), size=40_000)
    model = at(BetaGeoBetaBinomFitter, **DONORS)
    assert list(donors) == ["frequency", "recency", "n_periods", "p", "theta", "alive", "customer_id"]
    model.data = pd.DataFrame({"frequency": range(7), "weights": 40_000 / 7})
    expected = model.expected_number_of_transactions_in_first_n_periods(6)["model"]
    found = donors["frequency"].value_counts().reindex(range(7))
    assert ((found - expected) ** 2 / expected).sum() < 22.5  # chi-square of 6 degrees, 1 in 1,000
    alive = model.conditional_probability_alive(1, donors["frequency"], donors["recency"], donors["n_periods"])
    assert abs((donors["alive"] - alive).mean()) < 4 * 0.5 / 200


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("fitter", "simulator", "params"),
    [
        (BetaGeoFitter, generate_data.beta_geometric_nbd_model, BG),
        (ModifiedBetaGeoFitter, generate_data.modified_beta_geometric_nbd_model, BG),
        (ParetoNBDFitter, generate_data.pareto_nbd_model, PARETO),
    ],
)
def test_trap_16_simulators_lose_no_purchase(fitter, simulator, params):
    np.random.seed(7)
    model, size = at(fitter, **params), 60_000
    customers = simulator(39.0, *params.values(), size=size)
    error = customers["frequency"].std() / size**0.5
    assert abs(customers["frequency"].mean() - model.expected_number_of_purchases_up_to_time(39.0)) < 4 * error
    assert error < 0.02 * customers["frequency"].mean()
    alive = model.conditional_probability_alive(*columns(customers))
    assert abs((customers["alive"] - alive).mean()) < 4 * 0.5 / size**0.5
    np.random.seed(7)
    pd.testing.assert_frame_equal(simulator(39.0, *params.values(), size=size), customers)
    assert list(customers) == ["frequency", "recency", "T", "lambda", "mu" if "s" in params else "p", "alive"]


def test_trap_16_simulated_stamps_are_at_the_ages_of_the_model():
    np.random.seed(3)
    rows = generate_data.beta_geometric_nbd_model_transactional_data(
        np.full(3000, 60.0), 1.0, 4.0, 0.8, 2.5, observation_period_end="2019-1-1", freq="D", size=3000
    )
    first = rows.groupby("customer_id")["date"].min()
    assert (first == pd.Timestamp("2018-11-02")).all()
    assert rows["date"].max() <= pd.Timestamp("2019-01-01")
    repeats = len(rows) / 3000 - 1
    expected = at(BetaGeoFitter, r=1.0, alpha=4.0, a=0.8, b=2.5).expected_number_of_purchases_up_to_time(60)
    assert repeats == pytest.approx(expected, rel=0.07)


def test_expected_tracking_counts_ages_from_the_day_of_the_first_purchase(transactions, old, quiet):
    fitter, before = (at(each, r=0.16, alpha=1.86, a=1.85, b=3.18) for each in (BetaGeoFitter, old[""].BetaGeoFitter))
    ours, theirs = (
        module.expected_cumulative_transactions(model, transactions, "date", "id", 60)
        for module, model in ((utils, fitter), (old[".utils"], before))
    )
    last = transactions["date"].min()[:10]
    end = pd.Timestamp(last) + pd.Timedelta(59, "D")
    summary = utils.summary_data_from_transaction_data(transactions, "id", "date", observation_period_end=end)
    total = fitter.expected_number_of_purchases_up_to_time(summary["T"]).sum()
    assert ours["predicted"].iloc[-1] == pytest.approx(total)
    assert theirs["predicted"].iloc[-1] > 1.01 * total
    assert ours["actual"].tolist() == theirs["actual"].tolist()
    assert ours["actual"].iloc[-1] == summary["frequency"].sum()
    np.testing.assert_allclose(ours["predicted"].iloc[1:], theirs["predicted"].iloc[:-1])
    weekly = utils.expected_cumulative_transactions(
        fitter, transactions, "date", "id", 60, freq_multiplier=7, set_index_date=True
    )
    theirs = old[".utils"].expected_cumulative_transactions(
        before, transactions, "date", "id", 60, freq_multiplier=7, set_index_date=True
    )
    pd.testing.assert_series_equal(weekly["actual"], theirs["actual"])


def test_histories_without_a_repeat_purchase_are_alike_whatever_the_recency(cdnow):
    for fitter, params in ((ModifiedBetaGeoFitter, BG), (ParetoNBDFitter, PARETO)):
        model = at(fitter, **params)
        assert len(np.unique(model.conditional_probability_alive_matrix(3, 9)[:, 0])) == 1


def test_trap_05_many_opportunities_underflow_nowhere(old, quiet):
    theirs, ours = at(old[""].BetaGeoBetaBinomFitter, **DONORS), at(BetaGeoBetaBinomFitter, **DONORS)
    alpha, beta, gamma, delta = DONORS.values()
    x, t_x, n = 30, 60, 100
    lives = betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n)
    j = np.arange(n - t_x)
    gone = betaln(alpha + x, beta + t_x - x + j) + betaln(gamma + 1, delta + t_x + j)
    alive = 1 / (1 + np.exp(gone - lives).sum())
    history = np.array([x]), np.array([t_x]), np.array([n])
    assert theirs.conditional_probability_alive(0, *history)[0] < 0.5 * alive
    assert ours.conditional_probability_alive(0, *history)[0] == pytest.approx(alive, rel=1e-10)


def test_donors_can_be_simulated_from_a_fit(old, quiet):
    frame = load_donations()
    given = frame["frequency"], frame["recency"], frame["periods"], frame["weights"]
    with pytest.raises(TypeError):
        old[""].BetaGeoBetaBinomFitter().fit(*given).generate_new_data(size=3)
    simulated = BetaGeoBetaBinomFitter().fit(*given).generate_new_data(size=frame["weights"].sum())
    assert simulated["frequency"].mean() == pytest.approx(
        np.average(frame["frequency"], weights=frame["weights"]), rel=0.05
    )


def test_frequencies_that_are_not_whole_are_refused():
    with pytest.raises(ValueError, match="non-integer"):
        BetaGeoFitter().fit(np.array([1.5, 0]), np.array([2.0, 0]), np.array([4.0, 4.0]))


def test_missing_values_are_refused():
    with pytest.raises(DataError, match="missing"):
        at(BetaGeoFitter, **BG).predict(1, np.array([np.nan]), np.array([1.0]), np.array([2.0]))


def test_trap_01_alive_at_one_without_a_repeat_purchase_stays_as_it_was():
    assert at(BetaGeoFitter, **BG).conditional_probability_alive(0, 0, 500).tolist() == [1.0]


def test_files_are_json_and_dill_is_refused(tmp_path, cdnow):
    fitter, path = BetaGeoFitter(0.001).fit(*columns(cdnow), index=cdnow.index), tmp_path / "bg.pkl"
    fitter.save_model(path)
    loaded = BetaGeoFitter()
    loaded.load_model(path)
    assert repr(loaded) == repr(fitter)
    assert loaded.penalizer_coef == 0.001
    pd.testing.assert_frame_equal(loaded.data, fitter.data, check_names=False)
    pd.testing.assert_frame_equal(loaded.summary, fitter.summary)
    pd.testing.assert_frame_equal(loaded.variance_matrix_, fitter.variance_matrix_)
    assert len(loaded.generate_new_data(size=5)) == 5

    fitter.save_model(path, save_data=False)
    loaded = BetaGeoFitter()
    loaded.load_model(path)
    assert not hasattr(loaded, "data")
    with pytest.raises(DataError, match="holds no ParetoNBDFitter"):
        ParetoNBDFitter().load_model(path)
    path.write_bytes(b"\x80\x04\x95")
    with pytest.raises(DataError, match="dill"):
        loaded.load_model(path)


def test_plots_respect_weights_and_titles():
    import matplotlib.pyplot as plt

    np.random.seed(2)
    rows = pd.DataFrame({"frequency": [0, 1, 3], "recency": [0.0, 2.0, 5.0], "T": 9.0, "weights": [700, 200, 100]})
    fitter = at(BetaGeoFitter, **BG)
    fitter.data = rows
    ax = plotting.plot_period_transactions(fitter, max_frequency=4)
    assert [bar.get_height() for bar in ax.containers[0]] == [700, 200, 0, 100]
    assert sum(bar.get_height() for bar in ax.containers[1]) > 950
    assert plotting.plot_transaction_rate_heterogeneity(fitter, suptitle="Rates").figure._suptitle.get_text() == "Rates"
    plt.close("all")


def test_every_row_of_the_page_names_a_test(request):
    root = request.config.rootpath
    page = (root / "docs/coming-from-lifetimes.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (root / "tests/compat").glob("test_*.py"))
    rows = [row for row in page.partition("## Where lifetimes was wrong")[2].splitlines() if row.count("|") == 4]
    for row in rows[2:]:
        named = re.findall(r"`(test_\w+)`", row)
        assert named or row.startswith("| **"), row
        assert all(f"def {name}(" in tests for name in named), row
    assert len(rows) > 20
