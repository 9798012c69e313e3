"""What is known of a customer as of a day: the RFM summary, the feature catalogue, snapshots and their labels.

The room bears the name of its main function, so it can be called: ``patron.features(log, as_of, unit=, grain=,
which=)``. The catalogue loads without an engine, because a scorer needs its words alone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd

from patron._core.calendar import Day, Grain, Unit
from patron.features.catalogue import CATALOGUE, CORE, LABELS, Which, features_of
from patron.features.feature import Feature

if TYPE_CHECKING:
    from patron.data.log import TransactionLog
    from patron.features.attributes import attribute_frame, attributes_like
    from patron.features.contracts import renewals
    from patron.features.holdout import stratified_split
    from patron.features.occasions import opportunities
    from patron.features.purchases import unmatched_refunds
    from patron.features.rfm import rfm_counts, rfm_summary
    from patron.features.snapshot import features, snapshots, split
    from patron.features.subscribers import contract_features, contract_snapshots

__all__ = [
    "CATALOGUE",
    "CORE",
    "LABELS",
    "Feature",
    "Which",
    "attribute_frame",
    "attributes_like",
    "contract_features",
    "contract_snapshots",
    "features",
    "features_of",
    "opportunities",
    "renewals",
    "rfm_counts",
    "rfm_summary",
    "snapshots",
    "split",
    "stratified_split",
    "unmatched_refunds",
]
_HOME = {
    "attribute_frame": "attributes",
    "attributes_like": "attributes",
    "contract_features": "subscribers",
    "contract_snapshots": "subscribers",
    "features": "snapshot",
    "opportunities": "occasions",
    "renewals": "contracts",
    "rfm_counts": "rfm",
    "rfm_summary": "rfm",
    "snapshots": "snapshot",
    "split": "snapshot",
    "stratified_split": "holdout",
    "unmatched_refunds": "purchases",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


class _Room(ModuleType):
    def __call__(
        self,
        log: TransactionLog,
        as_of: Day | Iterable[Day],
        *,
        unit: Unit = "day",
        grain: Grain = "day",
        which: Which = "all",
    ) -> pd.DataFrame:
        found: pd.DataFrame = __getattr__("features")(log, as_of, unit=unit, grain=grain, which=which)
        return found


sys.modules[__name__].__class__ = _Room
