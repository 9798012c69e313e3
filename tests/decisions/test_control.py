"""The control group: random, the same whenever it is asked for, nobody's place hanging on anybody else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.decisions.control import draws

IDS = [f"c{i:06}" for i in range(20_000)]


def control_group(ids, name, share):
    return draws(ids, name)[:, 0] < share


def test_the_share_is_what_was_asked_for():
    assert control_group(IDS, "shop", 0.1).mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / len(IDS)))
    assert not control_group(IDS, "shop", 0.0).any()


def test_draws_are_uniform_and_the_two_of_a_customer_independent():
    both = draws(IDS, "shop")
    counts = np.histogram2d(*both.T, bins=5, range=[(0, 1), (0, 1)])[0]
    assert ((counts - 800) ** 2 / 800).sum() < 51.2  # chi-square, 24 degrees of freedom, one in a thousand


def test_another_run_draws_anew():
    one, other = control_group(IDS, "shop", 0.2), control_group(IDS, "shop-de", 0.2)
    assert (one & other).mean() == pytest.approx(0.04, abs=0.01)


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12), unique=True, min_size=1, max_size=20), st.floats(0, 0.9), st.randoms())
def test_nobodys_place_hangs_on_who_else_is_there_and_a_larger_group_keeps_the_smaller(ids, share, random):
    inside = dict(zip(ids, control_group(ids, "shop", share), strict=True))
    some = random.sample(ids, random.randint(1, len(ids)))
    assert control_group(some, "shop", share).tolist() == [inside[one] for one in some]
    assert (control_group(ids, "shop", share + 0.1) >= control_group(ids, "shop", share)).all()


def test_the_group_of_a_name_is_the_same_for_ever():
    assert [IDS[i] for i in np.flatnonzero(control_group(IDS[:20], "shop", 0.1))] == [
        "c000001", "c000002", "c000006", "c000011", "c000012", "c000014", "c000017",
    ]  # fmt: skip
