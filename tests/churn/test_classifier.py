import json

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from patron._core.errors import DataError, FitError, NotFittedError
from patron.boosting import FEWEST_TREES, LABELS
from patron.churn import ChurnClassifier, clipped_logit
from patron.features import LABELS as FEATURE_LABELS

HORIZON = 42


@pytest.fixture(scope="module")
def plain(X, y):
    return ChurnClassifier().fit(X, y)


@pytest.fixture(scope="module")
def on_offset(frame, X, y):
    return ChurnClassifier(horizon=HORIZON).fit(frame.drop(columns="churned"), y, offset="pace")


@parametrize_with_checks([ChurnClassifier(num_threads=1)])
def test_it_is_an_estimator_by_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_trap_24_predict_proba_puts_the_offset_back(frame, on_offset):
    matrix = frame[list(on_offset.feature_names_in_)].to_numpy(dtype=float)
    trees = on_offset.booster_.predict(matrix, raw_score=True)
    assert on_offset.predict_proba(frame)[:, 1] == pytest.approx(expit(frame["pace"].to_numpy() + trees), abs=1e-12)


def test_trap_24_the_text_model_gives_the_margin_once_the_offset_is_added_by_hand(frame, on_offset, tmp_path):
    on_offset.save(tmp_path)
    text = lgb.Booster(model_file=tmp_path / "churn.txt")
    trees = text.predict(frame[text_columns(tmp_path)].to_numpy(), raw_score=True)
    assert np.array_equal(frame["pace"].to_numpy() + trees, on_offset.margin(frame))
    # what forgetting it costs
    assert expit(trees).mean() > frame["churned"].mean() + 0.08


def test_trap_24_the_loader_puts_the_offset_back_and_asks_for_it(frame, on_offset, tmp_path):
    on_offset.save(tmp_path)
    loaded = ChurnClassifier.load(tmp_path)
    assert np.array_equal(loaded.predict_proba(frame), on_offset.predict_proba(frame))
    assert loaded.predict_proba(frame)[:, 1].mean() == pytest.approx(frame["churned"].mean(), abs=0.01)
    with pytest.raises(DataError, match="column 'pace': not among the columns"):
        loaded.predict_proba(frame.drop(columns="pace"))


def text_columns(folder):
    return json.loads((folder / "churn.json").read_text())["feature_names"]


def test_trap_24_a_constant_feature_leaves_the_base_rate_with_and_without_an_offset(y):
    X = pd.DataFrame({"same": np.ones(len(y))})
    rate = y.mean()
    assert ChurnClassifier().fit(X, y).predict_proba(X)[:, 1].mean() == pytest.approx(rate, abs=1e-6)
    offset = np.full(len(y), logit(rate))
    model = ChurnClassifier().fit(X, y, offset=offset)
    assert model.predict_proba(X, offset)[:, 1].mean() == pytest.approx(rate, abs=1e-6)
    assert expit(model.booster_.predict(X, raw_score=True)).mean() == pytest.approx(0.5, abs=1e-6)


def test_predictions_with_an_offset_are_calibrated_in_the_large(frame, on_offset, y):
    assert on_offset.predict_proba(frame)[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)


def test_an_offset_by_column_is_the_same_as_by_array_and_is_no_feature(frame, on_offset, X, y):
    by_array = ChurnClassifier(horizon=HORIZON).fit(X, y, offset=frame["pace"].to_numpy())
    assert "pace" not in on_offset.feature_names_in_
    assert by_array.text_ == on_offset.text_
    assert np.array_equal(by_array.predict_proba(X, frame["pace"]), on_offset.predict_proba(frame))


def test_an_offset_is_clipped_like_its_probability(frame, on_offset):
    far = frame.assign(pace=50.0)
    edge = frame.assign(pace=clipped_logit(1.0))
    assert np.array_equal(on_offset.predict_proba(far), on_offset.predict_proba(edge))
    assert clipped_logit([0.0, 1e-4, 0.5, 1.0]) == pytest.approx([logit(1e-4), logit(1e-4), 0, -logit(1e-4)], abs=1e-9)


def test_an_offset_is_asked_for_where_the_fit_had_one_and_refused_where_not(X, y, plain, frame):
    by_array = ChurnClassifier().fit(X, y, offset=frame["pace"].to_numpy())
    with pytest.raises(DataError, match="fitted with an offset"):
        by_array.predict_proba(X)
    with pytest.raises(DataError, match="fitted without one"):
        plain.predict_proba(X, frame["pace"])
    holed = X.assign(pace=frame["pace"].where(frame["pace"] > frame["pace"].min()))
    with pytest.raises(DataError, match=r"column 'pace': an offset is one finite number a row \(1 row\)"):
        ChurnClassifier().fit(holed, y, "pace")


