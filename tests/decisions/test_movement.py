from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.decisions.movement import BANDS, GONE, NEWCOMER, movement, movement_words

names = st.sampled_from(["low", "medium", "high"])
tables = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(names, names, names, st.integers(0, 9)), min_size=1)


def table(rows):
    columns = ["churn_band", "value_band", "segment", "clv"]
    frame = pd.DataFrame(list(rows.values()), columns=columns).astype({"clv": float})
    return frame.assign(customer_id=list(rows))


@pytest.mark.property
@settings(max_examples=15, deadline=None)
@given(tables, tables)
def test_every_customer_and_all_value_stand_in_each_of_the_columns(before, after):
    moves = movement(table(before), table(after))
    for name in BANDS:
        one = moves[moves["of"] == name]
        assert one["customers"].sum() == len(before.keys() | after.keys())
        assert one["clv_before"].sum() == sum(row[3] for row in before.values())
        assert one["clv_after"].sum() == sum(row[3] for row in after.values())
        assert one.loc[one["before"] == NEWCOMER, "customers"].sum() == len(after.keys() - before.keys())
        assert one.loc[one["after"] == GONE, "customers"].sum() == len(before.keys() - after.keys())


def test_scores_older_than_segments_are_compared_by_risk_alone():
    old = table({"a": ("low", "low", "low", 1)})[["customer_id", "clv", "churn_band"]]
    moves = movement(old, table({"a": ("high", "low", "low", 2)}))
    assert moves.to_dict("list") == {
        "of": ["churn_band"], "before": ["low"], "after": ["high"], "customers": [1], "clv_before": [1.0],
        "clv_after": [2.0],
    }  # fmt: skip


def test_nobody_moved_is_said_shortly():
    same = table({"a": ("low", "low", "New", 1)})
    assert movement_words(movement(same, same), "EUR") == "0 newcomers, 0 gone"


def test_many_customers_move_in_a_moment():
    n = 100_000
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "clv": 1.0})
    for name in BANDS:
        frame[name] = random.choice(["low", "medium", "high"], n).astype(object)
    assert movement(frame.iloc[:-9], frame.iloc[9:])["customers"].sum() == 3 * n
