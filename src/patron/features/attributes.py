"""A plain table of attributes, one row a customer, as features and label."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from patron._core.errors import DataError, DataWarning
from patron.data import columns
from patron.data.columns import Column
from patron.data.engines import connect
from patron.data.entry import enter
from patron.data.sides import MOST_LEVELS
from patron.data.sources import engine_errors, open_source
from patron.features.holdout import refuse_repeats
from patron.features.named import of_attribute
from patron.features.per_customer import fetch
from patron.features.subscribers import one_hot


def attribute_frame(
    table: Any, label: str = "Churn", positive: Any = "Yes", customer_id: str = "customerID"
) -> tuple[pd.DataFrame, pd.Series]:
    """Make features and label of a table that has one row a customer and no dates.

    Parameters
    ----------
    table : frame, path, glob, URL or ibis.Table
        One row a customer.
    label : str
        The column that tells who left.
    positive : object
        Its value for whoever did.
    customer_id : str
        The column that identifies the customer.

    Returns
    -------
    X : DataFrame, shape (n, features)
        float64, indexed by customer_id (text) and sorted by it; named as `features` names attributes of
        customers, so that reasons read alike. Numbers are ``customer_NAME``, also where text holds nothing but numbers
        and blanks, and yes-or-no columns as 1 and 0; a text of up to 20 levels is ``customer_NAME=LEVEL``, the most
        frequent first. What is missing or blank is NaN. attrs: customer_id, attributes (each column and its levels, a
        number's none).
    y : Series, shape (n,)
        churned (int8).

    Raises
    ------
    DataError
        A column that is absent; a customer twice or missing; a label that is missing, takes other than two values or
        never `positive`; nothing that can be a feature.

    Warns
    -----
    DataWarning
        Blanks among numbers, which are taken as missing; a column of dates or of more than 20 levels, which is left
        out.

    See Also
    --------
    attributes_like : the features of other customers, to be scored by a model fitted on these.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "customerID": ["a", "b", "c"],
    ...         "tenure": [1, 24, 60],
    ...         "Contract": ["monthly", "monthly", "yearly"],
    ...         "Churn": ["Yes", "No", "No"],
    ...     }
    ... )
    >>> X, y = attribute_frame(table)
    >>> X.T
    customer_id                  a     b     c
    customer_tenure            1.0  24.0  60.0
    customer_Contract=monthly  1.0   1.0   0.0
    customer_Contract=yearly   0.0   0.0   1.0
    >>> y.to_list()
    [1, 0, 0]
    """
    rows = _read(table, customer_id, None, label)
    y = _label(rows.pop(label), positive)
    attributes: dict[str, list[str]] = {}
    for name in list(rows.columns):
        number = _numbers(rows[name])
        levels = [] if number is not None else _levels(rows[name])
        if number is None and not 0 < len(levels) <= MOST_LEVELS:
            _warn_useless(rows[name])
            continue
        rows[name] = rows[name] if number is None else number
        attributes[name] = levels
    if not attributes:
        raise DataError("no column can be a feature", fix="give numbers, or text of few levels")
    return _encoded(rows, attributes, customer_id), y


def attributes_like(X: pd.DataFrame, table: Any) -> pd.DataFrame:
    """Make the features of other customers as those of X were made.

    Parameters
    ----------
    X : DataFrame
        As `attribute_frame` gives it, or a part of it that has kept its attrs.
    table : frame, path, glob, URL or ibis.Table
        One row a customer with the same columns; a label is not needed.

    Returns
    -------
    DataFrame
        The columns and attrs of X.

    Raises
    ------
    DataError
        An X without attrs; a column that is absent, or no number where X has one; a customer twice or missing.

    Warns
    -----
    DataWarning
        Levels that X does not have: such a customer has none of its levels. And blanks among numbers.

    Examples
    --------
    >>> known = pd.DataFrame({"customerID": ["a", "b"], "Contract": ["monthly", "yearly"], "Churn": ["Yes", "No"]})
    >>> X, y = attribute_frame(known)
    >>> attributes_like(X, pd.DataFrame({"customerID": ["c"], "Contract": ["yearly"]}))
                 customer_Contract=monthly  customer_Contract=yearly
    customer_id
    c                                  0.0                       1.0
    """
    if "attributes" not in X.attrs:
        raise DataError("X does not say how it was made", fix="give the X of attribute_frame, attrs and all")
    attributes, customer_id = X.attrs["attributes"], X.attrs["customer_id"]
    rows = _read(table, customer_id, list(attributes), None)
    for name, levels in attributes.items():
        if levels:
            _warn_unseen(rows[name], levels)
            continue
        number = _numbers(rows[name])
        if number is None:
            wrong = rows[name][pd.to_numeric(rows[name], errors="coerce").isna()]
            raise DataError("not a number", column=name, example=str(wrong.iloc[0]), fix="correct it")
        rows[name] = number
    return _encoded(rows, attributes, customer_id)


def _read(table: Any, customer_id: str, names: Sequence[str] | None, label: str | None) -> pd.DataFrame:
    """Read the columns named, or all, indexed by customer; blank text is missing."""
    engine = connect()
    opened = open_source(table, engine)
    opened.require([customer_id, *([label] if label else []), *(names or [])], " of customers")
    wanted = [name for name in names or opened.columns if name not in (customer_id, "customer_id")]
    with engine_errors(opened.name):
        raw = opened.take([customer_id, *wanted])
        taken = {"customer_id": columns.identifier(raw[customer_id])}
        rows, _ = enter(raw, taken | {name: Column(raw[name], raw[name]) for name in wanted}, opened.engine)
        frame = fetch(rows, ["customer_id"]).set_index("customer_id")
    refuse_repeats(frame.index)
    return frame.apply(_unblanked)


def _unblanked(values: pd.Series) -> pd.Series:
    """Texts without the blanks around them; missing where nothing is left."""
    if not pd.api.types.is_string_dtype(values):
        return values
    texts = values.str.strip()
    return texts.mask(texts == "")


def _label(values: pd.Series, positive: Any) -> pd.Series:
    name = str(values.name)
    if values.isna().any():
        raise DataError("is missing", column=name, count=int(values.isna().sum()), fix="leave these rows out")
    wanted = str(positive) if pd.api.types.is_string_dtype(values) else positive
    found = list(values.unique())
    if len(found) != 2 or wanted not in found:
        raise DataError(
            f"a label takes two values, one of them {wanted!r}",
            column=name,
            example=", ".join(map(str, found[:3])),
            fix="name the value of who left with positive=, and leave other rows out",
        )
    return (values == wanted).astype("int8").rename("churned")


def _numbers(values: pd.Series) -> pd.Series | None:
    """Read numbers, yes and no, and text that holds nothing but numbers and blanks; None where there is anything else.

    A column of which everything is missing is a number's.
    """
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return _finite(values.astype("float64"))
    if pd.api.types.is_datetime64_any_dtype(values):
        return None
    number, blank = pd.to_numeric(values, errors="coerce").astype("float64"), values.isna()
    if (number.isna() & ~blank).any():
        return None
    if blank.any():
        warnings.warn(
            f"column {values.name!r} holds numbers in text, {int(blank.sum()):,} of {len(values):,} blank: taken as "
            f"missing, for example of customer {values.index[blank][0]!r}",
            DataWarning,
            stacklevel=3,
        )
    return _finite(number)


def _finite(values: pd.Series) -> pd.Series:
    endless = np.isinf(values)
    if endless.any():
        raise DataError("is infinite", column=str(values.name), count=int(endless.sum()), fix="correct these rows")
    return values


def _levels(values: pd.Series) -> list[str]:
    """Return the texts of a column, the most frequent first, equally frequent ones by code point."""
    if not pd.api.types.is_string_dtype(values.dropna()):
        return []
    times = values.value_counts()
    return sorted(times.index, key=lambda level: (-times[level], level))


def _encoded(rows: pd.DataFrame, attributes: dict[str, list[str]], customer_id: str) -> pd.DataFrame:
    made: dict[str, pd.Series] = {}
    for name, levels in attributes.items():
        values = rows[name]
        made |= one_hot(values, name, levels) if levels else {of_attribute(name).name: values}
    frame = pd.DataFrame(made, index=rows.index)
    frame.attrs = {"customer_id": customer_id, "attributes": attributes}
    return frame


def _warn_useless(values: pd.Series) -> None:
    kind = "more than 20 levels of text" if _levels(values) else f"{values.dtype}"
    warnings.warn(
        f"column {values.name!r} holds {kind} and is left out: give numbers, or few levels", DataWarning, stacklevel=3
    )


def _warn_unseen(values: pd.Series, levels: Sequence[str]) -> None:
    unseen = values.notna() & ~values.isin(levels)
    if unseen.any():
        warnings.warn(
            f"column {values.name!r}: {int(unseen.sum()):,} customers have a level that was not seen before, for "
            f"example {values[unseen].iloc[0]!r}: they have none of the levels known",
            DataWarning,
            stacklevel=3,
        )
