"""The Newton fitter: its derivatives, its standard errors, and what it says of data that do not identify a model."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patron._core.errors import FitError, NotIdentifiedWarning
from patron.models import TRANSACTION_MODELS, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD
from patron.models.family.inputs import read_history
from patron.models.gamma_gamma import _log_likelihood
from patron.models.maths.fitter import maximise


def check_derivatives(evaluate, values) -> None:
    """Central differences of f give the gradient, of the gradient the Hessian."""
    values = np.array(values)
    _, gradient, hessian = evaluate(values)
    for i, value in enumerate(values):
        step = np.zeros(len(values))
        step[i] = 1e-5 * value
        (up, up_slope, _), (down, down_slope, _) = evaluate(values + step), evaluate(values - step)
        scale = np.abs(hessian[i]).max()
        assert gradient[i] == pytest.approx((up - down) / (2 * step[i]), rel=1e-5, abs=1e-6 * abs(up) / value)
        assert hessian[i] == pytest.approx((up_slope - down_slope) / (2 * step[i]), rel=1e-4, abs=1e-5 * scale)
    assert hessian == pytest.approx(hessian.T, rel=1e-12)


@pytest.mark.property
@pytest.mark.parametrize("name", TRANSACTION_MODELS)
@settings(max_examples=20, deadline=None)
@given(values=st.tuples(*[st.floats(0.05, 20)] * 4))
@example(values=(9.0, 1.0, 11.0, 1.0))  # where alpha = beta, Pareto/NBD changes the side from which it integrates
def test_derivatives_of_transaction_models(cdnow_summary, name, values):
    check_derivatives(TRANSACTION_MODELS[name]()._log_likelihood(read_history(cdnow_summary[::10])), values)


@pytest.mark.property
@settings(max_examples=30, deadline=None)
@given(st.floats(0.3, 30), st.floats(1.1, 20), st.floats(0.5, 300))
def test_derivatives_of_gamma_gamma(cdnow_summary, p, q, v):
    paid = cdnow_summary[cdnow_summary["monetary_value"] > 0][::10]
    x, m = paid["frequency"].to_numpy(float), paid["monetary_value"].to_numpy()
    check_derivatives(_log_likelihood(x, m, np.ones(len(x)), np.empty((len(x), 0))), [p, q, v])


def test_likelihood_of_bg_nbd_is_the_papers(histories):
    """Equation 6, written out with gamma functions, customer by customer."""
    r, alpha, a, b = 0.7, 6.0, 0.9, 2.5
    frame = histories([0, 1, 2, 7], [0, 3.0, 20.5, 38], [12, 30, 39, 39])

    def log_beta(p, q):
        return math.lgamma(p) + math.lgamma(q) - math.lgamma(p + q)

    total = 0.0
    for x, t_x, T in frame.itertuples(index=False):
        lives = math.exp(log_beta(a, b + x) - log_beta(a, b)) * (alpha + T) ** -(r + x)
        left = math.exp(log_beta(a + 1, b + x - 1) - log_beta(a, b)) * (alpha + t_x) ** -(r + x) if x else 0.0
        total += math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + math.log(lives + left)
    f, _, _ = BetaGeoNBD()._log_likelihood(read_history(frame))(np.array([r, alpha, a, b]))
    assert f == pytest.approx(total, rel=1e-13)


def test_likelihood_has_its_limit_where_gamma_functions_fail(cdnow_summary):
    """At b = 1e25 nobody drops out: what is left is the NBD's likelihood, to 12 digits."""
    evaluate = BetaGeoNBD()._log_likelihood(read_history(cdnow_summary))
    f = [evaluate(np.array([0.25, 4.4, 0.8, b]))[0] for b in (1e22, 1e25)]
    x, T = cdnow_summary["frequency"], cdnow_summary["T"]
    nbd = sum(
        math.lgamma(0.25 + k) - math.lgamma(0.25) - 0.25 * math.log1p(age / 4.4) - k * math.log(4.4 + age)
        for k, age in zip(x, T, strict=True)
    )
    assert f == pytest.approx([nbd, nbd], rel=1e-11)


def test_trap_08_covariance_is_that_of_the_natural_parameters(cdnow_summary, fitted):
    """Off the diagonal too: the inverse of the observed information in the parameters themselves."""
    model = fitted
    _, gradient, hessian = model._log_likelihood(read_history(cdnow_summary))(model.params_.to_numpy())
    assert gradient == pytest.approx(np.zeros(4), abs=1e-3)
    assert model.covariance_.to_numpy() == pytest.approx(np.linalg.inv(-hessian), rel=1e-4)
    leaving = list(model.parameters[2:])
    assert model.covariance_.loc[*leaving] / model.standard_errors_[leaving].prod() > 0.85


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (BetaGeoNBD, "customers hardly drop out: a runs to 0 and b runs to infinity"),
        (ModifiedBetaGeoNBD, "customers either drop out at once or hardly ever: a runs to 0 and b runs to 0"),
        (ParetoNBD, "customers hardly leave: s runs to 0 and beta runs to infinity"),
    ],
)
def test_trap_07_no_dropout_is_said_in_words_and_standard_errors_are_withheld(histories, kind, said):
    rng = np.random.default_rng(1)
    T = rng.uniform(20, 40, 3000)
    x = rng.poisson(rng.gamma(2.0, 0.1, 3000) * T)
    frame = histories(x, np.where(x > 0, T, 0), T)
    with pytest.warns(NotIdentifiedWarning, match=said):
        model = kind().fit(frame)
    assert list(model.not_identified_) == list(kind.parameters[2:])
    assert model.standard_errors_.isna().tolist() == [False, False, True, True]
    assert model.params_["r"] == pytest.approx(2.0, abs=4 * model.standard_errors_["r"])
    assert model.summary()["note"].iloc[-1] == said
    assert model.expected_purchases(frame, 10).sum() == pytest.approx(x.sum() / T.mean() * 10, rel=0.01)


