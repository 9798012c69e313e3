import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from patron._core.errors import DataError, FitError
from patron.metrics import coverage
from patron.value.spread import LEVELS, Spread

FEW = settings(max_examples=30, deadline=None)
Q = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


def truth(predicted):
    """P(nothing) falls and the scale of the others' amount, gamma of shape 2, rises with the prediction."""
    silent = np.exp(-predicted / 30)
    return silent, predicted / 2 / (1 - silent)


def made(n, seed, luck=1.0):
    random = np.random.default_rng(seed)
    predicted = random.gamma(1.5, 20.0, n)
    silent, scale = truth(predicted)
    return predicted, np.where(random.uniform(size=n) >= silent, luck * random.gamma(2.0, scale), 0.0)


@pytest.fixture(scope="module")
def spread():
    return Spread.fit(*made(20_000, 0))


@pytest.mark.simulation
def test_the_quantiles_are_those_of_the_process(spread):
    predicted = np.array([5.0, 15.0, 30.0, 60.0, 90.0])
    silent, scale = truth(predicted)
    for q, found in zip(Q, spread.quantiles(predicted, Q).T, strict=True):
        reached = silent + (1 - silent) * stats.gamma(2.0, scale=scale).cdf(found)
        np.testing.assert_allclose(reached, np.maximum(q, silent), atol=0.035)


@pytest.mark.simulation
def test_the_pit_of_other_customers_is_uniform_overall_and_where_most_is_spent(spread):
    predicted, actual = made(5_000, 1)
    pit = spread.pit(predicted, actual, np.random.default_rng(2).uniform(size=5_000))
    assert stats.kstest(pit, "uniform").pvalue > 0.01
    best = predicted >= np.quantile(predicted, 0.9)
    assert coverage(pit[best], 0.05, 0.95) == pytest.approx(0.9, abs=0.04)
    late = spread.pit(predicted, 2 * actual, np.random.default_rng(2).uniform(size=5_000))
    assert coverage(late, 0.05, 0.95) < 0.8


@pytest.mark.property
@FEW
@given(st.lists(st.floats(0, 5_000), min_size=1, max_size=20))
def test_a_customer_alone_gets_what_the_base_gives_and_quantiles_rise(spread, predicted):
    together = spread.quantiles(predicted, LEVELS)
    for value, row in zip(predicted, together, strict=True):
        assert (spread.quantiles([value], LEVELS)[0] == row).all()
        assert (np.diff(row) >= 0).all()
        assert row[0] == 0
    assert (spread.quantiles(predicted, 0.5) == spread.quantiles(predicted, [0.5])[:, 0]).all()


@pytest.mark.property
@FEW
@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0.02, 0.98)), min_size=1, max_size=20))
def test_the_pit_undoes_the_quantile(spread, rows):
    predicted, q = np.array(rows).T
    spent = np.array([spread.quantiles([p], level)[0] for p, level in rows])
    pit = spread.pit(predicted, spent, np.zeros(len(rows)))
    np.testing.assert_allclose(pit[spent > 0], q[spent > 0], atol=1e-9)
    assert (pit[spent == 0] == 0).all()
    assert (q[spent == 0] <= spread.pit(predicted, 0 * spent, np.ones(len(rows)))[spent == 0]).all()


@pytest.mark.property
@FEW
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_and_the_currency_do_not_matter(seed):
    predicted, actual = made(500, seed)
    predicted = predicted.round(-1)  # many equal predictions, some of them 0
    order = np.random.default_rng(seed).permutation(500)
    one = Spread.fit(predicted, actual)
    other = Spread.fit(predicted[order], actual[order])
    abroad = Spread.fit(100 * predicted, 100 * actual)
    assert (np.diff(one.knots) > 0).all()
    at = np.array([0.0, 10.0, 33.0, 500.0])
    np.testing.assert_allclose(other.quantiles(at, Q), one.quantiles(at, Q), rtol=1e-9)
    np.testing.assert_allclose(abroad.quantiles(100 * at, Q), 100 * one.quantiles(at, Q), rtol=1e-9, atol=1e-9)


