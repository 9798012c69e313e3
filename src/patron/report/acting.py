"""Customers to act on: those with most at stake, with reasons and what is recommended, as rows of one table."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

import pandas as pd

LISTED: Final = 500
"""How many customers the page lists."""


def acting(customers: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the first rows of `ReportContent.customers`, those with most at stake, each with its `reasons`."""
    given = [column for column in customers.columns if column.startswith("reason_")]
    rows = customers.head(LISTED).to_dict("records")
    for row in rows:
        row["reasons"] = [row[column] for column in given if isinstance(row[column], str) and row[column]]
    return rows
