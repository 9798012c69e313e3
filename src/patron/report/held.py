"""Was it right? What the ledger found when past scorings were held against what happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from patron.metrics import METRICS
from patron.plots.backtest import METRICS as LABELLED
from patron.report.content import ReportContent

MOST: Final = 12
"""Rows of drift, and of scorings that wait, that the page lists."""
VERDICTS: Final = {
    "keep": "Keep the model",
    "recalibrate": "Recalibrate the model",
    "retrain": "Train it anew",
    "wait": "Too early to say",
}
_TREATMENTS: Final = {"untreated": "not contacted", "control": "control group", "treated": "contacted"}


def held(content: ReportContent) -> dict[str, Any] | None:
    """Return what the page says of the ledger, None where there is none."""
    ledger = content.ledger
    if not ledger:
        return None
    return {
        **ledger,
        "said": VERDICTS[ledger["verdict"]],
        "boards": list(_boards(content)),
        "tenths": ledger["calibration"],
        "drifted": sum(row["drifted"] for row in ledger["drift"]),
        "moved": _moved(ledger["drift"]),
        "next": ledger["waiting"][:MOST],
    }


def _boards(content: ReportContent) -> Iterator[dict[str, Any]]:
    """For each task the metrics of each version: one row those not contacted, the control among them, the contacted."""
    if content.accounts is None:
        return
    whole = content.accounts[content.accounts["by"] == "all"]
    for task in METRICS:
        part = whole[whole["task"] == task]
        if part.empty:
            continue
        metrics = list(dict.fromkeys(part["metric"]))
        rows = []
        for version, treatment in dict.fromkeys(zip(part["version"], part["treatment"], strict=True)):
            some = part[(part["version"] == version) & (part["treatment"] == treatment)]
            cells = {row.metric: row for row in some.itertuples()}
            rows.append(
                {
                    "version": version,
                    "who": _TREATMENTS[treatment],
                    "customers": some["customers"].iloc[0],
                    "judged": treatment == "untreated" and version == content.ledger["version"],
                    "cells": [cells.get(metric) for metric in metrics],
                }
            )
        order = list(_TREATMENTS.values())
        yield {
            "task": task,
            "metrics": [LABELLED[metric] for metric in metrics],
            "rows": sorted(rows, key=lambda row: (-row["version"], order.index(row["who"]))),
        }


def _moved(drift: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns that drifted, then the others, each beside its noise floor: what it differs by anyway."""
    if not drift:
        return []
    table = pd.DataFrame(drift)
    table["floor"] = table[["between_days", "noise"]].max(axis=1)
    first = table.sort_values(["drifted", "psi"], ascending=False, kind="stable").head(MOST)
    rows: list[Any] = first.to_dict("records")
    return rows
