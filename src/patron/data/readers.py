"""read_transactions: from a source of any kind to a TransactionLog, every row checked on entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import ibis.expr.types as ir

from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import DataError
from patron._core.money import minor_units
from patron.data import columns
from patron.data.columns import Column
from patron.data.engines import check_zone, connect, count, settle
from patron.data.entry import enter
from patron.data.finding import Finding
from patron.data.log import TransactionLog, measure
from patron.data.sources import engine_errors, open_source

_CURRENCY: Final = "currency"


def read_transactions(
    source: Any,
    *,
    table: str | None = None,
    customer_id: str = "customer_id",
    time: str = "time",
    amount: str = "amount",
    order_id: str | None = None,
    product_id: str | None = None,
    category: str | None = None,
    quantity: str | None = None,
    discount: str | None = None,
    channel: str | None = None,
    timezone: str = "UTC",
    source_timezone: str | None = None,
    currency: str | None = None,
    duplicates: Literal["keep", "drop"] = "keep",
    observed_until: Day | None = None,
    memory: str | None = None,
    threads: int | None = None,
) -> TransactionLog:
    """Read a transaction log.

    Parameters
    ----------
    source : frame, str, pathlib.Path or ibis.Table
        One row a purchase, order line or refund: a frame of pandas, polars, pyarrow or PySpark; the path or glob of
        Parquet or CSV files (CSV is read as text throughout, so that identifiers keep their leading zeros); or the
        URL of a database, ``postgresql://user@host/shop`` as libpq takes it, or ``spark://`` for the Spark session
        that runs, ``spark://host:7077`` for a new one there.
    table : str, optional
        The table at the URL, ``"orders"`` or ``"schema.orders"``.
    customer_id, time, amount : str
        The columns that say who, when and how much (in major units, like 12.50; refunds negative).
    order_id, product_id, category, quantity, discount, channel : str, optional
        Further columns; each is read when named, or when the source has a column of just that name.
    timezone : str
        Whose calendar days count. Stamps with a zone are converted to it; naive ones are taken as in it.
    source_timezone : str, optional
        What naive stamps are in, if not `timezone`.
    currency : str, optional
        ISO 4217; by default what the source's column ``currency`` says, else USD.
    duplicates : {'keep', 'drop'}
        What to do with rows that are equal in every column read. A line item legitimately repeats: keep them.
    observed_until : day, optional
        The last day that was observed whole, by default the day of the last row. Later rows are left out.
    memory : str, optional
        Limit of the embedded engine, ``"4GB"`` or ``"60%"`` of the machine.
    threads : int, optional
        Of the embedded engine, by default one a core.

    Returns
    -------
    TransactionLog
        Frozen: its rows are copied once, into memory or to Spark's workers, and no later change of the source reaches
        them. Only those of a database server stay there, and the log is a view of them: what is written to the table
        later shows in whatever is computed later. Give `observed_until`, and let nobody rewrite days before it.

    Raises
    ------
    DataError
        Rows that cannot be read; the text names column, count, example and fix. No such file, database or table.
    MissingExtraError
        The package that talks to the database is not installed.

    Notes
    -----
    Amounts become whole minor units once, here, rounded half to even. A float counts as the decimal of up to 15
    digits that it was written as, so that 2.675 rounds like Decimal("2.675"); the audit counts what rounding changed.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"client": ["007", "007", "008"], "paid_at": ["2024-01-31", "2024-02-03", "2024-02-03"],
    ...                        "total": ["12.50", "8", "-3.10"]})
    >>> log = read_transactions(orders, customer_id="client", time="paid_at", amount="total", currency="EUR")
    >>> log
    TransactionLog(3 rows, 2 customers, 2024-01-31 to 2024-02-03, EUR, UTC)
    >>> log.table.order_by("day", "customer_id").amount.to_pyarrow().to_pylist()
    [1250, 800, -310]
    """
    if duplicates not in ("keep", "drop"):
        raise DataError(f"duplicates is {duplicates!r}", fix="'keep' or 'drop'")
    last = None if observed_until is None else day_number(observed_until, name="observed_until")
    if last is not None and not columns.FIRST_DAY <= last <= columns.LAST_DAY:
        raise DataError("observed_until is no day of a log", example=date_of(last).isoformat(), fix="an observed day")
    engine = connect(memory, threads)
    check_zone(timezone, "timezone", engine)
    if source_timezone is not None:
        check_zone(source_timezone, "source_timezone", engine)
    given = {
        "order_id": order_id,
        "product_id": product_id,
        "category": category,
        "channel": channel,
        "quantity": quantity,
        "discount": discount,
    }
    opened = open_source(source, engine, table)
    engine = opened.engine
    extra = {name: named or name for name, named in given.items() if named or name in opened.columns}
    wanted = {"customer_id": customer_id, "time": time, "amount": amount, **extra}
    opened.require(wanted.values())
    with engine_errors(opened.name):
        raw = opened.take([*wanted.values(), *([_CURRENCY] if _CURRENCY in opened.columns else [])])
        code = _one_currency(raw, currency)
        raw = columns.with_walls(raw, [wanted["time"]], timezone, source_timezone, engine)
        taken = _columns(raw, wanted, minor_units(code), timezone, source_timezone)
        rows, changed = enter(raw, taken, engine)
        rows, kept = _kept(rows, duplicates, last, engine)
        facts = measure(rows)
    return TransactionLog(
        table=rows,
        observed_until=int(rows.day.max().to_pyarrow().as_py()) if last is None else last,
        timezone=timezone,
        currency=code,
        minor=minor_units(code),
        optional=frozenset(extra),
        engine=engine,
        entry=(*_altered(changed), *kept),
        **facts,
    )


def _one_currency(raw: ir.Table, asked: str | None) -> str:
    """Return the currency of every row: what the source says, if it says anything."""
    if _CURRENCY not in raw.columns:
        return "USD" if asked is None else asked.upper()
    code = raw[_CURRENCY].cast("string").strip().upper()
    counts = {
        row["code"]: row["n"]
        for row in raw.group_by(code=code).aggregate(n=raw.count()).order_by("code").to_pyarrow().to_pylist()
    }
    if None in counts or "" in counts:
        raise DataError("is missing", column=_CURRENCY, count=counts.get(None, 0) + counts.get("", 0), fix="fill it in")
    if len(counts) > 1:
        rarest = min(counts, key=lambda c: counts[c])
        raise DataError(
            f"holds {len(counts)} currencies: {', '.join(counts)}",
            column=_CURRENCY,
            count=counts[rarest],
            example=rarest,
            fix="convert the amounts to one currency, or read one currency at a time",
        )
    told = next(iter(counts), asked or "USD")
    if asked is not None and asked.upper() != told:
        raise DataError(
            f"says {told}, but the log was to be read in {asked.upper()}",
            column=_CURRENCY,
            count=counts[told],
            fix=f"currency={told!r}, or convert the amounts",
        )
    return told


def _columns(
    raw: ir.Table, wanted: Mapping[str, str], minor: int, timezone: str, source_timezone: str | None
) -> dict[str, Column]:
    day, clock = columns.day(raw, wanted["time"], timezone, source_timezone)
    taken = {
        "customer_id": columns.identifier(raw[wanted["customer_id"]]),
        "day": day,
        **({"time_of_day": clock} if clock is not None else {}),
        "amount": columns.money(raw[wanted["amount"]], minor, required=True),
    }
    for name, source in wanted.items():
        if name == "discount":
            taken[name] = columns.money(raw[source], minor, required=False)
        elif name == "quantity":
            taken[name] = columns.number(raw[source])
        elif name in ("order_id", "product_id", "category", "channel"):
            taken[name] = columns.text(raw[source])
    return taken


def _kept(table: ir.Table, duplicates: str, last: int | None, engine: Any) -> tuple[ir.Table, list[Finding]]:
    """Leave out what was asked to be left out, and say how much that was."""
    read, found = count(table), []
    if not read:
        raise DataError("the log is empty", fix="check that the source holds rows")
    if duplicates == "drop":
        table = settle(table.distinct(), engine)
        found.append(Finding("exact duplicate rows left out", read - count(table), "", "dropped: duplicates='drop'"))
    if last is not None:
        late = count(table.filter(table.day > last))
        table = table.filter(table.day <= last)
        found.append(
            Finding("rows after observed_until left out", late, "", f"dropped: observed until {date_of(last)}")
        )
        if not count(table):
            raise DataError(
                "no row is left: all lie after observed_until",
                count=late,
                example=date_of(last).isoformat(),
                fix="a later observed_until",
            )
    return table, found


def _altered(changed: Mapping[str, int]) -> list[Finding]:
    """Tell what conversion altered."""
    found = []
    for name, rows in sorted(changed.items()):
        if name in ("amount", "discount"):
            found.append(Finding(f"{name}s rounded", rows, "", "rounded half to even to the minor unit"))
        elif rows:
            found.append(
                Finding(
                    f"{name} read from floats",
                    rows,
                    "12345.0 became '12345'",
                    "kept as whole numbers; leading zeros are lost: read identifiers as text",
                    "warn",
                )
            )
    return found
