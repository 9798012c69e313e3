"""The silence of a Pareto/NBD customer: its quadrature against many nodes, wherever parameters may wander."""

from __future__ import annotations

import numpy as np
import pytest

from patron.models.maths import silence as module
from patron.models.maths.silence import log_silence, silence


def drawn(seed: int):
    """2,000 customers of one base (A - B is the same for all) anywhere a fit may look."""
    rng = np.random.default_rng(seed)

    def between(low, high, size=None):
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    s, apart = between(0.05, 60), between(1e-3, 1e4)
    k, t, near = between(0.05, 2000, 2000), between(0.1, 5000, 2000), between(0.01, 3000, 2000)
    return (k, s, near, near + apart, t) if rng.random() < 0.5 else (k, s, near + apart, near, t)


@pytest.mark.parametrize("seed", range(8))
def test_silence_is_right_to_11_digits(seed, monkeypatch):
    k, s, A, B, t = drawn(seed)
    lives, gone = silence(k, s, A, B, t)
    for rule in ("_FEW", "_MORE"):
        monkeypatch.setattr(module, rule, module._on_unit(160))
    monkeypatch.setattr(module, "_GONE", 60.0)
    _, exact = silence(k, s, A, B, t)
    assert np.abs((gone - exact) / (lives + exact)).max() < 1e-11


@pytest.mark.parametrize("seed", range(8))
def test_derivatives_take_the_nodes_of_the_value(seed, monkeypatch):
    k, s, A, B, t = drawn(seed)
    weight = np.ones_like(k)
    found = log_silence(s, k, A, B, t, weight)
    for rule in ("_FEW", "_MORE"):
        monkeypatch.setattr(module, rule, module._on_unit(160))
    monkeypatch.setattr(module, "_GONE", 60.0)
    for part, exact in zip(found, log_silence(s, k, A, B, t, weight), strict=True):
        assert part == pytest.approx(exact, rel=1e-7, abs=1e-10 * np.abs(exact).max())


def test_a_customer_alone_has_the_bases_silence_to_the_last_bit():
    k, s, A, B, t = drawn(3)
    _, gone = silence(k, s, A, B, t)
    for row in range(0, 2000, 97):
        assert silence(*(value[[row]] if np.ndim(value) else value for value in (k, s, A, B, t)))[1][0] == gone[row]


@pytest.mark.parametrize("shapes", [(9.0, 11.0), (0.3, 0.4), (300.0, 20.0)])
def test_nothing_jumps_where_the_nearer_scale_changes(shapes):
    k, s = np.full(1, shapes[0]), shapes[1]
    t = np.array([39.0])
    below, above = (sum(silence(k, s, np.ones(1), np.array([1 + gap]), t))[0] for gap in (1e-15, -1e-15))
    assert below == pytest.approx(above, rel=1e-12)
