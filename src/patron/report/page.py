"""The page: content in, one self-contained HTML text out; nothing is fetched, nothing is run."""

from __future__ import annotations

import base64
import importlib.resources
from collections.abc import Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import jinja2
import pandas as pd
from matplotlib.axes import Axes

from patron import plots
from patron._core.files import write_text
from patron.metrics import METRICS
from patron.models import TRANSACTION_MODELS
from patron.plots.backtest import BETTER, MONEY, ranked
from patron.plots.style import figure_of
from patron.plots.tracking import tracking
from patron.report import numbers
from patron.report.content import ReportContent

TOP = 25
"""How many customers the page lists."""
DOTS: Final = 150
"""Dots per inch of a picture, which a page shows at 96 or a little more."""


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
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
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
    template = environment.from_string(
        importlib.resources.files("patron.report").joinpath("template.html").read_text(encoding="utf-8")
    )
    customers = content.customers()
    return template.render(
        content=content,
        headline=_headline(content, customers),
        bands=list(_bands(content, customers)),
        top=_top(customers),
        columns=set(customers.columns),
        better=BETTER,
        base_figures=_base_figures(content, customers),
        trust=[_trust(content, task) for task in METRICS if content.task_rows(task) is not None],
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


def _figure(ax: Axes, alt: str, caption: str) -> dict[str, str]:
    picture = base64.b64encode(plots.to_png(ax, dpi=DOTS)).decode()
    width, height = (round(96 * inches) for inches in figure_of(ax).get_size_inches())
    return {"src": f"data:image/png;base64,{picture}", "alt": alt, "caption": caption, "width": width, "height": height}


def _base_figures(content: ReportContent, customers: pd.DataFrame) -> list[dict[str, str]]:
    return [
        _figure(
            plots.plot_risk_by_value(customers, bands=content.bands, currency=content.currency),
            "Map of the customers by churn probability and expected revenue; the table of bands gives the counts.",
            "The darker a cell, the more customers. Those at the upper right are worth much and likely to leave.",
        ),
        _figure(
            plots.plot_value_concentration(customers["expected_revenue"].clip(lower=0)),
            "Curve of the share of expected revenue held by the most valuable customers; its marks give the figures.",
            "The further the curve bends from the diagonal, the fewer customers hold the value.",
        ),
    ]


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
        "figures": list(_trust_figures(content, task, today)),
        "remark": _remark(content) if task == "churn" else "",
        "families": _families(content, task),
        "errors": _errors(content, task),
        "explaining": [*_moves(content, task), *_off(content, task)],
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


def _trust_figures(content: ReportContent, task: str, today: pd.DataFrame) -> Iterator[dict[str, str]]:
    metric, champion = content.metrics.get(task), content.champions.get(task)
    if metric is not None and (today["metric"] == metric).any():
        yield _figure(
            plots.plot_leaderboard(today, metric, champion=champion, currency=content.currency),
            f"The recipes for {task} by {metric}, each with its interval; the table gives the figures.",
            "Lines are 95\u202f% intervals; recipes whose lines overlap widely may differ by chance.",
        )
    past = content.task_predictions(task)
    if past is None:
        return
    yield _figure(
        plots.plot_tracking(past, task, champion=champion, rival=_rival(past, champion)),  # type: ignore[arg-type]
        "Total predicted on each past day over the total that came; the table of totals gives the figures.",
        "The nearer to 1, the more a total can be trusted, whoever the customers are.",
    )
    own = past[past["recipe"] == champion]
    if own.empty:
        return
    last = own[own["as_of"] == own["as_of"].max()]
    if task == "churn":
        yield _figure(
            plots.plot_calibration(last["actual"], last["prediction"]),
            "Share of customers that left against the predicted probability, in ten bins; the diagonal is perfect.",
            "Points on the diagonal: of those given 70\u202f%, 70\u202f% left. Bars count the customers.",
        )
        yield _figure(
            plots.plot_calibration_by_day(own),
            "The same curve for each past day of the backtest; the diagonal is perfect.",
            "Curves that lie together: the risk means the same on every day. Of the last five days, bins of five "
            "customers and more; lines are 95\u202f% intervals of the latest.",
        )
        yield _figure(
            plots.plot_lift(last["actual"], last["prediction"]),
            "Share of all leavers reached when the riskiest customers are called first.",
            "The further above the diagonal, the fewer calls are wasted.",
        )
        yield _figure(
            plots.plot_lift_by_day(own),
            "The same curve for each past day of the backtest; the diagonal is calling at random.",
            "Curves that lie together: it finds them as well on every day.",
        )
    else:
        yield _figure(
            plots.plot_decile_values(last["actual"], last["prediction"], currency=content.currency),
            "Mean predicted and actual spend of ten groups of customers, ordered by prediction.",
            "Bars of equal height: the money predicted for a group is the money that came.",
        )


def _remark(content: ReportContent) -> str:
    """Say so where the horizon is far from the one that the customers' own gaps suggest."""
    found = content.explained.get("horizon")
    if found is None or found.empty or not found["far"].iloc[0]:
        return ""
    row = found.iloc[0]
    return (
        f"Churn is asked about over {row['configured']} days, where the rhythm of these customers suggests "
        f"{row['suggested']}. {row['reason']}"
    )


def _families(content: ReportContent, task: str) -> dict[str, Any] | None:
    """Return the metric that shuffling worsens and, a row a family, by how much."""
    table, metric = content.task_explained("importance", task), content.metrics.get(task)
    if table is None or metric not in METRICS[task]:
        return None
    rows = table[(table["level"] == "family") & table["increase"].notna()]
    rows = rows.assign(share=rows["increase"] / rows["loss"].abs())
    told = METRICS[task][metric].label
    return {"metric": f"{told} ({content.currency})" if metric in MONEY else told, "rows": rows.to_dict("records")}


def _moves(content: ReportContent, task: str) -> Iterator[dict[str, str]]:
    found = _families(content, task)
    if found is None or not found["rows"]:
        return
    yield _figure(
        plots.plot_importance(pd.DataFrame(found["rows"]), content.metrics[task], currency=content.currency),
        "How much worse the champion gets where a family of features is shuffled; the table gives the figures.",
        "The longer a bar, the more the champion needs what it stands for; families that tell the same story stand in "
        "for one another. Left of 0 it would have done as well without.",
    )
    dependence = content.task_explained("dependence", task)
    if dependence is None:
        return
    for _, table in dependence.groupby("feature", sort=False):
        yield _figure(
            plots.plot_partial_dependence(table, task, currency=content.currency),  # type: ignore[arg-type]
            "Mean prediction of the same customers by the value of one feature, with the band most customers move in.",
            "What would be predicted, had all customers this value and everything else as it is.",
        )


def _errors(content: ReportContent, task: str) -> dict[str, pd.DataFrame]:
    """Return the report day's errors by cohort and by tenth."""
    table = content.task_explained("errors", task)
    if table is None:
        return {}
    last = table[table["as_of"] == table["as_of"].max()]
    return {str(by): rows for by, rows in last.groupby("by", sort=False)}


def _off(content: ReportContent, task: str) -> Iterator[dict[str, str]]:
    for by, rows in _errors(content, task).items():
        if by == "tenth" and task == "value":
            continue  # the picture of tenths tells it
        yield _figure(
            plots.plot_errors(rows, by, task),  # type: ignore[arg-type]
            "Total predicted over total that came for each group of customers; the table gives the figures.",
            "At 1 what was predicted came; lines are 95\u202f% intervals.",
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
