"""Predictive intervals of spend: fitted on what came of earlier test days, judged on the last."""

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
    ),
    "CDNOW 91 d": (patron.datasets.load_cdnow, "91 days", ["1997-09-30", "1997-12-30"]),
}
RECIPES = ["pareto_nbd", "lightgbm", "shape", "blend"]
JUDGED = ["all", "decile 8", "decile 9", "decile 10"]


@functools.cache
def table() -> pd.DataFrame:
    """Judge each recipe on each data set: `intervals` by case, recipe and population."""
    told = {}
    for case, (load, horizon, days) in CASES.items():
        result = patron.backtest(load(), "value", horizon, days, RECIPES, unit="week")
        for recipe in RECIPES:
            told[case, recipe] = intervals(result, recipe).set_index("population")
    return pd.concat(told, names=["case", "recipe"])


def covered() -> Result:
    share = table().loc[(slice(None), slice(None), JUDGED), "covered"]
    off = (share - 0.9).abs()
    case, recipe, population = off.idxmax()
    note = f"of {len(off)}, from {share.min():.3f} to {share.max():.3f}; the worst {recipe}, {case}, {population}"
    return Result(off.max(), "what is promised", 0.9, "share of the randomised PIT from .05 to .95", 1, note)


def sharp() -> Result:
    overall = table().xs("all", level="population")
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
