"""What was predicted, held against what happened: kept scorings, outcomes, accounts, drift, the verdict."""

from patron.ledger.accounts import CHURN, VALUE, Prediction, accounts, calibration, evidence, weights
from patron.ledger.drift import drift, grows_with_age
from patron.ledger.judging import Backtested, Judgement, Tolerance, backtested, enough, judge
from patron.ledger.kept import Kept, kept_scorings, spread_out
from patron.ledger.outcomes import Treatments, outcomes

__all__ = [
    "CHURN",
    "VALUE",
    "Backtested",
    "Judgement",
    "Kept",
    "Prediction",
    "Tolerance",
    "Treatments",
    "accounts",
    "backtested",
    "calibration",
    "drift",
    "enough",
    "evidence",
    "grows_with_age",
    "judge",
    "kept_scorings",
    "outcomes",
    "spread_out",
    "weights",
]
