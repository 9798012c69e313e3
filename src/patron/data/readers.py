"""read_transactions: from a source of any kind to a TransactionLog, every row checked on entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import ibis.expr.types as ir

from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import DataError
from patron._core.money import minor_units
from patron._core.notation import Notation
from patron.data import columns, currencies, stamps
from patron.data.choosing import chosen, unread, with_refunds, without_guests
from patron.data.columns import Column
from patron.data.engines import check_zone, connect, count, numbered, settle
from patron.data.entry import enter
from patron.data.finding import Finding
from patron.data.log import TransactionLog, measure
from patron.data.sources import engine_errors, open_source

_CURRENCY: Final = "currency"
_MONEY: Final = ("amount", "discount", "refund")
_MANY: Final = 1_000_000  # rows whose customers are worth numbering
_GUESTS: Final = "fill it in or remove these rows; guests='drop' leaves them out, and the audit tells how much that was"


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
    currency_column: str | None = None,
    refund: str | None = None,
    keep: Mapping[str, Sequence[str]] | None = None,
    guests: Literal["refuse", "drop"] = "refuse",
    decimal: Literal[".", ","] = ".",
    time_format: str | None = None,
    encoding: str | None = None,
    timezone: str = "UTC",
    source_timezone: str | None = None,
    currency: str | None = None,
    rates: Any = None,
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
    currency_column : str, optional
        The column that says what each row is in (ISO 4217); by default ``currency``, if the source has it.
    refund : str, optional
        A column of what was paid back of the row, of either sign or empty. Each becomes a negative row of the same
        day, which is the only one that is known: refunds that have a row and a day of their own tell more.
    keep : mapping of str to sequence of str, optional
        Only rows with these values, like ``{"status": ["paid", "shipped"]}``; others are left out unread, and the
        audit counts them by value. The empty text stands for a missing value.
    guests : {'refuse', 'drop'}
        What to do with rows without a customer. The audit says how many were dropped, and how much they came to.
    decimal : {'.', ','}
        How text writes numbers: with ``","``, 1.234,50 and 1 234,50.
    time_format : str, optional
        How text writes stamps, like ``"%d.%m.%Y %H:%M"`` (fields %d %m %Y %y %H %M %S); as ISO 8601 when left out.
    encoding : str, optional
        Of CSV files, like ``"cp1252"``; UTF-8 when left out. Files of another are decoded in memory.
    timezone : str
        Whose calendar days count. Stamps with a zone are converted to it; naive ones are taken as in it.
    source_timezone : str, optional
        What naive stamps are in, if not `timezone`.
    currency : str, optional
        ISO 4217; by default what the source's column of currencies says, else USD.
    rates : frame, path, glob, URL or ibis.Table, optional
        Makes rows of other currencies ones of `currency`: columns ``currency``, ``day`` and ``rate``, which is what
        one unit was worth in `currency` from that day on, until the next.
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
    ConfigError
        An option is none of those it may be.
    MissingExtraError
        The package that talks to the database is not installed.

    Notes
    -----
    Amounts become whole minor units once, here, rounded half to even. A float counts as the decimal of up to 15
    digits that it was written as, so that 2.675 rounds like Decimal("2.675"); the audit counts what rounding changed.
    Where currencies meet, amounts are read in the finest of their minor units, multiplied by the rate as a decimal of
    12 places in exact integers, and rounded half to even.

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
    for name, value, known in (("duplicates", duplicates, ("keep", "drop")), ("guests", guests, ("refuse", "drop"))):
        if value not in known:
            raise DataError(f"{name} is {value!r}", fix=" or ".join(map(repr, known)))
    last = None if observed_until is None else day_number(observed_until, name="observed_until")
    if last is not None and not columns.FIRST_DAY <= last <= columns.LAST_DAY:
        raise DataError("observed_until is no day of a log", example=date_of(last).isoformat(), fix="an observed day")
    notation = Notation(decimal, time_format, encoding)
    asked = None if currency is None else currency.upper()
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
    opened = open_source(source, engine, table, encoding)
    engine = opened.engine
    extra = {name: named or name for name, named in given.items() if named or name in opened.columns}
    wanted = {"customer_id": customer_id, "time": time, "amount": amount, **extra}
    wanted |= {} if refund is None else {"refund": refund}
    told_in = currency_column or (_CURRENCY if _CURRENCY in opened.columns else None)
    read = list(dict.fromkeys([*wanted.values(), *([told_in] if told_in else []), *(keep or {})]))
    opened.require(read)
    with engine_errors(opened.name):
        raw, left_out = chosen(opened.take(read), keep or {})
        raw = stamps.with_walls(raw, [wanted["time"]], timezone, source_timezone, engine, notation)
        day, _ = stamps.day(raw, wanted["time"], timezone, source_timezone, notation)
        raw, exchange = currencies.exchanged(raw, told_in, asked, rates, day.value, engine)
        code, minor = exchange.code, minor_units(exchange.code)
        taken = _columns(raw, wanted, exchange.unit, timezone, source_timezone, notation, guests)
        rows, changed = enter(raw, taken | currencies.parts(raw), engine)
        rows = currencies.converted(rows, [name for name in _MONEY if name in wanted], minor)
        rows, kept = _kept(rows, duplicates, guests, last, code, engine)
        if exchange.found or refund:
            rows = settle(rows, engine)
        rows, names = numbered(rows, "customer_id", "customer", engine, _MANY)
        facts = measure(rows)
    return TransactionLog(
        table=rows,
        observed_until=int(rows.day.max().to_pyarrow().as_py()) if last is None else last,
        timezone=timezone,
        currency=code,
        minor=minor,
        optional=frozenset(extra),
        engine=engine,
        names=names,
        entry=(*unread(opened.columns, read), *left_out, *_altered(changed), *exchange.found, *kept),
        **facts,
    )


def _columns(
    raw: ir.Table,
    wanted: Mapping[str, str],
    unit: int,
    timezone: str,
    source_timezone: str | None,
    notation: Notation,
    guests: str,
) -> dict[str, Column]:
    day, clock = stamps.day(raw, wanted["time"], timezone, source_timezone, notation)
    who = columns.identifier(raw[wanted["customer_id"]], required=guests == "refuse", fix=_GUESTS)
    taken = {
        "customer_id": who,
        "day": day,
        **({"time_of_day": clock} if clock is not None else {}),
        "amount": columns.money(raw[wanted["amount"]], unit, notation.decimal, required=True),
    }
    for name, source in wanted.items():
        if name in ("discount", "refund"):
            taken[name] = columns.money(raw[source], unit, notation.decimal, required=False)
        elif name == "quantity":
            taken[name] = columns.number(raw[source], notation.decimal)
        elif name in ("order_id", "product_id", "category", "channel"):
            taken[name] = columns.text(raw[source])
    return taken


def _kept(
    table: ir.Table, duplicates: str, guests: str, last: int | None, code: str, engine: Any
) -> tuple[ir.Table, list[Finding]]:
    """Leave out what was asked to be left out, give refunds rows of their own, and say how much that was."""
    read, found = count(table), []
    if not read:
        raise DataError("the log is empty", fix="check that the source holds rows")
    if duplicates == "drop":
        table = settle(table.distinct(), engine)
        found.append(Finding("exact duplicate rows left out", read - count(table), "", "dropped: duplicates='drop'"))
    if "refund" in table.columns:
        table, told = with_refunds(table)
        found.append(told)
    if guests == "drop":
        table, told = without_guests(table, minor_units(code), code)
        found.append(told)
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
        if name in _MONEY:
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
