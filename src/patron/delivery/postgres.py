"""The target that is a Postgres table: rows copied to a staging table, then upserted and proven, in one transaction."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from patron._core.errors import ConfigError, DeliveryError, MissingExtraError
from patron._core.passwords import secret, without_passwords
from patron.delivery.files import arrow
from patron.delivery.target import Answer, Estimate, Field

try:
    import psycopg
    from psycopg import sql
    from psycopg.copy import QueuedLibpqWriter
except ImportError as error:  # pragma: no cover  # the extra is there in tests
    raise MissingExtraError("postgres needs psycopg", fix="pip install 'patron[postgres]'") from error

WAITS: Final = (1.0, 5.0)
"""Seconds before a connection that was cut is tried anew."""
_TYPES: Final = {"text": "text", "day": "date", "stamp": "timestamptz", "count": "integer"}
_SETTINGS: Final = (
    "SET LOCAL TIME ZONE 'UTC'",
    "SET LOCAL temp_buffers = '256MB'",  # the staging table stays in memory,
    "SET LOCAL work_mem = '256MB'",  # and so does the proof
)
_CREATE: Final = "CREATE TABLE {table} ({typed})"
_STAGING: Final = "CREATE TEMPORARY TABLE patron_staging ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"
_COPY: Final = "COPY patron_staging ({names}) FROM STDIN (FORMAT csv)"
_FILL: Final = "INSERT INTO {table} ({names}) SELECT {names} FROM patron_staging"
_KEY: Final = "ALTER TABLE {table} ADD PRIMARY KEY ({id})"  # of rows that are there it is made in half the time
_INSERT: Final = f"{_FILL} ON CONFLICT ({{id}}) DO NOTHING"
_UPSERT: Final = (
    "INSERT INTO {table} AS t ({names}) SELECT {names} FROM patron_staging "
    "ON CONFLICT ({id}) DO UPDATE SET {set} WHERE {held} IS DISTINCT FROM {new}"
)
_PROOF: Final = (
    "SELECT s.{id}::text FROM patron_staging AS s LEFT JOIN {table} AS t ON t.{id} = s.{id} "
    "WHERE {held} IS DISTINCT FROM {sent}"
)
_FIXES: Final = {
    psycopg.errors.UndefinedColumn: "ALTER TABLE ... ADD COLUMN, or remove the field",
    psycopg.errors.InvalidColumnReference: "let the column of customer_id be the table's primary key",
    psycopg.errors.InsufficientPrivilege: "let this user select, insert and update, and make the table if it is absent",
    psycopg.errors.InvalidSchemaName: "CREATE SCHEMA, or name one that is there",
    psycopg.DataError: "mend the row, or the type of the column there",
    psycopg.OperationalError: "check that the server runs, the url, and the password in the environment",
}


class Postgres:
    """A table of a Postgres server; made, with types that fit, if it is absent.

    Parameters
    ----------
    fields : tuple of Field
    place : Path
        Not used.
    url : str
        Like postgresql://user@host/shop, without a password: that is in PGPASSWORD or ~/.pgpass.
    table : str
        ``name`` or ``schema.name``.
    password : str, optional
        The environment variable that holds the password, if it is not PGPASSWORD.
    """

    def __init__(
        self,
        fields: tuple[Field, ...],
        place: Path,
        *,
        url: str,
        table: str = "patron_scores",
        password: str | None = None,
    ) -> None:
        del place
        try:
            asked: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(url)
        except (psycopg.Error, TypeError):
            raise ConfigError("not a URL of Postgres", column="url", fix="like postgresql://user@host/shop") from None
        if asked.get("password"):
            raise ConfigError(
                "it holds a password", column="url", fix="remove it, and put it into the environment as PGPASSWORD"
            )
        parts = str(table).split(".")
        if not 1 <= len(parts) <= 2 or not all(parts):
            raise ConfigError("not a table", column="table", example=table, fix='like "scores" or "crm.scores"')
        self._asked, self._url, self._password, self._fields = asked, without_passwords(url), password, fields
        self._name = table
        self._columns = [sql.Identifier(field.name) for field in fields]
        names = sql.SQL(", ").join(self._columns)
        self._parts = {
            "table": sql.Identifier(*parts),
            "id": self._columns[0],
            "names": names,
            "typed": sql.SQL(", ").join(
                sql.SQL("{} {}").format(name, sql.SQL(_type(field)))
                for name, field in zip(self._columns, fields, strict=True)
            ),
            "set": sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in self._columns),
            "held": _row("t", self._columns),
            "sent": _row("s", self._columns),
            "new": _row("excluded", self._columns),
        }

    def check(self) -> None:
        """Go through a delivery of no rows, and take it back."""
        with self._told(), self._connected() as connection, connection.transaction(force_rollback=True):
            self._carry(connection, None)

    def estimate(self, rows: int) -> Estimate:
        """Say what sending so many rows takes: one transaction, about 50,000 rows a second."""
        return Estimate(int(rows > 0), rows / 50_000)

    def batches(self, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Send all rows in one transaction."""
        yield rows

    def send(self, batch: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Upsert the rows and prove that the table holds them; a connection that is cut is tried anew."""
        note(self._name)
        with self._told():
            for wait in WAITS:
                try:
                    return self._deliver(batch)
                except psycopg.OperationalError:
                    time.sleep(wait)
            return self._deliver(batch)

    def settle(self, token: str) -> Answer | None:
        """Nobody needs to know: sent again, the table is the same."""
        del token
        return None

    def _deliver(self, batch: pd.DataFrame) -> Answer:
        sent = frozenset(batch.index.to_numpy(dtype=object))
        with self._connected() as connection:
            wrong = self._carry(connection, batch)
            if not wrong.keys() <= sent:
                raise DeliveryError(f"{self._name} does not keep customer_id as text", fix="let its column be text")
        return Answer(sent - wrong.keys(), wrong)

    def _carry(self, connection: Any, batch: pd.DataFrame | None) -> dict[str, str]:
        """Copy, upsert, and return whose rows the table does not hold as they were sent."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"patron {self._name}"])
            cursor.execute("SELECT to_regclass(%s) IS NULL", [self._parts["table"].as_string(connection)])
            ((absent,),) = cursor.fetchall()
            for statement in (_CREATE, _STAGING) if absent else (_STAGING,):
                cursor.execute(self._sql(statement))
            if batch is not None:
                with cursor.copy(self._sql(_COPY), writer=QueuedLibpqWriter(cursor)) as copy:  # reads while we write
                    for part in arrow(batch, self._fields).to_batches(max_chunksize=65_536):
                        copy.write(_csv(part))
            upsert = _UPSERT if len(self._fields) > 1 else _INSERT
            for statement in (*((_FILL, _KEY) if absent else (upsert,)), _PROOF):
                cursor.execute(self._sql(statement))
            wrong = (customer for (customer,) in cursor.fetchall())
        return dict.fromkeys(wrong, "the table holds something else than was sent: look for a trigger or a rule")

    def _sql(self, statement: str) -> sql.Composed:
        return sql.SQL(statement).format(**self._parts)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        """Yield a connection that commits when the block ends well."""
        given = secret(self._password) if self._password else None
        with psycopg.connect(**{**self._asked, **({"password": given} if given else {})}) as connection:
            for setting in _SETTINGS:
                connection.execute(setting)
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            fix = next((fix for kind, fix in _FIXES.items() if isinstance(error, kind)), "see what Postgres says")
            said = " ".join(str(error).split()) or type(error).__name__
            raise DeliveryError(f"{self._name} in {self._url}: {said}", fix=fix) from error


def _type(field: Field) -> str:
    return _TYPES.get(field.column.kind, f"numeric(24, {field.decimals})")


def _row(alias: str, columns: list[sql.Identifier]) -> sql.Composed:
    """Return a row of a table's columns, to be compared with another."""
    named = sql.SQL(", ").join(sql.SQL(f"{alias}.{{}}").format(column) for column in columns)
    return sql.SQL("ROW({})").format(named)


def _csv(part: Any) -> memoryview:
    """Write CSV as COPY reads it: what is missing empty, empty text in quotes, stamps in the time zone that is set."""
    for place, field in enumerate(part.schema):
        if pa.types.is_timestamp(field.type):  # Arrow writes one with its zone ten times slower
            part = part.set_column(place, field.name, part.column(place).cast(pa.timestamp("us")))
    content = io.BytesIO()
    pyarrow.csv.write_csv(part, content, pyarrow.csv.WriteOptions(include_header=False))
    return content.getbuffer()
