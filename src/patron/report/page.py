"""The page: content in, one self-contained HTML text out; nothing is fetched, nothing is run."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import jinja2
import pandas as pd

from patron import plots
from patron._core.files import write_text
from patron.plots.backtest import BETTER
from patron.report import numbers
from patron.report.contacts import contacts
from patron.report.content import ReportContent
from patron.report.held import held
from patron.report.picture import picture
from patron.report.segments import segments
from patron.report.trust import trust

TOP: Final = 25
"""How many customers the page lists."""


def render(content: ReportContent) -> str:
    """Draw the report as one HTML page.

    The page needs no network and no script, and the same content gives the same text. Every value
    is escaped.

    Parameters
    ----------
    content : ReportContent
        What to show.

    Returns
    -------
    str

    Raises
    ------
    DataError
        The score table is empty or lacks a column.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["<b>7</b>"], "churn_probability": [0.7], "churn_band": ["high"],
    ...                        "expected_revenue": [12.5]})
    >>> page = render(ReportContent(name="shop", as_of="1998-06-30", model_version="1", currency="USD",
    ...                             churn_horizon="91 days", value_horizon="12 months", scores=scores))
    >>> page.startswith("<!doctype html>"), "<b>7</b>" in page, "&lt;b&gt;7&lt;/b&gt;" in page
    (True, False, True)
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("patron.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": numbers.count,
        "percent": numbers.percent,
        "change": numbers.change,
        "plain": numbers.plain,
        "money": partial(numbers.money, currency=content.currency),
        "total": partial(numbers.total, currency=content.currency),
        "figure": numbers.figure,
    }
    customers = content.customers()
    return environment.get_template("template.html").render(
        content=content,
        headline=_headline(content, customers),
        bands=list(_bands(content, customers)),
        top=_top(customers),
        columns=set(customers.columns),
        better=BETTER,
        pictures=_pictures(content, customers),
        segments=segments(content, customers),
        contacts=contacts(content),
        held=held(content),
        trust=trust(content),
    )


def write_report(path: Path | str, content: ReportContent) -> Path:
    """Write the report to `path`, atomically; returns the path.

    Parameters
    ----------
    path : path
        The HTML file; its folder is made if need be.
    content : ReportContent
        What to show.

    Returns
    -------
    pathlib.Path
    """
    target = Path(path)
    write_text(target, render(content))
    return target


def _headline(content: ReportContent, customers: pd.DataFrame) -> dict[str, Any]:
    high = customers[customers["churn_band"] == next(iter(content.bands))]
    return {
        "customers": len(customers),
        "revenue": customers["expected_revenue"].sum(),
        "clv": customers["clv"].sum() if "clv" in customers else None,
        "band": next(iter(content.bands)),
        "cut": next(iter(content.bands.values())),
        "high": len(high),
        "high_share": len(high) / len(customers),
        "high_revenue": high["expected_revenue"].sum(),
    }


def _bands(content: ReportContent, customers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    upper = 1.0
    for name, lower in [*content.bands.items(), ("low", 0.0)]:
        inside = customers[customers["churn_band"] == name]
        yield {
            "name": name,
            "from": lower,
            "to": upper,
            "customers": len(inside),
            "share": len(inside) / len(customers),
            "risk": inside["churn_probability"].mean(),
            "revenue": inside["expected_revenue"].sum(),
            "clv": inside["clv"].sum() if "clv" in inside else None,
            "at_stake": inside["at_stake"].sum(),
        }
        upper = lower


def _top(customers: pd.DataFrame) -> list[dict[Hashable, Any]]:
    first = customers.sort_values(["at_stake", "customer_id"], ascending=[False, True], kind="stable").head(TOP)
    given = [column for column in customers.columns if column.startswith("reason_")]
    rows = first.to_dict("records")
    for row in rows:
        row["reasons"] = [row[column] for column in given if isinstance(row[column], str) and row[column]]
    return rows


def _pictures(content: ReportContent, customers: pd.DataFrame) -> list[dict[str, str]]:
    return [
        picture(
            plots.plot_risk_by_value(customers, bands=content.bands, currency=content.currency),
            "Map of the customers by churn probability and expected revenue; the table of bands gives the counts.",
            "The darker a cell, the more customers. Those at the upper right are worth much and likely to leave.",
        ),
        picture(
            plots.plot_value_concentration(customers["expected_revenue"].clip(lower=0)),
            "Curve of the share of expected revenue held by the most valuable customers; its marks give the figures.",
            "The further the curve bends from the diagonal, the fewer customers hold the value.",
        ),
    ]
