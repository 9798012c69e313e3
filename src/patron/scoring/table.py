"""The score table: its columns, what they mean, the hash of a row, and the folder it is written to; no model here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from patron._core.errors import DataError
from patron._core.files import digest, whole_folder, write_json
from patron._core.money import minor_units

Kind = Literal["text", "day", "stamp", "count", "number", "money", "flag"]
Format = Literal["parquet", "csv"]

NUMBER_DECIMALS: Final = 6
"""Probabilities and expected counts carry six decimals in CSV and in the row hash, money those of its currency."""


@dataclass(frozen=True)
class Column:
    """A column of the score table.

    Attributes
    ----------
    name : str
        As it stands in the files.
    kind : {'text', 'day', 'stamp', 'count', 'number', 'money', 'flag'}
        What it holds; numbers and money are floats, in Parquet with all their digits. The score table has no flag.
    unit : str
        What it is measured in; empty for text.
    description : str
        One sentence for the data dictionary.
    """

    name: str
    kind: Kind
    unit: str
    description: str

    def decimals(self, currency: str) -> int | None:
        """How many decimals the column keeps in CSV and in the row hash; None where it holds no float.

        Examples
        --------
        >>> Column("clv", "money", "currency", "").decimals("JPY")
        0
        """
        if self.kind == "number":
            return NUMBER_DECIMALS
        return len(str(minor_units(currency))) - 1 if self.kind == "money" else None


COLUMNS: Final = (
    Column("customer_id", "text", "", "The customer, as text: leading zeros are kept."),
    Column("as_of", "day", "day", "The last day seen; everything below looks ahead from its end."),
    Column("churn_horizon_days", "count", "days", "H: a customer who buys nothing in the next H days has churned."),
    Column("churn_probability", "number", "probability", "Of no purchase in the next H days."),
    Column("churn_band", "text", "", "The churn probability in words: the highest band whose cut it reaches, or low."),
    Column(
        "p_alive",
        "number",
        "probability",
        "Of still being a customer, says the transaction model; not the opposite of churn. "
        "Empty where the model says 1 of every customer without a repeat purchase.",
    ),
    Column("value_horizon_days", "count", "days", "The days ahead over which the customer is valued."),
    Column("expected_purchases", "number", "purchases", "Expected over the value horizon."),
    Column("spend_per_purchase", "money", "currency", "Expected of one purchase."),
    Column(
        "expected_revenue", "money", "currency", "Expected over the value horizon, neither discounted nor margined."
    ),
    Column("clv", "money", "currency", "Residual value over the value horizon, discounted, times the margin."),
    Column("clv_basis", "text", "", "What clv counts: horizon, margin, annual effective discount rate."),
    Column(
        "value_if_retained",
        "money",
        "currency",
        "Worth over the value horizon if kept: expected purchases given that the customer stays x spend x margin.",
    ),
    Column(
        "value_band", "text", "", "CLV in words: high, the few who hold half of all value at training; medium; low."
    ),
    Column("segment", "text", "", "By recency, frequency and mean spend, cut where training's customers were."),
    Column("recommended_action", "text", "", "What the value band and the churn band ask for, in words."),
    Column(
        "contact_profit",
        "money",
        "currency",
        "Expected of contacting the customer, by the configuration's `plan`: value saved less incentive and cost.",
    ),
    Column("reason_1", "text", "", "What raises this customer's churn risk the most; empty where none was asked for."),
    Column("reason_2", "text", "", "The second reason."),
    Column("reason_3", "text", "", "The third reason."),
    Column("model_version", "text", "", "The bundle that scored: NAME/VERSION."),
    Column("run_id", "text", "", "The run that scored, if it had a name."),
    Column("scored_at", "stamp", "UTC", "When the row was scored."),
    Column("row_hash", "text", "", "Of all columns but run_id and scored_at: it moves when a value to be sent does."),
)
REASONS: Final = ("reason_1", "reason_2", "reason_3")
DECIDED: Final = ("value_if_retained", "value_band", "segment", "recommended_action", "contact_profit")
"""What a bundle without segments.json leaves out."""
WHEN: Final = ("run_id", "scored_at")
"""What differs between two runs over the same data; hashes and digests leave it out."""
_BY_NAME: Final = {column.name: column for column in COLUMNS}
_SEPARATOR: Final = "\x1f"
_BLOCK: Final = 8_192
"""Rows hashed at a time: their texts stay in cache."""


def columns_of(names: Iterable[str]) -> list[Column]:
    """Return the columns of these names, in the table's order; a DataError for one that the score table has not.

    Examples
    --------
    >>> [column.name for column in columns_of(["clv", "customer_id"])]
    ['customer_id', 'clv']
    """
    names = list(names)
    for name in names:
        if name not in _BY_NAME:
            raise DataError("not a column of the score table", column=name, fix=f"one of {', '.join(_BY_NAME)}")
    return [column for column in COLUMNS if column.name in names]


def row_hashes(table: pd.DataFrame, currency: str) -> list[str]:
    r"""Hash what each row says.

    The fields, in the table's order and without run_id, scored_at and row_hash, are joined by U+001F: days as
    YYYY-MM-DD, numbers as whole counts of their last decimal (money in minor units), missing ones empty. The hash is
    the first 32 hexadecimal digits of the SHA-256 of that text in UTF-8.

    Parameters
    ----------
    table : DataFrame
        A score table.
    currency : str
        ISO 4217; it says how many decimals money has.

    Returns
    -------
    list of str
        One a row.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["007"], "churn_probability": [0.25], "clv": [9.999]})
    >>> row_hashes(table, "EUR") == [hashlib.sha256(b"007\x1f250000\x1f1000").hexdigest()[:32]]
    True
    """
    columns = [column for column in columns_of(table.columns) if column.name not in {*WHEN, "row_hash"}]
    text = _SEPARATOR.join(["%s"] * len(columns))
    hashes: list[str] = []
    for start in range(0, len(table), _BLOCK):
        block = table.iloc[start : start + _BLOCK]
        rows = zip(*(_hashable(block[column.name], column, currency) for column in columns), strict=True)
        hashes += [hashlib.sha256((text % row).encode()).hexdigest()[:32] for row in rows]
    return hashes


def content_digest(table: pd.DataFrame) -> str:
    """SHA-256 of what the table says, whatever the order of its rows and the time of its making."""
    names = [name for name in table.columns if name not in WHEN]
    return hashlib.sha256("\n".join([*names, *sorted(table["row_hash"].tolist())]).encode()).hexdigest()


def write_scores(
    table: pd.DataFrame,
    folder: Path,
    *,
    name: str,
    version: int,
    currency: str,
    formats: Sequence[Format] = ("parquet", "csv"),
    campaign: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
) -> Path:
    """Write a score table to ``folder/as_of=YYYY-MM-DD/version=N/``, whole or not at all.

    Parquet keeps every digit. CSV rounds as the row hash does; its text is quoted, its missing values are empty.

    Parameters
    ----------
    table : DataFrame
        What `Scorer.score` returns; one as-of day.
    folder : Path
        Where the dated folders are.
    name, version
        Of the bundle that scored.
    currency : str
        Of the money columns.
    formats : sequence of {'parquet', 'csv'}
        The files written.
    campaign : mapping, optional
        What contact_profit reckons with; the manifest keeps it.
    base : mapping, optional
        What the base is worth together, between which bounds; kept likewise.

    Returns
    -------
    Path
        The folder that holds scores.parquet, scores.csv and manifest.json.

    Raises
    ------
    DataError
        An empty table, more than one as-of day, or a column that the score table has not.
    OSError
        The disk refused; an earlier folder of that day and version stands untouched.
    """
    columns = columns_of(table.columns)
    days = sorted({str(day.date()) for day in table["as_of"].unique()})
    if len(days) != 1:
        raise DataError(
            f"a score table is of one day, this one of {len(days)}", column="as_of", fix="write each day by itself"
        )
    place = folder / f"as_of={days[0]}" / f"version={version}"
    with whole_folder(place) as draft:
        files = write_files(table, draft / "scores", columns, currency, formats)
        write_json(
            draft / "manifest.json",
            {
                "format": 1,
                "name": name,
                "version": version,
                "as_of": days[0],
                "rows": len(table),
                "currency": currency,
                "content": content_digest(table),
                "columns": [vars(column) for column in columns],
                "files": files,
                **{key: dict(told) for key, told in (("campaign", campaign), ("base", base)) if told},
                "run_id": table["run_id"].iloc[0],
                "scored_at": table["scored_at"].iloc[0].isoformat(),
            },
        )
    return place


def write_files(
    table: pd.DataFrame, stem: Path, columns: list[Column], currency: str, formats: Sequence[Format]
) -> dict[str, dict[str, Any]]:
    """Write a table as ``stem.parquet`` and ``stem.csv``; returns each file's name with its digest and size."""
    exact = arrow_table(table, columns)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in sorted(set(formats))]
    for path in paths:
        _WRITERS[path.suffix[1:]](exact, path, columns, currency)
    return {path.name: {"sha256": digest(path), "bytes": path.stat().st_size} for path in paths}


