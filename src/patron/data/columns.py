"""What a source's column becomes inside a log: text, money, numbers; and which of its rows cannot."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final, Literal

import ibis
import ibis.expr.types as ir

from patron._core.calendar import day_number
from patron._core.errors import DataError
from patron._core.money import LARGEST

FIRST_DAY: Final = day_number("1900-01-01")
LAST_DAY: Final = day_number("2099-12-31")
_EXACT_FLOAT: Final = 2**53
BLANK: Final = r"^\s*$"
_NUL: Final = r"\x00"
_GROUP: Final = "[. \u00a0\u202f]"
_NUMBER: Final = {
    ".": r"^\s*[+-]?([0-9]{1,30}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$",
    ",": rf"^\s*[+-]?(([0-9]{{1,30}}|[0-9]{{1,3}}({_GROUP}[0-9]{{3}}){{1,9}})(,[0-9]*)?|,[0-9]+)\s*$",
}
_WRITE: Final = {
    ".": "write numbers with a decimal point and without thousands separators or currency signs, like 1234.50; "
    "decimal=',' reads 1.234,50",
    ",": "write numbers without currency signs, like 1.234,50; decimal='.' reads 1234.50",
}
Decimal = Literal[".", ","]


@dataclass(frozen=True)
class Problem:
    """Rows that a column may not hold: which, what is wrong with them, what to do."""

    rows: ir.BooleanValue
    message: str
    fix: str


@dataclass(frozen=True)
class Column:
    """One column on its way in.

    Attributes
    ----------
    source : ibis.Value
        What is read.
    value : ibis.Value
        What it becomes; null where one of `problems` holds.
    problems : tuple of Problem
        What speaks against it, the first first.
    changed : ibis.BooleanValue, optional
        Which values the conversion altered.
    required : bool
        No row may lack it: every null is a problem.
    """

    source: ir.Value
    value: ir.Value
    problems: tuple[Problem, ...] = ()
    changed: ir.BooleanValue | None = None
    required: bool = False

    @property
    def name(self) -> str:
        """The column's name in the source."""
        return str(self.source.get_name())


def wrong_type(column: ir.Value, wanted: str, fix: str) -> DataError:
    """Refuse a column for its type."""
    return DataError(f"holds values of type {column.type()}, not {wanted}", column=column.get_name(), fix=fix)


def missing(column: ir.Value, fix: str) -> Problem:
    """Nulls, NaN and blank text."""
    rows = column.isnull()
    if column.type().is_floating():
        rows |= column.isnan()
    if column.type().is_string():
        rows |= column.re_search(BLANK)
    return Problem(rows, "is missing", fix)


def text(column: ir.Value) -> Column:
    """Text as it stands, whole numbers as their digits; floats that are whole lose their '.0'."""
    kind = column.type()
    if kind.is_string():
        return Column(column, column)
    if kind.is_integer() or kind.is_uuid() or (kind.is_decimal() and kind.scale == 0):
        return Column(column, column.cast("string"))
    if kind.is_floating():
        number = column.cast("float64")
        whole = (number.abs() < _EXACT_FLOAT) & (number == number.floor())
        return Column(
            column,
            whole.ifelse(number, ibis.null("float64")).cast("int64").cast("string"),
            (
                Problem(
                    ~whole & column.notnull() & ~column.isnan(),
                    "holds fractions where identifiers belong",
                    "read identifiers as text where the data are loaded",
                ),
            ),
            whole,
        )
    raise wrong_type(column, "text or whole numbers", "turn it into text first")


def identifier(column: ir.Value, *, required: bool = True, fix: str = "fill it in or remove these rows") -> Column:
    """Text that is not blank; where it may be missing, blanks are."""
    taken = text(column)
    absent = missing(column, fix)
    problems = (*((absent,) if required else ()), *taken.problems)
    unusable = absent.rows
    if column.type().is_string():
        nul = Problem(column.re_search(_NUL), "holds NUL characters", "look whether the file is damaged")
        problems = (*problems, nul)
        unusable = column.isnull() | column.re_search(f"{BLANK}|{_NUL}")
    value = unusable.ifelse(ibis.null("string"), taken.value)
    return Column(column, value, problems, taken.changed, required=required)


