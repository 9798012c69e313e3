"""Every quantity of every model at 2,000 hard points: the numbers of mpmath, and none that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from patron.models import NBD, BetaGeoNBD, GammaGamma, ModifiedBetaGeoNBD, ParetoNBD
from patron.models.gamma_gamma import _log_likelihood

HARD_POINTS = Path(__file__).parents[1] / "golden" / "hard_points"
NEAR = 1e-10
"""Relative: what a quantity may be off by."""

MODELS = [NBD, BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD]
QUANTITIES: dict[str, Callable[[Any, pd.DataFrame], pd.Series]] = {
    "log_likelihood": lambda model, frame: model.log_likelihoods(frame),
    "alive": lambda model, frame: model.probability_alive(frame),
    "alive_in_90": lambda model, frame: model.probability_alive(frame, 90),
    "no_purchase_90": lambda model, frame: model.probability_no_purchase(frame, 90),
    "one_purchase_90": lambda model, frame: model.probability_of_purchases(1, frame, 90),
    "nine_purchases_90": lambda model, frame: model.probability_of_purchases(9, frame, 90),
    "purchases_90": lambda model, frame: model.expected_purchases(frame, 90),
    "purchases_365_730": lambda model, frame: model.expected_purchases(frame, (365, 730)),
    "discounted_3650": lambda model, frame: model.discounted_purchases(frame, 3650, discount_rate=0.10),
    "discounted": lambda model, frame: model.discounted_purchases(frame, None, discount_rate=0.10),
    "residual": lambda model, frame: model.discounted_purchases(frame, None, discount_rate=0.0),
    "next_purchase_q25": lambda model, frame: model.time_to_next_purchase(frame, 0.25),
}


@cache
def points(name: str) -> pd.DataFrame:
    return pd.DataFrame(np.genfromtxt(HARD_POINTS / f"{name}.csv.gz", delimiter=",", names=True, encoding="utf-8"))


def parts(kind: Any, every: int = 1) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Every so many sets of parameters: each as a model, with its histories and what they lead to."""
    unit = {} if kind is GammaGamma else {"unit": "day"}
    for values, frame in islice(points(kind.name).groupby(list(kind.parameters), sort=False), None, None, every):
        frame.attrs["unit"] = "day"
        yield kind.from_params(**unit, **dict(zip(kind.parameters, values, strict=True))), frame


def agree(kind: Any, name: str, found: pd.Series) -> None:
    """Hold all points to their references; a reference that is absent, or too small for a double, asks for a number.

    A log-likelihood has no zero of its own: below 1 its error counts as it is.
    """
    rows = points(kind.name).loc[found.index]
    wanted = rows[name]
    assert not found.isna().any()
    size = wanted.abs().clip(lower=1.0 if name == "log_likelihood" else 0.0)
    with np.errstate(invalid="ignore"):
        error = ((found - wanted).abs() / size).mask(found == wanted, 0.0)[wanted.notna()]
    worst = error.idxmax()
    assert error.max() <= NEAR, f"{(error > NEAR).sum()} of {len(error)}, {found[worst]} at {rows.loc[worst].to_dict()}"


CASES = [
    pytest.param(kind, name, id=f"{kind.name}-{name}")
    for kind in MODELS
    for name in QUANTITIES
    if (kind, name) != (NBD, "residual")  # infinite
]


@pytest.mark.golden
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_trap_05_quantities_at_hard_points_equal_mpmath(kind, name, every):
    found = [QUANTITIES[name](model, frame) for model, frame in parts(kind, every) if frame[name].notna().any()]
    agree(kind, name, pd.concat(found))


@pytest.mark.golden
def test_trap_09_expected_spend_at_hard_points_equals_mpmath():
    agree(GammaGamma, "expected_spend", pd.concat([model.expected_spend(frame) for model, frame in parts(GammaGamma)]))


@pytest.mark.golden
def test_gamma_gamma_likelihood_and_slopes_at_hard_points_equal_mpmath():
    """Slopes in the logarithms of the parameters, against the greatest of the three."""
    rows = points("gamma_gamma").query("frequency > 0")
    known = rows[["p", "q", "v", "frequency", "monetary_value"]].to_numpy()
    found = np.empty((len(rows), 4))
    for i, (*values, x, m) in enumerate(known):
        f, slope, _ = _log_likelihood(np.array([x]), np.array([m]), np.ones(1), np.empty((1, 0)))(np.array(values))
        found[i] = f, *(slope * values)
    agree(GammaGamma, "log_likelihood", pd.Series(found[:, 0], rows.index))
    wanted = rows[["by_p", "by_q", "by_v"]].to_numpy()
    assert (np.abs(found[:, 1:] - wanted) <= NEAR * np.abs(wanted).max(axis=1, keepdims=True)).all()
