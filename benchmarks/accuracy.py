"""How right, out of time, against the transaction models.

CDNOW: the last day, against the model chosen on the earlier ones. Complete Journey: the mean over its days.
"""

from __future__ import annotations

import functools

import pandas as pd

import patron
from benchmarks.bar import Bar, Result
from patron.models import TRANSACTION_MODELS

DAYS = ["1998-02-03", "1998-03-03", "1998-03-31"]
TRANSACTION = list(TRANSACTION_MODELS)


@functools.cache
def table(task: str) -> pd.DataFrame:
    recipes = ["stack", *TRANSACTION] if task == "churn" else ["blend", "lightgbm", *TRANSACTION]
    result = patron.backtest(
        patron.datasets.load_cdnow(), task=task, horizon="91 days", as_of=DAYS, recipes=recipes, unit="week"
    )
    everyone = result.table[result.table["population"] == "all"]
    return everyone.pivot_table(index=["as_of", "recipe"], columns="metric", values="value")


def against(task: str, recipe: str, metric: str, chosen_by: str) -> tuple[float, float, str]:
    """Return the recipe's and the peer's metric on the last day; the peer was the best transaction model before it."""
    figures = table(task)
    days = sorted(figures.index.get_level_values("as_of").unique())
    earlier = figures.loc[days[:-1], chosen_by].groupby("recipe").mean()
    peer = str(earlier[TRANSACTION].idxmin())
    return figures.loc[(days[-1], recipe), metric], figures.loc[(days[-1], peer), metric], peer


def churn_brier() -> Result:
    ours, theirs, peer = against("churn", "stack", "brier", "brier")
    return Result(ours / theirs, peer, theirs, "Brier", 1, f"stack {ours:.5f}")


def churn_auc() -> Result:
    ours, theirs, peer = against("churn", "stack", "auc", "brier")
    return Result(ours - theirs, peer, theirs, "AUC", 1, f"stack {ours:.4f}; the value is a difference")


def value_rmse() -> Result:
    ours, theirs, peer = against("value", "blend", "rmse", "rmse")
    return Result(ours / theirs, f"{peer} x Gamma-Gamma", theirs, "RMSE", 1, f"blend {ours:.4f}")


@functools.cache
def journey() -> pd.Series:
    """Mean Brier score by recipe over the days, all households."""
    result = patron.backtest(
        patron.datasets.load_complete_journey(),
        task="churn",
        horizon="28 days",
        as_of=["2017-10-08", "2017-11-05", "2017-12-03"],
        recipes=["stack", "pareto_nbd"],
        unit="week",
    )
    brier = result.table.query("population == 'all' and metric == 'brier'")
    return brier.groupby("recipe")["value"].mean()


def journey_brier() -> Result:
    ours, theirs = journey()["stack"], journey()["pareto_nbd"]
    return Result(ours / theirs, "pareto_nbd", theirs, "Brier, mean of three days", 1, f"stack {ours:.5f}")


BARS = [
    Bar(
        "cdnow-churn-brier",
        "of the Brier score of the transaction model, CDNOW churn 91 days, stack",
        1.0,
        "low",
        churn_brier,
    ),
    Bar("cdnow-churn-auc", "more AUC than the transaction model, CDNOW churn 91 days, stack", 0.0, "high", churn_auc),
    Bar("cdnow-value-rmse", "of the RMSE of the transaction model, CDNOW spend 91 days, blend", 1.0, "low", value_rmse),
    Bar(
        "journey-churn-brier",
        "of the mean Brier score of Pareto/NBD, Complete Journey churn 28 days, stack",
        0.97,
        "low",
        journey_brier,
    ),
]