def number(column: ir.Value, decimal: Decimal = ".") -> Column:
    """Read a float64; missing values stay missing."""
    parsed, problems = _parsed(column, decimal)
    parsed = parsed.cast("float64")
    endless = _endless(parsed)
    problems = (*problems, Problem(endless, "is infinite", "correct or remove these rows"))
    value = (parsed.isnan() | endless).ifelse(ibis.null("float64"), parsed)
    return Column(column, value, problems)


def money(column: ir.Value, minor: int, decimal: Decimal = ".", *, required: bool) -> Column:
    """Minor units, rounded half to even.

    Whole numbers and decimals are exact. A float stands for the decimal of up to 15 digits (6 for float32) that it
    was written as: 2.675 is a tie although its bits lie a hair below one. Text is read as a float. Only + - *, floor
    and comparisons of doubles are used, so every engine gives the same integers.
    """
    parsed, problems = _parsed(column, decimal)
    kind = parsed.type()
    largest = LARGEST // minor
    if kind.is_floating():
        parsed = parsed.cast("float64")
        endless = _endless(parsed)
        inside = parsed.abs() <= largest
        beyond = ~inside & ~endless & ~parsed.isnan()
        problems = (*problems, Problem(endless, "is infinite", "correct or remove these rows"))
        digits = 2.0**-22 if kind.nbytes == 4 else 2.0**-51
        cents, changed = _round_double(parsed, minor, digits)
    else:
        inside = parsed.between(-largest, largest)
        beyond = ~inside
        cents, changed = _round_exact(inside.ifelse(parsed, ibis.null(kind)), minor)
    far = Problem(beyond, f"is larger than {largest:,}", "correct these rows; amounts are in major units, like 12.50")
    problems = (*problems, far)
    if required:
        problems = (missing(column, "fill it in or remove these rows; a free order has amount 0"), *problems)
    return Column(column, inside.ifelse(cents, ibis.null("int64")), problems, changed, required)


def _endless(x: ir.Value) -> ir.Value:
    """Tell infinities without asking for them, which Spark does not know; some engines take NaN for the largest."""
    return (x.abs() > sys.float_info.max) & ~x.isnan()


def _parsed(column: ir.Value, decimal: Decimal) -> tuple[ir.Value, tuple[Problem, ...]]:
    """Numbers as they are, text as doubles."""
    kind = column.type()
    if (kind.is_numeric() and not kind.is_boolean()) or kind.is_decimal():
        return column, ()
    if not kind.is_string():
        raise wrong_type(column, "numbers", "name the column that holds the numbers")
    readable = column.re_search(_NUMBER[decimal])
    plain = column if decimal == "." else column.re_replace(_GROUP, "").replace(",", ".")
    return readable.ifelse(plain, ibis.null("string")).cast("float64"), (
        Problem(~readable & ~column.re_search(BLANK), "is not a number", _WRITE[decimal]),
    )


def _round_double(x: ir.Value, minor: int, digits: float) -> tuple[ir.Value, ir.Value]:
    size = ibis.least(x.abs(), 2.0 * LARGEST / minor) * float(minor)
    slack = size * digits
    up = (size + slack + 0.5).floor().cast("int64")
    tie = (up.cast("float64") - 0.5 - size).abs() <= slack
    cents = up - tie.ifelse(up % 2, 0)
    return cents * (x < 0).ifelse(-1, 1), (size - cents.cast("float64")).abs() > slack


def _round_exact(x: ir.Value, minor: int) -> tuple[ir.Value, ir.Value | None]:
    if x.type().is_integer():
        return x.cast("int64") * minor, None
    size = x.abs()
    whole = size.floor()
    scaled = (size - whole) * minor
    below = scaled.floor()
    twice = (scaled - below) * 2
    floor = whole.cast("int64") * minor + below.cast("int64")
    cents = floor + (twice == 1).ifelse(floor % 2, (twice > 1).ifelse(1, 0))
    return cents * (x < 0).ifelse(-1, 1), scaled != below
