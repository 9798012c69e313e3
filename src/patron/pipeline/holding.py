"""Holding: kept scorings against what happened since, the verdict on the champion, drift; tables, JSON and MLflow."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError, DataWarning, TrackingError
from patron._core.files import read_json, write_bytes, write_json
from patron._core.progress import step, track
from patron.config import Config
from patron.data import TransactionLog
from patron.features import features
from patron.ledger import (
    Judgement,
    Kept,
    Tolerance,
    Treatments,
    accounts,
    backtested,
    calibration,
    drift,
    enough,
    evidence,
    grows_with_age,
    judge,
    kept_scorings,
    outcomes,
    spread_out,
    weights,
)
from patron.ledger.kept import GROUPS
from patron.pipeline.inputs import TASKS, alone, as_of_day, loaded, read
from patron.recipes.protocol import LABEL_OF, Task
from patron.scoring import Bundle
from patron.tracking import log_ledger

LEDGER: Final = "ledger.json"
TABLE: Final = "ledger.csv"
EXIT_CODES: Final = {"keep": 0, "wait": 0, "recalibrate": 5, "retrain": 5}
_PREDICTED: Final[dict[Task, str]] = {"churn": "churn_probability", "value": "expected_revenue"}
_SHARE: Final = 4
"""Scorings nearer to each other than a quarter of the horizon share most of their outcomes."""


@dataclass(frozen=True)
class Held:
    """What the ledger found.

    Attributes
    ----------
    content : dict
        What out/NAME/ledger.json says.
    table : DataFrame
        What out/NAME/ledger.csv says; see `patron.ledger.accounts`.
    """

    content: dict[str, Any]
    table: pd.DataFrame = field(repr=False)

    @property
    def verdict(self) -> str:
        """'keep', 'recalibrate', 'retrain' or 'wait'."""
        return str(self.content["verdict"])

    @property
    def exit_code(self) -> int:
        """5 where something is to be done, else 0."""
        return EXIT_CODES[self.verdict]

    def words(self) -> list[str]:
        """Say the verdict, what it rests on, and what was left out."""
        content = self.content
        told = [f"ledger: {content['verdict']} {content['model'] or ''}".rstrip() + f": {content['reason']}"]
        told += [f"        {line}" for line in content["notes"]]
        moved = [row["feature"] for row in content["drift"] if row["drifted"]]
        if content["drift"]:
            told.append(f"drift:  {_counted(moved, len(content['drift']))}")
        return told + [f"left out: {line}" for line in content["left_out"]]


def ledger(config: str | Path | Config) -> Held:
    """Hold the scorings that were kept against what happened since.

    Parameters
    ----------
    config : path or Config
        The run.

    Returns
    -------
    Held
        Also written to out/NAME/ledger.json and ledger.csv, and logged to MLflow.

    Raises
    ------
    ConfigError, DataError
        The configuration does not fit, or the data are refused. A damaged scoring or plan is told and left out.
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        return hold_on(config, log)


def verdict_of(config: str | Path | Config) -> dict[str, Any] | None:
    """Return what the latest ledger said, None if there is none; see `hold_on` for the keys."""
    place = loaded(config).out / LEDGER
    try:
        content: dict[str, Any] = read_json(place)
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise DataError(f"{place} is not JSON", fix="patron ledger writes it anew") from error
    return content


def hold_on(config: Config, log: TransactionLog) -> Held:
    """Hold a log that is read against the scorings, the lock held; see `ledger`.

    The JSON tells: verdict, reason, model, version, as_of (of the last day looked at), notes, waiting (scorings that
    have not matured, and when they do), left_out, calibration, drift. It names no customer and no time of day, so the
    same data give the same bytes.
    """
    bundle = _champion(config)
    kept, left_out = kept_scorings(config.out / "scores")
    treatments = Treatments(log, config.out / "plans", config.ledger.treated)
    held = {task: _held(kept, log, task, treatments, left_out) for task in TASKS}
    with step("accounts"):
        table = pd.concat([accounts(rows, task) for task, rows in held.items()], ignore_index=True)
    with step("drift"):
        moved = _drift(config, log, bundle)
    judged, notes = _judged(config, log, bundle, kept, held, moved)
    version = bundle.manifest.version if bundle else None
    own = _untreated(held["churn"], version)
    content = {
        "verdict": judged.verdict,
        "reason": judged.reason,
        "model": bundle.manifest.label if bundle else None,
        "version": version,
        "as_of": str(date_of(log.observed_until)),
        "notes": notes,
        "waiting": _waiting(kept, log),
        "left_out": list(dict.fromkeys([*left_out, *treatments.told])),
        "calibration": _records(calibration(own)) if len(own) else [],
        "drift": _records(moved),
    }
    write_bytes(config.out / TABLE, table.to_csv(index=False).encode())
    write_json(config.out / LEDGER, content)
    found = Held(content, table)
    if bundle:
        _track(config, bundle, found)
    return found


