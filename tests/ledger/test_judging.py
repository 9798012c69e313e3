"""The verdict in simulated worlds: a true model is kept, a shifted one recalibrated, a shuffled one trained anew."""

import numpy as np
import pandas as pd
import pytest

from patron.ledger import Backtested, Prediction, Tolerance, backtested, enough, judge
from patron.metrics import auc

CUSTOMERS, DAYS = 600, 3


def world(seed, *, customers=CUSTOMERS, days=DAYS, told=lambda p, _: p):
    """Churn of customers on overlapping days: what happens to one of them on one day mostly happens on the next."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 2, customers)
    customer = np.tile(np.arange(customers, dtype="uint64"), days)
    luck, came = rng.uniform(size=customers), []
    for _ in range(days):
        luck = np.where(rng.uniform(size=customers) < 0.3, rng.uniform(size=customers), luck)
        came.append((luck < p).astype(float))
    foretold = np.tile(told(p, rng), days)
    day = np.repeat(np.arange(days) * 28, customers)
    return Prediction(customer, day, foretold, np.concatenate(came), np.ones(len(customer)))


@pytest.fixture(scope="module")
def promised():
    sample = world(10_000, customers=20_000, days=1)
    return Backtested(auc(sample.actual, sample.predicted), 0.015)


def verdicts(worlds, promised):
    return [judge(sample, promised=promised).verdict for sample in worlds]


@pytest.mark.simulation
def test_a_true_model_is_kept_but_for_few_false_alarms(promised):
    told = verdicts([world(seed) for seed in range(60)], promised)
    assert told.count("keep") >= 57


@pytest.mark.simulation
@pytest.mark.parametrize("shift", [lambda p, _: p * 0.75, lambda p, _: 1 - (1 - p) * 0.7])
def test_a_model_whose_level_is_off_is_recalibrated_for_its_order_holds(promised, shift):
    told = verdicts([world(seed, told=shift) for seed in range(20)], promised)
    assert told.count("recalibrate") >= 19


@pytest.mark.simulation
def test_probabilities_that_are_too_sure_are_recalibrated_though_their_sum_is_right(promised):
    def too_sure(p, _):
        return np.clip(0.5 + 1.6 * (p - 0.5), 0, 1)

    told = [judge(world(seed, customers=2_000, told=too_sure), promised=promised) for seed in range(10)]
    assert [one.verdict for one in told].count("recalibrate") >= 9
    assert "off on average" in told[0].reason


@pytest.mark.simulation
def test_a_model_that_orders_at_random_is_trained_anew(promised):
    told = verdicts([world(seed, told=lambda p, rng: rng.permutation(p)) for seed in range(20)], promised)
    assert told == ["retrain"] * 20


def test_noise_alone_is_no_reason_however_far_off():
    sample = world(1, customers=120, days=1)
    few = judge(sample, promised=Backtested(auc(sample.actual, sample.predicted) + 0.05, 0.05))
    assert few.verdict == "keep"


def test_what_is_beyond_noise_but_within_the_tolerance_is_kept(promised):
    sample = world(2, customers=50_000, days=1, told=lambda p, _: p * 0.95)
    assert judge(sample, promised=promised).verdict == "keep"
    strict = judge(sample, promised=promised, tolerance=Tolerance(bias=0.01))
    assert strict.verdict == "recalibrate"
    assert "0.9" in strict.reason


def test_revenue_that_did_not_come_asks_for_recalibration(promised):
    churn = world(3)
    spend = np.random.default_rng(3).gamma(2, 10, CUSTOMERS)
    ones = np.ones(CUSTOMERS)
    value = Prediction(np.arange(CUSTOMERS, dtype="uint64"), ones, 1.5 * np.full(CUSTOMERS, 20.0), spend, ones)
    told = judge(churn, value, promised)
    assert told.verdict == "recalibrate"
    assert "revenue predicted / happened 1.4" in told.reason


def test_scores_that_drifted_are_trained_anew_and_a_fallen_auc_is_said_first(promised):
    assert judge(world(4), promised=promised, drifted="scores drifted").reason == "scores drifted"
    shuffled = world(4, told=lambda p, rng: rng.permutation(p))
    assert judge(shuffled, promised=promised, drifted="scores drifted").reason.startswith("AUC")


def test_too_few_customers_or_churners_are_not_judged():
    assert enough(world(5))
    assert not enough(world(5, customers=99))
    none = world(5)
    assert not enough(Prediction(none.customer, none.day, none.predicted, np.zeros(len(none)), none.weight))


def test_the_backtest_s_auc_tells_how_its_days_differ():
    board = pd.DataFrame({
        "task": "churn", "recipe": ["stack", "stack", "overdue"], "as_of": ["1998-02-28", "1998-03-31", "1998-03-31"],
        "population": "all", "metric": "auc", "value": [0.80, 0.76, 0.9], "low": [0.78, 0.74, 0.9],
        "high": [0.82, 0.78, 0.9]})  # fmt: skip
    found = backtested(board, "stack")
    assert found.auc == pytest.approx(0.78)
    assert found.error == pytest.approx(np.hypot(0.02 / 1.96, 0.04 / np.sqrt(2)), rel=1e-3)
    assert backtested(board, "lightgbm") is None
