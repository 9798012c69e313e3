"""The transaction log: checked rows on one engine, frozen; everything later is computed from it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis.expr.types as ir

from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import DataError
from patron._core.notation import Notation
from patron._core.showing import page, table
from patron.data import sides
from patron.data.finding import Finding


@dataclass(frozen=True, eq=False, repr=False)
class TransactionLog:
    """What customers bought, and when, as far as it was observed.

    Made by :func:`patron.read_transactions`; its methods give new logs.

    Attributes
    ----------
    table : ibis.Table
        One row a transaction: ``customer_id`` text, ``day`` (days since 1970-01-01), ``amount`` (minor units, refunds
        negative), ``time_of_day`` (milliseconds since midnight, where the source told it), and the `optional` columns.
        No value of the first three is missing.
    first_day, observed_until : int
        Day numbers of the first row and of the end of observation, which may be later than the last row.
    timezone : str
        Whose calendar days these are.
    currency : str
        ISO 4217.
    minor : int
        Minor units in one major unit: 100 for USD.
    rows, refunds : int
        How many rows, and how many with a negative amount.
    n_customers : int
        How many different customers.
    optional : frozenset of str
        Which of order_id, product_id, category, quantity, discount, channel the table has.
    engine : ibis backend
        What holds the rows.
    customers, events, subscriptions : ibis.Table or None
        The side tables.
    kinds : tuple of str
        The kinds of events that features tell apart.
    valued : tuple of str
        Those of them that have a value in any row.
    attributes : tuple of (str, tuple of str)
        Columns of `customers` that serve as features, because they never change or are dated; of a text column the
        levels it takes, of a number none.
    entry : tuple of Finding
        What was changed or left out on the way in; part of the audit.
    names : ibis.Table or None
        Of many rows in DuckDB: ``customer``, a number in the order of the ids, and ``customer_id``. `table` has the
        column ``customer`` too then; numbers are grouped and sorted sooner than text.

    Examples
    --------
    >>> import patron.datasets
    >>> patron.datasets.load_cdnow_sample()
    TransactionLog(6,919 rows, 2,357 customers, 1997-01-01 to 1998-06-30, USD, UTC)
    """

    table: ir.Table
    first_day: int
    observed_until: int
    timezone: str
    currency: str
    minor: int
    rows: int
    refunds: int
    n_customers: int
    optional: frozenset[str]
    engine: Any
    entry: tuple[Finding, ...] = ()
    customers: ir.Table | None = None
    events: ir.Table | None = None
    subscriptions: ir.Table | None = None
    kinds: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    attributes: sides.Attributes = ()
    names: ir.Table | None = None

    def until(self, as_of: Day) -> TransactionLog:
        """Return the log as it stood at the end of the day `as_of`: nothing later is in it, side tables included.

        Raises
        ------
        DataError
            `as_of` lies before the first row or after the end of observation.
        """
        day = day_number(as_of)
        if not self.first_day <= day <= self.observed_until:
            raise DataError(
                f"as_of lies outside the log, {date_of(self.first_day)} to {date_of(self.observed_until)}",
                example=date_of(day).isoformat(),
                fix="choose a day within",
            )
        table = self.table.filter(self.table.day <= day)
        return replace(
            self,
            table=table,
            observed_until=day,
            **measure(table),
            **sides.until(self.customers, self.events, self.subscriptions, day),
        )

    def with_customers(
        self,
        source: Any,
        *,
        table: str | None = None,
        customer_id: str = "customer_id",
        static: Sequence[str] = (),
        valid_from: str | None = None,
        valid_to: str | None = None,
        source_timezone: str | None = None,
        decimal: Literal[".", ","] = ".",
        time_format: str | None = None,
        encoding: str | None = None,
    ) -> TransactionLog:
        """Add what is known about the customers themselves.

        Parameters
        ----------
        source : frame, path, glob, URL or ibis.Table
            One row a customer, or one row a customer and period if `valid_from` is named.
        table : str, optional
            The table at the URL, which is that of the log.
        customer_id : str
            The column that identifies the customer.
        static : sequence of str
            Columns that never change. Only these, and those of a dated table, become features: numbers as they are,
            text by its levels, of which there may be 20; a column of dates or of more levels is reported.
        valid_from, valid_to : str, optional
            Columns with the first and the last day on which a row holds; a missing `valid_to` is still open.
        source_timezone : str, optional
            What naive stamps are in, if not the log's own zone.
        decimal, time_format, encoding : str, optional
            How the source writes numbers, stamps and files; see :func:`patron.read_transactions`.

        Raises
        ------
        DataError
            Absent columns, missing ids, two rows of one customer that hold on the same day, an end before its start.
        """
        written = Notation(decimal, time_format, encoding)
        rows, found = sides.customers(
            self, source, table, customer_id, static, valid_from, valid_to, source_timezone, written
        )
        names = [name for name in rows.columns if name not in sides.KEYS] if valid_from else list(static)
        rows, attributes, useless = sides.attributes(rows, names, written)
        return replace(self, customers=rows, attributes=attributes, entry=(*self.entry, *found, *useless))

    def with_events(
        self,
        source: Any,
        *,
        table: str | None = None,
        customer_id: str = "customer_id",
        time: str = "time",
        kind: str = "kind",
        value: str | None = None,
        kinds: Sequence[str] | None = None,
        source_timezone: str | None = None,
        decimal: Literal[".", ","] = ".",
        time_format: str | None = None,
        encoding: str | None = None,
    ) -> TransactionLog:
        """Add what happened besides purchases: service contacts, visits, campaign answers, surveys.

        Parameters
        ----------
        source : frame, path, glob, URL or ibis.Table
            One row an event.
        table : str, optional
            The table at the URL, which is that of the log.
        customer_id, time, kind : str
            Columns that say who, when and what; none may be missing in any row.
        value : str, optional
            A column of numbers that may be missing; read when named or when the source has a column ``value``.
        kinds : sequence of str, optional
            The kinds that features tell apart, 20 at most; by default all that occur. Events of others are kept.
        source_timezone : str, optional
            What naive stamps are in, if not the log's own zone.
        decimal, time_format, encoding : str, optional
            How the source writes numbers, stamps and files; see :func:`patron.read_transactions`.

        Raises
        ------
        DataError
            Absent columns, missing values, unreadable times or numbers.
        """
        written = Notation(decimal, time_format, encoding)
        rows, found = sides.events(self, source, table, customer_id, time, kind, value, source_timezone, written)
        told = sides.kinds(rows, kind) if kinds is None else tuple(sorted(set(kinds)))
        return replace(self, events=rows, kinds=told, valued=sides.valued(rows, told), entry=self.entry + found)

    def with_subscriptions(
        self,
        source: Any,
        *,
        table: str | None = None,
        customer_id: str = "customer_id",
        start: str = "start",
        end: str = "end",
        plan: str | None = None,
        price: str | None = None,
        source_timezone: str | None = None,
        decimal: Literal[".", ","] = ".",
        time_format: str | None = None,
        encoding: str | None = None,
    ) -> TransactionLog:
        """Add contracts.

        Parameters
        ----------
        source : frame, path, glob, URL or ibis.Table
            One row a contract.
        table : str, optional
            The table at the URL, which is that of the log.
        customer_id, start, end : str
            Columns that say who, and the first and last day; a missing end is still open.
        plan, price : str, optional
            Columns with the plan's name and its price in major units; read when named or when the source has columns
            ``plan`` and ``price``.
        source_timezone : str, optional
            What naive stamps are in, if not the log's own zone.
        decimal, time_format, encoding : str, optional
            How the source writes numbers, stamps and files; see :func:`patron.read_transactions`.

        Raises
        ------
        DataError
            Absent columns, missing ids or starts, an end before its start.
        """
        written = Notation(decimal, time_format, encoding)
        rows, found = sides.subscriptions(
            self, source, table, customer_id, start, end, plan, price, source_timezone, written
        )
        return replace(self, subscriptions=rows, entry=self.entry + found)

    def digest(self) -> str:
        """SHA-256 of who bought when for how much: the same on every engine and in any order of the rows."""
        t = self.table
        sums = {"rows": t.count(), "day": t.day.sum(), "amount": t.amount.sum(), "both": (t.day * t.amount).sum()}
        told = t.group_by("customer_id").aggregate(**sums).to_pyarrow().sort_by("customer_id")
        whole = hashlib.sha256("\n".join(told["customer_id"].to_pylist()).encode())
        for name in sums:
            whole.update(told[name].cast("int64").to_numpy().astype("<i8").tobytes())
        return whole.hexdigest()

    @property
    def _facts(self) -> list[str]:
        tables = {"customers": self.customers, "events": self.events, "subscriptions": self.subscriptions}
        extra = [name for name, table in tables.items() if table is not None]
        return [
            f"{self.rows:,} row{'s' * (self.rows != 1)}",
            f"{self.n_customers:,} customer{'s' * (self.n_customers != 1)}",
            f"{date_of(self.first_day)} to {date_of(self.observed_until)}",
            self.currency,
            self.timezone,
            *([f"with {', '.join(extra)}"] if extra else []),
        ]

    def __repr__(self) -> str:
        return f"TransactionLog({', '.join(self._facts)})"

    def _repr_html_(self) -> str:
        found = [f for f in self.entry if f.rows or f.level == "warn"]
        told = table(
            ["on the way in", "rows", "example", "what is done about it"],
            [[f.check, f.rows, f.example, f.action] for f in found],
            strong={(i, 0) for i, f in enumerate(found) if f.level == "warn"},
        )
        return page("TransactionLog", self._facts, [told] if found else [])


def measure(table: ir.Table) -> dict[str, Any]:
    """Rows, first day, refunds and customers of a log's table."""
    who = table["customer" if "customer" in table.columns else "customer_id"]
    facts = table.aggregate(
        rows=table.count(),
        first_day=table.day.min(),
        refunds=(table.amount < 0).ifelse(1, 0).sum(),
        n_customers=who.nunique(),
    )
    return {name: int(value) for name, value in facts.to_pyarrow().to_pylist()[0].items()}
