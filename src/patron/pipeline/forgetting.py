"""Forgetting: a customer taken out of all that Patron keeps, kept out of what it makes next, and the proof of both."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron._core.errors import ConfigError, DataError, PatronError
from patron._core.files import digest, read_json, whole_folder, write_json
from patron._core.progress import step, track
from patron._core.pseudonyms import FILE, VARIABLE, pseudonym, pseudonym_key, pseudonyms
from patron.config import Config
from patron.pipeline.erasing import distinctive, erased, files_below, named
from patron.pipeline.inputs import alone, loaded
from patron.scoring.table import content_digest

FORGOTTEN: Final = "forgotten.json"
_CHECK: Final = "patron"
"""What is hashed to tell whether a key is the one the list was made with."""
_OURS: Final = {FORGOTTEN, FILE, ".lock"}
"""Files that hold no id, whatever it is: hashes and a key."""


@dataclass(frozen=True)
class Forgotten:
    """What was removed and what was searched.

    Attributes
    ----------
    distinctive : bool
        Whether the id can be told from numbers and short words, so that it was looked for everywhere.
    removed : mapping of str to int
        Rows taken out, by place.
    deleted : list of str
        Files deleted as a whole.
    searched : mapping of str to int
        Files looked through after that, by place, none of which names the customer.
    elsewhere : list of str
        What is not Patron's, in words.
    """

    distinctive: bool
    removed: Mapping[str, int]
    deleted: list[str] = field(default_factory=list)
    searched: Mapping[str, int] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        """Say what was removed, what proves it, and what others must do."""
        places = ", ".join(f"{place} ({count:,})" for place, count in self.removed.items())
        rows = (
            f"{sum(self.removed.values()):,} rows: {places}"
            if places
            else "no row named the customer, or none does now"
        )
        told = [f"forgotten: {rows}"]
        told += [f"deleted: {path}, which named the customer; the next run writes it anew" for path in self.deleted]
        where = ", ".join(f"{place} ({count:,} files)" for place, count in self.searched.items())
        told.append(f"proof: looked through {where}: the customer is nowhere")
        if not self.distinctive:
            told.append("       the id may pass for a number or a word: looked for where ids stand, not in all texts")
        told.append("kept: a keyed hash of the id, so that no later run scores the customer again")
        return told + [f"not Patron's: {line}" for line in self.elsewhere]


def forget(config: str | Path | Config, customer_id: str) -> Forgotten:
    """Remove a customer from all that Patron keeps of a run, and prove it.

    The id is put on a list of keyed hashes first; then scores, plans, deliveries, their state and dead letters, and
    what training left are cleared of it, each file or folder whole. Stopped at any moment, it is finished by running
    it again.

    Parameters
    ----------
    config : path or Config
        The run.
    customer_id : str
        As the score table has it.

    Returns
    -------
    Forgotten

    Raises
    ------
    PatronError
        The state is in use; or something still names the customer, the text says what.
    DataError
        A file cannot be read, so that nothing can be proven of it.
    """
    config = loaded(config)
    if not customer_id:
        raise DataError("no id", fix="give the customer's id as the score table has it")
    if not any(config.out.glob("[!.]*")):
        raise DataError(f"nothing is kept at {config.out}", fix="check the configuration's name and workspace")
    columns = _id_columns(config)
    with alone(config):
        _remember(config, customer_id)
        removed: Counter[str] = Counter()
        folders = [config.out, *_delivered(config)]
        with step("forgetting"):
            for folder in _manifested(folders):
                removed[_place(config, folder)] += _cleared(folder, customer_id, columns)
            for path in _loose(folders):
                removed[_place(config, path)] += erased(path, customer_id, columns)
            deleted = _pages(config, customer_id, columns)
            _latest(config)
        searched = _proven(config, customer_id, columns)
    return Forgotten(distinctive(customer_id), +removed, deleted, searched, _elsewhere(config))


def forgotten(config: Config) -> frozenset[str]:
    """Return the keyed hashes of the customers that were forgotten.

    Raises
    ------
    ConfigError
        The key is not the one the list was made with.
    """
    place = config.out / FORGOTTEN
    if not place.exists():
        return frozenset()
    content = _list(place)
    if content["check"] != pseudonym(_CHECK, pseudonym_key(config.out)):
        raise ConfigError(
            f"{place} was made with another key, so nobody can tell who was forgotten",
            fix=f"set {VARIABLE} to the key it was made with, or restore {config.out / FILE}",
        )
    return frozenset(content["hashes"])


def without_forgotten(config: Config, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of customers who were not forgotten; the frame has customer_id as a column or in its index."""
    hashes = forgotten(config)
    if not hashes:
        return frame
    ids = frame["customer_id"] if "customer_id" in frame.columns else frame.index.get_level_values("customer_id")
    gone = pd.Series(pseudonyms(ids, pseudonym_key(config.out))).isin(hashes).to_numpy()
    kept = frame[~gone]
    kept.attrs = frame.attrs
    return kept


