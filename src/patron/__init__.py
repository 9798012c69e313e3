"""Patron: from a transaction log to what each customer is worth, who is about to leave, why, and what to do.

Names are loaded when they are first used, so that `import patron` costs little more than pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patron import datasets, metrics, plots
    from patron._core.errors import ConfigError, DataError, FitError, PatronError, PatronWarning
    from patron.churn import ChurnClassifier
    from patron.config import Config, load_config
    from patron.data import Audit, TransactionLog, audit, read_transactions
    from patron.evaluation import Backtest, backtest
    from patron.features import features, rfm_counts, rfm_summary, snapshots, split
    from patron.models import NBD, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD, load_model
    from patron.pipeline import train
    from patron.scoring import Scorer
    from patron.value import CustomerValue, ValueBooster

_HOME = {
    "Audit": "patron.data",
    "Backtest": "patron.evaluation",
    "BetaGeoNBD": "patron.models",
    "ChurnClassifier": "patron.churn",
    "Config": "patron.config",
    "ConfigError": "patron._core.errors",
    "CustomerValue": "patron.value",
    "DataError": "patron._core.errors",
    "FitError": "patron._core.errors",
    "GammaGamma": "patron.models",
    "ModifiedBetaGeoNBD": "patron.models",
    "NBD": "patron.models",
    "ParetoNBD": "patron.models",
    "PatronError": "patron._core.errors",
    "PatronWarning": "patron._core.errors",
    "Scorer": "patron.scoring",
    "TransactionLog": "patron.data",
    "ValueBooster": "patron.value",
    "audit": "patron.data",
    "backtest": "patron.evaluation",
    "features": "patron.features",
    "load_config": "patron.config",
    "load_model": "patron.models",
    "read_transactions": "patron.data",
    "rfm_counts": "patron.features",
    "rfm_summary": "patron.features",
    "snapshots": "patron.features",
    "split": "patron.features",
    "train": "patron.pipeline",
}
_ROOMS = ("datasets", "metrics", "plots")

__version__ = "0.1.0"
__all__ = [  # noqa: RUF022  # grouped by what they are for
    # a log
    "read_transactions", "TransactionLog", "audit", "Audit", "datasets",
    # what the log says of a customer
    "rfm_summary", "rfm_counts", "features", "snapshots", "split",
    # models
    "BetaGeoNBD", "ModifiedBetaGeoNBD", "ParetoNBD", "NBD", "GammaGamma", "CustomerValue", "load_model",
    "ChurnClassifier", "ValueBooster",
    # which is best, and by how much
    "backtest", "Backtest", "metrics", "plots",
    # the main job
    "Config", "load_config", "train", "Scorer",
    # what can go wrong
    "PatronError", "ConfigError", "DataError", "FitError", "PatronWarning",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"patron.{name}")
    else:
        raise AttributeError(f"module 'patron' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
