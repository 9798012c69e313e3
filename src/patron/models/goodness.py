"""What a model expects beside what happened: a hold-out by history, counts, spend, purchases since the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.polynomial import Chebyshev
from scipy.special import betainc

from patron._core.calendar import Day, unit_days
from patron._core.errors import DataError
from patron.models.family.inputs import History, frequency, read_weights
from patron.models.family.played import Played
from patron.models.family.primitives import Length
from patron.models.family.quantities import Quantities
from patron.models.gamma_gamma import GammaGamma
from patron.models.maths.fitter import Array

LAST: Final = 7
"""Frequencies and counts from here on are one row."""

_PARTS: Final = 6

_DEGREE: Final = 32
"""Of the polynomial in log(1 + days) that tells purchases by age, off by less than 1e-8."""


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
    by_age : DataFrame
        The same by age T, in sixths of its range.
    counts : DataFrame
        Indexed by purchases in the horizon: how many customers were expected to make them, and how many did.
    pit : Series
        Randomised probability integral transform, a customer each: uniform where the model is right.
    calibration_error : float
        Largest distance of the PIT's distribution from the uniform one (Kolmogorov-Smirnov).
    """

    by_frequency: pd.DataFrame
    by_recency: pd.DataFrame
    by_age: pd.DataFrame
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
    counts = np.zeros(LAST)
    passed = np.zeros(len(frame))
    for n in range(max(most + 1, LAST)):
        chance = model.probability_of_purchases(n, frame, horizon, as_of=as_of).to_numpy()
        below[happened == n], at[happened == n] = passed[happened == n], chance[happened == n]
        passed += chance
        if n < LAST:
            counts[n] = chance.sum()
    pit = below + at * np.random.default_rng(seed).random(len(frame))
    return GoodnessOfFit(
        by_frequency=_by(np.minimum(frame["frequency"].to_numpy(), LAST), "frequency", expected, happened),
        by_recency=_by_recency(frame, expected, happened),
        by_age=_by_age(frame["T"].to_numpy(), expected, happened),
        counts=pd.DataFrame(
            {
                "expected": np.append(counts, len(frame) - counts.sum()),
                "actual": np.bincount(np.minimum(happened.astype(np.int64), LAST), minlength=LAST + 1),
            },
            index=pd.RangeIndex(LAST + 1, name="purchases"),
        ),
        pit=pd.Series(pit, frame.index, name="pit"),
        calibration_error=_distance(pit),
    )


def purchase_counts(model: Played, frame: pd.DataFrame, weights: Any = None, last: int = LAST) -> pd.DataFrame:
    """Count the customers by their repeat purchases so far, beside as many as the model expects of customers as old.

    Parameters
    ----------
    model : Played
        A fitted transaction model.
    frame : DataFrame
        frequency, recency and T, in the model's unit, and what columns the model needs.
    weights : array or str, optional
        How many customers each row stands for; by default the column `weight`, if there is one.
    last : int
        This many purchases or more are one row.

    Returns
    -------
    DataFrame
        Indexed by purchases, 0 to `last`: actual, expected; both add up to the customers.

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> purchase_counts(patron.BetaGeoNBD().fit(summary), summary, last=3).round(1)
               actual  expected
    purchases
    0          1411.0    1407.7
    1           439.0     460.3
    2           214.0     192.5
    3           293.0     296.5
    """
    weight = read_weights(frame, weights)
    weight = np.ones(len(frame)) if weight is None else weight
    born = frame.assign(frequency=0, recency=0.0, T=0.0)
    age = frame["T"].to_numpy(dtype=np.float64)
    expected = np.zeros(last)
    for own, rows in zip(*model.by_rows(born), strict=True):
        history = own._read(born.iloc[rows])  # noqa: SLF001  # every row is asked about an age of its own, in one pass
        for n in range(last):
            expected[n] += weight[rows] @ _chances(own, n, history, age[rows])
    happened = np.minimum(frequency(frame), last).astype(np.int64)
    return pd.DataFrame(
        {
            "actual": np.bincount(happened, weight, last + 1).astype(np.float64),
            "expected": np.append(expected, weight.sum() - expected.sum()),
        },
        index=pd.RangeIndex(last + 1, name="purchases"),
    )


