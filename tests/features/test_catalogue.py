"""The declared list: complete, in words, and the same expression for every engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

import patron.features
from patron._core.calendar import date_of, day_number
from patron.features import CATALOGUE, Feature
from patron.features.catalogue import WINDOWS, catalogue
from patron.features.per_customer import fetch, per_customer
from patron.features.sources import period_of


def test_the_core_has_26_features():
    windowed = [f"{kind}_{days}" for kind in ("purchases", "spend", "active_days") for days in WINDOWS]
    assert [name for name, feature in CATALOGUE.items() if feature.needs is None] == [
        *("frequency", "recency", "T", "monetary_value", "days_since_last"),
        *windowed,
        *("gap_mean", "gap_std", "gap_max", "overdue_ratio", "purchases_trend", "spend_trend"),
    ]


def test_every_feature_is_described():
    words = catalogue()
    assert (words.drop(columns="needs").map(len) > 2).all(axis=None)
    assert words["label"].is_unique
    assert not words["label"].str.contains("_").any()
    assert words["description"].str.endswith(".").all()


def test_only_a_feature_that_is_never_missing_is_an_integer():
    assert [name for name, feature in CATALOGUE.items() if feature.dtype == "int64"] == ["frequency", "days_since_last"]


def test_a_new_feature_is_one_entry(cdnow_sample):
    largest = Feature(
        "largest", "Largest purchase day.", "largest purchase", "money", "spend", "days",
        lambda days, scale: days.amount.max().cast("float64") / scale.money,
    )  # fmt: skip
    day = day_number("1997-09-30")
    found = fetch(per_customer(cdnow_sample, [day], "day", "day", [CATALOGUE["T"], largest]), ["customer_id"])
    assert list(found.columns) == ["customer_id", "as_of", "T", "largest"]
    assert found["largest"].max() == pytest.approx(found["largest"].round(2).max())


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
