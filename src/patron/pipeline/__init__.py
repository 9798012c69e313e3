"""The main job as functions: audit, train, score, report, run."""

from patron.pipeline.delivering import Delivered, deliver
from patron.pipeline.evaluating import Evaluated, evaluate
from patron.pipeline.forgetting import Forgotten, forget
from patron.pipeline.holding import Held, ledger, verdict_of
from patron.pipeline.inputs import audit, read
from patron.pipeline.job import run
from patron.pipeline.listing import features
from patron.pipeline.measuring import Measured, kpis
from patron.pipeline.planning import Planned, plan
from patron.pipeline.reporting import report
from patron.pipeline.scoring import Scoring, score
from patron.pipeline.training import train, verdicts

__all__ = [
    "Delivered",
    "Evaluated",
    "Forgotten",
    "Held",
    "Measured",
    "Planned",
    "Scoring",
    "audit",
    "deliver",
    "evaluate",
    "features",
    "forget",
    "kpis",
    "ledger",
    "plan",
    "read",
    "report",
    "run",
    "score",
    "train",
    "verdict_of",
    "verdicts",
]
