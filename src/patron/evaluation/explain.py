"""What a fitted recipe leans on: how much worse it gets where columns are shuffled, how it moves with one of them.

Both ask the recipe about held-out rows, whose outcome it was not fitted on: what only helped in training counts for
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import DataError, PatronError
from patron._core.progress import track
from patron.churn.reasons import family_of
from patron.metrics import Metric
from patron.recipes.protocol import Array, Fitted

HISTORY: Final = "purchase history"
"""The family of what transaction and spend models read together."""
_HISTORY: Final = ("frequency", "recency", "T", "monetary_value")
_HIGHEST: Final = 0.99
_BAND: Final = (0.1, 0.9)


def families(columns: Iterable[str]) -> dict[str, list[str]]:
    """Group columns by the family of their feature; one outside the catalogue is a family of its own.

    Frequency, recency, T and monetary value are one family, `purchase history`, whatever the catalogue says: the one
    of a customer and the other of another make a customer who cannot be, older at the last purchase than today.

    Examples
    --------
    >>> families(["frequency", "T", "gap_mean", "gap_max", "shoe_size"])
    {'purchase history': ['frequency', 'T'], 'rhythm': ['gap_mean', 'gap_max'], 'shoe_size': ['shoe_size']}
    """
    found: dict[str, list[str]] = {}
    for name in columns:
        found.setdefault(HISTORY if name in _HISTORY else family_of(name), []).append(name)
    return found


def permutation_importance(
    fitted: Fitted,
    rows: pd.DataFrame,
    actual: npt.ArrayLike,
    metric: Metric,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Tell how much the loss rises when columns are shuffled between the customers of the same as-of day.

    What a recipe does not need may be shuffled for nothing; so may each of two columns that say the same, which is why
    columns that tell one story are shuffled together.

    Parameters
    ----------
    fitted : Fitted
        A fitted recipe.
    rows : DataFrame
        Features of held-out rows, index (customer_id, as_of).
    actual : array (n,)
        What happened: 0 or 1, or spend.
    metric : Metric
        One of ``patron.metrics.METRICS[task]``.
    groups : mapping of str to list of str, optional
        The columns shuffled together, by name; those of each of `families(rows.columns)` when left out.
    repeats : int
        How often each group is shuffled.
    seed : int
        Of the shuffling, which is the same for each group.

    Returns
    -------
    DataFrame
        One row a group, the most important first: name, increase (mean rise of ``metric.loss``), spread (standard
        deviation of the rise over the repeats), loss (as it is, nothing shuffled), note. A group whose shuffled rows
        the recipe refuses has no increase, and `note` says why.

    Raises
    ------
    DataError
        A group names a column that is not there; the metric does not exist for these rows.

    References
    ----------
    .. [1] Breiman, L. (2001). Random forests. Machine Learning 45, 5-32.
    .. [2] Fisher, A., Rudin, C. & Dominici, F. (2019). All models are wrong, but many are useful. Journal of Machine
       Learning Research 20 (177), 1-81.

    Examples
    --------
    >>> from patron.metrics import METRICS
    >>> class Doubled:
    ...     def predict(self, rows):
    ...         return 2 * rows["spend_90"].to_numpy()
    >>> index = pd.MultiIndex.from_product([["1", "2", "3"], ["1998-03-31"]], names=["customer_id", "as_of"])
    >>> rows = pd.DataFrame({"spend_90": [0.0, 1.0, 5.0], "gap_mean": [3.0, 4.0, 5.0]}, index)
    >>> found = permutation_importance(Doubled(), rows, [0.0, 2.0, 10.0], METRICS["value"]["mae"])
    >>> found["name"].tolist(), found.set_index("name")["increase"].gt(0).tolist()
    (['spend', 'rhythm'], [True, False])
    """
    groups = families(rows.columns) if groups is None else groups
    absent = [name for columns in groups.values() for name in columns if name not in rows.columns]
    if absent:
        raise DataError("the rows have no such column", column=absent[0], fix="shuffle columns that are there")
    came = np.asarray(actual, dtype=float)

    def loss(predicted: Array) -> float:
        return float(metric.loss(metric.function(came, predicted)))

    now = loss(np.asarray(fitted.predict(rows), dtype=float))
    if not np.isfinite(now):
        raise DataError(f"{metric.label} does not exist for these rows", fix="take more rows, or another metric")
    orders = _orders(rows, repeats, seed)
    repeated = _repeated(rows, repeats)
    told = []
    for name, columns in track(groups.items(), "shuffling"):
        shuffled = repeated.assign(**{column: rows[column].to_numpy()[orders].ravel() for column in columns})
        rise, note = np.full(repeats, np.nan), ""
        try:
            rise = np.array([loss(one) for one in np.reshape(fitted.predict(shuffled), (repeats, -1))]) - now
        except PatronError as error:
            note = error.message
        told.append((name, rise.mean(), rise.std(ddof=1) if repeats > 1 else np.nan, now, note))
    table = pd.DataFrame(told, columns=["name", "increase", "spread", "loss", "note"])
    return table.sort_values("increase", ascending=False, kind="stable", ignore_index=True)


