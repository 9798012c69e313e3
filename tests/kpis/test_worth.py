"""The simple CLV by hand and beside the predicted one; what channels cost and return."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from patron import ConfigError, DataError, kpis

UNTIL, WITHIN = dt.date(2024, 3, 20), 40


def recount(plain, frame):
    active = lapses = orders = 0
    for days in plain.days(frame).values():
        orders += len(days)
        sure = {day + dt.timedelta(days=k) for day in days for k in range(WITHIN)}
        sure = {day for day in sure if day <= UNTIL}
        active += len(sure)
        lapses += sum(day + dt.timedelta(days=1) not in sure for day in sure if day < UNTIL)
    value = frame["amount"].sum() / orders
    return value, orders / active * 365.25, active / lapses / 365.25


def test_simple_value_is_that_of_a_recount(plain, made):
    frame = plain.rows()
    told = kpis.simple_value(made, margin=0.4, acquisition_cost=3, active_within=f"{WITHIN} days").loc["all"]
    value, yearly, years = recount(plain, frame)
    assert told["customers"] == frame["customer_id"].nunique()
    assert told["average_order_value"] == pytest.approx(value)
    assert told["purchases_a_year"] == pytest.approx(yearly)
    assert told["lifespan_years"] == pytest.approx(years)
    assert told["simple_clv"] == pytest.approx(value * yearly * years * 0.4 - 3)
    fixed = kpis.simple_value(made, lifespan=2).loc["all"]
    assert fixed["simple_clv"] == pytest.approx(fixed["average_order_value"] * fixed["purchases_a_year"] * 2)


def test_an_earlier_day_is_told_as_it_was_known(plain, made):
    frame = plain.rows()
    early = plain.log(frame[frame["time"] <= "2023-09-30"], until="2023-09-30")
    told = kpis.simple_value(made, "2023-09-30", by="cohort")
    pd.testing.assert_frame_equal(told, kpis.simple_value(early, by="cohort"))


def test_the_predicted_value_stands_beside(plain, made):
    frame = plain.rows()
    clv = pd.Series({f"c{i:02}": float(i) for i in range(40)})
    scores = pd.DataFrame({"customer_id": clv.index, "clv": clv.to_numpy(), "as_of": pd.Timestamp(UNTIL)})
    segments = pd.Series({f"c{i:02}": "ab"[i % 2] for i in range(40)}, name="segment")
    told = kpis.simple_value(made, margin=0.5, acquisition_cost=1, by=segments, scores=scores)
    paid = frame.groupby("customer_id")["amount"].sum()
    whole = (paid * 0.5 + clv).dropna().groupby(segments).mean() - 1
    assert told.index.name == "segment"
    assert told["predictive_clv"].to_dict() == pytest.approx(whole.to_dict())
    assert (told["difference"] == told["simple_clv"] - told["predictive_clv"]).all()
    indexed = kpis.simple_value(made, scores=scores.set_index("customer_id")[["clv"]])
    assert indexed.loc["all", "predictive_clv"] == pytest.approx((paid + clv).dropna().mean())


def test_bad_values_are_refused(made):
    scores = pd.DataFrame({"customer_id": ["c01"], "clv": [1.0], "as_of": pd.Timestamp("2024-01-31")})
    with pytest.raises(ConfigError, match="lifespan is a number above 0"):
        kpis.simple_value(made, lifespan=0)
    with pytest.raises(DataError, match="the scores are of 2024-01-31"):
        kpis.simple_value(made, "2024-02-01", scores=scores)
    with pytest.raises(DataError, match="'clv'"):
        kpis.simple_value(made, scores=scores.drop(columns="clv"))
    with pytest.raises(DataError, match="twice in the scores"):
        kpis.simple_value(made, scores=pd.concat([scores, scores]))
    with pytest.raises(DataError, match="outside the log"):
        kpis.simple_value(made, "2025-01-01")


def first_channels(frame):
    """Month and channel of each customer's first day: of several channels that day the first by code point."""
    first = frame[frame["time"] == frame.groupby("customer_id")["time"].transform("min")]
    told = first.groupby("customer_id")["channel"].agg(lambda names: min(names.dropna(), default="(unknown)"))
    return pd.DataFrame({"channel": told, "month": first.groupby("customer_id")["time"].first().str[:7]})


def test_channels_are_held_against_their_costs(plain, made):
    frame, margin = plain.rows(), 0.5
    who = first_channels(frame)
    months = [f"2023-{m:02}" for m in range(1, 7)]
    costs = pd.DataFrame(
        [(channel, m, cost) for channel, cost in (("web", 40.0), ("Shop", 15.0), (None, 90.0)) for m in months],
        columns=kpis.COSTS,
    )
    clv = pd.Series({f"c{i:02}": float(i) for i in range(40)})
    told = kpis.acquisition(made, costs, margin=margin)
    scored = kpis.acquisition(made, costs, pd.DataFrame({"clv": clv}).rename_axis("customer_id"), margin)
    assert list(told.index) == ["(unknown)", "Shop", "web"]
    paid = frame.groupby("customer_id")["amount"].sum()
    for channel, row in told.iterrows():
        mine = who[(who["channel"] == channel) & who["month"].isin(months)]
        assert row["customers"] == len(mine) > 0
        assert row["cac"] == pytest.approx(row["cost"] / len(mine))
        assert row["clv"] == pytest.approx(margin * paid[mine.index].mean())
        assert row["clv_to_cac"] == pytest.approx(row["clv"] / row["cac"])
        assert scored.loc[channel, "clv"] == pytest.approx((margin * paid + clv)[mine.index].mean())
        assert row["payback_months"] == pytest.approx(payback(frame, mine, margin, row["cac"]), nan_ok=True)
    assert told["payback_months"].notna().any()


def payback(frame, mine, margin, cac):
    """Month by month: the mean margin of those who have been seen for so long."""

    def months(text):
        return 12 * int(text[:4]) + int(text[5:7])

    age = frame["time"].map(months) - frame["customer_id"].map(mine["month"]).map(months, na_action="ignore")
    total = 0.0
    for k in range(14):
        seen = mine[mine["month"].map(months) + k <= months("2024-02")]
        if seen.empty:
            break
        rows = frame[(age == k) & frame["customer_id"].isin(seen.index)]
        total += margin * rows["amount"].sum() / len(seen)
        if total >= cac:
            return k + 1
    return np.nan


def test_bad_costs_are_refused(plain, made):
    good = pd.DataFrame({"channel": ["web"], "month": ["2023-01"], "cost": [1.0]})
    with pytest.raises(DataError, match="'month': not a month"):
        kpis.acquisition(made, good.assign(month="2023-1"))
    with pytest.raises(DataError, match="'cost': not a cost"):
        kpis.acquisition(made, good.assign(cost=-1.0))
    with pytest.raises(DataError, match="'cost': the costs have no such column"):
        kpis.acquisition(made, good.drop(columns="cost"))
    with pytest.raises(DataError, match="no column channel"):
        kpis.acquisition(plain.log(plain.rows().drop(columns="channel")), good)
    nobody = kpis.acquisition(made, good.assign(channel="tv"))
    assert nobody.loc["tv", "customers"] == 0
    assert nobody.loc["tv", ["cac", "clv", "clv_to_cac", "payback_months"]].isna().all()
    assert kpis.acquisition(made, good.assign(cost=0.0)).loc["web", "payback_months"] == 0
