import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from patron._core.errors import DataError
from patron.metrics import coverage, pinball, randomised_pit

AMOUNT = st.integers(0, 12).map(lambda k: k / 4)
SAMPLES = st.lists(st.tuples(AMOUNT, AMOUNT), min_size=1, max_size=40)
FEW = settings(max_examples=40, deadline=None)


@pytest.mark.property
@FEW
@given(SAMPLES, st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
def test_pinball_agrees_with_scikit_learn_and_a_weight_is_a_number_of_rows(sample, q, seed):
    y, z = np.array(sample).T
    w = np.random.default_rng(seed).integers(1, 4, (2, len(y)))
    assert pinball(y, z, q) == pytest.approx(mean_pinball_loss(y, z, alpha=q), abs=1e-12)
    for row, of_row, held in zip(w, pinball(y, z, q, w), coverage(y, 0, z, w), strict=True):
        many_y, many_z = np.repeat(y, row), np.repeat(z, row)
        assert of_row == pytest.approx(pinball(many_y, many_z, q), abs=1e-12)
        assert held == pytest.approx(coverage(many_y, 0, many_z), abs=1e-12)


@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
def test_the_true_quantile_has_the_lowest_pinball_loss(q):
    y = np.random.default_rng(0).gamma(0.5, 20.0, 20_000)
    true = stats.gamma(0.5, scale=20.0).ppf(q)
    at = [pinball(y, np.full(len(y), z), q) for z in (0.8 * true, true, 1.25 * true)]
    assert at[1] == min(at)


def test_coverage_counts_both_ends():
    assert coverage([1, 2, 3, 4], 2, 3) == 0.5
    assert np.isnan(coverage([], 0, 1))


def test_the_randomised_pit_of_the_true_distribution_is_uniform_though_most_spend_nothing():
    random = np.random.default_rng(1)
    true = stats.poisson(0.4)
    y = true.rvs(5_000, random_state=random)
    pit = randomised_pit(true.cdf(y - 1), true.cdf(y), random.uniform(size=len(y)))
    assert stats.kstest(pit, "uniform").pvalue > 0.01
    assert stats.kstest(true.cdf(y), "uniform").pvalue < 1e-9


def test_trap_17_an_interval_from_nothing_seems_to_cover_where_the_pit_shows_it_does_not():
    y = np.append(np.zeros(880), np.full(120, 50.0))
    assert coverage(y, 0, 15) == 0.88
    pit = randomised_pit(np.where(y > 0, 1.0, 0.0), np.ones(1_000), np.linspace(0, 1, 1_000))
    assert coverage(pit, 0.05, 0.95) < 0.85


@pytest.mark.parametrize("q", [0, 1, -0.5, float("nan")])
def test_a_level_that_is_none_is_refused(q):
    with pytest.raises(DataError, match="between 0 and 1"):
        pinball([1], [1], q)
