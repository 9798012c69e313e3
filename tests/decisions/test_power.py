"""Sample sizes, held against tests that are played out, and against the tables of a textbook."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from patron.decisions.power import equal_arms, for_means, for_shares


def test_sizes_of_the_textbook():
    # Fleiss, Levin & Paik 2003, table A.4 without continuity correction: 388 (two-sided 5 %, 80 %)
    assert for_shares(0.40, 0.50, power=0.80, significance=0.05) == 388
    # Cohen 1988: d = .5 takes 63 by the normal approximation
    assert for_means(0.5, 1.0, power=0.80, significance=0.05) == 63


@pytest.mark.simulation
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_so_many_customers_find_the_effect_as_often_as_asked_for(power):
    random, worlds = np.random.default_rng(9), 20_000
    n = for_shares(0.20, 0.30, power=power, significance=0.05)
    control, contacted = random.binomial(n, 0.20, worlds) / n, random.binomial(n, 0.30, worlds) / n
    middle = (control + contacted) / 2
    found = np.abs(contacted - control) > ndtri(0.975) * np.sqrt(2 * middle * (1 - middle) / n)
    assert found.mean() == pytest.approx(power, abs=0.02)
    m = for_means(2.0, 10.0, power=power, significance=0.05)
    means = random.normal([[0.0], [2.0]], 10.0 / np.sqrt(m), (2, worlds))
    assert (np.abs(np.diff(means, axis=0)) > ndtri(0.975) * 10.0 * np.sqrt(2 / m)).mean() == pytest.approx(
        power, abs=0.02
    )


def test_no_effect_takes_infinitely_many():
    assert (
        for_shares(0.2, 0.2, power=0.8, significance=0.05) == for_means(0, 1, power=0.8, significance=0.05) == math.inf
    )


def test_unequal_arms_tell_as_much_as_their_harmonic_mean():
    assert equal_arms(100, 100) == 100
    assert equal_arms(10**9, 50) == pytest.approx(100)
    assert equal_arms(10, 0) == 0
