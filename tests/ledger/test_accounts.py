"""The accounts: intervals by customer, the treated apart, those left standing for all."""

import numpy as np
import pandas as pd
import pytest

from patron.ledger import Prediction, accounts, calibration, evidence, weights
from patron.ledger.accounts import calibration_noise, estimates
from patron.metrics import auc, bias, ece


def rows(n=400, days=1, seed=0, **columns):
    rng = np.random.default_rng(seed)
    p = np.tile(rng.uniform(0.05, 0.95, n), days)
    frame = pd.DataFrame(
        {
            "customer": np.tile(np.arange(n, dtype="uint64"), days),
            "day": np.repeat(np.arange(days) * 30, n),
            "as_of": np.repeat([f"2022-0{1 + day}-01" for day in range(days)], n),
            "version": 1,
            "predicted": p,
            "actual": (rng.uniform(size=n * days) < p).astype(float),
            "first": pd.Timestamp("2021-03-01"),
            "treatment": "untreated",
            "weight": 1.0,
        }
    )
    return frame.assign(**columns)


def one(table, **wanted):
    found = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    assert len(found) == 1, found
    return found.iloc[0]


@pytest.mark.simulation
@pytest.mark.parametrize("days", [1, 4])
def test_trap_17_the_ledger_s_intervals_hold_what_happens_also_where_customers_stand_on_several_days(days):
    inside = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.2, 0.8, 300)
        came = np.tile((rng.uniform(size=300) < p).astype(float), days)  # windows that overlap wholly
        ids = np.tile(np.arange(300, dtype="uint64"), days)
        found = estimates(["bias"], Prediction(ids, ids, np.tile(p, days), came, np.ones(300 * days)))["bias"]
        inside += found.low <= 1 <= found.high
    assert 88 <= inside <= 99


def test_rows_repeated_on_more_days_make_no_interval_narrower():
    once, often = (evidence(pd.concat([rows()] * times)) for times in (1, 5))
    for name in ("bias", "auc", "brier"):
        assert estimates([name], often)[name] == pytest.approx(estimates([name], once)[name])


def test_values_are_those_of_the_metrics():
    frame = rows()
    found = estimates(["bias", "auc"], evidence(frame))
    assert found["auc"].value == pytest.approx(auc(frame["actual"], frame["predicted"]))
    assert found["bias"].value == pytest.approx(bias(frame["actual"], frame["predicted"]))


def test_calibration_is_judged_day_by_day_with_the_noise_of_one():
    found = [ece(day["actual"], day["predicted"]) for day in (rows(2_464, seed=seed) for seed in range(60))]
    assert calibration_noise(evidence(rows(2_464))) == pytest.approx(np.std(found), rel=0.35)


def test_accounts_part_versions_days_cohorts_and_bands():
    frame = rows(200, days=2, churn_band="high", segment=None)
    frame = pd.concat([frame, frame.assign(version=2)])
    table = accounts(frame, "churn")
    assert sorted(table["by"].unique()) == ["all", "as_of", "churn_band", "cohort"]
    assert one(table, version=2, by="as_of", group="2022-02-01", metric="auc")["rows"] == 200
    assert one(table, version=1, by="all", metric="auc")[["customers", "rows"]].tolist() == [200, 400]
    assert one(table, version=1, by="cohort", metric="bias")["group"] == "2021-03"
    assert np.isnan(one(table, version=1, by="all", metric="ece_excess")["low"])


def test_the_treated_and_the_control_stand_apart():
    frame = rows(400)
    frame["treatment"] = np.select([frame.index < 100, frame.index < 200], ["treated", "control"], "untreated")
    table = accounts(frame, "churn")
    counts = {kind: one(table, by="all", treatment=kind, metric="auc")["rows"] for kind in table["treatment"].unique()}
    assert counts == {"untreated": 300, "treated": 100, "control": 100}


def test_a_group_of_a_few_customers_is_not_told():
    frame = rows(100)
    frame["segment"] = np.where(frame.index < 29, "few", "many")
    assert accounts(frame, "churn").query("by == 'segment'")["group"].unique().tolist() == ["many"]


def test_of_nothing_there_is_an_empty_table():
    assert accounts(rows(40).iloc[:0], "value").empty


def test_the_untreated_stand_for_the_riskiest_who_were_treated():
    frame = rows(20_000)
    treated = (frame["predicted"] > 0.7) & (np.random.default_rng(1).uniform(size=len(frame)) < 0.9)
    frame["weight"] = weights(frame["predicted"], treated)
    left = frame[~treated]
    whole = auc(frame["actual"], frame["predicted"])
    assert auc(left["actual"], left["predicted"]) < whole - 0.02
    assert estimates(["auc"], evidence(left))["auc"].value == pytest.approx(whole, abs=0.01)
    assert left["weight"].sum() == pytest.approx(len(frame), rel=1e-6)


def test_a_table_of_calibration_goes_from_the_lowest_risk_to_the_highest():
    table = calibration(rows(1_000))
    assert table["rows"].tolist() == [100] * 10
    assert table["predicted"].is_monotonic_increasing
    assert (table["predicted"] - table["actual"]).abs().max() < 0.16
