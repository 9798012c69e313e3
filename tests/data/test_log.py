from __future__ import annotations

import dataclasses
import datetime as dt

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron.data.finding import Finding
from patron.data.readers import read_transactions

ORDERS = pd.DataFrame(
    {
        "customer_id": ["01", "01", "02", "03", "01"],
        "time": ["2024-01-01", "2024-01-05", "2024-01-05", "2024-01-20", "2024-01-31"],
        "amount": [10.0, 5.0, 7.5, 1.0, -5.0],
    }
)


@pytest.fixture(scope="module")
def log():
    return read_transactions(ORDERS, currency="EUR", timezone="Europe/Berlin")


def rows(table, *order):
    return table.order_by(*order).to_pyarrow().to_pylist()


def found(log, check):
    (finding,) = [f for f in log.entry if f.check == check]
    return finding


def test_it_tells_itself_in_one_line(log):
    assert repr(log) == "TransactionLog(5 rows, 3 customers, 2024-01-01 to 2024-01-31, EUR, Europe/Berlin)"
    assert repr(log.until("2024-01-01")) == (
        "TransactionLog(1 row, 1 customer, 2024-01-01 to 2024-01-01, EUR, Europe/Berlin)"
    )
    page = log._repr_html_()
    assert page.startswith("<p><strong>TransactionLog</strong>")
    assert "3 customers" in page


def test_it_shows_what_was_done_on_the_way_in_escaped(log):
    finding = Finding("<i>rows</i> left out", 1234, "customer <7>", "dropped", "warn")
    page = dataclasses.replace(log, entry=(finding,))._repr_html_()
    assert "<strong>&lt;i&gt;rows&lt;/i&gt; left out</strong>" in page
    assert "1,234" in page
    assert "customer &lt;7&gt;" in page
    assert "<table>" not in dataclasses.replace(log, entry=())._repr_html_()


def test_it_cannot_be_changed(log):
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.observed_until = 0
    before = repr(log)
    log.with_events(pd.DataFrame({"customer_id": ["01"], "time": ["2024-01-02"], "kind": ["call"]}))
    assert repr(log) == before
    assert log.events is None


def test_until_is_the_log_as_it_stood(log):
    cut = log.until("2024-01-20")
    assert (cut.rows, cut.n_customers, cut.refunds, date_of(cut.observed_until)) == (4, 3, 0, dt.date(2024, 1, 20))
    assert rows(cut.table, "day", "customer_id") == rows(read_transactions(ORDERS.iloc[:4]).table, "day", "customer_id")
    assert log.until("2024-01-31").rows == log.rows
    assert log.until(dt.date(2024, 1, 10)).until("2024-01-05").rows == 3


@pytest.mark.parametrize("day", ["2023-12-31", "2024-02-01"])
def test_until_refuses_days_outside(log, day):
    with pytest.raises(DataError) as caught:
        log.until(day)
    assert str(caught.value) == (
        f"as_of lies outside the log, 2024-01-01 to 2024-01-31 (for example '{day}'). Fix: choose a day within."
    )


def in_duckdb(frame):
    return ibis.duckdb.connect().create_table("t", pa.Table.from_pandas(frame, preserve_index=False))


@pytest.mark.parametrize("source", [lambda f: f, pl.from_pandas, pa.Table.from_pandas, in_duckdb, "csv"])
def test_side_tables_come_from_every_source(log, source, tmp_path):
    people = pd.DataFrame({"client": ["01", "02"], "country": ["DE", "AT"], "born": [1970, 1980]})
    if source == "csv":
        given = tmp_path / "people.csv"
        people.to_csv(given, index=False)
    else:
        given = source(people)
    told = log.with_customers(given, customer_id="client", static=["country"])
    assert [(r["customer_id"], r["country"], int(r["born"])) for r in rows(told.customers, "customer_id")] == [
        ("01", "DE", 1970),
        ("02", "AT", 1980),
    ]
    assert told.attributes == (("country", ("AT", "DE")),)
    assert told.customers.get_backend() is log.table.get_backend()
    assert "with customers" in repr(told)
    assert found(told, "customers without transactions").rows == 0


