"""What each target was sent last and what became of every batch, on the disk before anything is at risk: SQLite."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd

from patron._core.errors import PatronError
from patron._core.passwords import without_passwords
from patron.delivery.fields import Rows
from patron.delivery.target import Answer

Kind = Literal["push", "retry", "rollback"]

UNSEEN: Final = "the answer was never seen"
SILENT: Final = "the target does not say that it holds the row"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS delivery_push (
    id INTEGER PRIMARY KEY, target TEXT NOT NULL, kind TEXT NOT NULL, as_of TEXT NOT NULL, version INTEGER NOT NULL,
    content TEXT NOT NULL, planned INTEGER NOT NULL, begun TEXT NOT NULL, ended TEXT
);
CREATE TABLE IF NOT EXISTS delivery_batch (
    id INTEGER PRIMARY KEY, push INTEGER NOT NULL, sent INTEGER NOT NULL, begun TEXT NOT NULL, ended TEXT,
    accepted INTEGER, refused INTEGER, token TEXT
);
CREATE TABLE IF NOT EXISTS delivery_open (
    batch INTEGER NOT NULL, customer_id TEXT NOT NULL, said BLOB NOT NULL, numbers BLOB NOT NULL, band TEXT NOT NULL,
    PRIMARY KEY (batch, customer_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery_sent (
    target TEXT NOT NULL, customer_id TEXT NOT NULL, said BLOB NOT NULL, numbers BLOB NOT NULL, band TEXT NOT NULL,
    batch INTEGER NOT NULL, PRIMARY KEY (target, customer_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery_failed (
    target TEXT NOT NULL, customer_id TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (target, customer_id)
) WITHOUT ROWID;
"""
_JOURNAL: Final = """
SELECT push.id AS push, target, kind, as_of, version, planned, push.begun, push.ended, batch.id AS batch, sent,
    batch.begun AS batch_begun, batch.ended AS batch_ended, accepted, refused, token
FROM delivery_push AS push LEFT JOIN delivery_batch AS batch ON batch.push = push.id ORDER BY push.id, batch.id
"""


@dataclass(frozen=True)
class Scores:
    """Which scores are delivered.

    Attributes
    ----------
    as_of : str
    version : int
        Of the bundle that scored.
    content : str
        Digest of what the scores say.
    """

    as_of: str
    version: int
    content: str


@dataclass(frozen=True)
class Open:
    """A batch whose answer was never seen, and what its target noted."""

    batch: int
    rows: int
    token: str | None


