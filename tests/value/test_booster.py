import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from patron._core.errors import DataError, FitError
from patron.value import ValueBooster


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    n = 6000
    pace = rng.gamma(1.0, 1.0, n)
    level = rng.gamma(2.0, 2.0, n)
    spend = rng.poisson(pace) * level * rng.gamma(4.0, 0.25, n) * 10
    return pd.DataFrame({"pace": pace, "level": level, "expected": np.log(10 * pace * level), "spend_next": spend})


@pytest.fixture(scope="module")
def fitted(frame):
    return ValueBooster(num_threads=1).fit(frame[["pace", "level"]], frame["spend_next"])


@parametrize_with_checks([ValueBooster(num_threads=1)])
def test_it_is_an_estimator_by_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_it_predicts_spend_that_adds_up(frame, fitted):
    predicted = fitted.predict(frame)
    assert predicted.min() > 0
    assert predicted.sum() == pytest.approx(frame["spend_next"].sum(), rel=0.1)
    assert pd.Series(predicted).corr(np.exp(frame["expected"]), method="spearman") > 0.9


def test_trap_24_the_offset_is_put_back_on_the_log_scale(frame):
    model = ValueBooster(num_threads=1).fit(frame.drop(columns="spend_next"), frame["spend_next"], offset="expected")
    trees = model.booster_.predict(frame[["pace", "level"]].to_numpy(), raw_score=True)
    assert model.predict(frame) == pytest.approx(np.exp(frame["expected"].to_numpy() + trees))
    assert model.predict(frame).sum() == pytest.approx(frame["spend_next"].sum(), rel=0.03)
    doubled = frame.assign(expected=frame["expected"] + np.log(2))
    assert model.predict(doubled) == pytest.approx(2 * model.predict(frame))


def test_contributions_add_up_to_the_log_of_the_spend(frame, fitted):
    found = fitted.contributions(frame)
    assert np.abs(found.sum(axis=1) - np.log(fitted.predict(frame))).max() < 1e-9


def test_a_label_among_the_features_is_refused(frame):
    with pytest.raises(DataError, match="column 'spend_next': a label"):
        ValueBooster().fit(frame, frame["spend_next"])


def test_spend_that_is_negative_or_missing_is_refused(frame):
    for wrong, said in {
        -1.0: r"spend to learn from is 0 or more \(1 row",
        np.nan: r"missing or infinite \(1 row",
    }.items():
        with pytest.raises(DataError, match=said):
            ValueBooster().fit(frame[["pace"]], [wrong, *frame["spend_next"].iloc[1:]])


def test_nobody_spending_is_refused(frame):
    with pytest.raises(FitError, match="nobody spends"):
        ValueBooster().fit(frame[["pace"]], np.zeros(len(frame)))


def test_what_is_saved_loads_to_the_same_bits(frame, fitted, tmp_path):
    fitted.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["value.json", "value.txt"]
    assert np.array_equal(ValueBooster.load(tmp_path).predict(frame), fitted.predict(frame))


def test_the_number_of_threads_moves_no_bit(frame):
    one, three = (
        ValueBooster(num_threads=threads, n_trees=20).fit(frame[["pace", "level"]], frame["spend_next"])
        for threads in (1, 3)
    )
    assert one.text_ == three.text_


def test_it_keeps_the_estimators_contract(frame, fitted):
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    assert 0 < fitted.score(frame[["pace", "level"]], frame["spend_next"]) < 1


def test_a_weight_of_zero_is_as_if_the_row_were_not_there(frame):
    X, spend = frame[["pace", "level"]], frame["spend_next"]
    half = np.arange(len(frame)) % 2
    weighted = ValueBooster(num_threads=1).fit(X, spend, sample_weight=half)
    assert (
        weighted.text_
        == ValueBooster(num_threads=1).fit(X[half > 0], spend[half > 0], sample_weight=half[half > 0]).text_
    )
    with pytest.raises(FitError, match="nobody spends"):
        ValueBooster().fit(X, spend, sample_weight=(spend == 0).astype(float))


def test_weights_move_the_level(frame):
    X, spend = frame[["pace", "level"]], frame["spend_next"]
    dear = ValueBooster(num_threads=1).fit(X, spend, sample_weight=np.where(spend > spend.median(), 3.0, 1.0))
    assert dear.predict(X).sum() > 1.2 * ValueBooster(num_threads=1).fit(X, spend).predict(X).sum()
