"""The main job: audit, ledger, train if need be, score, plan, report, and what a delivery would do."""

from __future__ import annotations

from pathlib import Path

from patron.config import Config
from patron.pipeline.delivering import deliver_on
from patron.pipeline.holding import hold_on
from patron.pipeline.inputs import alone, audited, champion, keep_audit, loaded, read
from patron.pipeline.measuring import measure_on
from patron.pipeline.planning import plan_on
from patron.pipeline.reporting import report_on
from patron.pipeline.scoring import score_on
from patron.pipeline.training import finish_promotion, train_on, verdicts
from patron.scoring import Bundle


def run(config: str | Path | Config, *, retrain: bool = False) -> list[str]:
    """Do the main job; returns what to tell.

    Audit; hold earlier scorings against what happened since; train if there is no champion, if the ledger asks for it,
    or if `retrain`; score; plan whom to contact; report; show what a delivery would do. Nothing leaves the machine.
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        found = audited(log)
        told = [
            f"data: {log!r}; {len(found.warnings) or 'nothing'} to look at, see audit.json",
            *(f"      {finding.check}: {finding.rows:,}; {finding.action}" for finding in found.warnings),
        ]
        finish_promotion(config)
        wanted = retrain or not (config.bundle / "manifest.json").exists()
        if any(config.out.glob("scores/as_of=*")) and champion(config):
            held = hold_on(config, log)
            told += held.words()
            wanted = wanted or held.exit_code != 0
        if wanted:
            train_on(config, log)
            told += verdicts(config)
        keep_audit(config, found)
        told += score_on(config, log, None).words()
        if Bundle.load(config.bundle).segments is not None:
            told += plan_on(config, log).words()
        told += measure_on(config, log)
        told.append(f"report: {report_on(config)}")
    if config.deliver:
        told += deliver_on(config, log).words()
    return told
