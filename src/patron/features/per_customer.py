"""From declared features to one row a customer and as-of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import pandas as pd
from ibis.expr.types import Table, Value

from patron._core.calendar import UNIT_DAYS, Grain, Unit, check_unit, date_of
from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.feature import Feature, Scale
from patron.features.purchases import purchases
from patron.features.sources import SIDES, as_of_day, sources


def check_days(log: TransactionLog, as_of: Iterable[int], unit: Unit, grain: Grain) -> None:
    """Refuse an as-of day on which the log saw nothing, and a unit or grain that makes no sense."""
    check_unit(unit, grain)
    for day in as_of:
        if day < log.first_day:
            raise DataError(
                f"as_of {date_of(day)} is before the log's first day, {date_of(log.first_day)}: nobody had bought yet",
                fix="choose a later day",
            )
        if day > log.observed_until:
            raise DataError(
                f"as_of {date_of(day)} is after the last day observed, {date_of(log.observed_until)}",
                fix="choose an earlier day, or read the log with observed_until= if it was observed for longer",
            )


def per_customer(
    log: TransactionLog, as_of: Sequence[int], unit: Unit, grain: Grain, features: Iterable[Feature]
) -> Table:
    """Expression of one row a customer and as-of day: customer_id, as_of (day number) and the features.

    Customers appear from their first purchase on.
    """
    features = list(features)
    check_days(log, as_of, unit, grain)
    scale = Scale(1.0 if grain == "month" else UNIT_DAYS[unit], log.minor)
    customer = "customer_id" if log.names is None else "customer"
    bought = purchases(log, as_of, customer)
    tables = sources(log, bought, as_of, grain, {feature.source for feature in features})
    whole: Table | None = None
    for number, table in enumerate({id(table): table for table in tables.values()}.values()):
        mine = [feature for feature in features if tables[feature.source] is table]
        part = table.group_by(*bought.by).agg(**{feature.name: feature.value(table, scale) for feature in mine})
        side = mine[0].source in SIDES
        if whole is None and not side:
            whole = part
        else:
            whole = bought.days.select(*bought.by).distinct() if whole is None else whole
            whole = whole.join(part, bought.by, how="left" if side else "inner", rname=f"{{name}}_{number}")
    assert whole is not None
    if log.names is not None:
        whole = whole.inner_join(log.names, customer)  # what is asked for is told by id
    day = as_of_day(whole, as_of)
    columns = {feature.name: _observed(whole[feature.name], feature, log.first_day, day, as_of) for feature in features}
    return whole.select("customer_id", as_of=day, **columns)


def _observed(column: Value, feature: Feature, first_day: int, day: Value, as_of: Sequence[int]) -> Value:
    """Give a feature its type; missing on the days on which its window begins before the log does."""
    begun = first_day + (feature.window or 0) - 1
    missing = [one < begun for one in as_of]
    if all(missing):
        return ibis.null("float64")
    column = column.cast(feature.dtype)
    if feature.absent is not None:
        column = column.fill_null(feature.absent)
    return (day >= begun).ifelse(column, ibis.null("float64")) if any(missing) else column


def fetch(table: Table, order: Sequence[str]) -> pd.DataFrame:
    """Run an expression; rows sorted by `order`, text in the order of its code points, null as NaN."""
    if table.get_backend().name == "duckdb":  # the others sort text by the rules of some language
        rows = table.order_by(order).to_pyarrow()
    else:
        rows = table.to_pyarrow().sort_by([(name, "ascending") for name in order])
    frame: pd.DataFrame = rows.to_pandas()
    return frame
