"""What papers and other packages published, and the same numbers by Patron."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from inspect import cleandoc
from typing import Any

import numpy as np
import pandas as pd
from claims import Figure, Section, sections

import patron
from patron.compat.lifetimes import datasets

FLAT = 1e-3
"""Beta of Pareto/NBD hardly moves the likelihood: searches stop up to this far from the maximum."""


def papers() -> str:
    """Return the page of published estimates."""
    words = """
        # Published estimates

        Every number under *Patron* was computed when this page was built, and the build fails where one is not the
        published one: to the last digit that was printed, unless the line says otherwise. CDNOW is the 1/10 sample of
        2,357 customers, in weeks, the first 39 of 78.
        """
    return sections(cleandoc(words), [*_cdnow(), _contracts(), _donors()])


def packages() -> str:
    """Return the page of other packages' figures."""
    words = """
        # Other packages' figures

        Numbers that other packages print in their manuals, walk-throughs and tests, and Patron's: computed when this
        page was built, which fails where they disagree. Estimates are held less tightly where the other search
        stopped short of the maximum. In brackets: the commit that was read.
        """
    return sections(cleandoc(words), [_lifetimes(), _btyd(), _btyd_plus(), _clvtools(), _pymc(), _python()])


def _cdnow() -> list[Section]:
    bg, pareto, spend = (_fitted(kind) for kind in (patron.BetaGeoNBD, patron.ParetoNBD, patron.GammaGamma))
    money = datasets.load_cdnow_summary_data_with_monetary_value()
    ten = patron.GammaGamma().fit(money).expected_spend(money).head(10)
    sheet = patron.BetaGeoNBD().fit(_shipped())
    ages = (0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0)
    return [
        Section(
            "BG/NBD and Pareto/NBD, CDNOW",
            'P. S. Fader, B. G. S. Hardie and K. L. Lee, "Counting Your Customers" the Easy Way, Marketing Science '
            "24(2), 2005. The maximum of Pareto/NBD is so flat in s and beta that these are held to one in a "
            "thousand.",
            [
                Figure("BG/NBD: r, alpha, a, b", ".243, 4.414, .793, 2.426", bg.params_),
                Figure("log-likelihood", "-9582.4", bg.log_likelihood_),
                Figure("Pareto/NBD: r, alpha, s, beta", ".553, 10.578, .606, 11.669", pareto.params_, FLAT),
                Figure("log-likelihood", "-9595.0", pareto.log_likelihood_),
            ],
        ),
        Section(
            "BG/NBD, expectations",
            "The spreadsheet of the same authors (brucehardie.com/notes/004), as quoted in the tests of lifetimes "
            "(383b314); its data are rounded to two decimals. Its figure for 78 weeks is what the first 150 terms of "
            "its series add up to, .02 % short of all.",
            [
                Figure(
                    "purchases in 39 weeks given 2, the last at 30.43, until 38.86",
                    "1.226",
                    sheet.expected_purchases(_histories(2, 30.43, 38.86), 39),
                ),
                Figure(
                    "of a new customer in .1429, 1, 3, 31.8571, 32 and 78 weeks",
                    ".0078, .0532, .1506, 1.0405, 1.0437, 1.8576",
                    _of_new(sheet, ages),
                    2.1e-4,
                ),
            ],
        ),
        Section(
            "Gamma-Gamma, CDNOW",
            "P. S. Fader and B. G. S. Hardie, The Gamma-Gamma Model of Monetary Value, 2013 "
            "(brucehardie.com/notes/025): 946 repeat buyers. The expectations are those of its spreadsheet, as "
            "quoted in the tests of lifetimes (383b314).",
            [
                Figure("repeat buyers", "946", spend.customers_),
                Figure("p, q, v", "6.25, 3.74, 15.44", spend.params_),
                Figure(
                    "mean spend of the first ten customers",
                    "24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17",
                    ten,
                    5e-4,
                ),
            ],
        ),
    ]


def _contracts() -> Section:
    regular, high_end = _renewing("regular"), _renewing("high end")
    return Section(
        "sBG, two segments of 1,000 customers",
        "P. S. Fader and B. G. S. Hardie, How to Project Customer Retention, Journal of Interactive Marketing 21(1), "
        "2007: seven renewals.",
        [
            Figure("Regular: alpha, beta", ".704, 1.182", regular.params_),
            Figure("log-likelihood", "-1680.27", regular.log_likelihood_),
            Figure("High End: alpha, beta", ".668, 3.806", high_end.params_),
            Figure("log-likelihood", "-1611.16", high_end.log_likelihood_),
        ],
    )


