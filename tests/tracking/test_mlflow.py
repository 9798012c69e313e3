from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron import DataError
from patron._core.errors import TrackingError
from patron._core.files import digest
from patron.scoring import Scorer
from patron.tracking import holdout_metrics, log_training, move_champion

pytestmark = pytest.mark.xdist_group("tracking")  # the run is logged once
WHEN = ["run_id", "scored_at"]


@pytest.fixture(scope="session")
def client(logged):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=logged.run.store)


@pytest.fixture(scope="session")
def artifact(logged, client) -> Path:
    """The registered model's folder."""
    version = client.get_model_version_by_alias("cdnow-test", "champion")
    return Path(version.source.removeprefix("file://"))


@pytest.fixture
def again(trained, leaderboard, logged, tmp_path, monkeypatch):
    """Log the same bundle once more, to a copy of the store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(logged.workspace / "mlflow.db", tmp_path / "mlflow.db")

    def log(**changes):
        asked = {
            "workspace": tmp_path, "experiment": "second", "leaderboard": leaderboard, "parameters": {}, "config": "",
            "data_digest": "d2",
        }  # fmt: skip
        return log_training(trained.bundle, **{**asked, **changes})

    return log


def test_the_store_and_the_artifacts_lie_in_the_workspace(logged):
    assert sorted(path.name for path in logged.workspace.iterdir()) == ["mlartifacts", "mlflow.db"]
    assert logged.run.store == f"sqlite:///{logged.workspace / 'mlflow.db'}"


def test_the_run_holds_what_it_was_made_of(logged, client):
    run = client.get_run(logged.run.run_id)
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "cdnow"
    assert run.data.params == {"churn.horizon": "91 days", "value.margin": "1.0"}
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.runName"}
    assert tags.pop("patron.bundle_digest")
    assert tags == {
        "patron.version": "0.1.0",
        "patron.model": "cdnow-test/7",
        "patron.as_of": "1998-03-31",
        "patron.data_digest": "d1",
        "mlflow.source.git.commit": "abc123",
    }
    found = {
        item.path for folder in (None, "plots", "tables") for item in client.list_artifacts(run.info.run_id, folder)
    }
    assert found == {
        "CARD.md",
        "config.yaml",
        "leaderboard.csv",
        "plots",
        "plots/line.png",
        "tables",
        "tables/importance.csv",
    }


def test_the_metrics_are_those_of_the_last_test_day(logged, client):
    assert client.get_run(logged.run.run_id).data.metrics == {
        "churn/brier": 0.125,
        "churn/stack/brier": 0.125,
        "churn/overdue/brier": 0.14,
        "value/rmse": 30.5,
        "value/blend/rmse": 30.5,
    }


def test_each_task_reports_its_own_last_day(leaderboard):
    later = pd.concat([leaderboard, leaderboard.iloc[[5]].assign(as_of="1998-04-30", value=31.0)])
    metrics = holdout_metrics(later, {"churn": {"name": "stack"}, "value": {"name": "blend"}})
    assert (metrics["value/rmse"], metrics["churn/brier"]) == (31.0, 0.125)


def test_the_model_is_registered_under_its_name_with_alias_and_patrons_version(logged, client):
    version = client.get_model_version_by_alias("cdnow-test", "champion")
    assert (version.name, str(version.version), version.run_id) == ("cdnow-test", logged.run.version, logged.run.run_id)
    assert version.tags == {"patron_version": "7"}
    assert logged.run.uri == "models:/cdnow-test/1"


def test_the_alias_stays_until_the_new_champion_is_told(again, tmp_path):
    from mlflow import MlflowClient

    challenger = again()
    client = MlflowClient(tracking_uri=challenger.store)
    assert challenger.version == "2"
    assert str(client.get_model_version_by_alias("cdnow-test", "champion").version) == "1"
    move_champion(tmp_path, challenger.name, challenger.version)
    assert str(client.get_model_version_by_alias("cdnow-test", "champion").version) == "2"


def test_the_bundle_in_the_artifact_is_the_same_byte_for_byte(trained, artifact):
    bundle = artifact / "artifacts" / "bundle"
    assert digest(bundle) == digest(trained.bundle)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == {
        path.name: path.read_bytes() for path in trained.bundle.iterdir()
    }


def test_nothing_is_pickled(logged):
    assert len(logged.files) > 20
    assert not [name for name in logged.files if name.endswith((".pkl", ".pickle", ".joblib", ".pyc"))]
    assert not [name for name, content in logged.files.items() if content[:1] == b"\x80"]


def test_the_requirements_are_those_of_scoring(artifact):
    names = [line.split("==")[0] for line in (artifact / "requirements.txt").read_text().split()]
    assert names == ["mlflow", "numpy", "scipy", "pandas", "scikit-learn", "lightgbm"]


def words_of_16(content: bytes) -> set[str]:
    runs = re.findall(rb"[a-z]{16,}", content)
    return {run[i : i + 16].decode() for run in runs for i in range(len(run) - 15)}


def pieces(path: Path) -> list[bytes]:
    """A file's bytes, and those of the streams inside a PNG."""
    content = path.read_bytes()
    if path.suffix != ".png":
        return [content]
    chunks, at = [], 8
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return [content, zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))]


