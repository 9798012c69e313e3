import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron._core.calendar import Horizon, as_stamps, check_unit, date_of, day_number, day_numbers, discount_per_day
from patron._core.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "day",
    ["1997-09-30", dt.date(1997, 9, 30), pd.Timestamp("1997-09-30"), np.datetime64("1997-09-30"), "1997-09-30 00:00"],
)
def test_one_day_in_every_shape_has_one_number(day):
    assert day_number(day) == (dt.date(1997, 9, 30) - dt.date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("1997-13-01", "not a calendar day"),
        ("soon", "not a calendar day"),
        (None, "missing"),
        (pd.NaT, "missing"),
        ("1997-09-30 09:00", "without a time of day"),
        (pd.Timestamp("1997-09-30", tz="UTC"), "without a time of day or a zone"),
    ],
)
def test_what_is_not_a_whole_day_is_refused_with_a_fix(day, words):
    with pytest.raises(DataError, match=words) as caught:
        day_number(day)
    assert "YYYY-MM-DD" in str(caught.value)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)))
def test_number_and_date_are_inverse(day):
    assert date_of(day_number(day)) == day
    assert as_stamps([day_number(day)])[0].date() == day


def test_days_are_sorted_and_each_once():
    assert day_numbers(["1970-01-03", "1970-01-02", "1970-01-03"]) == [1, 2]
    assert day_numbers("1970-01-02") == [1]
    with pytest.raises(DataError, match="empty list"):
        day_numbers([])


@pytest.mark.parametrize(
    ("text", "start", "days"),
    [
        ("90 days", None, 90),
        ("1 day", None, 1),
        ("13 weeks", None, 91),
        ("12 months", "1998-06-30", 365),
        ("12 months", "1999-06-30", 366),
        ("1 month", "1999-01-31", 28),
        ("1 year", "2023-03-01", 366),
    ],
)
def test_horizons_measure_days_or_run_to_the_calendar_date(text, start, days):
    horizon = Horizon.parse(text)
    assert horizon.days(None if start is None else day_number(start)) == days
    assert Horizon.parse(str(horizon)) == horizon


@pytest.mark.parametrize("text", ["0 days", "-3 days", "90", "days", "1.5 weeks", "", None, 90, "3 fortnights"])
def test_what_is_not_a_horizon_is_refused(text):
    with pytest.raises(ConfigError, match="not a horizon"):
        Horizon.parse(text)


def test_months_need_a_start_and_are_no_fixed_length():
    with pytest.raises(DataError, match="pass as_of="):
        Horizon.parse("12 months").days()
    with pytest.raises(ConfigError, match="fixed length"):
        Horizon.parse("12 months").fixed_days("horizon")
    assert Horizon.parse("4 weeks").fixed_days("horizon") == 28


def test_the_discount_rate_is_annual_and_effective():
    assert np.exp(365.25 * discount_per_day(0.10)) == pytest.approx(1.10, rel=1e-14)
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(DataError, match="annual effective"):
            discount_per_day(wrong)


@pytest.mark.parametrize(("unit", "grain"), [("fortnight", None), ("day", "hour"), ("day", "month")])
def test_units_and_grains_that_do_not_fit_are_refused(unit, grain):
    with pytest.raises(DataError):
        check_unit(unit, grain)
