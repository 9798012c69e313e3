"""The embedded DuckDB: how it is opened, and how rows come to rest in it."""

from __future__ import annotations

import difflib
import itertools
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from patron._core.errors import ConfigError
from patron.data.databases import spark_table

_MEMORY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|[KMGT]i?B)\s*", re.IGNORECASE)
_DEFAULT_SHARE: Final = 80.0  # DuckDB's own limit, in per cent of what machine and container allow
_SOURCE: Final = "source_"
_STAGED: Final = "staged_"
_SETTLED: Final = "settled_"
_serial = itertools.count()

EngineError = duckdb.Error


def connect(memory: str | None = None, threads: int | None = None) -> Any:
    """Open an in-memory DuckDB.

    Parameters
    ----------
    memory : str, optional
        How much it may hold before it spills to the temporary folder: ``"4GB"``, or ``"60%"`` of the machine.
        Real memory overshoots the limit by up to a fifth. By default DuckDB's own limit, 80 %.
    threads : int, optional
        By default one a core.

    Raises
    ------
    ConfigError
        `memory` or `threads` cannot be read.

    Examples
    --------
    >>> connect(memory="1GB", threads=1).name
    'duckdb'
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"threads is not a positive whole number: {threads!r}", fix="leave it out for one a core")
    match = _MEMORY.fullmatch(memory) if isinstance(memory, str) else None
    if memory is not None and (match is None or float(match[1]) <= 0):
        raise ConfigError(f"memory cannot be read: {memory!r}", fix="write it as '60%' or '4GB'")
    engine = ibis.duckdb.connect(
        preserve_insertion_order=False,
        temp_directory=str(Path(tempfile.gettempdir()) / f"patron-{os.getpid()}-{next(_serial)}"),
        autoinstall_known_extensions=False,
        **({} if threads is None else {"threads": threads}),
    )
    if match is not None:
        limit = f"{match[1]}{match[2]}" if match[2] != "%" else _share(engine, float(match[1]))
        engine.raw_sql(f"SET memory_limit = '{limit}'")
    return engine


def _share(engine: Any, per_cent: float) -> str:
    """Turn a share of the machine into bytes, measured on DuckDB's own limit, which knows about containers."""
    size, unit = engine.raw_sql("SELECT current_setting('memory_limit')").fetchone()[0].split()
    return f"{float(size) * per_cent / _DEFAULT_SHARE}{unit}"


def offer(engine: Any, arrow: Any) -> ir.Table:
    """Show an Arrow table to DuckDB under a name of its own, without copying it."""
    name = f"{_SOURCE}{next(_serial)}"
    engine.con.register(name, arrow)
    return engine.table(name)


def beside(table: ir.Table, arrow: Any, engine: Any) -> tuple[ir.Table, ir.Table]:
    """Bring a small Arrow table to where `table` is, so that one query reaches both."""
    if engine.name == "pyspark":
        return table, spark_table(engine._session.createDataFrame(arrow))  # noqa: SLF001  # Ibis has no other way
    if engine.name != "duckdb":
        return table, ibis.memtable(arrow)
    return table if table.get_backend() is engine else offer(engine, table.to_pyarrow()), offer(engine, arrow)


def stage(table: ir.Table, engine: Any) -> ir.Table:
    """Give a table of our own DuckDB a name, as a view: what is computed from it is planned in short texts."""
    if engine.name != "duckdb" or table.get_backend() is not engine:
        return table
    return engine.create_view(f"{_STAGED}{next(_serial)}", table)


def settle(table: ir.Table, engine: Any) -> ir.Table:
    """Copy what `table` says now to rest, where no later change of the source reaches it.

    DuckDB takes the rows into a table of its own; Spark keeps them by a local checkpoint, so that what is computed
    later need not be planned through how they were read. On any other engine the rows stay where they are.
    """
    name = f"{_SETTLED}{next(_serial)}"
    if engine.name == "pyspark":
        rows = engine._session.sql(engine.compile(table)).localCheckpoint()  # noqa: SLF001  # Ibis has no way to it
        rows.createOrReplaceTempView(name)
        return engine.table(name)
    if engine.name != "duckdb":
        return table
    home = table.get_backend()
    return engine.create_table(name, table if home is engine else offer(engine, table.to_pyarrow()))


def numbered(table: ir.Table, column: str, number: str, engine: Any, least: int) -> tuple[ir.Table, ir.Table | None]:
    """Give each value of a settled column of text its number in their order: numbers are grouped and sorted sooner.

    Returns
    -------
    table : ibis.Table
        The same rows with their `number`, settled anew; what they rested on is gone.
    names : ibis.Table or None
        `number` and `column`, one row a value. Of less than `least` rows, and on any engine but DuckDB, None; the table
        stays as it was.
    """
    if engine.name != "duckdb" or count(table) < least:
        return table, None
    once = table.select(column).distinct()
    order = ibis.window(order_by=once[column])
    names = settle(once.mutate(**{number: ibis.row_number().over(order).cast("int32")}), engine)
    rows = settle(table.inner_join(names, column).select(*table.columns, number), engine)
    for node in table.op().find(ops.DatabaseTable):
        if node.name.startswith(_SETTLED):
            engine.drop_table(node.name)
    return rows, names


def count(table: ir.Table) -> int:
    """Rows of a table."""
    return int(table.count().to_pyarrow().as_py())


def forget_sources(engine: Any) -> None:
    """Let go of what was offered to DuckDB and of the views on it; copies that have settled stay."""
    if engine.name == "duckdb":
        views = "SELECT view_name FROM duckdb_views() WHERE starts_with(view_name, ?)"
        for (name,) in engine.con.execute(views, [_STAGED]).fetchall():
            engine.drop_view(name)
        for (name,) in engine.con.execute(views, [_SOURCE]).fetchall():
            engine.con.unregister(name)


def check_zone(name: str, what: str, engine: Any) -> None:
    """Refuse a time zone that `engine` does not know."""
    if name == "UTC":
        return
    known = [row[0] for row in engine.raw_sql("SELECT name FROM pg_timezone_names() ORDER BY name").fetchall()]
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=2)
        raise ConfigError(
            f"{what} is not a known time zone: {name!r}",
            fix=f"an IANA name, like {' or '.join(close or ['Europe/Berlin', 'UTC'])}",
        )
