"""What a scoring says in the fields of a target: which go there under which names, rounded, and what each row says."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError, DataError
from patron.delivery.target import Field
from patron.scoring.table import COLUMNS, columns_of

Where = Callable[[str], str]
"""Tells the place of a key below the target's section, like 'fields.clv'."""

PROVENANCE: Final = ("as_of", "model_version", "run_id", "scored_at", "row_hash")
"""Say where a row is from: they go along with what changed, and by themselves are no change."""
MISSING: Final = np.iinfo("int64").min
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, eq=False)
class Rows:
    """A scoring as a target is told it; two rows say the same if `said` and `numbers` are equal.

    Attributes
    ----------
    fields : tuple of Field
    table : DataFrame
        Of a scoring, indexed by customer_id.
    said : ndarray of uint64, shape (n, 2)
        The fields that are no floats, provenance left out, and the names of all fields: the sum of 16 bytes of
        SHA-256 each.
    numbers : ndarray of int64, shape (n, floats)
        The fields that are floats, as counts of their last decimal.
    bands : ndarray of str, shape (n,)
        The churn bands, delivered or not; empty where the scoring has none.
    """

    fields: tuple[Field, ...]
    table: pd.DataFrame
    said: np.ndarray
    numbers: np.ndarray
    bands: np.ndarray

    @property
    def floats(self) -> list[Field]:
        """The fields of `numbers`."""
        return [field for field in self.fields if field.decimals is not None]

    def frame(self, chosen: np.ndarray) -> pd.DataFrame:
        """Return the rows at these positions as `Target` takes them."""
        rows = self.table.iloc[chosen]
        told: dict[str, Any] = {}
        at = {field.name: place for place, field in enumerate(self.floats)}
        for field in self.fields:
            if field.decimals is not None:
                values = _floats(self.numbers[chosen, at[field.name]], field.decimals)
            else:
                values = _plain(_values(rows, field), field)
            told[field.name] = pd.Series(values, rows.index, dtype=values.dtype)  # pandas would make None NaN
        return pd.DataFrame(told)


def fields_of(names: Mapping[str, str], present: Iterable[str], currency: str, where: Where) -> tuple[Field, ...]:
    """Return the fields that a section asks for, customer_id the first, then in the order of the score table.

    Parameters
    ----------
    names : mapping of str to str
        Column of the score table: its name there; all that are present under their own names if empty.
    present : iterable of str
        The columns of the scores at hand.
    currency : str
        Of their money.
    where : function
        Tells the place of a key of the section.

    Raises
    ------
    ConfigError
        A column that no score table has, or these scores have not; a name that is empty or given twice.
    DataError
        Scores without customer_id.

    Examples
    --------
    >>> [f.name for f in fields_of({"clv": "CLV__c"}, ["customer_id", "clv"], "EUR", str)]
    ['customer_id', 'CLV__c']
    """
    present = set(present)
    if "customer_id" not in present:
        raise DataError("the scores do not say whose they are", column="customer_id", fix="patron score anew")
    known = [column.name for column in COLUMNS]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
            raise ConfigError(f"{where(f'fields.{name}')}: no score table has a column {name!r}", fix=hint)
        if name not in present:
            raise ConfigError(
                f"{where(f'fields.{name}')}: these scores have no column {name!r}",
                fix="train anew if the champion is older than the column, or remove the field",
            )
    asked = {"customer_id": "customer_id", **names} if names else {name: name for name in known if name in present}
    taken: dict[str, str] = {}
    for column, name in asked.items():
        if not name.strip():
            raise ConfigError(f"{where(f'fields.{column}')}: the field has no name", fix="write its name there")
        if name in taken:
            raise ConfigError(
                f"{where(f'fields.{column}')}: {taken[name]} and {column} are both called {name!r} there",
                fix="give each a name of its own",
            )
        taken[name] = column
    return tuple(Field(column, asked[column.name], column.decimals(currency)) for column in columns_of(asked))


def rows_of(table: pd.DataFrame, fields: tuple[Field, ...]) -> Rows:
    """Round the fields of a score table and hash what each row says; a DataError for a customer who occurs twice."""
    table = table.set_index("customer_id")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()]
        raise DataError("scored twice", column="customer_id", count=len(twice), example=twice[0], fix="score anew")
    plain = [
        field for field in fields if field.decimals is None and field.column.name not in ("customer_id", *PROVENANCE)
    ]
    floats = [field for field in fields if field.decimals is not None]
    bands = table["churn_band"].to_numpy(dtype=object) if "churn_band" in table else np.full(len(table), "", object)
    return Rows(
        fields=fields,
        table=table,
        said=_said(table, plain, _SEPARATOR.join(f"{field.name}:{field.decimals}" for field in fields)),
        numbers=np.column_stack([_steps(table[field.column.name], field.decimals or 0) for field in floats])
        if floats
        else np.empty((len(table), 0), dtype="int64"),
        bands=bands,
    )


def _said(table: pd.DataFrame, plain: list[Field], layout: str) -> np.ndarray:
    """Add up, field by field, what each distinct value hashes to: they are few, customers many."""
    said = np.tile(_hashed(layout), (len(table), 1))
    for field in plain:
        codes, levels = pd.factorize(table[field.column.name], use_na_sentinel=False)
        words = ["" if pd.isna(level) else str(level) for level in levels]
        said += np.array([_hashed(f"{field.name}{_SEPARATOR}{word}") for word in words]).reshape(-1, 2)[codes]
    return said


def _hashed(text: str) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u8")


def _steps(values: pd.Series, decimals: int) -> np.ndarray:
    exact = values.to_numpy(dtype="float64", na_value=np.nan)
    missing = np.isnan(exact)
    return np.where(missing, MISSING, np.rint(np.where(missing, 0.0, exact) * 10.0**decimals).astype("int64"))


def _floats(steps: np.ndarray, decimals: int) -> np.ndarray:
    numbers = steps / 10.0**decimals
    if not (steps == MISSING).any():
        return numbers
    held = numbers.astype(object)
    held[steps == MISSING] = None
    return held


def _values(rows: pd.DataFrame, field: Field) -> pd.Series:
    return rows.index.to_series() if field.column.name == "customer_id" else rows[field.column.name]


def _plain(values: pd.Series, field: Field) -> np.ndarray:
    """Return days, stamps, counts and text as Python has them, None for what is missing."""
    if field.column.kind in ("day", "stamp"):
        codes, moments = pd.factorize(values)
        told: list[Any] = [None] * (len(moments) + 1)
        told[:-1] = [
            moment.date() if field.column.kind == "day" else moment.tz_convert("UTC").to_pydatetime()
            for moment in map(pd.Timestamp, moments)
        ]
        held = np.empty(len(told), dtype=object)
        held[:] = told
        return held[codes]
    missing = values.isna().to_numpy()
    if not missing.any():
        return values.to_numpy()
    held = values.to_numpy(dtype=object, copy=True)
    held[missing] = None
    return held
