"""Contracts: survival by hand, recurring revenue day by day."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from patron import ConfigError, DataError, kpis

BEGIN, UNTIL = dt.date(2023, 1, 5), dt.date(2024, 3, 20)


def contracts(seed=3, rows=70):
    rng = np.random.default_rng(seed)
    start = [BEGIN + dt.timedelta(days=int(d)) for d in rng.integers(0, 400, rows)]
    end = [
        s + dt.timedelta(days=int(d)) if d < 250 else None
        for s, d in zip(start, rng.integers(5, 320, rows), strict=True)
    ]
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in rng.integers(0, 30, rows)],
            "start": [str(day) for day in start],
            "end": [None if day is None else str(day) for day in end],
            "plan": rng.choice(["basic", "gold"], rows),
            "price": rng.integers(5, 60, rows),
        }
    )


@pytest.fixture(scope="module")
def log(made):
    return made.with_subscriptions(contracts())


def paid_on(frame, day, share):
    """MRR of each customer on a day."""
    runs = frame[(frame["start"] <= str(day)) & (frame["end"].isna() | (frame["end"] >= str(day)))]
    paid = (runs["price"] * runs["plan"].map(share)).groupby(runs["customer_id"]).sum()
    return paid[paid > 0]


@pytest.mark.parametrize(
    ("every", "billed", "share"),
    [
        ("month", "month", {"basic": 1, "gold": 1}),
        ("quarter", {"basic": "quarter", "gold": "year"}, {"basic": 1 / 3, "gold": 1 / 12}),
    ],
)
def test_recurring_revenue_is_what_runs_on_the_last_day_of_each_period(log, plain, every, billed, share):
    told = kpis.recurring_revenue(log, every, billed)
    frame, ever = contracts(), set()
    first = dt.date.fromisoformat(frame["start"].min())
    ends = plain.periods(first, UNTIL, every)
    assert [day.date() for day in told.index] == [start for start, _ in ends]
    before = pd.Series(dtype=float)
    for start, end in ends:
        after = paid_on(frame, end, share)
        both = pd.DataFrame({"before": before, "after": after}).fillna(0.0)
        change, stays = both["after"] - both["before"], (both > 1e-9).all(axis=1)
        came, old = both["before"] < 1e-9, both.index.isin(list(ever))
        wanted = {
            "start": both["before"].sum(),
            "new": change[came & ~old].sum(),
            "reactivated": change[came & old].sum(),
            "expansion": change[stays & (change > 0)].sum(),
            "contraction": -change[stays & (change < 0)].sum(),
            "churned": -change[both["after"] < 1e-9].sum(),
            "mrr": after.sum(),
        }
        row = told.loc[str(start)]
        assert row[list(wanted)].to_dict() == pytest.approx(wanted, abs=1e-6)
        if wanted["start"]:
            kept = wanted["start"] - wanted["contraction"] - wanted["churned"]
            assert row["net_revenue_retention"] == pytest.approx((kept + wanted["expansion"]) / wanted["start"])
            assert row["gross_revenue_retention"] == pytest.approx(kept / wanted["start"])
        else:
            assert math.isnan(row["net_revenue_retention"])
        before, ever = after, ever | set(after.index)
    assert (told[["expansion", "contraction", "churned", "reactivated"]].sum() > 0).all()


def test_movements_lead_from_start_to_end(log):
    told = kpis.recurring_revenue(log, "week")
    moved = (
        told["start"] + told["new"] + told["reactivated"] + told["expansion"] - told["contraction"] - told["churned"]
    )
    assert moved.to_numpy() == pytest.approx(told["mrr"].to_numpy())
    assert told["mrr"].shift().fillna(0).tolist() == told["start"].tolist()


def test_survival_is_the_product_of_those_who_stayed(made):
    ends = {"a": "2023-02-09", "b": "2023-02-09", "c": "2023-04-20", "d": None, "e": None}
    starts = {"a": "2023-01-10", "b": "2023-01-10", "c": "2023-01-10", "d": "2023-01-10", "e": "2024-01-25"}
    frame = pd.DataFrame(
        {"customer_id": list(ends), "start": starts.values(), "end": ends.values(), "plan": list("xxyyy")}
    )
    log = made.with_subscriptions(frame)
    told = kpis.survival(log)
    # 14 whole months of a to d, one of e; a and b leave in the first month, c in the fourth
    assert told["at_risk"].tolist() == [5, 2, 2, 2, *[1] * 10]
    assert told["lost"].tolist() == [2, 0, 0, 1, *[0] * 10]
    assert told["survival"].to_numpy() == pytest.approx([0.6, 0.6, 0.6, *[0.3] * 11])
    by = kpis.survival(log, by="plan")
    assert by.index.names == ["plan", "age"]
    assert by.loc["x", "survival"].tolist() == [0.0]
    assert kpis.survival(log, by="cohort").loc["2024-01", "at_risk"].tolist() == [1]
    assert kpis.survival(log, "quarter")["at_risk"].tolist()[:2] == [4, 2]


def test_what_cannot_be_told_is_refused(made, log):
    with pytest.raises(DataError, match=r"no subscriptions\. Fix: add them"):
        kpis.survival(made)
    with pytest.raises(DataError, match=r"no subscriptions\. Fix: add them"):
        kpis.recurring_revenue(made)
    bare = contracts()[["customer_id", "start", "end"]]
    with pytest.raises(DataError, match="'price'"):
        kpis.recurring_revenue(made.with_subscriptions(bare))
    with pytest.raises(DataError, match="'plan'"):
        kpis.survival(made.with_subscriptions(bare), by="plan")
    with pytest.raises(DataError, match=r"price below 0 \(70 rows\)"):
        kpis.recurring_revenue(made.with_subscriptions(contracts().assign(price=-1)))
    with pytest.raises(DataError, match=r"'plan'.*for example 'gold'"):
        kpis.recurring_revenue(log, billed={"basic": "year"})
    with pytest.raises(ConfigError, match="billed by 'day'"):
        kpis.recurring_revenue(log, billed="day")
    with pytest.raises(ConfigError, match="by is 'channel'"):
        kpis.survival(log, by="channel")
    with pytest.raises(ConfigError, match="unknown period"):
        kpis.recurring_revenue(log, "day")
