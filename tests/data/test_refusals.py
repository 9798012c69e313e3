"""Every bad input and the message that a person can act on."""

# ruff: noqa: E501  the messages stand as they are read

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from patron._core.errors import ConfigError, DataError
from patron.data.readers import read_transactions

GOOD = {"customer_id": ["a", "b"], "time": ["2024-01-31", "2024-02-01"], "amount": [1.5, 2.0]}
NAN, INF = float("nan"), float("inf")
NUMBER = "write numbers with a decimal point and without thousands separators or currency signs, like 1234.50; decimal=',' reads 1.234,50"
COMMA = "write numbers without currency signs, like 1.234,50; decimal='.' reads 1234.50"
STAMP = "write it as 2024-01-31 or 2024-01-31T18:30:00, with +02:00 or Z behind it if it has a zone; or say how it is written, time_format='%d.%m.%Y %H:%M' for 31.01.2024 18:30"
FILL = "fill it in or remove these rows"
GUESTS = f"{FILL}; guests='drop' leaves them out, and the audit tells how much that was"
ENCODING = "save the file as UTF-8, or say what it is, like encoding='cp1252' for files of Windows and Excel"
DATED = "by rates= a table of currency, day and rate"
NEVER = "correct these rows; a placeholder for 'unknown' or 'never' is not a time"
FIELDS = "day, month and year, and a time if there is one, once each, of %d %m %Y %y %H %M %S, like '%d.%m.%Y %H:%M' for 31.01.2024 18:30"
NAIVE, AWARE = dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)  # noqa: DTZ001

VALUES = [
    ("customer_id", [None, "a"], f"is missing (1 row). Fix: {GUESTS}."),
    ("customer_id", ["  ", "a"], f"is missing (1 row, for example '  '). Fix: {GUESTS}."),
    ("customer_id", [1.0, NAN], f"is missing (1 row). Fix: {GUESTS}."),
    ("customer_id", pd.array([1, None], dtype="Int64"), f"is missing (1 row). Fix: {GUESTS}."),
    (
        "customer_id",
        [1.5, 2.0],
        "holds fractions where identifiers belong (1 row, for example '1.5'). Fix: read identifiers as text where the data are loaded.",
    ),
    ("customer_id", [7, "007"], "mixes types: int, str. Fix: make the column one type."),
    ("customer_id", [True, False], "holds values of type boolean, not text or whole numbers. Fix: turn it into text first."),
    ("customer_id", [NAIVE, NAIVE], "holds values of type timestamp(6), not text or whole numbers. Fix: turn it into text first."),
    ("time", [None, "2024-01-01"], f"is missing (1 row). Fix: {FILL}."),
    ("time", [None, None], f"is missing (2 rows). Fix: {FILL}."),
    ("time", pd.to_datetime([None, "2024-01-01"]), f"is missing (1 row). Fix: {FILL}."),
    ("time", ["2024-02-30", "soon"], f"is not a date or stamp (2 rows, for example '2024-02-30'). Fix: {STAMP}."),
    ("time", ["31.01.2024", "2024-01-01"], f"is not a date or stamp (1 row, for example '31.01.2024'). Fix: {STAMP}."),
    ("time", ["2024-01-01T25:00", "2024-01-01"], f"is not a date or stamp (1 row, for example '2024-01-01T25:00'). Fix: {STAMP}."),
    ("time", ["0001-01-01", "9999-12-31"], f"lies outside 1900-01-01 to 2099-12-31 (2 rows, for example '0001-01-01'). Fix: {NEVER}."),
    ("time", [dt.date(9999, 12, 31), dt.date(2024, 1, 1)], f"lies outside 1900-01-01 to 2099-12-31 (1 row, for example '9999-12-31'). Fix: {NEVER}."),
    ("time", [20240131, 20240201], "holds values of type int64, not dates or stamps. Fix: turn it into dates first, saying whether 20240131 or seconds are meant."),
    ("time", [NAIVE, AWARE], "mixes stamps with and without a zone. Fix: give all of them a zone, or none."),
    ("amount", [1.0, NAN], f"is missing (1 row). Fix: {FILL}; a free order has amount 0."),
    ("amount", [Decimal("NaN"), Decimal(1)], f"is missing (1 row). Fix: {FILL}; a free order has amount 0."),
    ("amount", ["", "1"], f"is missing (1 row, for example ''). Fix: {FILL}; a free order has amount 0."),
    ("amount", [INF, -INF], "is infinite (2 rows, for example '-inf'). Fix: correct or remove these rows."),
    ("amount", [Decimal("Infinity"), Decimal(1)], "is infinite (1 row, for example 'Infinity'). Fix: correct or remove these rows."),
    ("amount", ["12,50", "1.234,50"], f"is not a number (2 rows, for example '1.234,50'). Fix: {NUMBER}."),
    ("amount", ["$3", "1"], f"is not a number (1 row, for example '$3'). Fix: {NUMBER}."),
    ("amount", ["nan", "inf"], f"is not a number (2 rows, for example 'inf'). Fix: {NUMBER}."),
    ("amount", [1e11, 1.0], "is larger than 10,000,000,000 (1 row, for example '100000000000.0'). Fix: correct these rows; amounts are in major units, like 12.50."),
    ("amount", [2**62, -(2**63)], "is larger than 10,000,000,000 (2 rows, for example '-9223372036854775808'). Fix: correct these rows; amounts are in major units, like 12.50."),
    ("amount", [Decimal(10) ** 30, Decimal(1)], f"is larger than 10,000,000,000 (1 row, for example '{10**30}'). Fix: correct these rows; amounts are in major units, like 12.50."),
    ("amount", ["1e30", "1"], "is larger than 10,000,000,000 (1 row, for example '1e30'). Fix: correct these rows; amounts are in major units, like 12.50."),
    ("amount", [True, False], "holds values of type boolean, not numbers. Fix: name the column that holds the numbers."),
    ("amount", [Decimal(1), 1.5], "mixes types: Decimal, float. Fix: make the column one type."),
    ("quantity", ["two", "1"], f"is not a number (1 row, for example 'two'). Fix: {NUMBER}."),
    ("quantity", [INF, 1.0], "is infinite (1 row, for example 'inf'). Fix: correct or remove these rows."),
    ("discount", ["10%", None], f"is not a number (1 row, for example '10%'). Fix: {NUMBER}."),
    ("order_id", [0.5, 1.0], "holds fractions where identifiers belong (1 row, for example '0.5'). Fix: read identifiers as text where the data are loaded."),
    ("currency", ["USD", "EUR"], f"holds 2 currencies: EUR, USD (1 row, for example 'EUR'). Fix: convert them to the one that currency= names, {DATED}; or read one of them alone, by keep=."),
    ("currency", ["USD", None], "is missing (1 row). Fix: fill it in."),
    ("currency", ["€", "EUR"], "not a currency code (1 row, for example '€'). Fix: an ISO 4217 code of three letters, like USD."),
]  # fmt: skip


