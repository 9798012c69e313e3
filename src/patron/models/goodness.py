"""How well a model told what happened: counts by frequency and recency, the whole distribution, randomised PIT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.calendar import Day
from patron._core.errors import DataError
from patron.models.family.primitives import Length
from patron.models.family.quantities import Quantities
from patron.models.maths.fitter import Array

_LAST: Final = 7
"""Frequencies and counts from here on are one row."""

_RECENT: Final = 6


@dataclass(frozen=True)
class GoodnessOfFit:
    """What a model expected of customers, beside what they did.

    Attributes
    ----------
    by_frequency : DataFrame
        Indexed by repeat purchases so far (the last row: that many or more): customers, expected and actual purchases
        a customer.
    by_recency : DataFrame
        The same of repeat buyers by how much of their time had passed at the last purchase, in sixths.
    counts : DataFrame
        Indexed by purchases in the horizon: how many customers were expected to make them, and how many did.
    pit : Series
        Randomised probability integral transform, a customer each: uniform where the model is right.
    calibration_error : float
        Largest distance of the PIT's distribution from the uniform one (Kolmogorov-Smirnov).
    """

    by_frequency: pd.DataFrame
    by_recency: pd.DataFrame
    counts: pd.DataFrame
    pit: pd.Series
    calibration_error: float


def goodness_of_fit(
    model: Quantities,
    frame: pd.DataFrame,
    actual: Any,
    horizon: Length,
    *,
    as_of: Day | None = None,
    seed: int = 0,
) -> GoodnessOfFit:
    """Hold a model's expectations against what customers bought in the horizon.

    Parameters
    ----------
    model : Quantities
        A fitted transaction model.
    frame : DataFrame
        frequency, recency and T at the start of the horizon, in the model's unit.
    actual : Series or array
        Purchases of each row in the horizon, whole numbers; a Series is aligned by its index.
    horizon : float or str
        A length in the model's unit, or a text like '90 days'.
    as_of : day, optional
        The day from which months and years run.
    seed : int
        Of the PIT's random numbers: counts are discrete, so each falls at random within its step.

    Raises
    ------
    DataError
        When `actual` does not cover the rows, or holds what no count can be.

    References
    ----------
    C. Czado, T. Gneiting, L. Held, Predictive Model Assessment for Count Data, Biometrics 65(4), 2009.

    Examples
    --------
    >>> import patron
    >>> log = patron.datasets.load_cdnow_sample()
    >>> before = patron.rfm_summary(log, "1997-09-30", unit="week")
    >>> after = patron.rfm_summary(log, "1998-06-30", unit="week")["frequency"] - before["frequency"]
    >>> fit = goodness_of_fit(patron.BetaGeoNBD().fit(before), before, after, 39)
    >>> fit.by_frequency.round(2).head(3)
               customers  expected  actual
    frequency
    0               1411      0.23    0.24
    1                439      0.52    0.70
    2                214      1.04    1.39
    >>> round(fit.calibration_error, 2)
    0.03
    """
    happened = _counts(frame, actual)
    expected = model.expected_purchases(frame, horizon, as_of=as_of).to_numpy()
    most = int(happened.max(initial=0))
    below, at = np.zeros(len(frame)), np.zeros(len(frame))
    counts = np.zeros(_LAST)
    passed = np.zeros(len(frame))
    for n in range(max(most + 1, _LAST)):
        chance = model.probability_of_purchases(n, frame, horizon, as_of=as_of).to_numpy()
        below[happened == n], at[happened == n] = passed[happened == n], chance[happened == n]
        passed += chance
        if n < _LAST:
            counts[n] = chance.sum()
    pit = below + at * np.random.default_rng(seed).random(len(frame))
    return GoodnessOfFit(
        by_frequency=_by(np.minimum(frame["frequency"].to_numpy(), _LAST), "frequency", expected, happened),
        by_recency=_by_recency(frame, expected, happened),
        counts=pd.DataFrame(
            {
                "expected": np.append(counts, len(frame) - counts.sum()),
                "actual": np.bincount(np.minimum(happened.astype(np.int64), _LAST), minlength=_LAST + 1),
            },
            index=pd.RangeIndex(_LAST + 1, name="purchases"),
        ),
        pit=pd.Series(pit, frame.index, name="pit"),
        calibration_error=_distance(pit),
    )


def _counts(frame: pd.DataFrame, actual: Any) -> Array:
    if isinstance(actual, pd.Series):
        actual = actual.reindex(frame.index)
    values = np.asarray(actual, dtype=np.float64)
    if values.shape != (len(frame),):
        raise DataError(
            "actual is not one count for each row", example=f"{values.shape} for {len(frame):,}", fix="align the two"
        )
    wrong = ~((values >= 0) & (values == np.floor(values)))
    if wrong.any():
        raise DataError(
            "purchases in the horizon are whole numbers, 0 or more, of every customer",
            count=int(wrong.sum()),
            example=float(values[wrong][0]),
            fix="count them as rfm_summary does, and put 0 for who bought nothing",
        )
    return values


def _by(key: Any, name: str, expected: Array, happened: Array) -> pd.DataFrame:
    table = pd.DataFrame({name: key, "expected": expected, "actual": happened}).groupby(name, observed=True)
    means = table.mean()
    means.insert(0, "customers", table.size())
    return means


def _by_recency(frame: pd.DataFrame, expected: Array, happened: Array) -> pd.DataFrame:
    repeat = np.flatnonzero(frame["frequency"].to_numpy() > 0)
    share = (frame["recency"] / frame["T"]).to_numpy()[repeat]
    ends = np.linspace(0, 1, _RECENT + 1)
    part = np.searchsorted(ends, share) - 1
    table = _by(part, "recency / T", expected[repeat], happened[repeat])
    table.index = pd.Index([f"{ends[i]:.0%}-{ends[i + 1]:.0%}" for i in table.index], name="recency / T")
    return table


def _distance(pit: Array) -> float:
    """Return the largest distance of an empirical distribution from the uniform one."""
    if not len(pit):
        return 0.0
    ranked, steps = np.sort(pit), np.arange(len(pit) + 1) / len(pit)
    return float(max((steps[1:] - ranked).max(), (ranked - steps[:-1]).max()))
