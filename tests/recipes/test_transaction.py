import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from patron import rfm_summary
from patron.churn import ChurnClassifier, clipped_logit
from patron.models import TRANSACTION_MODELS, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD
from patron.recipes import recipe, transaction
from patron.recipes.stack import OUTPUTS
from patron.recipes.transaction import _beyond_noise, chosen, day_by_day, valued, with_first
from patron.value.booster import ValueBooster

pytestmark = [
    pytest.mark.xdist_group("recipes"),  # their rows are made once
    pytest.mark.filterwarnings("ignore::patron._core.errors.DependenceWarning"),
]
AHEAD = "42 days"
T = "2024-08-31"


class Coin(BetaGeoNBD):
    """A transaction model that gives everybody a chance of a half."""

    name = "coin"

    def probability_no_purchase(self, frame, horizon):
        return super().probability_no_purchase(frame, horizon) * 0 + 0.5


@pytest.fixture(scope="module")
def best(data):
    """The class of the lowest Brier score, each training row judged by the parameters of its own day."""
    losses = {}
    for name, kind in TRANSACTION_MODELS.items():
        errors = []
        for day, rows in data.rows.groupby(level="as_of"):
            rows.attrs.update(data.rows.attrs)
            p = kind().fit(data.counts[day]).probability_no_purchase(rows, AHEAD)
            errors.append((p - rows["churned"]) ** 2)
        losses[name] = np.concatenate(errors).mean()
    return TRANSACTION_MODELS[min(losses, key=losses.get)]


@pytest.fixture
def coin(monkeypatch):
    monkeypatch.setitem(TRANSACTION_MODELS, "coin", Coin)


def test_churn_is_the_probability_of_no_purchase_at_parameters_of_all_customers_at_t(data, rows):
    model = BetaGeoNBD().fit(data.counts[data.t])
    predicted = recipe("bg_nbd", "churn").fit(data).predict(rows)
    assert np.array_equal(predicted, model.probability_no_purchase(rows, AHEAD))
    once = (rows["frequency"] == 0).to_numpy()
    r, alpha = model.params_["r"], model.params_["alpha"]
    age = rows["T"].to_numpy()[once]
    assert predicted[once] == pytest.approx(((alpha + age) / (alpha + age + 6)) ** r)


@pytest.mark.parametrize("name", TRANSACTION_MODELS)
def test_every_transaction_model_is_a_recipe_of_both_tasks_and_reads_itself_back(data, rows, name, tmp_path):
    for task in ("churn", "value"):
        fitted = recipe(name, task).fit(data)
        assert isinstance(fitted.model, TRANSACTION_MODELS[name])
        fitted.save(tmp_path)
        assert np.array_equal(recipe(name, task).load(tmp_path).predict(rows), fitted.predict(rows))


def test_value_is_expected_purchases_times_gamma_gamma(data, rows):
    purchases = BetaGeoNBD().fit(data.counts[data.t]).expected_purchases(rows, AHEAD)
    spend = GammaGamma().fit(data.spend[data.t]).expected_spend(rows)
    assert np.array_equal(recipe("bg_nbd", "value").fit(data).predict(rows), (purchases * spend).to_numpy())


def test_the_model_is_chosen_by_its_brier_score_on_the_training_rows(data, best, coin):
    assert chosen(data, "churn")[0] == best.name
    evenly = data.rows.assign(churned=np.arange(len(data.rows)) % 2)
    assert chosen(dataclasses.replace(data, rows=evenly), "churn")[0] == "coin"


def test_what_is_told_day_by_day_comes_back_in_the_order_of_the_rows(data):
    mixed = data.rows.sample(frac=1.0, random_state=1)
    told = day_by_day(mixed, lambda day, some: some["T"].to_numpy() + day.day_of_year)
    days = mixed.index.get_level_values("as_of").day_of_year
    assert np.array_equal(told, mixed["T"].to_numpy() + days.to_numpy())


def test_for_value_the_model_is_chosen_by_its_squared_error_of_spend(data):
    losses = {}
    for name, kind in TRANSACTION_MODELS.items():
        errors = []
        for day, rows in data.rows.groupby(level="as_of"):
            rows.attrs.update(data.rows.attrs)
            errors.append((valued(kind().fit(data.counts[day]), data, day).predict(rows) - rows["spend_next"]) ** 2)
        losses[name] = np.concatenate(errors).mean()
    assert chosen(data, "value")[0] == min(losses, key=losses.get)