def _donors() -> Section:
    donors, model = _gifts()
    alive = model.probability_alive(donors, 1).set_axis(donors.set_index(["frequency", "recency"]).index)
    new = model.new_customer()
    counts = [11_104 * model.probability_of_purchases(n, new, 6).iloc[0] for n in (0, 6)]
    return Section(
        "BG/BB, 11,104 donors",
        "P. S. Fader, B. G. S. Hardie and J. Shang, Customer-Base Analysis in a Discrete-Time Noncontractual "
        "Setting, Marketing Science 29(6), 2010, and its spreadsheet (brucehardie.com/notes/010), as quoted in the "
        "tests of lifetimes (383b314) and of pymc-marketing (3d034bb).",
        [
            Figure("alpha, beta, gamma, delta", "1.204, .750, .657, 2.783", model.params_),
            Figure("log-likelihood", "-33225.6", model.log_likelihood_),
            Figure(
                "alive in 2002 (table 6): no gift; 2, the last in 1999; 6, the last in 2001",
                ".11, .59, .93",
                [alive[key] for key in ((0, 0), (2, 4), (6, 6))],
            ),
            Figure("donors expected to give in none and in all six years", "3454.9, 1253.1", counts),
            Figure("gifts expected in 2002 to 2006", "12884.2", model.expected_purchases(donors, 5) @ donors["weight"]),
            Figure(
                "gifts of a new donor in 1, ..., 11 years",
                ".4985, .9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798, 3.3887",
                _of_new(model, range(1, 12)),
            ),
        ],
    )


def _lifetimes() -> Section:
    shipped, money = _shipped(), datasets.load_cdnow_summary_data_with_monetary_value()
    model, spend = patron.BetaGeoNBD().fit(shipped), patron.GammaGamma().fit(money)
    summary, _ = cdnow_weeks()
    kinds = (patron.BetaGeoNBD, patron.ModifiedBetaGeoNBD, patron.ParetoNBD)
    ahead = [_fitted(kind).expected_purchases(summary, 39).sum() for kind in kinds]
    best = shipped.loc[[509, 841, 1981, 157, 1516]]
    pareto = patron.ParetoNBD.from_params(r=0.55, alpha=10.58, s=0.61, beta=11.67, unit="week")
    many = pareto.expected_purchases(_histories([132, 133], [200, 200], [200, 200]), 10)
    return Section(
        "lifetimes 0.11.3",
        "docs/Quickstart.md (commit 2445a20) on the summary that it ships; the last line is tests/test_estimation.py "
        "(383b314). In the 39 weeks 1,882 purchases happened.",
        [
            Figure("BG/NBD: r, alpha, a, b", ".242593, 4.413532, .792886, 2.425752", model.params_, 1e-6),
            Figure("standard errors", ".012557, .378221, .185719, .705345", model.standard_errors_, 2e-6),
            Figure(
                "purchases in the next week of customers 509, 841, 1981, 157, 1516",
                ".424877, .474738, .486526, .662396, .710623",
                model.expected_purchases(best, 1),
            ),
            Figure(
                "its expectation of the next 39 weeks, run once: BG/NBD, MBG/NBD, Pareto/NBD",
                "1653.4, 1576.7, 1665.6",
                ahead,
                1e-4,
            ),
            Figure("Gamma-Gamma: p, q, v", "6.25, 3.74, 15.45", spend.params_),
            Figure(
                "mean spend of customers 1, 2, 3, 6 and 9",
                "24.658619, 18.911489, 35.170981, 71.462843, 27.282408",
                spend.expected_spend(money).loc[[1, 2, 3, 6, 9]],
                1e-6,
            ),
            Figure("on average", "35.2529588256", spend.expected_spend(money).mean(), 1e-6),
            Figure(
                "Pareto/NBD: purchases in 10 weeks after 132 and 133 in 200",
                "6.206051789, 6.252872248",
                many,
            ),
        ],
    )