def _list(place: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(place)
        return {"format": 1, "check": content["check"], "hashes": content["hashes"]}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{place} is no list of the forgotten", fix="restore a copy; without it they return") from error


def _remember(config: Config, customer_id: str) -> None:
    """Put the customer on the list, before anything is removed."""
    known = forgotten(config)
    key = pseudonym_key(config.out)
    hashes = sorted({*known, pseudonym(customer_id, key)})
    write_json(config.out / FORGOTTEN, {"format": 1, "check": pseudonym(_CHECK, key), "hashes": hashes})


def _id_columns(config: Config) -> frozenset[str]:
    """Return what columns of ids are called, here and in deliveries."""
    return frozenset({"customer_id", *(target.fields.get("customer_id", "customer_id") for target in config.deliver)})


def _delivered(config: Config) -> list[Path]:
    """Return folders outside out/NAME that files were delivered to and that are still there."""
    folders = []
    for target in config.deliver:
        given = target.settings.get("folder")
        if target.target == "files" and isinstance(given, str):
            folder = (config.out / "deliveries" / target.name / given).resolve()
            if folder.is_dir() and config.out.resolve() not in [folder, *folder.parents]:
                folders.append(folder)
    return folders


def _manifested(folders: list[Path]) -> Iterator[Path]:
    """Yield folders whose manifest.json tells the digests of the files beside it."""
    for path in list(files_below(folders)):
        if path.name == "manifest.json" and "files" in _manifest(path.parent) and not _hidden(path, folders):
            yield path.parent


def _hidden(path: Path, folders: list[Path]) -> bool:
    """Whether a path lies in a hidden folder: a promotion not yet carried out, whose bundle has its own digest."""
    base = next(folder for folder in folders if folder in path.parents)
    return any(part.startswith(".") for part in path.relative_to(base).parts[:-1])


def _loose(folders: list[Path]) -> Iterator[Path]:
    proven = set(_manifested(folders))
    for path in list(files_below(folders)):
        if path.parent not in proven and path.name not in _OURS:
            yield path


def _manifest(folder: Path) -> dict[str, Any]:
    """Return a folder's manifest; nothing where it cannot be read, so that its files are taken one by one."""
    try:
        content = read_json(folder / "manifest.json")
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def _cleared(folder: Path, customer_id: str, columns: frozenset[str]) -> int:
    """Take a customer out of a folder and prove the folder whole again; the most rows that a file of it lost."""
    manifest = _manifest(folder)
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "manifest.json"]
    if not any(named(path, customer_id, columns) for path in files):
        return 0
    whole = {path.name: _written(manifest, path) for path in files}
    with whole_folder(folder) as draft:
        lost = 0
        for path in folder.iterdir():
            if path.is_dir():
                shutil.copytree(path, draft / path.name)
            elif path.name != "manifest.json":
                shutil.copyfile(path, draft / path.name)
                lost = max(lost, erased(draft / path.name, customer_id, columns))
        for name, sound in whole.items():
            if sound:  # what had changed before stays refused
                manifest["files"][name] = _told(manifest["files"][name], draft / name)
        if "rows" in manifest:
            manifest["rows"] -= lost
        if "content" in manifest:
            manifest["content"] = _content(draft)
        write_json(draft / "manifest.json", manifest)
    return lost


def _written(manifest: Mapping[str, Any], path: Path) -> bool:
    """Whether a file is as the manifest says."""
    said = manifest["files"].get(path.name)
    return bool(digest(path) == (said["sha256"] if isinstance(said, dict) else said))


def _told(said: Any, path: Path) -> Any:
    """Return what a manifest says of a file, made new."""
    return {**said, "sha256": digest(path), "bytes": path.stat().st_size} if isinstance(said, dict) else digest(path)


def _content(folder: Path) -> str:
    """Return the digest of what a score table says."""
    parquet = folder / "scores.parquet"
    if parquet.exists():
        return content_digest(pd.read_parquet(parquet))
    return content_digest(pd.read_csv(folder / "scores.csv", dtype="str", keep_default_na=False))


def _latest(config: Config) -> None:
    """Let latest.json tell the content that its folder has now."""
    place = config.out / "latest.json"
    if place.exists():
        try:
            latest = read_json(place)
        except json.JSONDecodeError as error:
            raise DataError(f"{place} is not JSON", fix="patron score writes it anew; then run again") from error
        content = _manifest(config.out / latest["folder"]).get("content", latest["content"])
        if content != latest["content"]:
            write_json(place, {**latest, "content": content})


def _pages(config: Config, customer_id: str, columns: frozenset[str]) -> list[str]:
    """Delete what quotes the customer, the page and the audit's examples; the next run makes them anew."""
    deleted = []
    for path in [*sorted(config.out.glob("*.html")), config.out / "audit.json"]:
        if path.exists() and named(path, customer_id, columns):
            path.unlink()
            deleted.append(str(path))
    return deleted


def _proven(config: Config, customer_id: str, columns: frozenset[str]) -> dict[str, int]:
    """Look through everything; a PatronError names what still names the customer."""
    places = {
        config.out: f"out/{config.name}",
        config.bundle: f"models/{config.name}",
        config.workspace / "mlartifacts": "mlartifacts",
        config.workspace / "mlflow.db": "mlflow.db",
        **{folder: str(folder) for folder in _delivered(config)},
    }
    searched = {}
    left = []
    for place, told in places.items():
        files = [path for path in files_below([place]) if path.name not in _OURS] if place.exists() else []
        if files:
            searched[told] = len(files)
        left += [path for path in track(files, f"searching {told}") if named(path, customer_id, columns)]
    if left:
        raise PatronError(
            "a file still names the customer", column="file", count=len(left), example=str(left[0]),
            fix="Patron did not write it there: look at it, remove it or the name, and run again",
        )  # fmt: skip
    return searched


def _place(config: Config, path: Path) -> str:
    """Name a place for people: scores, plans, deliveries, state.sqlite."""
    try:
        return path.relative_to(config.out).parts[0]
    except ValueError:
        return str(path)


def _elsewhere(config: Config) -> list[str]:
    told = ["the source data still name the customer until their owner clears them"]
    if config.deliver:
        names = ", ".join(target.name for target in config.deliver)
        told.append(f"what was delivered to {names} stays there until its owner clears it")
    if server := os.environ.get("MLFLOW_TRACKING_URI"):
        told.append(f"the MLflow server at {server} was not searched: Patron sends it no ids")
    return told
