"""How right: every quantity at 2,000 hard points a model against mpmath, counted by the tests' own bounds."""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.bar import Bar, Result
from benchmarks.speed import CDNOW, history, known, lifetimes
from patron.models import BetaGeoNBD

TESTS: Final = Path(__file__).parents[1] / "tests" / "models" / "test_hard_points.py"


def their_likelihoods(fitter: Any, frame: pd.DataFrame) -> list[float]:
    """Log-likelihood of each row, which lifetimes tells of a whole frame alone."""
    logs = np.log([fitter.params_[name] for name in CDNOW])
    rows = zip(*(column.to_numpy()[:, None] for column in history(frame)), strict=True)
    return [-fitter._negative_log_likelihood(logs, *row, np.ones(1), 0.0) for row in rows]  # noqa: SLF001


THEIRS: Final[dict[str, Callable[[Any, pd.DataFrame], Any]]] = {
    "log_likelihood": their_likelihoods,
    "alive": lambda fitter, frame: fitter.conditional_probability_alive(*history(frame)),
    "purchases_90": lambda fitter, frame: fitter.conditional_expected_number_of_purchases_up_to_time(
        90, *history(frame)
    ),
}
"""What lifetimes tells of a BG/NBD customer, by the tests' names."""


class Count(NamedTuple):
    """How many of `points` are not finite, and how many are off by more than the tests allow."""

    points: int
    broken: int
    wrong: int


@functools.cache
def tests() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hard_points_tests", TESTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def count(found: Any, wanted: pd.Series, name: str, near: float) -> Count:
    """Count the points at which `found` is no number, or not the reference; one that is infinite must be so."""
    found = pd.Series(np.asarray(found, dtype=np.float64), wanted.index)
    broken = found.isna() | (np.isinf(found) & np.isfinite(wanted))
    wrong = tests().errors(found, wanted, name) > near
    return Count(len(found), int(broken.sum()), int((wrong & ~broken).sum()))


def ours() -> Iterator[tuple[float, Count]]:
    """Count every quantity of every model that has reference values, each with its bound."""
    suite = tests()
    for kind, quantities in suite.HELD.items():
        for name, (_, near) in quantities.items():
            found, wanted = suite.told(kind, name)
            yield near, count(found, wanted, name, near)


def theirs() -> Iterator[Count]:
    """Count what lifetimes knows of the BG/NBD points."""
    suite = tests()
    for model, frame in suite.parts(BetaGeoNBD):
        fitter = known(lifetimes.BetaGeoFitter(), model.params_.to_dict())
        for name, quantity in THEIRS.items():
            yield count(quantity(fitter, frame), frame[name], name, suite.HELD[BetaGeoNBD][name].near)


def summed(counts: Iterable[Count]) -> Count:
    return Count(*np.sum(list(counts), axis=0).tolist())


def hard_points() -> Result:
    held = list(ours())
    mine = summed(found for _, found in held)
    rough = summed(found for near, found in held if near == tests().ROUGH)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        peer = summed(theirs())
    note = (
        f"{mine.points:,} of all models, {rough.points:,} of them held to 1e-8; "
        f"lifetimes {peer.points:,} of BG/NBD, {peer.broken:,} of them not finite"
    )
    return Result(
        mine.broken + mine.wrong,
        f"lifetimes {lifetimes.__version__}",
        peer.broken + peer.wrong,
        "not finite, or off by more than 1e-10",
        1,
        note,
    )


CLAIM: Final = "quantities at hard points not finite, or off by more than 1e-10 (quadratures of regular buyers: 1e-8)"
BARS = [Bar("hard-points", CLAIM, 0, "low", hard_points)]
