"""Segments and movement: who the customers are, how risk meets value, who moved since an earlier scoring."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from patron.decisions.movement import GONE, NEWCOMER, movement_words
from patron.decisions.segments import VALUE_BANDS
from patron.report.content import ReportContent

NEEDED: Final = {"segment", "value_band", "recommended_action", "clv"}
"""The columns of the score table that say who the customers are."""


def segments(content: ReportContent, customers: pd.DataFrame) -> dict[str, Any] | None:
    """Return the segments, the grid of value by risk and the movement; None where there is none of these."""
    told: dict[str, Any] = {"moves": _moves(content), "segments": [], "grid": []}
    if set(customers.columns) >= NEEDED:
        told |= {"segments": _segments(customers), "grid": _grid(customers, _risks(content))}
    return told | {"risks": _risks(content)} if told["segments"] or told["moves"] else None


def _risks(content: ReportContent) -> list[str]:
    """Return the churn bands, the highest first."""
    return [*content.bands, "low"]


def _segments(customers: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a segment, the one that holds the most value first."""
    whole = customers["clv"].sum()
    rows = [
        {
            "name": name,
            "customers": len(inside),
            "share": len(inside) / len(customers),
            "clv": inside["clv"].sum(),
            "clv_share": inside["clv"].sum() / whole if whole else float("nan"),
            "risk": inside["churn_probability"].mean(),
        }
        for name, inside in customers.groupby("segment")
    ]
    return sorted(rows, key=lambda row: -row["clv"])


def _grid(customers: pd.DataFrame, risks: list[str]) -> list[dict[str, Any]]:
    """One row a value band, the highest first; in it one cell a churn band: customers, clv and what they call for."""
    cells = dict(iter(customers.groupby(["value_band", "churn_band"])))
    nobody = customers.iloc[:0]
    rows = []
    for value in (*VALUE_BANDS, "low"):
        inside = [cells.get((value, risk), nobody) for risk in risks]
        told = [
            {"customers": len(some), "clv": some["clv"].sum(), "action": next(iter(some["recommended_action"]), "")}
            for some in inside
        ]
        rows.append({"name": value, "cells": told})
    return rows


def _moves(content: ReportContent) -> dict[str, Any] | None:
    """Say who moved between churn bands: those whose risk rose first, then by what they are worth."""
    moves = content.movement
    if moves is None or moves.empty:
        return None
    order = [NEWCOMER, *_risks(content)[::-1], GONE]
    between = moves[(moves["of"] == "churn_band") & (moves["before"] != moves["after"])]
    rows: list[Any] = between.to_dict("records")
    for row in rows:
        ends = (row["before"], row["after"])
        row["how"] = "new" if NEWCOMER in ends else "gone" if GONE in ends else _turn(*map(order.index, ends))
        row["worth"] = max(row["clv_before"], row["clv_after"])
    turns = ["rises", "falls", "new", "gone"]
    return {
        "since": content.moved_since,
        "words": movement_words(moves, content.currency),
        "rows": sorted(rows, key=lambda row: (turns.index(row["how"]), -row["worth"])),
    }


def _turn(before: int, after: int) -> str:
    return "rises" if after > before else "falls"
