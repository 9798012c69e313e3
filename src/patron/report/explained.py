"""What explains the champions: what moves their predictions, and for whom they are off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from patron import plots
from patron.metrics import METRICS
from patron.plots.backtest import MONEY
from patron.report.content import ReportContent
from patron.report.picture import picture


def remark(content: ReportContent) -> str:
    """Say so where the horizon is far from the one that the customers' own gaps suggest."""
    found = content.explained.get("horizon")
    if found is None or found.empty or not found["far"].iloc[0]:
        return ""
    row = found.iloc[0]
    return (
        f"Churn is asked about over {row['configured']} days, where the rhythm of these customers suggests "
        f"{row['suggested']}. {row['reason']}"
    )


def families(content: ReportContent, task: str) -> dict[str, Any] | None:
    """Return the metric that shuffling worsens and, a row a family, by how much."""
    table, metric = content.task_explained("importance", task), content.metrics.get(task)
    if table is None or metric not in METRICS[task]:
        return None
    rows = table[(table["level"] == "family") & table["increase"].notna()]
    rows = rows.assign(share=rows["increase"] / rows["loss"].abs())
    told = METRICS[task][metric].label
    return {"metric": f"{told} ({content.currency})" if metric in MONEY else told, "rows": rows.to_dict("records")}


def errors(content: ReportContent, task: str) -> dict[str, pd.DataFrame]:
    """Return the report day's errors by cohort and by tenth."""
    table = content.task_explained("errors", task)
    if table is None:
        return {}
    last = table[table["as_of"] == table["as_of"].max()]
    return {str(by): rows for by, rows in last.groupby("by", sort=False)}


def explaining(content: ReportContent, task: str) -> Iterator[dict[str, str]]:
    """Draw what moves a task's predictions, and for whom they are off."""
    yield from _moves(content, task)
    yield from _off(content, task)


def _moves(content: ReportContent, task: str) -> Iterator[dict[str, str]]:
    found = families(content, task)
    if found is None or not found["rows"]:
        return
    yield picture(
        plots.plot_importance(pd.DataFrame(found["rows"]), content.metrics[task], currency=content.currency),
        "How much worse the champion gets where a family of features is shuffled; the table gives the figures.",
        "The longer a bar, the more the champion needs what it stands for; families that tell the same story stand in "
        "for one another. Left of 0 it would have done as well without.",
    )
    dependence = content.task_explained("dependence", task)
    if dependence is None:
        return
    for _, table in dependence.groupby("feature", sort=False):
        yield picture(
            plots.plot_partial_dependence(table, task, currency=content.currency),  # type: ignore[arg-type]
            "Mean prediction of the same customers by the value of one feature, with the band most customers move in.",
            "What would be predicted, had all customers this value and everything else as it is.",
        )


def _off(content: ReportContent, task: str) -> Iterator[dict[str, str]]:
    for by, rows in errors(content, task).items():
        if by == "tenth" and task == "value":
            continue  # the picture of tenths tells it
        yield picture(
            plots.plot_errors(rows, by, task),  # type: ignore[arg-type]
            "Total predicted over total that came for each group of customers; the table gives the figures.",
            "At 1 what was predicted came; lines are 95\u202f% intervals.",
        )
