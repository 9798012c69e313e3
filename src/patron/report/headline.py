"""The headline: what the base is worth, how sure that is, and how it changed since an earlier scoring."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from patron.report.content import ReportContent


def headline(content: ReportContent, customers: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of the cards; an interval or a change that is not known is None."""
    band, cut = next(iter(content.bands.items()))
    high = customers[customers["churn_band"] == band]
    return {
        "customers": len(customers),
        "revenue": _worth(content, "revenue", customers["expected_revenue"]),
        "clv": _worth(content, "clv", customers["clv"]) if "clv" in customers else None,
        "earlier": content.base.get("earlier"),
        "band": band,
        "cut": cut,
        "high": len(high),
        "high_share": len(high) / len(customers),
        "high_revenue": high["expected_revenue"].sum(),
    }


def _worth(content: ReportContent, name: str, values: pd.Series) -> dict[str, Any]:
    """Return a total, its predictive interval, and what it was at the earlier scoring and by how much it changed."""
    total = float(values.sum())
    told = content.base.get(name, {})
    before = content.base.get("earlier", {}).get(name)
    return {
        "total": total,
        "interval": (told["low"], told["high"]) if {"low", "high"} <= set(told) else None,
        "before": before,
        "change": (total / before - 1 if before > 0 else math.nan) if before is not None else None,
    }