def partial_dependence(fitted: Fitted, rows: pd.DataFrame, feature: str, *, points: int = 12) -> pd.DataFrame:
    """Tell what a recipe would predict of the same customers, had all of them one value of a feature.

    Everything else stays as it is, be it possible together or not: where features move together in life, the curve
    tells of the recipe, not of the customers.

    Parameters
    ----------
    fitted : Fitted
        A fitted recipe.
    rows : DataFrame
        Features of held-out rows.
    feature : str
        A column of them.
    points : int
        How many values: all, if there are no more; else quantiles of the different values up to the 99th percentile.

    Returns
    -------
    DataFrame
        One row a value, ascending, a missing one last: feature, value, prediction (mean over the rows), low and high:
        where that mean would lie, did all customers move as the middle 80 % of them do, each from the mean of the own
        predictions over all values. The wider, the more it depends on the customer what the feature does [2]_.

    Raises
    ------
    DataError
        No such column. And what the recipe raises of rows that cannot be: frequency, recency, T and monetary value
        cannot move one without the other.

    References
    ----------
    .. [1] Friedman, J. H. (2001). Greedy function approximation: a gradient boosting machine. Annals of Statistics 29,
       1189-1232.
    .. [2] Goldstein, A., Kapelner, A., Bleich, J. & Pitkin, E. (2015). Peeking inside the black box. Journal of
       Computational and Graphical Statistics 24, 44-65.

    Examples
    --------
    >>> class Doubled:
    ...     def predict(self, rows):
    ...         return 2 * rows["gap_mean"].fillna(-1).to_numpy()
    >>> partial_dependence(Doubled(), pd.DataFrame({"gap_mean": [3.0, np.nan, 5.0]}), "gap_mean")
        feature  value  prediction   low  high
    0  gap_mean    3.0         6.0   6.0   6.0
    1  gap_mean    5.0        10.0  10.0  10.0
    2  gap_mean    NaN        -2.0  -2.0  -2.0
    """
    if feature not in rows.columns:
        raise DataError("the rows have no such column", column=feature, fix="take a feature that is there")
    values = _values(rows[feature], points)
    moved = _repeated(rows, len(values)).assign(**{feature: np.repeat(values, len(rows))})
    predicted = np.reshape(np.asarray(fitted.predict(moved), dtype=float), (len(values), -1))
    low, high = np.quantile(predicted - predicted.mean(axis=0), _BAND, axis=1) + predicted.mean()
    return pd.DataFrame(
        {"feature": feature, "value": values, "prediction": predicted.mean(axis=1), "low": low, "high": high}
    )


def _orders(rows: pd.DataFrame, repeats: int, seed: int) -> npt.NDArray[np.intp]:
    """Return positions that shuffle the rows of each as-of day among themselves: (repeats, n)."""
    day = pd.factorize(rows.index.get_level_values("as_of"))[0]
    random = np.random.default_rng(seed)
    placed = np.argsort(day, kind="stable")
    orders = np.empty((repeats, len(rows)), dtype=np.intp)
    for order in orders:
        order[placed] = np.lexsort((random.random(len(rows)), day))
    return orders


def _repeated(rows: pd.DataFrame, times: int) -> pd.DataFrame:
    """Return the rows one time after the other; a recipe tells of a row what it tells of it alone."""
    repeated = rows.iloc[np.tile(np.arange(len(rows)), times)]
    repeated.attrs = dict(rows.attrs)
    return repeated


def _values(column: pd.Series, points: int) -> npt.NDArray[np.generic]:
    """Return the values at which to look, in the column's own type."""
    known = column.dropna()
    values = np.unique(known)
    if len(values) > points:
        usual = values[values <= np.quantile(known, _HIGHEST)]
        values = np.unique(np.quantile(usual, np.linspace(0, 1, points), method="nearest"))
    return np.append(values, np.nan) if column.isna().any() else values
