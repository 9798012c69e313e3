"""The contract of a target: what it is asked, what it answers. A target is one file, here or in another package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from patron.scoring.table import Column


@dataclass(frozen=True)
class Field:
    """A field that is delivered.

    Attributes
    ----------
    column : Column
        Of the score table.
    name : str
        What the field is called there.
    decimals : int or None
        How many its numbers are rounded to; None for what is no float.
    """

    column: Column
    name: str
    decimals: int | None


@dataclass(frozen=True)
class Estimate:
    """What sending some rows takes.

    Attributes
    ----------
    requests : int
    seconds : float
    """

    requests: int
    seconds: float


@dataclass(frozen=True)
class Answer:
    """What became of the rows of a batch, row by row; a row in neither is taken as not sent.

    Attributes
    ----------
    accepted : frozenset of str
        Ids of the customers whose row the target says it holds.
    refused : mapping of str to str
        Id: why, in the target's words.
    """

    accepted: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)


class Target(Protocol):
    """Where scores go. It is made as ``Kind(fields, place, **settings)``.

    ``fields`` are those delivered, customer_id the first; ``place`` is a folder of the target's own; the settings are
    its keyword arguments, and a wrong one is a ConfigError that says which and why. Making a target reaches nobody.

    Rows are a frame indexed by customer_id (text) with a column a field, customer_id too, under the names there:
    numbers rounded, days as ``datetime.date``, stamps as UTC ``datetime``, what is missing as None.
    """

    def check(self) -> None:
        """Find out whether a push can succeed: credentials, the place, its fields; a DeliveryError if not."""

    def estimate(self, rows: int) -> Estimate:
        """Say what sending so many rows takes."""

    def batches(self, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Cut rows into what one `send` takes."""

    def send(self, batch: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Bring a batch there; sending it again changes nothing.

        ``note(token)`` keeps a word on the disk before it returns: what `settle` needs if the answer is never seen.
        Passing troubles (429, 5xx, a cut connection) are waited out here; a DeliveryError is for what does not pass.
        """

    def settle(self, token: str) -> Answer | None:
        """Find out what became of a batch whose answer was never seen; None if nobody knows, so that it goes again."""
