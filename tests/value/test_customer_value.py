"""CustomerValue: purchases x spend x margin, discounted from the moment of each purchase."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from patron._core.errors import DataError, NotFittedError, UnitAssumedWarning
from patron.features import rfm_summary
from patron.models import TRANSACTION_MODELS, BetaGeoNBD, GammaGamma
from patron.value import CustomerValue


@pytest.fixture(scope="module")
def summary(cdnow_sample) -> pd.DataFrame:
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week")


@pytest.fixture(scope="module")
def value(summary) -> CustomerValue:
    return CustomerValue(BetaGeoNBD(), GammaGamma()).fit(summary)


@pytest.mark.parametrize("model", TRANSACTION_MODELS.values())
def test_every_transaction_model_gives_a_value(model, summary):
    both = CustomerValue(model(), GammaGamma()).fit(summary)
    table = both.predict(summary, "364 days", discount_rate=0.10, margin=0.4)
    spend = GammaGamma().fit(summary).expected_spend(summary)
    worth = model().fit(summary).discounted_purchases(summary, 52, 0.10) * spend * 0.4
    assert table["clv"].to_numpy() == pytest.approx(worth.to_numpy(), rel=1e-12)
    assert (table["clv"] < 0.4 * table["expected_purchases"] * table["spend_per_purchase"]).all()


def test_columns_and_their_product(value, summary):
    table = value.predict(summary, "52 weeks", discount_rate=0.15, margin=0.3)
    assert table.columns.tolist() == ["expected_purchases", "spend_per_purchase", "clv"]
    assert table.index.equals(summary.index)
    discounted = value.transaction_model_.discounted_purchases(summary, 52, 0.15)
    assert table["clv"].to_numpy() == pytest.approx((discounted * table["spend_per_purchase"] * 0.3).to_numpy())
    assert table["expected_purchases"].equals(value.transaction_model_.expected_purchases(summary, 52))


def test_without_a_discount_the_value_is_the_plain_product(value, summary):
    table = value.predict(summary, 52, discount_rate=0.0)
    product = table["expected_purchases"] * table["spend_per_purchase"]
    assert table["clv"].to_numpy() == pytest.approx(product.to_numpy(), rel=1e-12)


def test_months_take_the_as_of_day_of_the_summary(value, summary):
    assert value.predict(summary).equals(value.predict(summary, "365 days"))
    assert value.predict(summary, as_of="1999-09-30").equals(value.predict(summary, "366 days"))


def test_the_residual_lifetime_is_the_limit_of_long_horizons(value, summary):
    whole, long = value.predict(summary, None), value.predict(summary, 52 * 300)
    assert whole["clv"].to_numpy() == pytest.approx(long["clv"].to_numpy(), rel=1e-8)


def test_fit_leaves_the_models_given_alone(value):
    assert not hasattr(value.transaction_model, "params_")
    assert value.transaction_model_.params_.round(4)["r"] == 0.2426


def test_fitted_models_need_no_fit(value, summary):
    ready = CustomerValue(value.transaction_model_, value.spend_model_)
    assert ready.predict(summary).equals(value.predict(summary))


def test_unfitted_models_are_refused(summary):
    with pytest.raises(NotFittedError):
        CustomerValue(BetaGeoNBD(), GammaGamma()).predict(summary, 52)


def test_scikit_learn_clones_it_with_its_models(value):
    copy = clone(value.set_params(transaction_model__solver="newton"))
    assert copy.transaction_model is not value.transaction_model
    assert copy.get_params()["transaction_model__solver"] == "newton"
    assert not hasattr(copy, "transaction_model_")
    with pytest.raises(ValueError, match="no parameter 'speed'"):
        copy.set_params(speed=1)


def test_a_margin_that_is_no_number_is_refused(value, summary):
    with pytest.raises(DataError, match="margin"):
        value.predict(summary, 52, margin=np.nan)


def test_a_lost_unit_is_mentioned_once(value, summary):
    bare = summary.copy()
    bare.attrs.clear()
    with pytest.warns(UnitAssumedWarning) as said:
        value.predict(bare, 52)
    assert len(said) == 1


@pytest.mark.simulation
def test_total_value_is_what_simulated_customers_bring():
    """Customers bought and spent as the models say; the discounted money of the next year is the clv predicted."""
    n, rng = 20_000, np.random.default_rng(11)
    transactions = BetaGeoNBD.from_params(r=0.6, alpha=9.0, a=0.8, b=2.4, unit="week")
    spending = GammaGamma.from_params(p=4.0, q=4.0, v=20.0)
    T, year = 39.0, 364 / 7
    events = transactions.sample(n, T + year, seed=11)
    events["amount"] = rng.gamma(4.0, 1.0, len(events)) / rng.gamma(4.0, 1 / 20.0, n)[events["customer_id"]]
    repeats = events[(events["time"] <= T) & (events["time"] > 0)].groupby("customer_id")
    ids = range(n)
    frame = pd.DataFrame({"frequency": repeats.size().reindex(ids, fill_value=0)})
    frame["recency"] = repeats["time"].max().reindex(ids, fill_value=0.0)
    frame["T"] = T
    frame["monetary_value"] = repeats["amount"].mean().reindex(ids, fill_value=0.0)
    frame.attrs["unit"] = "week"
    later = events[events["time"] > T]
    worth = later["amount"] * 1.2 ** (-(later["time"] - T) * 7 / 365.25)
    happened = worth.groupby(later["customer_id"]).sum().reindex(ids, fill_value=0.0)
    predicted = CustomerValue(transactions, spending).predict(frame, "364 days", discount_rate=0.2)["clv"]
    for group in (frame["frequency"] == 0, frame["frequency"] > 0):
        gap = (happened - predicted)[group]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))


def test_it_shows_both_of_its_models_fitted_or_not(value):
    assert repr(value).startswith("CustomerValue(BetaGeoNBD(r=0.2426, ")
    assert [name in value._repr_html_() for name in ("BetaGeoNBD", "GammaGamma", "not fitted")] == [True, True, False]
    assert CustomerValue(BetaGeoNBD(), GammaGamma())._repr_html_().count("not fitted") == 2
