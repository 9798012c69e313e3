"""The page of errors where formulas break, asked as the tests ask."""

from __future__ import annotations

import importlib.util
from inspect import cleandoc
from types import ModuleType
from typing import Any

from claims import TESTS, checked, table, verdict

import patron

EVERY, SELDOM = 19, 47
"""One set of parameters in so many is computed for the page; `SELDOM` of regular buyers and of contracts."""
KINDS = {
    "Purchases at any time": (patron.NBD, patron.BetaGeoNBD, patron.ModifiedBetaGeoNBD, patron.ParetoNBD),
    "Regular buyers": (patron.BetaGeoCNBD, patron.ModifiedBetaGeoCNBD),
    "Opportunities": (patron.BetaGeoBetaBinomial,),
    "Contracts": (patron.ShiftedBetaGeometric, patron.BetaDiscreteWeibull),
    "Spend": (patron.GammaGamma,),
}


def hard_points() -> str:
    """Return the page of the worst error of each quantity."""
    words = f"""
        # Hard points

        Two thousand points a model where formulas break: thousands of purchases, a and s at and near 1, a + b below
        1, ages of 3,000 days, alpha and beta far apart. The references were computed once, with mpmath and Arb, to 17
        digits, by commands that are kept beside them (`tests/golden/README.md`). Shown is the worst relative error;
        of a log-likelihood below 1, the error itself.

        For this page every {EVERY}th set of parameters was computed, every {SELDOM}th of regular buyers, which need
        quadratures, and of contracts; the tests compute more, `make prove` all of them. What is not a number, or
        above its bound, fails the build. `make bench BAR=hard-points` counts all of them, and lifetimes' beside them:
        [speed](../speed.md).
        """
    tests, lines = _tests(), [cleandoc(words)]
    for title, kinds in KINDS.items():
        every = SELDOM if title in ("Regular buyers", "Contracts") else EVERY
        rows = [_row(tests, name, kinds, every) for name in tests.HELD[kinds[-1]]]
        lines += ["", f"## {title}", "", *table(["", *(kind.name for kind in kinds), "bound", "verdict"], rows)]
    return checked(lines)


def _row(tests: ModuleType, name: str, kinds: tuple[Any, ...], every: int) -> list[str]:
    """Return a line of the page: the worst error of a quantity, by model."""
    near = tests.HELD[kinds[-1]][name].near
    worst = [
        tests.errors(*tests.told(kind, name, every), name).max() if name in tests.HELD[kind] else None for kind in kinds
    ]
    told = ["" if error is None else f"{error:.0e}".replace("0e+00", "0") for error in worst]
    right = all(error is None or error <= near for error in worst)
    return [f"`{name}`", *told, f"{near:.0e}", verdict(right)]


def _tests() -> ModuleType:
    """Return the tests that say what is held to which bound."""
    spec = importlib.util.spec_from_file_location("test_hard_points", TESTS / "models" / "test_hard_points.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