def _btyd() -> Section:
    pareto = _fitted(patron.ParetoNBD)
    theirs = patron.ParetoNBD.from_params(r=0.553, alpha=10.580, s=0.606, beta=11.656, unit="week")
    manual = patron.ParetoNBD.from_params(r=0.55, alpha=10.56, s=0.61, beta=11.64, unit="week")
    bg = patron.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    summary, _ = cdnow_weeks()
    best = summary[summary["frequency"] == 26]
    ahead = pareto.expected_purchases(summary, 39).groupby(summary["frequency"].clip(upper=7)).mean()
    sizes = summary["frequency"].clip(upper=7).value_counts().sort_index()
    fading = theirs.expected_purchases(_histories([10, 15, 20, 25], [20] * 4, [39] * 4), 52)
    _, donating = _gifts()
    gifts = donating.expected_purchases(_histories([0, 4], [0, 5], [6, 6], "year"), 10)
    return Section(
        "BTYD 2.4 (R)",
        "Its walk-through on CDNOW and on the donors, after a public transcript of the outputs, and the examples of "
        "its manual, as quoted in the tests of lifetimes (383b314). Its Pareto/NBD search stops at beta = 11.656.",
        [
            Figure("Pareto/NBD: r, alpha, s, beta", ".553, 10.580, .606, 11.656", pareto.params_, 2e-3),
            Figure("customer 1516: purchases in 52 weeks", "25.45647", pareto.expected_purchases(best, 52), 1e-4),
            Figure("alive", ".997874", pareto.probability_alive(best), 1e-4),
            Figure(
                "purchases in 52 weeks given 10, 15, 20, 25, the last at 20, until 39",
                ".7062289, .1442396, .02250658, .00309267",
                fading,
                FLAT,
            ),
            Figure("customers of 0, ..., 6 and 7 or more purchases", "1411, 439, 214, 100, 62, 38, 29, 64", sizes),
            Figure(
                "what these are expected to buy in the next 39 weeks",
                ".138, .600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403",
                ahead,
                FLAT,
            ),
            Figure(
                "pnbd.Expectation(c(.55, 10.56, .61, 11.64), 1:9)",
                ".05077821, .09916088, .14542507, .18979930, .23247466, .27361274, .31335159, .35181024, .38909211",
                _of_new(manual, range(1, 10)),
            ),
            Figure("bgnbd.pmf(c(.243, 4.414, .793, 2.426), 2, 10)", "1.07869e-07", _chances(bg, [10], 2)),
            Figure("bgnbd.pmf(..., 39, 0)", ".5737864", _chances(bg, [0], 39)),
            Figure(
                "bgnbd.pmf(..., 30, 11:20)",
                ".0019995214, .0015170236, .0011633150, .0009003148, .0007023638, .0005517902, .0004361913, "
                ".0003467171, .0002769613, .0002222260",
                _chances(bg, range(11, 21), 30),
            ),
            Figure("BG/BB: gifts in 10 years of donors A and B", ".1302169, 3.627858", gifts, 5e-5),
        ],
    )


def _btyd_plus() -> Section:
    mbg = _fitted(patron.ModifiedBetaGeoNBD)
    return Section(
        "BTYDplus (R)",
        "MBG/NBD on CDNOW, as quoted in the tests of lifetimes (383b314); and demo/cdnow.R (1b8c331), by which "
        "CDNOW's customers do not buy regularly.",
        [
            Figure("MBG/NBD: r, alpha, a, b", ".525, 6.183, .891, 1.614", mbg.params_),
            Figure("MBG/CNBD-k: k", "1", _fitted(patron.ModifiedBetaGeoCNBD).k_),
            Figure("BG/CNBD-k: k", "1", _fitted(patron.BetaGeoCNBD).k_),
        ],
    )


def _clvtools() -> Section:
    bg, pareto, spend = (_fitted(kind) for kind in (patron.BetaGeoNBD, patron.ParetoNBD, patron.GammaGamma))
    return Section(
        "CLVTools (R)",
        "tests/testthat/test_correctness_bgnbd.R (590c074), _pnbd.R (e0bdc79) and _gg.R (590c074), whose own "
        "tolerance is one in a thousand.",
        [
            Figure("BG/NBD: r, alpha, a, b", ".2425945, 4.4136019, .7929199, 2.4258881", bg.params_, 1e-5),
            Figure("log-likelihood", "-9582.429", bg.log_likelihood_),
            Figure("Pareto/NBD: r, alpha, s, beta", ".55315, 10.57633, .60625, 11.67150", pareto.params_, FLAT),
            Figure("standard errors", ".0476264, .8427222, .1872594, 6.2105448", pareto.standard_errors_, FLAT),
            Figure("log-likelihood", "-9594.976", pareto.log_likelihood_),
            Figure("Gamma-Gamma: p, q, v", "6.25, 3.74, 15.44", spend.params_),
            Figure("log-likelihood", "-4055.9177", spend.log_likelihood_),
        ],
    )


