"""The promotion rule: which recipe serves, chosen on the earlier test days, and what it takes to replace one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from patron._core.errors import ConfigError, DataError
from patron.evaluation.backtest import Backtest
from patron.evaluation.bootstrap import interval
from patron.metrics import METRICS, Metric
from patron.models import TRANSACTION_MODELS

BIAS_BOUND: Final = 0.10
EQUAL: Final = 1e-9
"""Relative: a recipe that takes its total from the transaction model is as biased as that one, but for rounding."""


@dataclass(frozen=True)
class Verdict:
    """Which recipe serves from now on, and why.

    Attributes
    ----------
    task : {'churn', 'value'}
        Of what.
    champion : str
        The recipe that serves.
    challenger : str
        The recipe that is best by the rule; the champion, unless an incumbent stays.
    incumbent : str or None
        The recipe that has served until now.
    replaced : bool
        Whether the champion takes an incumbent's place.
    reason : str
        Why, in words for people.
    note : str
        What weakens the choice, in words; empty where nothing does.
    table : DataFrame
        One row a recipe, the best first: the means over the selection days of the rule's metrics (value: and of bias),
        `eligible` (within the bound on bias), `rank` (value: the mean rank among the eligible); against an incumbent
        the mean `difference` in loss of the first metric, negative where the recipe is better, its 95 % interval
        `low`, `high`, and `days_better`.
    """

    task: str
    champion: str
    challenger: str
    incumbent: str | None
    replaced: bool
    reason: str
    note: str
    table: pd.DataFrame = field(repr=False)


def promote(result: Backtest, metrics: Sequence[str], incumbent: str | None = None) -> Verdict:
    """Apply the rule of the task to a backtest, all customers.

    Churn: the lowest mean over the selection days of the first metric, ties by the next. Value: among the recipes
    whose abs(bias - 1) is at most .10, or the best transaction model's if that is more, the best mean rank over the
    metrics; if there is none, the least biased. Another recipe takes an incumbent's place only if it is better in the
    first metric beyond noise: the 95 % interval of the paired bootstrap by customer excludes 0, and it is better on
    most of the selection days.

    Parameters
    ----------
    result : Backtest
        The last test day reports, the others select; a single one does both.
    metrics : sequence of str
        The rule's metrics, for example brier and log_loss, or rmse and gini.
    incumbent : str, optional
        The recipe that serves now; it must have taken part.

    Returns
    -------
    Verdict

    Raises
    ------
    ConfigError
        A metric that the task has not, or a first metric without a bootstrap interval.
    DataError
        The incumbent took no part.
    """
    rule = {name: _metric(result, name) for name in metrics}
    if not rule or not next(iter(rule.values())).interval:
        raise ConfigError(
            "the rule's first metric decides over replacement, so it must have a bootstrap interval",
            fix=f"begin with one of {', '.join(name for name, m in METRICS[result.task].items() if m.interval)}",
        )
    if incumbent is not None and incumbent not in result.recipes:
        raise DataError(
            f"the incumbent {incumbent!r} took no part in the backtest", fix="add its recipe: it is compared, refitted"
        )
    table, reason, note = (_churn if result.task == "churn" else _value)(result, list(rule))
    champion = challenger = str(table.index[0])
    if incumbent is not None:
        table = table.join(_against(incumbent, result, next(iter(rule))))
        champion, verdict = _contest(challenger, incumbent, table, len(result.selection_days))
        reason = f"{reason} {verdict}"
    if len(result.days) == 1:
        note = f"The only test day, {result.report_day.date()}, both selects and reports. {note}".strip()
    replaced = incumbent is not None and champion != incumbent
    return Verdict(result.task, champion, challenger, incumbent, replaced, reason, note, table)


def best_transaction_model(result: Backtest, metrics: Sequence[str]) -> str | None:
    """Return the transaction model that is best on the selection days by these metrics; None if none took part.

    It is the bar for a stack and bounds the bias of a value champion. Churn: the lowest mean of the first metric, ties
    by the next; value: the best mean rank among the transaction models.
    """
    losses = _losses(result, list(metrics)).loc[[name for name in result.recipes if name in TRANSACTION_MODELS]]
    order = losses if result.task == "churn" else _mean_ranked(losses)
    return str(order.sort_values(list(order.columns)).index[0]) if len(order) else None


def _metric(result: Backtest, name: str) -> Metric:
    metrics = METRICS[result.task]
    if name not in metrics:
        raise ConfigError(f"no metric {name!r} of {result.task}", fix=f"one of {', '.join(metrics)}")
    return metrics[name]


def _daily(result: Backtest, metric: str) -> pd.DataFrame:
    """Values of a metric on all customers: recipes x selection days."""
    rows = result.table[(result.table["population"] == "all") & (result.table["metric"] == metric)]
    wide = rows.pivot_table(index="recipe", columns="as_of", values="value")
    return wide.reindex(index=result.recipes, columns=result.selection_days)


def _losses(result: Backtest, metrics: list[str]) -> pd.DataFrame:
    """Mean losses over the selection days: recipes x metrics."""
    return pd.DataFrame({name: _metric(result, name).loss(_daily(result, name)).mean(axis=1) for name in metrics})


def _mean_ranked(losses: pd.DataFrame) -> pd.DataFrame:
    """Put the mean rank over the metrics in front of the losses."""
    ranked = losses.copy()
    ranked.insert(0, "rank", losses.rank().mean(axis=1))
    return ranked


def _churn(result: Backtest, metrics: list[str]) -> tuple[pd.DataFrame, str, str]:
    order = _losses(result, metrics).sort_values(metrics).index
    table = pd.DataFrame({name: _daily(result, name).mean(axis=1) for name in metrics}).loc[order]
    first = _metric(result, metrics[0])
    reason = (
        f"{order[0]} has the best mean {first.label} of {len(order)} recipes on {_days(result)}: "
        f"{table[metrics[0]].iloc[0]:.4g}."
    )
    return table, reason, ""


def _value(result: Backtest, metrics: list[str]) -> tuple[pd.DataFrame, str, str]:
    losses = _losses(result, metrics)
    bias = _daily(result, "bias").mean(axis=1)
    off = (bias - 1).abs()
    model = best_transaction_model(result, metrics)
    bound = max(BIAS_BOUND, off[model]) if model else BIAS_BOUND
    eligible = off <= bound * (1 + EQUAL)
    ranked = _mean_ranked(losses[eligible]).sort_values(["rank", *metrics])
    order = [*ranked.index, *off[~eligible].sort_values().index]
    table = pd.DataFrame({name: _daily(result, name).mean(axis=1) for name in dict.fromkeys([*metrics, "bias"])})
    table = table.assign(eligible=eligible, rank=ranked["rank"]).loc[order]
    if ranked.empty:
        reason = f"{order[0]} is the least biased of {len(order)} recipes on {_days(result)}."
        times = f"{order[0]} predicted {bias[order[0]]:.3g} times as much."
        return table, reason, f"No recipe's total came within {bound:.0%} of what was spent; {times}"
    labels = " and ".join(_metric(result, name).label for name in metrics)
    within = f"{len(ranked)} of {len(order)} recipes whose total is within {bound:.0%} of what was spent"
    rank = ranked["rank"].iloc[0]
    return table, f"{order[0]} has the best mean rank ({rank:.2g}) by {labels} of the {within}, on {_days(result)}.", ""


def _against(incumbent: str, result: Backtest, metric: str) -> pd.DataFrame:
    """Compare each recipe's loss with the incumbent's, day by day and replicate by replicate."""
    loss = _metric(result, metric).loss
    daily = loss(_daily(result, metric))
    replicates = loss(result.replicates.xs(("all", metric), level=("population", "metric")))
    days = replicates.index.get_level_values("as_of").isin(result.selection_days)
    means = replicates[days].groupby(level="recipe").mean()
    bounds = {
        name: interval(row) for name, row in zip(means.index, (means - means.loc[incumbent]).to_numpy(), strict=True)
    }
    difference = daily - daily.loc[incumbent]
    return pd.DataFrame(
        {
            "difference": difference.mean(axis=1),
            "low": {name: low for name, (low, _) in bounds.items()},
            "high": {name: high for name, (_, high) in bounds.items()},
            "days_better": (difference < 0).sum(axis=1),
        }
    )


def _contest(challenger: str, incumbent: str, table: pd.DataFrame, days: int) -> tuple[str, str]:
    if challenger == incumbent:
        return incumbent, "It is the incumbent and stays."
    row = table.loc[challenger]
    facts = (
        f"difference in {table.columns[0]} {row['difference']:+.3g}, 95 % interval {row['low']:+.3g} to "
        f"{row['high']:+.3g}, better on {row['days_better']:.0f} of {days} days"
    )
    if row["high"] < 0 and 2 * row["days_better"] > days:
        return challenger, f"It replaces {incumbent} ({facts})."
    return incumbent, f"{incumbent}, the incumbent, stays: {challenger} is not better beyond noise ({facts})."


def _days(result: Backtest) -> str:
    days = result.selection_days
    return f"{days[0].date()}" if len(days) == 1 else f"{len(days)} days, {days[0].date()} to {days[-1].date()}"
