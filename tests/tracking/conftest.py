"""One training run on customers with random names, logged to a store of its own; tests only read it."""

from __future__ import annotations

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import dataclasses
import random
import string
from pathlib import Path

import pandas as pd
import pytest

from patron._core.calendar import as_stamps
from patron.data.readers import read_transactions
from patron.features import CATALOGUE, features
from patron.models import BetaGeoNBD, GammaGamma
from patron.recipes import recipe
from patron.recipes.training import Timeline
from patron.scoring import Bundle, Input, Manifest, card
from patron.tracking import Registered, log_training, move_champion


@dataclasses.dataclass(frozen=True)
class Trained:
    ids: set[str]
    rows: pd.DataFrame
    bundle: Path


@dataclasses.dataclass(frozen=True)
class Logged:
    workspace: Path
    run: Registered
    files: dict[str, bytes]  # as logged: whoever loads the model later compiles its script beside it


@pytest.fixture(scope="session")
def leaderboard() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("churn", "overdue", "1998-03-31", "all", "brier", 0.14),
            ("churn", "stack", "1998-02-28", "all", "brier", 0.99),
            ("churn", "stack", "1998-03-31", "all", "brier", 0.125),
            ("churn", "stack", "1998-03-31", "active", "brier", 0.2),
            ("churn", "stack", "1998-03-31", "all", "auc", float("nan")),
            ("value", "blend", "1998-03-31", "all", "rmse", 30.5),
        ],
        columns=["task", "recipe", "as_of", "population", "metric", "value"],
    )


@pytest.fixture(scope="session")
def trained(cdnow_sample, leaderboard, tmp_path_factory) -> Trained:
    rows = cdnow_sample.table.to_pyarrow().to_pandas()
    letters = random.Random(7)
    names = {number: "".join(letters.choices(string.ascii_lowercase, k=16)) for number in rows["customer_id"].unique()}
    log = read_transactions(
        pd.DataFrame(
            {
                "customer_id": rows["customer_id"].map(names),
                "time": as_stamps(rows["day"]),
                "amount": rows["amount"] / 100,
            }
        )
    )
    data = Timeline(log, horizon=91, unit="week", grain="day").training("1998-03-31", ["1997-11-30", "1997-12-30"])
    now = data.counts[data.t]
    manifest = Manifest(
        name="cdnow-test", version=7, as_of="1998-03-31", unit="week", grain="day", currency="USD",
        churn_horizon=91, value_horizon="12 months", test_horizon=91, discount_rate=0.10, margin=1.0,
        bands={"high": 0.6, "medium": 0.3}, reasons={"rows": 50, "by": "expected_loss"},
        recipes={"churn": {"name": "stack", "settings": {}}, "value": {"name": "blend", "settings": {}}},
        training={"customers": len(data.today), "days": ["1997-11-30", "1997-12-30"]},
    )  # fmt: skip
    inputs = tuple(
        Input(name, str(kind), CATALOGUE[name].label, CATALOGUE[name].family)
        for name, kind in data.today.dtypes.items()
    )
    bundle = Bundle(
        manifest=manifest,
        inputs=inputs,
        transaction=BetaGeoNBD().fit(now),
        spend=GammaGamma().fit(data.spend[data.t]),
        churn=recipe("stack", "churn").fit(data),
        value=recipe("blend", "value").fit(data),
        card=card(manifest, inputs, transaction="BG/NBD", spend="Gamma-Gamma", leaderboard=leaderboard),
    )
    folder = tmp_path_factory.mktemp("models") / "cdnow-test"
    bundle.save(folder)
    return Trained(set(names.values()), features(log, "1998-06-30", unit="week", grain="day"), folder)


@pytest.fixture(scope="session")
def logged(trained, leaderboard, tmp_path_factory) -> Logged:
    import matplotlib.figure

    figure = matplotlib.figure.Figure()
    figure.subplots().plot([0, 1], label="a line")
    workspace = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        run = log_training(
            trained.bundle,
            workspace=workspace,
            experiment="cdnow",
            leaderboard=leaderboard,
            parameters={"churn.horizon": "91 days", "value.margin": 1.0},
            config="name: cdnow-test\n",
            data_digest="d1",
            git_revision="abc123",
            plots={"line.png": figure},
            tables={"importance": pd.DataFrame({"name": ["silence"], "increase": [0.25]})},
        )
        move_champion(workspace, run.name, run.version)
    return Logged(workspace, run, {path.name: path.read_bytes() for path in workspace.rglob("*") if path.is_file()})
