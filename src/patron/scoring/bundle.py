"""The bundle: all that scoring needs, as a folder of JSON and text that proves itself whole; no customer is in it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from patron._core.errors import DataError
from patron._core.files import digest, digest_of, read_json, whole_folder, write_json, write_text
from patron.decisions.segments import Segments
from patron.models import load_model
from patron.recipes import load_fitted
from patron.recipes.protocol import Fitted, Task
from patron.value.spread import Spread

FORMAT: Final = 1
"""Of the folder. A higher number is refused: an older Patron cannot know what it leaves out."""
TASKS: Final[tuple[Task, Task]] = ("churn", "value")


@dataclass(frozen=True)
class Input:
    """A column that scoring asks for.

    Attributes
    ----------
    name : str
        The column.
    dtype : str
        Its NumPy type at training: 'float64' or 'int64'.
    label : str
        What it is in words, as in reasons.
    family : str
        What it is grouped under in reasons.
    """

    name: str
    dtype: str
    label: str
    family: str


@dataclass(frozen=True)
class Manifest:
    """What a bundle is and how its numbers are meant; the JSON of manifest.json, without the digests.

    Nothing in it tells the time of day, so the same log and configuration give the same bundle byte for byte.

    Attributes
    ----------
    name, version
        Patron's name of the model and its own counter of it.
    as_of : str
        The last day that training saw, ISO.
    unit, grain : str
        How recency and T are measured, how purchases merge.
    currency : str
        ISO 4217.
    churn_horizon : int
        H in days.
    value_horizon : str
        How far ahead customers are valued: '12 months'.
    test_horizon : int
        The days over which the value champion was fitted to predict spend.
    discount_rate : float
        Annual effective.
    margin : float
        Share of revenue kept.
    bands : mapping of str to float
        The lowest churn probability of each band; below the last is 'low'.
    reasons : mapping
        ``rows`` (for how many customers reasons are written) and ``by`` (the largest by what).
    recipes : mapping of task to mapping
        ``name`` and ``settings`` of the champion of 'churn' and of 'value'.
    training : mapping
        What training wants remembered: days, customers, digest of the data. No customer id.
    campaign : mapping
        What a contact costs and brings: `patron.decisions.contact.Terms`, with left_alone None where it is measured.

    Examples
    --------
    >>> manifest = Manifest(
    ...     name="shop", version=3, as_of="1998-03-31", unit="week", grain="day", currency="EUR",
    ...     churn_horizon=91, value_horizon="12 months", test_horizon=91, discount_rate=0.1, margin=1.0,
    ...     bands={"high": 0.6, "medium": 0.3}, reasons={"rows": 20_000, "by": "expected_loss"},
    ...     recipes={"churn": {"name": "bg_nbd", "settings": {}}, "value": {"name": "bg_nbd", "settings": {}}},
    ... )
    >>> manifest.label, manifest.clv_basis
    ('shop/3', '12 months; margin 1.0; 10 %/yr')
    """

    name: str
    version: int
    as_of: str
    unit: str
    grain: str
    currency: str
    churn_horizon: int
    value_horizon: str
    test_horizon: int
    discount_rate: float
    margin: float
    bands: Mapping[str, float]
    reasons: Mapping[str, Any]
    recipes: Mapping[Task, Mapping[str, Any]]
    training: Mapping[str, Any] = field(default_factory=dict)
    campaign: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """NAME/VERSION, as the score table says it."""
        return f"{self.name}/{self.version}"

    @property
    def clv_basis(self) -> str:
        """What clv counts, in a few words."""
        return f"{self.value_horizon}; margin {float(self.margin)}; {self.discount_rate * 100:g} %/yr"


@dataclass(frozen=True)
class Bundle:
    """What `train` produces and the scorer needs.

    Attributes
    ----------
    manifest : Manifest
    inputs : tuple of Input
        In the order of training.
    transaction : transaction model
        Of purchases: P(alive), expected and discounted purchases.
    spend : spend model
        Of money a purchase.
    churn, value : Fitted
        The champions.
    card : str
        CARD.md.
    segments : Segments or None
        The cut points of segments and value bands; None in a bundle that is older than they are.
    spread : Spread or None
        How what customers spend lies around the value champion's predictions; None if no test day could tell.
    """

    manifest: Manifest
    inputs: tuple[Input, ...]
    transaction: Any
    spend: Any
    churn: Fitted
    value: Fitted
    card: str
    segments: Segments | None = None
    spread: Spread | None = None

    def save(self, folder: str | Path) -> None:
        """Write the folder, whole or not at all; a bundle that stood there gives way only to a whole one."""
        with whole_folder(Path(folder)) as draft:
            self.churn.save(draft)
            self.value.save(draft)
            write_json(draft / "transaction.json", self.transaction.to_dict())
            write_json(draft / "spend.json", self.spend.to_dict())
            write_json(draft / "features.json", [vars(column) for column in self.inputs])
            write_text(draft / "CARD.md", self.card)
            if self.segments is not None:
                write_json(draft / "segments.json", self.segments.to_dict())
            if self.spread is not None:
                write_json(draft / "spread.json", self.spread.to_dict())
            content = {
                "format": FORMAT,
                **dataclasses.asdict(self.manifest),
                "files": {path.name: digest(path) for path in draft.iterdir()},
            }
            write_json(draft / "manifest.json", {**content, "digest": digest_of(content)})

    @classmethod
    def load(cls, folder: str | Path) -> Bundle:
        """Read a folder that `save` wrote, after proving that every file is as it was written.

        Raises
        ------
        DataError
            No bundle there, one of a newer format, or one with a file missing or changed.
        """
        folder = Path(folder)
        manifest, files = _verified(folder)
        return cls(
            manifest=manifest,
            inputs=tuple(Input(**column) for column in read_json(folder / "features.json")),
            transaction=load_model(folder / "transaction.json"),
            spend=load_model(folder / "spend.json"),
            churn=load_fitted(folder, "churn"),
            value=load_fitted(folder, "value"),
            card=(folder / "CARD.md").read_text(encoding="utf-8"),
            segments=Segments.from_dict(read_json(folder / "segments.json")) if "segments.json" in files else None,
            spread=Spread.from_dict(read_json(folder / "spread.json")) if "spread.json" in files else None,
        )


def _verified(folder: Path) -> tuple[Manifest, Collection[str]]:
    """Return the manifest and the names of the files, once each is proved to be as it was written."""
    place = folder / "manifest.json"
    try:
        content = read_json(place)
    except FileNotFoundError as error:
        raise DataError(
            f"no bundle at {folder}: it has no manifest.json", fix="give a folder that `patron train` wrote"
        ) from error
    except json.JSONDecodeError as error:
        raise DataError(f"{place} is not JSON", fix="train again, or take the folder from a copy") from error
    if content.get("format", FORMAT) > FORMAT:
        raise DataError(
            f"{folder} is a bundle of format {content['format']}, and this Patron reads up to {FORMAT}",
            fix="upgrade patron to the release that wrote it",
        )
    damage = _damage(folder, content)
    if damage:
        raise DataError(f"the bundle {folder} is not as it was written: {damage}", fix="train again, or restore a copy")
    manifest = Manifest(**{key: content[key] for key in content.keys() - {"format", "files", "digest"}})
    return manifest, content["files"].keys()


def _damage(folder: Path, content: dict[str, Any]) -> str:
    """Return the first thing found wrong, or nothing."""
    if content.pop("digest", None) != digest_of(content):
        return "manifest.json changed"
    for name, expected in sorted(content["files"].items()):
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if digest(path) != expected:
            return f"{name} changed"
    return ""
