from __future__ import annotations

import csv
import decimal
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron import DataError
from patron._core.files import digest
from patron.scoring import COLUMNS, Scorer, write_scores
from patron.scoring import table as room
from patron.scoring.table import content_digest, row_hashes

SHOP = {"name": "shop", "version": 3, "currency": "EUR"}


@pytest.fixture
def table(bundle, rows) -> pd.DataFrame:
    return Scorer(bundle).score(rows, run_id="r1", scored_at=pd.Timestamp("2026-01-02", tz="UTC"))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_column_is_described_once():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(column.description.endswith(".") for column in COLUMNS)
    assert all(column.unit for column in COLUMNS if column.kind != "text")


def test_the_hash_is_of_the_text_its_docstring_tells(table):
    row = table.iloc[0]
    fields = [
        "0007", "1998-06-30", "91", "250000", "low", "750000", "365", "5214286", "1000", "13000", "6175",
        "12 months; margin 0.5; 10 %/yr", "3476", "medium", "Can't lose them", "offer more of what they buy", "-346",
        "age 40", "second", "", "shop/3",
    ]  # fmt: skip
    assert row["row_hash"] == hashlib.sha256("\x1f".join(fields).encode()).hexdigest()[:32]


def test_the_hash_leaves_out_when_and_by_which_run(table):
    later = table.assign(run_id="r2", scored_at=pd.Timestamp("2026-02-02", tz="UTC"))
    assert row_hashes(later, "EUR") == table["row_hash"].tolist()


@pytest.mark.parametrize("column", ["customer_id", "churn_probability", "p_alive", "clv", "reason_1", "model_version"])
def test_the_hash_moves_with_every_value_sent(table, column):
    values = table[column].copy()
    values.iloc[1] = "other" if column in {"customer_id", "reason_1", "model_version"} else 0.125
    moved = np.array(row_hashes(table.assign(**{column: values}), "EUR")) != table["row_hash"].to_numpy()
    assert moved.tolist() == [False, True, False, False]


def test_the_hash_does_not_move_below_the_digits_that_are_sent(table):
    nudged = table.assign(clv=table["clv"] + 1e-6, churn_probability=table["churn_probability"] - 1e-9)
    assert row_hashes(nudged, "EUR") == table["row_hash"].tolist()


def test_the_content_is_the_same_whatever_the_order_and_the_run(table):
    other = table.iloc[::-1].assign(run_id="r2", scored_at=pd.Timestamp("2026-02-02", tz="UTC"))
    assert content_digest(other) == content_digest(table)
    assert content_digest(table.iloc[1:]) != content_digest(table)


def test_scores_lie_in_a_folder_of_their_day_and_version(table, tmp_path):
    place = write_scores(table, tmp_path / "scores", **SHOP)
    assert place == tmp_path / "scores" / "as_of=1998-06-30" / "version=3"
    assert sorted(path.name for path in place.iterdir()) == ["manifest.json", "scores.csv", "scores.parquet"]
    assert [path.name for path in place.parent.iterdir()] == ["version=3"]


def test_the_manifest_tells_what_is_there(table, tmp_path):
    place = write_scores(table, tmp_path, **SHOP)
    manifest = json.loads((place / "manifest.json").read_text())
    assert (manifest["rows"], manifest["as_of"], manifest["version"], manifest["run_id"]) == (4, "1998-06-30", 3, "r1")
    assert manifest["content"] == content_digest(table)
    assert {name: file["sha256"] for name, file in manifest["files"].items()} == {
        name: digest(place / name) for name in ("scores.csv", "scores.parquet")
    }
    assert [column["name"] for column in manifest["columns"]] == list(table.columns)


def test_parquet_keeps_every_digit_and_its_types(table, tmp_path):
    place = write_scores(table, tmp_path, **SHOP, formats=["parquet"])
    assert [path.name for path in sorted(place.iterdir())] == ["manifest.json", "scores.parquet"]
    back = pq.read_table(place / "scores.parquet")
    for name in ("churn_probability", "p_alive", "clv"):
        np.testing.assert_array_equal(back.column(name).to_numpy(), table[name].to_numpy())
    assert back.column("customer_id").to_pylist() == ["0007", "8", "09", "10"]
    types = {field.name: str(field.type) for field in back.schema}
    assert (types["as_of"], types["scored_at"], types["reason_3"]) == ("date32[day]", "timestamp[us, tz=UTC]", "string")


