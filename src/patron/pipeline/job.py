"""The main job: audit, train if there is no champion, score, report."""

from __future__ import annotations

from pathlib import Path

from patron.config import Config
from patron.pipeline.inputs import alone, audited, keep_audit, loaded, read
from patron.pipeline.reporting import report_on
from patron.pipeline.scoring import score_on
from patron.pipeline.training import finish_promotion, train_on, verdicts


def run(config: str | Path | Config, *, retrain: bool = False) -> list[str]:
    """Do the main job: audit, train if there is no champion or `retrain`, score, report; returns what to tell."""
    config = loaded(config)
    log = read(config)
    with alone(config):
        found = audited(log)
        told = [f"data: {log!r}; {sum(finding.level == 'warn' for finding in found.findings)} warnings, see audit.json"]
        finish_promotion(config)
        if retrain or not (config.bundle / "manifest.json").exists():
            train_on(config, log)
            told += verdicts(config)
        keep_audit(config, found)
        told += score_on(config, log, None).words()
        told.append(f"report: {report_on(config)}")
        return told
