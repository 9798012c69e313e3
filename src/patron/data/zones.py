"""Wall clocks: what one time zone shows when another shows something, alike on every engine."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

# The same function both ways, in DuckDB and Postgres: the wall clock of an instant, the instant of a wall clock.
_wall = ibis.udf.scalar.builtin(
    lambda _zone, _instant: None, name="timezone", signature=((dt.string, dt.Timestamp("UTC")), dt.timestamp)
)
_instant = ibis.udf.scalar.builtin(
    lambda _zone, _wall: None, name="timezone", signature=((dt.string, dt.timestamp), dt.Timestamp("UTC"))
)
_spark = ibis.udf.scalar.builtin(
    lambda _source, _target, _wall: None,
    name="convert_timezone",
    signature=((dt.string, dt.string, dt.timestamp), dt.timestamp),
)


def utc_wall(stamp: ir.Value) -> ir.Value:
    """Show stamps with a zone as UTC's wall clock shows them; naive ones stay as they are."""
    if stamp.type().timezone is None:
        return stamp.cast(dt.timestamp)
    if _on_spark(stamp):
        return stamp.cast(dt.timestamp)  # the session's zone is UTC: Ibis sets it
    return _wall("UTC", stamp.cast(dt.Timestamp("UTC")))


def shifted(clock: ir.Value, source: str, target: str) -> ir.Value:
    """Turn wall clocks of the zone `source` into those of `target` at the same instant.

    An hour that `source` shows twice, when its clocks go back, is taken as the second one; an hour that it skips as
    if the clocks had not yet gone forward.
    """
    if source == target:
        return clock
    if not _on_spark(clock):
        return _wall(target, _instant(source, clock))
    if source == "UTC":
        return _spark(source, target, clock)
    hour = ibis.interval(hours=1)
    second = _spark(source, "UTC", clock + hour) - hour  # Spark alone takes the first
    utc = (_spark("UTC", source, second) == clock).ifelse(second, _spark(source, "UTC", clock))
    return utc if target == "UTC" else _spark("UTC", target, utc)


def _on_spark(value: ir.Value) -> bool:
    return bool(value.get_backend().name == "pyspark")
