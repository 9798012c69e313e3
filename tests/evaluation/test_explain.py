import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.evaluation import families, partial_dependence, permutation_importance
from patron.evaluation.explain import HISTORY
from patron.metrics import METRICS
from patron.recipes import recipe
from patron.recipes.training import Timeline

MAE = METRICS["value"]["mae"]


class Fitted:
    """Predicts by a function of the rows."""

    def __init__(self, predict):
        self.predict = predict


def rows(n=200, days=("1998-03-03", "1998-03-31"), seed=1):
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([days, range(n)], names=["as_of", "customer_id"]).swaplevel()
    columns = {name: rng.normal(size=len(index)) for name in ("spend_90", "gap_mean", "gap_max")}
    frame = pd.DataFrame(columns | {"frequency": rng.integers(0, 4, len(index))}, index)
    frame.attrs = {"unit": "week"}
    return frame


def test_only_what_the_recipe_reads_matters_and_the_rise_is_that_of_the_metric():
    held_out = rows()
    came = held_out["spend_90"].to_numpy()
    found = permutation_importance(Fitted(lambda r: r["spend_90"].to_numpy()), held_out, came, MAE, repeats=50)
    told = found.set_index("name")
    assert found["name"].iloc[0] == "spend"
    assert (told.loc[["rhythm", HISTORY], "increase"] == 0).all()
    assert (told["loss"] == 0).all()
    pairs = [abs(np.subtract.outer(day, day)).mean() for day in came.reshape(2, -1)]  # each meets each, in the mean
    assert told.loc["spend", "increase"] == pytest.approx(np.mean(pairs), rel=0.02)
    assert 0 < told.loc["spend", "spread"] < 0.1


def test_columns_of_one_family_are_shuffled_together():
    held_out = rows()
    held_out["gap_max"] = held_out["gap_mean"]
    same = Fitted(lambda r: (r["gap_mean"] - r["gap_max"]).to_numpy())
    zero = np.zeros(len(held_out))
    together = permutation_importance(same, held_out, zero, MAE).set_index("name")
    alone = permutation_importance(same, held_out, zero, MAE, {n: [n] for n in held_out}).set_index("name")
    assert together.loc["rhythm", "increase"] == 0
    assert (alone.loc[["gap_mean", "gap_max"], "increase"] > 1).all()


def test_rows_are_shuffled_within_their_as_of_day():
    held_out = rows()
    day = held_out.index.get_level_values("as_of")
    held_out["spend_90"] = np.where(day == "1998-03-03", 1.0, 5.0)
    came = held_out["spend_90"].to_numpy()
    found = permutation_importance(Fitted(lambda r: r["spend_90"].to_numpy()), held_out, came, MAE)
    assert (found["increase"] == 0).all()


def test_a_metric_that_is_better_when_higher_counts_as_lost():
    held_out = rows()
    left = (held_out["spend_90"] > 0).astype(int)
    risk = Fitted(lambda r: 1 / (1 + np.exp(-r["spend_90"].to_numpy())))
    found = permutation_importance(risk, held_out, left, METRICS["churn"]["auc"]).set_index("name")
    assert found.loc["spend", "increase"] == pytest.approx(0.5, abs=0.06)
    assert found.loc["spend", "loss"] == -1