def _hashable(values: pd.Series, column: Column, currency: str) -> list[Any]:
    """Return a column as values whose `%s` is their text in the hash."""
    if column.kind == "day":
        codes, days = pd.factorize(values)
        return list(np.array([str(day.date()) for day in days], dtype=object)[codes])
    decimals = column.decimals(currency)
    missing = values.isna().to_numpy()
    if decimals is None:
        fields = values.tolist()
    else:
        steps = np.rint(np.nan_to_num(values.to_numpy(dtype="float64")) * 10.0**decimals)
        fields = steps.astype("int64").tolist()
    return ["" if gone else field for field, gone in zip(fields, missing, strict=True)] if missing.any() else fields


def arrow_table(table: pd.DataFrame, columns: list[Column]) -> Any:
    """Return a table as Arrow, each column of the type its kind says."""
    import pyarrow as pa  # noqa: PLC0415  # a served model scores without it

    types = {
        "text": pa.string(),
        "day": pa.date32(),
        "stamp": pa.timestamp("us", tz="UTC"),
        "count": pa.int32(),
        "number": pa.float64(),
        "money": pa.float64(),
        "flag": pa.bool_(),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    stamps = {column.name: table[column.name].dt.tz_convert(None) for column in columns if column.kind == "stamp"}
    table = table.assign(**stamps)  # pyarrow's way from a zoned series is deprecated in pandas
    return pa.Table.from_pandas(table, schema=schema, preserve_index=False).replace_schema_metadata(None)


def _write_parquet(exact: Any, path: Path, columns: list[Column], currency: str) -> None:
    del columns, currency
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(exact, path, compression="zstd")


def _write_csv(exact: Any, path: Path, columns: list[Column], currency: str) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.csv  # noqa: PLC0415

    for place, column in enumerate(columns):
        decimals = column.decimals(currency)
        if decimals is not None:
            numbers = exact.column(place).to_numpy()
            rounded = pa.array(np.rint(numbers * 10.0**decimals) / 10.0**decimals, from_pandas=True)
            exact = exact.set_column(place, column.name, rounded.cast(pa.decimal128(24, decimals)))
        elif column.kind == "stamp":
            exact = exact.set_column(place, column.name, exact.column(place).cast(pa.timestamp("s", tz="UTC")))
    pyarrow.csv.write_csv(exact, path, pyarrow.csv.WriteOptions(quoting_style="needed"))


_WRITERS: Final = {"parquet": _write_parquet, "csv": _write_csv}
