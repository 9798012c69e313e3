"""What a delivery would do, before anything moves: each customer's row held against what was last sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError
from patron.delivery.fields import Rows, Where
from patron.delivery.state import Kind, Scores
from patron.delivery.target import Estimate, Field, Target

WHAT: Final = {
    "new": "never sent",
    "changed": "",
    "failed": "refused or unanswered before: sent again",
    "unchanged": "",
    "withheld": "changed by less than",
    "suppressed": "no consent",
    "withdrawn": "no consent any more: what was sent stays there, untouched",
    "gone": "sent before, not scored here: untouched",
}
"""What becomes of a customer's row; the first three are sent."""
SENT: Final = ("new", "changed", "failed")
DEFAULT: Final = "0.01 of a probability, 5 % of another number"
"""The thresholds of what a section names none for."""
_CODES: Final = {what: np.int8(code) for code, what in enumerate(WHAT)}


@dataclass(frozen=True, eq=False)
class Plan:
    """What a delivery would do.

    Attributes
    ----------
    target : str
        The name of the section.
    kind : {'push', 'retry', 'rollback'}
    scoring : Scores
    frame : DataFrame
        Indexed by customer_id: what (a key of `WHAT`), was (the churn band last sent, empty for none), band (now).
    chosen : ndarray of int
        The positions in the scores of the rows to send, in the order of their customers.
    known : int
        How many customers' rows are there.
    estimate : Estimate
    withheld_below : mapping of str to float, or None
        The thresholds of materiality; None if every difference counts.
    """

    target: str
    kind: Kind
    scoring: Scores
    frame: pd.DataFrame
    chosen: np.ndarray
    known: int
    estimate: Estimate
    withheld_below: Mapping[str, float] | None

    @property
    def counts(self) -> dict[str, int]:
        """How many customers of each `WHAT`."""
        found = self.frame["what"].value_counts()
        return {what: int(found.get(what, 0)) for what in WHAT}

    @property
    def moving(self) -> float:
        """New and changed rows as a share of those known there; 0 where none is."""
        counts = self.counts
        return (counts["new"] + counts["changed"]) / self.known if self.known else 0.0

    @property
    def moves(self) -> pd.DataFrame:
        """Who is sent another churn band: was, band, customers, the most frequent first."""
        sent = self.frame.iloc[self.chosen][["was", "band"]]
        moved = sent[(sent["was"] != sent["band"]) & (sent != "").all(axis=1)]
        counted = moved.groupby(["was", "band"]).size().reset_index(name="customers")
        return counted.sort_values("customers", ascending=False, kind="stable", ignore_index=True)

    def words(self) -> list[str]:
        """Show the plan in a few lines."""
        counts, moves = self.counts, self.moves
        given = [f"{column} {least:g}" for column, least in (self.withheld_below or {}).items()]
        told = {**WHAT, "withheld": f"{WHAT['withheld']} {', '.join([*given, DEFAULT])}"}
        of = {"push": "", "retry": ", only what failed", "rollback": ", back to an earlier scoring"}[self.kind]
        lines = [f"{self.target}: scores as of {self.scoring.as_of}, version {self.scoring.version}{of}"]
        width = max(len(f"{count:,}") for count in [*counts.values(), len(self.chosen)])
        lines += [f"  {what:11} {count:>{width},}   {told[what]}".rstrip() for what, count in counts.items() if count]
        lines.append(f"  {'to send':11} {len(self.chosen):>{width},}   {_effort(self.estimate)}".rstrip())
        if len(moves):
            lines.append(
                f"  {'churn band':11} {moves['customers'].sum():>{width},}   "
                + ", ".join(f"{row.was} -> {row.band} {row.customers:,}" for row in moves.itertuples())
            )
        return lines


