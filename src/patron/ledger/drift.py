"""Drift: whether today's features are distributed as on the training days, beside what such days differ by anyway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtri

FloatArray = npt.NDArray[np.float64]
BINS: Final = 10
COLUMNS: Final = ["feature", "kind", "psi", "between_days", "noise", "drifted"]
_OLDER: Final = {"age", "silence"}
"""Families that grow with every day on which a customer does nothing."""
_MORE: Final = {"frequency", "spend_total", "spend_max", "gap_max", "days_since_refund"}
"""Sums, maxima and silences over a customer's whole life."""
_SINCE: Final = re.compile(r"events_.+_since", re.DOTALL)


def grows_with_age(name: str, family: str) -> bool:
    """Whether a feature grows by the mere passing of days, so that it always drifts and says nothing by it.

    Examples
    --------
    >>> grows_with_age("T", "age"), grows_with_age("frequency", "frequency"), grows_with_age("spend_90", "spend")
    (True, True, False)
    """
    return family in _OLDER or name in _MORE or _SINCE.fullmatch(name) is not None


def drift(
    today: pd.DataFrame, days: Mapping[Any, pd.DataFrame], kinds: Mapping[str, str], tolerance: float = 0.10
) -> pd.DataFrame:
    """Compare columns of today with those of the training days.

    Parameters
    ----------
    today : DataFrame
        A row a customer.
    days : mapping of day to DataFrame
        The same columns on each training day.
    kinds : mapping of str to str
        The columns to compare, each with its kind: 'input' or 'prediction'.
    tolerance : float
        By how much the index may exceed its noise floor.

    Returns
    -------
    DataFrame
        A row a column, the most drifted first: feature, kind, psi (of today against all training days together),
        between_days (the largest index between two training days), noise (what so few customers give by chance in 5 %
        of cases), drifted. A column that is wholly missing today or on all training days is left out; a training day
        on which it is wholly missing, because its window began before the log, does not count.

    Notes
    -----
    The population stability index is sum over bins of (q - p) log(q / p) with p the shares on the training days, q
    those today: tenths of the training days, ties together, what is missing apart. Each bin gets half a customer more,
    so that an empty one is no infinity. If nothing changed, PSI / (1/n + 1/m) is chi-square with B - 1 degrees of
    freedom for n and m independent customers [1]_; the same customers on both sides make it smaller.

    References
    ----------
    .. [1] Yurdakul, B. & Naranjo, J. (2020). Statistical properties of the population stability index. Journal of
       Risk Model Validation 14, 89-100.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = {day: pd.DataFrame({"spend_90": rng.gamma(2, size=500), "orders": rng.poisson(2, 500)}) for day in "ab"}
    >>> today = pd.DataFrame({"spend_90": rng.gamma(2, 2, size=500), "orders": rng.poisson(2, 500)})
    >>> drift(today, days, {"spend_90": "input", "orders": "input"})[["feature", "drifted"]]
        feature  drifted
    0  spend_90     True
    1    orders    False
    """
    rows = []
    for name, kind in kinds.items():
        present = today[name].to_numpy(dtype=float)
        past = [frame[name].to_numpy(dtype=float) for frame in days.values()]
        past = [values for values in past if not np.isnan(values).all()]
        if not past or np.isnan(present).all():
            continue
        edges = _edges(np.concatenate(past))
        counts = [_counts(values, edges) for values in past]
        psi = _psi(np.sum(counts, axis=0), _counts(present, edges))
        pairs = [_psi(counts[i], counts[j]) for i in range(len(counts)) for j in range(i)]
        customers = max(map(len, past))
        noise = float(chdtri(max(len(counts[0]) - 1, 1), 0.05)) * (1 / customers + 1 / len(present))
        between = max(pairs, default=0.0)
        rows.append((name, kind, psi, between, noise, psi > max(between, noise) + tolerance))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)


def _edges(values: FloatArray) -> FloatArray:
    """Return where tenths of the values end, equal ones together; a value lies below the first edge at or above it."""
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))


def _counts(values: FloatArray, edges: FloatArray) -> FloatArray:
    """Count the values in each bin, the missing in the last."""
    missing = np.isnan(values)
    inside = np.bincount(np.searchsorted(edges, values[~missing]), minlength=len(edges) + 1)
    return np.append(inside, missing.sum()).astype(float)


def _psi(before: FloatArray, after: FloatArray) -> float:
    p, q = ((counts + 0.5) / (counts.sum() + len(counts) / 2) for counts in (before, after))
    return float(np.sum((q - p) * np.log(q / p)))
