"""The RFM summary against lifetimes' own function, its errors, and its aggregate."""

from __future__ import annotations

import functools
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.features import rfm_counts, rfm_summary

MEASURES = {("day", "day"): ("D", 1), ("week", "day"): ("D", 7), ("week", "week"): ("W", 1)}


@pytest.fixture(scope="module")
def rows():
    """CDNOW read here anew, so that an error of the loader would show too; a tenth of it on its first test day."""
    path = Path(find_spec("lifetimes").origin).parent / "datasets" / "CDNOW_master.txt"
    frame = pd.read_csv(path, sep=r"\s+", dtype=str)
    frame.columns = ["customer_id", "time", "quantity", "amount"]
    whole = frame.assign(time=pd.to_datetime(frame["time"], format="%Y%m%d"), amount=frame["amount"].astype(float))
    return {"1997-09-30": whole[whole["customer_id"].str.endswith("7")], "1998-06-30": whole}


@pytest.fixture(scope="module")
def lifetimes_summary(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

    @functools.cache
    def summary(as_of, unit, grain, include_first):
        freq, multiplier = MEASURES[unit, grain]
        return summary_data_from_transaction_data(
            rows[as_of][rows[as_of]["time"] <= as_of],  # its freq="W" takes in the rest of the week
            "customer_id",
            "time",
            "amount",
            observation_period_end=as_of,
            freq=freq,
            freq_multiplier=multiplier,
            include_first_transaction=include_first,
        )

    return summary


@pytest.mark.golden
@pytest.mark.engines
@pytest.mark.xdist_group("lifetimes")  # it takes seconds, once
@pytest.mark.parametrize(
    ("engine", "as_of"),
    [("duckdb", "1997-09-30"), ("duckdb", "1998-06-30"), ("postgres", "1997-09-30")],
    indirect=["engine"],
)
def test_summary_equals_lifetimes_on_cdnow(engine, rows, lifetimes_summary, as_of):
    log = engine(rows[as_of])
    for unit, grain in MEASURES:
        for include_first in (False, True):
            theirs = lifetimes_summary(as_of, unit, grain, include_first)
            ours = rfm_summary(log, as_of, unit, grain, include_first)
            assert list(ours.index) == list(theirs.index)
            for name in ("frequency", "recency", "T"):
                np.testing.assert_array_equal(ours[name], theirs[name], err_msg=f"{name} {unit} {grain}")
            np.testing.assert_allclose(ours["monetary_value"], theirs["monetary_value"], rtol=1e-12, atol=1e-12)
            assert ours.attrs == {"unit": unit, "grain": grain, "as_of": as_of, "include_first": include_first}


@pytest.mark.golden
def test_cdnow_sample_has_the_published_ages(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1997-09-30", unit="week")
    assert len(summary) == 2357
    assert summary["T"].max() == 272 / 7
    repeat = summary["frequency"] > 0
    assert repeat.sum() == 946
    assert summary.loc[repeat, "monetary_value"].mean() == pytest.approx(35.08, abs=0.005)


def test_counts_are_the_rows_grouped(cdnow_sample):
    summary = rfm_summary(cdnow_sample, "1997-09-30", unit="week")
    counts = rfm_counts(cdnow_sample, "1997-09-30", unit="week")
    grouped = summary.groupby(["frequency", "recency", "T"]).size().rename("weight").reset_index()
    pd.testing.assert_frame_equal(counts, grouped, check_exact=True)
    assert counts.attrs == summary.attrs


def test_trap_11_unit_and_grain_are_two_things(engine):
    frame = pd.DataFrame(
        {
            "customer_id": "a",
            "time": pd.to_datetime(["2021-03-01 09:00", "2021-03-03 23:59", "2021-03-08 00:00", "2021-03-31 09:00"]),
            "amount": 1.0,
        }
    )
    log = engine(frame, observed_until="2021-12-31")
    by_unit = rfm_summary(log, "2021-03-31", unit="week", grain="day").loc["a"]
    by_grain = rfm_summary(log, "2021-03-31", unit="week", grain="week").loc["a"]
    months = rfm_summary(log, "2021-05-01", unit="month", grain="month").loc["a"]
    assert by_unit[["frequency", "recency", "T"]].tolist() == [3, 30 / 7, 30 / 7]
    assert by_grain[["frequency", "recency", "T"]].tolist() == [2, 4, 4]
    assert months[["frequency", "recency", "T"]].tolist() == [0, 0, 2]


def test_trap_11_the_whole_of_the_as_of_day_is_seen(engine):
    times = pd.to_datetime(["2021-03-01 00:00", "2021-03-05 23:59", "2021-03-06 00:00"])
    log = engine(pd.DataFrame({"customer_id": "a", "time": times, "amount": 1.0}), observed_until="2021-12-31")
    assert rfm_summary(log, "2021-03-05").loc["a", "frequency"] == 1


def test_trap_19_observation_ends_where_the_log_says(engine):
    frame = pd.DataFrame({"customer_id": ["a"], "time": pd.to_datetime(["2021-03-01"]), "amount": [1.0]})
    assert rfm_summary(engine(frame, observed_until="2021-06-30"), "2021-06-30").loc["a", "T"] == 121
    with pytest.raises(DataError, match="2021-03-01"):
        rfm_summary(engine(frame), "2021-06-30")


def test_customers_whose_first_purchase_is_later_are_absent(cdnow_sample):
    early = rfm_summary(cdnow_sample, "1997-01-31")
    assert 0 < len(early) < 2357
    assert (early["T"] >= 0).all()


def test_as_of_before_the_log_names_its_first_day(cdnow_sample):
    with pytest.raises(DataError, match="1997-01-01"):
        rfm_summary(cdnow_sample, "1996-12-31")


def test_as_of_after_observation_names_its_end(cdnow_sample):
    with pytest.raises(DataError, match="1998-06-30"):
        rfm_counts(cdnow_sample, "1998-07-01")


@pytest.mark.parametrize(("unit", "grain"), [("fortnight", "day"), ("day", "year"), ("week", "month")])
def test_a_unit_or_grain_that_makes_no_sense_is_refused(cdnow_sample, unit, grain):
    with pytest.raises(DataError, match=r"unit|grain|measured in months"):
        rfm_summary(cdnow_sample, "1997-09-30", unit, grain)
