"""A split of customers at random, which says of itself that it knows no time."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError, DataError

NOT_TEMPORAL: Final = (
    "not temporal: customers drawn at random within each class; nothing here tells how a model holds up later"
)
"""What a frame that was split at random says of itself, as ``attrs["split"]``."""


def stratified_split(
    X: pd.DataFrame, y: pd.Series, test: float = 0.25, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """Hold out a share of the customers of each class, drawn at random.

    Where rows are dated, train on earlier days and test on later ones instead: a random split lets a model learn from
    the very weeks that it is tested on.

    Parameters
    ----------
    X : DataFrame, shape (n, features)
        One row a customer.
    y : Series, shape (n,)
        Their classes.
    test : float
        The share held out, above 0 and below 1.
    seed : int
        Of the draw.

    Returns
    -------
    X_train, X_test : DataFrame
        In the order of X; attrs those of X and `split`, which says 'not temporal'.
    y_train, y_test : Series
        The same rows of y, with `split` too.

    Raises
    ------
    ConfigError
        `test` is no such share.
    DataError
        Unequal lengths; a customer in several rows; a class missing, or too small to have a customer on each side.

    Examples
    --------
    >>> X, y = pd.DataFrame({"tenure": range(8)}), pd.Series([0, 0, 0, 0, 1, 1, 1, 1])
    >>> X_train, X_test, y_train, y_test = stratified_split(X, y)
    >>> len(X_train), y_test.tolist(), X_test.attrs["split"][:12]
    (6, [0, 1], 'not temporal')
    """
    if not 0 < test < 1:
        raise ConfigError(f"test is a share between 0 and 1, not {test!r}", fix="0.25 holds out a quarter")
    if len(X) != len(y):
        raise DataError(f"X has {len(X):,} rows, y {len(y):,}", fix="give one outcome a row")
    refuse_repeats(X.index)
    outcome = np.asarray(y)
    if pd.isna(outcome).any():
        raise DataError("an outcome is missing", count=int(pd.isna(outcome).sum()), fix="leave these rows out")
    random = np.random.default_rng(seed)
    held = np.zeros(len(X), dtype=bool)
    for value in np.unique(outcome):
        rows = np.flatnonzero(outcome == value)
        if len(rows) < 2:
            raise DataError("a class of one customer", example=str(value), fix="leave it out")
        share = min(max(round(test * len(rows)), 1), len(rows) - 1)
        held[random.permutation(rows)[:share]] = True
    parts = (X[~held], X[held], y[~held], y[held])
    for part in parts:
        part.attrs = {**part.attrs, "split": NOT_TEMPORAL}
    return parts


def refuse_repeats(index: pd.Index) -> None:
    """Refuse a customer in more than one row."""
    customers = index.get_level_values("customer_id") if "customer_id" in index.names else index
    repeated = customers.duplicated(keep=False)
    if repeated.any():
        raise DataError(
            "occurs in more than one row",
            column=str(customers.name),
            count=int(repeated.sum()),
            example=str(customers[repeated][0]),
            fix="give one row a customer; rows of several days are parted by day",
        )
