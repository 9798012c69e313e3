"""How far to trust the predictions: what the backtests of each task found, and what explains its champion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from patron import plots
from patron.metrics import METRICS
from patron.models import TRANSACTION_MODELS
from patron.plots.backtest import MONEY, ranked
from patron.plots.tracking import tracking
from patron.report.content import ReportContent
from patron.report.explained import errors, explaining, families, remark
from patron.report.picture import picture


def trust(content: ReportContent) -> list[dict[str, Any]]:
    """Return what the page says of each task that was backtested."""
    return [_trust(content, task) for task in METRICS if content.task_rows(task) is not None]


def _trust(content: ReportContent, task: str) -> dict[str, Any]:
    rows = content.task_rows(task)
    assert rows is not None
    days = sorted(pd.to_datetime(rows["as_of"]).unique())
    today = rows[pd.to_datetime(rows["as_of"]) == days[-1]]
    champion = content.champions.get(task)
    metrics = [name for name in METRICS[task] if (today["metric"] == name).any()]
    return {
        "task": task,
        "champion": champion,
        "verdict": content.verdicts.get(task, ""),
        "report_day": days[-1],
        "selection_days": days[:-1],
        "metrics": [(METRICS[task][name], content.currency if name in MONEY else "") for name in metrics],
        "boards": [
            {
                "population": population,
                "customers": int(part["n"].max()),
                "rows": _board(part, metrics, champion, content.metrics.get(task)),
            }
            for population, part in today.groupby("population", sort=False)
        ],
        "totals": _totals(content, task),
        "figures": list(_pictures(content, task, today)),
        "remark": remark(content) if task == "churn" else "",
        "families": families(content, task),
        "errors": errors(content, task),
        "explaining": list(explaining(content, task)),
    }


def _board(part: pd.DataFrame, metrics: list[str], champion: str | None, by: str | None) -> list[dict[str, Any]]:
    """One row a recipe, the best by the metric `by` first."""
    cells = {(row.recipe, row.metric): row for row in part.itertuples()}
    recipes = dict.fromkeys(part["recipe"])
    if by in metrics:
        recipes = dict.fromkeys(ranked(part, by, part["population"].iloc[0])["recipe"]) | recipes
    return [
        {
            "recipe": recipe,
            "champion": recipe == champion,
            "cells": [cells.get((recipe, metric)) for metric in metrics],
        }
        for recipe in recipes
    ]


def _pictures(content: ReportContent, task: str, today: pd.DataFrame) -> Iterator[dict[str, str]]:
    metric, champion = content.metrics.get(task), content.champions.get(task)
    if metric is not None and (today["metric"] == metric).any():
        yield picture(
            plots.plot_leaderboard(today, metric, champion=champion, currency=content.currency),
            f"The recipes for {task} by {metric}, each with its interval; the table gives the figures.",
            "Lines are 95\u202f% intervals; recipes whose lines overlap widely may differ by chance.",
        )
    past = content.task_predictions(task)
    if past is None:
        return
    yield picture(
        plots.plot_tracking(past, task, champion=champion, rival=_rival(past, champion)),  # type: ignore[arg-type]
        "Total predicted on each past day over the total that came; the table of totals gives the figures.",
        "The nearer to 1, the more a total can be trusted, whoever the customers are.",
    )
    own = past[past["recipe"] == champion]
    if own.empty:
        return
    last = own[own["as_of"] == own["as_of"].max()]
    if task == "churn":
        yield picture(
            plots.plot_calibration(last["actual"], last["prediction"]),
            "Share of customers that left against the predicted probability, in ten bins; the diagonal is perfect.",
            "Points on the diagonal: of those given 70\u202f%, 70\u202f% left. Bars count the customers.",
        )
        yield picture(
            plots.plot_calibration_by_day(own),
            "The same curve for each past day of the backtest; the diagonal is perfect.",
            "Curves that lie together: the risk means the same on every day. Of the last five days, bins of five "
            "customers and more; lines are 95\u202f% intervals of the latest.",
        )
        yield picture(
            plots.plot_lift(last["actual"], last["prediction"]),
            "Share of all leavers reached when the riskiest customers are called first.",
            "The further above the diagonal, the fewer calls are wasted.",
        )
        yield picture(
            plots.plot_lift_by_day(own),
            "The same curve for each past day of the backtest; the diagonal is calling at random.",
            "Curves that lie together: it finds them as well on every day.",
        )
    else:
        yield picture(
            plots.plot_decile_values(last["actual"], last["prediction"], currency=content.currency),
            "Mean predicted and actual spend of ten groups of customers, ordered by prediction.",
            "Bars of equal height: the money predicted for a group is the money that came.",
        )


def _rival(past: pd.DataFrame, champion: str | None) -> str | None:
    """Return the transaction model beside which the champion is drawn: the first in the order of the recipes."""
    return next(
        (name for name in dict.fromkeys(past["recipe"]) if name in TRANSACTION_MODELS and name != champion), None
    )


def _totals(content: ReportContent, task: str) -> dict[str, Any] | None:
    """Return what came on each past day and, a row a recipe, what was predicted and by how much it was off."""
    past = content.task_predictions(task)
    if past is None:
        return None
    table = tracking(past)
    came = table.pop("actual")
    return {
        "days": [day.date() for day in table.index],
        "came": list(came),
        "rows": [
            {
                "recipe": recipe,
                "cells": [
                    (total, total / actual - 1 if actual else float("nan"))
                    for total, actual in zip(table[recipe], came, strict=True)
                ],
            }
            for recipe in table.columns
        ],
    }
