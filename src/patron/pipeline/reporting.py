"""Reporting: what earlier jobs left behind, put together for the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from patron._core.errors import DataError
from patron._core.files import read_json
from patron._core.progress import step
from patron.config import Config
from patron.pipeline.inputs import TASKS, alone, loaded, reading
from patron.report import ReportContent, write_report
from patron.scoring import Bundle


def report(config: str | Path | Config) -> Path:
    """Write out/NAME/report.html from the latest scores."""
    config = loaded(config)
    with alone(config):
        return report_on(config)


def report_on(config: Config) -> Path:
    """Write the report, the lock held; see `report`."""
    latest = config.out / "latest.json"
    if not latest.exists():
        raise DataError(f"no scores at {config.out}", fix="patron run, or patron score, first")
    told = read_json(latest)
    bundle = Bundle.load(config.bundle)
    manifest = dataclasses.replace(bundle.manifest, **reading(config))
    found = read_json(config.out / "audit.json") if (config.out / "audit.json").exists() else None
    content = ReportContent(
        name=config.name,
        as_of=told["as_of"],
        model_version=manifest.label,
        currency=manifest.currency,
        churn_horizon=f"{manifest.churn_horizon} days",
        value_horizon=manifest.value_horizon,
        scores=_read_scores(config.out / told["folder"]),
        clv_basis=manifest.clv_basis,
        bands=dict(manifest.bands),
        leaderboard=_kept(config.out / "leaderboard.csv"),
        predictions=_kept(config.out / "predictions.parquet"),
        champions={task: manifest.recipes[task]["name"] for task in TASKS},
        verdicts={task: manifest.training[f"chosen_for_{task}"] for task in TASKS},
        metrics={task: getattr(config.champion, task)[0] for task in TASKS},
        explained={path.stem: pd.read_csv(path) for path in sorted((config.out / "explained").glob("*.csv"))},
        audit=None if found is None else pd.DataFrame(found["findings"]),
        data={} if found is None else {key: value for key, value in found.items() if key != "findings"},
        models={type(model).__name__: model.summary() for model in (bundle.transaction, bundle.spend)},
        made={
            "model": manifest.label,
            "trained on what was known at the end of": manifest.as_of,
            "training days": ", ".join(manifest.training["days_of_churn"]),
            "customers in training": manifest.training["customers"],
            "digest of the data": manifest.training["data"],
            "patron": manifest.training["patron"],
            "value": manifest.clv_basis,
        },
    )
    with step("report"):
        return write_report(config.out / "report.html", content)


def _read_scores(folder: Path) -> pd.DataFrame:
    parquet = folder / "scores.parquet"
    if parquet.exists():
        return pd.read_parquet(parquet)
    return pd.read_csv(folder / "scores.csv", dtype={"customer_id": "str"}, parse_dates=["as_of"])


def _kept(path: Path) -> pd.DataFrame | None:
    """Read what training left behind, if it did."""
    if not path.exists():
        return None
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, parse_dates=["as_of"])
