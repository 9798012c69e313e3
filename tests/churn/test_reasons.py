import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patron.churn import ChurnClassifier, clipped_logit
from patron.churn.reasons import by_family, in_words
from patron.features import snapshots, split
from patron.models import BetaGeoNBD

HORIZON = 42


@pytest.fixture(scope="module")
def model(frame, y):
    return ChurnClassifier(horizon=HORIZON).fit(frame.drop(columns="churned"), y, offset="pace")


def test_contributions_add_up_to_the_margin(frame, model):
    margin = model.margin(frame)
    assert np.abs(model.contributions(frame).sum(axis=1) - margin).max() < 1e-9
    assert np.abs(model.family_contributions(frame).sum(axis=1) - margin).max() < 1e-9


def test_contributions_without_an_offset_add_up_too(X, y):
    model = ChurnClassifier().fit(X, y)
    found = model.contributions(X)
    assert "offset" not in found
    assert np.abs(found.sum(axis=1) - model.margin(X)).max() < 1e-9


def test_families_add_up_to_the_margin_on_real_customers(cdnow_sample):
    X, labels = split(snapshots(cdnow_sample, ["1997-07-01", "1997-09-30"], "91 days", unit="week"))
    silent = BetaGeoNBD.from_params(r=0.24, alpha=4.4, a=0.79, b=2.4, unit="week").probability_no_purchase(X, 13)
    for offset in (None, clipped_logit(silent)):
        model = ChurnClassifier().fit(X, labels["churned"], offset)
        found = model.family_contributions(X, offset)
        assert np.abs(found.sum(axis=1) - model.margin(X, offset)).max() < 1e-9
        assert len(found.columns) < len(X.columns)


@pytest.mark.property
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_families_add_up_whatever_the_row(model, data):
    n = data.draw(st.integers(1, 4))
    values = st.floats(-1e12, 1e12) | st.just(np.nan)
    rows = pd.DataFrame(data.draw(arrays(float, (n, 4), elements=values)), columns=list(model.feature_names_in_))
    rows["pace"] = data.draw(arrays(float, n, elements=st.floats(-50, 50)))
    assert np.abs(model.family_contributions(rows).sum(axis=1) - model.margin(rows)).max() < 1e-9


def test_the_offset_counts_by_how_far_it_is_from_its_mean_in_training(frame, model):
    offset = model.contributions(frame)["offset"]
    assert offset.to_numpy() == pytest.approx(frame["pace"].to_numpy() - frame["pace"].mean(), abs=1e-12)
    assert np.ptp(model.contributions(frame)["baseline"]) == 0


def test_reasons_are_text_by_row_and_rank(frame, model):
    reasons = model.reasons(frame.head(40), top=2)
    assert list(reasons) == ["reason_1", "reason_2"]
    assert reasons.index.equals(frame.head(40).index)
    assert reasons.map(lambda text: isinstance(text, str)).all(axis=None)


def test_reasons_of_a_customer_alone_are_those_within_the_base(frame, model):
    pd.testing.assert_frame_equal(model.reasons(frame.iloc[[7]]), model.reasons(frame.head(20)).iloc[[7]])


def told(row, **moved):
    rows = pd.DataFrame([row])
    rows.attrs["unit"] = "week"
    return in_words(rows, pd.DataFrame([{**moved, "baseline": -1.0}]), top=3).iloc[0].tolist()


LATE = {"frequency": 4, "days_since_last": 84, "gap_mean": 21.0, "overdue_ratio": 4.0, "spend_90": 0.0, "T": 38.86}


def test_what_raises_the_risk_most_comes_first_and_what_lowers_it_is_left_out():
    assert told(LATE, days_since_last=0.4, spend_90=0.6, gap_mean=-2.0) == [
        "spend in the last 90 days: 0.00 (raises risk)",
        "84 days since the last purchase (raises risk)",
        "",
    ]


