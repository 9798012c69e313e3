"""What a feature is: a name, its meaning in words, and one expression over the rows of one source.

An expression aggregates, a customer and as-of day, the rows of one source:

========== =============================================================================================
source     one row
========== =============================================================================================
payments   money moved: `ago`, `amount` (refunds negative)
days       a purchase day that counts: `ago`, `amount` left by refunds, `purchases` (its rows)
dates      the same with `month`, from 1 to 12
gaps       the same with `gap`, the days since the purchase day before (null for the first)
habits     the same with what the customer does in all: `silence` (days since the last), `times` (purchase days) and
           `spend`
periods    the same days merged by the grain: `ago`, here in whole periods, and `amount`
orders     an order that counts, on its last day: `ago`, `weekday` (0 is Monday), `amount`, `lines` (its rows), and
           `purchases` (1)
baskets    all that was bought on a day that counts: `ago`, `lines`, `amount`, `discount` and `discounted` (lines with
           one), `quantity` (thousandths), `priced` (amount of the lines with a quantity) and `multiples` (lines of
           more than one unit)
products   a product bought: `first` and `last`, the days since it was bought first and last; `lines` of the last 90
           days, `before`, of the 90 before them, and `amount` of the last 90
categories a category bought from: the same
channels   a channel bought through: the same
events     a day on which something of a `kind` happened besides: `ago`, `times`, the sum of its `value` (thousandths),
           and how many were `valued`
customers  what is known of the customer on the as-of day, one row at most: its attributes
========== =============================================================================================

Time is told backwards: `ago` is days before the as-of day, 0 on the day itself; no source holds a later row, so no
feature can look ahead. An expression counts, sums and compares integers and ends in one float operation, so that every
engine gives the same bits.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

Source = Literal[
    "payments", "days", "dates", "gaps", "habits", "periods", "orders", "baskets", "products", "categories",
    "channels", "events", "customers",
]  # fmt: skip
RECENT: Final = 90
"""Days over which baskets, products, categories and discounts are looked at."""
THOUSAND: Final = 1000
"""Quantities and values of events are counted in thousandths: floats would add up differently on every engine."""


@dataclass(frozen=True)
class Scale:
    """What turns the integers of a source into the units asked for.

    Attributes
    ----------
    time : float
        Steps of `periods` in one time unit: 7.0 for the unit week over the grain day.
    money : int
        Minor units in one major unit.
    """

    time: float
    money: int


Expression = Callable[["Table", Scale], "Value"]


@dataclass(frozen=True)
class Feature:
    """One feature: its name, its meaning in words, and its expression.

    Attributes
    ----------
    name : str
        Column name.
    description : str
        What it is, for the documentation.
    label : str
        What it is, short, for a reason shown to a person.
    unit : str
        What it is counted in; 'time unit' is the one asked for.
    family : str
        Features that tell the same story, counted together in reasons.
    source : str
        Whose rows it aggregates, from the table above.
    value : callable
        (source, scale) -> aggregate expression.
    window : int, optional
        Days back that it looks; missing where these begin before the log does.
    dtype : {'float64', 'int64'}
        Type of the column; only a feature that is never missing is an integer.
    needs : str, optional
        Column that the log must have; without it the feature is absent.
    absent : float, optional
        What a customer without a row in the source has; missing when left out.
    """

    name: str
    description: str
    label: str
    unit: str
    family: str
    source: Source
    value: Expression
    window: int | None = None
    dtype: Literal["float64", "int64"] = "float64"
    needs: str | None = None
    absent: float | None = None


def ratio(top: Value, bottom: Value) -> Value:
    """Divide two integers as floats; missing where the bottom is 0."""
    return top.cast("float64") / bottom.nullif(0).cast("float64")


def within(source: Table, days: int, column: str | None = None) -> Value:
    """Sum of a column, or the number of rows, over the last `days` days, the as-of day included."""
    return (source.ago < days).ifelse(1 if column is None else source[column], 0).sum()


def how_many(condition: Value) -> Value:
    """Count the rows of which a condition holds."""
    return condition.ifelse(1, 0).sum()


def latest(source: Table, column: str) -> Value:
    """Take a column's value in the latest row; of a source that has one row a day."""
    if source.get_backend().name == "duckdb":
        return _on_duckdb().arg_min(source[column], source.ago)
    return source[column].argmin(source.ago)


def earliest(source: Table, column: str) -> Value:
    """Take a column's value in the first row; of a source that has one row a day."""
    if source.get_backend().name == "duckdb":
        return _on_duckdb().arg_max(source[column], source.ago)
    return source[column].argmax(source.ago)


def _on_duckdb() -> ModuleType:
    """Import it with the engine: scoring knows features by name and has none."""
    return importlib.import_module("patron.features.on_duckdb")


def change(source: Table, days: int, column: str | None = None) -> Value:
    """Compare the last `days` days with the `days` before, over both: from -1 (stopped) to 1 (just begun)."""
    recent, both = within(source, days, column), within(source, 2 * days, column)
    return ratio(2 * recent - both, both)
