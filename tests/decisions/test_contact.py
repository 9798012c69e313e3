"""The profit of a contact, held against campaigns that are played out."""

from __future__ import annotations

import numpy as np
import pytest

from patron.decisions.contact import LeftAlone, Terms, value_if_retained


@pytest.mark.simulation
def test_expected_profit_is_the_mean_of_campaigns_with_and_without_the_contact():
    random = np.random.default_rng(5)
    terms = Terms(save_rate=0.3, take_up=0.6, incentive=7.0, contact_cost=1.5, left_alone=12.0)
    r, kept, n = 0.4, 90.0, 400_000
    leaves, saved, takes = random.random(n) < r, random.random(n) < 0.3, random.random(n) < 0.6
    without = np.where(leaves, 12.0, kept)
    given = np.where(leaves, saved, takes)
    earned = np.where(leaves & ~saved, 12.0, kept) - 7.0 * given - 1.5
    error = (earned - without).std() / np.sqrt(n)
    assert terms.profit([r], [kept])[0] == pytest.approx((earned - without).mean(), abs=4 * error)
    assert terms.cost([r])[0] == pytest.approx((7.0 * given + 1.5).mean(), abs=0.05)


def test_who_is_worth_less_than_left_alone_is_a_loss():
    assert (Terms(left_alone=50).profit([0.2, 0.9], [50, 10]) <= 0).all()


def test_value_if_retained_divides_p_alive_out_and_is_nothing_of_the_dead():
    assert value_if_retained([1.0, 1.0, 0.0], [1.0, 0.25, 0.0], [8.0, 8.0, 8.0], 0.5).tolist() == [4.0, 16.0, 0.0]


def test_churners_left_alone_are_counted_over_the_days_asked_for():
    seen = LeftAlone(spend=10.0, days=100, churners=5, as_of=("2024-01-31",))
    assert [seen.over(days, 0.5) for days in (100, 50, 0, -20)] == [5.0, 2.5, 0.0, 0.0]
