"""Patron: from a transaction log to what each customer is worth, who is about to leave, why, and what to do.

Names are loaded when they are first used, so that `import patron` costs little more than pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patron import datasets, kpis, metrics, plots
    from patron._core.errors import ConfigError, DataError, FitError, PatronError, PatronWarning
    from patron.churn import ChurnClassifier
    from patron.config import Config, load_config
    from patron.data import Audit, TransactionLog, audit, read_transactions
    from patron.evaluation import Backtest, attribute_holdout, backtest, contract_backtest
    from patron.features import (
        attribute_frame,
        attributes_like,
        contract_features,
        contract_snapshots,
        features,
        opportunities,
        renewals,
        rfm_counts,
        rfm_summary,
        snapshots,
        split,
        stratified_split,
    )
    from patron.models import (
        NBD,
        BetaDiscreteWeibull,
        BetaGeoBetaBinomial,
        BetaGeoCNBD,
        BetaGeoNBD,
        GammaGamma,
        ModifiedBetaGeoCNBD,
        ModifiedBetaGeoNBD,
        ParetoNBD,
        ShiftedBetaGeometric,
        cohort_table,
        cohort_test,
        goodness_of_fit,
        likelihood_ratio_test,
        load_model,
        vuong_test,
    )
    from patron.pipeline import train
    from patron.recipes.training import training_frame
    from patron.scoring import Scorer
    from patron.value import CustomerValue, ValueBooster

_HOME = {
    "Audit": "patron.data",
    "Backtest": "patron.evaluation",
    "BetaDiscreteWeibull": "patron.models",
    "BetaGeoBetaBinomial": "patron.models",
    "BetaGeoCNBD": "patron.models",
    "BetaGeoNBD": "patron.models",
    "ChurnClassifier": "patron.churn",
    "Config": "patron.config",
    "ConfigError": "patron._core.errors",
    "CustomerValue": "patron.value",
    "DataError": "patron._core.errors",
    "FitError": "patron._core.errors",
    "GammaGamma": "patron.models",
    "ModifiedBetaGeoCNBD": "patron.models",
    "ModifiedBetaGeoNBD": "patron.models",
    "NBD": "patron.models",
    "ParetoNBD": "patron.models",
    "PatronError": "patron._core.errors",
    "PatronWarning": "patron._core.errors",
    "Scorer": "patron.scoring",
    "ShiftedBetaGeometric": "patron.models",
    "TransactionLog": "patron.data",
    "ValueBooster": "patron.value",
    "attribute_frame": "patron.features",
    "attribute_holdout": "patron.evaluation",
    "attributes_like": "patron.features",
    "audit": "patron.data",
    "cohort_table": "patron.models",
    "cohort_test": "patron.models",
    "backtest": "patron.evaluation",
    "contract_backtest": "patron.evaluation",
    "contract_features": "patron.features",
    "contract_snapshots": "patron.features",
    "features": "patron.features",
    "goodness_of_fit": "patron.models",
    "likelihood_ratio_test": "patron.models",
    "load_config": "patron.config",
    "load_model": "patron.models",
    "opportunities": "patron.features",
    "read_transactions": "patron.data",
    "renewals": "patron.features",
    "rfm_counts": "patron.features",
    "rfm_summary": "patron.features",
    "snapshots": "patron.features",
    "split": "patron.features",
    "stratified_split": "patron.features",
    "train": "patron.pipeline",
    "training_frame": "patron.recipes.training",
    "vuong_test": "patron.models",
}
_ROOMS = ("datasets", "kpis", "metrics", "plots")

__version__ = "0.1.0"
__all__ = [  # noqa: RUF022  # grouped by what they are for
    # a log
    "read_transactions", "TransactionLog", "audit", "Audit", "datasets",
    # what the log says of a customer
    "rfm_summary", "rfm_counts", "opportunities", "renewals", "cohort_table", "features", "snapshots", "split",
    "training_frame",
    # contracts, and plain tables of attributes
    "contract_features", "contract_snapshots", "contract_backtest",
    "attribute_frame", "attributes_like", "stratified_split", "attribute_holdout",
    # models
    "BetaGeoNBD", "ModifiedBetaGeoNBD", "ParetoNBD", "NBD", "BetaGeoCNBD", "ModifiedBetaGeoCNBD",
    "BetaGeoBetaBinomial", "ShiftedBetaGeometric", "BetaDiscreteWeibull",
    "GammaGamma", "CustomerValue", "load_model",
    "ChurnClassifier", "ValueBooster",
    # key figures of the base
    "kpis",
    # which is best, and by how much
    "goodness_of_fit", "likelihood_ratio_test", "vuong_test", "cohort_test", "backtest", "Backtest", "metrics", "plots",
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
