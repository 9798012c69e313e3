"""Where rows come from: frames, files and databases, all made into one Ibis table of the wanted columns."""

from __future__ import annotations

import codecs
import csv
import difflib
import glob
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from patron._core.errors import DataError
from patron.data.databases import is_spark_frame, is_url, named_table, spark_table
from patron.data.engines import EngineError, offer

_CSV: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_PARQUET: Final = (".parquet", ".pq")
_DELIMITERS: Final = ",;\t|"
_ENCODING: Final = "save the file as UTF-8, or say what it is, like encoding='cp1252' for files of Windows and Excel"
_DRIVERS: Final = ("psycopg", "pyspark", "py4j")
_CSV_ERROR: Final = re.compile(r"CSV Error on Line: (\d+)\nOriginal Line: ?(.*?)\n+(.*?)\n", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """Something that rows can be read from.

    Attributes
    ----------
    name : str
        What messages call it.
    columns : tuple of str
        What it has.
    take : callable
        Gives the Ibis table of the columns asked for.
    engine : ibis backend
        What holds the rows once they are taken.
    """

    name: str
    columns: tuple[str, ...]
    take: Callable[[Sequence[str]], ir.Table]
    engine: Any

    def require(self, names: Iterable[str], hint: str = "") -> None:
        """Refuse when a named column is absent, suggesting those with close names."""
        for name in names:
            if name not in self.columns:
                close = [c for c in self.columns if c.lower() == name.lower()]
                close = close or difflib.get_close_matches(name, self.columns, n=3, cutoff=0.5)
                has = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it has {_listed(self.columns)}"
                raise DataError(f"is not in {self.name}{hint}; {has}", column=name, fix="name the column that holds it")
            if self.columns.count(name) > 1:
                raise DataError(f"occurs more than once in {self.name}", column=name, fix="rename one of them")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown or "no columns"


def open_source(source: Any, engine: Any, table: str | None = None, encoding: str | None = None) -> Source:
    """Find out what `source` is.

    Parameters
    ----------
    source : frame, str, pathlib.Path or ibis.Table
        A frame of pandas or PySpark, or anything with an Arrow stream; the path or glob of CSV or Parquet files; the
        URL of a database; or a table in one.
    engine : ibis backend
        The DuckDB that reads frames and files.
    table : str, optional
        Which table of the database at the URL.
    encoding : str, optional
        Of CSV files, which are UTF-8 when it is left out.

    Raises
    ------
    DataError
        It is none of these, or there is no such file, database or table.
    """
    if table is not None and not is_url(source):
        raise DataError(f"table={table!r} goes with a database's URL", fix="leave it out, or give the URL as source")
    if encoding is not None and (is_url(source) or not isinstance(source, (str, Path))):
        raise DataError(f"encoding={encoding!r} goes with CSV files", fix="leave it out")
    source = _found(source, table)
    if isinstance(source, ir.Table):
        home = source.get_backend()
        return Source(
            "the table" if table is None else f"the table {table}",
            tuple(source.columns),
            lambda names: source.select(*names),
            engine if home.name == "duckdb" else home,
        )
    if isinstance(source, pd.DataFrame):
        return _pandas(source, engine)
    if isinstance(source, (str, Path)):
        return _files(source, engine, encoding)
    if type(source).__name__ == "LazyFrame" and hasattr(source, "collect"):
        source = source.collect()
    if hasattr(source, "__arrow_c_stream__"):
        try:
            arrow = pa.table(source)
        except pa.ArrowInvalid as error:
            raise _unreadable(source) from error
        names = tuple(arrow.column_names)
        return Source("the frame", names, lambda wanted: offer(engine, _typed(arrow.select(wanted))), engine)
    raise _unreadable(source)


def _found(source: Any, table: str | None) -> Any:
    """Give what names a table of a database as that table, anything else as it is."""
    if is_url(source):
        return named_table(source, table)
    if is_spark_frame(source):
        return spark_table(source)
    if isinstance(source, ir.Table) and source.get_backend().name == "polars":
        return source.to_pyarrow()  # it has no window functions
    return source


def _unreadable(source: Any) -> DataError:
    return DataError(
        f"cannot read rows from a {type(source).__name__}",
        fix="give a pandas, polars, pyarrow or PySpark frame, the path of CSV or Parquet files, a database's URL, or "
        "an Ibis table",
    )


def _typed(table: pa.Table) -> pa.Table:
    """Call a column of nothing text, so that it is refused as missing and not for its type."""
    return table.cast(pa.schema([f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]))


def _pandas(frame: pd.DataFrame, engine: Any) -> Source:
    columns = tuple(str(c) for c in frame.columns)

    def take(names: Sequence[str]) -> ir.Table:
        arrays = {name: _array(frame.iloc[:, columns.index(name)], name) for name in names}
        return offer(engine, _typed(pa.table(arrays)))

    index = [str(n) for n in frame.index.names if n is not None]
    name = f"the frame (its index is {_listed(index)}: reset_index() makes it a column)" if index else "the frame"
    return Source(name, columns, take, engine)


def _array(values: pd.Series[Any], name: str) -> pa.ChunkedArray:
    if values.dtype == object:
        _refuse_mixed(values.dropna(), name)
    if isinstance(values.dtype, pd.DatetimeTZDtype):  # whose own way to Arrow warns on pandas 3.1
        return pa.array(values.dt.tz_convert(None), from_pandas=True).cast(pa.timestamp(values.dtype.unit, "UTC"))
    try:
        return pa.Table.from_pandas(values.to_frame(name), preserve_index=False).column(0)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"cannot be read: {reason}", column=name, fix="make the column one plain type") from error


