"""Stamps on their way in: text of a known shape, zones, wall clocks; days and times of day, alike on every engine."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from patron._core.calendar import date_of
from patron._core.notation import Notation
from patron.data.columns import BLANK, FIRST_DAY, LAST_DAY, Column, Problem, missing, wrong_type
from patron.data.engines import stage
from patron.data.zones import shifted, utc_wall

_DATE: Final = (
    r"([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_OFFSET: Final = r" ?(Z|UTC|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_SHAPED: Final = "the stamp in {}"
_WALL: Final = "the wall clock of {}"
_STAMP: Final = f"^{_DATE}([T ]{_CLOCK}({_OFFSET})?)?$"
_ISO: Final = Notation()
_LAST_OF_THIS_CENTURY: Final = "68"  # as strptime has it


def with_walls(
    raw: ir.Table,
    names: Iterable[str],
    zone: str,
    source_zone: str | None,
    engine: Any,
    notation: Notation = _ISO,
) -> ir.Table:
    """Add what the clock on the wall of `zone` shows at the stamps of each named column of text; null where none is.

    `day` takes it from there: it is written once, not wherever a part of it is used.
    """
    texts = [name for name in names if raw[name].type().is_string()]
    if not texts:
        return raw
    shaped = stage(raw.mutate(**{_SHAPED.format(name): _shaped(raw[name], notation) for name in texts}), engine)
    walls = {
        _WALL.format(name): _wall_of_text(shaped[_SHAPED.format(name)], zone, source_zone or zone) for name in texts
    }
    return stage(shaped.mutate(**walls), engine)


def day(
    raw: ir.Table,
    name: str,
    zone: str,
    source_zone: str | None,
    notation: Notation = _ISO,
    *,
    required: bool = True,
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
            problems = (*problems, _unreadable(column, wall, notation))
        else:
            raise wrong_type(
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


def _shaped(column: ir.Value, notation: Notation) -> ir.Value:
    """Return the text of a stamp as ISO 8601 has it, without the blanks around it; null where it is none.

    Engines agree on what to make of a plain stamp only, and not all can try a cast, so it is cut up here.
    """
    tight = column.strip()
    if notation.time_format is not None:
        tight = _iso(tight, notation)
    return (tight.re_search(_STAMP) & ~tight.startswith("0000")).ifelse(tight, ibis.null("string"))


def _iso(tight: ir.Value, notation: Notation) -> ir.Value:
    """Write stamps of a time format as ISO 8601 does; null where they are of another."""
    part = {name: tight.re_extract(notation.pattern, i + 1) for i, name in enumerate(notation.fields)}
    day, clock = ([part[name].lpad(2, "0") for name in names if name in part] for names in ("md", "HMS"))
    if "y" in part:
        part["Y"] = (part["y"] <= _LAST_OF_THIS_CENTURY).ifelse("20", "19") + part["y"]
    text = functools.reduce(lambda left, right: left + "-" + right, day, part["Y"])
    if clock:
        text = text + " " + functools.reduce(lambda left, right: left + ":" + right, clock)
    return tight.re_search(notation.pattern).ifelse(text, ibis.null("string"))


def _wall_of_text(shaped: ir.Value, zone: str, source_zone: str) -> ir.Value:
    zoned = shaped.re_search(f":[0-9.]+{_OFFSET}$")
    clock = zoned.ifelse(shaped.re_replace(f"{_OFFSET}$", ""), shaped).left(26).cast(dt.timestamp)  # to the microsecond
    offset = shaped.re_replace(f"^.{{10}}[T ]{_CLOCK} ?(Z|UTC)?", "").replace(":", "") + "00000"
    minutes = offset.substr(1, 2).cast("int32") * 60 + offset.substr(3, 2).cast("int32")
    utc = clock - (minutes * offset.startswith("-").ifelse(-1, 1)).as_interval("m")
    return zoned.ifelse(shifted(utc, "UTC", zone), shifted(clock, source_zone, zone))


def _unreadable(column: ir.Value, wall: ir.Value, notation: Notation) -> Problem:
    form = notation.time_format
    return Problem(
        wall.isnull() & ~column.re_search(BLANK),
        "is not a date or stamp" if form is None else f"is not a date or stamp of the form {form!r}",
        "write it as 2024-01-31 or 2024-01-31T18:30:00, with +02:00 or Z behind it if it has a zone; or say how it is "
        "written, time_format='%d.%m.%Y %H:%M' for 31.01.2024 18:30"
        if form is None
        else "correct these rows, or time_format",
    )
