"""The pages of what is held against something other than published figures: simulation, intervals, traps."""

from __future__ import annotations

import re
from collections import defaultdict
from inspect import cleandoc
from typing import Any

import numpy as np
import pandas as pd
from claims import TESTS, DisagreementError, checked, short, table, verdict
from published import cdnow_weeks

import patron

FAR = 4.0
"""Standard errors: no further may an estimate or a mean lie from the truth."""
AHEAD = 26.0

BUYERS: dict[Any, dict[str, float]] = {
    patron.NBD: {"r": 0.6, "alpha": 9.0},
    patron.BetaGeoNBD: {"r": 0.6, "alpha": 9.0, "a": 0.8, "b": 2.4},
    patron.ModifiedBetaGeoNBD: {"r": 0.8, "alpha": 8.0, "a": 0.7, "b": 2.6},
    patron.ParetoNBD: {"r": 0.7, "alpha": 8.0, "s": 0.9, "beta": 20.0},
    patron.BetaGeoCNBD: {"k": 3, "r": 0.85, "alpha": 1.45, "a": 0.79, "b": 2.42},
    patron.ModifiedBetaGeoCNBD: {"k": 2, "r": 0.85, "alpha": 2.2, "a": 0.79, "b": 2.42},
    patron.BetaGeoBetaBinomial: {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8},
}
RENEWERS: dict[Any, dict[str, float]] = {
    patron.ShiftedBetaGeometric: {"alpha": 0.9, "beta": 3.0},
    patron.BetaDiscreteWeibull: {"alpha": 0.9, "beta": 3.0, "c": 1.5},
}
SPENDERS = {"p": 6.0, "q": 4.0, "v": 15.0}

TRAPS = {
    1: "BG/NBD gives P(alive) = 1 without a repeat purchase: that is the model, not health",
    2: "1 - P(alive) is not churn; churn is no purchase ahead, of one-time buyers too",
    3: "The conditional expectation contains P(alive): it is never multiplied by it again",
    4: "Formulas with a hole at a = 1 (BG/NBD) or s = 1 (Pareto/NBD) give NaN there",
    5: "Thousands of purchases and ages of 3,000 days overflow",
    6: "A penalty on the parameters as they are biases the fit",
    7: "A fit converges or says what the data do not tell; where it started is no estimate",
    8: "The covariance is mapped back from logarithms with both its sides",
    9: "Gamma-Gamma needs q above 1 for a mean, and spend independent of frequency",
    10: "Discounting is continuous and a rate annual; what is infinite without it is an error",
    11: "Unit and grain are two things; the whole of the as-of day is seen",
    12: "A refund makes no purchase and acts from its own day",
    13: "The spend of a window ahead is its total, not a mean times a count",
    14: "The first purchase in the data is not the first ever",
    15: "Segments keep the cut points of their training",
    16: "Simulators that lose purchases prove nothing: only an exact one holds a model",
    17: "The interval of a mean is not that of an outcome",
    18: "A model fitted in weeks refuses days, also where pandas lost the unit",
    19: "The end of observation is not the last row",
    20: "Duplicates and free orders are kept and told",
    21: "A window longer than the history is missing, not a smaller count",
    22: "Likelihood-ratio tests are for nested models, their boundary included",
    23: "A covariate above 0 buys more or leaves sooner, in every model",
    24: "Trees that continue from another model's scores get these in every prediction",
}


def simulation() -> str:
    """Return the page of what was simulated and found again."""
    found, happened = [], []
    for kind, params in BUYERS.items():
        estimates, groups = _buyers(kind, params)
        found += estimates
        happened += groups
    for kind, params in RENEWERS.items():
        contracts = kind.from_params(period="month", **params).sample(8000, 12, seed=3)
        found += _recovered(kind().fit(contracts), params)
    found += _recovered(patron.GammaGamma().fit(_spenders()), SPENDERS)
    words = f"""
        # Recovery from simulation

        Customers are simulated from known parameters and each model is fitted to them. The simulators are the models'
        own `sample`; the tests hold these against others that live a customer one event at a time and share no line
        with them. Seeds are fixed. Beyond {FAR:g} standard errors the build fails.

        ## Parameters

        6,000 buyers, seen for 20 to 60 weeks (BG/BB: 4 to 12 opportunities); 8,000 contracts of up to 12 months;
        6,000 spenders.
        """
    ahead = f"""
        ## Expectations

        What the same buyers, by what they had bought, bought in the {AHEAD:g} weeks after (BG/BB: 8 opportunities),
        beside what the model that made them expects of their histories.
        """
    estimated = table(["model", "", "truth", "estimate", "standard error", "errors apart", "verdict"], found)
    bought = table(["model", "so far", "customers", "expected", "bought", "errors apart", "verdict"], happened)
    return checked([cleandoc(words), "", *estimated, "", cleandoc(ahead), "", *bought])