def _refuse_mixed(values: pd.Series[Any], name: str) -> None:
    """Refuse objects of which Arrow would make something else than they are."""
    kind = pd.api.types.infer_dtype(values)
    if kind == "datetime" and len(set(values.map(lambda stamp: stamp.tzinfo is None))) > 1:
        raise DataError("mixes stamps with and without a zone", column=name, fix="give all of them a zone, or none")
    if kind.startswith("mixed") and kind != "mixed-integer-float":
        kinds = sorted(set(values.map(lambda value: type(value).__name__)))
        raise DataError(f"mixes types: {', '.join(kinds)}", column=name, fix="make the column one type")
    if kind == "decimal":
        endless = values[~values.map(lambda value: value.is_finite())]
        if len(endless):
            raise DataError(
                "is infinite",
                column=name,
                count=len(endless),
                example=str(endless.iloc[0]),
                fix="correct or remove these rows",
            )


def _files(path: str | Path, engine: Any, encoding: str | None) -> Source:
    given = str(path)
    try:
        folder = Path(given).is_dir()
    except OSError as error:
        raise DataError(f"{given[:80]} cannot be read: {error.strerror}", fix="check the path") from error
    if folder:
        raise DataError(f"{given} is a folder", fix=f"name the files in it, like {given.rstrip('/')}/*.parquet")
    found = [given] if Path(given).exists() else sorted(glob.glob(given, recursive=True))  # noqa: PTH207
    found = [p for p in found if Path(p).is_file()]
    if not found:
        if glob.has_magic(given):
            raise DataError(f"no file matches {given}", fix="check the pattern and the current folder")
        raise DataError(f"there is no file {given}", fix="check the path; it is relative to the current folder")
    parquet, text = (all(p.lower().endswith(endings) for p in found) for endings in (_PARQUET, _CSV))
    if not (parquet or text):
        raise DataError(
            f"{given} is neither CSV nor Parquet throughout", fix=f"files end in {', '.join((*_PARQUET, *_CSV))}"
        )
    if text:
        return _csv(found, Path(given).name, engine, encoding)
    if encoding is not None:
        raise DataError(f"encoding={encoding!r} goes with CSV files", fix="leave it out")
    with engine_errors(Path(given).name):
        table = engine.read_parquet([glob.escape(p) for p in found], union_by_name=True)
    return Source(Path(given).name, tuple(table.columns), lambda names: table.select(*names), engine)


