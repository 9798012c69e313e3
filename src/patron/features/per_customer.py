"""From declared features to one row a customer and as-of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import pandas as pd
from ibis.expr.types import Table

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
    bought = purchases(log, as_of)
    tables = sources(log, bought, as_of, grain, {feature.source for feature in features})
    whole: Table | None = None
    for table in {id(table): table for table in tables.values()}.values():
        mine = [feature for feature in features if tables[feature.source] is table]
        part = table.group_by(*bought.by).agg(**{feature.name: feature.value(table, scale) for feature in mine})
        if whole is None:
            whole = part
        elif mine[0].source in SIDES:
            whole = whole.left_join(part, bought.by).drop(*(f"{key}_right" for key in bought.by))
        else:
            whole = whole.join(part, bought.by)
    assert whole is not None
    whole = whole.select(*bought.by, *(feature.name for feature in features))
    day = as_of_day(whole, as_of)
    columns = {}
    for feature in features:
        column = whole[feature.name].cast(feature.dtype)
        if feature.absent is not None:
            column = column.fill_null(feature.absent)
        if feature.window is not None:
            column = (day >= log.first_day + feature.window - 1).ifelse(column, ibis.null("float64"))
        columns[feature.name] = column
    return whole.select("customer_id", as_of=day, **columns)


def fetch(table: Table, order: Sequence[str]) -> pd.DataFrame:
    """Run an expression; rows sorted by `order`, text in the order of its code points, null as NaN."""
    if table.get_backend().name == "duckdb":  # the others sort text by the rules of some language
        rows = table.order_by(order).to_pyarrow()
    else:
        rows = table.to_pyarrow().sort_by([(name, "ascending") for name in order])
    frame: pd.DataFrame = rows.to_pandas()
    return frame
