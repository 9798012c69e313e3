"""A customer's id in files: found exactly, never as a part of another, and taken out row by row, each file whole.

========= ================================================== ======================================================
file      the id is in it if                                 what is taken out
========= ================================================== ======================================================
parquet   a cell of a column of ids is the id                the row
csv       the same                                           the record; all others keep their bytes
sqlite    the same; the database is compacted after          the row, of every table with such a column
json      a text in it, or a key, is or holds the id         nothing: Patron writes no id there
others    the id stands there by itself                      nothing; a page is deleted
========= ================================================== ======================================================

An id that could be mistaken for a number or a short word (``1``, ``0042``, ``low``) is looked for where ids are told
as such alone: in columns and keys of ids, and between tags or quotes of pages. Any other id is looked for in every
column and text, and in the bytes of databases and of all other files.
"""

from __future__ import annotations

import contextlib
import csv
import html
import io
import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from patron._core.errors import DataError, PatronError
from patron._core.files import write_bytes

DATABASES: Final = (".sqlite", ".db")
_PLAIN: Final = re.compile(r"[\d.,+-]*|\w{1,5}")
_PATIENCE: Final = 10.0
"""Seconds to wait for somebody else's lock on a database."""


def distinctive(customer_id: str) -> bool:
    """Whether an id can be told from numbers and short words wherever it stands.

    Examples
    --------
    >>> distinctive("00004"), distinctive("c-000417")
    (False, True)
    """
    return _PLAIN.fullmatch(customer_id) is None


def named(path: Path, customer_id: str, columns: Collection[str]) -> bool:
    """Whether a file names a customer.

    Parameters
    ----------
    path : Path
    customer_id : str
    columns : collection of str
        What columns of ids are called.

    Raises
    ------
    DataError
        The file cannot be read, so that nothing can be said.
    """
    return _FINDERS.get(path.suffix, _in_text)(path, customer_id, frozenset(columns))


def erased(path: Path, customer_id: str, columns: Collection[str]) -> int:
    """Take a customer's rows out of a file; return how many.

    Raises
    ------
    DataError
        The file cannot be read.
    PatronError
        Another process holds the database.
    """
    eraser = _ERASERS.get(path.suffix)
    return eraser(path, customer_id, frozenset(columns)) if eraser else 0


def _said(customer_id: str) -> set[str]:
    """Return the id as cells say it; a spreadsheet's apostrophe may stand before it."""
    return {customer_id, f"'{customer_id}"}


# ------------------------------------------------------------------------------------------------------------- parquet


