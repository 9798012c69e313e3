"""The page: content in, one self-contained HTML text out; nothing is fetched."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jinja2

from patron._core.files import write_text
from patron.plots.backtest import BETTER
from patron.report import numbers
from patron.report.acting import acting
from patron.report.contacts import contacts
from patron.report.content import ReportContent
from patron.report.headline import headline
from patron.report.held import held
from patron.report.leaving import bands, cells, concentration, risk_map, steps
from patron.report.measured import measured
from patron.report.scripts import as_json, policy, scripts
from patron.report.segments import segments
from patron.report.trust import trust


def render(content: ReportContent) -> str:
    """Draw the report as one HTML page.

    The page needs no network, can be read without script, and the same content gives the same text. Every value
    is escaped, and a policy inside the page lets it run nothing but its own scripts.

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
    >>> import pandas as pd
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
    rows = steps(customers["expected_revenue"])
    customers = customers.assign(cell=cells(customers, rows))
    charts = measured(content)
    map_of_risk = risk_map(content, customers, rows)
    return environment.get_template("template.html").render(
        content=content,
        policy=policy(),
        scripts=scripts(),
        drawn=as_json([chart.drawn for chart in (*charts, map_of_risk)]),
        headline=headline(content, customers),
        measured=charts,
        acquisition=content.kpis.get("acquisition"),
        bands=list(bands(content, customers)),
        risk_map=map_of_risk,
        concentration=concentration(customers),
        acting=acting(customers),
        segment_names=sorted(customers["segment"].unique()) if "segment" in customers else [],
        columns=set(customers.columns),
        better=BETTER,
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