def compare(
    target: Target,
    name: str,
    kind: Kind,
    scoring: Scores,
    rows: Rows,
    known: pd.DataFrame,
    failed: Collection[str],
    *,
    consent: np.ndarray | None = None,
    materiality: Mapping[str, float] | None = None,
) -> Plan:
    """Hold every row against what was last sent, so that slow drift adds up until it is sent.

    Parameters
    ----------
    target : Target
        Asked for its estimate, of which nothing leaves this machine.
    name : str
        What it is called.
    kind : {'push', 'retry', 'rollback'}
        A push sends what is new, changed or failed before; a retry what failed before; a rollback what is there and
        says something else.
    scoring : Scores
    rows : Rows
    known : DataFrame
        What `State.known` tells.
    failed : collection of str
        Whose rows must go again.
    consent : ndarray of bool, optional
        Row by row; all agree when left out.
    materiality : mapping of str to float, optional
        Column: the change below which it is not sent, else `DEFAULT`; every difference counts when left out.
    """
    ids = rows.table.index
    at = known.index.get_indexer(ids)
    there = at >= 0
    what = np.full(len(ids), _CODES["new"])
    what[there] = _changes(rows, known, at[there], there, materiality)
    what[ids.isin(list(failed))] = _CODES["failed"]
    if consent is not None:
        what[~consent] = np.where(there, _CODES["withdrawn"], _CODES["suppressed"])[~consent]
    wanted = {"push": SENT, "retry": ("failed",), "rollback": ("changed", "failed")}[kind]
    sent = np.isin(what, [_CODES[one] for one in wanted]) & (there | (kind != "rollback"))
    chosen = np.flatnonzero(sent)
    chosen = chosen[ids[chosen].argsort()]  # a database takes rows in the order of its key far faster
    was = np.full(len(ids), "", dtype=object)
    was[there] = known["band"].to_numpy()[at[there]]
    left = np.ones(len(known), dtype=bool)
    left[at[there]] = False
    gone = known[left]
    frame = pd.DataFrame(
        {
            "what": pd.Categorical.from_codes(np.append(what, np.full(len(gone), _CODES["gone"])), pd.Index(WHAT)),
            "was": np.append(was, gone["band"].to_numpy()),
            "band": np.append(rows.bands, np.full(len(gone), "", dtype=object)),
        },
        index=ids.append(gone.index).rename("customer_id"),
    )
    return Plan(name, kind, scoring, frame, chosen, len(known), target.estimate(len(chosen)), materiality)


def thresholds(materiality: Mapping[str, float], fields: tuple[Field, ...], where: Where) -> dict[str, float]:
    """Check the thresholds of a section: each of a delivered number, none below 0; else a ConfigError."""
    numbers = [field.column.name for field in fields if field.decimals is not None]
    for column, least in materiality.items():
        if column not in numbers:
            raise ConfigError(
                f"{where(f'materiality.{column}')}: {column!r} is no number that is delivered",
                fix=f"one of {', '.join(numbers)}" if numbers else "deliver a number, or remove it",
            )
        if not least >= 0:
            raise ConfigError(f"{where(f'materiality.{column}')}: {least} is no threshold", fix="0 or more, like 0.01")
    return dict(materiality)


def _changes(
    rows: Rows, known: pd.DataFrame, at: np.ndarray, there: np.ndarray, materiality: Mapping[str, float] | None
) -> np.ndarray:
    """Tell of each row that is there whether it is changed, unchanged or withheld, as codes."""
    said = np.frombuffer(b"".join(known["said"].to_numpy()[at]), dtype="<u8").reshape(-1, 2)
    same = (rows.said[there] == said).all(axis=1)
    what = np.full(len(said), _CODES["changed"])
    now = rows.numbers[there][same]
    before = np.frombuffer(b"".join(known["numbers"].to_numpy()[at[same]]), dtype="<i8").reshape(now.shape)
    moved = now != before
    little = np.zeros_like(moved)
    for place, field in enumerate(rows.floats if materiality is not None else ()):
        was = before[:, place].astype("float64")
        given = (materiality or {}).get(field.column.name, 0.01 if field.column.unit == "probability" else None)
        least = 0.05 * np.abs(was) if given is None else round(given * 10.0 ** (field.decimals or 0), 6)
        little[:, place] = np.abs(now[:, place] - was) < least
    what[same] = np.select(
        [~moved.any(axis=1), (~moved | little).all(axis=1)],
        [_CODES["unchanged"], _CODES["withheld"]],
        _CODES["changed"],
    )
    return what


def _effort(estimate: Estimate) -> str:
    if not estimate.requests:
        return ""
    requests = f"{estimate.requests:,} request{'s' * (estimate.requests != 1)}"
    minutes = round(estimate.seconds / 60)
    return f"{requests}, {f'about {minutes:,} min' if minutes else 'less than a minute'}"
