"""The declared list: complete, in words, and the same expression for every engine."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

import patron.features
from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron.features import CATALOGUE, CORE, Feature, features, features_of
from patron.features.catalogue import WINDOWS, catalogue
from patron.features.feature import ratio
from patron.features.sources import period_of, sources


def test_the_core_is_26_features_that_any_log_tells():
    windowed = [f"{kind}_{days}" for kind in ("purchases", "spend", "active_days") for days in WINDOWS]
    assert list(CORE) == [
        *("frequency", "recency", "T", "monetary_value", "days_since_last"),
        *windowed,
        *("gap_mean", "gap_std", "gap_max", "overdue_ratio", "purchases_trend", "spend_trend"),
    ]
    assert len(CORE) == 26
    assert list(CATALOGUE)[:26] == list(CORE)
    assert all(CATALOGUE[name].needs is None for name in CORE)


def test_about_80_are_declared():
    assert len(CATALOGUE) == 89


def test_every_feature_is_described():
    words = catalogue()
    assert (words.drop(columns="needs").map(len) > 2).all(axis=None)
    assert words["label"].is_unique
    assert not words["label"].str.contains("_").any()
    assert words["description"].str.endswith(".").all()


def test_only_a_feature_that_is_never_missing_is_an_integer():
    assert [name for name, feature in CATALOGUE.items() if feature.dtype == "int64"] == ["frequency", "days_since_last"]


def test_a_new_feature_is_three_lines(cdnow_sample):
    own = Feature("largest_ratio", "Largest purchase day over all.",
                  "share of the largest purchase", "share", "spend", "days",
                  lambda days, _: ratio(days.amount.max(), days.amount.sum()))  # fmt: skip
    found = features(cdnow_sample, "1997-09-30", which=["T", own, "spend_max", "spend_total"])
    assert list(found.columns) == ["T", "largest_ratio", "spend_max", "spend_total"]
    told = found["spend_max"] / found["spend_total"]
    pd.testing.assert_series_equal(found["largest_ratio"], told, check_names=False)


def test_only_what_is_asked_for_is_computed(cdnow_sample, monkeypatch):
    whole = features(cdnow_sample, "1998-03-31")
    core = features(cdnow_sample, "1998-03-31", which="core")
    pd.testing.assert_frame_equal(core, whole[list(CORE)], check_exact=True)
    asked = []
    monkeypatch.setattr(
        "patron.features.per_customer.sources", lambda *given: asked.append(given[-1]) or sources(*given)
    )
    features(cdnow_sample, "1998-03-31", which="core")
    features(cdnow_sample, "1998-03-31", which=["quantity_90"])
    assert asked == [{"periods", "days", "orders", "payments", "gaps"}, {"baskets"}]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("cor", "'cor': no such feature. Fix: did you mean core"),
        (["spend_9O"], "did you mean spend_90"),
        (["xyzzy"], "'xyzzy': no such feature"),
        (["T", "products_90"], "'products_90': a feature that this log cannot tell: it has no product_id"),
        (["events_call_30"], "it has no events"),
        (["T", "T"], "'T': a feature named twice"),
    ],
)
def test_what_no_log_or_not_this_one_tells_is_refused(cdnow_sample, which, said):
    with pytest.raises(DataError, match=said):
        features_of(cdnow_sample, which)


def test_the_words_load_without_an_engine():
    code = "import patron.features, sys; patron.features.CATALOGUE['T'].label; print('ibis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="feature_store"):
        patron.features.feature_store  # noqa: B018


@pytest.mark.parametrize("grain", ["week", "month"])
def test_periods_agree_with_the_calendar(grain):
    for number in range(day_number("1899-11-30"), day_number("2101-03-02"), 13):
        date = date_of(number)
        if grain == "week":
            assert period_of(number, "week") == number - date.weekday()
        else:
            months = 12 * date.year + date.month
            start = 12 * 1970 + 1
            assert period_of(number, "month") - period_of(0, "month") == months - start
