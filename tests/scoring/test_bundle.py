from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from patron import DataError
from patron._core.files import digest, digest_of, to_json
from patron.scoring import Bundle, Scorer
from patron.value import Spread

pytestmark = pytest.mark.usefixtures("prototypes_load")
FILES = [
    "CARD.md", "churn.json", "churn.txt", "features.json", "manifest.json", "segments.json", "spend.json",
    "transaction.json", "value.json",
]  # fmt: skip


@pytest.fixture
def folder(bundle, tmp_path):
    bundle.save(tmp_path / "models" / "shop")
    return tmp_path / "models" / "shop"


def test_the_folder_holds_json_and_text_alone(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    for path in folder.iterdir():
        assert path.read_text(encoding="utf-8")


def test_a_bundle_comes_back_as_it_was(bundle, folder, rows):
    back = Bundle.load(folder)
    assert back.manifest == bundle.manifest
    assert back.inputs == bundle.inputs
    assert back.card == bundle.card
    old, new = (scorer.score(rows)["row_hash"].tolist() for scorer in (Scorer(bundle), Scorer.load(folder)))
    assert old == new


def test_the_same_bundle_is_the_same_bytes(bundle, folder, tmp_path):
    bundle.save(tmp_path / "again")
    assert digest(tmp_path / "again") == digest(folder)


def test_the_manifest_names_the_digest_of_every_other_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert manifest["files"] == {name: digest(folder / name) for name in FILES if name != "manifest.json"}


@pytest.mark.parametrize("name", [name for name in FILES if name != "manifest.json"])
def test_a_file_changed_or_missing_is_told_by_name(folder, name):
    original = (folder / name).read_bytes()
    (folder / name).write_bytes(original + b" ")
    with pytest.raises(DataError, match=f"not as it was written: {name} changed"):
        Bundle.load(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"not as it was written: {name} is missing"):
        Bundle.load(folder)


def test_a_manifest_edited_by_hand_is_noticed(folder):
    place = folder / "manifest.json"
    place.write_text(place.read_text().replace('"margin": 0.5', '"margin": 1.0'))
    with pytest.raises(DataError, match=r"not as it was written: manifest.json changed"):
        Bundle.load(folder)


def test_a_newer_format_asks_for_a_newer_patron(folder):
    place = folder / "manifest.json"
    content = {**json.loads(place.read_text()), "format": 2, "new": "key"}
    content.pop("digest")
    place.write_text(to_json({**content, "digest": digest_of(content)}))
    with pytest.raises(DataError, match=r"format 2, and this Patron reads up to 1.*upgrade patron"):
        Bundle.load(folder)


def test_no_bundle_and_no_json_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="no bundle at"):
        Bundle.load(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        Bundle.load(tmp_path)


@pytest.mark.delivery
@pytest.mark.parametrize("broken", ["patron.scoring.bundle.write_json", "os.fsync", "patron._core.files._replace"])
def test_a_disk_that_fails_leaves_the_old_bundle(bundle, folder, monkeypatch, broken):
    kept = digest(folder)

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    next_one = dataclasses.replace(bundle, manifest=dataclasses.replace(bundle.manifest, version=4))
    with monkeypatch.context() as patch:
        patch.setattr(broken, full)
        with pytest.raises(OSError, match="No space left"):
            next_one.save(folder)
    assert digest(folder) == kept
    assert [path.name for path in folder.parent.iterdir()] == ["shop"]
    assert Bundle.load(folder).manifest.version == 3
    next_one.save(folder)
    assert Bundle.load(folder).manifest.version == 4


def test_a_bundle_older_than_segments_loads_and_leaves_their_columns_out(bundle, rows, tmp_path):
    dataclasses.replace(bundle, segments=None).save(tmp_path / "old")
    assert not (tmp_path / "old" / "segments.json").exists()
    old = Bundle.load(tmp_path / "old")
    assert old.segments is None
    table = Scorer(bundle).score(rows)
    left = [name for name in table.columns if name not in Scorer(old).score(rows)]
    assert left == ["value_if_retained", "value_band", "segment", "recommended_action", "contact_profit"]


def test_segments_come_back_as_they_were(bundle, folder):
    assert Bundle.load(folder).segments == bundle.segments


def test_how_spend_lies_around_its_prediction_comes_back_as_it_was(bundle, tmp_path):
    predicted = np.repeat([10.0, 40.0], 500)
    spread = Spread.fit(predicted, predicted * np.tile([0, 0, 1, 2], 250))
    dataclasses.replace(bundle, spread=spread).save(tmp_path / "shop")
    assert Bundle.load(tmp_path / "shop").spread.total([10.0, 40.0] * 50) == spread.total([10.0, 40.0] * 50)
