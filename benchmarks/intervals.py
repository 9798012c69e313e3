"""Predictive intervals of spend: fitted on what came of earlier test days, judged on each day that reports."""

from __future__ import annotations

import functools

import pandas as pd

import patron
from benchmarks.bar import Bar, Result
from patron.evaluation.intervals import intervals

CASES = {
    "Complete Journey 28 d": (
        patron.datasets.load_complete_journey,
        "28 days",
        ["2017-08-13", "2017-09-10", "2017-10-08", "2017-11-05", "2017-12-03"],
        3,
    ),
    "CDNOW 91 d": (patron.datasets.load_cdnow, "91 days", ["1997-09-30", "1997-12-30"], 1),
}
"""How each log is loaded, the horizon, the test days, and how many of them, the last, report."""
RECIPES = ["pareto_nbd", "lightgbm", "shape", "blend"]
JUDGED = ["all", "decile 8", "decile 9", "decile 10"]


@functools.cache
def table() -> pd.DataFrame:
    """Judge each recipe on each data set: `intervals` by case, recipe, day and population."""
    told = {}
    for case, (load, horizon, days, reports) in CASES.items():
        result = patron.backtest(load(), "value", horizon, days, RECIPES, unit="week")
        for recipe in RECIPES:
            for day in days[-reports:]:
                told[case, recipe, day] = intervals(result, recipe, day=day).set_index("population")
    return pd.concat(told, names=["case", "recipe", "day"])


def covered() -> Result:
    share = table()["covered"].loc[(slice(None), slice(None), slice(None), JUDGED)]
    mean = share.groupby(level=["case", "recipe", "population"]).mean()
    off = (mean - 0.9).abs()
    case, recipe, population = off.idxmax()
    note = (
        f"of {len(off)}, means over the report days, from {mean.min():.3f} to {mean.max():.3f}; the worst {recipe}, "
        f"{case}, {population}; single days from {share.min():.3f} to {share.max():.3f}"
    )
    return Result(off.max(), "what is promised", 0.9, "share of the randomised PIT from .05 to .95", 1, note)


def sharp() -> Result:
    overall = table().xs("all", level="population").groupby(level=["case", "recipe"]).mean()
    ratio = overall["pinball"] / overall["pinball_constant"]
    case, recipe = ratio.idxmax()
    note = f"of {len(ratio)}, from {ratio.min():.3f} to {ratio.max():.3f}; the worst {recipe}, {case}"
    theirs = overall.loc[(case, recipe), "pinball_constant"]
    return Result(ratio.max(), "constant quantiles in deciles", theirs, "mean pinball loss", 1, note)


BARS = [
    Bar(
        "value-intervals-pit",
        "largest miss of 90 % by the 90 % intervals of spend, overall and in the top three deciles, any recipe",
        0.05,
        "low",
        covered,
    ),
    Bar(
        "value-intervals-pinball",
        "pinball loss of the intervals of spend against quantiles constant within decile, the worst recipe",
        1.0,
        "low",
        sharp,
    ),
]
