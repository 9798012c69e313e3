"""How right, out of time: recipes chosen on earlier days, reported once on later ones, against the transaction models.

All customers of a data set, means over the report days; the baseline is fitted in the same run.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

import patron
from benchmarks.bar import Bar, Result
from patron.evaluation import promote
from patron.models import TRANSACTION_MODELS
from patron.recipes.protocol import Task
from patron.recipes.training import Timeline

TREES: Final = ("lightgbm", "stack", "blend")
SPEND: Final = ("lightgbm", "blend", "shape")
RULE: Final[dict[Task, list[str]]] = {"churn": ["brier", "log_loss"], "value": ["rmse", "gini"]}
LOGS: Final = {"cdnow": patron.datasets.load_cdnow, "journey": patron.datasets.load_complete_journey}


@dataclass(frozen=True)
class Contest:
    """A data set, what is predicted, and the days: some choose among the candidates, others report the chosen one."""

    log: str
    task: Task
    days: int
    choose: tuple[str, ...]
    report: tuple[str, ...]
    candidates: tuple[str, ...]
    chosen_at: int | None = None
    """The horizon at which the recipe is chosen, if it is another."""


JOURNEY_DAYS: Final = ("2017-10-08", "2017-11-05", "2017-12-03")
EARLIER: Final = ("2017-07-16", "2017-08-13", "2017-09-10")
CONTESTS: Final = {
    "journey-churn": Contest("journey", "churn", 28, EARLIER, JOURNEY_DAYS, ("logistic", *TREES)),
    "journey-spend": Contest("journey", "value", 28, EARLIER, JOURNEY_DAYS, SPEND),
    "journey-spend-91": Contest("journey", "value", 91, ("2017-07-02",), ("2017-10-01",), SPEND),
    "cdnow-churn": Contest("cdnow", "churn", 91, ("1998-02-03", "1998-03-03"), ("1998-03-31",), TREES),
    "cdnow-spend-91": Contest("cdnow", "value", 91, ("1997-08-05", "1997-09-02", "1997-09-30"), ("1997-12-30",), SPEND),
    "cdnow-spend-182": Contest(
        "cdnow", "value", 182, ("1997-08-05", "1997-09-02", "1997-09-30"), ("1997-12-30",), SPEND, 91
    ),
}


@functools.cache
def line(log: str, days: int) -> Timeline:
    return Timeline(LOGS[log](), days, "week")


def tested(contest: Contest, days: int, as_of: tuple[str, ...], recipes: list[str]) -> patron.evaluation.Backtest:
    timeline = line(contest.log, days)
    return patron.backtest(
        timeline.log, contest.task, f"{days} days", list(as_of), recipes, unit="week", timeline=timeline
    )


@functools.cache
def outcome(name: str) -> tuple[str, str, pd.DataFrame]:
    """Return the recipe chosen, the transaction model chosen, and the means over the report days: recipe x metric."""
    contest = CONTESTS[name]
    peers = [*TRANSACTION_MODELS, *(["last_period"] if contest.task == "value" else [])]
    earlier = tested(
        contest, contest.chosen_at or contest.days, (*contest.choose, contest.report[0]), [*contest.candidates, *peers]
    )
    ranked = promote(earlier, RULE[contest.task]).table
    recipe = next(name for name in ranked.index if name in contest.candidates)
    peer = next(name for name in ranked.index if name in TRANSACTION_MODELS)
    table = tested(contest, contest.days, contest.report, [recipe, *peers]).table
    everyone = table[table["population"] == "all"]
    return recipe, peer, everyone.pivot_table(index="recipe", columns="metric", values="value")


def measure(name: str, metric: str, against: str, how: Literal["ratio", "difference", "itself", "bias"]) -> Result:
    recipe, chosen, means = outcome(name)
    peer = chosen if against == "chosen" else against
    ours, theirs = means.loc[recipe, metric], means.loc[peer, metric]
    value = {
        "ratio": ours / theirs,
        "difference": ours - theirs,
        "itself": ours,
        "bias": round(abs(ours - 1) - abs(theirs - 1), 12),  # equal totals differ by rounding
    }[how]
    contest = CONTESTS[name]
    note = f"{recipe} {ours:.5g}, chosen among {len(contest.candidates)} on {', '.join(contest.choose)}"
    return Result(float(value), peer, float(theirs), f"{metric}, {len(contest.report)} days", 1, note)


def bar(
    name: str,
    metric: str,
    threshold: float,
    against: str = "pareto_nbd",
    how: Literal["ratio", "difference", "itself", "bias"] = "ratio",
) -> Bar:
    words = {
        "ratio": f"of the {metric} of {against}",
        "difference": f"more {metric} than {against}",
        "itself": metric,
        "bias": f"further from an unbiased total than {against}",
    }[how]
    contest = CONTESTS[name]
    better = "high" if how == "difference" else "low"
    suffix = "" if against in ("pareto_nbd", "chosen") else "-vs-" + against.replace("_", "-")
    return Bar(
        f"{name}-{metric.replace('_', '-')}{suffix}",
        f"{words}, {contest.log} {contest.task} {contest.days} days",
        threshold,
        better,
        functools.partial(measure, name, metric, against, how),
    )


BARS = [
    bar("journey-churn", "brier", 0.95),
    bar("journey-churn", "log_loss", 0.92),
    bar("journey-churn", "auc", 0.017, how="difference"),
    bar("journey-churn", "ece_excess", 0.005, how="itself"),
    bar("journey-spend", "mae", 0.94),
    bar("journey-spend", "mae", 0.89, against="last_period"),
    bar("journey-spend", "rmse", 0.95),
    bar("journey-spend", "gini", 0.028, how="difference"),
    bar("journey-spend-91", "mae", 0.97, against="last_period"),
    bar("cdnow-churn", "brier", 0.985, against="chosen"),
    bar("cdnow-churn", "auc", 0.0, against="chosen", how="difference"),
    bar("cdnow-churn", "ece_excess", 0.010, how="itself"),
    *(
        made
        for name in ("cdnow-spend-91", "cdnow-spend-182")
        for made in (
            bar(name, "gini", 0.004 if name.endswith("91") else 0.015, how="difference"),
            bar(name, "rmse", 0.99),
            bar(name, "mae", 1.00),
            bar(name, "bias", 0.0, how="bias"),
        )
    ),
]
