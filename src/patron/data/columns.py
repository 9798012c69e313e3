"""What a source's column becomes inside a log: text, money, numbers, days; and which of its rows cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron._core.money import LARGEST

FIRST_DAY: Final = day_number("1900-01-01")
LAST_DAY: Final = day_number("2099-12-31")
_EXACT_FLOAT: Final = 2**53
_BLANK: Final = r"^\s*$"
_NUMBER: Final = r"^\s*[+-]?([0-9]{1,30}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$"
_STAMP: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?$"
)
_OFFSET: Final = r":[0-9.]+ ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"

# The same function both ways: the wall clock of an instant in a zone, the instant of a wall clock in a zone.
# DuckDB and Postgres call it the same.
_in_zone = ibis.udf.scalar.builtin(
    lambda _zone, _instant: None, name="timezone", signature=((dt.string, dt.Timestamp("UTC")), dt.timestamp)
)
_instant = ibis.udf.scalar.builtin(
    lambda _zone, _wall: None, name="timezone", signature=((dt.string, dt.timestamp), dt.Timestamp("UTC"))
)


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


def _wrong_type(column: ir.Value, wanted: str, fix: str) -> DataError:
    return DataError(f"holds values of type {column.type()}, not {wanted}", column=column.get_name(), fix=fix)


def missing(column: ir.Value, fix: str) -> Problem:
    """Nulls, NaN and blank text."""
    rows = column.isnull()
    if column.type().is_floating():
        rows |= column.isnan()
    if column.type().is_string():
        rows |= column.re_search(_BLANK)
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
    raise _wrong_type(column, "text or whole numbers", "turn it into text first")


def identifier(column: ir.Value) -> Column:
    """Text that may not be missing."""
    taken = text(column)
    absent = missing(column, "fill it in or remove these rows")
    value = (~absent.rows).ifelse(taken.value, ibis.null("string"))
    return Column(column, value, (absent, *taken.problems), taken.changed, required=True)


def number(column: ir.Value) -> Column:
    """Read a float64; missing values stay missing."""
    parsed, problems = _parsed(column)
    parsed = parsed.cast("float64")
    endless = parsed.isinf()
    problems = (*problems, Problem(endless, "is infinite", "correct or remove these rows"))
    value = (parsed.isnan() | endless).ifelse(ibis.null("float64"), parsed)
    return Column(column, value, problems)


def money(column: ir.Value, minor: int, *, required: bool) -> Column:
    """Minor units, rounded half to even.

    Whole numbers and decimals are exact. A float stands for the decimal of up to 15 digits (6 for float32) that it
    was written as: 2.675 is a tie although its bits lie a hair below one. Text is read as a float. Only + - *, floor
    and comparisons of doubles are used, so every engine gives the same integers.
    """
    parsed, problems = _parsed(column)
    kind = parsed.type()
    largest = LARGEST // minor
    if kind.is_floating():
        parsed = parsed.cast("float64")
        endless = parsed.isinf()
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


def _parsed(column: ir.Value) -> tuple[ir.Value, tuple[Problem, ...]]:
    """Numbers as they are, text as doubles."""
    kind = column.type()
    if (kind.is_numeric() and not kind.is_boolean()) or kind.is_decimal():
        return column, ()
    if not kind.is_string():
        raise _wrong_type(column, "numbers", "name the column that holds the numbers")
    readable = column.re_search(_NUMBER)
    return readable.ifelse(column, ibis.null("string")).cast("float64"), (
        Problem(
            ~readable & ~column.re_search(_BLANK),
            "is not a number",
            "write numbers with a decimal point and without thousands separators or currency signs, like 1234.50",
        ),
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


def day(column: ir.Value, zone: str, source_zone: str | None, *, required: bool = True) -> tuple[Column, Column | None]:
    """Calendar day in `zone` as a day number, and milliseconds since midnight where the source tells a time.

    Stamps with a zone are converted to `zone`. Naive ones are taken as in `zone`, unless `source_zone` says what they
    are in. Plain dates stay as they are.
    """
    kind = column.type()
    problems: tuple[Problem, ...] = ()
    if required:
        problems = (missing(column, "fill it in or remove these rows"),)
    wall: ir.Value | None = None
    if kind.is_date():
        date = column
    else:
        if kind.is_timestamp():
            wall = _wall(column, zone, source_zone)
        elif kind.is_string():
            wall, unreadable = _wall_of_text(column, zone, source_zone)
            problems = (*problems, unreadable)
        else:
            raise _wrong_type(
                column, "dates or stamps", "turn it into dates first, saying whether 20240131 or seconds are meant"
            )
        date = wall.date()
    days = date.epoch_days()
    inside = days.between(FIRST_DAY, LAST_DAY)
    far = Problem(
        days.notnull() & ~inside,
        f"lies outside {date_of(FIRST_DAY)} to {date_of(LAST_DAY)}",
        "correct these rows; a placeholder for 'unknown' or 'never' is not a time",
    )
    value = inside.ifelse(days, ibis.null(days.type())).cast("int32")
    clock: Column | None = None
    if wall is not None:
        seconds = wall.hour() * 3600 + wall.minute() * 60 + wall.second()
        clock = Column(column, (seconds * 1000 + wall.millisecond()).cast("int32"))
    return Column(column, value, (*problems, far), required=required), clock


def _wall(stamp: ir.Value, zone: str, source_zone: str | None) -> ir.Value:
    if stamp.type().timezone is not None:
        return _in_zone(zone, stamp.cast(dt.Timestamp("UTC")))
    naive = stamp.cast("timestamp")
    return naive if source_zone in (None, zone) else _in_zone(zone, _instant(source_zone, naive))


def _wall_of_text(column: ir.Value, zone: str, source_zone: str | None) -> tuple[ir.Value, Problem]:
    nothing = ibis.null("string")
    tight = column.re_search(r"^\s|\s$").ifelse(column.strip(), column)
    shaped = tight.re_search(_STAMP).ifelse(tight, nothing)
    zoned = shaped.re_search(_OFFSET)
    instant = zoned.ifelse(shaped, nothing).try_cast(dt.Timestamp("UTC"))
    naive = zoned.ifelse(nothing, shaped).try_cast(dt.timestamp)
    unreadable = Problem(
        instant.isnull() & naive.isnull() & ~column.re_search(_BLANK),
        "is not a date or stamp",
        "write it as 2024-01-31 or 2024-01-31T18:30:00, with +02:00 or Z behind it if it has a zone",
    )
    return ibis.coalesce(_wall(instant, zone, source_zone), _wall(naive, zone, source_zone)), unreadable