@pytest.mark.parametrize(("column", "values", "text"), VALUES, ids=[f"{v[0]}-{i}" for i, v in enumerate(VALUES)])
def test_values(column, values, text):
    with pytest.raises(DataError) as caught:
        read_transactions(pd.DataFrame({**GOOD, column: values}))
    assert str(caught.value) == f"column '{column}': {text}"


OPTIONS = [
    ({"amount": "Amount"}, DataError, "column 'Amount': is not in the frame; did you mean 'amount'? Fix: name the column that holds it."),
    ({"time": "tme"}, DataError, "column 'tme': is not in the frame; did you mean 'time'? Fix: name the column that holds it."),
    ({"amount": "total"}, DataError, "column 'total': is not in the frame; it has 'customer_id', 'time', 'amount', 'status'. Fix: name the column that holds it."),
    ({"channel": "shop"}, DataError, "column 'shop': is not in the frame; it has 'customer_id', 'time', 'amount', 'status'. Fix: name the column that holds it."),
    ({"timezone": "Europe/Berlyn"}, ConfigError, "timezone is not a known time zone: 'Europe/Berlyn'. Fix: an IANA name, like Europe/Berlin or Europe/Jersey."),
    ({"source_timezone": "here"}, ConfigError, "source_timezone is not a known time zone: 'here'. Fix: an IANA name, like Europe/Berlin or UTC."),
    ({"currency": "Dollar"}, DataError, "not a currency code (for example 'DOLLAR'). Fix: an ISO 4217 code of three letters, like USD."),
    ({"duplicates": "merge"}, DataError, "duplicates is 'merge'. Fix: 'keep' or 'drop'."),
    ({"guests": "keep"}, DataError, "guests is 'keep'. Fix: 'refuse' or 'drop'."),
    ({"decimal": "'"}, ConfigError, 'decimal is "\'". Fix: \'.\' or \',\'.'),
    ({"time_format": "%d.%m."}, ConfigError, f"time_format does not tell a day: '%d.%m.'. Fix: {FIELDS}."),
    ({"time_format": "%d.%m.%Y %H"}, ConfigError, f"time_format does not tell a day: '%d.%m.%Y %H'. Fix: {FIELDS}."),
    ({"time_format": "%d.%m.%Y%Z"}, ConfigError, f"time_format does not tell a day: '%d.%m.%Y%Z'. Fix: {FIELDS}."),
    ({"time_format": "%d.%m.%Y %d"}, ConfigError, f"time_format does not tell a day: '%d.%m.%Y %d'. Fix: {FIELDS}."),
    ({"time_format": "31.01.2024"}, ConfigError, f"time_format does not tell a day: '31.01.2024'. Fix: {FIELDS}."),
    ({"encoding": "ansi"}, ConfigError, "encoding is not known: 'ansi'. Fix: 'utf-8', or 'cp1252' for files of Windows."),
    ({"encoding": "cp1252"}, DataError, "encoding='cp1252' goes with CSV files. Fix: leave it out."),
    ({"keep": {"state": ["paid"]}}, DataError, "column 'state': is not in the frame; did you mean 'status'? Fix: name the column that holds it."),
    ({"keep": {"status": ["Paid"]}}, DataError, "column 'status': holds none of 'Paid'; it has 'paid'. Fix: name the values to keep as they are written."),
    ({"refund": "back"}, DataError, "column 'back': is not in the frame; it has 'customer_id', 'time', 'amount', 'status'. Fix: name the column that holds it."),
    ({"rates": pd.DataFrame()}, DataError, "rates are given, but no column tells the currencies. Fix: name it with currency_column=."),
    ({"memory": "lots"}, ConfigError, "memory cannot be read: 'lots'. Fix: write it as '60%' or '4GB'."),
    ({"memory": "0%"}, ConfigError, "memory cannot be read: '0%'. Fix: write it as '60%' or '4GB'."),
    ({"threads": 0}, ConfigError, "threads is not a positive whole number: 0. Fix: leave it out for one a core."),
    ({"observed_until": "yesterday"}, DataError, "observed_until is not a calendar day (for example 'yesterday'). Fix: write it as YYYY-MM-DD."),
    ({"observed_until": "2023-12-31"}, DataError, "no row is left: all lie after observed_until (2 rows, for example '2023-12-31'). Fix: a later observed_until."),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "text"), OPTIONS, ids=[str(o[0]) for o in OPTIONS])
