"""Nasty data, a small part of the benchmark: every fit converges, or says in words why it cannot."""

from __future__ import annotations

import collections

import pytest

from benchmarks.nasty import BOTH, KINDS, nasty, outcomes


@pytest.mark.slow
def test_trap_07_every_nasty_fit_converges_or_is_diagnosed():
    told = outcomes(range(0, 192, 8), second=False)
    assert collections.Counter(outcome.end for outcome in told).keys() == {"converged", "diagnosed"}
    own = [outcome.end == "converged" for outcome in told if outcome.kind in BOTH and outcome.model == outcome.maker]
    assert sum(own) / len(own) >= 0.7
    assert all(outcome.end == "diagnosed" for outcome in told if outcome.kind == "once")


def test_a_nasty_set_is_the_same_every_time_and_what_its_kind_says():
    for i, kind in enumerate(KINDS):
        found, _, frame = nasty(i)
        assert found == kind
        assert frame.equals(nasty(i)[2])
        assert frame["frequency"].max() <= 500
        assert (frame["T"].nunique() == 1) == (kind == "cohort")
        assert frame["frequency"].any() == (kind != "once")
