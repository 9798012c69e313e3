"""Tables that stay where they are: in a Postgres server by URL, in a Spark session by URL or as a frame."""

from __future__ import annotations

import atexit
import difflib
import functools
import itertools
import re
import warnings
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.formats.pyarrow import PyArrowData

from patron._core.errors import DataError, MissingExtraError
from patron._core.passwords import without_passwords

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_EXAMPLE: Final = "like postgresql://user@host/shop (libpq finds the password in PGPASSWORD or ~/.pgpass) or spark://"
_servers: dict[str, Any] = {}
_serial = itertools.count()


def is_url(source: object) -> bool:
    """Tell whether `source` names a database.

    Examples
    --------
    >>> is_url("postgresql://host/shop"), is_url("data/orders.csv")
    (True, False)
    """
    return isinstance(source, str) and _URL.match(source) is not None


def is_spark_frame(source: object) -> bool:
    """Tell whether `source` is a DataFrame of PySpark, without importing it."""
    kind = type(source)
    return kind.__name__ == "DataFrame" and kind.__module__.startswith("pyspark.sql.")


def named_table(url: str, name: str | None) -> ir.Table:
    """Find a table by the URL of its database and its name, ``"orders"`` or ``"schema.orders"``.

    Raises
    ------
    DataError
        No database answers at that URL, or it has no such table.
    MissingExtraError
        The package that talks to it is not installed.
    """
    engine = _engine(url)
    place, _, last = (name or "").rpartition(".")
    try:
        if last:
            return _typed(engine.table(last, database=place or None))
        known = engine.list_tables()
    except Exception as error:
        known = _tables(engine, place)
        if last in known:
            raise _told(f"the table {name} cannot be read", error, "check that this user may read it") from error
    close = difflib.get_close_matches(last, known, n=3, cutoff=0.5) or known[:12]
    there = f"it has {', '.join(close)}" if close else "there are no tables"
    missing = f"there is no table {name}" if last else "no table is named"
    raise DataError(
        f"{missing} in {without_passwords(url)}; {there}", fix='name one with table=, like "orders" or "schema.orders"'
    )


def spark_table(frame: Any) -> ir.Table:
    """Give a frame of PySpark as a table of its session."""
    name = f"patron_{next(_serial)}"
    frame.createOrReplaceTempView(name)
    return _typed(_spark(frame.sparkSession).table(name))


def _typed(table: ir.Table) -> ir.Table:
    """Say which columns of Spark hold instants: Ibis tells them from naive stamps nowhere else."""
    engine = table.get_backend()
    if engine.name != "pyspark":
        return table
    fields = engine._session.sql(engine.compile(table)).schema.fields  # noqa: SLF001  # Ibis has no other way to it
    instants = [field.name for field in fields if field.dataType.typeName() == "timestamp"]
    return table.cast(dict.fromkeys(instants, dt.Timestamp("UTC"))) if instants else table


def _engine(url: str) -> Any:
    scheme = url.partition("://")[0].lower()
    if scheme in ("postgresql", "postgres"):
        return _postgres(url)
    if scheme == "spark":
        return _spark(_session(url))
    raise DataError(f"no database is read by a URL of {scheme}://", fix=f"write it {_EXAMPLE}; or pass an Ibis table")


def _postgres(url: str) -> Any:
    """Connect once a URL, so that side tables meet their log; anew when the server has hung up."""
    try:
        import ibis.backends.postgres as driver  # noqa: PLC0415
        import psycopg  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Postgres needs psycopg", fix="pip install 'patron[postgres]'") from error
    if url in _servers and not _servers[url].con.closed:
        return _servers[url]
    try:
        asked: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise DataError(
            "the database's URL cannot be read", fix=f"write it {_EXAMPLE}"
        ) from None  # it holds a password
    try:
        connection = psycopg.connect(**asked, autocommit=True)
    except psycopg.Error as error:
        raise _told(
            f"{without_passwords(url)} does not let us in",
            error,
            "check that the server runs, the URL and the password",
        ) from None
    atexit.register(connection.close)
    _servers[url] = driver.Backend.from_connection(connection)
    return _servers[url]


def _session(url: str) -> Any:
    """Return the session that runs, else a new one at the URL's master, with the settings of its query."""
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("Spark needs pyspark", fix="pip install 'patron[spark]'") from error
    parts = urlsplit(url)
    builder = SparkSession.builder.config(map=dict(parse_qsl(parts.query)))
    try:
        return (builder.master(f"spark://{parts.netloc}") if parts.netloc else builder).getOrCreate()
    except Exception as error:
        raise _told("Spark does not start", error, "check that Java is installed, and the URL") from error


@functools.cache
def _spark(session: Any) -> Any:
    """Connect once a session, so that side tables meet their log."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        theirs = type(ibis.pyspark.connect(session))

        class Spark(theirs):  # type: ignore[misc,valid-type]  # known only once PySpark is loaded
            """Ibis' own, but rows leave as Arrow; its way through pandas warns of pandas 3."""

            def to_pyarrow(self, expr: ir.Expr, /, **_: Any) -> Any:
                table = expr.as_table()
                rows = self._session.sql(self.compile(table)).toArrow()
                return expr.__pyarrow_result__(PyArrowData.convert_table(rows, table.schema()))

        return Spark().connect(session)


def _tables(engine: Any, place: str) -> list[str]:
    try:
        return list(engine.list_tables(database=place or None))
    except Exception:  # noqa: BLE001  # no such schema, told in as many words as there are engines
        return []


def _told(message: str, error: Exception, fix: str) -> DataError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return DataError(f"{message}: {reason}", fix=fix)
