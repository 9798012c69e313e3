import numpy as np
import pytest

from patron.evaluation import bootstrap as module
from patron.evaluation.bootstrap import Sample, bootstrap, interval
from patron.metrics import CHURN_METRICS, METRICS, VALUE_METRICS, auc, brier, gini, mae


def churned(n, seed, noise=0.0):
    random = np.random.default_rng(seed)
    p = random.beta(2, 1, n)
    y = (random.uniform(size=n) < p).astype(float)
    return Sample(np.arange(n), y, np.clip(p + noise * random.normal(size=n), 0, 1))


def spent(n, seed):
    random = np.random.default_rng(seed)
    p = random.gamma(2.0, 10.0, n)
    return Sample(np.arange(n), random.gamma(1.0, p) * (random.uniform(size=n) < 0.4), p)


@pytest.mark.parametrize("task", METRICS)
def test_the_interval_holds_the_value_of_every_metric_that_has_one(task):
    sample = churned(800, seed=1) if task == "churn" else spent(800, seed=1)
    metrics = [metric for metric in METRICS[task].values() if metric.interval]
    replicates = bootstrap([sample], [metric.function for metric in metrics])[0]
    for metric, values in zip(metrics, replicates, strict=True):
        low, high = interval(values)
        assert low < metric.function(sample.actual, sample.predicted) < high, metric.label


@pytest.mark.simulation
def test_the_interval_covers_the_truth_95_times_of_100():
    metrics = [auc, brier]
    truth = [metric(*churned(400_000, seed=0)[1:]) for metric in metrics]
    trials = 200
    replicates = bootstrap([churned(150, seed) for seed in range(1, trials + 1)], metrics)
    for values, true in zip(replicates.swapaxes(0, 1), truth, strict=True):
        bounds = np.array([interval(row) for row in values])
        held = (bounds[:, 0] <= true) & (true <= bounds[:, 1])
        assert held.mean() == pytest.approx(0.95, abs=0.046)  # 3 standard errors


def test_more_dates_of_the_same_customers_are_not_more_customers():
    sample = churned(500, seed=2)
    one, thrice = (bootstrap([sample] * dates, [brier]).mean(axis=0)[0] for dates in (1, 3))
    np.testing.assert_allclose(one, thrice)
    stacked = Sample(*(np.tile(column, 3) for column in sample))
    np.testing.assert_allclose(bootstrap([stacked], [brier])[0, 0], one)
    strangers = Sample(np.arange(1_500), stacked.actual, stacked.predicted)
    assert bootstrap([strangers], [brier]).std() < 0.7 * one.std()


def test_a_pair_of_recipes_is_resampled_together():
    first, same = churned(500, seed=3), churned(500, seed=3)
    other = first._replace(predicted=np.clip(first.predicted + 0.01, 0, 1))
    values = bootstrap([first, same, other], [brier])[:, 0]
    assert (values[0] == values[1]).all()
    assert (values[2] - values[0]).std() < 0.2 * values[0].std()


def test_counts_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch):
    samples = [spent(100, seed=4)]
    whole = bootstrap(samples, [mae, gini])
    monkeypatch.setattr(module, "BLOCK", 700)
    np.testing.assert_array_equal(bootstrap(samples, [mae, gini]), whole)


def test_a_seed_repeats_and_another_does_not():
    sample = [churned(50, seed=5)]
    assert (bootstrap(sample, [brier], seed=1) == bootstrap(sample, [brier], seed=1)).all()
    assert (bootstrap(sample, [brier], seed=1) != bootstrap(sample, [brier], seed=2)).any()


def test_an_empty_sample_and_no_sample_have_no_interval():
    nobody = Sample(np.array([], dtype=int), np.array([]), np.array([]))
    assert np.isnan(bootstrap([nobody], [brier])).all()
    assert bootstrap([], [brier]).shape == (0, 1, 200)


def test_a_metric_that_exists_in_few_replicates_has_no_interval():
    values = np.full(200, np.nan)
    assert np.isnan(interval(values)).all()
    values[:99] = np.linspace(0, 1, 99)
    assert np.isnan(interval(values)).all()
    values[99] = 0.5
    assert interval(values) == pytest.approx((0.025, 0.975), abs=0.02)


def test_metrics_without_an_interval_are_those_that_resampling_pushes_up():
    without = {name for metrics in METRICS.values() for name, metric in metrics.items() if not metric.interval}
    assert without == {"ece", "ece_excess", "decile_wape"}
    sample = churned(2_000, seed=6)
    pushed = bootstrap([sample], [CHURN_METRICS["ece"].function])
    assert pushed.mean() > CHURN_METRICS["ece"].function(sample.actual, sample.predicted)
    paid = spent(2_000, seed=6)
    pushed = bootstrap([paid], [VALUE_METRICS["decile_wape"].function])
    assert pushed.mean() > VALUE_METRICS["decile_wape"].function(paid.actual, paid.predicted)
