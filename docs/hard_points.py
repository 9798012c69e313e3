"""The page of errors where formulas break, asked as the tests ask."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from itertools import islice
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from claims import TESTS, checked, table, verdict

import patron

EVERY, SELDOM = 20, 50
"""One set of parameters in so many is computed for the page; `SELDOM` where quadratures are needed."""
NEAR = 1e-10
Held = tuple[str, str, pd.Series, float]
"""Model, quantity, its errors and the bound on these."""


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
        above its bound, fails the build. Of 2,000 such points lifetimes 0.11.3 gives 93 that are not finite and 267
        worse than 1e-6.
        """
    lines = [cleandoc(words)]
    for title, held in _held().items():
        models = list(dict.fromkeys(model for model, *_ in held))
        worst: dict[str, dict[str, float]] = {}
        bounds = {name: near for _, name, _, near in held}
        for model, name, error, _ in held:
            worst.setdefault(name, {})[model] = error.max()
        rows = [
            [
                f"`{name}`",
                *(f"{found[model]:.0e}".replace("0e+00", "0") if model in found else "" for model in models),
                f"{bounds[name]:.0e}",
                verdict(max(found.values()) <= bounds[name]),
            ]
            for name, found in worst.items()
        ]
        lines += ["", f"## {title}", "", *table(["", *models, "bound", "verdict"], rows)]
    return checked(lines)


def _held() -> dict[str, list[Held]]:
    """Return what was held, by kind of model."""
    family, gifts, regular = (_tests(name) for name in ("hard_points", "beta_geo_beta_binomial", "cnbd"))
    spend = {"expected_spend": lambda model, frame: model.expected_spend(frame)}
    return {
        "Purchases at any time": list(_asked(family.MODELS, EVERY, _near(family.QUANTITIES))),
        "Regular buyers": list(_asked(regular.MODELS, SELDOM, regular.QUANTITIES)),
        "Opportunities": list(_asked([patron.BetaGeoBetaBinomial], EVERY, _near(gifts.QUANTITIES))),
        "Contracts": list(_contracts()),
        "Spend": list(_asked([patron.GammaGamma], EVERY, _near(spend))),
    }


def _asked(kinds: Sequence[Any], every: int, quantities: dict[str, tuple[float, Any]]) -> Iterator[Held]:
    for kind in kinds:
        sets = list(_some(kind, every))
        for name, (near, ask) in quantities.items():
            errors = [_errors(model, frame, name, ask) for model, frame in sets if frame[name].notna().any()]
            if errors:
                yield kind.name, name, pd.concat(errors), near


def _contracts() -> Iterator[Held]:
    contract = _tests("contract")
    points = pd.read_csv(contract.GOLDEN)
    for name, some in (("sbg", points[points["c"] == 1]), ("bdw", points[points["c"] != 1])):
        asked = {point.Index: contract.of_point(point) for point in some.iloc[::SELDOM].itertuples()}
        for quantity in max(asked.values(), key=len):
            found = pd.Series({row: told[quantity] for row, told in asked.items() if quantity in told})
            yield name, quantity, _apart(found, points.loc[found.index, quantity], quantity), NEAR


def _near(quantities: dict[str, Any]) -> dict[str, tuple[float, Any]]:
    return {name: (NEAR, ask) for name, ask in quantities.items()}


def _tests(name: str) -> ModuleType:
    """Return tests/models/test_NAME.py."""
    spec = importlib.util.spec_from_file_location(name, TESTS / "models" / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _some(kind: Any, every: int) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Every so many sets of parameters: each as a model, with its histories and what they lead to."""
    points = pd.read_csv(TESTS / "golden" / "hard_points" / f"{kind.name}.csv.gz")
    names = [name for name in ("k", *kind.parameters) if name in points]
    unit = {} if kind is patron.GammaGamma else {"unit": "day"}
    for values, frame in islice(points.groupby(names, sort=False), None, None, every):
        frame.attrs["unit"] = "day"
        yield kind.from_params(**dict(zip(names, values, strict=True)), **unit), frame


def _errors(model: Any, frame: pd.DataFrame, name: str, ask: Any) -> pd.Series:
    found, wanted = ask(model, frame), frame[name]
    return _apart(found, wanted, name)[wanted.notna() | found.isna()]


def _apart(found: pd.Series, wanted: pd.Series, name: str) -> pd.Series:
    """Return relative errors; infinite where what is found is not a number."""
    size = wanted.abs().clip(lower=1.0 if name == "log_likelihood" else 0.0)
    with np.errstate(invalid="ignore"):
        error = ((found - wanted).abs() / size).mask(found == wanted, 0.0)
    return error.mask(found.isna(), np.inf)