def test_options(options, kind, text):
    with pytest.raises(kind) as caught:
        read_transactions(pd.DataFrame(GOOD).assign(status="paid"), **options)
    assert str(caught.value) == text


def test_a_currency_other_than_asked_for():
    with pytest.raises(DataError) as caught:
        read_transactions(pd.DataFrame({**GOOD, "currency": "EUR"}), currency="USD")
    assert str(caught.value) == (
        "column 'currency': says EUR, but the log was to be read in USD (2 rows). "
        f"Fix: currency='EUR', or convert the amounts, {DATED}."
    )


SOURCES = [
    (pd.DataFrame(GOOD).iloc[:0], "the log is empty. Fix: check that the source holds rows."),
    (pl.DataFrame(GOOD).clear(), "the log is empty. Fix: check that the source holds rows."),
    (pd.DataFrame(), "column 'customer_id': is not in the frame; it has no columns. Fix: name the column that holds it."),
    (pd.DataFrame(GOOD).set_index("customer_id"), "column 'customer_id': is not in the frame (its index is 'customer_id': reset_index() makes it a column); it has 'time', 'amount'. Fix: name the column that holds it."),
    (pd.concat([pd.DataFrame(GOOD), pd.DataFrame(GOOD)["amount"]], axis=1), "column 'amount': occurs more than once in the frame. Fix: rename one of them."),
    ([1, 2], "cannot read rows from a list. Fix: give a pandas, polars, pyarrow or PySpark frame, the path of CSV or Parquet files, a database's URL, or an Ibis table."),
    (pl.Series([1.0]), "cannot read rows from a Series. Fix: give a pandas, polars, pyarrow or PySpark frame, the path of CSV or Parquet files, a database's URL, or an Ibis table."),
    (None, "cannot read rows from a NoneType. Fix: give a pandas, polars, pyarrow or PySpark frame, the path of CSV or Parquet files, a database's URL, or an Ibis table."),
    ("mysql://me:secret@host/shop", "no database is read by a URL of mysql://. Fix: write it like postgresql://user@host/shop (libpq finds the password in PGPASSWORD or ~/.pgpass) or spark://; or pass an Ibis table."),
    ("nowhere.csv", "there is no file nowhere.csv. Fix: check the path; it is relative to the current folder."),
    ("nowhere/*.parquet", "no file matches nowhere/*.parquet. Fix: check the pattern and the current folder."),
]  # fmt: skip


