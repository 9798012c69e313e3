"""The one gate that every table passes: converted, copied to rest, checked, else refused with count and example."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

from patron._core.errors import DataError
from patron.data.columns import Column, Problem
from patron.data.engines import forget_sources, settle


def enter(raw: ir.Table, columns: Mapping[str, Column], engine: Any) -> tuple[ir.Table, dict[str, int]]:
    """Convert, copy to rest and check.

    Parameters
    ----------
    raw : ibis.Table
        The source.
    columns : mapping of str to Column
        What the new table consists of.
    engine : ibis backend
        Where the rows come to rest.

    Returns
    -------
    table : ibis.Table
        The values.
    changed : dict of str to int
        For each column that keeps count, how many values the conversion altered.

    Raises
    ------
    DataError
        The first problem found, in the order of `columns`.
    """
    problems = [(column, problem) for column in columns.values() for problem in column.problems]
    values = {name: column.value for name, column in columns.items()}
    flags = {f"_{name}": column.changed for name, column in columns.items() if column.changed is not None}
    refused = _any(problem.rows for column, problem in problems if not column.required)
    table = settle(raw.select(**values, **flags, _refused=refused), engine)
    lacking = _any(table[name].isnull() for name, column in columns.items() if column.required)
    counts = table.aggregate(_refused=_count(lacking | table["_refused"]), **{n: _count(table[n]) for n in flags})
    told = counts.to_pyarrow().to_pylist()[0]
    if told["_refused"]:
        raise _refusal(raw, problems)
    forget_sources(engine)
    return table.drop("_refused", *flags), {name[1:]: int(told[name] or 0) for name in flags}


def _any(rows: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return functools.reduce(operator.or_, rows, ibis.literal(value=False))


def _count(rows: ir.BooleanValue) -> ir.IntegerScalar:
    return rows.ifelse(1, 0).sum()


def _refusal(raw: ir.Table, problems: Sequence[tuple[Column, Problem]]) -> DataError:
    asked = {}
    for i, (column, problem) in enumerate(problems):
        asked[f"rows_{i}"] = _count(problem.rows)
        asked[f"example_{i}"] = column.source.cast("string").min(where=problem.rows)
    told = raw.aggregate(**asked).to_pyarrow().to_pylist()[0]
    for i, (column, problem) in enumerate(problems):
        if told[f"rows_{i}"]:
            return DataError(
                problem.message,
                column=column.name,
                count=int(told[f"rows_{i}"]),
                example=told[f"example_{i}"],
                fix=problem.fix,
            )
    return DataError("the source changed while it was read", fix="read it again when nobody writes to it")
