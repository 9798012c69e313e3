"""How fast churn is learned and explained: a million rows of 80 features, reasons of 20,000 customers."""

from __future__ import annotations

import functools
from typing import Final

import lightgbm
import numpy as np
import pandas as pd

from benchmarks.bar import Bar, Result, wall
from patron.churn import ChurnClassifier
from patron.features.catalogue import CATALOGUE

ROWS: Final = 1_000_000
WIDTH: Final = 80
EXPLAINED: Final = 20_000
HORIZON: Final = 28
DAYS: Final = pd.date_range("2023-01-08", periods=10, freq="28D")


@functools.cache
def snapshots() -> tuple[pd.DataFrame, pd.Series]:
    """Ten as-of days; a few columns tell of churn, some hold few values, and a tenth of all values is missing."""
    rng = np.random.default_rng(4)
    names = [*CATALOGUE, *(f"column_{i}" for i in range(WIDTH))][:WIDTH]
    values = rng.standard_normal((ROWS, WIDTH), dtype=np.float32).astype(np.float64)
    values[:, ::4] = np.floor(4 * np.abs(values[:, ::4]))
    margin = values[:, :12] @ rng.normal(0, 0.3, 12) - 0.5 * np.abs(values[:, 12])
    churned = (rng.random(ROWS) < 1 / (1 + np.exp(-margin))).astype(int)
    values[rng.random(values.shape, dtype=np.float32) < 0.1] = np.nan
    customers = np.arange(ROWS) % (ROWS // len(DAYS))
    index = pd.MultiIndex.from_arrays([customers, DAYS.repeat(ROWS // len(DAYS))], names=["customer_id", "as_of"])
    return pd.DataFrame(values, index, names), pd.Series(churned, index)


@functools.cache
def learned() -> tuple[ChurnClassifier, float]:
    X, y = snapshots()
    model = ChurnClassifier(horizon=HORIZON)
    return model, wall(lambda: model.fit(X, y), 1)


def fit() -> Result:
    X, y = snapshots()
    model, seconds = learned()
    once = lightgbm.LGBMClassifier(
        n_estimators=model.n_trees_,
        learning_rate=model.learning_rate,
        num_leaves=model.num_leaves,
        reg_lambda=model.lambda_l2,
        colsample_bytree=model.feature_fraction,
        verbosity=-1,
    )
    theirs = wall(lambda: once.fit(X, y), 1)
    note = f"{model.n_trees_} trees, their number and calibration found out of time; {ROWS:,} rows"
    return Result(seconds, "LightGBM, as many trees, grown once", theirs, "s", 1, note)


def reasons() -> Result:
    X, _ = snapshots()
    model, _ = learned()
    some = X.head(EXPLAINED)
    seconds = wall(lambda: model.reasons(some), 3)
    theirs = wall(lambda: model.predict_proba(some), 3)
    return Result(seconds, "their probabilities alone", theirs, "s", 3, f"{EXPLAINED:,} customers, {WIDTH} features")


BARS = [
    Bar("training", "s, a churn classifier on a million rows of 80 features", 300, "low", fit),
    Bar("reasons", "s, reasons of 20,000 customers", 30, "low", reasons),
]
