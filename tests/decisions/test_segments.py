"""Segments and bands: learned once, the same for equal customers, whoever else is scored."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.decisions.contact import LeftAlone
from patron.decisions.segments import (
    ACTIONS,
    SEGMENTS,
    VALUE_BANDS,
    Basis,
    Segments,
    recommended_actions,
)

BASIS = Basis("12 months", 0.10, 1.0)
NAMES = {
    "Champions", "Loyal", "Potential loyalists", "New", "Promising", "Needs attention", "About to sleep", "At risk",
    "Can't lose them", "Hibernating", "Lost",
}  # fmt: skip

customers = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 5), st.sampled_from([0.0, 9.99, 20.0, 55.5, 300.0])),
    min_size=1,
    max_size=60,
)


def learned(rows, clv=None):
    days, repeats, spend = np.array(rows, dtype=float).reshape(-1, 3).T
    return Segments.learn(days, repeats, spend, clv=spend if clv is None else clv, basis=BASIS)


def named(segments, rows):
    return segments.segments(*np.array(rows, dtype=float).reshape(-1, 3).T).tolist()


def test_every_cell_of_the_grid_has_one_of_the_usual_names():
    assert {name for row in SEGMENTS.values() for name in row} == NAMES
    assert all(len(row) == 5 for row in SEGMENTS.values())


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(customers, customers)
def test_trap_15_equal_customers_are_called_alike_whoever_is_scored_beside(base, others):
    segments = learned(base)
    alone = [named(segments, [row])[0] for row in others]
    assert named(segments, others) == alone
    assert named(segments, others + base)[: len(others)] == alone
    assert len(set(zip(others, alone, strict=True))) == len(set(others))


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(customers)
def test_who_bought_later_more_often_and_more_scores_no_lower(base):
    segments = learned(base)
    better = [(max(days - 30, 0), repeats + 1, spend + 10) for days, repeats, spend in base]
    place = {name: (r, fm) for r, row in SEGMENTS.items() for fm, name in enumerate(row)}
    order = [place["Champions"], place["Lost"]]
    assert order[0] > order[1]
    for before, after in zip(named(segments, base), named(segments, better), strict=True):
        assert before != "Champions" or after == "Champions"
        assert after != "Lost" or before == "Lost"


def test_where_most_bought_once_they_score_lowest_and_a_second_purchase_counts():
    once = [(days, 0, 20.0 + days % 3) for days in range(90)]
    segments = learned([*once, *((5, 1, 60.0) for _ in range(10))])
    assert segments.frequency == (0.0, 0.0, 0.0, 0.0)
    assert named(segments, [(5, 0, 20.0), (5, 1, 60.0), (89, 0, 20.0)]) == ["New", "Champions", "Lost"]


def test_what_is_the_same_for_everybody_does_not_count():
    base = [(days, 4, 10.0 + days) for days in range(100)]
    segments = learned(base)
    assert segments.frequency == ()
    assert named(segments, [(0, 4, 109.0), (0, 4, 10.0)]) == ["Champions", "New"]
    alike = learned([(30, 0, 5.0)] * 7)
    assert len(set(named(alike, [(30, 0, 5.0), (400, 3, 90.0)]))) == 1


def test_the_highest_band_holds_half_of_the_value_in_the_fewest_customers():
    clv = np.array([50.0, 30, 10, 6, 4])
    segments = learned([(1, 1, 1.0)] * 5, clv)
    assert segments.value == {"high": 50.0, "medium": 30.0}
    assert segments.value_bands(clv).tolist() == ["high", "medium", "low", "low", "low"]


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0, 100.0]), min_size=1, max_size=50))
def test_value_bands_fall_with_value_and_hold_their_share(values):
    clv = np.array(values)
    bands = learned([(1, 1, 1.0)] * len(clv), clv).value_bands(clv)
    rank = {"high": 2, "medium": 1, "low": 0}
    for one, other in itertools.pairwise(clv):
        below, above = sorted([one, other])
        assert rank[bands[clv == below][0]] <= rank[bands[clv == above][0]]
    if clv.sum() > 0:
        assert clv[bands == "high"].sum() >= VALUE_BANDS["high"] * clv.sum() * (1 - 1e-9)
        assert clv[bands != "low"].sum() >= VALUE_BANDS["medium"] * clv.sum() * (1 - 1e-9)
    assert (bands[clv == 0] == "low").all()


def test_actions_read_the_first_band_as_high_risk_and_the_last_as_low():
    four = ["urgent", "high", "medium", "low"]
    told = recommended_actions(["high"] * 4, four, four).tolist()
    assert told == [ACTIONS["high"][0], ACTIONS["high"][1], ACTIONS["high"][1], ACTIONS["high"][2]]


def test_what_is_learned_comes_back_from_json():
    segments = Segments.learn([1, 9], [0, 3], [5.0, 90.0], clv=[1.0, 2.0], basis=BASIS,
                              left_alone=LeftAlone(3.5, 274, 12, ("2024-01-31",)))  # fmt: skip
    assert Segments.from_dict(json.loads(json.dumps(segments.to_dict()))) == segments