class State:
    """The state of a name's deliveries.

    Parameters
    ----------
    path : Path
        Of the database, made if absent.
    write : bool
        Whether it may be made and written; if not, an absent one is taken as empty.

    Raises
    ------
    PatronError
        It cannot be read or written.

    Examples
    --------
    >>> with State(Path("absent.sqlite"), write=False) as state:
    ...     len(state.known("crm"))
    0
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        self._path = path
        with self._told():
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._disk = sqlite3.connect(
                path if write or path.exists() else ":memory:", timeout=60, isolation_level=None
            )
            self._disk.execute("PRAGMA synchronous = FULL")
            self._disk.execute("PRAGMA temp_store = MEMORY")
            self._disk.execute("PRAGMA cache_size = -100000")  # kilobytes: a million rows in one transaction
            self._disk.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disk.close()

    def known(self, target: str) -> pd.DataFrame:
        """Return what each customer's row there says, by customer_id: said, numbers (both bytes), band."""
        rows = self._rows("SELECT customer_id, said, numbers, band FROM delivery_sent WHERE target = ?", target)
        return pd.DataFrame(rows, columns=["customer_id", "said", "numbers", "band"], dtype=object).set_index(
            "customer_id"
        )

    def failed(self, target: str) -> dict[str, str]:
        """Return whose rows must go again, and why: refused ones, and those of open batches."""
        doubtful = self._rows(
            "SELECT customer_id FROM delivery_open JOIN delivery_batch b ON b.id = batch JOIN delivery_push p "
            "ON p.id = push WHERE target = ?",
            target,
        )
        return {**self._failed(target), **dict.fromkeys((customer for (customer,) in doubtful), UNSEEN)}

    def open(self, target: str) -> list[Open]:
        """Return the batches that were begun and not closed, the oldest first."""
        rows = self._rows(
            "SELECT b.id, sent, token FROM delivery_batch b JOIN delivery_push p ON p.id = push "
            "WHERE target = ? AND b.ended IS NULL ORDER BY b.id",
            target,
        )
        return [Open(*row) for row in rows]

    def first(self, target: str) -> bool:
        """Tell whether no push to this target has come to its end yet."""
        ended = "SELECT 1 FROM delivery_push WHERE target = ? AND kind = 'push' AND ended IS NOT NULL LIMIT 1"
        return not self._rows(ended, target)

    def resumes(self, target: str, scoring: Scores) -> bool:
        """Tell whether the last push to this target was cut short, and was of this scoring."""
        last = self._rows(
            "SELECT content, as_of, ended FROM delivery_push WHERE target = ? AND kind = 'push' "
            "ORDER BY id DESC LIMIT 1",
            target,
        )
        return last == [(scoring.content, scoring.as_of, None)]

    def begin(self, target: str, kind: Kind, scoring: Scores, planned: int) -> int:
        """Write down that a push begins; its number."""
        with self._whole():
            made = self._disk.execute(
                "INSERT INTO delivery_push (target, kind, as_of, version, content, planned, begun) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (target, kind, scoring.as_of, scoring.version, scoring.content, planned, _now()),
            )
        return int(made.lastrowid or 0)

    def begin_batch(self, push: int, rows: Rows, chosen: np.ndarray) -> int:
        """Write down which rows are about to be sent, and what they say; the number of the batch."""
        chosen = chosen[np.argsort(rows.table.index[chosen])]  # in the order of the key: many times faster
        with self._whole():
            made = self._disk.execute(
                "INSERT INTO delivery_batch (push, sent, begun) VALUES (?, ?, ?)", (push, len(chosen), _now())
            )
            batch = int(made.lastrowid or 0)
            self._disk.executemany(
                "INSERT INTO delivery_open VALUES (?, ?, ?, ?, ?)",
                zip(
                    itertools.repeat(batch, len(chosen)),
                    rows.table.index[chosen].tolist(),
                    _bytes(rows.said[chosen]),
                    _bytes(rows.numbers[chosen]),
                    rows.bands[chosen].tolist(),
                    strict=True,
                ),
            )
        return batch

    def note(self, batch: int, token: str) -> None:
        """Keep a target's word about a batch."""
        with self._whole():
            self._disk.execute("UPDATE delivery_batch SET token = ? WHERE id = ?", (without_passwords(token), batch))

    def close(self, batch: int, answer: Answer, otherwise: str = SILENT) -> tuple[int, int]:
        """Write down what became of a batch, in one transaction.

        Parameters
        ----------
        batch : int
        answer : Answer
            Ids that the batch does not hold count for nothing; one both accepted and refused is refused.
        otherwise : str
            Why rows failed of which the answer is silent.

        Returns
        -------
        accepted, failed : int
        """
        with self._whole():
            ((target,),) = self._disk.execute(
                "SELECT target FROM delivery_push p JOIN delivery_batch b ON p.id = push WHERE b.id = ?", (batch,)
            )
            sent = {c for (c,) in self._disk.execute("SELECT customer_id FROM delivery_open WHERE batch = ?", (batch,))}
            held = sent & answer.accepted - answer.refused.keys()
            failed = {customer: str(answer.refused.get(customer) or otherwise) for customer in sent - held}
            cleared = held.intersection(self._failed(target))
            self._disk.executemany(
                "DELETE FROM delivery_failed WHERE target = ? AND customer_id = ?",
                ((target, customer) for customer in cleared),
            )
            self._disk.executemany(
                "INSERT OR REPLACE INTO delivery_failed VALUES (?, ?, ?)",
                ((target, customer, without_passwords(why)) for customer, why in failed.items()),
            )
            self._disk.executemany(
                "DELETE FROM delivery_open WHERE batch = ? AND customer_id = ?",
                ((batch, customer) for customer in failed),
            )
            self._disk.execute(
                "INSERT OR REPLACE INTO delivery_sent SELECT ?, customer_id, said, numbers, band, batch "
                "FROM delivery_open WHERE batch = ?",
                (target, batch),
            )
            self._disk.execute("DELETE FROM delivery_open WHERE batch = ?", (batch,))
            self._disk.execute(
                "UPDATE delivery_batch SET ended = ?, accepted = ?, refused = ? WHERE id = ?",
                (_now(), len(held), len(failed), batch),
            )
        return len(held), len(failed)

    def fail(self, target: str, why: Mapping[str, str]) -> None:
        """Write down rows that never were in a batch and should have been."""
        with self._whole():
            self._disk.executemany(
                "INSERT OR REPLACE INTO delivery_failed VALUES (?, ?, ?)", ((target, *row) for row in why.items())
            )

    def end(self, push: int) -> None:
        """Write down that a push came to its end."""
        with self._whole():
            self._disk.execute("UPDATE delivery_push SET ended = ? WHERE id = ?", (_now(), push))

    def journal(self) -> pd.DataFrame:
        """Return every push and its batches: what was sent where and when, how much of it was accepted and refused."""
        with self._told():
            found = self._disk.execute(_JOURNAL)
            return pd.DataFrame(found.fetchall(), columns=[column[0] for column in found.description])

    def _failed(self, target: str) -> dict[str, str]:
        return dict(self._rows("SELECT customer_id, reason FROM delivery_failed WHERE target = ?", target))

    def _rows(self, query: str, *asked: Any) -> list[tuple[Any, ...]]:
        with self._told():
            return self._disk.execute(query, asked).fetchall()

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """One transaction, on the disk when the block ends; nothing of it if it does not end well."""
        with self._told():
            self._disk.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._disk.execute("COMMIT")
            except BaseException:
                if self._disk.in_transaction:
                    self._disk.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, "No space left on device", str(self._path)) from error
            raise PatronError(
                f"{self._path} cannot be read or written: {error}",
                fix="let it be writable; if it is damaged, bring it back from a backup: it knows what was sent",
            ) from error


def _bytes(rows: np.ndarray) -> Iterator[bytes]:
    """Yield the bytes of each row of 64-bit integers."""
    held, width = rows.astype(rows.dtype.newbyteorder("<")).tobytes(), 8 * rows.shape[1]
    return (held[width * row : width * (row + 1)] for row in range(len(rows)))


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
