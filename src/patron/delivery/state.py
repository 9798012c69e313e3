"""What each target was sent last and what became of every batch, on the disk before anything is at risk: SQLite."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import itertools
import json
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

_BLOCK: Final = 100_000
"""Rows that are written by one statement."""
UNSEEN: Final = "the answer was never seen"
SILENT: Final = "the target does not say that it holds the row"
_PRAGMAS: Final = "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -100000;"  # kilobytes
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
_OPEN: Final = """
-- the rows come as a few long values: SQLite takes them apart far faster than Python binds them
INSERT INTO delivery_open SELECT :batch, value, substr(:told, key * :wide + 1, 16),
    substr(:told, key * :wide + 17, :wide - 16), rtrim(CAST(substr(:bands, key * :long + 1, :long) AS TEXT))
FROM json_each(:ids)
"""
_CLEAR_ALL: Final = "DELETE FROM delivery_open"  # SQLite drops the pages of all rows, and visits each of some
_CLEAR: Final = "DELETE FROM delivery_open WHERE batch = ?"
_OTHERS: Final = """
SELECT EXISTS (SELECT 1 FROM delivery_open WHERE batch < ?) OR EXISTS (SELECT 1 FROM delivery_open WHERE batch > ?)
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
            held = path if write or path.exists() else ":memory:"
            self._disk = sqlite3.connect(held, timeout=60, isolation_level=None)
            self._disk.executescript(_PRAGMAS + _TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disk.close()

    def known(self, target: str) -> pd.DataFrame:
        """Return what each customer's row there says, by customer_id: said, numbers (both bytes), band."""
        with self._told():
            rows = self._disk.execute(
                "SELECT customer_id, said, numbers, band FROM delivery_sent WHERE target = ?", (target,)
            )
            cells = np.fromiter(itertools.chain.from_iterable(rows), dtype=object).reshape(-1, 4)
        ids = pd.Index(cells[:, 0], name="customer_id", dtype="str")
        return pd.DataFrame(cells[:, 1:], ids, ["said", "numbers", "band"])

    def failed(self, target: str) -> dict[str, str]:
        """Return whose rows must go again, and why: refused ones, and those of open batches."""
        doubtful = [customer for batch, _ in self.open(target) for customer in self._held(batch)]
        return {**self._failed(target), **dict.fromkeys(doubtful, UNSEEN)}

    def open(self, target: str) -> list[tuple[int, str | None]]:
        """Return the batches whose answer was never seen, the oldest first: number, and what the target noted."""
        return self._rows(
            "SELECT b.id, token FROM delivery_batch b JOIN delivery_push p ON p.id = push "
            "WHERE target = ? AND b.ended IS NULL ORDER BY b.id",
            target,
        )

    def free(self, target: str, scoring: Scores) -> bool:
        """Tell whether a push may move whatever it will: none has ended, or the last, of the same, was cut short."""
        pushes = self._rows(
            "SELECT content, as_of, ended FROM delivery_push WHERE target = ? AND kind = 'push' ORDER BY id", target
        )
        return all(ended is None for *_, ended in pushes) or pushes[-1] == (scoring.content, scoring.as_of, None)

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
        with self._whole():
            made = self._disk.execute(
                "INSERT INTO delivery_batch (push, sent, begun) VALUES (?, ?, ?)", (push, len(chosen), _now())
            )
            batch = int(made.lastrowid or 0)
            for start in range(0, len(chosen), _BLOCK):
                block = chosen[start : start + _BLOCK]
                bands = _padded(rows.bands[block])
                told = np.column_stack([rows.said[block].astype("<u8").view("<i8"), rows.numbers[block].astype("<i8")])
                self._disk.execute(
                    _OPEN,
                    {
                        "batch": batch,
                        "ids": json.dumps(rows.table.index[block].to_numpy(dtype=object).tolist()),
                        "told": told.tobytes(),
                        "wide": told.itemsize * told.shape[1],
                        "bands": bands.tobytes(),
                        "long": bands.itemsize,
                    },
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
            sent = self._held(batch)
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
            self._disk.execute(*((_CLEAR, (batch,)) if self._others(batch) else (_CLEAR_ALL,)))
            self._disk.execute(
                "UPDATE delivery_batch SET ended = ?, accepted = ?, refused = ? WHERE id = ?",
                (_now(), len(held), len(failed), batch),
            )
        return len(held), len(failed)

    def fail(self, target: str, why: Mapping[str, str]) -> None:
        """Write down rows that never were in a batch and should have been."""
        rows = ((target, *row) for row in why.items())
        with self._whole():
            self._disk.executemany("INSERT OR REPLACE INTO delivery_failed VALUES (?, ?, ?)", rows)

    def end(self, push: int) -> None:
        """Write down that a push came to its end."""
        with self._whole():
            self._disk.execute("UPDATE delivery_push SET ended = ? WHERE id = ?", (_now(), push))

    def journal(self) -> pd.DataFrame:
        """Return every push and its batches: what was sent where and when, how much of it was accepted and refused."""
        with self._told():
            found = self._disk.execute(_JOURNAL)
            return pd.DataFrame(found.fetchall(), columns=[column[0] for column in found.description])

    def _held(self, batch: int) -> set[str]:
        """Return whose rows an open batch holds."""
        ((customers,),) = self._rows("SELECT json_group_array(customer_id) FROM delivery_open WHERE batch = ?", batch)
        return set(json.loads(customers))

    def _others(self, batch: int) -> bool:
        """Tell whether another batch has open rows."""
        ((others,),) = self._rows(_OTHERS, batch, batch)
        return bool(others)

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


def _padded(words: np.ndarray) -> np.ndarray:
    """Return words as UTF-8 of one length, at least one space after each."""
    codes, levels = pd.factorize(words)
    encoded = [level.encode() for level in levels]
    return np.array([word.ljust(1 + max(map(len, encoded))) for word in encoded])[codes]


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
