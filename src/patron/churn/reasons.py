"""Reasons in words: contributions of features summed by family, and the sentence that tells each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from patron.features.catalogue import feature_named
from patron.features.feature import Feature

WEAKEST: Final = 0.05
"""In log-odds: a family that moves the risk by less (about one percentage point at most) is no reason."""
OFFSET: Final = ("offset", "p_no_purchase", "p_alive", "expected_purchases")
"""The offset, and a stack's columns from the model that gave it: one story, the customer's own pace."""
_SHOWN: Final = {
    "money": "{value:,.2f}",
    "ratio": "{value:.1f} times",
    "time unit": "{value:,.1f} {unit}s",
    "share": "{value:.0%}",
    "number": "{value:g}",
}


def family_of(name: str) -> str:
    """Return the family of a feature; a column outside the catalogue is a family of its own."""
    if name in OFFSET:
        return "offset"
    feature = feature_named(name)
    return name if feature is None else feature.family


def by_family(contributions: pd.DataFrame) -> pd.DataFrame:
    """Sum contributions over families; `offset` and `baseline` stay columns of their own."""
    return pd.DataFrame({family: members.sum(axis=1) for family, members in _families(contributions).items()})


def in_words(rows: pd.DataFrame, contributions: pd.DataFrame, top: int) -> pd.DataFrame:
    """Name the families that raise each row's risk most; where none does, those that lower it most.

    Parameters
    ----------
    rows : DataFrame
        The features, for the values told.
    contributions : DataFrame
        One column a feature, `baseline`, and `offset` if there is one; log-odds.
    top : int
        Reasons a row.

    Returns
    -------
    DataFrame of str
        reason_1 to reason_{top}, the strongest first; '' where there is no further one.
    """
    families = [
        (members.columns, members.to_numpy()) for members in _families(contributions.drop(columns="baseline")).values()
    ]
    moved = np.column_stack([amounts.sum(axis=1) for _, amounts in families])
    raises = np.atleast_1d((moved >= WEAKEST).any(axis=1))
    strength = np.where(raises[:, None], moved, -moved)
    order = np.argsort(-strength, axis=1, kind="stable")
    unit = rows.attrs.get("unit", "time unit")
    told: list[list[str]] = []
    for i, row in enumerate(rows.to_dict("records")):
        words: dict[str, None] = {}
        for j in order[i][strength[i, order[i]] >= WEAKEST]:
            names, amounts = families[j]
            loudest = names[np.argmax(amounts[i] if raises[i] else -amounts[i])]
            words[_sentence(loudest, row, unit, raises=bool(raises[i]))] = None
        told.append([*words, *[""] * top][:top])
    return pd.DataFrame(told, index=rows.index, columns=[f"reason_{k + 1}" for k in range(top)], dtype=object)


def _families(contributions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    families: dict[str, list[str]] = {}
    for name in contributions.columns:
        families.setdefault(family_of(name), []).append(name)
    return {family: contributions[names] for family, names in families.items()}


def _sentence(name: str, row: dict[Any, Any], unit: str, *, raises: bool) -> str:
    fact = _pace(row, raises=raises) if name in OFFSET else _fact(name, row, unit)
    return f"{fact} ({'raises' if raises else 'lowers'} risk)"


def _pace(row: dict[Any, Any], *, raises: bool) -> str:
    """Say what the offset, the transaction model's verdict on pace and silence, found."""
    if not raises:
        return "expected to buy again at this customer's usual pace"
    if row.get("frequency") == 0:
        return "has not come back since the first purchase"
    if row.get("overdue_ratio", np.inf) <= 1:
        return "buys too seldom to be expected soon"
    return "silent longer than usual for this customer"


def _fact(name: str, row: dict[Any, Any], unit: str) -> str:
    value = row[name]
    feature = feature_named(name)
    if feature is None:
        return f"{name.replace('_', ' ')}: {'not known' if pd.isna(value) else format(value, 'g')}"
    if pd.isna(value):
        return _unknown(feature, row)
    if feature.unit == "yes or no":
        return feature.label if value else f"not {feature.label}"
    if feature.label.startswith(("days ", "purchases ")):
        return _counted(value, feature.label)
    return f"{feature.label}: {_SHOWN.get(feature.unit, '{value:,.0f}').format(value=value, unit=unit)}"


def _unknown(feature: Feature, row: dict[Any, Any]) -> str:
    """Say of a missing value what its being missing says."""
    subject = feature.family.rsplit(": ", 1)[-1]
    if feature.source == "customers":
        return f"{subject}: not known"
    if feature.name.endswith("_since"):
        return f"no {subject} so far"
    return "only one purchase so far" if row.get("frequency") == 0 else f"{feature.label}: not known"


def _counted(value: float, label: str) -> str:
    noun, rest = label.split(" ", 1)
    return f"{value:,.0f} {noun[:-1] if value == 1 else noun} {rest}"
