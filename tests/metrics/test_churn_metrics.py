import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from patron._core.errors import DataError
from patron.metrics import CHURN_METRICS, auc, brier, ece, ece_excess, gini, lift_10, log_loss, pr_auc

PROBABILITY = st.integers(0, 20).map(lambda k: k / 20)  # coarse on purpose: ties
SAMPLES = st.lists(st.tuples(st.integers(0, 1), PROBABILITY), min_size=2, max_size=60)
FEW = settings(max_examples=40, deadline=None)
RANKING = ["auc", "pr_auc", "lift_10"]


def two_classes(sample):
    y, p = np.array(sample, dtype=float).T
    y[:2] = 0, 1
    return y, p


def made(n, seed=0, ties=False):
    random = np.random.default_rng(seed)
    p = random.beta(2, 1, n)
    if ties:
        p = p.round(1)
    return (random.uniform(size=n) < p).astype(float), p


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(auc, sk.roc_auc_score), (pr_auc, sk.average_precision_score), (brier, sk.brier_score_loss)],
)
def test_agrees_with_scikit_learn(ours, theirs, ties):
    y, p = made(3_000, ties=ties)
    assert ours(y, p) == pytest.approx(theirs(y, p), abs=1e-13)


def test_log_loss_agrees_with_scikit_learn_where_nothing_is_clipped():
    y, p = made(3_000)
    assert log_loss(y, p) == pytest.approx(sk.log_loss(y, p), abs=1e-13)