def test_where_nothing_raises_the_risk_what_lowers_it_is_told():
    assert told(LATE, days_since_last=0.01, spend_90=-0.6, gap_mean=-2.0) == [
        "usual days between purchases: 21 (lowers risk)",
        "spend in the last 90 days: 0.00 (lowers risk)",
        "",
    ]


def test_no_more_reasons_than_asked_for():
    five = dict.fromkeys(["days_since_last", "spend_90", "gap_mean", "T", "frequency"], 1.0)
    assert "" not in told(LATE, **five)
    assert len(told(LATE, **five)) == 3


def test_a_family_speaks_through_the_feature_that_moves_it_most():
    reasons = told(LATE, days_since_last=0.2, overdue_ratio=0.5)
    assert reasons == ["silence against the customer's own rhythm: 4.0 times (raises risk)", "", ""]
    assert told(LATE, days_since_last=0.7, overdue_ratio=-0.5)[0].startswith("84 days since the last purchase")


def test_what_hardly_moves_the_risk_is_no_reason():
    assert told(LATE, days_since_last=0.01, spend_90=-0.04) == ["", "", ""]


def test_the_offset_tells_of_the_customers_own_pace():
    silent = "silent longer than usual for this customer (raises risk)"
    assert told(LATE, offset=1.0)[0] == silent
    assert told(LATE, offset=0.6, p_no_purchase=0.2, p_alive=0.2) == [silent, "", ""]
    assert told({**LATE, "overdue_ratio": 0.4}, offset=1.0)[0] == "buys too seldom to be expected soon (raises risk)"
    once = {**LATE, "frequency": 0, "overdue_ratio": np.nan, "gap_mean": np.nan}
    assert told(once, offset=1.0)[0] == "has not come back since the first purchase (raises risk)"
    assert told(LATE, offset=-1.0)[0] == "expected to buy again at this customer's usual pace (lowers risk)"


def test_words_agree_with_their_number_and_unit():
    assert told({**LATE, "days_since_last": 1}, days_since_last=1.0)[0] == "1 day since the last purchase (raises risk)"
    assert told({**LATE, "purchases_30": 1}, purchases_30=-1.0)[0] == "1 purchase in the last 30 days (lowers risk)"
    assert told(LATE, T=1.0)[0] == "time since the first purchase: 38.9 weeks (raises risk)"


def test_what_is_missing_says_why():
    once = {**LATE, "frequency": 0, "gap_mean": np.nan, "overdue_ratio": np.nan}
    assert told(once, gap_mean=0.5, overdue_ratio=0.4) == ["only one purchase so far (raises risk)", "", ""]
    assert told({**LATE, "spend_90": np.nan}, spend_90=0.5)[0] == "spend in the last 90 days: not known (raises risk)"


def test_a_feature_outside_the_catalogue_is_told_by_its_name():
    assert told({**LATE, "service_calls": 3.0}, service_calls=0.5)[0] == "service calls: 3 (raises risk)"


def test_families_keep_the_sum():
    contributions = pd.DataFrame(
        {"days_since_last": [0.1], "overdue_ratio": [0.2], "mine": [0.4], "offset": [0.5], "baseline": [1.0]}
    )
    summed = by_family(contributions)
    assert summed["silence"].tolist() == pytest.approx([0.3])
    assert summed.sum(axis=1).tolist() == pytest.approx([2.2])


def test_events_and_attributes_speak_in_their_own_words():
    def first(name, value):
        return told({**LATE, name: value}, **{name: 0.5})[0].removesuffix(" (raises risk)")

    assert first("events_service_contact_90", 2.0) == "service contact in the last 90 days: 2"
    assert first("events_complaint_since", 1.0) == "1 day since the last complaint"
    assert first("events_complaint_since", np.nan) == "no complaint so far"
    assert first("customer_income=50-74K", 1.0) == "income 50-74K"
    assert first("customer_income=50-74K", 0.0) == "not income 50-74K"
    assert first("customer_income=50-74K", np.nan) == "income: not known"
    assert first("customer_born", 1970.0) == "born: 1970"
    assert first("discount_share_90", 0.254) == "share of the price saved by discounts in the last 90 days: 25%"
