"""What training tells of its champions, in small tables and pictures: what they lean on, for whom they are off."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from patron import plots
from patron._core.errors import DataError
from patron._core.progress import step
from patron.evaluation import (
    Backtest,
    cohorts,
    errors,
    families,
    first_purchases,
    partial_dependence,
    permutation_importance,
    suggest_horizon,
    tenths,
)
from patron.evaluation.explain import HISTORY
from patron.metrics import METRICS, Metric
from patron.plots.churn import calibration_bins, gains
from patron.recipes.protocol import LABEL_OF, Fitted, Recipe, Task, TrainingData
from patron.recipes.training import Timeline

MOST_ROWS: Final = 3_000
"""Held-out rows that are shuffled: more of them cost time and change no order that matters."""
MOST_FAMILIES: Final = 3
"""Families whose features are also shuffled one by one."""
FEATURES: Final = 3
"""Features whose partial dependence is told."""
CALLED: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of customers called, for the table of lift."""

_COLUMNS: Final = {
    "importance": ["task", "level", "name", "increase", "spread", "loss", "note"],
    "dependence": ["task", "feature", "value", "prediction", "low", "high"],
    "errors": ["task", "by", "as_of", "group", "n", "predicted", "actual", "bias", "low", "high", "mae", "rmse"],
    "calibration": ["as_of", "low_edge", "predicted", "actual", "low", "high", "customers"],
    "lift": ["as_of", "called", "found"],
    "horizon": ["configured", "suggested", "far", "reason"],
}

Tables = dict[str, pd.DataFrame]
"""By name; none holds a customer."""


@dataclass
class Kept:
    """A recipe that keeps its latest fit, so that what was judged on the report day can be asked again."""

    recipe: Recipe
    fitted: Fitted | None = None

    @property
    def name(self) -> str:
        """The recipe's."""
        return self.recipe.name

    @property
    def task(self) -> Task:
        """The recipe's."""
        return self.recipe.task

    def fit(self, data: TrainingData) -> Fitted:
        """Fit the recipe, and keep what comes of it."""
        self.fitted = self.recipe.fit(data)
        return self.fitted

    def load(self, folder: Any) -> Fitted:
        """Read back a fitted one."""
        return self.recipe.load(folder)


def explain(
    results: Mapping[Task, Backtest],
    champions: Mapping[Task, Kept],
    lines: Mapping[int, Timeline],
    metrics: Mapping[Task, str],
) -> Tables:
    """Tell what the champions of the backtests lean on, and where they err.

    Parameters
    ----------
    results : mapping
        The backtest of each task.
    champions : mapping
        The recipe chosen for each task, as it was fitted on the report day of that backtest.
    lines : mapping
        The timeline of each horizon.
    metrics : mapping
        The metric whose worsening counts, a task.

    Returns
    -------
    dict of str to DataFrame
        - importance: task, level ('family' or 'feature'), name, increase, spread, loss, note;
        - dependence: task, feature, value, prediction, low, high;
        - errors: task, by ('cohort', or 'tenth' of predicted value), as_of, group, n, predicted, actual, bias, low,
          high, mae, rmse;
        - calibration: of churn, as_of, low_edge, predicted, actual, low, high, customers;
        - lift: of churn, as_of, called, found (shares);
        - horizon: configured and suggested days, far (one is more than twice the other), reason; no row where gaps
          between purchases tell none.
    """
    past = {
        task: result.predictions[result.predictions["recipe"] == champions[task].name]
        for task, result in results.items()
    }

    def told(task: Task) -> dict[str, list[pd.DataFrame]]:
        line, fitted = lines[results[task].horizon], champions[task].fitted
        assert fitted is not None  # the backtest fitted it, on the report day last
        rows, came = _held_out(line, results[task])
        importance = _importance(fitted, rows, came, METRICS[task][metrics[task]])
        frames = {
            "importance": importance,
            "dependence": [partial_dependence(fitted, rows, name) for name in _leading(importance)],
            "errors": _errors(past[task], past["value"], line),
        }
        return {name: [frame.assign(task=task) for frame in some] for name, some in frames.items()}

    with step("explaining the champions"), ThreadPoolExecutor() as pool:
        parts = list(pool.map(told, results))
    found = {name: [frame for part in parts for frame in part[name]] for name in ("importance", "dependence", "errors")}
    days = list(past["churn"].groupby("as_of"))
    found["calibration"] = [calibration_bins(one["actual"], one["prediction"]).assign(as_of=day) for day, one in days]
    found["lift"] = [_lift(one).assign(as_of=day) for day, one in days]
    found["horizon"] = _horizon(lines[results["churn"].horizon])
    return {
        name: pd.concat(found[name], ignore_index=True)[columns] if found[name] else pd.DataFrame(columns=columns)
        for name, columns in _COLUMNS.items()
    }


