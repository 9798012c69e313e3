"""Which rows count: statuses to keep, guests, refunds in a column; and what the audit says of the rest."""

from __future__ import annotations

import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.data.readers import read_transactions
from patron.features import rfm_summary

SHOP = pd.DataFrame(
    {
        "customer_id": ["a", "a", None, "b", " ", "b", "a"],
        "time": ["2024-01-02", "2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08", "2024-01-09", "soon"],
        "amount": ["10", "20", "30", "40", "50", "-5", "lots"],
        "order_id": ["1", "2", "3", "4", "5", "6", "7"],
        "quantity": [1, 2, 3, 4, 5, 6, 7],
        "Status": ["paid", "shipped ", "paid", "paid", "shipped", "paid", "cancelled"],
        "back": [None, "20", "30", "-10,5", "", "0", None],
    }
)
KEEP = {"Status": ["paid", "shipped"]}


def told(log):
    return {f.check: (f.rows, f.example) for f in log.entry}


def test_only_the_named_values_are_kept_and_the_others_are_counted_and_not_read():
    log = read_transactions(SHOP.fillna({"customer_id": "g"}).replace(" ", "g"), keep=KEEP)
    assert log.rows == 6
    assert told(log) == {
        "columns not read": (1, "back"),
        "rows left out of Status 'cancelled'": (1, ""),
        "amounts rounded": (0, ""),
    }


def test_two_columns_are_kept_by_both():
    log = read_transactions(SHOP.iloc[:2], keep={"Status": "shipped", "order_id": ["1", "2"]})
    assert log.table.order_id.to_pyarrow().to_pylist() == ["2"]


def test_a_missing_value_is_the_empty_text():
    frame = SHOP.iloc[[0, 1, 3]].assign(Status=[None, " ", "paid"])
    assert read_transactions(frame, keep={"Status": [""]}).rows == 2
    assert told(read_transactions(frame, keep={"Status": ["paid"]}))["rows left out of Status ''"] == (2, "")


def test_a_value_that_no_row_has_deserves_a_look():
    log = read_transactions(SHOP.iloc[:2], keep={"Status": ["paid", "Shipped"]})
    (found,) = [f for f in log.entry if f.level == "warn"]
    assert (found.check, found.rows) == ("rows kept of Status 'Shipped'", 0)


def test_many_values_are_counted_together():
    frame = pd.concat([SHOP.iloc[:1]] * 15, ignore_index=True).assign(Status=[f"s{i:02}" for i in range(15)])
    log = read_transactions(frame, keep={"Status": ["s00"]})
    assert told(log)["rows left out of 4 more of Status"] == (4, "s11")
    assert log.rows == 1


def test_guests_are_refused_with_the_fix_and_dropped_when_asked():
    with pytest.raises(DataError, match=r"column 'customer_id': is missing \(2 rows, .*guests='drop' leaves them out"):
        read_transactions(SHOP, keep=KEEP)
    log = read_transactions(SHOP, keep=KEEP, guests="drop", currency="EUR")
    assert (log.rows, log.n_customers) == (4, 2)
    assert told(log)["rows of guests left out"] == (2, "80.00 EUR, 55.2% of all")


def test_a_log_of_guests_alone_is_refused():
    with pytest.raises(DataError, match=r"no row has a customer \(1 row\)\. Fix: name another column as customer_id"):
        read_transactions(SHOP.iloc[2:3], guests="drop")


def test_other_faults_of_identifiers_are_refused_with_guests_dropped():
    frame = pd.DataFrame({"customer_id": [1.5, None], "time": "2024-01-02", "amount": 1})
    with pytest.raises(DataError, match="holds fractions where identifiers belong"):
        read_transactions(frame, guests="drop")


def test_what_was_paid_back_becomes_rows_of_its_own():
    log = read_transactions(SHOP.iloc[:6], guests="drop", refund="back", decimal=",")
    rows = log.table.order_by("day", "amount").select("customer_id", "amount", "order_id", "quantity")
    assert [tuple(row.values()) for row in rows.to_pyarrow().to_pylist()] == [
        ("a", 1000, "1", 1.0),
        ("a", -2000, "2", None),
        ("a", 2000, "2", 2.0),
        ("b", -1050, "4", None),
        ("b", 4000, "4", 4.0),
        ("b", -500, "6", 6.0),
    ]
    assert (log.rows, log.refunds, log.optional) == (6, 3, {"order_id", "quantity"})
    assert told(log)["refunds of a column"] == (3, "customer a")
    assert told(log)["rows of guests left out"] == (3, "50.00 USD, 59.2% of all")


def test_a_refund_in_a_column_tells_what_a_row_of_its_own_tells():
    column = SHOP.iloc[[0, 1, 3]].assign(quantity=None)
    rows = pd.concat([column, column.iloc[1:].assign(amount=["-20", "-10,5"])])
    one = read_transactions(column.drop(columns="quantity"), refund="back", decimal=",")
    two = read_transactions(rows.drop(columns="quantity"), decimal=",")
    assert one.digest() == two.digest()
    summaries = [rfm_summary(log, "2024-01-07") for log in (one, two)]
    pd.testing.assert_frame_equal(*summaries)


def test_a_refund_that_cannot_be_read_is_refused():
    with pytest.raises(DataError, match=r"column 'back': is not a number \(1 row, for example '-10,5'\)"):
        read_transactions(SHOP.iloc[:6], guests="drop", refund="back")