def intervals() -> str:
    """Return the page on intervals: how they are held, and both kinds on CDNOW."""
    summary, happened = cdnow_weeks()
    rows = []
    for kind in (patron.BetaGeoNBD, patron.ParetoNBD):
        model = kind().fit(summary)
        for sort in ("mean", "predictive"):
            base = model.purchases_interval(summary, 39, kind=sort, of="base").iloc[0]
            each = model.purchases_interval(summary, 39, kind=sort)
            inside = happened.between(each["low"], each["high"]).mean()
            reach = f"{base['low']:,.0f} to {base['high']:,.0f}"
            met = "inside" if base["low"] <= happened.sum() <= base["high"] else "outside"
            right = inside < 0.1 if sort == "mean" else inside > 0.9
            rows.append(
                [kind.name, f"`{sort}`", f"{base['expected']:,.0f}", reach, met, f"{inside:.0%}", verdict(right)]
            )
    words = f"""
        # Intervals

        `kind="mean"` is the interval of an expectation: it knows how uncertain the parameters are and nothing else.
        `kind="predictive"` is that of what will be observed: parameters, who is still a customer, purchases and spend
        are drawn. Totals are summed within each draw, never from intervals.

        ## How they are held

        `test_trap_17_intervals_hold_nine_times_of_ten`, which `make prove` runs, simulates 1,000 worlds of 600
        customers for BG/NBD and for Pareto/NBD, fits each, and counts how often 90 % intervals hold:

        - of a mean, for a customer, a cohort and the base: the expectation under the parameters that made the
          world;
        - predictive, for a cohort and the base: what happened;
        - predictive, for customers, whose purchases are whole numbers: the randomised PIT, within .05 and
          .95.

        Each share has to be 87 to 93 %.

        ## On real customers

        CDNOW, 39 weeks ahead, 90 %; {happened.sum():,} purchases happened. Of the {len(summary):,} customers hardly
        any bought what the interval of their mean says (the verdict: under 10 %), and that is no error: it answers
        another question. Predictive intervals hold more than nine of ten, because purchases are whole numbers. Where
        the base's total lies outside even these, the model is not quite true: that uncertainty is in no interval, and
        a backtest tells it.
        """
    head = ["model", "kind", "expected", "interval of the base", f"{happened.sum():,}", "customers inside", "verdict"]
    return checked([cleandoc(words), "", *table(head, rows)])


def traps() -> str:
    """Return the page of the traps and the tests that name them."""
    tests = trap_tests()
    bare = sorted(set(TRAPS) - set(tests))
    if bare:
        raise DisagreementError(f"traps without a test: {bare}")
    words = """
        # Where each trap is tested

        Mistakes that software of this kind makes. Each test bears the number of its trap.
        """
    lines = [cleandoc(words)]
    for number, says in TRAPS.items():
        lines += ["", f"**{number}. {says}**", ""]
        lines += [f"- `{path}`: {name}" for path, name in tests[number]]
    return checked(lines)


def trap_tests() -> dict[int, list[tuple[str, str]]]:
    """Return the tests of each trap: file and what holds."""
    tests = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for number, name in re.findall(r"def test_trap_(\d+)_(\w+)", path.read_text(encoding="utf-8")):
            tests[int(number)].append((str(path.relative_to(TESTS.parent)), name.replace("_", " ")))
    return tests


def _buyers(kind: Any, params: dict[str, float]) -> tuple[list[list[str]], list[list[str]]]:
    """Return what a fit finds of simulated buyers, and what they buy later beside what was expected."""
    rng = np.random.default_rng([7, 1])
    if kind is patron.BetaGeoBetaBinomial:
        unit, ahead, ages = "month", 8.0, rng.integers(4, 13, 6000).astype(float)
    else:
        unit, ahead, ages = "week", AHEAD, rng.uniform(20, 60, 6000)
    model = kind.from_params(unit=unit, **params)
    frame, bought = _lived(model, ages, ahead)
    expected = model.expected_purchases(frame, ahead)
    groups = pd.cut(frame["frequency"], [-1, 0, 1, 4, np.inf], labels=["0", "1", "2 to 4", "5 and more"])
    rows = []
    for label, gap in (bought - expected).groupby(groups, observed=True):
        apart = gap.mean() / (gap.std() / np.sqrt(len(gap)))
        told = [short(values[gap.index].mean(), 3) for values in (expected, bought)]
        rows.append([kind.name, label, f"{len(gap):,}", *told, short(apart, 1), verdict(abs(apart) < FAR)])
    return _recovered(kind().fit(frame), params), rows


def _lived(model: Any, ages: np.ndarray, ahead: float) -> tuple[pd.DataFrame, pd.Series]:
    """Simulate customers to these ages; and how often each buys in the time after."""
    events = model.sample(len(ages), ages + ahead, seed=11)
    customer, time = events["customer_id"].to_numpy(), events["time"].to_numpy()
    seen = time <= ages[customer]
    recency = np.zeros(len(ages))
    np.maximum.at(recency, customer[seen], time[seen])
    gaps = np.log(np.diff(time, prepend=0.0), where=seen & (time > 0), out=np.zeros(len(time)))
    count, later = (np.bincount(customer[which], minlength=len(ages)) for which in (seen, ~seen))
    columns = {"frequency": count - 1, "recency": recency, "T": ages, "log_gaps": np.bincount(customer, gaps)}
    frame = pd.DataFrame(columns)
    frame.attrs["unit"] = model.unit_
    return frame, pd.Series(later)


def _spenders() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = 1 + rng.poisson(rng.gamma(0.8, 2.0, 6000))
    nu = rng.gamma(SPENDERS["q"], 1 / SPENDERS["v"], 6000)
    return pd.DataFrame({"frequency": x, "monetary_value": rng.gamma(SPENDERS["p"] * x) / nu / x})


def _recovered(model: Any, params: dict[str, float]) -> list[list[str]]:
    """Return a row a parameter; k, which is a whole number, has to be the true one."""
    rows = []
    for name, truth in params.items():
        if name == "k":
            rows.append([model.name, name, f"{truth}", f"{model.k_}", "", "", verdict(model.k_ == truth)])
            continue
        found, error = model.params_[name], model.standard_errors_[name]
        apart = (found - truth) / error
        told = [short(truth, 2), short(found, 3), short(error, 3), short(apart, 1)]
        rows.append([model.name, name, *told, verdict(abs(apart) < FAR)])
    return rows