def test_each_training_row_is_judged_by_the_parameters_of_its_own_day(data, best, monkeypatch):
    seen = {}
    fit = ChurnClassifier.fit

    def spy(self, X, y, offset=None):
        seen.update(X=X, offset=offset)
        return fit(self, X, y, offset)

    monkeypatch.setattr(ChurnClassifier, "fit", spy)
    recipe("stack", "churn").fit(dataclasses.replace(data))
    stacked = seen["X"]
    assert list(stacked) == [*data.today.columns, *OUTPUTS]
    for day in data.rows.index.get_level_values("as_of").unique():
        mine = stacked.index.get_level_values("as_of") == day
        model = best().fit(data.counts[day])
        assert np.array_equal(stacked["p_no_purchase"][mine], model.probability_no_purchase(data.rows[mine], AHEAD))
        assert np.array_equal(stacked["expected_purchases"][mine], model.expected_purchases(data.rows[mine], AHEAD))
        assert np.array_equal(stacked["p_alive"][mine], model.probability_alive(data.rows[mine]))
    assert np.array_equal(seen["offset"], clipped_logit(stacked["p_no_purchase"]))


def test_the_stack_adds_its_trees_to_the_logit_of_the_model_fitted_at_t(data, rows, best):
    fitted = recipe("stack", "churn").fit(dataclasses.replace(data))
    model = best().fit(data.counts[data.t])
    p = model.probability_no_purchase(rows, AHEAD)
    stacked = rows[data.today.columns].assign(
        p_no_purchase=p,
        p_alive=model.probability_alive(rows),
        expected_purchases=model.expected_purchases(rows, AHEAD),
    )
    trees = fitted.trees.booster_.predict(stacked.to_numpy(dtype=float), raw_score=True)
    assert fitted.predict(rows) == pytest.approx(expit(clipped_logit(p) + trees), abs=1e-12)


def test_the_stack_takes_the_model_chosen_on_the_training_rows(data, coin, monkeypatch):
    def squares(_, __, models):
        return pd.Series([len(next(iter(models.values())).name)] * 2, dtype="float64")

    monkeypatch.setattr(transaction, "_squares", squares)
    assert recipe("stack", "churn").fit(dataclasses.replace(data)).model.name == "coin"


def test_a_spend_model_that_counts_the_first_purchase_is_fitted_on_all_purchases(line, data, rows, best):
    paid = rfm_summary(line.log, T, unit="week", include_first=True)
    known = with_first(data.today).droplevel("as_of").loc[paid.index]
    assert known["frequency"].to_numpy() == pytest.approx(paid["frequency"])
    assert known["monetary_value"].to_numpy() == pytest.approx(paid["monetary_value"])
    found = valued(best().fit(data.counts[data.t]), data, data.t)
    wanted = GammaGamma().fit(paid)
    assert found.first
    assert found.spend.params_.to_numpy() == pytest.approx(wanted.params_, rel=1e-6)
    purchases = found.model.expected_purchases(rows, AHEAD).to_numpy()
    assert found.predict(rows) == pytest.approx(
        purchases * wanted.expected_spend(paid).loc[rows.index.droplevel("as_of")]
    )


def test_without_the_first_purchase_among_the_features_the_repeat_purchases_tell_the_spend(data, rows):
    blind = dataclasses.replace(data, spend_with_first={}, today=data.today.drop(columns="first_spend"))
    for name in ("blend", "shape"):
        fitted = recipe(name, "value", transaction_model="bg_nbd").fit(blind)
        assert not fitted.transaction.first
        assert fitted.transaction.predict(rows) == pytest.approx(recipe("bg_nbd", "value").fit(data).predict(rows))


