"""Reporting: what earlier jobs left behind, put together for the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from patron._core.files import read_json
from patron._core.progress import step
from patron.config import Config
from patron.pipeline.holding import TABLE, verdict_of
from patron.pipeline.inputs import TASKS, alone, loaded, reading
from patron.report import ReportContent, write_report
from patron.scoring import Bundle
from patron.scoring.kept import Kept, kept, latest, read_table


def report(config: str | Path | Config) -> Path:
    """Write out/NAME/report.html from the latest scores."""
    config = loaded(config)
    with alone(config):
        return report_on(config)


def report_on(config: Config) -> Path:
    """Write the report, the lock held; see `report`."""
    told = latest(config.out)
    bundle = Bundle.load(config.bundle)
    manifest = dataclasses.replace(bundle.manifest, **reading(config))
    scores = read_table(told.folder)
    movement, since = _movement(config, told.as_of)
    plan, planned = _plan(config, told)
    found = read_json(config.out / "audit.json") if (config.out / "audit.json").exists() else None
    content = ReportContent(
        name=config.name,
        as_of=told.as_of,
        model_version=manifest.label,
        currency=manifest.currency,
        churn_horizon=f"{manifest.churn_horizon} days",
        value_horizon=manifest.value_horizon,
        scores=scores,
        clv_basis=manifest.clv_basis,
        bands=dict(manifest.bands),
        base=_base(config, told, scores),
        kpis={path.stem: pd.read_csv(path, index_col=0) for path in sorted((config.out / "kpis").glob("*.csv"))},
        movement=movement,
        moved_since=since,
        plan=plan,
        planned=planned,
        ledger=verdict_of(config) or {},
        accounts=_left(config.out / TABLE),
        leaderboard=_left(config.out / "leaderboard.csv"),
        predictions=_left(config.out / "predictions.parquet"),
        champions={task: manifest.recipes[task]["name"] for task in TASKS},
        verdicts={task: manifest.training[f"chosen_for_{task}"] for task in TASKS},
        metrics={task: getattr(config.champion, task)[0] for task in TASKS},
        explained={path.stem: pd.read_csv(path) for path in sorted((config.out / "explained").glob("*.csv"))},
        audit=None if found is None else pd.DataFrame(found["findings"]),
        data={} if found is None else {"log": found["log"].removeprefix("TransactionLog(").removesuffix(")")},
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


def _base(config: Config, told: Kept, scores: pd.DataFrame) -> dict[str, Any]:
    """Return what the scoring says the base is worth, and what the last of an earlier day said, if comparable."""
    manifest = read_json(told.folder / "manifest.json")
    base: dict[str, Any] = dict(manifest.get("base", {}))
    before = _earlier(config, told.as_of)
    if before is None or read_json(before.folder / "manifest.json").get("currency") != manifest.get("currency"):
        return base
    table = read_table(before.folder)
    if "clv_basis" not in scores or set(table.get("clv_basis", [])) != set(scores["clv_basis"]):
        return base
    worth = {"revenue": float(table["expected_revenue"].sum()), "clv": float(table["clv"].sum())}
    return base | {"earlier": {"as_of": before.as_of, "customers": len(table), **worth}}


def _earlier(config: Config, as_of: str) -> Kept | None:
    """Return the last scoring of an earlier day."""
    return next((one for one in reversed(kept(config.out / "scores")) if one.as_of < as_of), None)


def _movement(config: Config, as_of: str) -> tuple[pd.DataFrame | None, str]:
    """Return who moved, and since the scoring of which day; scoring wrote it if there was one."""
    earlier, moves = _earlier(config, as_of), _left(config.out / "movement.csv")
    return (moves, earlier.as_of) if earlier and moves is not None else (None, "")


def _plan(config: Config, scored: Kept) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Return the plan of the latest scores, or else the latest plan, with each recommended action, and its manifest."""
    scores, plans = ({one[:2]: one.folder for one in kept(config.out / name)} for name in ("scores", "plans"))
    latest_first = [scored[:2], *sorted(plans, reverse=True)]
    found = next((one for one in latest_first if one in plans and one in scores), None)
    if found is None:
        return None, {}
    actions = read_table(scores[found])[["customer_id", "recommended_action"]]
    plan = read_table(plans[found], "plan").merge(actions, on="customer_id", how="left")
    return plan, read_json(plans[found] / "manifest.json")


def _left(path: Path) -> pd.DataFrame | None:
    """Read what an earlier job left behind, if it did."""
    if not path.exists():
        return None
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False, na_values=[""])
