"""The leaderboard: one row a recipe, what it did on the selection days and on the day that reports."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from patron._core.showing import page
from patron.evaluation.backtest import SHOWN, Backtest
from patron.evaluation.promotion import Verdict
from patron.metrics import METRICS


@dataclass(frozen=True)
class Leaderboard:
    """Recipes beside each other, the best by the rule first; shown as a table in a notebook.

    Attributes
    ----------
    result : Backtest
        What was tested.
    verdict : Verdict
        Who serves, and why.
    population : {'all', 'active'}
        Which customers.
    table : DataFrame
        Indexed by recipe: `champion`, and for each metric M of the task `M_selection`, the mean over the selection
        days, and `M`, `M_low`, `M_high`, the value on the report day with its 95 % interval by customer.
    """

    result: Backtest = field(repr=False)
    verdict: Verdict
    population: str = "all"
    table: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = self.result.table[self.result.table["population"] == self.population]
        selection = rows[rows["as_of"].isin(self.result.selection_days)]
        report = rows[rows["as_of"] == self.result.report_day]
        table = pd.DataFrame(index=self.verdict.table.index)
        table["champion"] = table.index == self.verdict.champion
        columns = {
            "_selection": (selection, "value"),
            "": (report, "value"),
            "_low": (report, "low"),
            "_high": (report, "high"),
        }
        wide = {
            suffix: frame.pivot_table(index="recipe", columns="metric", values=column).reindex(table.index)
            for suffix, (frame, column) in columns.items()
        }
        for metric in METRICS[self.result.task]:
            for suffix, values in wide.items():
                table[metric + suffix] = values.get(metric, np.nan)
        object.__setattr__(self, "table", table)

    def _repr_html_(self) -> str:
        champion, day = self.verdict.champion, self.result.report_day.date()
        names = {name: f"{name} *" if name == champion else name for name in self.table.index}
        facts = [f"{self.result.task} in the {self.result.horizon} days after {day}", f"* {champion} serves"]
        notes = [self.verdict.reason, self.verdict.note, SHOWN]
        return page("Leaderboard", facts, [self.result.shown(self.population, names)], notes)
