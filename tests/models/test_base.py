"""What every model has: JSON to the last bit, the estimator's contract, the summary table."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from patron._core.errors import ConfigError, DataError, NotFittedError, NotIdentifiedWarning
from patron.features import opportunities, rfm_summary
from patron.models import CONTRACT_MODELS, MODELS, TRANSACTION_MODELS, BetaGeoNBD, GammaGamma, load_model


@pytest.fixture(scope="module", params=list(MODELS))
def fitted(request, cdnow_sample):
    model = MODELS[request.param]()
    if request.param in CONTRACT_MODELS:
        left = np.array([1000, 869, 743, 653, 593, 551, 517, 491])
        table = pd.DataFrame({"period": range(1, 8), "at_risk": left[:-1], "lost": -np.diff(left)})
        return model.fit(table, period="year")
    if request.param == "bg_bb":
        return model.fit(opportunities(cdnow_sample, "1997-09-30", "month"))
    return model.fit(rfm_summary(cdnow_sample, "1997-09-30", unit="week", gaps=True))


def test_json_gives_the_model_back_to_the_last_bit(fitted, tmp_path):
    fitted.save(tmp_path / "model.json")
    for again in (
        load_model(tmp_path / "model.json"),
        type(fitted).from_dict(json.loads(json.dumps(fitted.to_dict()))),
    ):
        assert type(again) is type(fitted)
        assert again.params_.equals(fitted.params_)
        assert again.covariance_.equals(fitted.covariance_)
        assert again.log_likelihood_ == fitted.log_likelihood_
        assert again.to_dict() == fitted.to_dict()


def test_json_keeps_what_is_not_identified(histories, tmp_path):
    with pytest.warns(NotIdentifiedWarning):
        model = BetaGeoNBD().fit(histories([1, 2, 0], [9, 30, 0], [30, 31, 32]))
    model.save(tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert again.not_identified_ == model.not_identified_ != {}
    assert again.standard_errors_.equals(model.standard_errors_)
    assert again.params_.equals(model.params_)


def test_a_model_from_parameters_is_stored_without_standard_errors(bg, tmp_path):
    bg.save(tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert again.params_.equals(bg.params_)
    assert again.standard_errors_.isna().all()
    assert again.unit_ == "week"


def test_what_is_no_model_is_not_loaded(tmp_path, gg):
    with pytest.raises(DataError, match="no stored model at"):
        load_model(tmp_path / "absent.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(DataError, match="not a stored model"):
        load_model(tmp_path / "list.json")
    with pytest.raises(DataError, match="not a stored BetaGeoNBD"):
        BetaGeoNBD.from_dict(gg.to_dict())
    with pytest.raises(DataError, match="format 1"):
        load_model({**gg.to_dict(), "format": 99})


@pytest.mark.parametrize("model", [BetaGeoNBD(solver="lifetimes"), GammaGamma()])
def test_scikit_learn_clones_a_model(model):
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert copy.set_params(solver="newton").solver == "newton"
    with pytest.raises(ValueError, match="no parameter 'speed'"):
        copy.set_params(speed=1)


def test_an_unknown_solver_is_refused(cdnow_summary):
    with pytest.raises(ConfigError, match="unknown solver 'adam'"):
        BetaGeoNBD(solver="adam").fit(cdnow_summary)


def test_a_clone_is_not_fitted(fitted):
    with pytest.raises(NotFittedError, match="is not fitted"):
        clone(fitted).summary()
    with pytest.raises(NotFittedError):
        clone(fitted).to_dict()


def test_an_unfitted_model_says_so(histories):
    with pytest.raises(NotFittedError, match="call fit, or use from_params"):
        BetaGeoNBD().expected_purchases(histories([1], [1], [2]), 3)
    with pytest.raises(NotFittedError):
        BetaGeoNBD().sample(3, 3)


def test_summary_gives_intervals_that_hold_the_estimate(fitted):
    table = fitted.summary()
    assert table.columns.tolist() == ["estimate", "standard_error", "low", "high", "note"]
    assert (table["low"] > list(fitted.lower)).all()
    assert (table["low"] < table["estimate"]).all()
    assert (table["estimate"] < table["high"]).all()
    assert (table["note"] == "").all()
    narrow = fitted.summary(level=0.5)
    assert (narrow["low"] > table["low"]).all()
    assert (narrow["high"] < table["high"]).all()


@pytest.mark.simulation
@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say(model, summarise):
    covered = 0
    for seed in range(40):
        table = type(model)().fit(summarise(model.sample(2500, 78, seed=seed), 78)).summary(level=0.8)
        covered += ((table["low"] < model.params_) & (model.params_ < table["high"])).to_numpy()
    assert (abs(covered / 40 - 0.8) < 4 * np.sqrt(0.8 * 0.2 / 40)).all()


@pytest.mark.parametrize(
    "params",
    [{"r": 1, "alpha": 1, "a": 1}, {"r": 1, "alpha": 1, "a": 1, "b": 1, "c": 1}, {"r": 1, "alpha": 1, "a": 1, "b": 0}],
)
def test_wrong_parameters_are_refused(params):
    with pytest.raises(DataError, match=r"has the parameters|b must be a finite number above 0"):
        BetaGeoNBD.from_params(unit="week", **params)


def test_trap_09_parameters_without_a_mean_are_refused():
    with pytest.raises(DataError, match=r"q must be a finite number above 1\.01"):
        GammaGamma.from_params(p=2, q=0.8, v=10)


def test_transaction_models_are_found_by_name():
    assert list(TRANSACTION_MODELS) == ["bg_nbd", "mbg_nbd", "pareto_nbd"]
    assert all(model.name == name for name, model in TRANSACTION_MODELS.items())


def test_models_load_neither_engines_nor_learners():
    heavy = ("ibis", "sklearn", "lightgbm", "lifetimes", "mlflow", "scipy.optimize")
    code = f"import sys, patron.models; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_model_shows_itself_with_every_parameter_and_what_it_rests_on(fitted):
    page = fitted._repr_html_()
    assert page.startswith(f"<p><strong>{type(fitted).__name__}</strong> ")
    assert page.count("<tr>") == 1 + len(fitted.params_)
    assert f"{fitted.customers_:,.0f} customers" in page
    assert f"log-likelihood {fitted.log_likelihood_:,.2f}" in page
    assert "nan" not in page


def test_a_model_not_fitted_or_made_from_parameters_or_held_says_so(cdnow_sample):
    assert BetaGeoNBD()._repr_html_() == "<p><strong>BetaGeoNBD</strong> not fitted</p>"
    given = BetaGeoNBD.from_params(r=0.25, alpha=4.0, a=0.8, b=2.5, unit="week")._repr_html_()
    assert "time in weeks" in given
    assert "from known parameters" in given
    assert "log-likelihood" not in given
    held = BetaGeoNBD(prior=2.0).fit(rfm_summary(cdnow_sample, "1997-09-30", unit="week"))._repr_html_()
    assert "Held by a prior" in held
    assert "AIC" not in held


def test_a_model_says_what_the_data_do_not_tell_and_escapes_the_names_of_columns():
    always = pd.DataFrame({"frequency": [5, 9, 7, 6] * 9, "recency": 29.5, "T": 30.0, "<i>": list("aabb") * 9})
    with pytest.warns(NotIdentifiedWarning):
        page = BetaGeoNBD().fit(always, unit="day", groups="<i>")._repr_html_()
    assert "hardly drop out" in page
    assert "2 groups of &lt;i&gt; have their own" in page
