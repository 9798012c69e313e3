"""Where the data of a run are and how they are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, field_serializer, model_validator

from patron._core.errors import PatronError
from patron._core.money import minor_units
from patron._core.notation import Notation
from patron._core.passwords import without_passwords
from patron.config.types import IsoDay, Section, Zone, taught


def _currency(code: str) -> str:
    try:
        minor_units(code)
    except PatronError as error:
        raise taught(error) from error
    return code.upper()


class TableSource(Section):
    """A table and which of its columns is what."""

    source: str = Field(
        description="CSV or Parquet: a path or glob from workspace; a database: `postgresql://user@host/shop` (the "
        "password from PGPASSWORD or ~/.pgpass) or `spark://`; or `dataset:cdnow`, `dataset:cdnow-sample`, "
        "`dataset:complete-journey`."
    )
    table: str | None = Field(
        default=None, description="The table of a database: `orders`, or `schema.orders`; no other source has one."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Patron's name: the source's name. A column left out is looked for under Patron's own name.",
    )

    @field_serializer("source")
    def _without_password(self, source: str) -> str:
        return without_passwords(source)

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        return self.model_dump().items()


class WrittenSource(TableSource):
    """A table, and how its text writes numbers, stamps and letters."""

    decimal: Literal[".", ","] = Field(
        default=".", description='What stands before the decimals of numbers in text; `","` reads 1.234,50.'
    )
    time_format: str | None = Field(
        default=None,
        description='How text writes stamps, like `"%d.%m.%Y %H:%M"` (fields %d %m %Y %y %H %M %S); as ISO 8601 when '
        "left out.",
    )
    encoding: str | None = Field(
        default=None, description="Of CSV files, like `cp1252` for those of Windows; UTF-8 when left out."
    )

    @model_validator(mode="after")
    def _known_notation(self) -> WrittenSource:
        try:
            Notation(self.decimal, self.time_format, self.encoding)
        except PatronError as error:
            raise taught(error) from error
        return self


class TransactionsSource(WrittenSource):
    """The transaction log, and which of its rows count."""

    keep: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Only rows with these values of the source's columns, like `{status: [paid, shipped]}`; the audit "
        "counts the others.",
    )
    guests: Literal["refuse", "drop"] = Field(
        default="refuse", description="Rows without a customer; the audit says how many were dropped, and their sum."
    )


class SideSource(WrittenSource):
    """A table beside the transactions."""

    source_timezone: Zone | None = Field(
        default=None, description="The zone of stamps that carry none; taken as in `data.timezone` when left out."
    )


class CustomersSource(SideSource):
    """What is known of the customers."""

    static: list[str] = Field(
        default_factory=list, description="Columns that never change, so that they are features of any day."
    )


class EventsSource(SideSource):
    """What happened besides purchases."""

    kinds: list[str] | None = Field(
        default=None, description="The kinds that become features, 20 at most; all that occur when left out."
    )


KNOWN_COLUMNS: Final = {
    "transactions": (
        "customer_id", "time", "amount", "order_id", "product_id", "category", "quantity", "discount", "channel",
        "currency", "refund",
    ),
    "customers": ("customer_id", "valid_from", "valid_to"),
    "events": ("customer_id", "time", "kind", "value"),
    "subscriptions": ("customer_id", "start", "end", "plan", "price"),
    "rates": ("currency", "day", "rate"),
}  # fmt: skip
"""Patron's names for the columns of each table."""


class DataSection(Section):
    """Where the transactions are and how they are read."""

    transactions: TransactionsSource = Field(
        description="The transaction log: customer_id, time, amount; optional order_id, product_id, category, "
        "quantity, discount, channel; currency, in which the row is; refund, what was paid back of it."
    )
    customers: CustomersSource | None = Field(
        default=None, description="One row a customer, or dated by valid_from, valid_to."
    )
    events: EventsSource | None = Field(
        default=None, description="Contacts, visits, answers: customer_id, time, kind, value."
    )
    subscriptions: SideSource | None = Field(
        default=None, description="Contracts: customer_id, start, end, plan, price; an empty end is open."
    )
    timezone: Zone = Field(default="UTC", description="The zone whose calendar days are meant.")
    source_timezone: Zone | None = Field(
        default=None,
        description="The zone of the transactions' stamps that carry none; taken as in `timezone` when left out.",
    )
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        default="USD", description="The currency of the amounts, or the one that `rates` make of all."
    )
    rates: WrittenSource | None = Field(
        default=None,
        description="Converts rows of other currencies: currency, day, and rate, which is what one unit was worth in "
        "`currency` from that day on, until the next.",
    )
    duplicates: Literal["keep", "drop"] = Field(
        default="keep",
        description="Exact duplicate rows: a line item legitimately repeats, so they are kept and reported.",
    )
    observed_until: IsoDay | None = Field(
        default=None, description="The last day observed, the whole of it; the day of the last row when left out."
    )

    @model_validator(mode="after")
    def _known_columns(self) -> DataSection:
        for table, known in KNOWN_COLUMNS.items():
            source: TableSource | None = getattr(self, table)
            for name in source.columns if source else ():
                if name not in known:
                    raise ValueError(f"{table}.columns has no {name!r}. Fix: one of {', '.join(known)}")
        return self
