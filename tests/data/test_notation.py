"""How sources write numbers, stamps and files: what each option reads, and what it refuses."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import DataError
from patron._core.notation import Notation
from patron.data import columns, stamps
from patron.data.engines import connect, offer
from patron.data.readers import read_transactions

READ = {  # with decimal=","
    "1.234,50": 123450,
    "1 234,50": 123450,
    "1\u00a0234,50": 123450,
    "1\u202f234\u202f567,8": 123456780,
    "-1.234,5": -123450,
    "+0,005": 0,
    "0,015": 2,
    ",5": 50,
    "12": 1200,
    "12,": 1200,
    "1.234": 123400,
    " 7,00 ": 700,
}
NOT_READ = ["1.23", "12.50", "1,234.50", "1.234.5", "1234.567", "1,2,3", "12,50 €", "1'234,50", "1e3", ",", "-", "."]


@pytest.fixture(scope="module")
def duckdb():
    return connect(threads=1)


def cents(engine, texts, decimal=","):
    """What money makes of texts, and which of them it cannot read."""
    table = offer(engine, pa.table({"amount": pa.array(texts)}))
    amount = columns.money(table.amount, 100, decimal, required=True)
    rows = table.select(amount.value.name("cents"), bad=amount.problems[1].rows).to_pyarrow()
    return rows["cents"].to_pylist(), rows["bad"].to_pylist()


def test_decimal_commas_are_read_with_and_without_groups_of_thousands(duckdb):
    assert cents(duckdb, list(READ)) == (list(READ.values()), [False] * len(READ))


def test_what_may_be_another_notation_is_refused(duckdb):
    assert cents(duckdb, NOT_READ) == ([None] * len(NOT_READ), [True] * len(NOT_READ))


def test_a_decimal_point_stays_the_rule_and_the_fix_names_the_option():
    frame = pd.DataFrame({"customer_id": "a", "time": "2024-01-31", "amount": ["1.234,50", "7"]})
    with pytest.raises(DataError, match=r"1 row, for example '1\.234,50'.*decimal=',' reads 1\.234,50"):
        read_transactions(frame)
    with pytest.raises(DataError, match=r"1 row, for example '12\.50'.*decimal='\.' reads 1234\.50"):
        read_transactions(frame.assign(amount=["12.50", "7"]), decimal=",")


def german(number: Decimal, separator: str) -> str:
    return f"{number:,}".translate(str.maketrans({",": separator, ".": ","}))


@pytest.mark.property
@settings(max_examples=6, deadline=None)
@given(
    numbers=st.lists(st.decimals(-(10**9), 10**9, places=3), min_size=1, max_size=200),
    separator=st.sampled_from([".", " ", "\u00a0", ""]),
)
def test_a_comma_is_what_a_point_is(duckdb, numbers, separator):
    points = cents(duckdb, [str(n) for n in numbers], ".")
    assert cents(duckdb, [german(n, separator) for n in numbers]) == points
    assert points[0] == [round(n * 100) for n in numbers]


def test_every_column_of_numbers_is_read_alike():
    frame = pd.DataFrame({"customer_id": "a", "time": "2024-01-31", "amount": ["1,5"]})
    log = read_transactions(frame.assign(quantity="1.000,5", discount="0,25"), decimal=",")
    (row,) = log.table.select("amount", "quantity", "discount").to_pyarrow().to_pylist()
    assert row == {"amount": 150, "quantity": 1000.5, "discount": 25}
    survey = frame.assign(kind="survey", value="9,5")
    assert log.with_events(survey, decimal=",").events.value.to_pyarrow().to_pylist() == [9.5]
    contract = pd.DataFrame({"customer_id": "a", "start": ["31.1.24"], "end": None, "price": "9,90"})
    told = log.with_subscriptions(contract, decimal=",", time_format="%d.%m.%y").subscriptions
    assert told.select("start", "price").to_pyarrow().to_pylist() == [{"start": 19753, "price": 990}]
    people = pd.DataFrame({"customer_id": "a", "since": ["31.01.2024"], "size": "1,5"})
    dated = log.with_customers(people, valid_from="since", decimal=",", time_format="%d.%m.%Y").customers
    assert dated.valid_from.to_pyarrow().to_pylist() == [19753]


def walls(engine, texts, time_format):
    """What the clock showed at the stamps, written as ISO 8601; none where they cannot be read."""
    table = offer(engine, pa.table({"time": pa.array(texts)}))
    written = Notation(time_format=time_format)
    raw = stamps.with_walls(table, ["time"], "UTC", None, engine, written)
    day, clock = stamps.day(raw, "time", "UTC", None, written)
    rows = raw.select(day=day.value, clock=clock.value).to_pyarrow().to_pylist()
    epoch = dt.datetime(1970, 1, 1)  # noqa: DTZ001
    return [
        None
        if row["day"] is None
        else (epoch + dt.timedelta(days=row["day"], milliseconds=row["clock"])).isoformat(sep=" ")
        for row in rows
    ]


def test_stamps_are_read_by_their_format_alone(duckdb):
    texts = ["31.03.2024 23:58", "1.3.2024 7:05", " 29.02.2024 00:00 ", "30.02.2024 10:00", "29.02.2023 10:00"]
    texts += [
        "31.03.2024",
        "31.03.2024 23:58:01",
        "2024-03-31 23:58",
        "03/31/2024 23:58",
        "31.03.2024 24:00",
        "31x03x2024 1:01",
    ]
    assert walls(duckdb, texts, "%d.%m.%Y %H:%M") == [
        "2024-03-31 23:58:00",
        "2024-03-01 07:05:00",
        "2024-02-29 00:00:00",
        *[None] * 8,
    ]


def test_the_day_and_the_month_change_places_only_when_asked(duckdb):
    assert walls(duckdb, ["03/04/2024"], "%d/%m/%Y") == ["2024-04-03 00:00:00"]
    assert walls(duckdb, ["03/04/2024"], "%m/%d/%Y") == ["2024-03-04 00:00:00"]


@pytest.mark.property
@settings(max_examples=6, deadline=None)
@given(
    stamps_=st.lists(st.datetimes(dt.datetime(1969, 1, 1), dt.datetime(2068, 12, 31)), min_size=1, max_size=100),  # noqa: DTZ001
    form=st.sampled_from(["%d.%m.%Y %H:%M:%S", "%m/%d/%y %H:%M", "%Y%m%d", "%H.%M Uhr, %d-%m-%Y", "[%y|%m|%d]"]),
)
def test_a_format_reads_what_strptime_reads(duckdb, stamps_, form):
    texts = [stamp.strftime(form) for stamp in stamps_]
    wanted = [dt.datetime.strptime(text, form).isoformat(sep=" ") for text in texts]  # noqa: DTZ007
    assert walls(duckdb, texts, form) == wanted


def test_stamps_of_a_format_are_local_to_their_zone():
    frame = pd.DataFrame({"customer_id": "a", "time": ["31.03.2024 23:58"], "amount": 1})
    berlin = read_transactions(frame, time_format="%d.%m.%Y %H:%M", timezone="Europe/Berlin", source_timezone="UTC")
    assert (berlin.first_day, berlin.table.time_of_day.to_pyarrow().to_pylist()) == (19814, [7_080_000])


def test_a_stamp_of_another_format_is_refused_with_the_format():
    frame = pd.DataFrame({"customer_id": "a", "time": ["31.03.2024", "2024-03-31"], "amount": 1})
    with pytest.raises(DataError) as caught:
        read_transactions(frame, time_format="%d.%m.%Y")
    assert str(caught.value) == (
        "column 'time': is not a date or stamp of the form '%d.%m.%Y' (1 row, for example '2024-03-31'). "
        "Fix: correct these rows, or time_format."
    )


LINES = (
    "customer_id;time;amount;channel\r\n007;2024-01-31;12.50;Büro\r\n"
    '008;2024-02-01;3;"a ""b"";\n€"\r\n009;2024-02-01;4;\r\n'
)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "UTF_8", None])
def test_a_file_of_any_encoding_is_read_when_it_is_named(encoding, tmp_path):
    content = LINES.encode(encoding or "utf-8")
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(content))
    for name in ("a.csv", "b.csv.gz"):
        rows = read_transactions(tmp_path / name, encoding=encoding).table.order_by("customer_id")
        assert rows.customer_id.to_pyarrow().to_pylist() == ["007", "008", "009"]
        assert rows.channel.to_pyarrow().to_pylist() == ["Büro", 'a "b";\n€', None]
    assert read_transactions(str(tmp_path / "*"), encoding=encoding).rows == 6


def test_a_wrong_encoding_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes((LINES + "010;2024-02-01;5;é\n" * 9999).encode("latin-1", "replace"))
    with pytest.raises(DataError, match=r"a\.csv cannot be read: .*Fix: save the file as UTF-8, or say what it is"):
        read_transactions(tmp_path / "a.csv", encoding="ascii")
    (tmp_path / "b.csv").write_bytes(b"customer_id,time,amount\n" + b"a,2024-02-01,5\n" * 9999 + b"\xe9,2024-02-01,5\n")
    with pytest.raises(DataError, match=r"b\.csv cannot be read: .*Fix: check encoding, and that the file is whole"):
        read_transactions(tmp_path / "b.csv", encoding="ascii")
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="encoding='cp1252' goes with CSV files"):
        read_transactions(tmp_path / "a.parquet", encoding="cp1252")


def test_a_broken_line_of_a_decoded_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes((LINES + "1;2\n").encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv cannot be read: .*4 columns, got 2.*Fix: "):
        read_transactions(tmp_path / "a.csv", encoding="cp1252")
