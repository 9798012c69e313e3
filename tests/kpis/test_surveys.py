"""Surveys: answers by hand, and what is no answer."""

import numpy as np
import pandas as pd
import pytest

from patron import DataError, kpis

RNG = np.random.default_rng(8)
ANSWERS = pd.DataFrame(
    {
        "customer_id": [f"c{i:02}" for i in RNG.integers(0, 45, 120)],
        "time": [
            str(day)[:10] for day in pd.Timestamp("2023-02-10") + pd.to_timedelta(RNG.integers(0, 380, 120), unit="D")
        ],
        "kind": RNG.choice(["nps", "csat", "call"], 120),
        "value": RNG.integers(1, 6, 120) * 1.0,
    }
)
ANSWERS.loc[ANSWERS["kind"] == "nps", "value"] = RNG.integers(0, 11, (ANSWERS["kind"] == "nps").sum())
ANSWERS.loc[::9, "value"] = None


@pytest.fixture(scope="module")
def log(made):
    return made.with_events(ANSWERS)


def given(kind):
    rows = ANSWERS[(ANSWERS["kind"] == kind) & ANSWERS["value"].notna() & (ANSWERS["time"] < "2024-03-01")]
    return rows.assign(period=pd.to_datetime(rows["time"].str[:7]))


def test_promoters_less_detractors(log):
    told, rows = kpis.nps(log), given("nps")
    assert told["answers"].sum() == len(rows)
    assert told.index[0] == rows["period"].min()
    assert told.index[-1] == pd.Timestamp("2024-02-01")
    for period, some in rows.groupby("period"):
        promoters, detractors = (some["value"] >= 9).sum(), (some["value"] <= 6).sum()
        row = told.loc[period]
        assert (row["promoters"], row["detractors"]) == (promoters, detractors)
        assert row["promoters"] + row["passives"] + row["detractors"] == row["answers"] == len(some)
        assert row["nps"] == pytest.approx(100 * (promoters - detractors) / len(some))


def test_satisfied_answers(log):
    told, rows = kpis.csat(log, every="quarter"), given("csat")
    assert told["answers"].sum() == (rows["time"] < "2024-01-01").sum()
    assert told["satisfied"].sum() == ((rows["time"] < "2024-01-01") & (rows["value"] >= 4)).sum()
    assert told["csat"].tolist() == (told["satisfied"] / told["answers"]).tolist()


def test_by_cohort_strangers_are_unknown(log):
    told = kpis.nps(log, by="cohort")
    assert told["answers"].groupby(level=0).sum().sum() == len(given("nps"))
    strangers = given("nps")["customer_id"].isin([f"c{i:02}" for i in range(40, 45)]).sum()
    assert told.xs("(unknown)", level="cohort")["answers"].sum() == strangers > 0


def test_what_cannot_be_told_is_refused(made, log):
    with pytest.raises(DataError, match="no events"):
        kpis.nps(made)
    with pytest.raises(DataError, match=r"no event of kind 'NPS' has a value\. Fix: kind= one of call, csat, nps"):
        kpis.nps(log, kind="NPS")
    with pytest.raises(DataError, match="name the column with the answers: value="):
        kpis.nps(made.with_events(ANSWERS.drop(columns="value")))
    with pytest.raises(DataError, match=r"'value': .*off the scale from 1 to 5 \(\d+ rows"):
        kpis.csat(log, kind="nps")
    with pytest.raises(DataError, match="no month was wholly observed"):
        kpis.nps(made.with_events(ANSWERS.assign(time="2024-03-10")))