def _parquet(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # the command line loads without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _cells(table: Any, customer_id: str, columns: Collection[str]) -> Any:
    """Return for each row whether one of these columns holds the id."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    found = pa.chunked_array([pa.array([False] * table.num_rows, pa.bool_())])
    for field in table.schema:
        if field.name in columns and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            here = pc.is_in(table[field.name], value_set=pa.array(sorted(_said(customer_id)), field.type))
            found = pc.or_(found, here)
    return found


def _in_parquet(path: Path, customer_id: str, columns: frozenset[str]) -> bool:
    import pyarrow.compute as pc  # noqa: PLC0415

    table = _parquet(path)
    names = table.column_names if distinctive(customer_id) else columns
    return bool(pc.any(_cells(table, customer_id, names)).as_py())


def _out_of_parquet(path: Path, customer_id: str, columns: frozenset[str]) -> int:
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = _parquet(path)
    found = _cells(table, customer_id, columns)
    count = int(pc.sum(found).as_py() or 0)
    if count:
        content = io.BytesIO()
        pq.write_table(table.filter(pc.invert(found)), content, compression="zstd")
        write_bytes(path, content.getvalue())
    return count


# ----------------------------------------------------------------------------------------------------------------- csv


def _records(content: bytes) -> Iterator[bytes]:
    """Cut a CSV into records, each with its line end; a line end between quotes ends none."""
    record, quotes = b"", 0
    for line in content.splitlines(keepends=True):
        record += line
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield record
            record, quotes = b"", 0
    if record:
        yield record


def _fields(record: bytes, path: Path) -> list[str]:
    try:
        return next(csv.reader([record.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _csv(path: Path, customer_id: str, columns: Collection[str], *, anywhere: bool) -> tuple[list[bytes], int]:
    """Return the records that do not name the customer, and how many do."""
    records = _records(path.read_bytes())
    header = next(records, b"")
    places = [place for place, name in enumerate(_fields(header, path)) if anywhere or name in columns]
    kept, said, part = [header], _said(customer_id), customer_id.replace('"', '""').encode()
    count = 0
    for record in records:
        if places and part in record:
            fields = _fields(record, path)
            if any(fields[place] in said for place in places if place < len(fields)):
                count += 1
                continue
        kept.append(record)
    return kept, count


def _in_csv(path: Path, customer_id: str, columns: frozenset[str]) -> bool:
    return _csv(path, customer_id, columns, anywhere=distinctive(customer_id))[1] > 0


def _out_of_csv(path: Path, customer_id: str, columns: frozenset[str]) -> int:
    kept, count = _csv(path, customer_id, columns, anywhere=False)
    if count:
        write_bytes(path, b"".join(kept))
    return count


# -------------------------------------------------------------------------------------------------------------- sqlite


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise PatronError(f"{path} is in use", fix="wait for the other process to end, then run again") from error
        if "full" in str(error):
            raise PatronError(f"{path}: {error}", fix="free space on the disk and run again") from error
        raise _unreadable(path, error) from error
    except sqlite3.DatabaseError as error:
        raise _unreadable(path, error) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield table, [row[1] for row in connection.execute(f"PRAGMA table_info({_quoted(table)})")]


def _in_database(path: Path, customer_id: str, columns: frozenset[str]) -> bool:
    anywhere = distinctive(customer_id)
    with _database(path) as connection:
        for table, names in _tables(connection):
            for name in names if anywhere else [name for name in names if name in columns]:
                wanted = f"SELECT 1 FROM {_quoted(table)} WHERE CAST({_quoted(name)} AS TEXT) = ? LIMIT 1"  # noqa: S608
                if connection.execute(wanted, (customer_id,)).fetchone():
                    return True
    return anywhere and _in_text(path, customer_id, columns)


def _out_of_database(path: Path, customer_id: str, columns: frozenset[str]) -> int:
    with _database(path) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        count = 0
        for table, names in list(_tables(connection)):
            for name in names:
                if name in columns:
                    deleted = f"DELETE FROM {_quoted(table)} WHERE CAST({_quoted(name)} AS TEXT) = ?"  # noqa: S608
                    count += connection.execute(deleted, (customer_id,)).rowcount
        connection.execute("COMMIT")
        connection.execute("VACUUM")
    return count


# ---------------------------------------------------------------------------------------------------------------- text


def _in_json(path: Path, customer_id: str, columns: frozenset[str]) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise _unreadable(path, error) from error
    if distinctive(customer_id) and _in_text(path, customer_id, columns):
        return True
    return customer_id in set(_texts(content, None if distinctive(customer_id) else columns))


def _texts(value: Any, keys: Collection[str] | None) -> Iterator[str]:
    """Yield every key and text; only what stands under some keys, if any are given."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if keys is None:
                yield key
            if keys is None or key in keys or isinstance(inner, dict | list):
                yield from _texts(inner, None if keys is None or key in keys else keys)
    elif isinstance(value, list):
        for inner in value:
            if keys is None or not isinstance(inner, str):
                yield from _texts(inner, keys)


def _in_text(path: Path, customer_id: str, columns: frozenset[str]) -> bool:
    """Look for an id wherever no letter or digit touches it; for a plain one between the tags or quotes of a page."""
    del columns
    plain = not distinctive(customer_id)
    if plain and path.suffix != ".html":
        return False
    content = path.read_bytes()
    forms = {form.encode() for form in (customer_id, html.escape(customer_id), json.dumps(customer_id)[1:-1])}
    before, after = (rb"[>\"']\s*", rb"\s*[<\"']") if plain else (rb"(?<![\w-])", rb"(?![\w-])")
    return any(form in content and re.search(before + re.escape(form) + after, content) for form in forms)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} cannot be read, so nobody knows whom it names: {str(error).partition(chr(10))[0]}",
        fix="remove the file, or restore a copy, then run again",
    )


_FINDERS: Final[dict[str, Callable[[Path, str, frozenset[str]], bool]]] = {
    ".parquet": _in_parquet,
    ".csv": _in_csv,
    ".json": _in_json,
    **dict.fromkeys(DATABASES, _in_database),
}
_ERASERS: Final[dict[str, Callable[[Path, str, frozenset[str]], int]]] = {
    ".parquet": _out_of_parquet,
    ".csv": _out_of_csv,
    **dict.fromkeys(DATABASES, _out_of_database),
}


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield every file in these folders, or that is one of these, hidden ones too, but code, which names nobody."""
    for folder in folders:
        found = [folder] if folder.is_file() else folder.rglob("*")
        yield from sorted(path for path in found if path.is_file() and path.suffix != ".py")
