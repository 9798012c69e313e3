"""What a campaign brought, held against simulated worlds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from patron import DataError
from patron.decisions.incremental import adjusted, difference

pytestmark = pytest.mark.xdist_group("campaigns")  # the worlds are made once
WORLDS = 500


def world(random, effect, n=900, control=0.2):
    """Spend of a window after a campaign: most buy nothing, the rest as much as they are used to; unequal arms."""
    usual = random.gamma(0.6, 40.0, n)
    arm = random.random(n) > control
    buys = random.random(n) < 0.25 + 0.25 * (usual > 20) + effect / 100 * arm
    before = usual * random.gamma(2.0, 0.5, n)
    spend = buys * usual * random.gamma(2.0, 0.5, n) + effect * arm * random.gamma(2.0, 0.5, n)
    return spend, buys, arm, np.column_stack([before, usual + random.normal(0, 5, n)])


@pytest.fixture(scope="module")
def worlds():
    random = np.random.default_rng(11)
    told = {"plain": [], "adjusted": [], "bought": [], "bought adjusted": []}
    for _ in range(WORLDS):
        spend, buys, arm, before = world(random, effect=6.0)
        told["plain"].append(difference(spend, arm))
        told["adjusted"].append(adjusted(spend, arm, before))
        told["bought"].append(difference(buys, arm))
        told["bought adjusted"].append(adjusted(buys, arm, before))
    spend_effect = 6.0 + 0.06 * 0.6 * 40.0  # and 6 in 100 more buy, for E[usual] each
    return {name: np.array(rows) for name, rows in told.items()}, {
        "plain": spend_effect, "adjusted": spend_effect, "bought": 0.06, "bought adjusted": 0.06,
    }  # fmt: skip


@pytest.mark.simulation
@pytest.mark.parametrize("name", ["plain", "adjusted", "bought", "bought adjusted"])
def test_the_interval_holds_the_truth_95_times_in_100_and_the_estimate_is_unbiased(worlds, name):
    found, truth = worlds[0][name], worlds[1][name]
    covered = ((found[:, 1] <= truth) & (truth <= found[:, 2])).mean()
    assert covered == pytest.approx(0.95, abs=3.3 * np.sqrt(0.95 * 0.05 / WORLDS))
    error = found[:, 0].std() / np.sqrt(WORLDS)
    assert found[:, 0].mean() == pytest.approx(truth, abs=3.5 * error)


@pytest.mark.simulation
def test_what_was_known_before_narrows_the_interval_of_spend(worlds):
    plain, less = ((worlds[0][name][:, 2] - worlds[0][name][:, 1]).mean() for name in ("plain", "adjusted"))
    assert less < 0.9 * plain
    assert worlds[0]["adjusted"][:, 0].std() < 0.9 * worlds[0]["plain"][:, 0].std()


@pytest.mark.simulation
def test_a_campaign_without_effect_is_beyond_chance_one_time_in_twenty():
    random = np.random.default_rng(12)
    found = [adjusted(spend, arm, before) for spend, _, arm, before in (world(random, 0.0, 300) for _ in range(WORLDS))]
    wrong = np.mean([effect.low > 0 or effect.high < 0 for effect in found])
    assert wrong == pytest.approx(0.05, abs=3.3 * np.sqrt(0.05 * 0.95 / WORLDS))


def test_covariates_that_say_nothing_change_nothing():
    random = np.random.default_rng(1)
    spend, arm = random.gamma(1, 10, 200), np.arange(200) < 120
    for useless in (np.zeros((200, 2)), np.full((200, 1), 7.0)):
        less, plain = adjusted(spend, arm, useless), difference(spend, arm)
        assert less.difference == pytest.approx(plain.difference)
        assert less.high - less.low == pytest.approx(plain.high - plain.low)


def test_what_the_covariate_tells_is_learned_within_the_arms():
    before, arm = np.array([1.0, 2, 3, 4, 11, 12, 13, 14]), np.arange(8) > 3
    found = adjusted(2 * before + 10 * arm, arm, before[:, None])
    assert found[:3] == pytest.approx((10.0, 10.0, 10.0))


def test_a_covariate_in_another_currency_makes_no_difference():
    random = np.random.default_rng(2)
    spend, _, arm, before = world(random, 5.0)
    assert adjusted(spend, arm, before) == pytest.approx(adjusted(spend, arm, before * [1e-6, 1e9]))


def test_the_interval_of_welch_by_another_hand():
    from scipy.stats import ttest_ind

    random = np.random.default_rng(3)
    spend, _, arm, _ = world(random, 5.0)
    low, high = ttest_ind(spend[arm], spend[~arm], equal_var=False).confidence_interval(0.95)
    found = difference(spend, arm)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_arms_without_any_spread_are_told_apart_exactly():
    found = difference([1.0, 1, 0, 0], [True, True, False, False])
    assert found[:3] == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("arm", "words"),
    [([True] * 4, "0 customers in the control group"), ([False, False, False, True], "1 customers contacted")],
)
def test_an_arm_that_tells_nothing_is_refused(arm, words):
    with pytest.raises(DataError, match=f"{words}, which tells nothing.*at least 2"):
        difference([1.0, 2, 3, 4], arm)
    with pytest.raises(DataError, match="at least 3"):
        adjusted([1.0, 2, 3, 4], arm, [[1.0], [2], [3], [4]])
