"""The target that is a folder: each delivery a folder of its own, Parquet and CSV beside a manifest of digests."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from patron._core.errors import ConfigError, DeliveryError
from patron._core.files import digest, read_json, repair, whole_folder, write_bytes, write_json
from patron.delivery.target import Answer, Estimate, Field

FORMATS: Final = ("parquet", "csv")
_RUN: Final = r"^([=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
"""How a cell begins that a spreadsheet runs; the last four are the wide forms of the first four."""


class Files:
    """A folder that somebody, or something, picks deliveries up from.

    Each delivery is ``NUMBER-DIGEST/`` with scores.parquet, scores.csv and manifest.json, there as a whole or not at
    all; sent again after a stop it has the same name. Numbers rise, whoever clears the folder.

    Parameters
    ----------
    fields : tuple of Field
    place : Path
        Where the number of the last delivery is kept.
    folder : str, optional
        Absolute, or relative to `place`.
    formats : sequence of {'parquet', 'csv'}
    """

    def __init__(
        self, fields: tuple[Field, ...], place: Path, *, folder: str = "sent", formats: Sequence[str] = FORMATS
    ) -> None:
        wrong = [kind for kind in formats if kind not in FORMATS] if isinstance(formats, list | tuple) else [formats]
        if wrong or not formats:
            raise ConfigError(
                "no format of files", column="formats", example=wrong[0] if wrong else [], fix="like [parquet, csv]"
            )
        if not isinstance(folder, str):
            raise ConfigError("not a folder", column="folder", example=folder, fix="write its path")
        self._fields, self._place, self._formats = fields, place, sorted(set(formats))
        self._folder = place / folder

    def check(self) -> None:
        """Find out whether the folder can be written to."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._folder / ".check", b"")
            (self._folder / ".check").unlink()
            repair(self._folder, "[0-9]*-*")
        except OSError as error:
            raise DeliveryError(
                f"{self._folder} cannot be written to: {error.strerror}", fix="let it be a folder that can"
            ) from error

    def estimate(self, rows: int) -> Estimate:
        """Say what sending so many rows takes: one folder, about 500,000 rows a second."""
        return Estimate(int(rows > 0), rows / 500_000)

    def batches(self, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Send all rows at once."""
        yield rows

    def send(self, batch: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Write the rows to a folder of their own."""
        table = arrow(batch, self._fields)
        exact = io.BytesIO()
        pyarrow.parquet.write_table(table, exact, compression="zstd")
        name = self._name(hashlib.sha256(exact.getvalue()).hexdigest())
        note(name)
        with whole_folder(self._folder / name) as draft:
            facts: dict[str, Any] = {"format": 1, "rows": len(batch), "fields": table.column_names}
            if "parquet" in self._formats:
                (draft / "scores.parquet").write_bytes(exact.getvalue())
            if "csv" in self._formats:
                content, facts["cells_made_harmless"] = harmless_csv(table)
                (draft / "scores.csv").write_bytes(content)
            written = {path.name: {"sha256": digest(path), "bytes": path.stat().st_size} for path in draft.iterdir()}
            write_json(draft / "manifest.json", {**facts, "files": written})
        return Answer(frozenset(batch.index.to_numpy(dtype=object)))

    def settle(self, token: str) -> Answer | None:
        """Nobody needs to know: sent again, the folder is the same."""
        del token
        return None

    def _name(self, content: str) -> str:
        """Return the name of the last delivery if it was this one, else the next; the number is kept in `place`."""
        counter = self._place / "last.json"
        last: dict[str, Any] = read_json(counter) if counter.exists() else {"number": 0, "content": ""}
        if last["content"] != content:
            last = {"number": last["number"] + 1, "content": content}
            write_json(counter, last)
        return f"{last['number']:06}-{content[:12]}"


def arrow(rows: pd.DataFrame, fields: tuple[Field, ...]) -> pa.Table:
    """Return rows as a target takes them as Arrow, each column of the type its kind says."""
    types = {
        "text": pa.string(),
        "day": pa.date32(),
        "stamp": pa.timestamp("us", tz="UTC"),
        "count": pa.int64(),
        "number": pa.float64(),
        "money": pa.float64(),
    }
    columns = [pa.array(rows[field.name], types[field.column.kind], from_pandas=True) for field in fields]
    return pa.table(columns, names=[field.name for field in fields])


def harmless_csv(rows: pd.DataFrame | pa.Table) -> tuple[bytes, int]:
    r"""Write rows as CSV, an apostrophe before each text that a spreadsheet would run; the CSV, and how many it were.

    Examples
    --------
    >>> harmless_csv(pd.DataFrame({"customer_id": ["=1+1", "a-b"], "clv": [-1.5, 2.0]}))
    (b'"customer_id","clv"\n"\'=1+1",-1.5\n"a-b",2\n', 1)
    """
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
    changed = 0
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            text = table.column(place)
            runs = pa.compute.match_substring_regex(text, _RUN)
            if count := pa.compute.sum(runs).as_py():
                table = table.set_column(place, field.name, pa.compute.replace_substring_regex(text, _RUN, r"'\1"))
                changed += count
    content = io.BytesIO()
    pyarrow.csv.write_csv(table, content)
    return content.getvalue(), changed
