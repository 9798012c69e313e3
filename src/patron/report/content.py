"""What a report shows: frames and texts that other rooms have already computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from patron._core.errors import DataError
from patron.plots.arrays import need
from patron.plots.base import BANDS

SCORES = ("customer_id", "churn_probability", "churn_band", "expected_revenue")
"""The columns of the score table that every report needs."""


@dataclass(frozen=True)
class ReportContent:
    """Everything on the page; a section whose content is left out is not shown.

    Attributes
    ----------
    name : str
        Of the run, as in its configuration.
    as_of : str
        The day whose end the scores look ahead from, YYYY-MM-DD.
    model_version : str
        The bundle that scored: NAME/VERSION.
    currency : str
        ISO 4217 code of every amount on the page.
    churn_horizon, value_horizon : str
        How far ahead risk and value look: '91 days', '12 months'.
    scores : pandas.DataFrame
        The score table, one row a customer: customer_id, churn_probability, churn_band, expected_revenue;
        optional and shown if there: clv, reason_1, reason_2, reason_3; and, together, segment, value_band and
        recommended_action.
    clv_basis : str
        What the CLV is, in words: '12 months; margin 1.0; 10 %/yr'. Needed where scores have a clv.
    bands : mapping of str to float
        Name of each churn band and the lowest probability in it, from high to low; what lies below is 'low'.
    base : mapping of str to object
        What the base is worth: revenue and clv, each a mapping with low and high, at the probability level; and
        earlier, of the last scoring of an earlier day: as_of, customers, revenue, clv. Whatever is not known is absent.
    kpis : mapping of str to pandas.DataFrame
        Tables of `patron.kpis` by name, the period or cohort as index, by its first day: activity, sales, cohorts,
        cohort_revenue, recurring, nps, csat, acquisition; any may be absent.
    movement : pandas.DataFrame, optional
        Who moved since the scoring of an earlier day; see `patron.decisions.movement`.
    moved_since : str
        That day, YYYY-MM-DD.
    plan : pandas.DataFrame, optional
        Whom to contact, one row a customer: customer_id, group, contact_profit, value_if_retained, cost,
        churn_probability, segment, recommended_action.
    planned : mapping
        What the plan's manifest says. Needed where there is a plan.
    ledger : mapping
        What the ledger found: verdict, reason, model, version, as_of, notes, waiting, left_out, calibration, drift.
    accounts : pandas.DataFrame, optional
        The ledger's metrics; see `patron.ledger.accounts`.
    leaderboard : pandas.DataFrame, optional
        Of the backtests of every task, one under the other: task, recipe, as_of, population, metric, value, low,
        high, n. The last as_of of a task is its report day.
    predictions : pandas.DataFrame, optional
        Of the same backtests: task, recipe, as_of, prediction, actual. The totals of all are drawn by as-of day,
        and the champion's one by one.
    champions : mapping of str to str
        Task ('churn', 'value'): the recipe that won.
    verdicts : mapping of str to str
        Task: how its champion was chosen, in a sentence or two.
    metrics : mapping of str to str
        Task: the metric that its picture shows.
    explained : mapping of str to pandas.DataFrame
        What explains the champions: importance (task, level, name, increase, spread, loss), dependence (task, feature,
        value, prediction, low, high), errors (task, by, as_of, group, n, predicted, actual, bias, low, high, mae) and
        horizon (configured, suggested, far, reason).
    audit : pandas.DataFrame, optional
        The audit's findings: check, rows, example, action, level.
    data : mapping of str to object
        What was read, a line each: {'rows': 69659, 'customers': 23570, 'first day': '1997-01-01', ...}.
    models : mapping of str to pandas.DataFrame
        Name of each fitted model: its summary, the parameters as index; every column is shown.
    made : mapping of str to object
        How it was made, a line each: horizons, training days, versions, digests.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["007"], "churn_probability": [0.7], "churn_band": ["high"],
    ...                        "expected_revenue": [12.5]})
    >>> content = ReportContent(name="shop", as_of="1998-06-30", model_version="1", currency="USD",
    ...                         churn_horizon="91 days", value_horizon="12 months", scores=scores)
    >>> content.task_rows("churn") is None
    True
    """

    name: str
    as_of: str
    model_version: str
    currency: str
    churn_horizon: str
    value_horizon: str
    scores: pd.DataFrame
    clv_basis: str = ""
    bands: Mapping[str, float] = field(default_factory=lambda: dict(BANDS))
    base: Mapping[str, Any] = field(default_factory=dict)
    kpis: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    movement: pd.DataFrame | None = None
    moved_since: str = ""
    plan: pd.DataFrame | None = None
    planned: Mapping[str, Any] = field(default_factory=dict)
    ledger: Mapping[str, Any] = field(default_factory=dict)
    accounts: pd.DataFrame | None = None
    leaderboard: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = None
    champions: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=lambda: {"churn": "brier", "value": "rmse"})
    explained: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    audit: pd.DataFrame | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    models: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    made: Mapping[str, object] = field(default_factory=dict)

    def customers(self) -> pd.DataFrame:
        """Return the score table, checked, with `at_stake`: churn probability x expected revenue, the most first.

        Raises
        ------
        DataError
            The table is empty, a column is absent, or a CLV comes without its basis.
        """
        scores = self.scores
        need(scores, SCORES, "the score table")
        if scores.empty:
            raise DataError("the score table is empty", fix="score at least one customer")
        if "clv" in scores.columns and not self.clv_basis:
            raise DataError("a CLV without its basis", column="clv", fix="say in clv_basis what it counts")
        return scores.assign(at_stake=scores["churn_probability"] * scores["expected_revenue"]).sort_values(
            ["at_stake", "customer_id"], ascending=[False, True], kind="stable", ignore_index=True
        )

    def task_rows(self, task: str) -> pd.DataFrame | None:
        """Return the leaderboard's rows of a task, or None where it was not backtested."""
        if self.leaderboard is None:
            return None
        rows = self.leaderboard[self.leaderboard["task"] == task]
        return None if rows.empty else rows

    def task_predictions(self, task: str) -> pd.DataFrame | None:
        """Return the predictions of a task's backtest, or None where there are none."""
        if self.predictions is None:
            return None
        rows = self.predictions[self.predictions["task"] == task]
        return None if rows.empty else rows

    def task_explained(self, name: str, task: str) -> pd.DataFrame | None:
        """Return a task's rows of one of the tables that explain the champions, or None where there are none."""
        if name not in self.explained:
            return None
        rows = self.explained[name][self.explained[name]["task"] == task]
        return None if rows.empty else rows

    def findings(self) -> list[dict[Hashable, Any]]:
        """Return what the audit looked for: what was found first, and of that the warnings first."""
        if self.audit is None:
            return []
        rows = self.audit.to_dict("records")
        found = {"warn": 0, "info": 1}
        return sorted(rows, key=lambda row: found.get(row["level"], 1) if row["rows"] else 2)