@pytest.mark.parametrize(("source", "text"), SOURCES, ids=range(len(SOURCES)))
def test_sources(source, text):
    with pytest.raises(DataError) as caught:
        read_transactions(source)
    assert str(caught.value) == text


HEAD = "customer_id,time,amount\n"
ROW = "007,2024-01-31,12.50\n"
QUOTES = "correct the line, or put quotes around a field that holds the delimiter"
FILES = [
    ("a.csv", "", "a.csv names no columns. Fix: its first line must name them."),
    ("a.csv", HEAD, "the log is empty. Fix: check that the source holds rows."),
    ("a.csv", ROW + ROW, "column 'customer_id': is not in a.csv; it has '007', '2024-01-31', '12.50'. Fix: name the column that holds it."),
    ("a.csv", HEAD + ROW + "008,2024-01-31,12,50\n", f"a.csv, line 3: Expected Number of Columns: 3 Found: 4 (for example '008,2024-01-31,12,50'). Fix: {QUOTES}."),
    ("a.csv", HEAD + ROW + "008,2024-01-31\n", f"a.csv, line 3: Expected Number of Columns: 3 Found: 2 (for example '008,2024-01-31'). Fix: {QUOTES}."),
    ("a.csv", HEAD + '"007,2024-01-31,1\n', f"a.csv, line 2: Value with unterminated quote found (for example '\"007,2024-01-31,1'). Fix: {QUOTES}."),
    ("a.csv", HEAD.replace(",", ";") + "007;2024-01-31;12,50\n", f"column 'amount': is not a number (1 row, for example '12,50'). Fix: {NUMBER}."),
    ("a.csv", HEAD + ",2024-01-31,12.50\n", f"column 'customer_id': is missing (1 row). Fix: {GUESTS}."),
    ("a.csv", HEAD + '007,"",12.50\n', f"column 'time': is missing (1 row). Fix: {FILL}."),
    ("a.csv", (HEAD + ROW.replace("7", "é") * 9999).encode("latin-1"), "a.csv cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 26: invalid continuation byte. Fix: " + ENCODING + "."),
    ("a.csv", (HEAD + ROW * 9999 + ROW.replace("7", "é")).encode("latin-1"), "a.csv, line 10,001: Invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded. Fix: " + ENCODING + "."),
    ("a.csv", HEAD.encode("utf-16"), "a.csv cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte. Fix: " + ENCODING + "."),
    ("a.csv.gz", HEAD, "a.csv.gz cannot be read: Not a gzipped file (b'cu'). Fix: save the file whole, as UTF-8."),
    ("a.xlsx", "PK", "a.xlsx is neither CSV nor Parquet throughout. Fix: files end in .parquet, .pq, .csv, .tsv, .txt, .csv.gz, .tsv.gz, .txt.gz."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "text"), FILES, ids=range(len(FILES)))
def test_files(name, content, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read_transactions(name)
    assert str(caught.value) == text


def test_a_folder(tmp_path):
    with pytest.raises(
        DataError, match=re.escape(f"{tmp_path} is a folder. Fix: name the files in it, like {tmp_path}/*.parquet.")
    ):
        read_transactions(tmp_path)


def test_a_broken_parquet_file(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"x" * 99)
    with pytest.raises(
        DataError, match=r"^a\.parquet cannot be read: .*No magic bytes found.*check that the files are whole"
    ):
        read_transactions(tmp_path / "a.parquet")


def test_one_file_of_several_that_lacks_a_column(tmp_path):
    (tmp_path / "1.csv").write_text(HEAD + ROW)
    (tmp_path / "2.csv").write_text("customer_id,time\n007,2024-01-31\n")
    with pytest.raises(DataError, match=r"^column 'amount': is not in 2\.csv; it has 'customer_id', 'time'\."):
        read_transactions(tmp_path / "*.csv")


def test_numbers_beyond_any_type():
    with pytest.raises(DataError, match=r"^column 'amount': cannot be read: .* Fix: make the column one plain type\.$"):
        read_transactions(pd.DataFrame({**GOOD, "amount": [2**70, 1]}))


def test_the_first_of_several_problems_is_told_with_its_own_count():
    frame = pd.DataFrame({"customer_id": ["a", None, "b"], "time": ["x", "y", "2024-01-01"], "amount": [1, 2, np.nan]})
    with pytest.raises(DataError) as caught:
        read_transactions(frame)
    assert (caught.value.column, caught.value.count) == ("customer_id", 1)
    with pytest.raises(DataError) as caught:
        read_transactions(frame.dropna(subset="customer_id"))
    assert (caught.value.column, caught.value.count, caught.value.example) == ("time", 1, "x")