def test_side_tables_are_frozen_too(log):
    people = pd.DataFrame({"customer_id": ["01"], "country": ["DE"]})
    told = log.with_customers(people, static=["country"])
    people.loc[0, "country"] = "changed"
    assert rows(told.customers, "customer_id") == [{"customer_id": "01", "country": "DE"}]


def test_unknown_customers_are_reported_and_kept(log):
    events = pd.DataFrame({"customer_id": ["01", "99", "99"], "time": "2024-01-02", "kind": "call"})
    told = log.with_events(events)
    strangers = found(told, "events of customers without transactions")
    assert (strangers.rows, strangers.example) == (2, "99")
    assert told.events.count().to_pyarrow().as_py() == 3


def test_dated_customers_hold_in_their_periods(log):
    people = pd.DataFrame(
        {
            "customer_id": ["01", "01", "02"],
            "tier": ["base", "gold", "base"],
            "since": ["2024-01-01", "2024-01-11", None],
            "to": ["2024-01-10", None, "2024-01-25"],
        }
    )
    told = log.with_customers(people, valid_from="since", valid_to="to")
    cut = told.until("2024-01-05")
    assert rows(cut.customers.select("customer_id", "tier", "valid_to"), "customer_id") == [
        {"customer_id": "01", "tier": "base", "valid_to": None},
        {"customer_id": "02", "tier": "base", "valid_to": None},
    ]
    assert rows(told.until("2024-01-20").customers, "customer_id", "valid_from")[0]["valid_to"] == day_number(
        "2024-01-10"
    )


def test_events_are_read_and_cut(log):
    events = pd.DataFrame(
        {
            "customer_id": ["01", "02", "02"],
            "time": ["2024-01-02T10:00:00+01:00", "2024-01-06T23:30:00Z", "2024-02-02T00:00:00Z"],
            "kind": ["call", "visit", "survey"],
            "value": [None, "2.5", "9"],
        }
    )
    told = log.with_events(events)
    assert rows(told.events, "day") == [
        {"customer_id": "01", "day": 19724, "time_of_day": 36_000_000, "kind": "call", "value": None},
        {"customer_id": "02", "day": 19729, "time_of_day": 1_800_000, "kind": "visit", "value": 2.5},
    ]
    late = found(told, "events after the end of observation")
    assert (late.rows, late.example) == (1, "2024-02-02")
    assert [r["kind"] for r in rows(told.until("2024-01-06").events, "day")] == ["call"]


def test_subscriptions_are_read_and_a_later_end_is_open(log):
    contracts = pd.DataFrame(
        {
            "customer_id": ["01", "02", "03"],
            "start": ["2024-01-01", "2024-01-10", "2024-03-01"],
            "end": ["2024-01-15", None, None],
            "plan": ["basic", "plus", "plus"],
            "price": [9.99, 19.995, 1],
        }
    )
    told = log.with_subscriptions(contracts)
    assert rows(told.subscriptions, "start") == [
        {"customer_id": "01", "start": 19723, "end": 19737, "plan": "basic", "price": 999},
        {"customer_id": "02", "start": 19732, "end": None, "plan": "plus", "price": 2000},
    ]
    assert found(told, "subscriptions after the end of observation").rows == 1
    assert [r["end"] for r in rows(told.until("2024-01-12").subscriptions, "start")] == [None, None]
    assert [r["end"] for r in rows(told.until("2024-01-15").subscriptions, "start")] == [19737, None]
    assert told.until("2024-01-09").subscriptions.count().to_pyarrow().as_py() == 1


def people(**columns):
    return pd.DataFrame({"customer_id": ["01", "02"], **columns})


def refused(call, text):
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == text