def _chances(model: Quantities, n: int, history: History, age: Array) -> Array:
    """P(n repeat purchases up to each customer's age)."""

    def formula(some: History, end: Array) -> Array:
        if n == 0:
            return model._no_purchase(some, end)  # noqa: SLF001
        chance: Array = model._alive(some) * model._count_if_alive(n, some, end)  # noqa: SLF001
        return chance

    return model._by_blocks(formula, history, age)  # noqa: SLF001


def purchases_by_age(model: Quantities, days: int) -> Array:
    """Return the repeat purchases expected of a new customer up to the age of 0, 1, ..., `days` days.

    Parameters
    ----------
    model : Quantities
        A fitted transaction model, without covariates.
    days : int
        The last age.

    Returns
    -------
    ndarray, shape (days + 1,)

    Notes
    -----
    Found at few ages and interpolated in the logarithm of 1 + days, in which the expectation is smooth.

    Examples
    --------
    >>> import patron
    >>> model = patron.BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> purchases_by_age(model, 272)[[0, 7, 272]].round(3)
    array([0.   , 0.053, 1.194])
    """
    born, unit = model.new_customer(), unit_days(model.unit_)

    def expected(log_age: Array) -> Array:
        return np.array([model.expected_purchases(born, age / unit).iloc[0] for age in np.expm1(log_age).tolist()])

    if days == 0:
        return np.zeros(1)
    reach = float(np.log1p(days))
    curve = Chebyshev.interpolate(expected, _DEGREE, domain=[0.0, reach])
    values: Array = curve(np.log1p(np.arange(days + 1)))
    values[0] = 0.0
    return values


def spend_counts(model: GammaGamma, frame: pd.DataFrame, edges: npt.ArrayLike, weights: Any = None) -> pd.DataFrame:
    """Count the customers by their mean spend, beside as many as the model expects of customers of that frequency.

    Parameters
    ----------
    model : GammaGamma
        Fitted.
    frame : DataFrame
        frequency and monetary_value, counted as the model was fitted; customers who paid nothing are left out.
    edges : array of shape (bins + 1,)
        Of the bins, ascending, in the frame's money; what lies outside is in none.
    weights : array or str, optional
        How many customers each row stands for; by default the column `weight`, if there is one.

    Returns
    -------
    DataFrame
        One row a bin: low, high, actual, expected.

    Notes
    -----
    With nu mixed out, x m / (v + x m) of x purchases of mean m is Beta(p x, q) (Fader and Hardie, note 025).

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30")
    >>> spend_counts(patron.GammaGamma().fit(summary), summary, [0, 20, 40, 1000]).round(1)
        low    high  actual  expected
    0   0.0    20.0   325.0     287.8
    1  20.0    40.0   363.0     396.9
    2  40.0  1000.0   258.0     261.3
    """
    ends = np.asarray(edges, dtype=np.float64)
    x, m, weight, columns = model._paid(frame, weights)  # noqa: SLF001  # those on whom it is fitted
    p, q, v = model._values  # noqa: SLF001
    scale = model._scales(v, columns)  # noqa: SLF001
    reached = np.array([weight @ betainc(p * x, q, x * end / (scale + x * end)) for end in ends])
    actual, _ = np.histogram(m, ends, weights=weight)
    return pd.DataFrame({"low": ends[:-1], "high": ends[1:], "actual": actual, "expected": np.diff(reached)})


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
    ends = np.linspace(0, 1, _PARTS + 1)
    part = np.searchsorted(ends, share) - 1
    table = _by(part, "recency / T", expected[repeat], happened[repeat])
    table.index = pd.Index([f"{ends[i]:.0%}-{ends[i + 1]:.0%}" for i in table.index], name="recency / T")
    return table


def _by_age(age: Array, expected: Array, happened: Array) -> pd.DataFrame:
    ends = np.linspace(age.min(initial=np.inf), age.max(initial=0.0), _PARTS + 1) if len(age) else np.zeros(2)
    part = np.clip(np.searchsorted(ends, age) - 1, 0, None)
    table = _by(part, "T", expected, happened)
    table.index = pd.Index([f"{ends[i]:.3g}-{ends[i + 1]:.3g}" for i in table.index], name="T")
    return table


def _distance(pit: Array) -> float:
    """Return the largest distance of an empirical distribution from the uniform one."""
    if not len(pit):
        return 0.0
    ranked, steps = np.sort(pit), np.arange(len(pit) + 1) / len(pit)
    return float(max((steps[1:] - ranked).max(), (ranked - steps[:-1]).max()))
