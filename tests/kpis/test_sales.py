"""Sales and cohorts are what one adds up by hand, and agree with activity."""

import datetime as dt
import math

import pandas as pd
import pytest

import patron
from patron import ConfigError, kpis

UNTIL = dt.date(2024, 3, 20)


def recount(plain, frame, every):
    days = plain.days(frame)
    rows = {}
    for start, end in plain.periods(min(map(min, days.values())), UNTIL, every):
        inside = frame[(frame["time"] >= str(start)) & (frame["time"] <= str(end))]
        paid = sorted((round(100 * some["amount"].sum()) for _, some in inside.groupby("customer_id")), reverse=True)
        buyers = len(paid)
        again = sum(days[who][0] < start for who in set(inside["customer_id"]))
        rows[pd.Timestamp(start)] = {
            "revenue": sum(paid) / 100,
            "orders": len(set(zip(inside["customer_id"], inside["time"], strict=True))),
            "customers": buyers,
            "repeat_rate": again / buyers if buyers else math.nan,
            "top_10_share": sum(paid[: math.ceil(buyers / 10)]) / sum(paid) if sum(paid) else math.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.parametrize("every", ["week", "month", "quarter", "year"])
def test_sales_are_those_of_a_recount(plain, made, every):
    frame = plain.rows()
    told = kpis.sales(made, every)
    wanted = recount(plain, frame, every)
    assert list(told.index) == list(wanted.index)
    for name in wanted:
        assert told[name].to_numpy() == pytest.approx(wanted[name].to_numpy(), nan_ok=True), name


@pytest.mark.parametrize("by", [None, "cohort", "channel"])
def test_identities_hold(refunded, by):
    told, active = kpis.sales(refunded, by=by), kpis.activity(refunded, by=by)
    some = told[told["customers"] > 0]
    product = some["average_order_value"] * some["purchase_frequency"]
    assert product.to_numpy() == pytest.approx(some["revenue_per_customer"].to_numpy())
    new = (some["customers"] * (1 - some["repeat_rate"])).round(9)
    assert new.tolist() == active["new"].reindex(some.index).tolist()
    assert some["top_10_share"].dropna().between(0.1, 1).all()


def test_groups_add_up_to_all(refunded):
    sums = ["revenue", "orders", "customers"]
    whole = kpis.sales(refunded)[sums]
    for by in ("cohort", "channel"):
        parts = kpis.sales(refunded, by=by)[sums].groupby(level=0).sum()
        assert parts.to_numpy() == pytest.approx(whole.to_numpy())


def test_refunds_leave_the_revenue_on_their_own_day(plain):
    rows = [("a", "2024-01-05", 10.0), ("b", "2024-01-06", 30.0), ("a", "2024-02-05", -4.0)]
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    told = kpis.sales(plain.log(frame, until="2024-02-29"))
    assert told["revenue"].tolist() == [40.0, -4.0]
    assert told["orders"].tolist() == [2, 0]
    assert told["customers"].tolist() == [2, 0]
    assert told["average_order_value"].isna().tolist() == [False, True]
    assert told["top_10_share"].iloc[0] == 0.75


def test_orders_are_counted_by_their_numbers(plain):
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "a"],
            "time": ["2024-01-05", "2024-01-05", "2024-01-05", "2024-01-31", "2024-02-01"],
            "amount": [1.0, 2.0, 3.0, 4.0, 5.0],
            "order_id": ["1", "1", "2", "3", "3"],
        }
    )
    told = kpis.sales(plain.log(frame, until="2024-02-29", order_id="order_id"))
    assert told["orders"].tolist() == [2, 1]
    assert kpis.sales(plain.log(frame.drop(columns="order_id"), until="2024-02-29"))["orders"].tolist() == [2, 1]
    log = plain.log(frame.iloc[:3], until="2024-01-31", order_id="order_id")
    assert kpis.sales(log)["orders"].tolist() == [2]


def test_sales_of_cdnow_are_all_that_was_paid(cdnow_sample):
    frame = patron.datasets.source("cdnow-sample")
    told = kpis.sales(cdnow_sample, "quarter")
    assert told["revenue"].sum() == pytest.approx(frame["amount"].astype(float).sum())
    assert told["customers"].iloc[0] == 2357
    days = frame.assign(time=frame["time"].astype(str).str[:10]).drop_duplicates(["customer_id", "time"])
    assert kpis.sales(cdnow_sample, "year")["orders"].tolist() == [(days["time"] < "1998-01-01").sum()]


@pytest.mark.parametrize("every", ["week", "month", "quarter"])
def test_cohorts_are_those_of_a_recount(plain, made, every):
    frame = plain.rows()
    days = plain.days(frame)
    periods = [start for start, _ in plain.periods(min(map(min, days.values())), UNTIL, every)]
    counts, revenue = kpis.cohorts(made, every), kpis.cohorts(made, every, "revenue")
    assert counts.index.name == "cohort"
    assert list(counts.columns) == list(range(len(periods)))
    begun = {who: plain.start_of(mine[0], every) for who, mine in days.items()}
    assert [day.date() for day in counts.index] == sorted(set(begun.values()) & set(periods))
    at = frame.assign(at=[plain.start_of(dt.date.fromisoformat(day), every) for day in frame["time"]])
    for cohort in counts.index:
        mine = at[at["customer_id"].map(begun) == cohort.date()]
        place = periods.index(cohort.date())
        for age in range(len(periods)):
            if place + age >= len(periods):
                assert math.isnan(counts.loc[cohort, age])
                assert math.isnan(revenue.loc[cohort, age])
                continue
            there = mine[mine["at"] == periods[place + age]]
            assert counts.loc[cohort, age] == there["customer_id"].nunique()
            assert revenue.loc[cohort, age] == pytest.approx(there["amount"].sum())


def test_cohorts_agree_with_activity_and_sales(made):
    counts, share = kpis.cohorts(made), kpis.cohorts(made, measure="share")
    new = kpis.activity(made)["new"]
    assert counts[0].astype(int).tolist() == new[new > 0].tolist()
    assert (share[0] == 1).all()
    assert share.to_numpy() == pytest.approx(counts.div(counts[0], axis=0).to_numpy(), nan_ok=True)
    each = kpis.cohorts(made, measure="revenue_per_customer").mul(counts[0], axis=0)
    revenue = kpis.cohorts(made, measure="revenue")
    assert each.to_numpy() == pytest.approx(revenue.to_numpy(), nan_ok=True)
    assert revenue.sum(axis=None) == pytest.approx(kpis.sales(made)["revenue"].sum())
    assert revenue.attrs == {"every": "month", "measure": "revenue", "unit": "USD"}


def test_what_was_paid_and_given_back_before_the_first_purchase_is_in_column_0(plain):
    rows = [("a", "2024-01-05", 10.0), ("a", "2024-02-05", -12.0), ("a", "2024-03-05", 7.0), ("b", "2024-01-01", 1.0)]
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    table = kpis.cohorts(plain.log(frame, until="2024-03-31"), measure="revenue")
    assert table.loc["2024-03-01"].tolist()[:1] == [5.0]
    assert table.sum(axis=None) == 6.0


def test_an_unknown_measure_is_refused(cdnow_sample):
    with pytest.raises(ConfigError, match="one of customers, share, revenue, revenue_per_customer"):
        kpis.cohorts(cdnow_sample, measure="orders")