def pictures(tables: Tables, metrics: Mapping[Task, str], currency: str) -> dict[str, Any]:
    """Draw the tables of `explain`: figures by file name."""
    drawn = {}
    for task, metric in metrics.items():
        told = {name: table[table["task"] == task] for name, table in tables.items() if "task" in table}
        importance = told["importance"]
        whole = importance[(importance["level"] == "family") & importance["increase"].notna()]
        if len(whole):
            drawn[f"importance_{task}"] = plots.plot_importance(whole, metric, currency=currency)
        for place, (_, table) in enumerate(told["dependence"].groupby("feature", sort=False), 1):
            drawn[f"dependence_{task}_{place}"] = plots.plot_partial_dependence(table, task, currency=currency)
        latest = told["errors"][told["errors"]["as_of"] == told["errors"]["as_of"].max()]
        for by, table in latest.groupby("by", sort=False):
            drawn[f"errors_{task}_by_{by}"] = plots.plot_errors(table, by, task)
    return {f"{name}.png": ax.figure for name, ax in drawn.items()}


def _held_out(line: Timeline, result: Backtest) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and outcome of customers on the report day, the same few each time."""
    test = line.test(result.report_day)
    if len(test) > MOST_ROWS:
        chosen = np.random.default_rng(0).choice(len(test), MOST_ROWS, replace=False)
        test = test.iloc[np.sort(chosen)]
    return test[line.today(result.report_day).columns], test[LABEL_OF[result.task]]


def _importance(fitted: Fitted, rows: pd.DataFrame, came: pd.Series, metric: Metric) -> list[pd.DataFrame]:
    """Shuffle each family, then one by one the features of those that matter most."""
    known = families(rows.columns)
    try:
        whole = permutation_importance(fitted, rows, came, metric, known)
    except DataError:  # of these few customers the metric does not exist
        return []
    matters = (whole["increase"] > whole["spread"]) & (whole["name"] != HISTORY)
    mattering = whole.loc[matters, "name"].head(MOST_FAMILIES)
    singly = {name: [name] for family in mattering for name in known[family]}
    each = permutation_importance(fitted, rows, came, metric, singly)
    return [whole.assign(level="family"), *([each.assign(level="feature")] if singly else [])]


def _leading(importance: list[pd.DataFrame]) -> list[str]:
    """Return the features that matter most of those shuffled alone."""
    return [
        name
        for table in importance
        for name in table.loc[(table["level"] == "feature") & (table["increase"] > table["spread"]), "name"]
    ][:FEATURES]


def _errors(past: pd.DataFrame, value: pd.DataFrame, line: Timeline) -> list[pd.DataFrame]:
    """Part the customers by cohort, and by tenth of the value predicted for the same days, if it was."""
    state = ["as_of", "customer_id"]
    first = pd.concat([_first(line.test(day)) for day in past["as_of"].unique()])
    known = past.merge(first, on=state).merge(value[[*state, "prediction"]], "left", state, suffixes=("", "_value"))
    found = {"cohort": errors(known, cohorts(pd.DatetimeIndex(known["first"])))}
    valued = known.dropna(subset="prediction_value").reset_index(drop=True)
    if len(valued):
        found["tenth"] = errors(valued, tenths(valued["prediction_value"], valued["as_of"]))
    return [table.assign(by=by, group=table["group"].astype(str)) for by, table in found.items()]


def _first(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the day of first purchase of each customer_id and as_of."""
    return rows.index.to_frame(index=False).assign(first=first_purchases(rows))


def _lift(past: pd.DataFrame) -> pd.DataFrame:
    """Share of the leavers among the riskiest, at a few shares of customers called."""
    return pd.DataFrame({"called": CALLED, "found": np.interp(CALLED, *gains(past["actual"], past["prediction"]))})


def _horizon(line: Timeline) -> list[pd.DataFrame]:
    """Hold the horizon against the one that the gaps between purchases suggest, where they do."""
    try:
        found = suggest_horizon(line.log)
    except DataError:
        return []
    row = (line.horizon, found.days, found.far_from(line.horizon), found.reason)
    return [pd.DataFrame([row], columns=_COLUMNS["horizon"])]
