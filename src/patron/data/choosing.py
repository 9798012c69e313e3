"""Which rows of a source make the log, and what is said of the rest: statuses, guests, refunds in a column."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Final

import ibis
import ibis.expr.types as ir

from patron._core.errors import DataError
from patron.data.finding import Finding

_SHOWN: Final = 10


def chosen(raw: ir.Table, keep: Mapping[str, Sequence[str]]) -> tuple[ir.Table, list[Finding]]:
    """Keep the rows whose values are among those named; the others are counted by value and read no further.

    Raises
    ------
    DataError
        No row has any of the values; the text tells those there are.
    """
    found, held = [], []
    for name, values in keep.items():
        wanted = [values] if isinstance(values, str) else list(values)
        value = raw[name].cast("string").strip().fill_null("")
        counts = raw.group_by(value=value).aggregate(n=raw.count()).to_pyarrow().to_pylist()
        counts.sort(key=lambda row: (-row["n"], row["value"]))
        sizes = {row["value"]: row["n"] for row in counts}
        if sizes and not set(sizes) & set(wanted):
            there = ", ".join(repr(v) for v in list(sizes)[:_SHOWN])
            raise DataError(
                f"holds none of {', '.join(map(repr, wanted)) or 'no values'}; it has {there}",
                column=name,
                fix="name the values to keep as they are written",
            )
        found += _left_out(name, {v: n for v, n in sizes.items() if v not in wanted})
        found += [
            Finding(f"rows kept of {name} {v!r}", 0, "", "none is so written: check the spelling in keep", "warn")
            for v in wanted
            if v not in sizes
        ]
        held.append(value.isin(wanted))
    return (raw.filter(functools.reduce(operator.and_, held)) if held else raw), found


def _left_out(name: str, sizes: Mapping[str, int]) -> list[Finding]:
    each, rest = list(sizes.items())[:_SHOWN], list(sizes.items())[_SHOWN:]
    told = [Finding(f"rows left out of {name} {v!r}", n, "", "dropped: keep names others") for v, n in each]
    if rest:
        told.append(
            Finding(f"rows left out of {len(rest)} more of {name}", sum(n for _, n in rest), rest[0][0], "dropped")
        )
    return told


def with_refunds(table: ir.Table) -> tuple[ir.Table, Finding]:
    """Give what the column `refund` tells a negative row of its own, on the day of the row it stands in."""
    back = table.filter(table.refund != 0)
    told = back.aggregate(n=back.count(), who=back.customer_id.min()).to_pyarrow().to_pylist()[0]
    none = {name: ibis.null(table[name].type()) for name in ("quantity", "discount") if name in table.columns}
    rows = back.mutate(amount=-back.refund.abs(), **none)
    return table.union(rows).drop("refund"), Finding(
        "refunds of a column",
        told["n"],
        f"customer {told['who']}" if told["n"] else "",
        "each a negative row, on the day of the purchase: the column tells no other",
    )


def without_guests(table: ir.Table, minor: int, currency: str) -> tuple[ir.Table, Finding]:
    """Leave out the rows without a customer, and say how much they come to."""
    nobody = table.customer_id.isnull()
    told = table.aggregate(
        rows=table.count(), n=nobody.ifelse(1, 0).sum(), theirs=table.amount.sum(where=nobody), whole=table.amount.sum()
    )
    facts = {name: int(value or 0) for name, value in told.to_pyarrow().to_pylist()[0].items()}
    share = f", {facts['theirs'] / facts['whole']:.1%} of all" if facts["whole"] > 0 else ""
    finding = Finding(
        "rows of guests left out",
        facts["n"],
        f"{facts['theirs'] / minor:,.2f} {currency}{share}" if facts["n"] else "",
        "dropped: guests='drop'",
    )
    if facts["n"] == facts["rows"]:
        raise DataError("no row has a customer", count=facts["n"], fix="name another column as customer_id")
    return table.filter(~nobody), finding


def unread(columns: Sequence[str], read: Sequence[str]) -> list[Finding]:
    """Name the columns that nothing was read from."""
    names = [name for name in columns if name not in read]
    if not names:
        return []
    listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return [
        Finding(
            "columns not read",
            len(names),
            listed,
            "left aside: is there a status (keep), money paid back (refund), a currency (currency_column)?",
        )
    ]
