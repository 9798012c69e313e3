from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.calendar import date_of
from patron.data.readers import read_transactions

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def days(times, **options):
    """The calendar days, and times of day, that a log makes of the stamps."""
    frame = pd.DataFrame({"customer_id": [f"{i:03}" for i in range(len(times))], "time": times, "amount": 1.0})
    table = read_transactions(frame, **options).table.order_by("customer_id").to_pyarrow()
    clock = [None] * len(times) if "time_of_day" not in table.column_names else table["time_of_day"].to_pylist()
    return [
        str(date_of(day)) + ("" if ms is None else f" {dt.timedelta(milliseconds=ms)}")
        for day, ms in zip(table["day"].to_pylist(), clock, strict=True)
    ]


def test_plain_dates_are_the_days():
    dates = [dt.date(2024, 2, 29), dt.date(1969, 7, 20)]
    assert days(dates) == days(dates, timezone=NEW_YORK, source_timezone="UTC") == ["2024-02-29", "1969-07-20"]


def test_naive_stamps_are_taken_as_in_the_log_s_zone():
    stamps = pd.to_datetime(["2024-07-01T00:30", "2024-07-01T23:30"])
    assert days(stamps, timezone=NEW_YORK) == ["2024-07-01 0:30:00", "2024-07-01 23:30:00"]


def test_naive_stamps_with_a_source_zone_are_converted():
    stamps = pd.to_datetime(["2018-01-01T04:01", "2018-01-01T05:00"])
    assert days(stamps, timezone=NEW_YORK, source_timezone="UTC") == ["2017-12-31 23:01:00", "2018-01-01 0:00:00"]


def test_stamps_with_a_zone_are_converted_whatever_the_source_zone():
    stamps = pd.to_datetime(["2024-07-01T00:30", "2024-07-01T23:30"]).tz_localize(BERLIN)
    wanted = ["2024-06-30 18:30:00", "2024-07-01 17:30:00"]
    assert days(stamps, timezone=NEW_YORK) == days(stamps, timezone=NEW_YORK, source_timezone="Asia/Tokyo") == wanted


@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("2024-03-10T04:59:59Z", "2024-03-09 23:59:59"),  # the night before the clocks go forward: five hours
        ("2024-03-10T05:00:00Z", "2024-03-10 0:00:00"),
        ("2024-03-11T03:59:59Z", "2024-03-10 23:59:59"),  # and after: four
        ("2024-03-11T04:00:00Z", "2024-03-11 0:00:00"),
        ("2024-11-03T03:59:59Z", "2024-11-02 23:59:59"),  # before they go back
        ("2024-11-04T04:59:59Z", "2024-11-03 23:59:59"),
        ("2024-11-04T05:00:00Z", "2024-11-04 0:00:00"),
    ],
)
def test_days_on_which_the_clocks_change(stamp, day):
    assert days([stamp], timezone=NEW_YORK) == days(pd.to_datetime([stamp]), timezone=NEW_YORK) == [day]


def test_a_naive_hour_that_the_clocks_skip_stays_on_its_day():
    assert days(["2024-03-10T02:30:00"], timezone=NEW_YORK) == ["2024-03-10 2:30:00"]


def test_text_is_read_row_by_row():
    texts = [
        "2024-07-01",
        " 2024-07-01 ",
        "2024-07-01T00:30",
        "2024-07-01 00:30:15.250999",
        "2024-07-01T00:30:00Z",
        "2024-07-01 00:30:00+02:00",
        "2024-07-01 00:30:00-0500",
        "2024-07-01 00:30:00+02",
        "2024-07-01 00:30:00 UTC",
    ]
    assert days(texts, timezone=NEW_YORK) == [
        "2024-07-01 0:00:00",
        "2024-07-01 0:00:00",
        "2024-07-01 0:30:00",
        "2024-07-01 0:30:15.250000",
        "2024-06-30 20:30:00",
        "2024-06-30 18:30:00",
        "2024-07-01 1:30:00",
        "2024-06-30 18:30:00",
        "2024-06-30 20:30:00",
    ]


def test_the_zone_of_the_machine_does_not_matter(monkeypatch):
    stamps = ["2024-07-01T00:30:00Z", "2024-07-01T00:30:00"]
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert days(stamps, timezone=NEW_YORK) == ["2024-06-30 20:30:00", "2024-07-01 0:30:00"]


def test_trap_11_nine_o_clock_on_the_last_day_is_inside_and_midnight_after_it_is_not():
    stamps = ["1997-09-30T00:00:00", "1997-09-30T09:00:00", "1997-09-30T23:59:59.999", "1997-10-01T00:00:00"]
    frame = pd.DataFrame({"customer_id": "a", "time": stamps, "amount": 1.0})
    assert read_transactions(frame).until("1997-09-30").rows == 3


@pytest.mark.property
@settings(max_examples=6, deadline=None)
@given(
    stamps=st.lists(
        st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
        min_size=1,
        max_size=40,
    ),
    zone=st.sampled_from([NEW_YORK, BERLIN, "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_days_agree_with_pandas(stamps, zone):
    wanted = [str(t.date()) for t in pd.to_datetime(stamps, utc=True).tz_convert(zone)]
    naive = [t.replace(tzinfo=None) for t in stamps]
    for times, source in (
        (stamps, None),
        (naive, "UTC"),
        ([t.isoformat(sep=" ", timespec="seconds") for t in stamps], None),
    ):
        assert [day.split()[0] for day in days(times, timezone=zone, source_timezone=source)] == wanted