def _pymc() -> Section:
    given = {"r": 0.25, "alpha": 4.0, "a": 0.8, "b": 2.5, "unit": "week"}
    frame = _histories([0, 200], [0, 38], [40, 40])
    return Section(
        "pymc-marketing",
        "tests/clv/models/test_beta_geo.py (f96a856) and test_modified_beta_geo.py (187bc2c), after "
        "brucehardie.com/notes/027: log-likelihoods of no purchase and of 200 in 40 weeks, at r = .25, alpha = 4, a "
        "= .8, b = 2.5.",
        [
            Figure("BG/NBD", "-.59947382, 100.7957", patron.BetaGeoNBD.from_params(**given).log_likelihoods(frame)),
            Figure(
                "MBG/NBD", "-.41792826, 100.7869", patron.ModifiedBetaGeoNBD.from_params(**given).log_likelihoods(frame)
            ),
        ],
    )


def _python() -> Section:
    nbd, high_end = _fitted(patron.NBD), _renewing("high end")
    renewed = pd.DataFrame({"renewals": [7]})
    renewed.attrs["period"] = "1 year"
    return Section(
        "shifted_beta_geometric_py, customer-analytics",
        "The README of github.com/jdmaturen/shifted_beta_geometric_py (0cace72): High End; NBD-Model.ipynb of "
        "github.com/abdullahau/customer-analytics (8d81d7e): NBD, after brucehardie.com/notes/005, and BG/NBD on "
        "CDNOW.",
        [
            Figure(
                "sBG: surviving 8, ..., 12 renewals",
                ".460, .436, .414, .395, .378",
                high_end.retention(12)["survival"].iloc[7:],
            ),
            Figure(
                "DERL after 7 renewals, 10 % a year",
                "7.530",
                high_end.discounted_renewals(renewed, None, discount_rate=0.10),
            ),
            Figure("NBD: r, alpha", ".3848, 12.0718", nbd.params_, 1e-4),
            Figure("log-likelihood", "-9763.6576", nbd.log_likelihood_),
            Figure("BG/NBD: log-likelihood", "-9582.4292", _fitted(patron.BetaGeoNBD).log_likelihood_),
        ],
    )


@cache
def cdnow_weeks() -> tuple[pd.DataFrame, pd.Series]:
    """Return CDNOW at week 39, and what each customer bought in the 39 weeks after."""
    log = patron.datasets.load_cdnow_sample()
    summary = patron.rfm_summary(log, "1997-09-30", unit="week", gaps=True)
    later = patron.rfm_summary(log, "1998-06-30", unit="week")["frequency"]
    return summary, later - summary["frequency"]


@cache
def _fitted(kind: Any) -> Any:
    summary, _ = cdnow_weeks()
    return kind().fit(summary)


@cache
def _shipped() -> pd.DataFrame:
    """Return the summary that lifetimes ships, rounded to two decimals."""
    summary = datasets.load_cdnow_summary(index_col=[0])
    summary.attrs["unit"] = "week"
    return summary


@cache
def _gifts() -> tuple[pd.DataFrame, Any]:
    donors = datasets.load_donations().rename(columns={"periods": "T", "weights": "weight"})
    donors.attrs["unit"] = "year"
    return donors, patron.BetaGeoBetaBinomial().fit(donors)


@cache
def _renewing(segment: str) -> Any:
    survivors = {
        "regular": [1000, 631, 468, 382, 326, 289, 262, 241],
        "high end": [1000, 869, 743, 653, 593, 551, 517, 491],
    }[segment]
    cohort = pd.DataFrame({"period": range(1, 8), "at_risk": survivors[:-1], "lost": -np.diff(survivors)})
    return patron.ShiftedBetaGeometric().fit(cohort, period="year")


def _histories(frequency: Any, recency: Any, T: Any, unit: str = "week") -> pd.DataFrame:
    columns = {"frequency": frequency, "recency": recency, "T": T}
    frame = pd.DataFrame({name: np.atleast_1d(values) for name, values in columns.items()})
    frame.attrs["unit"] = unit
    return frame


def _of_new(model: Any, ages: Sequence[float]) -> list[float]:
    return [model.expected_purchases(model.new_customer(), age).iloc[0] for age in ages]


def _chances(model: Any, counts: Sequence[int], age: float) -> list[float]:
    return [model.probability_of_purchases(n, model.new_customer(), age).iloc[0] for n in counts]