def test_csv_keeps_leading_zeros_and_rounds_money_to_the_minor_unit(table, tmp_path):
    back = read_csv(write_scores(table, tmp_path, **SHOP) / "scores.csv")
    assert [row["customer_id"] for row in back] == ["0007", "8", "09", "10"]
    assert back[0]["clv"] == "61.75"
    assert back[0]["churn_probability"] == "0.250000"
    assert back[1]["p_alive"] == ""
    assert (back[0]["as_of"], back[0]["scored_at"]) == ("1998-06-30", "2026-01-02 00:00:00Z")


def test_csv_has_no_decimals_where_the_currency_has_none(table, tmp_path):
    back = read_csv(write_scores(table, tmp_path, name="shop", version=3, currency="JPY") / "scores.csv")
    assert back[0]["clv"] == "62"


def test_csv_survives_quotes_commas_and_line_feeds_in_ids(table, tmp_path):
    ids = ['say "hi"', "a,b", "line\nfeed", "ünï"]
    back = read_csv(write_scores(table.assign(customer_id=ids), tmp_path, **SHOP) / "scores.csv")
    assert [row["customer_id"] for row in back] == ids


@pytest.mark.property
@given(st.lists(st.floats(0, 1e9, allow_subnormal=True) | st.none(), min_size=1, max_size=20))
def test_csv_and_hash_round_alike(values):
    frame = pd.DataFrame({"clv": pd.Series(values, dtype="float64")})
    column = next(column for column in COLUMNS if column.name == "clv")
    steps = room._hashable(frame["clv"], column, "EUR")
    text = io.BytesIO()
    exact = room.arrow_table(frame, [column])
    room._write_csv(exact, text, [column], "EUR")
    written = list(csv.reader(io.StringIO(text.getvalue().decode())))[1:]
    cents = ["" if not line or not line[0] else str(int(decimal.Decimal(line[0]) * 100)) for line in written]
    assert cents == [str(step) for step in steps]


def test_a_second_run_writes_the_same_content(bundle, rows, tmp_path):
    first, second = (
        write_scores(Scorer(bundle).score(rows, run_id=run), tmp_path / run, **SHOP) for run in ("r1", "r2")
    )
    contents = [json.loads((place / "manifest.json").read_text())["content"] for place in (first, second)]
    assert contents[0] == contents[1]
    tables = [pq.read_table(place / "scores.parquet").drop(["run_id", "scored_at"]) for place in (first, second)]
    assert tables[0].equals(tables[1])


def test_the_same_table_gives_the_same_bytes(table, tmp_path):
    first, second = write_scores(table, tmp_path / "a", **SHOP), write_scores(table, tmp_path / "b", **SHOP)
    assert digest(first) == digest(second)


@pytest.mark.delivery
@pytest.mark.parametrize(
    "broken",
    [
        "pyarrow.parquet.write_table",
        "pyarrow.csv.write_csv",
        "patron.scoring.table.write_json",
        "patron._core.files._replace",
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_a_disk_that_fails_leaves_the_old_scores_or_none(table, tmp_path, monkeypatch, broken, before):
    old = write_scores(table, tmp_path, **SHOP) if before else None
    kept = digest(old) if old else None

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(broken, full)
        with pytest.raises(OSError, match="No space left"):
            write_scores(table.iloc[:2], tmp_path, **SHOP)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (digest(old) == kept and len(left) == 3) if old else not left
    write_scores(table.iloc[:2], tmp_path, **SHOP)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_a_table_of_two_days_or_none_is_refused(table, tmp_path):
    two = table.assign(as_of=pd.to_datetime(["1998-06-30"] * 3 + ["1998-07-01"]))
    for refused in (two, table.iloc[:0]):
        with pytest.raises(DataError, match="of one day"):
            write_scores(refused, tmp_path, **SHOP)
    assert not list(tmp_path.iterdir())


def test_a_column_that_the_table_has_not_is_refused(table, tmp_path):
    with pytest.raises(DataError, match="'shoe_size': not a column of the score table"):
        write_scores(table.assign(shoe_size=42), tmp_path, **SHOP)