def test_the_offset_is_worth_having(X, y, frame, on_offset, plain):
    def brier(probability):
        return np.mean((probability - y) ** 2)

    assert brier(on_offset.predict_proba(frame)[:, 1]) < 0.95 * brier(plain.predict_proba(X)[:, 1])


@pytest.mark.parametrize("label", LABELS)
def test_a_label_among_the_features_is_refused(X, y, label):
    with pytest.raises(DataError, match=f"column '{label}': a label among the features"):
        ChurnClassifier().fit(X.assign(**{label: 1}), y)


def test_the_labels_refused_are_those_of_snapshots():
    assert LABELS == FEATURE_LABELS


def test_columns_are_taken_by_name_in_the_order_of_the_fit(X, plain):
    shuffled = X[X.columns[::-1]].assign(more="text")
    assert np.array_equal(plain.predict_proba(shuffled), plain.predict_proba(X))
    assert list(plain.feature_names_in_) == list(X.columns)
    assert plain.n_features_in_ == X.shape[1]


def test_a_missing_column_is_named(X, plain):
    with pytest.raises(DataError, match="column 'gap_mean': not among the columns"):
        plain.predict_proba(X.drop(columns="gap_mean"))


def test_text_and_infinities_are_named(X, y):
    with pytest.raises(DataError, match=r"column 'plan': not a number.*'gold'"):
        ChurnClassifier().fit(X.assign(plan="gold"), y)
    with pytest.raises(DataError, match=r"column 'spend_90': infinite \(2 rows\)"):
        ChurnClassifier().fit(X.assign(spend_90=[np.inf, -np.inf, *X["spend_90"].iloc[2:]]), y)


def test_arrays_are_refused_in_our_own_words_too(X, y):
    for wrong in (np.where(X["spend_90"] > 100, np.inf, 1.0)[:, None], X["spend_90"].to_numpy(), np.empty((len(X), 0))):
        with pytest.raises(DataError, match="Fix: give a table of finite numbers"):
            ChurnClassifier().fit(wrong, y)
    with pytest.raises(DataError, match="X has 9,000 rows, y 8,999"):
        ChurnClassifier().fit(X, y[1:])


def test_one_class_is_refused(X):
    with pytest.raises(FitError, match="customers who churned and customers who did not"):
        ChurnClassifier().fit(X, np.ones(len(X)))


def test_prediction_before_fitting_is_refused(X):
    with pytest.raises(NotFittedError, match="call fit first"):
        ChurnClassifier().predict_proba(X)


def test_the_number_of_trees_is_found_on_the_latest_day(X, y, frame, on_offset):
    assert FEWEST_TREES <= on_offset.n_trees_ != ChurnClassifier().n_trees
    assert on_offset.booster_.num_trees() == on_offset.n_trees_
    # of days that overlap the latest day's labels none helps to find it
    days = X.index.get_level_values("as_of")
    overlapping = (days > days.max() - pd.Timedelta(days=HORIZON)) & (days < days.max())
    shuffled = y.to_numpy(copy=True)
    shuffled[overlapping] = np.random.default_rng(0).permutation(shuffled[overlapping])
    other = ChurnClassifier(horizon=HORIZON).fit(frame.drop(columns="churned"), shuffled, offset="pace")
    assert other.n_trees_ == on_offset.n_trees_
    assert other.text_ != on_offset.text_


def test_noise_stops_at_the_fewest_trees(X):
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    assert ChurnClassifier(horizon=HORIZON).fit(X, noise).n_trees_ == FEWEST_TREES


def test_the_horizon_is_taken_from_the_frame_of_snapshots(X, y):
    marked = X.copy()
    marked.attrs["horizon_days"] = HORIZON
    assert ChurnClassifier().fit(marked, y).text_ == ChurnClassifier(horizon=HORIZON).fit(X, y).text_


def test_without_a_closed_earlier_day_the_number_of_trees_is_fixed(X, y, plain):
    assert plain.n_trees_ == ChurnClassifier().n_trees
    latest = X.index.get_level_values("as_of") == X.index.get_level_values("as_of").max()
    assert ChurnClassifier(horizon=HORIZON, n_trees=31).fit(X[latest], y[latest]).n_trees_ == 31