def test_equal_predictions_are_never_parted():
    predicted = np.repeat([0.0, 10.0], [900, 100])
    actual = np.append(np.tile([0.0, 0.0, 0.0, 0.0, 8.0], 180), np.tile([40.0, 60.0], 50))
    spread = Spread.fit(predicted, actual)
    np.testing.assert_allclose(spread.silent[[0, -1]], [0.8, 0.0])
    np.testing.assert_allclose(spread.quantiles([0.0, 10.0], 0.9), [8.0, 60.0])
    np.testing.assert_allclose(spread.quantiles([0.0, 10.0], 0.2), [0.0, 40.0])


def test_a_neighbourhood_where_nobody_spends_and_a_handful_of_customers_are_no_trouble():
    predicted = np.linspace(1, 100, 1_000)
    silent_half = Spread.fit(predicted, np.where(predicted > 50, predicted, 0.0))
    assert silent_half.quantiles([1.0, 20.0, 90.0], 0.99).round().tolist() == [0.0, 0.0, 90.0]
    assert Spread.fit([1.0, 2.0, 3.0], [0.0, 4.0, 2.0]).quantiles([2.0], 1.0)[0] > 0
    assert len(Spread.fit([1.0], [2.0]).knots) == 1


def test_it_is_json_and_comes_back_the_same(spread):
    back = Spread.from_dict(json.loads(json.dumps(spread.to_dict())))
    at = [0.0, 12.0, 400.0]
    assert (back.quantiles(at, Q) == spread.quantiles(at, Q)).all()
    assert back.total(at) == spread.total(at)


@pytest.mark.simulation
def test_the_total_holds_as_often_as_it_says_where_whole_days_are_lucky_together():
    random = np.random.default_rng(5)
    held = []
    for trial in range(150):
        luck = np.exp(random.normal(0, 0.1, 6))
        past = [made(400, 100 * trial + k, luck[k]) for k in range(5)]
        predicted, actual = (np.concatenate(column) for column in zip(*past, strict=True))
        spread = Spread.fit(predicted, actual, np.repeat(np.arange(5), 400))
        today, came = made(400, 100 * trial + 5, luck[5])
        low, high = spread.total(today, 0.9)
        held.append(low <= came.sum() <= high)
    assert np.mean(held) == pytest.approx(0.9, abs=0.08)


def test_more_days_that_agree_narrow_the_total_and_days_that_disagree_widen_it():
    predicted, actual = made(6_000, 7)
    days = np.repeat(np.arange(6), 1_000)
    swinging = actual * np.where(days % 2, 1.5, 0.6)

    def width(*past):
        low, high = Spread.fit(*past).total(predicted)
        assert low < predicted.sum() < high
        return (high - low) / predicted.sum()

    assert width(predicted, actual, days) < width(predicted, actual) < width(predicted, swinging, days)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(DataError, match="no predictions"):
        Spread.fit([], [])
    with pytest.raises(DataError, match="0 or more"):
        Spread.fit([-1.0, 2.0], [1.0, 1.0])
    with pytest.raises(DataError, match="2 days for 1 pred"):
        Spread.fit([1.0], [1.0], [1, 2])
    with pytest.raises(FitError, match="nobody spends"):
        Spread.fit([1.0, 2.0], [0.0, 0.0])
    with pytest.raises(FitError, match="nobody spends"):
        Spread.fit([1.0, 2.0], [1.0, 0.0], [1, 2])


def test_what_cannot_be_asked_is_refused(spread):
    for wrong in ([-1.0], [np.nan], ["much"]):
        with pytest.raises(DataError, match="predicted"):
            spread.quantiles(wrong, 0.5)
    with pytest.raises(DataError, match="between 0 and 1"):
        spread.quantiles([1.0], [0.5, 1.5])
    with pytest.raises(DataError, match="between 0 and 1"):
        spread.total([1.0], 90)