def test_the_same_seed_gives_the_same_table_and_the_rows_stay_as_they_are():
    held_out = rows()
    before = held_out.copy()
    units = []

    def predict(asked):
        units.append(asked.attrs.get("unit"))
        return asked["gap_mean"].to_numpy()

    first, again = (permutation_importance(Fitted(predict), held_out, held_out["spend_90"], MAE) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(held_out, before)
    assert set(units) == {"week"}


def test_a_group_that_the_recipe_refuses_is_told_and_the_others_are_counted():
    held_out = rows()
    order = held_out["frequency"].to_numpy()

    def predict(asked):
        if not np.array_equal(asked["frequency"].to_numpy(), np.tile(order, len(asked) // len(order))):
            raise DataError("a customer who cannot be")
        return asked["spend_90"].to_numpy()

    found = permutation_importance(Fitted(predict), held_out, held_out["spend_90"], MAE).set_index("name")
    assert found.loc[HISTORY, "note"] == "a customer who cannot be"
    assert np.isnan(found.loc[HISTORY, "increase"])
    assert found["note"].drop(HISTORY).eq("").all()
    assert found.loc["spend", "increase"] > 1


def test_what_cannot_be_asked_is_refused_in_words():
    held_out = rows()
    model = Fitted(lambda r: np.full(len(r), 0.5))
    with pytest.raises(DataError, match="no such column"):
        permutation_importance(model, held_out, np.zeros(len(held_out)), MAE, {"x": ["shoe_size"]})
    with pytest.raises(DataError, match="AUC does not exist"):
        permutation_importance(model, held_out, np.zeros(len(held_out)), METRICS["churn"]["auc"])
    with pytest.raises(DataError, match="no such column"):
        partial_dependence(model, held_out, "shoe_size")


def test_dependence_is_the_mean_over_the_same_customers():
    held_out = rows()
    found = partial_dependence(Fitted(lambda r: (3 * r["gap_mean"] + r["spend_90"]).to_numpy()), held_out, "gap_mean")
    expected = 3 * found["value"] + held_out["spend_90"].mean()
    assert found["prediction"].to_numpy() == pytest.approx(expected.to_numpy())
    assert len(found) == 12
    # everybody moves alike: there is no band
    assert found["low"].to_numpy() == pytest.approx(found["prediction"].to_numpy())
    assert found["high"].to_numpy() == pytest.approx(found["prediction"].to_numpy())


def test_the_band_tells_how_differently_customers_move():
    held_out = rows(2_000)
    moved = Fitted(lambda r: (r["gap_mean"] * np.sign(r["spend_90"])).to_numpy())
    found = partial_dependence(moved, held_out, "gap_mean")
    assert abs(found["prediction"]).max() < 0.1
    assert (found["high"] - found["low"]).iloc[[0, -1]].min() > 3


def test_a_missing_value_is_a_point_of_its_own_and_few_values_are_all_looked_at():
    held_out = rows()
    held_out.loc[held_out.index[:3], "gap_mean"] = np.nan
    model = Fitted(lambda r: r["gap_mean"].fillna(99).to_numpy() + r["frequency"].to_numpy())
    found = partial_dependence(model, held_out, "gap_mean")
    assert np.isnan(found["value"].iloc[-1])
    assert found["value"].iloc[:-1].is_monotonic_increasing
    assert found["prediction"].iloc[-1] == pytest.approx(99 + held_out["frequency"].mean())
    counts = partial_dependence(model, held_out, "frequency")
    assert counts["value"].tolist() == [0, 1, 2, 3]
    assert counts["value"].dtype == held_out["frequency"].dtype


def test_a_pile_of_equal_values_takes_one_point():
    held_out = rows()
    held_out["spend_90"] = np.where(np.arange(len(held_out)) % 10, 0.0, abs(held_out["spend_90"]))
    found = partial_dependence(Fitted(lambda r: r["spend_90"].to_numpy()), held_out, "spend_90")
    assert found["value"].eq(0).sum() == 1
    assert len(found) == 12


@pytest.fixture(scope="module")
def held_out(cdnow_sample):
    line = Timeline(cdnow_sample, 91, "week", "day", "core")
    return line.training("1998-03-31", ["1997-12-30"]), line.test("1998-03-31")


@pytest.mark.parametrize(("name", "task", "metric"), [("pareto_nbd", "churn", "brier"), ("mbg_nbd", "value", "mae")])
def test_a_transaction_model_leans_on_the_purchase_history_alone(held_out, name, task, metric):
    data, test = held_out
    fitted = recipe(name, task).fit(data)
    label = {"churn": "churned", "value": "spend_next"}[task]
    rows = test[data.today.columns]
    found = permutation_importance(fitted, rows, test[label], METRICS[task][metric], repeats=2).set_index("name")
    assert found.loc[HISTORY, "increase"] > 0
    assert (found["increase"].drop(HISTORY) == 0).all()
    assert (found["note"] == "").all()


def test_history_that_is_torn_apart_is_refused_and_told(held_out):
    data, test = held_out
    fitted = recipe("pareto_nbd", "churn").fit(data)
    rows = test[data.today.columns]
    singly = {"recency": ["recency"]}
    found = permutation_importance(fitted, rows, test["churned"], METRICS["churn"]["brier"], singly, repeats=2)
    assert np.isnan(found["increase"]).all()
    assert found["note"].iloc[0] != ""


def test_every_column_has_one_family():
    columns = [*rows().columns, "recency", "T", "monetary_value", "shoe_size"]
    found = families(columns)
    assert sorted(name for names in found.values() for name in names) == sorted(columns)
    assert found[HISTORY] == ["frequency", "recency", "T", "monetary_value"]
