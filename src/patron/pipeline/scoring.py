"""Scoring: features of a day through the champion into a dated folder."""

from __future__ import annotations

import dataclasses
import uuid
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from patron._core.calendar import date_of
from patron._core.errors import ConfigError, DataWarning, TrackingError
from patron._core.files import read_json, write_json, write_text
from patron._core.progress import step
from patron.config import Config
from patron.data import TransactionLog
from patron.decisions.movement import movement, movement_words
from patron.features import features
from patron.pipeline.forgetting import without_forgotten
from patron.pipeline.inputs import alone, as_of_day, horizon_of, loaded, read, reading
from patron.pipeline.training import finish_promotion
from patron.scoring import Bundle, Manifest, Scorer, write_scores
from patron.scoring.kept import kept, read_table


@dataclass(frozen=True)
class Scoring:
    """What a scoring left behind.

    Attributes
    ----------
    table : DataFrame
        The score table.
    folder : Path
        Where it was written.
    bundle : Manifest
        What scored.
    moved : list of str
        Who moved since the scoring of an earlier day, in words.
    """

    table: pd.DataFrame
    folder: Path
    bundle: Manifest
    moved: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        """Say what was scored, in a line or two."""
        table, currency = self.table, self.bundle.currency
        first = next(iter(self.bundle.bands))
        high = table[table["churn_band"] == first]
        worth = f"CLV {currency} {table['clv'].sum():,.0f} ({self.bundle.clv_basis})"
        at_risk = f"{len(high):,} at {first} risk hold {currency} {high['clv'].sum():,.0f} of it"
        return [
            f"scores: {len(table):,} customers as of {table['as_of'].iloc[0].date()}: {worth}; {at_risk}",
            *(f"        {line}" for line in self.moved),
            f"        {self.folder}",
        ]


def score(config: str | Path | Config, as_of: str | None = None) -> Scoring:
    """Score every customer with the champion; write the dated folder and out/NAME/latest.json."""
    config = loaded(config)
    log = read(config)
    with alone(config):
        return score_on(config, log, as_of)


def score_on(config: Config, log: TransactionLog, as_of: str | None) -> Scoring:
    """Score a log that is read; see `score`."""
    try:
        finish_promotion(config)
    except TrackingError as error:
        warnings.warn(f"the registry lags behind the champion in {config.bundle}: {error}", DataWarning, stacklevel=3)
    bundle = Bundle.load(config.bundle)
    _same_question(config, bundle.manifest)
    day = date_of(as_of_day(config, log, as_of))
    if str(day) < bundle.manifest.as_of:
        warnings.warn(
            f"the champion was trained on days up to {bundle.manifest.as_of}: its scores as of {day} are no forecast",
            DataWarning,
            stacklevel=3,
        )
    manifest = dataclasses.replace(bundle.manifest, **reading(config))
    with step("features"):
        needed = [column.name for column in bundle.inputs]
        X = without_forgotten(config, features(log, day, unit=config.time.unit, grain=config.time.grain, which=needed))
    with step("scoring"):
        scorer = Scorer(dataclasses.replace(bundle, manifest=manifest))
        table = scorer.score(X, run_id=uuid.uuid4().hex)
    folder = write_scores(
        table,
        config.out / "scores",
        name=config.name,
        version=manifest.version,
        currency=manifest.currency,
        formats=config.score.formats,
        campaign=_campaign(scorer),
        base=table.attrs["base"],
    )
    content = read_json(folder / "manifest.json")["content"]
    latest = {"as_of": str(day), "version": manifest.version, "folder": str(folder.relative_to(config.out))}
    write_json(config.out / "latest.json", {**latest, "content": content})
    return Scoring(table, folder, manifest, _moved(config, table, str(day), manifest.currency))


def _campaign(scorer: Scorer) -> dict[str, Any] | None:
    """Return what contact_profit reckons with, for whoever plans with it later."""
    segments = scorer.bundle.segments
    if segments is None:
        return None
    measured = dataclasses.asdict(segments.left_alone) if segments.left_alone else None
    return {"terms": dataclasses.asdict(scorer.terms), "left_alone": scorer.left_alone, "measured": measured}


def _moved(config: Config, table: pd.DataFrame, day: str, currency: str) -> list[str]:
    """Write out/NAME/movement.csv since the scoring of an earlier day, if there is one, and say the most of it."""
    earlier = [one for one in kept(config.out / "scores") if one.as_of < day]
    if not earlier:
        return []
    moves = movement(read_table(earlier[-1].folder), table)
    write_text(config.out / "movement.csv", moves.to_csv(index=False))
    return [f"since {earlier[-1].as_of}: {movement_words(moves, currency)}; see movement.csv"]


def _same_question(config: Config, manifest: Manifest) -> None:
    """Refuse a configuration that asks what the champion was not trained to answer."""
    asked = {
        "churn.horizon": (f"{horizon_of(config, 'churn')} days", f"{manifest.churn_horizon} days"),
        "value.test_horizon": (f"{horizon_of(config, 'value')} days", f"{manifest.test_horizon} days"),
        "time.unit": (config.time.unit, manifest.unit),
        "time.grain": (config.time.grain, manifest.grain),
        "data.currency": (config.data.currency, manifest.currency),
    }
    for key, (wanted, trained) in asked.items():
        if wanted != trained:
            raise ConfigError(
                f"{config.where(key)}: {key} is {wanted}, but the champion {manifest.label} was trained with {trained}",
                fix="patron run --retrain, or another name for another question",
            )
