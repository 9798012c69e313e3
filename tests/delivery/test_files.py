"""The target that is a folder: whole deliveries, digests, and CSV that no spreadsheet runs."""

import csv
import io
import shutil

import numpy as np
import pandas as pd
import pytest

from patron import ConfigError
from patron._core.errors import DeliveryError
from patron._core.files import digest, read_json
from patron.delivery.files import Files, harmless_csv

pytestmark = pytest.mark.delivery


@pytest.fixture
def deliver(tmp_path, make_scores, make_rows_of):
    """`deliver(table, **settings)` writes a score table; the names of the folders there."""

    def sent(scores=None, **settings):
        rows = make_rows_of(make_scores() if scores is None else scores)
        target = Files(rows.fields, tmp_path / "place", **settings)
        target.check()
        tokens = []
        [batch] = target.batches(rows.frame(np.arange(len(rows.table))))
        assert target.send(batch, tokens.append).accepted == set(batch.index)
        names = sorted(path.name for path in target._folder.iterdir())
        assert tokens[0] in names
        return names

    return sent


def test_a_delivery_is_a_folder_that_its_manifest_proves(deliver, tmp_path, make_scores):
    [name] = deliver()
    folder = tmp_path / "place" / "sent" / name
    manifest = read_json(folder / "manifest.json")
    assert manifest["rows"] == 6
    assert {file: digest(folder / file) for file in ("scores.csv", "scores.parquet")} == {
        file: told["sha256"] for file, told in manifest["files"].items()
    }
    parquet = pd.read_parquet(folder / "scores.parquet")
    assert parquet["customer_id"].tolist() == make_scores()["customer_id"].tolist()
    assert parquet["clv"].tolist() == make_scores()["clv"].tolist()
    assert str(parquet["scored_at"].dt.tz) == "UTC"


def test_the_same_delivery_again_is_the_same_folder_and_a_later_one_has_a_higher_number(deliver, make_scores):
    other = make_scores(shift=0.1)
    [first] = deliver()
    assert deliver() == [first]
    [_, second] = deliver(other)
    assert second.startswith("000002-")
    assert [name[7:] for name in deliver()] == [first[7:], second[7:], first[7:]]


def test_numbers_rise_though_the_folder_was_cleared(deliver, tmp_path, make_scores):
    deliver()
    shutil.rmtree(tmp_path / "place" / "sent")
    [name] = deliver(make_scores(shift=0.1))
    assert name.startswith("000002-")


def test_folder_and_formats_are_chosen(deliver, tmp_path):
    [name] = deliver(folder=str(tmp_path / "else"), formats=["csv"])
    assert {path.name for path in (tmp_path / "else" / name).iterdir()} == {"scores.csv", "manifest.json"}


@pytest.mark.parametrize(
    "settings", [{"formats": ["xlsx"]}, {"formats": []}, {"formats": "csv"}, {"folder": 3}], ids=str
)
def test_settings_that_do_not_fit_are_refused(deliver, settings):
    with pytest.raises(ConfigError, match=r"formats|folder"):
        deliver(**settings)


def test_a_folder_that_is_a_file_is_said(deliver, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DeliveryError, match="cannot be written to"):
        deliver(folder=str(tmp_path / "file"))


def test_what_a_killed_writer_left_is_cleared_away(deliver, tmp_path):
    left = tmp_path / "place" / "sent" / ".000001-abc.xyz.draft"
    left.mkdir(parents=True)
    deliver()
    assert not left.exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_that_a_spreadsheet_would_run_is_text(start):
    table = pd.DataFrame({"id": [f"{start}1+1", f"a{start}b", ""], "n": [-1.5, np.nan, 2.0]})
    content, changed = harmless_csv(table)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert rows == [["id", "n"], [f"'{start}1+1", "-1.5"], [f"a{start}b", ""], ["", "2"]]
    assert changed == 1


def test_the_manifest_counts_the_cells_made_harmless(deliver, tmp_path, make_scores):
    scores = make_scores()
    scores.loc[0, "customer_id"] = "=HYPERLINK(1)"
    [name] = deliver(scores)
    folder = tmp_path / "place" / "sent" / name
    assert read_json(folder / "manifest.json")["cells_made_harmless"] == 1
    assert pd.read_parquet(folder / "scores.parquet")["customer_id"][0] == "=HYPERLINK(1)"
