import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from patron._core.errors import DataError
from patron.metrics import METRICS, VALUE_METRICS, bias, decile_wape, gini, mae, rmse, rmse_no_top, spearman

AMOUNT = st.integers(0, 12).map(lambda k: k / 4)  # coarse on purpose: ties, and many who spend nothing
SAMPLES = st.lists(st.tuples(AMOUNT, AMOUNT), min_size=3, max_size=60)
FEW = settings(max_examples=40, deadline=None)


def spread(sample):
    y, p = np.array(sample, dtype=float).T
    y[:3], p[:3] = (0, 1, 2), (1, 0, 2)
    return y, p


def made(n, seed=0):
    random = np.random.default_rng(seed)
    p = random.gamma(2.0, 10.0, n).round(1)
    return (random.gamma(1.0, p) * (random.uniform(size=n) < 0.4)).round(2), p


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (mae, sk.mean_absolute_error),
        (rmse, sk.root_mean_squared_error),
        (spearman, lambda y, p: stats.spearmanr(y, p).statistic),
        (bias, lambda y, p: p.sum() / y.sum()),
        (rmse_no_top, lambda y, p: sk.root_mean_squared_error(*(a[np.argsort(y)[:-3]] for a in (y, p)))),
    ],
)
def test_agrees_with_an_independent_computation(ours, theirs):
    y, p = made(2_500)  # .1 % of it, rounded up: three
    assert ours(y, p) == pytest.approx(theirs(y, p), rel=1e-12)


def test_gini_is_a_ratio_of_areas_under_lorenz_curves():
    y, p = made(2_000)
    p = p + np.linspace(0, 1e-3, len(p))  # no ties in the prediction
    area = {}
    for name, along in (("predicted", p), ("actual", y)):
        curve = np.concatenate([[0], np.cumsum(y[np.argsort(along, kind="stable")])]) / y.sum()
        area[name] = 0.5 - np.trapezoid(curve, dx=1 / len(y))
    assert gini(y, p) == pytest.approx(area["predicted"] / area["actual"], rel=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_spearman_agrees_with_scipy_on_ties(sample):
    y, p = spread(sample)
    assert spearman(y, p) == pytest.approx(stats.spearmanr(y, p).statistic, abs=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_ranking_is_blind_to_a_rising_map_and_mirrors_a_falling_one(sample):
    y, p = spread(sample)
    for metric in (gini, spearman):
        assert metric(y, np.expm1(p)) == metric(y, p)
        assert metric(y, -p) == pytest.approx(-metric(y, p), abs=1e-12)
    assert gini(y, y) == 1.0
    assert gini(y, p) <= 1 + 1e-12


@pytest.mark.property
@FEW
@given(SAMPLES, st.floats(0.1, 10))
def test_money_in_another_currency_changes_no_ratio_and_scales_every_error(sample, rate):
    y, p = spread(sample)
    for metric in (bias, gini, spearman, decile_wape):
        assert metric(rate * y, rate * p) == pytest.approx(metric(y, p), abs=1e-9)
    for metric in (mae, rmse, rmse_no_top):
        assert metric(rate * y, rate * p) == pytest.approx(rate * metric(y, p), rel=1e-9)
    assert bias(y, rate * p) == pytest.approx(rate * bias(y, p))


@pytest.mark.property
@FEW
@given(SAMPLES, st.integers(0, 2**32 - 1))
def test_a_weight_is_a_number_of_rows(sample, seed):
    y, p = spread(sample)
    counts = np.random.default_rng(seed).poisson(1.0, (3, len(y)))
    for name, metric in VALUE_METRICS.items():
        batch = metric.function(y, p, counts)
        for row, value in zip(counts, batch, strict=True):
            repeated = metric.function(np.repeat(y, row), np.repeat(p, row))
            np.testing.assert_allclose(value, repeated, atol=1e-12, err_msg=name)
            np.testing.assert_allclose(metric.function(y, p, row), repeated, atol=1e-12, err_msg=name)


@pytest.mark.property
@FEW
@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(sample, random):
    y, p = spread(sample)
    shuffled = list(range(len(y)))
    random.shuffle(shuffled)
    for name, metric in VALUE_METRICS.items():
        np.testing.assert_allclose(
            metric.function(y[shuffled], p[shuffled]), metric.function(y, p), atol=1e-12, err_msg=name
        )


def test_a_constant_prediction_has_no_order():
    y, _ = made(1_001)
    p = np.full(len(y), 9.7)
    assert gini(y, p) == 0.0
    assert np.isnan(spearman(y, p))
    assert decile_wape(y, p) == pytest.approx(abs(y.sum() - p.sum()) / y.sum())


def test_decile_wape_by_hand():
    p = np.arange(1.0, 21)  # pairs: 3, 7, ... 39
    y = p.copy()
    y[[0, 1]] = 0, 3  # the errors of a pair cancel
    y[19] = 30
    assert decile_wape(y, p) == pytest.approx(10 / y.sum())


@pytest.mark.parametrize(("customers", "left_out"), [(1_000, 1), (1_001, 2), (23_570, 24)])
def test_the_top_is_a_thousandth_rounded_up(customers, left_out):
    y = np.arange(float(customers))
    wrong = y.copy()
    wrong[-left_out:] += 1_000
    assert rmse_no_top(y, wrong) == 0
    wrong[-left_out - 1] += 1
    assert rmse_no_top(y, wrong) > 0


def test_of_customers_who_tie_for_the_top_each_is_left_out_in_part():
    # one of two who spent 9 is left out: half of each one's squared error stays
    assert rmse_no_top([0, 9, 9], [0, 9, 11]) == pytest.approx(np.sqrt((0 + (0 + 4) / 2) / 2))


@pytest.mark.parametrize("name", VALUE_METRICS)
def test_no_customers_give_nan(name):
    metric = VALUE_METRICS[name].function
    assert np.isnan(metric([], []))
    assert np.isnan(metric([1, 0], [0.4, 0.2], [0, 0]))


def test_where_nothing_was_spent_the_errors_exist_and_the_ratios_do_not():
    values = {name: metric.function([0, 0, 0], [1, 2, 3]) for name, metric in VALUE_METRICS.items()}
    assert {name for name, value in values.items() if np.isnan(value)} == {"bias", "gini", "spearman", "decile_wape"}


def test_a_single_customer_is_the_top_one():
    assert np.isnan(rmse_no_top([5], [5]))


@pytest.mark.parametrize("name", VALUE_METRICS)
@pytest.mark.parametrize(
    ("actual", "predicted", "words"),
    [([0, 1], [1], "actual has 2"), ([0, 1], [1, np.nan], "'predicted': missing"), ([np.inf], [1], "'actual'")],
)
def test_bad_input_is_refused_in_words(name, actual, predicted, words):
    with pytest.raises(DataError, match=words):
        VALUE_METRICS[name].function(actual, predicted)


def test_losses_fall_as_values_get_better():
    better = {"low": (1.0, 2.0), "high": (2.0, 1.0), "one": (1.1, 0.8)}
    for task, metrics in METRICS.items():
        for metric in metrics.values():
            good, bad = better[metric.better]
            assert metric.loss(good) < metric.loss(bad), task


def test_all_metrics_of_23570_customers_take_a_moment():
    y, p = made(23_570)
    start = time.process_time()
    for metric in VALUE_METRICS.values():
        metric.function(y, p)
    assert time.process_time() - start < 0.25  # .02 s alone on the machine; slower neighbours are not a fault