def test_trap_07_a_penalty_free_fit_never_returns_its_start(histories):
    """Whatever the data, the estimates make them more likely than the start does, or nothing is returned."""
    rng = np.random.default_rng(2)
    for _ in range(60):
        n, T = int(rng.choice([1, 2, 5, 30, 400])), 10 ** rng.uniform(0.5, 3.5)
        r, a, b = 10 ** rng.uniform(-1.5, 1.5), 10 ** rng.uniform(-2, 2), 10 ** rng.uniform(-2, 2)
        alpha = r * T / 10 ** rng.uniform(-1, 2.3)
        events = BetaGeoNBD.from_params(r=r, alpha=alpha, a=a, b=b, unit="day").sample(n, T, seed=int(rng.integers(99)))
        grouped = events.groupby("customer_id")["time"]
        frame = histories(grouped.size() - 1, grouped.max(), T, unit="day")
        model = list(TRANSACTION_MODELS.values())[rng.integers(3)]()
        if not frame["frequency"].any():
            with pytest.raises(FitError, match="bought again"):
                model.fit(frame)
            assert not hasattr(model, "params_")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotIdentifiedWarning)
            model.fit(frame)
        history = read_history(frame)
        start = model._log_likelihood(history)(model._starts(history)[0])[0]
        assert model.log_likelihood_ > start
        assert set(model.params_[model.standard_errors_.isna()].index) == set(model.not_identified_)
        assert np.isfinite(model.params_).all()
        assert np.isfinite(model.expected_purchases(frame, T)).all()


def test_many_purchases_over_many_years_fit(histories):
    made = BetaGeoNBD.from_params(r=2.0, alpha=25.0, a=0.5, b=60.0, unit="day")
    events = made.sample(3000, 3000, seed=5)
    grouped = events.groupby("customer_id")["time"]
    frame = histories(grouped.size() - 1, grouped.max(), 3000.0, unit="day")
    assert frame["frequency"].max() > 500
    model = BetaGeoNBD().fit(frame)
    assert (abs(model.params_ - made.params_) < 4 * model.standard_errors_).all()


def test_trap_07_a_fit_at_an_edge_looks_for_the_other_peak(summarise):
    """From ordinary starts all customers leave at one chance; some leave at once, the others hardly, is likelier."""
    T = np.random.default_rng(42).uniform(30, 105, 200)
    made = ModifiedBetaGeoNBD.from_params(r=1.5, alpha=78.0, a=0.4, b=0.4, unit="day")
    frame = summarise(made.sample(200, T, seed=42), T, unit="day")
    model = ModifiedBetaGeoNBD()
    history = read_history(frame)
    ordinary = maximise(model._log_likelihood(history), model._starts(history)[0], np.zeros(4), len(frame))
    assert ordinary.edges
    assert model.fit(frame).log_likelihood_ > ordinary.log_likelihood + 0.5
    assert model.not_identified_ == {}


def test_many_rows_start_from_few_and_end_the_same(model, summarise, monkeypatch):
    T = np.random.default_rng(3).uniform(20, 40, 20_000)
    frame = summarise(model.sample(20_000, T, seed=3), T)
    passes = []

    def counted(*arguments):
        optimum = maximise(*arguments)
        passes.append(optimum.passes)
        return optimum

    monkeypatch.setattr("patron.models.family.transaction.maximise", counted)
    monkeypatch.setattr("patron.models.family.transaction._FEW", (20_000,))
    whole = type(model)().fit(frame)
    monkeypatch.setattr("patron.models.family.transaction._FEW", (500, 4000))
    started = type(model)().fit(frame)
    assert started.params_.to_numpy() == pytest.approx(whole.params_.to_numpy(), rel=1e-8)
    alone, _, *first, after_few = passes
    assert len(first) == 2
    assert after_few < alone


def test_gamma_gamma_without_differences_between_customers_says_so():
    import pandas as pd

    rng = np.random.default_rng(4)
    x = rng.integers(1, 9, 2000)
    frame = pd.DataFrame({"frequency": x, "monetary_value": rng.gamma(3.0 * x, 10.0 / (3.0 * x))})
    with pytest.warns(NotIdentifiedWarning, match="do not differ in what they spend a purchase"):
        model = GammaGamma().fit(frame)
    assert model.params_["p"] == pytest.approx(3, abs=0.3)
    assert model.expected_spend(frame).to_numpy() == pytest.approx(10, rel=0.03)


def test_maximise_finds_a_quadratic_in_the_logarithm_at_once():
    centre = np.log([3.0, 0.02])

    def evaluate(values):
        gap = np.log(values) - centre
        return -0.5 * gap @ gap, -gap / values, np.diag((gap - 1) / values**2)

    optimum = maximise(evaluate, np.array([3.5, 0.03]), np.zeros(2), 1.0)
    assert optimum.params == pytest.approx([3.0, 0.02], rel=1e-12)
    assert optimum.passes <= 3
    assert optimum.edges == {}


def test_maximise_refuses_a_likelihood_that_is_not_finite():
    def evaluate(values):
        return np.nan, np.zeros(1), -np.ones((1, 1))

    with pytest.raises(FitError, match="not finite"):
        maximise(evaluate, np.ones(1), np.zeros(1), 1.0)