@pytest.mark.parametrize(("name", "shares"), [("shape", [0, 0.5, 0.5]), ("blend", [0.5, 0.25, 0.25])])
def test_each_part_brings_its_share_of_the_total_of_the_model(data, rows, name, shares):
    fitted = recipe(name, "value", transaction_model="mbg_nbd").fit(data)
    total = recipe("mbg_nbd", "value").fit(data).predict(data.today).sum()
    brought = [weight * part.sum() for weight, part in zip(fitted.weights, fitted.parts(data.today), strict=True)]
    assert brought == pytest.approx([share * total for share in shares])
    seen = rows[data.today.columns]
    value = valued(ModifiedBetaGeoNBD().fit(data.counts[data.t]), data, data.t).predict(rows)
    alone = np.exp(fitted.alone.booster_.predict(seen.to_numpy(dtype=float), raw_score=True))
    columns = seen.assign(expected_spend=value).to_numpy(dtype=float)
    corrected = (value + fitted.least) * np.exp(fitted.correcting.booster_.predict(columns, raw_score=True))
    own, first, second = fitted.weights
    assert fitted.predict(rows) == pytest.approx(own * value + first * alone + second * corrected)


def test_the_blend_of_churn_is_the_mean_of_what_learns_and_a_little_of_the_model(data, rows):
    fitted = recipe("blend", "churn", transaction_model="mbg_nbd").fit(data)
    names = {"logistic": 2, "lightgbm": 2, "mbg_nbd": 1}
    parts = {name: weight * recipe(name, "churn").fit(data).predict(rows) for name, weight in names.items()}
    stack = 2 * recipe("stack", "churn", transaction_model="mbg_nbd").fit(data).predict(rows)
    assert fitted.predict(rows) == pytest.approx((sum(parts.values()) + stack) / 7)


def test_a_model_takes_the_place_of_pareto_nbd_only_beyond_noise():
    noise = np.tile([-1.0, 1.0], 200)
    reference = pd.Series(np.full(400, 10.0))
    losses = {"pareto_nbd": reference, "bg_nbd": reference + 1, "mbg_nbd": reference - 0.05 + noise}
    assert losses["mbg_nbd"].sum() < reference.sum()
    assert _beyond_noise(losses) == "pareto_nbd"
    assert _beyond_noise({**losses, "mbg_nbd": reference - 1 + noise}) == "mbg_nbd"
    assert _beyond_noise({"pareto_nbd": reference, "bg_nbd": reference.copy()}) == "pareto_nbd"


def test_each_training_row_of_the_shape_has_the_value_of_its_own_day(data, monkeypatch):
    seen = {}
    fit = ValueBooster.fit

    def spy(self, X, y, offset=None):
        if offset is not None:
            seen.update(X=X, offset=offset)
        return fit(self, X, y, offset)

    monkeypatch.setattr(ValueBooster, "fit", spy)
    fitted = recipe("shape", "value", transaction_model="bg_nbd").fit(dataclasses.replace(data))
    for day in data.rows.index.get_level_values("as_of").unique():
        mine = seen["X"].index.get_level_values("as_of") == day
        value = valued(BetaGeoNBD().fit(data.counts[day]), data, day).predict(data.rows[mine])
        assert np.array_equal(seen["X"]["expected_spend"][mine], value)
        assert seen["offset"][mine] == pytest.approx(np.log(value + fitted.least))


@pytest.mark.parametrize(
    ("task", "name"), [("churn", "stack"), ("churn", "blend"), ("value", "blend"), ("value", "shape")]
)
def test_a_transaction_model_that_is_settled_is_the_only_one_fitted(data, task, name):
    own = dataclasses.replace(data)
    fitted = recipe(name, task, transaction_model="mbg_nbd").fit(own)
    stack = getattr(fitted, "stack", fitted)
    assert (stack.model if task == "churn" else fitted.transaction.model).name == "mbg_nbd"
    assert {key[1] for key in own.fits if key[0] == "model"} == {"mbg_nbd"}


def test_recipes_share_what_is_fitted_and_other_counts_are_fitted_anew(data, rows):
    own = dataclasses.replace(data)
    assert recipe("bg_nbd", "churn").fit(own).model is recipe("bg_nbd", "value").fit(own).model
    assert recipe("blend", "churn").fit(own).stack is recipe("stack", "churn").fit(own)
    assert recipe("blend", "value").fit(own).correcting is recipe("shape", "value").fit(own).correcting
    assert recipe("blend", "value").fit(own).alone is recipe("lightgbm", "value").fit(own).trees
    assert recipe("blend", "value", num_leaves=4).fit(own).alone is not recipe("lightgbm", "value").fit(own).trees
    fewer = dataclasses.replace(own, counts={day: counts.iloc[::2] for day, counts in own.counts.items()})
    assert recipe("bg_nbd", "churn").fit(fewer).model.customers_ < recipe("bg_nbd", "churn").fit(own).model.customers_
