"""Every quantity of every model at 2,000 hard points: the numbers of mpmath, and none that is not finite.

Here, and nowhere else, stands how far each may be off: the page of errors and the benchmark ask this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pytest

from patron.models import (
    NBD,
    BetaDiscreteWeibull,
    BetaGeoBetaBinomial,
    BetaGeoCNBD,
    BetaGeoNBD,
    GammaGamma,
    ModifiedBetaGeoCNBD,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from patron.models.gamma_gamma import _log_likelihood

GOLDEN: Final = Path(__file__).parents[1] / "golden"
NEAR: Final = 1e-10
"""Relative: what a sum, a closed form or a table of one may be off by."""
ROUGH: Final = 1e-8
"""The same of a quadrature over the rates and dropouts of regular buyers."""
LEAST: Final = 1e-290
"""Nothing, as far as a double tells."""
OFTEN, SELDOM = 11, 41
"""One set of parameters in so many is computed by default; fewer where a table takes seconds, or each is a customer."""


class Quantity(NamedTuple):
    """How a model, or its customers, are asked for a quantity, and what it may be off by."""

    ask: Callable[[Any, pd.DataFrame], pd.Series]
    near: float = NEAR


def running(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(lost=False)


def ahead(frame: pd.DataFrame) -> int:
    return int(frame["ahead"].iloc[0])


def of_customers(soon: int, many: tuple[str, int], later: tuple[int, int], far: int) -> dict[str, Quantity]:
    """Customers without a contract are asked of `soon`, so `many` purchases in it, a stretch `later`, all as `far`."""
    word, n = many
    return {
        "log_likelihood": Quantity(lambda model, frame: model.log_likelihoods(frame)),
        "alive": Quantity(lambda model, frame: model.probability_alive(frame)),
        f"alive_in_{soon}": Quantity(lambda model, frame: model.probability_alive(frame, soon)),
        f"no_purchase_{soon}": Quantity(lambda model, frame: model.probability_no_purchase(frame, soon)),
        f"one_purchase_{soon}": Quantity(lambda model, frame: model.probability_of_purchases(1, frame, soon)),
        f"{word}_purchases_{soon}": Quantity(lambda model, frame: model.probability_of_purchases(n, frame, soon)),
        f"purchases_{soon}": Quantity(lambda model, frame: model.expected_purchases(frame, soon)),
        f"purchases_{later[0]}_{later[1]}": Quantity(lambda model, frame: model.expected_purchases(frame, later)),
        f"discounted_{far}": Quantity(lambda model, frame: model.discounted_purchases(frame, far, discount_rate=0.10)),
        "discounted": Quantity(lambda model, frame: model.discounted_purchases(frame, None, discount_rate=0.10)),
        "residual": Quantity(lambda model, frame: model.discounted_purchases(frame, None, discount_rate=0.0)),
    }


AT_ANY_TIME: Final = {
    **of_customers(90, ("nine", 9), (365, 730), 3650),
    "next_purchase_q25": Quantity(lambda model, frame: model.time_to_next_purchase(frame, 0.25)),
}
AT_OPPORTUNITIES: Final = of_customers(10, ("five", 5), (20, 50), 50)
QUADRATURES: Final = ("purchases_90", "purchases_365_730", "discounted_3650", "discounted")
REGULAR: Final = {
    name: Quantity(quantity.ask, ROUGH if name in QUADRATURES else NEAR)
    for name, quantity in AT_ANY_TIME.items()
    if name != "alive_in_90"  # has no reference
}
CONTRACTS: Final = {
    "log_likelihood": Quantity(lambda model, frame: model.log_likelihoods(frame.assign(lost=True))),
    "alive": Quantity(lambda model, frame: model.probability_alive(running(frame), ahead(frame))),
    "churn": Quantity(lambda model, frame: model.probability_churn(running(frame), ahead(frame))),
    "median": Quantity(lambda model, frame: model.periods_to_churn(running(frame))),
    "expected": Quantity(lambda model, frame: model.expected_renewals(running(frame), ahead(frame))),
    "discounted": Quantity(lambda model, frame: model.discounted_renewals(running(frame), ahead(frame))),
    "derl": Quantity(lambda model, frame: model.discounted_renewals(running(frame), None)),
    "total": Quantity(lambda model, frame: model.expected_renewals(running(frame), None)),
}
HELD: Final[dict[Any, dict[str, Quantity]]] = {
    NBD: {name: quantity for name, quantity in AT_ANY_TIME.items() if name != "residual"},  # infinite
    BetaGeoNBD: AT_ANY_TIME,
    ModifiedBetaGeoNBD: AT_ANY_TIME,
    ParetoNBD: AT_ANY_TIME,
    BetaGeoCNBD: REGULAR,
    ModifiedBetaGeoCNBD: REGULAR,
    BetaGeoBetaBinomial: AT_OPPORTUNITIES,
    ShiftedBetaGeometric: CONTRACTS,
    BetaDiscreteWeibull: CONTRACTS,
    GammaGamma: {"expected_spend": Quantity(lambda model, frame: model.expected_spend(frame))},
}
"""What is held to its reference, by model and quantity."""


@cache
def points(kind: Any) -> pd.DataFrame:
    contract = HELD[kind] is CONTRACTS
    path = GOLDEN / ("contract.csv.gz" if contract else f"hard_points/{kind.name}.csv.gz")
    table = pd.DataFrame(np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8"))
    if contract:
        table = table[(table["c"] == 1) == (kind is ShiftedBetaGeometric)]
        return table.assign(total=table["total"].where(table["total"] < np.inf))
    return table if kind is GammaGamma else table.assign(unit="day")


def parts(kind: Any, every: int = 1) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Every so many sets of parameters: each as a model, with its histories and what they lead to."""
    names = [name for name in ("k", *kind.parameters, "unit", "period") if name in points(kind)]
    for values, frame in islice(points(kind).groupby(names, sort=False), None, None, every):
        known = dict(zip(names, values, strict=True))
        frame.attrs.update({name: known[name] for name in ("unit", "period") if name in known})
        yield kind.from_params(**known), frame.drop(columns="period", errors="ignore")