def test_no_customer_is_in_any_artifact(trained, logged):
    files = [path for folder in (logged.workspace, trained.bundle) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"mlflow.db", "line.png", "input_example.json", "churn.txt", "CARD.md"}
    for path in files:
        for piece in pieces(path):
            assert not words_of_16(piece) & trained.ids, path


def test_the_search_for_customers_finds_one(trained, tmp_path):
    name = min(trained.ids)
    (tmp_path / "leak.json").write_text(f'{{"row": "x{name}y"}}')
    assert words_of_16(pieces(tmp_path / "leak.json")[0]) & trained.ids == {name}


FRESH = """
import sys
model, rows, site, out = sys.argv[1:]
sys.path.append(site)
import warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
loaded = mlflow.pyfunc.load_model(model)
import patron
assert patron.__file__.startswith(model + "/code/"), patron.__file__
table = loaded.predict(pd.read_parquet(rows), params={"reasons_rows": 3})
table.to_parquet(out)
"""


@pytest.mark.slow
def test_a_fresh_process_without_the_source_gets_the_same_numbers(trained, artifact, tmp_path):
    given = trained.rows.reset_index()
    given.attrs = {}
    given.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "fresh.py").write_text(FRESH)
    site = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run(
        [sys.executable, "-I", "-S", "fresh.py", str(artifact), "rows.parquet", site, "out.parquet"],
        cwd=tmp_path, env=environment, check=True, timeout=300,
    )  # fmt: skip
    served = pd.read_parquet(tmp_path / "out.parquet").drop(columns=WHEN)
    direct = Scorer.load(trained.bundle).score(trained.rows, reasons_rows=3).drop(columns=WHEN)
    assert served["reason_1"].notna().sum() == 3
    pd.testing.assert_frame_equal(served, direct, check_exact=True, check_dtype=False)


def test_the_served_model_takes_the_invented_example(artifact):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model(str(artifact))
        table = model.predict(model.input_example)
    assert table["customer_id"].tolist() == ["invented-1", "invented-2"]
    assert np.isfinite(table["clv"]).all()
    assert [column.name for column in model.metadata.signature.inputs] == list(model.input_example.columns)


def test_mlflows_own_state_is_left_alone(again):
    import mlflow

    def state():
        return mlflow.get_tracking_uri(), mlflow.active_run(), logger.level, list(warnings.filters), sys.stdout

    logger = logging.getLogger("mlflow")
    before = state()
    logger.setLevel(17)
    try:
        again()
        assert state() == (*before[:2], 17, *before[3:])
    finally:
        logger.setLevel(before[2])
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_nothing_is_said(again, capfd):
    again()
    assert capfd.readouterr() == ("", "")


def test_a_store_of_the_environment_is_used(again, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(tmp_path / "mlflow.db", elsewhere / "server.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere / 'server.db'}")
    monkeypatch.chdir(elsewhere)
    assert again().store == f"sqlite:///{elsewhere / 'server.db'}"


def test_a_failure_is_told_and_the_run_marked(again, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def refuse(*_args, **_options):
        raise MlflowException("quota exceeded")

    monkeypatch.setattr(MlflowClient, "create_model_version", refuse)
    with pytest.raises(TrackingError, match=r"refused: quota exceeded\. Fix: set MLFLOW_TRACKING_URI") as caught:
        again()
    assert caught.value.exit_code == 4
    monkeypatch.undo()
    store = str(caught.value).split(" refused")[0].removeprefix("MLflow at ")
    client = MlflowClient(tracking_uri=store)
    runs = client.search_runs([client.get_experiment_by_name("second").experiment_id])
    assert [run.info.status for run in runs] == ["FAILED"]


def test_a_store_that_is_no_store_is_told(again, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mlflow.db").write_text("not a database, whatever its name says")
    with pytest.raises(TrackingError, match="refused"):
        again(workspace=tmp_path / "broken")


def test_a_bundle_that_is_not_whole_is_not_logged(trained, leaderboard, tmp_path):
    shutil.copytree(trained.bundle, tmp_path / "bundle")
    (tmp_path / "bundle" / "churn.txt").write_text("tampered")
    with pytest.raises(DataError, match=r"churn.txt changed"):
        log_training(
            tmp_path / "bundle", workspace=tmp_path, experiment="e", leaderboard=leaderboard, parameters={}, config="",
            data_digest="",
        )  # fmt: skip
    assert not (tmp_path / "mlflow.db").exists()
