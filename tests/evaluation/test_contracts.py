"""Who ends a contract, foretold in worlds whose truth is known: exact sBG within each plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.calendar import day_number
from patron._core.errors import ConfigError, DataError
from patron.churn import ChurnClassifier
from patron.evaluation.contracts import RECIPES, attribute_holdout, contract_backtest
from patron.features.attributes import attribute_frame
from patron.features.contracts import renewals
from patron.features.holdout import stratified_split
from patron.features.subscribers import contract_snapshots
from patron.models import ShiftedBetaGeometric

pytestmark = pytest.mark.xdist_group("contracts")  # the backtest is made once
LAST = "2024-12-31"
OPTIONS = {"period": "28 days", "observed_until": LAST}
DIFFERENT, ALIKE = [(1, 9), (2, 3)], [(1, 4), (1, 4)]


def world(plans, n=5000, seed=0):
    """Contracts of 28 days: theta ~ Beta(alpha, beta) by plan, constant for each customer; open where they go on."""
    rng = np.random.default_rng(seed)
    start = np.datetime64(LAST) - rng.integers(0, 700, n)
    plan = rng.integers(0, len(plans), n)
    alpha, beta = np.array(plans, dtype=float)[plan].T
    life = rng.geometric(rng.beta(alpha, beta)).clip(max=200)
    frame = pd.DataFrame({"customer_id": np.arange(n), "start": start, "end": start + 28 * life - 1})
    frame["end"] = frame["end"].where(frame["end"] <= pd.Timestamp(LAST))
    return frame.assign(plan=np.array(["basic", "plus"])[plan])


def gain(result, better, than, metric="brier"):
    """95 % interval of the mean difference over the days, paired by customer: above 0 where `better` is."""
    mean = result.replicates.xs(metric, level="metric").groupby("recipe").mean()
    return np.quantile(mean.loc[than] - mean.loc[better], [0.025, 0.975])


@pytest.fixture(scope="module")
def matter():
    return contract_backtest(world(DIFFERENT), "56 days", ["2024-09-30", "2024-11-05"], **OPTIONS)


@pytest.mark.simulation
def test_where_plans_matter_the_classifier_beats_the_pooled_model_and_that_the_base_rate(matter):
    assert gain(matter, "lightgbm", "sbg")[0] > 0
    assert gain(matter, "sbg", "base_rate")[0] > 0
    assert gain(matter, "lightgbm", "base_rate", "log_loss")[0] > 0


@pytest.mark.simulation
def test_where_they_do_not_it_does_not_beat_the_true_model():
    recipes = ["base_rate", "sbg", "lightgbm"]
    result = contract_backtest(
        world(ALIKE, seed=1), "56 days", ["2024-09-30", "2024-11-05"], recipes=recipes, **OPTIONS
    )
    assert gain(result, "lightgbm", "sbg")[0] < 0
    assert gain(result, "lightgbm", "base_rate")[0] > 0
    told = result.predictions.query("recipe == 'sbg'")
    p, left = told["prediction"], told["actual"]
    assert abs((left - p).sum()) < 3 * np.sqrt((p * (1 - p)).sum())


def test_the_table_is_that_of_a_backtest_for_all_customers(matter):
    assert list(matter.table) == ["task", "recipe", "as_of", "population", "metric", "value", "low", "high", "n"]
    assert set(matter.table["population"]) == set(matter.replicates.index.get_level_values("population")) == {"all"}
    assert matter.recipes == list(RECIPES)
    assert matter.horizon == 56
    assert [str(day.date()) for day in matter.days] == ["2024-09-30", "2024-11-05"]
    assert matter.table.dropna(subset="low").eval("low <= value <= high").mean() > 0.95
    frame = contract_snapshots(world(DIFFERENT), matter.days, "56 days", **OPTIONS)
    told = matter.predictions.query("recipe == 'bdw'")
    assert told["actual"].tolist() == frame["churned"].tolist()
    assert told["customer_id"].tolist() == frame.index.get_level_values("customer_id").tolist()


def test_a_contractual_model_is_asked_for_the_renewals_that_fall_due_in_the_window(matter):
    frame, day = world(DIFFERENT), "2024-09-30"
    model = ShiftedBetaGeometric().fit(renewals(frame[frame["start"] <= day], day, "28 days"))
    known = contract_snapshots(frame, day, "56 days", **OPTIONS)
    assert (known["days_to_renewal"].between(1, 28)).all()
    expected = model.probability_churn(known, 2)  # 56 days hold two due dates of every customer
    told = matter.predictions.query("recipe == 'sbg'").set_index("as_of").loc[day, "prediction"]
    np.testing.assert_allclose(told, expected, rtol=1e-12)


def test_nothing_after_a_test_day_moves_its_predictions():
    frame, day = world(DIFFERENT, n=800), pd.Timestamp("2024-08-31")
    future = frame.copy()
    later = frame["end"].isna() | (frame["end"] > day)
    rng = np.random.default_rng(4)
    future.loc[later, "end"] = day + pd.to_timedelta(rng.integers(1, 90, later.sum()), unit="D")
    future["end"] = future["end"].where(frame["start"] <= day, frame["end"])
    one, other = (contract_backtest(some, "42 days", day, grace=3, **OPTIONS).predictions for some in (frame, future))
    assert one["prediction"].tolist() == other["prediction"].tolist()
    assert one["actual"].tolist() != other["actual"].tolist()


def test_training_labels_were_known_grace_and_all(monkeypatch):
    seen = []

    def fit(self, X, y):
        seen.append(X)
        return original(self, X, y)

    original = ChurnClassifier.fit
    monkeypatch.setattr(ChurnClassifier, "fit", fit)
    settings = ChurnClassifier(n_trees=7, num_leaves=4)
    contract_backtest(
        world(DIFFERENT, n=800), "42 days", "2024-09-30", grace=5, recipes=["lightgbm"], classifier=settings, **OPTIONS
    )
    (X,) = seen
    days = X.index.get_level_values("as_of").unique()
    assert len(days) == 6
    assert days.max() + pd.Timedelta(days=47) == pd.Timestamp("2024-09-30")
    assert X.attrs["horizon_days"] == 47
    assert not hasattr(settings, "booster_")


def test_a_renewal_that_does_not_fall_due_is_no_risk_to_a_contractual_model():
    frame = world(DIFFERENT, n=1000)
    result = contract_backtest(frame, "7 days", "2024-09-30", recipes=["sbg"], **OPTIONS)
    soon = contract_snapshots(frame, "2024-09-30", "7 days", **OPTIONS)["days_to_renewal"].to_numpy() <= 7
    told = result.predictions["prediction"].to_numpy()
    assert (told[~soon] == 0).all()
    assert (told[soon] > 0).all()
    assert result.predictions["actual"].to_numpy()[~soon].sum() == 0


def test_what_cannot_be_tested_is_refused():
    frame = world(DIFFERENT, n=300)
    with pytest.raises(ConfigError, match=r"unknown recipe 'pareto_nbd'. Fix: of base_rate, sbg, bdw, lightgbm"):
        contract_backtest(frame, "42 days", "2024-09-30", recipes=["pareto_nbd"], **OPTIONS)
    with pytest.raises(DataError, match="as_of on 2024-11-19 at the latest"):
        contract_backtest(frame, "42 days", "2024-11-30", **OPTIONS)
    early = str(np.datetime64(day_number("2024-12-31") - 690, "D"))
    with pytest.raises(DataError, match="no training day"):
        contract_backtest(frame, "42 days", early, **OPTIONS)


def telephones(n=4000, seed=0):
    """One look at everybody: who left in the period last counted, by an exact sBG within each contract."""
    rng = np.random.default_rng(seed)
    tenure, yearly = rng.integers(0, 72, n), rng.random(n) < 0.4
    alpha, beta = np.where(yearly, 1.0, 3.0), np.where(yearly, 60.0, 6.0)
    hazard = alpha / (alpha + beta + np.maximum(tenure, 1) - 1)
    table = pd.DataFrame({"customerID": np.arange(n), "tenure": tenure, "Charges": rng.uniform(20, 110, n)})
    table["Contract"] = np.where(yearly, "Two year", "Month-to-month")
    return table.assign(Churn=np.where(rng.random(n) < hazard, "Yes", "No"))


@pytest.mark.simulation
def test_a_table_of_attributes_is_judged_on_customers_held_out_and_says_so():
    X, y = attribute_frame(telephones())
    result = attribute_holdout(X, y)
    assert set(result.table["as_of"]) == set(result.predictions["as_of"]) == {"not temporal"}
    assert set(result.table["n"]) == {1000}
    assert gain(result, "lightgbm", "base_rate", "log_loss")[0] > 0
    assert gain(result, "sbg", "base_rate", "log_loss")[0] > 0
    assert gain(result, "lightgbm", "sbg", "log_loss")[0] > 0
    excess = result.table.query("recipe == 'sbg' and metric == 'ece_excess'")["value"]
    assert (excess < 0.02).all()


@pytest.mark.simulation
def test_to_the_contractual_model_a_row_is_one_period_at_risk():
    X, y = attribute_frame(telephones(n=20_000, seed=1).query("Contract == 'Month-to-month'"))
    X_train, X_test, y_train, _ = stratified_split(X, y)
    told = attribute_holdout(X, y, recipes=["sbg"]).predictions.set_index("customer_id")["prediction"]
    period = X_train["customer_tenure"].clip(lower=1)
    table = pd.DataFrame({"period": period, "at_risk": 1, "lost": y_train})
    alpha, beta = ShiftedBetaGeometric().fit(table, period="month").params_
    hazard = alpha / (alpha + beta + X_test["customer_tenure"].clip(lower=1) - 1)
    pd.testing.assert_series_equal(told, hazard, check_names=False, rtol=1e-12)
    true = 3 / (9 + X_test["customer_tenure"].clip(lower=1) - 1)
    assert (told / true - 1).abs().max() < 0.2


def test_a_tenure_that_counts_no_periods_is_refused():
    X, y = attribute_frame(telephones(n=400))
    with pytest.raises(DataError, match="'months': no such column of numbers"):
        attribute_holdout(X, y, tenure="months")
    with pytest.raises(DataError, match=r"'Charges': periods are counted 0, 1, 2, ... \("):
        attribute_holdout(X, y, tenure="Charges")
