"""What a source's column becomes inside a log: text, money, numbers, days; and which of its rows cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron._core.money import LARGEST
from patron.data.engines import stage
from patron.data.zones import shifted, utc_wall

FIRST_DAY: Final = day_number("1900-01-01")
LAST_DAY: Final = day_number("2099-12-31")
_EXACT_FLOAT: Final = 2**53
_BLANK: Final = r"^\s*$"
_NUL: Final = r"\x00"
_NUMBER: Final = r"^\s*[+-]?([0-9]{1,30}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$"
_DATE: Final = (
    r"([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_OFFSET: Final = r" ?(Z|UTC|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_SHAPED: Final = "the stamp in {}"
_WALL: Final = "the wall clock of {}"
_STAMP: Final = f"^{_DATE}([T ]{_CLOCK}({_OFFSET})?)?$"


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
    problems = (absent, *taken.problems)
    unusable = absent.rows
    if column.type().is_string():
        nul = Problem(column.re_search(_NUL), "holds NUL characters", "look whether the file is damaged")
        problems = (*problems, nul)
        unusable = column.isnull() | column.re_search(f"{_BLANK}|{_NUL}")
    value = unusable.ifelse(ibis.null("string"), taken.value)
    return Column(column, value, problems, taken.changed, required=True)


def number(column: ir.Value) -> Column:
    """Read a float64; missing values stay missing."""
    parsed, problems = _parsed(column)
    parsed = parsed.cast("float64")
    endless = _endless(parsed)
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


def with_walls(raw: ir.Table, names: Iterable[str], zone: str, source_zone: str | None, engine: Any) -> ir.Table:
    """Add what the clock on the wall of `zone` shows at the stamps of each named column of text; null where none is.

    `day` takes it from there: it is written once, not wherever a part of it is used.
    """
    texts = [name for name in names if raw[name].type().is_string()]
    if not texts:
        return raw
    shaped = stage(raw.mutate(**{_SHAPED.format(name): _shaped(raw[name]) for name in texts}), engine)
    walls = {
        _WALL.format(name): _wall_of_text(shaped[_SHAPED.format(name)], zone, source_zone or zone) for name in texts
    }
    return stage(shaped.mutate(**walls), engine)


def day(
    raw: ir.Table, name: str, zone: str, source_zone: str | None, *, required: bool = True
) -> tuple[Column, Column | None]:
    """Calendar day in `zone` as a day number, and milliseconds since midnight where the source tells a time.

    Stamps with a zone are converted to `zone`. Naive ones are taken as in `zone`, unless `source_zone` says what they
    are in. Plain dates stay as they are. Text is read by `with_walls`, through which `raw` has gone.
    """
    column = raw[name]
    kind = column.type()
    problems: tuple[Problem, ...] = ()
    if required:
        problems = (missing(column, "fill it in or remove these rows"),)
    wall: ir.Value | None = None
    if kind.is_date():
        date = column
    else:
        if kind.is_timestamp():
            source = source_zone if kind.timezone is None else "UTC"
            wall = shifted(utc_wall(column), source or zone, zone)
        elif kind.is_string():
            wall = raw[_WALL.format(name)]
            problems = (*problems, _unreadable(column, wall))
        else:
            raise _wrong_type(
                column, "dates or stamps", "turn it into dates first, saying whether 20240131 or seconds are meant"
            )
        date = wall.date()
    days = date.epoch_days()
    inside = days.between(FIRST_DAY, LAST_DAY)
    far = Problem(  # a stamp may be infinite, and then has no day number
        (date if wall is None else wall).notnull() & (days.isnull() | ~inside),
        f"lies outside {date_of(FIRST_DAY)} to {date_of(LAST_DAY)}",
        "correct these rows; a placeholder for 'unknown' or 'never' is not a time",
    )
    value = inside.ifelse(days, ibis.null(days.type())).cast("int32")
    clock: Column | None = None
    if wall is not None:
        seconds = wall.hour() * 3600 + wall.minute() * 60 + wall.second().floor()  # Spark's seconds have fractions
        clock = Column(column, (seconds * 1000 + wall.millisecond()).cast("int32"))
    return Column(column, value, (*problems, far), required=required), clock


def _shaped(column: ir.Value) -> ir.Value:
    """Return the text of a stamp without the blanks around it; null where it is none.

    Engines agree on what to make of a plain stamp only, and not all can try a cast, so it is cut up here.
    """
    tight = column.strip()
    return (tight.re_search(_STAMP) & ~tight.startswith("0000")).ifelse(tight, ibis.null("string"))


def _wall_of_text(shaped: ir.Value, zone: str, source_zone: str) -> ir.Value:
    zoned = shaped.re_search(f":[0-9.]+{_OFFSET}$")
    clock = zoned.ifelse(shaped.re_replace(f"{_OFFSET}$", ""), shaped).left(26).cast(dt.timestamp)  # to the microsecond
    offset = shaped.re_replace(f"^.{{10}}[T ]{_CLOCK} ?(Z|UTC)?", "").replace(":", "") + "00000"
    minutes = offset.substr(1, 2).cast("int32") * 60 + offset.substr(3, 2).cast("int32")
    utc = clock - (minutes * offset.startswith("-").ifelse(-1, 1)).as_interval("m")
    return zoned.ifelse(shifted(utc, "UTC", zone), shifted(clock, source_zone, zone))


def _unreadable(column: ir.Value, wall: ir.Value) -> Problem:
    return Problem(
        wall.isnull() & ~column.re_search(_BLANK),
        "is not a date or stamp",
        "write it as 2024-01-31 or 2024-01-31T18:30:00, with +02:00 or Z behind it if it has a zone",
    )
