"""Refunds: what they take, from which day on, and that they never make a purchase."""

from __future__ import annotations

import pandas as pd
import pytest

from patron.features import features, rfm_summary, snapshots, unmatched_refunds


def log_of(engine, rows):
    """A log of rows (customer, time, amount, order number or None), observed to the end of 2021."""
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount", "order_id"])
    frame["order_id"] = frame["order_id"].astype("string")
    if frame["order_id"].isna().all():
        frame = frame.drop(columns="order_id")
    return engine(frame, observed_until="2021-12-31")


def spent(log, as_of):
    """Repeat purchases and their mean, of the one customer."""
    summary = rfm_summary(log, as_of)
    return tuple(summary.loc["a", ["frequency", "monetary_value"]]) if len(summary) else None


def test_trap_12_a_refund_never_makes_a_purchase(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-03-01", -4, None), ("b", "2020-01-05", -4, None)])
    summary = rfm_summary(log, "2020-06-01")
    assert list(summary.index) == ["a"]
    assert summary.loc["a", ["frequency", "recency"]].tolist() == [0, 0]


def test_trap_12_a_refund_acts_from_its_own_day(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-02-01", 8, None), ("a", "2020-03-01", -8, None)])
    assert spent(log, "2020-02-29") == (1, 8.0)
    assert spent(log, "2020-03-01") == (0, 0.0)


def test_trap_12_the_label_sees_the_refunds_of_its_own_window_only(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-02-01", 8, None), ("a", "2020-03-01", -8, None)])
    kept = snapshots(log, "2020-01-31", horizon="29 days", which="core").iloc[0]
    returned = snapshots(log, "2020-01-31", horizon="30 days", which="core").iloc[0]
    assert (kept["churned"], kept["purchases_next"], kept["spend_next"]) == (0, 1, 8.0)
    assert (returned["churned"], returned["purchases_next"], returned["spend_next"]) == (1, 0, 0.0)


def test_refunds_take_from_the_latest_earlier_purchases(here):
    rows = [("a", f"2020-0{month}-01", 10, None) for month in (1, 2, 3)]
    log = log_of(here, [*rows, ("a", "2020-02-15", -4, None), ("a", "2020-04-01", -12, None)])
    assert spent(log, "2020-03-31") == (2, 8.0)  # 10, 6, 10
    assert spent(log, "2020-04-01") == (1, 4.0)  # 10, 4, nothing


def test_a_refund_takes_from_a_purchase_of_its_own_day(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-02-01", -4, None), ("a", "2020-02-01", 4, None)])
    assert spent(log, "2020-02-01") == (0, 0.0)


def test_a_later_purchase_does_not_pay_an_earlier_excess(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-02-01", -50, None), ("a", "2020-03-01", 7, None)])
    assert spent(log, "2020-02-15") is None
    assert spent(log, "2020-03-01") == (0, 0.0)
    assert unmatched_refunds(log, log.observed_until) == 4000


def test_a_free_purchase_stays_one(here):
    log = log_of(here, [("a", "2020-01-01", 10, None), ("a", "2020-02-01", 0, None), ("a", "2020-03-01", -3, None)])
    assert spent(log, "2020-03-01") == (1, 0.0)


def test_a_refund_goes_to_its_own_order_first(here):
    bought = [("a", "2020-01-01", 10, "x"), ("a", "2020-02-01", 9, "y"), ("a", "2020-03-01", 8, "z")]
    log = log_of(here, [*bought, ("a", "2020-04-01", -9, "y")])
    assert spent(log, "2020-04-01") == (1, 8.0)


def test_what_exceeds_its_own_order_is_dropped(here):
    log = log_of(here, [("a", "2020-01-01", 10, "x"), ("a", "2020-02-01", 9, "y"), ("a", "2020-03-01", -12, "y")])
    assert rfm_summary(log, "2020-03-01", include_first=True)["monetary_value"].tolist() == [10.0]
    assert unmatched_refunds(log, log.observed_until) == 300


@pytest.mark.parametrize("number", ["other", None])
def test_a_refund_without_a_known_order_takes_from_the_latest(here, number):
    log = log_of(here, [("a", "2020-01-01", 10, "x"), ("a", "2020-02-01", 9, "y"), ("a", "2020-03-01", -9, number)])
    assert spent(log, "2020-03-01") == (0, 0.0)


def test_an_order_number_belongs_to_one_customer(here):
    rows = [("a", "2020-01-01", 10, "x"), ("a", "2020-02-01", 5, "y"), ("b", "2020-01-01", 10, "y")]
    log = log_of(here, [*rows, ("b", "2020-03-01", -10, "y")])
    assert rfm_summary(log, "2020-03-01")["frequency"].to_dict() == {"a": 1}


def test_orders_are_counted_once_and_rows_without_a_number_each(here):
    rows = [("a", "2020-01-01", 1, None)] + [("a", "2021-03-01", 5, "x")] * 3 + [("a", "2021-03-02", 5, "x")]
    rows += [("a", "2021-03-02", 5, None)] * 2 + [("a", "2021-03-02", 5, "y"), ("a", "2021-03-03", -5, "y")]
    log = log_of(here, rows)
    assert features(log, "2021-03-02", which=["purchases_30"])["purchases_30"].tolist() == [4]
    assert features(log, "2021-03-03", which=["purchases_30"])["purchases_30"].tolist() == [3]
    # order x ended on the day within the window
    assert features(log, "2021-03-08", which=["purchases_7"])["purchases_7"].tolist() == [3]
    assert features(log, "2021-03-09", which=["purchases_7"])["purchases_7"].tolist() == [0]


def test_without_order_numbers_rows_are_counted(here):
    log = log_of(here, [("a", "2020-01-01", 1, None)] + [("a", "2021-03-01", 5, None)] * 3)
    assert features(log, "2021-03-01", which=["purchases_7"])["purchases_7"].tolist() == [3]
