"""MLflow: a training run with what it was made of, and its bundle as a registered model; nothing is computed here."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

import patron
from patron._core.calendar import day_number
from patron._core.errors import PatronError, TrackingError
from patron._core.files import read_json, write_bytes
from patron.scoring.bundle import Bundle, Manifest
from patron.tracking.model import save_model

CHAMPION: Final = "champion"
"""The alias under which consumers load the model: models:/NAME@champion."""
_DAY_MS: Final = 86_400_000
_BARS: Final = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


@dataclass(frozen=True)
class Registered:
    """Where a training run and its model are.

    Attributes
    ----------
    run_id : str
        The MLflow run.
    name, version : str
        The registered model and MLflow's own number of its version; Patron's is the version's tag `patron_version`.
    uri : str
        What `mlflow.pyfunc.load_model` takes.
    store : str
        The tracking URI.
    """

    run_id: str
    name: str
    version: str
    uri: str
    store: str


def log_training(
    bundle: Path,
    *,
    workspace: Path,
    experiment: str,
    leaderboard: pd.DataFrame,
    parameters: Mapping[str, Any],
    config: str,
    data_digest: str,
    git_revision: str | None = None,
    plots: Mapping[str, Any] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> Registered:
    """Log a training run and register its bundle as a model; `move_champion` lets it serve.

    The store is MLFLOW_TRACKING_URI, else ``workspace/mlflow.db`` with ``workspace/mlartifacts``. MLflow's global
    state (tracking URI, active run, active experiment) is neither read nor changed. Runs of the same model that are
    still open were killed, for only one process works on a name; they are marked so.

    Parameters
    ----------
    bundle : Path
        A bundle's folder; its manifest names the model. The artifact's folder ``bundle/`` is the same byte for byte.
    workspace : Path
    experiment : str
        Made if it is not there.
    leaderboard : DataFrame
        ``Backtest.table`` of both tasks: task, recipe, as_of, population, metric, value.
    parameters : mapping
        Flat; what the run was asked to do.
    config : str
        The configuration's text.
    data_digest : str
        SHA-256 of the transactions.
    git_revision : str, optional
        Of the code that trained.
    plots : mapping of str to matplotlib Figure, optional
        By file name, like 'calibration.png'.
    tables : mapping of str to DataFrame, optional
        By name, like 'importance'; kept as tables/NAME.csv.

    Returns
    -------
    Registered

    Raises
    ------
    DataError
        The bundle is not whole.
    TrackingError
        MLflow refused; the run, if it was begun, is marked as failed.
    """
    manifest = Bundle.load(bundle).manifest
    with _client(workspace) as (client, store):
        from mlflow.entities import Metric, Param  # noqa: PLC0415

        run_id = _begin(client, experiment, workspace, manifest, {
            "patron.version": patron.__version__,
            "patron.model": manifest.label,
            "patron.as_of": manifest.as_of,
            "patron.data_digest": data_digest,
            "patron.bundle_digest": read_json(bundle / "manifest.json")["digest"],
            **({"mlflow.source.git.commit": git_revision} if git_revision else {}),
        })  # fmt: skip
        with _ended(client, run_id):
            client.log_batch(
                run_id,
                params=[Param(key, str(value)) for key, value in parameters.items()],
                metrics=[
                    Metric(key, value, timestamp=time.time_ns() // 1_000_000, step=0)
                    for key, value in holdout_metrics(leaderboard, manifest.recipes).items()
                ],
            )
            client.log_text(run_id, leaderboard.to_csv(index=False), "leaderboard.csv")
            client.log_text(run_id, config, "config.yaml")
            client.log_artifact(run_id, str(bundle / "CARD.md"))
            for name, table in (tables or {}).items():
                client.log_text(run_id, table.to_csv(index=False), f"tables/{name}.csv")
            for name, figure in (plots or {}).items():
                client.log_figure(run_id, figure, f"plots/{name}")
            version = _register(client, run_id, bundle, manifest)
    return Registered(run_id, manifest.name, version, f"models:/{manifest.name}/{version}", store)


def log_ledger(
    manifest: Manifest,
    *,
    workspace: Path,
    experiment: str,
    as_of: str,
    verdict: str,
    reason: str,
    metrics: Mapping[str, float],
    tables: Mapping[str, pd.DataFrame],
) -> str:
    """Log how a model's predictions did, in one run a version: a point a day, the latest tables; return the run's id.

    Logging a day again changes nothing.

    Parameters
    ----------
    manifest : Manifest
        Of the bundle whose predictions they are.
    workspace, experiment
        As in `log_training`.
    as_of : str
        The last day looked at, ISO: the metrics' step and time.
    verdict, reason : str
        In words; no customer is named.
    metrics : mapping of str to float
    tables : mapping of str to DataFrame
        By name; kept as tables/NAME.csv. No customer is in them.

    Raises
    ------
    TrackingError
        MLflow refused.
    """
    with _client(workspace) as (client, _):
        from mlflow.entities import Metric, RunTag  # noqa: PLC0415

        run_id = _ledger_run(client, experiment, workspace, manifest)
        day = day_number(as_of)
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, day * _DAY_MS, day) for name, value in metrics.items()],
            tags=[RunTag("patron.verdict", verdict), RunTag("patron.reason", reason), RunTag("patron.as_of", as_of)],
        )
        for name, table in tables.items():
            client.log_text(run_id, table.to_csv(index=False), f"tables/{name}.csv")
    return run_id


def _ledger_run(client: Any, experiment: str, workspace: Path, manifest: Manifest) -> str:
    number = _experiment(client, experiment, workspace)
    found = client.search_runs([number], f"tags.`patron.ledger` = '{manifest.label}'")
    if found:
        return str(found[0].info.run_id)
    tags = {"patron.ledger": manifest.label}
    run_id = str(client.create_run(number, run_name=f"ledger {manifest.label}", tags=tags).info.run_id)
    client.set_terminated(run_id)
    return run_id


def move_champion(workspace: Path, name: str, version: str) -> None:
    """Let the alias @champion of a registered model tell this version (MLflow's number); done twice it is done once.

    Raises
    ------
    TrackingError
        MLflow refused.
    """
    with _client(workspace) as (client, _):
        client.set_registered_model_alias(name, CHAMPION, version)


def holdout_metrics(leaderboard: pd.DataFrame, recipes: Mapping[Any, Mapping[str, Any]]) -> dict[str, float]:
    """Metrics of the last test day over all customers: task/metric of the champion, task/recipe/metric of everyone.

    Parameters
    ----------
    leaderboard : DataFrame
        task, recipe, as_of, population, metric, value.
    recipes : mapping
        The champion by task: a bundle's ``manifest.recipes``.

    Returns
    -------
    dict of str to float
        Undefined ones are left out.

    Examples
    --------
    >>> board = pd.DataFrame({
    ...     "task": "churn", "recipe": ["stack", "stack", "overdue"], "as_of": ["1998-02-28"] + ["1998-03-31"] * 2,
    ...     "population": "all", "metric": "brier", "value": [0.3, 0.1, 0.2]})
    >>> holdout_metrics(board, {"churn": {"name": "stack"}})
    {'churn/stack/brier': 0.1, 'churn/brier': 0.1, 'churn/overdue/brier': 0.2}
    """
    metrics: dict[str, float] = {}
    everyone = leaderboard[leaderboard["population"] == "all"]
    last = everyone[everyone["as_of"] == everyone.groupby("task")["as_of"].transform("max")]
    for task, recipe, metric, value in last[["task", "recipe", "metric", "value"]].to_numpy().tolist():
        if math.isfinite(value):
            metrics[f"{task}/{recipe}/{metric}"] = value
            if recipes[task]["name"] == recipe:
                metrics[f"{task}/{metric}"] = value
    return metrics


@contextlib.contextmanager
def _client(workspace: Path) -> Iterator[tuple[Any, str]]:
    """Yield a client of the store and the store's address; what MLflow raises becomes a TrackingError."""
    store = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{workspace.resolve() / 'mlflow.db'}"
    with _quiet():
        from mlflow import MlflowClient  # noqa: PLC0415

        try:
            if "MLFLOW_TRACKING_URI" not in os.environ:
                _founded(workspace.resolve() / "mlflow.db")
            yield MlflowClient(tracking_uri=store), store
        except PatronError:
            raise
        except Exception as error:  # a store raises what its driver raises
            told = str(error)
            full = any(words in told for words in ("disk is full", "No space left", "File too large"))
            raise TrackingError(
                f"MLflow at {store} refused: {told.partition(chr(10))[0]}",
                fix="free space on the disk, then run again"
                if full
                else "set MLFLOW_TRACKING_URI to a server that answers, or unset it to use the workspace's own store",
            ) from error


def _founded(place: Path) -> None:
    """Make the workspace's own database, whole before it gets its name: MLflow cannot mend one half made."""
    if place.exists():
        return
    from mlflow import MlflowClient  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / place.name
        MlflowClient(tracking_uri=f"sqlite:///{draft}").search_experiments(max_results=1)
        if not place.exists():  # another name's run may have been faster
            write_bytes(place, draft.read_bytes())


def _experiment(client: Any, experiment: str, workspace: Path) -> str:
    """Return the experiment's number; it is made if it is not there."""
    found = client.get_experiment_by_name(experiment)
    if found is not None:
        return str(found.experiment_id)
    local = not os.environ.get("MLFLOW_TRACKING_URI")
    place = (workspace.resolve() / "mlartifacts").as_uri() if local else None
    return str(client.create_experiment(experiment, artifact_location=place))


def _begin(client: Any, experiment: str, workspace: Path, manifest: Manifest, tags: Mapping[str, str]) -> str:
    number = _experiment(client, experiment, workspace)
    ours = f"attributes.status = 'RUNNING' and tags.`patron.model` LIKE '{manifest.name}/%'"
    for killed in client.search_runs([number], ours):
        client.set_terminated(killed.info.run_id, "KILLED")
    return str(client.create_run(number, run_name=manifest.label, tags=dict(tags)).info.run_id)


@contextlib.contextmanager
def _ended(client: Any, run_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)


def _register(client: Any, run_id: str, bundle: Path, manifest: Manifest) -> str:
    """Store the bundle as a model of the run, register it, and return MLflow's version number."""
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from mlflow.models import Model  # noqa: PLC0415

    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, name=manifest.name, source_run_id=run_id)
    record = Model(
        artifact_path=model.artifact_location, model_uuid=model.model_id, run_id=run_id, model_id=model.model_id
    )
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "model"
        save_model(bundle, draft, record)
        client.log_model_artifacts(model.model_id, str(draft))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    try:
        client.create_registered_model(manifest.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        manifest.name,
        source=model.artifact_location,
        run_id=run_id,
        model_id=model.model_id,
        tags={"patron_version": str(manifest.version)},
    ).version
    return str(version)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Import MLflow and keep its notes, prints, bars and warnings from the user; what fails still raises."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import mlflow.pyfunc  # noqa: F401, PLC0415  # 0.8 s that only training pays; it sets its loggers' levels

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)  # what fails is told once, by the error raised
        bars = os.environ.get(_BARS)
        os.environ[_BARS] = "false"
        try:
            yield
        finally:
            os.environ.pop(_BARS)
            if bars is not None:
                os.environ[_BARS] = bars
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