def test_what_is_saved_loads_to_the_same_bits_without_pickle(frame, on_offset, tmp_path):
    on_offset.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["churn.json", "churn.txt"]
    loaded = ChurnClassifier.load(tmp_path)
    assert np.array_equal(loaded.predict_proba(frame), on_offset.predict_proba(frame))
    assert loaded.get_params() == on_offset.get_params()
    assert loaded.classes_.tolist() == [0, 1]
    assert loaded.to_dict() == json.loads((tmp_path / "churn.json").read_text())


def test_the_number_of_threads_moves_no_bit(X, y):
    one, two = (ChurnClassifier(num_threads=threads, n_trees=20).fit(X, y) for threads in (1, 2))
    assert one.text_ == two.text_


def test_the_seed_draws_the_features(X, y, plain):
    assert ChurnClassifier(seed=1).fit(X, y).text_ != plain.text_


def test_it_keeps_the_estimators_contract(X, y, plain):
    fresh = clone(plain.set_params(num_leaves=8))
    assert fresh.get_params() == plain.get_params()
    assert not hasattr(fresh, "booster_")
    named = np.where(y == 1, "left", "stayed")
    model = ChurnClassifier().fit(X.to_numpy(), named)
    assert model.classes_.tolist() == ["left", "stayed"]
    assert set(model.predict(X.to_numpy())) <= {"left", "stayed"}
    assert model.score(X.to_numpy(), named) > 0.6
    assert not hasattr(model, "feature_names_in_")
    with pytest.raises(DataError, match="X has 2 features, but ChurnClassifier is expecting 4"):
        model.predict(X.to_numpy()[:, :2])


def test_a_refit_forgets_the_columns_of_the_fit_before(X, y):
    model = ChurnClassifier().fit(X, y)
    model.fit(X[["days_since_last"]], y)
    assert model.predict_proba(X[["days_since_last"]]).shape == (len(X), 2)
    assert model.n_features_in_ == 1


def test_a_weight_of_zero_is_as_if_the_row_were_not_there(X, y):
    half = np.arange(len(X)) % 2
    weighted = ChurnClassifier(horizon=HORIZON).fit(X, y, sample_weight=half)
    alone = ChurnClassifier(horizon=HORIZON).fit(X[half > 0], y[half > 0], sample_weight=half[half > 0])
    assert weighted.text_ == alone.text_
    assert weighted.calibration_ == alone.calibration_
    with pytest.raises(FitError, match="only one class"):
        ChurnClassifier().fit(X, y, sample_weight=y)


def test_weights_move_the_base_rate(X, y):
    weight = np.where(y == 1, 3.0, 1.0)
    heavy = ChurnClassifier().fit(X, y, sample_weight=weight).predict_proba(X)[:, 1]
    assert np.average(heavy, weights=weight) == pytest.approx(np.average(y, weights=weight), abs=0.01)
    assert heavy.mean() > y.mean() + 0.2


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_weight_that_is_no_weight_is_refused(X, y, wrong):
    with pytest.raises(DataError, match=r"a sample weight is one finite number a row, 0 or more.*\(1 row\)"):
        ChurnClassifier().fit(X, y, sample_weight=[wrong, *np.ones(len(X) - 1)])


def test_missing_outcomes_and_more_than_two_classes_are_refused(X, y):
    with pytest.raises(DataError, match=r"column 'churned': an outcome that is missing or infinite \(9,000 rows\)"):
        ChurnClassifier().fit(X, y.astype(float) * np.nan)
    with pytest.raises(FitError, match="Only binary classification is supported"):
        ChurnClassifier().fit(X, np.arange(len(X)) % 3)


def test_no_day_is_predicted_by_a_label_that_had_not_closed_by_then(X, y, monkeypatch):
    grown = []
    train = ChurnClassifier._train

    def watched(self, rows, trees, held=None):
        if held is not None:
            grown.append((rows.closes.max(), held.day.min(), held.day.max()))
        return train(self, rows, trees, held)

    monkeypatch.setattr(ChurnClassifier, "_train", watched)
    ChurnClassifier(horizon=HORIZON).fit(X, y)
    assert len(grown) == 2  # the number of trees, and one more for the calibration
    (_, latest, _), (_, _, earlier) = grown
    assert earlier + HORIZON <= latest
    assert all(closes <= first == last for closes, first, last in grown)
