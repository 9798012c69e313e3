"""The main job on a small real log: complete, repeatable, and without a customer in what others get to see."""

import io
import json
import shutil
import zipfile

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from patron import ConfigError, DataError, PatronWarning, Scorer, pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("run"),  # its workspace is made once
    pytest.mark.filterwarnings("ignore::patron._core.errors.NotIdentifiedWarning"),  # of a training day's short history
]


def _copy(config, folder):
    """Take a finished workspace elsewhere."""
    shutil.copytree(config.parent, folder, dirs_exist_ok=True)
    target = folder / config.name
    target.write_text(config.read_text().replace(str(config.parent), str(folder)))
    return target


def _simplest(config):
    content = yaml.safe_load(config.read_text())
    content["churn"].update(recipes=["base_rate"], settings={})
    content["value"].update(recipes=["average"], settings={})
    config.write_text(yaml.safe_dump(content))


def _table(config):
    out = config.parent / "out" / "shop"
    folder = out / json.loads((out / "latest.json").read_text())["folder"]
    return folder, pd.read_parquet(folder / "scores.parquet")


def test_every_promised_file_is_there(done):
    config, told = done
    out = config.parent / "out" / "shop"
    folder, table = _table(config)
    assert folder == out / "scores" / "as_of=1998-06-30" / "version=1"
    assert {path.name for path in folder.iterdir()} == {"scores.parquet", "scores.csv", "manifest.json"}
    for name in ("leaderboard.csv", "audit.json", "report.html", "predictions.parquet", "latest.json"):
        assert (out / name).stat().st_size > 0, name
    tables = {path.stem: pd.read_csv(path) for path in (out / "explained").iterdir()}
    assert set(tables) == {"importance", "dependence", "errors", "calibration", "lift", "horizon"}
    for name in ("importance", "errors"):
        assert set(tables[name]["task"]) == {"churn", "value"}, name
    counted = tables["errors"].groupby(["task", "by", "as_of"])["n"].sum()
    assert (counted == 2_357).all()
    assert len(counted) == 8
    bundle = {path.name for path in (config.parent / "models" / "shop").iterdir()}
    assert {"manifest.json", "features.json", "transaction.json", "spend.json", "churn.json", "value.json"} <= bundle
    assert len(table) == 2_357
    assert any(line.startswith("churn: ") for line in told)
    assert not list(out.glob(".training*"))


def test_the_score_table_says_what_is_known(done):
    _, table = _table(done[0])
    assert table["customer_id"].is_unique
    assert table["churn_probability"].between(0, 1).all()
    assert set(table["churn_band"]) <= {"high", "medium", "low"}
    assert (table["clv"] >= 0).all()
    assert (table["clv"] <= table["expected_revenue"] + 1e-9).all()
    assert (table["clv_basis"] == "12 months; margin 1.0; 10 %/yr").all()
    assert table.loc[table["p_alive"].isna()].shape[0] > 0
    assert table["value_horizon_days"].eq(365).all()


def test_a_second_run_trains_nothing_and_scores_the_same(done, tmp_path):
    config = _copy(done[0], tmp_path)
    before, first = _table(config)
    digest = json.loads((before / "manifest.json").read_text())["content"]
    bundle = {p.name: p.read_bytes() for p in (tmp_path / "models" / "shop").iterdir()}
    pipeline.run(config)
    after, second = _table(config)
    assert after == before
    assert json.loads((after / "manifest.json").read_text())["content"] == digest
    same = [column for column in first.columns if column not in ("run_id", "scored_at")]
    pd.testing.assert_frame_equal(first[same], second[same], check_exact=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "models" / "shop").iterdir()} == bundle


def test_retraining_counts_up_and_lets_the_incumbent_compete(done, tmp_path, untracked):
    config = _copy(done[0], tmp_path)
    incumbent = Scorer.load(tmp_path / "models" / "shop").bundle.manifest.recipes["churn"]["name"]
    _simplest(config)
    with untracked():
        told = pipeline.run(config, retrain=True)
    manifest = Scorer.load(tmp_path / "models" / "shop").bundle.manifest
    assert manifest.version == 2
    assert manifest.recipes["churn"]["name"] == incumbent
    assert any("incumbent" in line for line in told)
    folder, _ = _table(config)
    assert folder.name == "version=2"


