"""Kept scorings: found by day and version, and proven whole before anybody relies on them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from patron._core.errors import DataError
from patron._core.files import digest, read_json
from patron.config import Config
from patron.delivery.state import Scores


def read_scores(config: Config, kept: str | None = None) -> tuple[pd.DataFrame, Scores, str]:
    """Read the latest scores, or kept ones of a day, proven whole.

    Parameters
    ----------
    config : Config
    kept : str, optional
        ``AS_OF`` (the highest version of that day) or ``AS_OF/VERSION``.

    Returns
    -------
    table : DataFrame
        The score table.
    scoring : Scores
        Which.
    currency : str
        Of its money.

    Raises
    ------
    DataError
        There are none, or their files are not those that the scoring wrote.
    """
    folder = _latest(config) if kept is None else _kept(config, kept)
    try:
        manifest = read_json(folder / "manifest.json")
        files = {folder / name: written["sha256"] for name, written in manifest["files"].items()}
        path = max(files, key=lambda path: path.suffix == ".parquet")
        whole = digest(path) == files[path]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"the scores in {folder} are not whole: {error}", fix="patron score writes them anew"
        ) from error
    if not whole:
        raise DataError(f"{path} is not what the scoring wrote", fix="patron score writes it anew")
    scoring = Scores(manifest["as_of"], manifest["version"], manifest["content"])
    return _read(path), scoring, manifest["currency"]


def _latest(config: Config) -> Path:
    latest = config.out / "latest.json"
    if not latest.exists():
        raise DataError(f"no scores at {config.out}", fix="patron run, or patron score, first")
    return config.out / str(read_json(latest)["folder"])


def _kept(config: Config, asked: str) -> Path:
    day, _, version = asked.partition("/")
    folders = {
        (folder.parent.name.removeprefix("as_of="), int(folder.name.removeprefix("version="))): folder
        for folder in (config.out / "scores").glob("as_of=*/version=[0-9]*")
    }
    found = [key for key in sorted(folders) if key[0] == day and version in ("", str(key[1]))]
    if not found:
        there = ", ".join(f"{day}/{version}" for day, version in sorted(folders)[-6:])
        raise DataError(f"no scores of {asked} are kept", fix=f"one of {there}" if there else "patron score first")
    return folders[found[-1]]


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    text = {"customer_id": "str"}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""], parse_dates=["as_of", "scored_at"])
