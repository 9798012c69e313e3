"""The main job as functions: audit, train, score, report, run."""

from patron.pipeline.inputs import audit, read
from patron.pipeline.job import run
from patron.pipeline.listing import features
from patron.pipeline.reporting import report
from patron.pipeline.scoring import Scoring, score
from patron.pipeline.training import train, verdicts

__all__ = ["Scoring", "audit", "features", "read", "report", "run", "score", "train", "verdicts"]