def told(kind: Any, name: str, every: int = 1) -> tuple[pd.Series, pd.Series]:
    """Return what is found of a quantity and what is wanted, where parameters are such that it exists."""
    ask = HELD[kind][name].ask
    found = pd.concat([ask(model, frame) for model, frame in parts(kind, every) if frame[name].notna().any()])
    return found, points(kind).loc[found.index, name]


def errors(found: pd.Series, wanted: pd.Series, name: str) -> pd.Series:
    """Return by how much each is off, relative to its reference; infinite where it is no number, or has no end.

    A log-likelihood has no zero of its own: below 1 its error counts as it is. A reference that is absent asks for a
    number.
    """
    size = wanted.abs().clip(lower=1.0 if name == "log_likelihood" else LEAST)
    with np.errstate(invalid="ignore"):
        off = (found - wanted).abs()
    error = (off / size).mask((found == wanted) | (off <= LEAST) | wanted.isna(), 0.0)
    return error.mask(found.isna(), np.inf)


CASES = [
    pytest.param(kind, name, id=f"{kind.name}-{name}") for kind in HELD if kind is not GammaGamma for name in HELD[kind]
]


def check(kind: Any, name: str, every: int = 1) -> None:
    found, wanted = told(kind, name, every)
    error, near = errors(found, wanted, name), HELD[kind][name].near
    worst = error.idxmax()
    assert error.max() <= near, (
        f"{(error > near).sum()} of {len(error)}, {found[worst]} at {points(kind).loc[worst].to_dict()}"
    )


@pytest.mark.golden
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_trap_05_quantities_at_some_hard_points_equal_the_reference(kind, name):
    costly = HELD[kind] is CONTRACTS or HELD[kind][name].near == ROUGH
    check(kind, name, SELDOM if costly else OFTEN)


@pytest.mark.golden
@pytest.mark.thorough
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_trap_05_quantities_at_every_hard_point_equal_the_reference(kind, name):
    check(kind, name)


@pytest.mark.golden
def test_trap_09_expected_spend_at_hard_points_equals_mpmath():
    check(GammaGamma, "expected_spend")


@pytest.mark.golden
def test_gamma_gamma_likelihood_and_slopes_at_hard_points_equal_mpmath():
    """Slopes in the logarithms of the parameters, against the greatest of the three."""
    rows = points(GammaGamma).query("frequency > 0")
    known = rows[["p", "q", "v", "frequency", "monetary_value"]].to_numpy()
    found = np.empty((len(rows), 4))
    for i, (*values, x, m) in enumerate(known):
        f, slope, _ = _log_likelihood(np.array([x]), np.array([m]), np.ones(1), np.empty((1, 0)))(np.array(values))
        found[i] = f, *(slope * values)
    error = errors(pd.Series(found[:, 0], rows.index), rows["log_likelihood"], "log_likelihood")
    assert error.max() <= NEAR
    wanted = rows[["by_p", "by_q", "by_v"]].to_numpy()
    assert (np.abs(found[:, 1:] - wanted) <= NEAR * np.abs(wanted).max(axis=1, keepdims=True)).all()
