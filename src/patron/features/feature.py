"""What a feature is: a name, its meaning in words, and one expression over the rows of one source.

An expression aggregates, a customer and as-of day, the rows of one source:

========== =============================================================================================
source     one row
========== =============================================================================================
payments   money moved: `ago`, `amount` (refunds negative)
days       a purchase day that counts: `ago`, `amount` left by refunds, `purchases` (its rows)
gaps       the same with `gap`, the days since the purchase day before (null for the first)
periods    the same days merged by the grain: `ago`, here in whole periods, and `amount`
orders     an order that counts, on its last day: `ago`, `weekday` (0 is Monday), `amount`, `lines` (its rows), and
           `purchases` (1)
lines      a row bought on a day that counts: `ago`, `amount`, `discount`
products   a product bought: `first` and `last`, the days since it was bought first and last
categories a category bought: `recent` and `before`, its lines of the last 90 days and of the 90 before them, and
           `amount` of the last 90
events     something that happened besides: `ago`, `kind`
customers  what is known of the customer on the as-of day, one row at most: its attributes
========== =============================================================================================

Time is told backwards: `ago` is days before the as-of day, 0 on the day itself; no source holds a later row, so no
feature can look ahead. An expression counts, sums and compares integers and ends in one float operation, so that every
engine gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

Source = Literal[
    "payments", "days", "gaps", "periods", "orders", "lines", "products", "categories", "events", "customers"
]


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
    value: Callable[[Table, Scale], Value]
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