def test_customers_are_checked(log):
    twice = pd.DataFrame({"customer_id": ["01", "02", "01"], "tier": "x"})
    refused(
        lambda: log.with_customers(twice),
        "column 'customer_id': occurs in more than one row of customers (2 rows, for example '01'). "
        "Fix: give one row a customer, or name valid_from and valid_to.",
    )
    refused(
        lambda: log.with_customers(people(tier="x"), static=["teir"]),
        "column 'teir': is not in the frame of customers; did you mean 'tier'? Fix: name the column that holds it.",
    )
    refused(
        lambda: log.with_customers(pd.DataFrame({"customer_id": ["01", None]})),
        "column 'customer_id': is missing (1 row). Fix: fill it in or remove these rows.",
    )
    refused(
        lambda: log.with_customers(people(to="2024-01-01"), valid_to="to"),
        "column 'to': valid_to is named without valid_from. Fix: name both, or neither.",
    )
    refused(
        lambda: log.with_customers(
            people(f=["2024-02-01"] * 2, to=["2024-01-01", None]), valid_from="f", valid_to="to"
        ),
        "column 'to': lies before 'f' (1 row, for example 'customer 01'). "
        "Fix: correct these rows; an open end stays empty.",
    )


@pytest.mark.parametrize(
    ("since", "to"),
    [
        (["2024-01-01", "2024-01-10"], ["2024-01-10", None]),
        (["2024-01-01", "2024-01-10"], [None, None]),
        ([None, "2024-01-10"], [None, None]),
        ([None, None], ["2024-01-10", "2024-01-12"]),
    ],
)
def test_periods_of_one_customer_do_not_overlap(log, since, to):
    frame = pd.DataFrame({"customer_id": ["01", "01"], "since": since, "to": to}).astype(object)
    refused(
        lambda: log.with_customers(frame, valid_from="since", valid_to="to"),
        "column 'customer_id': has rows of customers that hold on the same day (1 row, for example '01'). "
        "Fix: let each row end the day before the next begins.",
    )


def test_events_are_checked(log):
    refused(
        lambda: log.with_events(people(time="2024-01-01", kind=["call", None])),
        "column 'kind': is missing (1 row). Fix: fill it in or remove these rows.",
    )
    refused(
        lambda: log.with_events(people(time="soon", kind="call")),
        "column 'time': is not a date or stamp (2 rows, for example 'soon'). "
        "Fix: write it as 2024-01-31 or 2024-01-31T18:30:00, with +02:00 or Z behind it if it has a zone; "
        "or say how it is written, time_format='%d.%m.%Y %H:%M' for 31.01.2024 18:30.",
    )
    refused(
        lambda: log.with_events(people(time="2024-01-01", kind="call"), value="score"),
        "column 'score': is not in the frame of events; it has 'customer_id', 'time', 'kind'. "
        "Fix: name the column that holds it.",
    )


def test_subscriptions_are_checked(log):
    refused(
        lambda: log.with_subscriptions(people(start=["2024-01-02", "2024-01-01"], end="2024-01-01")),
        "column 'end': lies before 'start' (1 row, for example 'customer 01'). "
        "Fix: correct these rows; an open end stays empty.",
    )
    refused(
        lambda: log.with_subscriptions(people(start=[None, "2024-01-01"], end=None)),
        "column 'start': is missing (1 row). Fix: fill it in or remove these rows.",
    )
    refused(
        lambda: log.with_subscriptions(people(start="2024-01-01", end=None, price="free")),
        "column 'price': is not a number (2 rows, for example 'free'). "
        "Fix: write numbers with a decimal point and without thousands separators or currency signs, like 1234.50; "
        "decimal=',' reads 1.234,50.",
    )


def test_a_subscription_of_one_day_is_one():
    log = read_transactions(ORDERS).with_subscriptions(people(start="2024-01-02", end="2024-01-02"))
    assert log.subscriptions.count().to_pyarrow().as_py() == 2
