"""What was written of earlier days: the dated folders of score tables and plans, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd


def read_table(folder: Path, stem: str = "scores") -> pd.DataFrame:
    """Read what `write_files` wrote, from Parquet if it is there; from CSV numbers come rounded."""
    parquet = folder / f"{stem}.parquet"
    if parquet.exists():
        table: pd.DataFrame = pd.read_parquet(parquet)
        return table.assign(as_of=pd.to_datetime(table["as_of"]))
    return pd.read_csv(
        folder / f"{stem}.csv",
        dtype={"customer_id": "str"},
        parse_dates=["as_of"],
        keep_default_na=False,  # a customer may be called NA
        na_values=[""],
    )


class Kept(NamedTuple):
    """A folder of one day and version."""

    as_of: str
    version: int
    folder: Path


def kept(folder: Path) -> list[Kept]:
    """Return the dated folders of score tables (or plans) below `folder`, by day and version, the latest last."""
    found = [path.parent for path in folder.glob("as_of=*/version=*/manifest.json")]
    return sorted(Kept(path.parent.name[len("as_of=") :], int(path.name[len("version=") :]), path) for path in found)
