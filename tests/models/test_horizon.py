"""The horizon engine: tables of logarithms that know only their own cells, and integrals over any stretch."""

from __future__ import annotations

import numpy as np
import pytest

from patron.models.maths import beta_rate
from patron.models.maths.beta_rate import log_beta_mean
from patron.models.maths.horizon import LogTable, log_purchases


def test_a_table_is_right_to_13_digits_where_its_function_bends():
    def log_f(x, z):
        return (x + 0.3) * np.log1p(np.exp(z)) - np.log1p(x * np.exp(-z))

    rng = np.random.default_rng(1)
    x, z = rng.integers(0, 40, 5000), rng.uniform(-6, 12, 5000)
    assert LogTable(log_f)(x, z) == pytest.approx(log_f(x, z), rel=1e-13, abs=1e-13)


def test_a_tables_values_do_not_depend_on_what_else_is_asked():
    def log_f(x, z):
        return np.log1p(x + np.exp(z))

    x, z = np.array([3, 90_000, 3, 5]), np.array([-0.5, 7.3, 0.5, 2.2])
    table = LogTable(log_f)
    assert table(x, z).tolist() == [table(x[i : i + 1], z[i : i + 1])[0] for i in range(4)]


class Fading:
    """v = exp(-k u) with k = 1 / (x + 1): its integrals are elementary."""

    fine = None

    def log_fading(self, u, x, age):
        return -u / (x + 1) + 0 * age

    def scale(self, x, age):
        return (x + 1) * np.ones_like(age)


@pytest.mark.parametrize(("start", "end", "discount"), [(0, 3, 0), (2, 5, 0), (0, 3, 0.7), (1, np.inf, 0.3)])
def test_the_engine_integrates_any_weight(start, end, discount):
    x, age = np.array([0, 1, 4]), np.array([1.0, 20.0, 300.0])
    k = 1 / (x + 1) + discount
    exact = (np.exp(-k * start) - np.exp(-k * end)) / k
    assert np.exp(log_purchases(Fading(), x, age, start, end, discount))[0] == pytest.approx(exact, rel=1e-11)


def test_several_discounts_share_one_table_and_change_no_bit():
    x, age = np.array([0, 1, 4]), np.array([1.0, 20.0, 300.0])
    together = log_purchases(Fading(), x, age, 0, 3, 0.0, 0.7)
    alone = [log_purchases(Fading(), x, age, 0, 3, discount)[0] for discount in (0.0, 0.7)]
    assert together.tolist() == [values.tolist() for values in alone]


@pytest.mark.parametrize("w", [0.0, 1e-6, 0.4, 30.0, 5000.0])
@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 40.0])
def test_a_mean_over_a_beta_has_its_elementary_values(a, w):
    """E[(1+pw)**-(a+b)] for p ~ Beta(a, b) is (1+w)**-a, however near the singularities of the integrand lie."""
    shapes = np.array([0.01, 0.5, 3.0, 900.0])
    assert log_beta_mean(a, shapes, a + shapes, np.array(w)) == pytest.approx(-a * np.log1p(w), rel=1e-12, abs=1e-12)


def test_a_mean_over_a_beta_is_the_same_by_series_and_by_integral_whatever_stands_beside():
    rng = np.random.default_rng(1)
    a, b, r = 10 ** rng.uniform([[-3], [-3], [-3]], [[1.5], [2], [1.5]], (3, 2_000))
    x = np.floor(10 ** rng.uniform(-1, 4, 2_000))
    columns = a, b + x, r + x, 10 ** rng.uniform(-9, 1.2, 2_000)
    value, short = log_beta_mean(*columns), beta_rate._short(*columns)
    assert 0.5 < short.mean() < 0.9
    assert value == pytest.approx(beta_rate._by_integral(*columns), rel=0, abs=2e-12)
    for some in (short, ~short, x == 0):
        assert log_beta_mean(*(column[some] for column in columns)).tolist() == value[some].tolist()


def test_a_mean_over_a_beta_of_large_shapes_does_not_cancel():
    """p is all but fixed at 1/4: the mean is (1 + w/4)**-s."""
    value = log_beta_mean(1e10, np.array(3e10), np.array(2.5), np.array([0.1, 8.0]))
    assert value == pytest.approx(-2.5 * np.log1p(np.array([0.1, 8.0]) / 4), rel=1e-9)
