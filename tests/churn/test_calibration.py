import json

import numpy as np
import pytest
from scipy.special import expit

from patron.boosting import HeldOut, Rows
from patron.churn import ChurnClassifier
from patron.churn.calibration import Calibration, judged
from patron.metrics import log_loss

HORIZON = 28


def day(intercept=0.0, slope=1.0, n=4000, seed=0, weight=None):
    """A day held out whose truth is a line in the margin."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.0, 1.5, n)
    churned = (rng.random(n) < expit(intercept + slope * margin)).astype(float)
    return HeldOut(Rows(margin[:, None], churned, weight=weight), 60, margin)


def test_what_is_wrong_alike_on_both_days_is_put_right():
    found = judged(day(0.5, 0.7, seed=1), day(0.5, 0.7, seed=2))
    assert (found.intercept, found.slope) == pytest.approx((0.5, 0.7), abs=0.08)
    assert found.reason.startswith("kept, a gain beyond noise on both days; log loss out of time: of the latest day 0.")


@pytest.mark.parametrize(("earlier", "latest"), [(0.5, 0.0), (0.0, 0.5), (0.5, -0.5)])
def test_what_is_wrong_on_one_day_alone_is_left(earlier, latest):
    found = judged(day(earlier, seed=1), day(latest, seed=2))
    assert (found.intercept, found.slope) == (0.0, 1.0)
    assert found.reason.startswith("not kept, no gain beyond noise on both days; log loss out of time")


def test_what_is_right_is_left():
    assert all(judged(day(seed=2 * i), day(seed=2 * i + 1)).slope == 1.0 for i in range(20))


def test_it_never_turns_the_order_round():
    found = judged(day(-1.0, -0.5, seed=1), day(-1.0, -0.5, seed=2))
    assert found.slope == 0.0
    assert found.probability(np.array([-5.0, 5.0])) == pytest.approx([0.36, 0.36], abs=0.04)


def test_weights_count_as_rows():
    rng = np.random.default_rng(3)
    plain, other = day(0.5, 0.7, seed=1), day(0.5, 0.7, seed=2)
    heavy = rng.integers(1, 4, 4000)
    doubled = HeldOut(Rows(plain.margin[:, None], plain.rows.outcome, weight=heavy.astype(float)), 60, plain.margin)
    repeated = np.repeat(plain.margin, heavy)
    as_rows = HeldOut(Rows(repeated[:, None], np.repeat(plain.rows.outcome, heavy)), 60, repeated)
    found, expected = judged(doubled, other), judged(as_rows, other)
    assert (found.intercept, found.slope) == pytest.approx((expected.intercept, expected.slope), abs=1e-6)


@pytest.fixture(scope="module")
def rash(frame, y):
    """Two classifiers on an offset twice too sure, one calibrated, one not, and a day neither has seen."""
    X = frame[["frequency"]].assign(sure=2 * frame["pace"])
    stamps = X.index.get_level_values("as_of")
    past = stamps < stamps.max()
    fitted = [
        ChurnClassifier(horizon=HORIZON, calibration=tried).fit(X[past], y[past], "sure") for tried in (True, False)
    ]
    return (*fitted, X[~past], y[~past])


def test_a_rash_model_is_calmed_and_gains_on_a_day_it_has_not_seen(rash):
    calm, plain, X, y = rash
    assert calm.calibration_.slope == pytest.approx(0.5, abs=0.1)
    assert calm.text_ == plain.text_
    assert log_loss(y, calm.predict_proba(X)[:, 1]) < 0.97 * log_loss(y, plain.predict_proba(X)[:, 1])
    assert np.array_equal(np.argsort(calm.predict_proba(X)[:, 1]), np.argsort(plain.predict_proba(X)[:, 1]))


def test_margin_and_reasons_are_those_before_calibration(rash):
    calm, plain, X, _ = rash
    assert np.array_equal(calm.margin(X), plain.margin(X))
    assert np.abs(calm.family_contributions(X).sum(axis=1) - calm.margin(X)).max() < 1e-9
    line = calm.calibration_
    assert calm.predict_proba(X)[:, 1] == pytest.approx(expit(line.intercept + line.slope * calm.margin(X)))


def test_the_likelier_class_is_likelier_after_calibration(rash):
    calm, _, X, _ = rash
    assert np.array_equal(calm.predict(X), calm.predict_proba(X)[:, 1] > 0.5)


def test_it_is_saved_and_loaded(rash, tmp_path):
    calm, _, X, _ = rash
    calm.save(tmp_path)
    loaded = ChurnClassifier.load(tmp_path)
    assert loaded.calibration_ == calm.calibration_
    assert np.array_equal(loaded.predict_proba(X), calm.predict_proba(X))
    # a bundle from before there was a calibration
    content = json.loads((tmp_path / "churn.json").read_text())
    del content["calibration"]
    older = ChurnClassifier.from_dict(content, calm.text_)
    assert older.predict_proba(X)[:, 1] == pytest.approx(expit(calm.margin(X)))


def test_without_two_days_held_out_nothing_is_tried(X, y, rash):
    assert rash[1].calibration_ == Calibration()
    stamps = X.index.get_level_values("as_of")
    two = stamps >= sorted(set(stamps))[-2]
    assert ChurnClassifier(horizon=HORIZON).fit(X[two], y[two]).calibration_ == Calibration()
    assert ChurnClassifier().fit(X, y).calibration_.reason == "not tried"
