"""Purchases along the calendar equal what is counted row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.features import rfm_summary
from patron.features.daily import gaps, purchase_days, purchases_by_day

ROWS = pd.DataFrame(
    [
        ("007", "2020-01-01", 10.0),
        ("007", "2020-01-01", 5.0),
        ("007", "2020-01-04", 8.0),
        ("007", "2020-01-06", -8.0),  # takes back the 4th
        ("007", "2020-01-08", 3.0),
        ("b", "2020-01-04", 2.0),
        ("b", "2020-01-05", 2.0),
    ],
    columns=["customer_id", "time", "amount"],
)


@pytest.mark.engines
def test_days_tell_first_and_repeat_purchases_without_those_taken_back(engine):
    log = engine(ROWS, observed_until="2020-01-09")
    table = purchases_by_day(log)
    assert [day.day for day in table.index] == [*range(1, 10)]
    assert table["first"].tolist() == [1, 0, 0, 1, 0, 0, 0, 0, 0]
    assert table["repeat"].tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 0]
    assert gaps(log).to_dict() == {1: 1, 7: 1}
    assert purchase_days(log, "007").strftime("%d").tolist() == ["01", "08"]


def test_days_add_up_to_the_summary(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1998-06-30")
    table = purchases_by_day(cdnow_sample)
    assert table.sum().tolist() == [len(summary), summary["frequency"].sum()]
    born = pd.Timestamp("1998-06-30") - pd.to_timedelta(summary["T"], unit="D")
    assert table["first"][table["first"] > 0].to_dict() == born.value_counts().to_dict()


def test_gaps_add_up_to_the_time_between_first_and_last_purchase(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1998-06-30")
    counts = gaps(cdnow_sample)
    assert counts.sum() == summary["frequency"].sum()
    assert (counts.index.to_numpy() * counts).sum() == summary["recency"].sum()
    assert (np.diff(counts.index) > 0).all()


def test_days_of_one_customer_are_those_of_the_summary(cdnow_sample):
    days = purchase_days(cdnow_sample.until("1997-09-30"), "00111")
    row = rfm_summary(cdnow_sample, "1997-09-30").loc["00111"]
    assert len(days) == row["frequency"] + 1
    assert (days[-1] - days[0]).days == row["recency"]


def test_a_customer_who_bought_nothing_is_named(cdnow_sample):
    with pytest.raises(DataError, match="bought nothing") as refused:
        purchase_days(cdnow_sample, "111")
    assert refused.value.example == "111"
