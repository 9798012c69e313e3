import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from patron._core.errors import ConfigError, DataError
from patron.metrics import Campaign, empb, profit_curve

CUSTOMERS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 40).map(float)), min_size=1, max_size=30
)
CAMPAIGNS = st.builds(
    Campaign,
    alpha=st.floats(0.6, 9),
    beta=st.floats(0.6, 20),
    incentive=st.floats(0, 0.5),
    contact=st.floats(0.01, 3),  # where contacts are free, several fractions earn the same
)
FEW = settings(max_examples=40, deadline=None)


def columns(customers):
    return (np.array(column, dtype=float) for column in zip(*customers, strict=True))


def profits(y, p, v, campaign, gamma):
    """What each stop earns a customer at a share who accept, and the fraction contacted: no cleverness."""
    stops = [(0.0, 0.0)]
    for risk in np.unique(p)[::-1]:
        on = p >= risk
        kept = gamma * (y * v * (1 - campaign.incentive))[on].sum()
        paid = (campaign.contact + (1 - y) * campaign.incentive * v)[on].sum()
        stops.append(((kept - paid) / len(y), on.mean()))
    return stops


def integrated(y, p, v, campaign, steps=5_000):
    share = stats.beta(campaign.alpha, campaign.beta).ppf((np.arange(steps) + 0.5) / steps)
    lines = np.array([np.array(profits(y, p, v, campaign, gamma))[:, 0] for gamma in (0.0, 1.0)])
    fractions = np.array(profits(y, p, v, campaign, 0.0))[:, 1]
    earned = lines[0] + share[:, None] * (lines[1] - lines[0])
    return earned.max(axis=1).mean(), fractions[earned.argmax(axis=1)].mean()


@pytest.mark.property
@FEW
@given(CUSTOMERS, CAMPAIGNS)
def test_the_closed_form_is_the_integral_over_the_share_who_accept(customers, campaign):
    y, p, v = columns(customers)
    profit, fraction = empb(y, p, v, campaign)
    by_force = integrated(y, p, v, campaign)
    assert profit == pytest.approx(by_force[0], abs=2e-3 * (1 + by_force[0]))
    assert fraction == pytest.approx(by_force[1], abs=2e-3)


def test_the_closed_form_is_scipys_quadrature():
    random = np.random.default_rng(0)
    p = random.uniform(size=60)
    y, v, campaign = (random.uniform(size=60) < p).astype(float), random.gamma(1.0, 100.0, 60), Campaign(contact=5)
    density = stats.beta(campaign.alpha, campaign.beta).pdf
    best, _ = integrate.quad(
        lambda g: max(stop[0] for stop in profits(y, p, v, campaign, g)) * density(g), 0, 1, limit=500, epsabs=1e-9
    )
    assert empb(y, p, v, campaign).profit == pytest.approx(best, abs=1e-7)


@pytest.mark.property
@FEW
@given(CUSTOMERS, CAMPAIGNS, st.sampled_from([0.01, 0.5, 100.0]))
def test_profit_is_in_the_currency_of_the_values_and_blind_to_the_scale_of_the_risk(customers, campaign, rate):
    y, p, v = columns(customers)
    abroad = Campaign(campaign.alpha, campaign.beta, campaign.incentive, rate * campaign.contact)
    here, there = empb(y, p, v, campaign), empb(y, np.expm1(p), rate * v, abroad)
    assert there.profit == pytest.approx(rate * here.profit, rel=1e-9, abs=1e-12)
    assert there.fraction == pytest.approx(here.fraction, abs=1e-9)


@pytest.mark.property
@FEW
@given(CUSTOMERS, CAMPAIGNS, st.data())
def test_a_better_ranking_never_earns_less(customers, campaign, data):
    y, _, v = columns(customers)
    p = np.arange(len(y), dtype=float)
    above = [k for k in range(1, len(y)) if y[k] == 0 and y[k - 1] == 1]
    if not above:
        return
    k = data.draw(st.sampled_from(above))  # who stays stands just before who leaves: change their places
    better = p.copy()
    better[[k - 1, k]] = p[[k, k - 1]]
    assert empb(y, better, v, campaign).profit >= empb(y, p, v, campaign).profit - 1e-12


@pytest.mark.property
@FEW
@given(CUSTOMERS, CAMPAIGNS)
def test_choosing_after_the_share_is_known_earns_no_less_than_before(customers, campaign):
    y, p, v = columns(customers)
    n = len(y)
    curve = profit_curve(y, p, v, np.arange(n + 1) / n, campaign)
    assert empb(y, p, v, campaign).profit >= curve.max() - 1e-12
    stops = profits(y, p, v, campaign, campaign.accepted)
    np.testing.assert_allclose(profit_curve(y, p, v, [f for _, f in stops], campaign), [e for e, _ in stops], atol=1e-9)


@pytest.mark.property
@FEW
@given(CUSTOMERS, st.integers(0, 2**32 - 1))
def test_a_weight_is_a_number_of_rows(customers, seed):
    y, p, v = columns(customers)
    w = np.random.default_rng(seed).integers(0, 3, (3, len(y)))
    w[:, 0] = 1
    profit, fraction = empb(y, p, v, weights=w)
    for k, row in enumerate(w):
        many = empb(*(np.repeat(column, row) for column in (y, p, v)))
        assert (profit[k], fraction[k]) == pytest.approx(many, abs=1e-12)


def test_value_decides_between_rankings_of_equal_auc():
    y, v = [1, 1, 0, 0], [500, 10, 1_000, 1_000]
    rich, poor = empb(y, [4, 1, 3, 2], v), empb(y, [1, 4, 3, 2], v)
    assert rich.profit > 2 * poor.profit


@pytest.mark.parametrize("y", [[0, 0, 0], [1, 1, 0]])
def test_where_nobody_is_worth_a_contact_nobody_is_contacted(y):
    assert empb(y, [3, 2, 1], [1, 1, 0]) == (0.0, 0.0)


def test_nobody_has_no_profit():
    assert np.isnan(empb([], [], [])).all()


def test_what_is_no_campaign_and_no_value_is_refused():
    with pytest.raises(ConfigError, match="no campaign"):
        Campaign(incentive=1.5)
    with pytest.raises(ConfigError, match="no campaign"):
        Campaign(alpha=0)
    with pytest.raises(DataError, match="0 or more"):
        empb([1], [0.5], [-1])
    with pytest.raises(DataError, match="0 or 1"):
        empb([2], [0.5], [1])