def test_the_same_data_and_configuration_give_the_same_bundle_byte_for_byte(done, tmp_path, untracked):
    config = _copy(done[0], tmp_path)
    before = {p.name: p.read_bytes() for p in (tmp_path / "models" / "shop").iterdir()}
    shutil.rmtree(tmp_path / "models")
    shutil.rmtree(tmp_path / "out")
    with untracked():
        pipeline.train(config)
    assert {p.name: p.read_bytes() for p in (tmp_path / "models" / "shop").iterdir()} == before


def _texts(path):
    """Everything readable in a file: as it is, and what Parquet, zip and PNG hold inside."""
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        yield pq.read_table(path).to_pandas().to_csv().encode()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def test_no_customer_is_in_any_artifact(done, named_ids):
    config, _ = done
    words = {word.encode() for word in named_ids[1]}
    workspace = config.parent
    artifacts = [workspace / "mlflow.db"]
    artifacts += [p for folder in ("models", "mlartifacts") for p in (workspace / folder).rglob("*") if p.is_file()]
    assert sum(path.suffix == ".png" for path in artifacts) >= 3
    assert len(artifacts) > 20
    for path in artifacts:
        for text in _texts(path):
            found = [word for word in words if word in text]
            assert found == [], path
    assert any(word in (workspace / "out" / "shop" / "report.html").read_bytes() for word in words)  # it can be found


def test_mlflow_has_the_run_and_the_champion(done):
    from mlflow import MlflowClient

    config, _ = done
    client = MlflowClient(tracking_uri=f"sqlite:///{config.parent / 'mlflow.db'}")
    version = client.get_model_version_by_alias("shop", "champion")
    assert version.tags["patron_version"] == "1"
    run = client.get_run(version.run_id)
    assert run.data.params["churn.horizon.count"] == "91"
    assert "churn/brier" in run.data.metrics
    assert len(run.data.tags["patron.data_digest"]) == 64


def test_a_configuration_that_asks_another_question_is_refused_with_the_way_out(done, tmp_path):
    config = _copy(done[0], tmp_path)
    config.write_text(config.read_text().replace("horizon: 91 days\n  test", "horizon: 90 days\n  test"))
    with pytest.raises(ConfigError, match=r"shop.yaml:\d+: churn.horizon is 90 days, but the champion .* --retrain"):
        pipeline.score(config)


def test_margin_bands_and_rate_are_read_from_the_configuration_without_training(done, tmp_path):
    config = _copy(done[0], tmp_path)
    _, before = _table(config)
    content = yaml.safe_load(config.read_text())
    content["value"]["margin"] = 0.5
    content["score"]["bands"] = {"high": 0.8, "medium": 0.5}
    config.write_text(yaml.safe_dump(content))
    pipeline.score(config)
    _, after = _table(config)
    assert after["clv"].to_numpy() == pytest.approx(before["clv"].to_numpy() / 2)
    assert (after["churn_band"] == "high").sum() > (before["churn_band"] == "high").sum()
    assert after["clv_basis"].iloc[0] == "12 months; margin 0.5; 10 %/yr"


def test_scoring_a_day_the_champion_has_seen_beyond_is_said_aloud(done, tmp_path):
    config = _copy(done[0], tmp_path)
    with pytest.warns(PatronWarning, match="no forecast"):
        scoring = pipeline.score(config, as_of="1998-03-31")
    assert scoring.folder.parent.name == "as_of=1998-03-31"
    with pytest.raises(DataError, match="outside the log"):
        pipeline.score(config, as_of="1996-01-01")


def test_a_damaged_champion_is_not_scored_with_and_training_goes_on_without_it(done, tmp_path, untracked):
    config = _copy(done[0], tmp_path)
    _simplest(config)
    spend = tmp_path / "models" / "shop" / "spend.json"
    spend.write_text(spend.read_text().replace("1", "2", 1))
    with pytest.raises(DataError, match=r"spend\.json changed"):
        pipeline.score(config)
    with untracked(), pytest.warns(PatronWarning, match="takes no part"):
        pipeline.train(config)
    assert Scorer.load(tmp_path / "models" / "shop").bundle.manifest.version == 2
