"""What was written of earlier days: the dated folders of score tables and plans, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from patron._core.errors import DataError
from patron._core.files import digest, read_json


def read_table(folder: Path, stem: str = "scores") -> pd.DataFrame:
    """Read what `write_files` wrote, from Parquet if it is there; from CSV numbers come rounded."""
    parquet = folder / f"{stem}.parquet"
    if parquet.exists():
        table: pd.DataFrame = pd.read_parquet(parquet)
        return table.assign(as_of=pd.to_datetime(table["as_of"]))
    return pd.read_csv(
        folder / f"{stem}.csv",
        dtype={"customer_id": "str"},
        parse_dates=[name for name in ("as_of", "scored_at") if name in pd.read_csv(folder / f"{stem}.csv", nrows=0)],
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


def latest(out: Path) -> Kept:
    """Return the latest scores below out/NAME; a DataError if there are none."""
    place = out / "latest.json"
    if not place.exists():
        raise DataError(f"no scores at {out}", fix="patron run, or patron score, first")
    told = read_json(place)
    return Kept(told["as_of"], told["version"], out / told["folder"])


def proven(folder: Path) -> dict[str, Any]:
    """Return the manifest of scores, after proving that `read_table` reads what the scoring wrote.

    Raises
    ------
    DataError
        A file is missing, or is not as it was written.
    """
    try:
        manifest: dict[str, Any] = read_json(folder / "manifest.json")
        name = max(manifest["files"], key=lambda name: name.endswith(".parquet"))
        whole = digest(folder / name) == manifest["files"][name]["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"the scores in {folder} are not whole: {error}", fix="patron score writes them anew"
        ) from error
    if not whole:
        raise DataError(f"{folder / name} is not what the scoring wrote", fix="patron score writes it anew")
    return manifest
