"""Kept scorings: each day and version once, read only as it was written, whatever else lies there told."""

import pandas as pd
import pytest

from patron._core.calendar import day_number
from patron._core.errors import DataError
from patron.ledger import Kept, kept_scorings, spread_out
from patron.scoring.table import write_scores

pytestmark = pytest.mark.delivery


def scores(as_of="2022-06-30", n=5, churn=60, value=365):
    table = pd.DataFrame(
        {
            "customer_id": [f"0{i}" for i in range(n)],
            "as_of": pd.Timestamp(as_of),
            "churn_horizon_days": churn,
            "churn_probability": [(i + 1) / (n + 1) for i in range(n)],
            "churn_band": "low",
            "value_horizon_days": value,
            "expected_revenue": 10.0,
            "model_version": "shop/1",
            "run_id": "r",
            "scored_at": pd.Timestamp("2022-07-01", tz="UTC").as_unit("us"),
        }
    )
    return table.assign(row_hash=[f"h{i}" for i in range(n)])


def keep(folder, as_of="2022-06-30", version=1, formats=("parquet", "csv"), **options):
    table = scores(as_of, **options)
    return write_scores(table, folder, name="shop", version=version, currency="USD", formats=formats)


@pytest.mark.parametrize("formats", [["parquet"], ["csv"], ["parquet", "csv"]])
def test_a_scoring_tells_its_day_version_and_horizons_and_reads_back(tmp_path, formats):
    keep(tmp_path, formats=formats)
    [one], told = kept_scorings(tmp_path)
    assert told == []
    assert (one.as_of, one.version, one.churn_horizon, one.value_horizon) == (day_number("2022-06-30"), 1, 60, 365)
    assert one.matures("churn") == one.as_of + 60
    read = one.read()
    assert read["customer_id"].tolist() == ["00", "01", "02", "03", "04"]
    assert read["churn_probability"].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6], abs=1e-6)
    assert read["churn_band"].tolist() == ["low"] * 5


def test_no_scores_are_no_error(tmp_path):
    assert kept_scorings(tmp_path / "none") == ([], [])


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda place: (place / "manifest.json").unlink(), "half written"),
        (lambda place: (place / "manifest.json").write_text("{"), "manifest.json cannot be read"),
        (lambda place: (place / "manifest.json").write_text('{"as_of": "2022-07-01", "version": 1}'), "tells of 2022"),
        (lambda place: (place / "scores.parquet").write_bytes(b"PAR1 torn"), "scores.parquet cannot be read"),
        (lambda place: [path.unlink() for path in place.glob("scores.*")], "neither scores.parquet nor scores.csv"),
        (lambda place: place.rename(place.with_name("version=1 (copy)")), "not the name of a scoring"),
    ],
    ids=["no manifest", "torn manifest", "another day's manifest", "torn parquet", "no files", "a copy"],
)
def test_what_is_no_whole_scoring_is_told_and_left_out(tmp_path, damage, why):
    damage(keep(tmp_path))
    keep(tmp_path, as_of="2022-07-31")
    found, told = kept_scorings(tmp_path)
    assert [one.folder.parent.name for one in found] == ["as_of=2022-07-31"]
    assert len(told) == 1
    assert why in told[0]


def test_a_scoring_that_changed_afterwards_is_refused_when_it_is_read(tmp_path):
    place = keep(tmp_path)
    [one], _ = kept_scorings(tmp_path)
    scores(n=4).to_parquet(place / "scores.parquet")
    with pytest.raises(DataError, match="changed since it was written"):
        one.read()


def test_of_daily_scorings_those_far_enough_apart_are_taken_the_latest_first():
    daily = [Kept(None, day, 1, 60, 365) for day in range(200)]
    assert [one.as_of for one in spread_out(daily, 15, most=4)] == [154, 169, 184, 199]
    assert spread_out([], 15) == []