def test_a_wrong_certainty_costs_the_clipped_log_loss():
    assert log_loss([1, 1], [0, 0]) == pytest.approx(-np.log(1e-6))
    assert log_loss([0], [1]) == pytest.approx(-np.log(1e-6))


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_the_ranking_metrics_agree_with_scikit_learn_on_ties(sample):
    y, p = two_classes(sample)
    assert auc(y, p) == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)
    assert pr_auc(y, p) == pytest.approx(sk.average_precision_score(y, p), abs=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_ranking_is_blind_to_a_rising_map_and_auc_mirrors_a_falling_one(sample):
    y, p = two_classes(sample)
    for name in RANKING:
        metric = CHURN_METRICS[name].function
        assert metric(y, np.exp(3 * p) - 7) == metric(y, p)
    assert auc(y, -p) == pytest.approx(1 - auc(y, p), abs=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_auc_is_the_gini_of_labels(sample):
    y, p = two_classes(sample)
    assert gini(y, p) == pytest.approx(2 * auc(y, p) - 1, abs=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES)
def test_brier_is_reliability_minus_resolution_plus_uncertainty(sample):
    y, p = two_classes(sample)
    levels, group = np.unique(p, return_inverse=True)
    n = np.bincount(group)
    rate = np.bincount(group, y) / n
    reliability, resolution = n @ (levels - rate) ** 2, n @ (rate - y.mean()) ** 2
    murphy = (reliability - resolution) / len(y) + y.mean() * (1 - y.mean())
    assert brier(y, p) == pytest.approx(murphy, abs=1e-12)


@pytest.mark.property
@FEW
@given(SAMPLES, st.integers(0, 2**32 - 1))
def test_a_weight_is_a_number_of_rows(sample, seed):
    y, p = two_classes(sample)
    counts = np.random.default_rng(seed).poisson(1.0, (3, len(y)))
    for name, metric in CHURN_METRICS.items():
        batch = metric.function(y, p, counts)
        for row, value in zip(counts, batch, strict=True):
            repeated = metric.function(np.repeat(y, row), np.repeat(p, row))
            np.testing.assert_allclose(value, repeated, atol=1e-12, err_msg=name)
            np.testing.assert_allclose(metric.function(y, p, row), repeated, atol=1e-12, err_msg=name)


@pytest.mark.property
@FEW
@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(sample, random):
    y, p = two_classes(sample)
    shuffled = list(range(len(y)))
    random.shuffle(shuffled)
    for name, metric in CHURN_METRICS.items():
        np.testing.assert_allclose(
            metric.function(y[shuffled], p[shuffled]), metric.function(y, p), atol=1e-12, err_msg=name
        )


def test_a_constant_prediction_ranks_nobody():
    y, _ = made(1_001)
    p = np.full(len(y), 0.3)
    assert auc(y, p) == 0.5
    assert pr_auc(y, p) == pytest.approx(y.mean())
    assert lift_10(y, p) == pytest.approx(1.0)
    assert ece(y, p) == pytest.approx(abs(y.mean() - 0.3))


def test_ece_of_twenty_customers_by_hand():
    p = np.linspace(0.05, 1.0, 20)  # bins of two: means .075, .175, ... .975
    y = np.repeat([0, 1], 10)
    means = np.linspace(0.075, 0.975, 10)
    assert ece(y, p) == pytest.approx(np.abs(np.repeat([0, 1], 5) - means).mean())


def test_lift_by_hand():
    y = np.array([1, 1, 0, 0] + [0] * 15 + [1])
    p = np.array([0.9, 0.8, 0.8, 0.7] + [0.1] * 16)
    # the top two of twenty: the first, and half of the tie at .8, of which half churned
    assert lift_10(y, p) == pytest.approx((1 + 0.5) / 2 / (3 / 20))


@pytest.mark.parametrize("concentration", [0.5, 5, 50])
def test_the_ece_of_a_calibrated_model_has_no_excess(concentration):
    random = np.random.default_rng(7)
    n = 2_464
    p = random.beta(0.2 * concentration, 0.8 * concentration, n)
    excess = np.array([ece_excess(labels, p) for labels in random.uniform(size=(200, n)) < p])
    assert excess.mean() == pytest.approx(0, abs=4 * excess.std() / np.sqrt(200))


def test_a_calibrated_model_of_2464_customers_has_an_ece_of_about_014():
    # probabilities as for 28 days of grocery shopping: 18 % churn, most near 0, a few near 1
    random = np.random.default_rng(0)
    p = random.beta(0.18 * 2, 0.82 * 2, 2_464)
    raw = [ece(random.uniform(size=len(p)) < p, p) for _ in range(50)]
    assert np.mean(raw) == pytest.approx(0.014, abs=0.002)


def test_the_expected_ece_of_a_constant_is_that_of_one_bin():
    random = np.random.default_rng(3)
    p = np.full(500, 0.2)
    excess = [ece_excess(random.uniform(size=500) < 0.2, p) for _ in range(1_000)]
    assert np.mean(excess) == pytest.approx(0, abs=4 * np.std(excess) / np.sqrt(1_000))


def test_a_miscalibrated_model_shows_its_excess():
    random = np.random.default_rng(1)
    p = random.uniform(0.1, 0.5, 20_000)
    y = random.uniform(size=len(p)) < p + 0.2
    assert ece_excess(y, p) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("name", CHURN_METRICS)
def test_no_customers_give_nan(name):
    metric = CHURN_METRICS[name].function
    assert np.isnan(metric([], []))
    assert np.isnan(metric([1, 0], [0.4, 0.2], [0, 0]))


@pytest.mark.parametrize("name", RANKING)
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_cannot_be_ranked(name, label):
    assert np.isnan(CHURN_METRICS[name].function([label] * 3, [0.1, 0.2, 0.3]))


@pytest.mark.parametrize("name", ["brier", "log_loss", "ece"])
def test_one_class_only_can_be_scored(name):
    assert CHURN_METRICS[name].function([1] * 3, [1.0] * 3) == pytest.approx(0, abs=2e-6)


@pytest.mark.parametrize("name", CHURN_METRICS)
@pytest.mark.parametrize(
    ("actual", "predicted", "weights", "words"),
    [
        ([0, 1], [0.5], None, "actual has 2 values and predicted 1"),
        ([0, 1], [0.5, np.nan], None, "column 'predicted': missing or infinite"),
        ([0, np.inf], [0.5, 0.5], None, "column 'actual': missing or infinite"),
        ([0, 2], [0.5, 0.5], None, "a churn label is 0 or 1"),
        ([[0, 1]], [[0.5, 0.5]], None, "an array of shape"),
        ([0, 1], ["a", "b"], None, "column 'predicted': not numbers"),
        ([0, 1], [0.5, 0.5], [1], "weights of shape"),
        ([0, 1], [0.5, 0.5], [1, -1], "counts: 0 or more"),
        ([0, 1], [0.5, 0.5], [1, np.nan], "counts: 0 or more"),
    ],
)
def test_bad_input_is_refused_in_words(name, actual, predicted, weights, words):
    with pytest.raises(DataError, match=words):
        CHURN_METRICS[name].function(actual, predicted, weights)


@pytest.mark.parametrize("name", ["brier", "log_loss", "ece", "ece_excess"])
def test_what_is_not_a_probability_is_refused(name):
    with pytest.raises(DataError, match="between 0 and 1"):
        CHURN_METRICS[name].function([0, 1], [0.5, 1.2])