def _csv(paths: Sequence[str], name: str, engine: Any, encoding: str | None) -> Source:
    """Read files by the names in their first lines, everything as text, nothing guessed."""
    encoding = codecs.lookup(encoding or "utf-8").name
    encoding = "utf-8-sig" if encoding == "utf-8" else encoding  # a mark of the order of bytes is no letter
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for path in paths:
        alike.setdefault(_header(path, encoding), []).append(path)

    def take(names: Sequence[str]) -> ir.Table:
        parts = []
        for (delimiter, header), files in alike.items():
            Source(Path(files[0]).name, header, take, engine).require(names)
            if encoding == "utf-8-sig":
                table = _by_engine(files, len(header), delimiter, engine)
            else:
                wanted = [header.index(n) for n in names]
                table = offer(engine, pa.concat_tables(_decoded(p, header, wanted, delimiter, encoding) for p in files))
            parts.append(table.select(**{n: table[f"c{header.index(n)}"] for n in names}))
        return parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]

    return Source(name, next(iter(alike))[1], take, engine)


def _by_engine(paths: Sequence[str], width: int, delimiter: str, engine: Any) -> ir.Table:
    return engine.read_csv(
        [glob.escape(p) for p in paths],
        columns={f"c{i}": "VARCHAR" for i in range(width)},
        auto_detect=False,
        header=True,
        delim=delimiter,
        quote='"',
        escape='"',
    )


def _decoded(path: str, header: Sequence[str], wanted: Sequence[int], delimiter: str, encoding: str) -> pa.Table:
    """Read the wanted columns of a file that is not UTF-8, into memory: DuckDB reads no other."""
    names = [f"c{i}" for i in range(len(header))]
    try:
        return pa_csv.read_csv(
            path,
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=1, encoding=encoding),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[names[i] for i in wanted],
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except (UnicodeError, pa.ArrowException) as error:
        told = str(error).splitlines()[0]
        raise DataError(
            f"{Path(path).name} cannot be read: {told}", fix="check encoding, and that the file is whole"
        ) from error


def _header(path: str, encoding: str) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter, the most frequent candidate in the first line, and the names of the columns.

    A packed file is read to its end: DuckDB takes one that breaks off after a line for whole.
    """
    packed = path.lower().endswith(".gz")
    opened = gzip.open if packed else open
    try:
        if packed:
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        with opened(path, "rt", encoding=encoding, newline="") as file:
            line = file.readline()
            delimiter = max(_DELIMITERS, key=line.count)
            header = tuple(field.strip() for field in next(csv.reader([line], delimiter=delimiter), []))
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"{Path(path).name} cannot be read: {error}", fix="save the file whole, as UTF-8") from error
    except UnicodeError as error:
        raise DataError(f"{Path(path).name} cannot be read: {error}", fix=_ENCODING) from error
    if "\0" in line:
        raise DataError(f"{Path(path).name} begins with NUL characters", fix="save the file whole, as UTF-8")
    if not any(header):
        raise DataError(f"{Path(path).name} names no columns", fix="its first line must name them")
    return delimiter, header


@contextmanager
def engine_errors(name: str) -> Iterator[None]:
    """Tell what an engine could not read in `name` as a DataError of a line or two."""
    try:
        yield
    except EngineError as error:
        told = str(error)
        match = _CSV_ERROR.search(told)
        if match is None:
            short = "Out of Memory" in told
            raise DataError(
                f"{name} cannot be read: {told.splitlines()[0]}",
                fix="give the engine more memory=" if short else "check that the files are whole and alike",
            ) from error
        line, original, reason = match.groups()
        encoding = "unicode" in reason.lower()
        raise DataError(
            f"{name}, line {int(line):,}: {reason.strip().rstrip('.')}",
            example=None if encoding else original,
            fix=_ENCODING if encoding else "correct the line, or put quotes around a field that holds the delimiter",
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _DRIVERS:
            raise
        raise DataError(
            f"{name} cannot be read: {str(error).splitlines()[0]}", fix="check that the database is up and unchanged"
        ) from error
