"""Segments, value bands, actions and the profit of a contact, as columns of the score table."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from patron.scoring import Scorer

NAMES = ["value_band", "segment"]


def read_otherwise(bundle, **changes):
    return Scorer(dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, **changes)))


def test_value_if_retained_is_not_multiplied_by_p_alive(bundle, rows):
    # 0007: 4 / 40 x 365 / 7 purchases, alive with .75; each costs 10, half of which is kept
    row = Scorer(bundle).score(rows).set_index("customer_id").loc["0007"]
    assert row["value_if_retained"] == pytest.approx(4 / 40 * 365 / 7 / 0.75 * 10 * 0.5)


def test_value_if_retained_is_nothing_where_the_model_holds_the_customer_dead(bundle, rows, monkeypatch):
    monkeypatch.setattr(type(bundle.transaction), "probability_alive", lambda _self, rows: rows["frequency"] * 0.0)
    assert (Scorer(bundle).score(rows)["value_if_retained"] == 0).all()


def test_profit_of_a_contact_by_hand(bundle, rows):
    # r .25, g .2, y 1; W0: 8 of spend at margin .5 over the 274 days it was measured on
    row = Scorer(bundle).score(rows).set_index("customer_id").loc["0007"]
    kept = row["value_if_retained"]
    assert Scorer(bundle).terms.left_alone == 4.0
    assert row["contact_profit"] == pytest.approx(0.25 * 0.2 * (kept - 4 - 5) - 0.75 * 5 - 1)


def test_what_a_campaign_costs_is_read_not_learned(bundle, rows):
    free = read_otherwise(bundle, campaign={"save_rate": 0.2, "left_alone": 0.0}).score(rows)
    assert (free["contact_profit"] == 0.2 * free["churn_probability"] * free["value_if_retained"]).all()


def test_value_of_churners_left_alone_goes_with_margin_and_horizon(bundle):
    assert read_otherwise(bundle, margin=1.0).left_alone == 8.0
    half = read_otherwise(bundle, value_horizon="228 days")  # 137 days beyond H, of the 274 measured
    assert half.left_alone == 2.0
    assert read_otherwise(bundle, value_horizon="90 days").left_alone == 0.0


@pytest.mark.parametrize("changes", [{"margin": 1.0}, {"discount_rate": 0.5}, {"value_horizon": "73 days"}])
def test_reading_value_otherwise_moves_nobody_to_another_band(bundle, rows, changes):
    first, second = Scorer(bundle).score(rows), read_otherwise(bundle, **changes).score(rows)
    assert not np.allclose(first["clv"], second["clv"])
    assert first["value_band"].tolist() == second["value_band"].tolist() == ["medium", "low", "high", "low"]


def test_trap_15_who_else_is_scored_changes_nobodys_segment(bundle, rows):
    scorer = Scorer(bundle)
    base = scorer.score(rows).set_index("customer_id")[NAMES]
    assert base["segment"].tolist() == ["Can't lose them", "Lost", "Loyal", "Potential loyalists"]
    for some in ([0], [3, 1], [2, 0, 3]):
        part = scorer.score(rows.iloc[some]).set_index("customer_id")[NAMES]
        assert part.equals(base.loc[part.index])