def _champion(config: Config) -> Bundle | None:
    """Return the bundle that serves, if one does."""
    if not (config.bundle / "manifest.json").exists():
        return None
    return Bundle.load(config.bundle)


def _held(
    kept: Sequence[Kept], log: TransactionLog, task: Task, treatments: Treatments, left_out: list[str]
) -> pd.DataFrame:
    """Put the matured predictions of a task beside what happened: a row a customer and scoring; see `accounts`."""
    mature = [one for one in kept if one.matures(task) <= log.observed_until]
    chosen: list[Kept] = []
    for version in sorted({one.version for one in mature}):
        own = [one for one in mature if one.version == version]
        chosen += spread_out(own, max(1, (own[-1].matures(task) - own[-1].as_of) // _SHARE))
    frames = [pd.DataFrame({name: [] for name in _COLUMNS}).astype(_COLUMNS)]
    for one in track(chosen, f"outcomes of {task}"):
        try:
            frames.append(_beside(one, log, task, treatments))
        except DataError as error:
            left_out.append(f"{one.folder.parent.name}/{one.folder.name}: {error.message}")
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


_COLUMNS: Final = {
    "customer": "uint64", "day": "int64", "as_of": "str", "version": "int64", "predicted": "float64",
    "actual": "float64", "first": "datetime64[us]", "treatment": "str", "weight": "float64",
}  # fmt: skip


def _beside(one: Kept, log: TransactionLog, task: Task, treatments: Treatments) -> pd.DataFrame:
    horizon = one.matures(task) - one.as_of
    scores = one.read().drop_duplicates("customer_id", keep="last")
    rows = scores.merge(outcomes(log, one.as_of, horizon), left_on="customer_id", right_index=True)
    treatment = treatments.groups(rows["customer_id"], one.as_of, horizon)
    predicted = rows[_PREDICTED[task]].to_numpy(dtype=float)
    if not np.isfinite(predicted).all():
        raise DataError(f"a prediction of {task} is missing")
    found = pd.DataFrame(
        {
            "customer": pd.util.hash_array(rows["customer_id"].to_numpy(dtype=object), categorize=False),
            "day": one.as_of,
            "as_of": str(date_of(one.as_of)),
            "version": one.version,
            "predicted": predicted,
            "actual": rows[LABEL_OF[task]].to_numpy(dtype=float),
            "first": rows["first"].to_numpy(),
            "treatment": treatment.to_numpy(),
            "weight": weights(predicted, treatment == "treated"),
        }
    )
    return found.assign(**{name: rows[name].to_numpy() for name in GROUPS if name in rows.columns})


def _untreated(rows: pd.DataFrame, version: int | None) -> pd.DataFrame:
    return rows[(rows["version"] == version) & (rows["treatment"] != "treated")]


def _judged(
    config: Config,
    log: TransactionLog,
    bundle: Bundle | None,
    kept: Sequence[Kept],
    held: dict[Task, pd.DataFrame],
    moved: pd.DataFrame,
) -> tuple[Judgement, list[str]]:
    """Judge the champion, and say what the verdict rests on."""
    if bundle is None:
        return Judgement("wait", "no champion stands; patron run trains one"), []
    manifest = bundle.manifest
    own = [one for one in kept if one.version == manifest.version]
    rows = {task: _untreated(held[task], manifest.version) for task in TASKS}
    notes = [_rests_on(held[task], rows[task], manifest.version, task) for task in TASKS if len(rows[task])]
    notes += [_matures(own, log, task) for task in TASKS if not len(rows[task])]
    churn = evidence(rows["churn"])
    if not enough(churn):
        few = f"too little has matured to judge by ({len(rows['churn']):,} predictions)" if len(churn) else ""
        return Judgement("wait", few or _matures(own, log, "churn")), [note for note in notes if "churn" not in note]
    sections = config.ledger
    return judge(
        churn,
        evidence(rows["value"]),
        _promised(config, bundle),
        Tolerance(sections.bias, sections.calibration, sections.auc),
        _matters(config, log, bundle, moved),
    ), notes


def _rests_on(all_rows: pd.DataFrame, rows: pd.DataFrame, version: int, task: Task) -> str:
    """Say how many predictions of which days were held, how they overlap, and who was left aside."""
    days = sorted(rows["as_of"].unique())
    customers = rows["customer"].nunique()
    span = f"as of {days[0]}" if len(days) == 1 else f"of {len(days)} days, {days[0]} to {days[-1]}"
    told = f"{task}: {len(rows):,} predictions for {customers:,} untreated customers {span}"
    if len(days) > 1:
        told += ", which overlap: intervals are by customer"
    treated = int(((all_rows["version"] == version) & (all_rows["treatment"] == "treated")).sum())
    if treated:
        control = int((rows["treatment"] == "control").sum())
        told += f"; {treated:,} of treated customers stand apart, and the others are weighted to everyone's risk; "
        told += f"{control:,} of these are of the control group" if control else "there is no control group"
    return told


def _matures(own: Sequence[Kept], log: TransactionLog, task: Task) -> str:
    """Say when the first prediction of a task can be held against what happened."""
    if not own:
        return f"{task}: the champion has scored nobody yet"
    first = min(one.matures(task) for one in own)
    if first <= log.observed_until:
        return f"{task}: no prediction that matured could be used"
    return f"{task}: the first predictions mature on {date_of(first)}"


def _waiting(kept: Iterable[Kept], log: TransactionLog) -> list[dict[str, Any]]:
    return [
        {
            "as_of": str(date_of(one.as_of)),
            "version": one.version,
            **{f"{task}_matures": str(date_of(one.matures(task))) for task in TASKS},
        }
        for one in kept
        if max(one.matures(task) for task in TASKS) > log.observed_until
    ]


def _promised(config: Config, bundle: Bundle) -> Any:
    place = config.out / "leaderboard.csv"
    if not place.exists():
        return None
    return backtested(pd.read_csv(place), bundle.manifest.recipes["churn"]["name"])


def _drift(config: Config, log: TransactionLog, bundle: Bundle | None) -> pd.DataFrame:
    """Hold the champion's inputs, and its churn probabilities, of today against those of its training days."""
    if bundle is None:
        return drift(pd.DataFrame(), {}, {})
    manifest = bundle.manifest
    days = [day for day in manifest.training.get("days_of_churn", []) if day < manifest.as_of]
    names = [column.name for column in bundle.inputs]

    def at(day: str) -> pd.DataFrame:
        rows = features(log, day, unit=config.time.unit, grain=config.time.grain, which=names)[names]
        return rows.assign(churn_probability=np.asarray(bundle.churn.predict(rows), dtype=float))

    kinds = {column.name: "input" for column in bundle.inputs if not grows_with_age(column.name, column.family)}
    known = [day for day in days if log.first_day <= day_number(day) <= log.observed_until]
    past = {day: at(day) for day in track(known, "training days")}
    today = at(str(date_of(as_of_day(config, log, None))))
    return drift(today, past, {**kinds, "churn_probability": "prediction"}, config.ledger.drift)


def _matters(config: Config, log: TransactionLog, bundle: Bundle, moved: pd.DataFrame) -> str:
    """Say why drift asks for training anew; '' if it does not.

    It does where the champion's own probabilities are distributed as on no training day, and training now would learn
    from days that it has not seen.
    """
    of_scores = moved[moved["drifted"] & (moved["kind"] == "prediction")]
    inputs = list(moved.loc[moved["drifted"] & (moved["kind"] == "input"), "feature"])
    newer = log.observed_until - day_number(bundle.manifest.as_of) >= config.churn.test.every.days()
    if of_scores.empty or not inputs or not newer:
        return ""
    row = of_scores.iloc[0]
    floor = max(row["between_days"], row["noise"])
    return (
        f"churn probabilities are spread as on no training day (stability index {row['psi']:.2f}, floor {floor:.2f}), "
        f"and so are {_counted(inputs, int((moved['kind'] == 'input').sum()))}"
    )


def _counted(names: Sequence[str], of: int) -> str:
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} of {of} columns moved beyond their noise floor" + (f" ({shown})" if names else "")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON takes them; what is no number is null."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=12))
    return rows


def _track(config: Config, bundle: Bundle, held: Held) -> None:
    """Log to MLflow; a store that refuses costs a warning, for the ledger is written."""
    own = held.table[(held.table["version"] == bundle.manifest.version) & (held.table["by"] == "all")]
    metrics = {
        f"ledger/{task}/{treatment}/{metric}": float(value)
        for task, treatment, metric, value in own[["task", "treatment", "metric", "value"]].itertuples(index=False)
        if math.isfinite(value)
    }
    metrics |= {"ledger/drifted": float(sum(row["drifted"] for row in held.content["drift"]))}
    try:
        with step("tracking"):
            log_ledger(
                bundle.manifest,
                workspace=config.workspace,
                experiment=config.experiment,
                as_of=held.content["as_of"],
                verdict=held.verdict,
                reason=held.content["reason"],
                metrics=metrics,
                tables={"ledger": held.table, "drift": pd.DataFrame(held.content["drift"])},
            )
    except TrackingError as error:
        warnings.warn(f"the ledger is written, MLflow lags behind it: {error}", DataWarning, stacklevel=3)
