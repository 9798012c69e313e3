"""Whom to contact: the cut-off, the budget and the control group keep their promises whatever the scores."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.decisions.choice import WHY, choose, top_share
from patron.decisions.contact import Terms

money = st.sampled_from([0.0, 1.0, 5.0, 40.0, 900.0])
scored = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), money), min_size=1, max_size=40)
terms = st.builds(
    Terms, save_rate=st.sampled_from([0.0, 0.1, 0.5]), take_up=st.sampled_from([0.0, 1.0]), incentive=money,
    contact_cost=st.sampled_from([0.0, 1.0, 3.0]), left_alone=money,
)  # fmt: skip


def scores(rows):
    risk, kept = np.array(rows, dtype=float).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(len(rows))],
            "as_of": pd.Timestamp("2024-01-31"),
            "churn_probability": risk,
            "value_if_retained": kept,
            "expected_revenue": kept,
            "value_band": "low",
            "churn_band": "low",
            "segment": "Loyal",
        }
    )


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(scored, terms, st.sampled_from([0.0, 0.3, 0.7]), st.none() | st.sampled_from([0.5, 4.0, 30.0]))
def test_a_plan_keeps_its_promises(rows, campaign, control, budget):
    table, cut_off, spent = choose(scores(rows), campaign, name="shop", control=control, budget=budget)
    contact, chosen = table["group"] == "contact", table["chosen"]
    assert table["customer_id"].tolist() == [f"c{i}" for i in range(len(rows))]
    assert (contact <= chosen).all()
    assert (table.loc[chosen, "group"] != "none").all()
    assert (table.loc[chosen, "contact_profit"] > 0).all()
    if budget is not None:
        assert table.loc[contact, "cost"].sum() <= budget * (1 + 1e-9)
    if not spent:
        assert (chosen == (table["contact_profit"] > 0)).all()
    if cut_off is None:
        assert not chosen.any()
    else:
        assert cut_off == table.loc[chosen, "contact_profit"].min()
        assert table.loc[~chosen, "contact_profit"].max() <= cut_off or chosen.all()
    if spent:  # the next in line would have exceeded the budget
        waiting = table[~chosen & (table["contact_profit"] > 0)]
        assert table.loc[contact, "cost"].sum() + waiting["cost"].max() > budget


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(scored, terms, st.sampled_from([0.3, 0.7]), st.sampled_from([2.0, 8.0]))
def test_more_money_adds_customers_and_drops_none(rows, campaign, control, budget):
    small, large = (
        choose(scores(rows), campaign, name="shop", control=control, budget=limit).table["chosen"]
        for limit in (budget, 2 * budget)
    )
    assert (small <= large).all()


def test_the_control_group_is_never_contacted_and_stays_from_plan_to_plan():
    rows = [(0.5, 100.0)] * 300
    first = choose(scores(rows), Terms(), name="shop", control=0.2).table
    inside = set(first.loc[first["group"] == "control", "customer_id"])
    assert 30 < len(inside) < 90
    second = choose(scores(rows).iloc[::-2], Terms(contact_cost=1), name="shop", control=0.2, budget=50).table
    assert set(second.loc[second["group"] == "control", "customer_id"]) == inside & set(second["customer_id"])
    assert not inside & set(second.loc[second["group"] == "contact", "customer_id"])


def test_only_the_contacted_cost_money():
    table = choose(scores([(0.5, 100.0)] * 300), Terms(contact_cost=1), name="shop", control=0.3, budget=50).table
    assert (table["group"] == "contact").sum() == 50
    assert 10 < (table["chosen"] & (table["group"] == "control")).sum() < 35


def test_the_reason_is_told_of_everyone():
    table = choose(
        scores([(0.9, 900.0)] * 30 + [(0.9, 800.0)] * 30 + [(0.1, 0.0)] * 30),
        Terms(contact_cost=1), name="shop", control=0.3, budget=20,
    ).table  # fmt: skip
    assert set(table["why"]) == set(WHY.values())
    assert (table.loc[table["why"] == WHY["aside"], "group"] == "control").all()
    assert not table.loc[table["why"] == WHY["aside"], "chosen"].any()
    assert table.loc[table["why"] == WHY["control"], "chosen"].all()
    assert (table.loc[table["why"] == WHY["budget"], "contact_profit"] > 0).all()
    assert (table.loc[table["why"] == WHY["loss"], "contact_profit"] <= 0).all()


def test_equal_profits_are_parted_at_random_not_by_name():
    table = choose(scores([(0.5, 100.0)] * 400), Terms(contact_cost=1), name="shop", control=0, budget=200).table
    assert 70 < table["chosen"][:200].sum() < 130


def test_a_budget_below_the_first_contact_buys_nothing():
    found = choose(scores([(0.5, 100.0)]), Terms(contact_cost=2), name="shop", control=0, budget=1)
    assert (found.cut_off, found.spent) == (None, True)


def test_the_share_of_the_best_of_nobody_is_none():
    assert top_share(pd.Series([], dtype=float)) == 0
    assert top_share(pd.Series([3.0])) == 1


def test_many_customers_are_planned_in_seconds():
    n = 200_000
    random = np.random.default_rng(3)
    table = scores(np.column_stack([random.random(n), random.gamma(1, 50, n)]))
    start = time.process_time()
    choose(table, Terms(contact_cost=1, incentive=5), name="shop", control=0.1, budget=1e5)
    assert time.process_time() - start < 4  # about 1 when written
