from __future__ import annotations

import dataclasses
import datetime as dt
import time

import numpy as np
import pandas as pd
import pytest

from patron import DataError
from patron._core.errors import UnitError
from patron.features import LABELS
from patron.scoring import COLUMNS, Scorer
from patron.scoring import scorer as room
from patron.value import Spread


def changed(bundle, **changes):
    return dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, **changes))


def by_id(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("customer_id")


def test_columns_come_in_the_order_of_the_declared_list(bundle, rows):
    table = Scorer(bundle).score(rows)
    assert list(table.columns) == [column.name for column in COLUMNS]
    assert table["customer_id"].tolist() == ["0007", "8", "09", "10"]


def test_value_of_a_customer_by_hand(bundle, rows):
    # 0007 buys 4 / 40 a week; 365 days hold 365/7 weeks, the test horizon 73/7: spend of 26 stretches fivefold
    row = by_id(Scorer(bundle).score(rows)).loc["0007"]
    assert row["value_horizon_days"] == 365
    assert row["expected_purchases"] == pytest.approx(4 / 40 * 365 / 7)
    assert row["spend_per_purchase"] == 10
    assert row["expected_revenue"] == pytest.approx(26 * 5)
    assert row["clv"] == pytest.approx(26 * 5 * 0.95 * 0.5)
    assert row["clv_basis"] == "12 months; margin 0.5; 10 %/yr"


def test_a_customer_from_whom_no_purchase_is_expected_is_worth_nothing(bundle, rows):
    row = by_id(Scorer(bundle).score(rows)).loc["8"]
    assert (row["expected_purchases"], row["expected_revenue"], row["clv"]) == (0, 0, 0)


def test_value_horizon_runs_to_the_calendar_date_of_each_row(bundle, rows):
    leap = rows.set_axis(
        pd.MultiIndex.from_arrays([rows.index.get_level_values(0), pd.DatetimeIndex(["1999-06-30"] * 4)]), axis=0
    )
    leap.index.names = rows.index.names
    table = Scorer(bundle).score(pd.concat([rows, leap]))
    assert table["value_horizon_days"].tolist() == [365] * 4 + [366] * 4


def test_bands_are_named_by_the_cut_they_reach(bundle, rows):
    table = by_id(Scorer(bundle).score(rows))
    assert table["churn_probability"].to_dict() == {"0007": 0.25, "8": 0.0, "09": 0.9, "10": 0.975}
    assert table["churn_band"].to_dict() == {"0007": "low", "8": "low", "09": "high", "10": "high"}
    four = changed(bundle, bands={"very high": 0.95, "high": 0.9, "medium": 0.25})
    assert by_id(Scorer(four).score(rows))["churn_band"].to_dict() == {
        "0007": "medium", "8": "low", "09": "high", "10": "very high",
    }  # fmt: skip


def test_p_alive_is_empty_where_the_model_holds_one_time_buyers_alive_for_sure(bundle, rows):
    alive = by_id(Scorer(bundle).score(rows))["p_alive"]
    assert alive.isna().to_dict() == {"0007": False, "8": True, "09": False, "10": False}
    assert alive["0007"] == 0.75


def test_reasons_go_to_the_rows_with_the_most_to_lose(bundle, rows):
    # churn x revenue: 0007 .25 x 130, 8 0, 09 .9 x 500, 10 0: the two largest
    table = by_id(Scorer(bundle).score(rows))
    assert table["reason_1"].dropna().to_dict() == {"0007": "age 40", "09": "age 40"}
    assert table["reason_2"].dropna().to_dict() == {"0007": "second", "09": "second"}
    assert table["reason_3"].isna().all()


def test_reasons_can_go_by_churn_probability(bundle, rows):
    table = Scorer(changed(bundle, reasons={"rows": 1, "by": "churn_probability"})).score(rows)
    assert table["customer_id"][table["reason_1"].notna()].tolist() == ["10"]


def test_no_column_of_reasons_when_none_are_asked_for_or_the_champion_has_none(bundle, rows):
    assert "reason_1" not in Scorer(bundle).score(rows, reasons_rows=0)
    silent = dataclasses.replace(bundle, churn=bundle.value)
    assert "reason_1" not in Scorer(silent).score(rows)


def test_who_scored_and_when(bundle, rows):
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    table = Scorer(bundle).score(rows, run_id="r1", scored_at=moment, model_version="shop/next")
    assert set(table["run_id"]) == {"r1"}
    assert set(table["scored_at"]) == {pd.Timestamp("2026-01-02 01:04:05", tz="UTC")}
    assert set(table["model_version"]) == {"shop/next"}
    assert set(Scorer(bundle).score(rows)["model_version"]) == {"shop/3"}


def test_a_customer_alone_scores_as_in_the_base(bundle, rows):
    scorer = Scorer(bundle)
    base = scorer.score(rows, reasons_rows=0).drop(columns="scored_at")
    alone = pd.concat([scorer.score(rows.iloc[[i]], reasons_rows=0) for i in (2, 0, 3, 1)], ignore_index=True).drop(
        columns="scored_at"
    )
    pd.testing.assert_frame_equal(
        base.sort_values("customer_id", ignore_index=True),
        alone.sort_values("customer_id", ignore_index=True),
        check_exact=True,
    )


def test_keys_as_columns_score_as_keys_in_the_index(bundle, rows):
    scorer = Scorer(bundle)
    flat = rows.reset_index().assign(as_of="1998-06-30", unused="text")
    flat.attrs = {}
    left, right = (scorer.score(frame).drop(columns="scored_at") for frame in (rows, flat))
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_the_frame_given_is_left_as_it_was(bundle, rows):
    before = rows.copy()
    Scorer(bundle).score(rows)
    pd.testing.assert_frame_equal(rows, before)
    assert rows.attrs == before.attrs


def test_labels_known_here_are_those_of_the_features_room():
    assert room.LABELS == LABELS


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda f: f.iloc[:0], DataError, "no rows"),
        (lambda f: f.drop(columns="spend_90"), DataError, "'spend_90': missing from the features"),
        (lambda f: f.droplevel("as_of"), DataError, "'as_of': missing"),
        (lambda f: f.assign(churned=0), DataError, "'churned': a label"),
        (lambda f: f.assign(T="40"), DataError, "'T': not numeric"),
        (lambda f: pd.concat([f, f.iloc[[0]]]), DataError, r"twice on one day \(1 row, for example '0007'\)"),
        (lambda f: f.rename(index=int, level="customer_id"), DataError, "ids are text, these are integer"),
        (lambda f: f.reset_index().assign(customer_id=["1", None, "3", "4"]), DataError, "'customer_id': missing"),
        (lambda f: f.reset_index().assign(as_of=None), DataError, "as_of is missing"),
        (lambda f: f.reset_index().assign(as_of="1998-06-30 12:00"), DataError, "without a time of day"),
        (
            lambda f: f.assign(spend_90=[1.0, 1.0, np.nan, np.inf]),
            DataError,
            r"'expected_revenue': the model gives no number \(2 rows, for example '09'\)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_in_words(bundle, rows, damage, error, words):
    with pytest.raises(error, match=words):
        Scorer(bundle).score(damage(rows))


@pytest.mark.parametrize("attrs", [{"unit": "day", "grain": "day"}, {"unit": "week", "grain": "week"}])
def test_features_measured_in_another_unit_or_grain_are_refused(bundle, rows, attrs):
    rows.attrs = attrs
    with pytest.raises(UnitError, match=r"unit='week', grain='day'"):
        Scorer(bundle).score(rows)


def test_many_rows_score_in_seconds(bundle):
    n = 200_000
    rows = pd.DataFrame(
        {
            "customer_id": [f"{i:07d}" for i in range(n)],
            "as_of": pd.Timestamp("1998-06-30"),
            "frequency": np.arange(n) % 9,
            "recency": 1.0,
            "T": 40.0 + np.arange(n) % 7,
            "monetary_value": 10.0,
            "spend_90": np.arange(n) / 1e4,
            "days_since_last": np.arange(n) % 300,
        }
    )
    start = time.process_time()
    Scorer(bundle).score(rows, reasons_rows=0)
    assert time.process_time() - start < 10  # about 1 when written


def test_it_shows_what_it_is_escaped(bundle):
    scorer = Scorer(changed(bundle, currency="<EUR>", churn_horizon=91))
    assert repr(scorer) == f"Scorer({bundle.manifest.label}, as of {bundle.manifest.as_of})"
    page = scorer._repr_html_()
    assert "no purchase in the next 91 days" in page
    assert "in &lt;EUR&gt;" in page


def test_the_base_is_worth_its_total_between_bounds_as_far_off_as_totals_were(bundle, rows):
    random = np.random.default_rng(0)
    predicted = random.gamma(2.0, 10.0, 4_000)
    days = np.repeat([1, 2], 2_000)
    spread = Spread.fit(predicted, random.exponential(predicted), days)
    table = Scorer(dataclasses.replace(bundle, spread=spread)).score(rows)
    base, total = table.attrs["base"], rows["spend_90"].sum()
    low, high = spread.total(rows["spend_90"].to_numpy(), 0.9)
    assert base["level"] == 0.9
    for name, column in (("revenue", "expected_revenue"), ("clv", "clv")):
        expected = table[column].sum()
        assert base[name] == {
            "expected": pytest.approx(expected),
            "low": pytest.approx(expected * low / total),
            "high": pytest.approx(expected * high / total),
        }
    assert Scorer(bundle).score(rows).attrs["base"] == {}
