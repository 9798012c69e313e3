"""The scorings that were kept: which there are, when each matures, and whether it is as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron._core.files import digest, read_json

HORIZONS: Final = ("churn_horizon_days", "value_horizon_days")
NEEDED: Final = ("customer_id", "churn_probability", "expected_revenue")
GROUPS: Final = ("segment", "value_band", "churn_band")
"""Columns by which predictions are told apart, where a score table has them."""
MOST_DAYS: Final = 12
"""As-of days of a version that are held against what happened."""
_PLACE: Final = re.compile(r"as_of=(\d{4}-\d{2}-\d{2})/version=(\d+)")


@dataclass(frozen=True)
class Kept:
    """A scoring that was kept.

    Attributes
    ----------
    folder : Path
        Where its files and its manifest are.
    as_of : int
        Day number.
    version : int
        Of the bundle that scored.
    churn_horizon, value_horizon : int
        Days ahead.
    """

    folder: Path
    as_of: int
    version: int
    churn_horizon: int
    value_horizon: int

    def matures(self, task: str) -> int:
        """Return the day number at whose end the outcomes of 'churn' or 'value' are known."""
        return self.as_of + (self.churn_horizon if task == "churn" else self.value_horizon)

    def read(self) -> pd.DataFrame:
        """Read the predictions and what they are told apart by, a row a customer.

        Raises
        ------
        DataError
            The files are not those of the manifest, or cannot be read.
        """
        path = _table(self.folder)
        try:
            written = read_json(self.folder / "manifest.json")["files"][path.name]["sha256"]
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise DataError(f"{self.folder}: its manifest does not tell of {path.name}", fix="score again") from error
        if digest(path) != written:
            raise DataError(f"{path} changed since it was written", fix="score again, or restore a copy")
        return _read(path, [*NEEDED, *(name for name in GROUPS if name in _columns(path))])


def kept_scorings(folder: Path) -> tuple[list[Kept], list[str]]:
    """Find the scorings in ``folder/as_of=DAY/version=N/``.

    Parameters
    ----------
    folder : Path
        Where they are; it need not exist.

    Returns
    -------
    kept : list of Kept
        By as-of day, then version.
    told : list of str
        What looks like a scoring and is none, and why, in words.
    """
    kept, told = [], []
    for place in sorted(folder.glob("as_of=*/version=*")):
        try:
            kept.append(_kept(place))
        except DataError as error:
            told.append(f"{place.relative_to(folder)}: {error.message}")
    return sorted(kept, key=lambda one: (one.as_of, one.version)), told


def spread_out(scorings: Iterable[Kept], gap: int, most: int = MOST_DAYS) -> list[Kept]:
    """Take the latest scoring and, back from it, those at least `gap` days apart: others share nearly all outcomes.

    Examples
    --------
    >>> daily = [Kept(Path(), day, 1, 90, 365) for day in range(100, 130)]
    >>> [one.as_of for one in spread_out(daily, gap=10)]
    [109, 119, 129]
    """
    taken: list[Kept] = []
    for one in sorted(scorings, key=lambda one: -one.as_of):
        if len(taken) < most and (not taken or taken[-1].as_of - one.as_of >= gap):
            taken.append(one)
    return taken[::-1]


def _kept(place: Path) -> Kept:
    found = _PLACE.fullmatch(f"{place.parent.name}/{place.name}")
    if found is None:
        raise DataError("not the name of a scoring")
    if not (place / "manifest.json").is_file():
        raise DataError("half written, it has no manifest.json")
    try:
        manifest = read_json(place / "manifest.json")
        said = day_number(manifest["as_of"]), int(manifest["version"])
    except (ValueError, KeyError, TypeError, DataError) as error:
        raise DataError("its manifest.json cannot be read") from error
    if said != (day_number(found[1]), int(found[2])):
        raise DataError(f"its manifest.json tells of {date_of(said[0])}, version {said[1]}")
    churn, value = (int(days) for days in _read(_table(place), HORIZONS, rows=1).iloc[0])
    return Kept(place, *said, churn, value)


def _table(folder: Path) -> Path:
    """Return the file to read: Parquet, which keeps every digit, before CSV."""
    for name in ("scores.parquet", "scores.csv"):
        if (folder / name).is_file():
            return folder / name
    raise DataError("it holds neither scores.parquet nor scores.csv")


def _columns(path: Path) -> Sequence[str]:
    import pyarrow.parquet as pq  # noqa: PLC0415  # only the ledger pays for it

    names: Any = pq.read_schema(path).names if path.suffix == ".parquet" else pd.read_csv(path, nrows=0).columns
    return list(names)


def _read(path: Path, columns: Sequence[str], rows: int | None = None) -> pd.DataFrame:
    """Read some columns, of all rows or the first few."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        if path.suffix == ".csv":
            frame = pd.read_csv(path, usecols=list(columns), dtype=dict.fromkeys(("customer_id", *GROUPS), "str"),
                                nrows=rows, keep_default_na=False, na_values={"churn_probability": ""})  # fmt: skip
        elif rows is None:
            frame = pq.read_table(path, columns=list(columns)).to_pandas()
        else:
            with pq.ParquetFile(path) as file:
                frame = next(file.iter_batches(rows, columns=list(columns))).to_pandas()
    except (pa.ArrowException, ValueError, KeyError, StopIteration, OSError) as error:
        raise DataError(f"{path.name} cannot be read: {str(error).partition(chr(10))[0]}") from error
    if not len(frame):
        raise DataError(f"{path.name} has no rows")
    return frame[list(columns)]
