"""The audit of a log: what was looked for, how often it was found, and what is done about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd

from patron._core.calendar import date_of
from patron._core.showing import page, table
from patron.data.finding import Finding
from patron.data.log import TransactionLog

_PERIOD: Final = 28
_ENOUGH_BUYERS: Final = 500
_ENOUGH_DAYS: Final = 180
_RECENT: Final = 30
_ODD_ID: Final = r"(?i)^\s|\s$|^[0-9]+\.0$|^(nan|none|null|<na>|nat)$"
_COLUMNS: Final = ("check", "rows", "example", "action", "level")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    log : str
        The log in one line.
    findings : tuple of Finding
        One for each check, found or not.
    """

    log: str
    findings: tuple[Finding, ...]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that deserve a look before the numbers are used."""
        return tuple(f for f in self.findings if f.level == "warn")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding: check, rows, example, action, level."""
        return pd.DataFrame([asdict(f) for f in self.findings], columns=list(_COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return what goes into audit.json."""
        return {"log": self.log, "findings": [asdict(f) for f in self.findings]}

    def __str__(self) -> str:
        lines = [("check", "rows", "example", "what is done about it")]
        lines += [(f.check, f"{f.rows:,}", f.example, f.action) for f in self.findings]
        marks = [" ", *("!" if f.level == "warn" else " " for f in self.findings)]
        check, rows, example = (max(len(line[i]) for line in lines) for i in range(3))
        table = (
            f"{mark} {line[0]:<{check}}  {line[1]:>{rows}}  {line[2]:<{example}}  {line[3]}".rstrip()
            for mark, line in zip(marks, lines, strict=True)
        )
        return "\n".join([self.log, *table])

    def __repr__(self) -> str:
        return f"Audit({len(self.findings)} checks, {len(self.warnings)} to look at)"

    def _repr_html_(self) -> str:
        found = [f for f in self.findings if f.rows or f.level == "warn"]
        nothing = [f.check for f in self.findings if f not in found]
        told = table(
            ["check", "rows", "example", "what is done about it"],
            [[f.check, f.rows, f.example, f.action] for f in found],
            strong={(i, 0) for i, f in enumerate(found) if f.level == "warn"},
        )
        look = f"{len(self.warnings)} to look at before the numbers are used" + (", in bold" if self.warnings else "")
        return page("Audit", [self.log, look], [told], [f"Nothing found: {', '.join(nothing)}." if nothing else ""])


def audit(log: TransactionLog) -> Audit:
    """Look a log over before it is used.

    Parameters
    ----------
    log : TransactionLog
        As read; what was changed or left out on the way in is part of the audit.

    Returns
    -------
    Audit
        A finding for each check; those of level ``warn`` deserve a look.

    Notes
    -----
    *Left truncation*: a log that begins in the middle of a business's life shows old customers as new ones, so its
    first weeks hold far more first purchases than later ones. Where first purchases come evenly and then stop for
    good, the log is one cohort.

    Examples
    --------
    >>> import patron.datasets
    >>> found = audit(patron.datasets.load_cdnow_sample()).to_frame().set_index("check")
    >>> int(found.loc["zero amounts", "rows"])
    8
    """
    daily = _daily(log)
    entered = _entered(log)
    findings = [
        Finding("missing ids, times or amounts", 0, "", "none can be left: such rows are refused at entry"),
        *log.entry,
        *_repeats(log),
        *_amounts(log),
        _odd_ids(log),
        _future(log),
        _last_day(log, daily),
        _silence(log, daily),
        _truncation(log, entered),
        *_gates(daily, entered),
    ]
    return Audit(repr(log), tuple(findings))


def _daily(log: TransactionLog) -> pd.Series[int]:
    """Rows on each day from the first to the end of observation."""
    rows = log.table.group_by("day").aggregate(n=log.table.count()).to_pyarrow().to_pandas()
    days: pd.Series[int] = rows.set_index("day")["n"]
    return days.reindex(range(log.first_day, log.observed_until + 1), fill_value=0)


def _entered(log: TransactionLog) -> pd.DataFrame:
    """Buyers by the day of their first purchase: how many, and how many bought on two and on three days."""
    bought = log.table.filter(log.table.amount >= 0)
    buyers = bought.group_by("customer_id").aggregate(day=bought.day.min(), days=bought.day.nunique())
    firsts = buyers.group_by("day").aggregate(
        buyers=buyers.count(),
        twice=(buyers.days >= 2).ifelse(1, 0).sum(),
        thrice=(buyers.days >= 3).ifelse(1, 0).sum(),
    )
    days: pd.DataFrame = firsts.to_pyarrow().to_pandas().set_index("day")
    return days.reindex(range(log.first_day, log.observed_until + 1), fill_value=0)


def _one(table: Any) -> dict[str, Any]:
    return dict(table.to_pyarrow().to_pylist()[0])


def _repeats(log: TransactionLog) -> list[Finding]:
    alike = log.table.group_by(log.table.columns).aggregate(n=log.table.count()).filter(lambda t: t.n > 1)
    exact = _one(alike.aggregate(rows=(alike.n - 1).sum(), who=alike.customer_id.min()))
    days = log.table.group_by("customer_id", "day").aggregate(n=log.table.count()).filter(lambda t: t.n > 1)
    same = _one(days.aggregate(rows=(days.n - 1).sum(), who=days.customer_id.min()))
    duplicates, further = int(exact["rows"] or 0), int(same["rows"] or 0)
    return [
        Finding(
            "exact duplicate rows",
            duplicates,
            f"customer {exact['who']}" if duplicates else "",
            "kept: a line item may repeat; duplicates='drop' leaves them out",
            "warn" if duplicates > 0.05 * log.rows else "info",
        ),
        Finding(
            "further rows on the same day",
            further,
            f"customer {same['who']}" if further else "",
            "merged: a customer makes one purchase a day",
        ),
    ]


def _amounts(log: TransactionLog) -> list[Finding]:
    table = log.table
    zero, back = table.amount == 0, table.amount < 0
    told = _one(
        table.aggregate(
            zeros=zero.ifelse(1, 0).sum(),
            zero_who=table.customer_id.min(where=zero),
            refunds=back.ifelse(1, 0).sum(),
            refund_who=table.customer_id.min(where=back),
            returned=table.amount.sum(where=back),
        )
    )
    people = table.group_by("customer_id").aggregate(best=table.amount.max())
    only = people.filter(people.best < 0)
    never = _one(only.aggregate(n=only.count(), who=only.customer_id.min()))
    returned = (told["returned"] or 0) / log.minor
    return [
        Finding(
            "zero amounts",
            int(told["zeros"]),
            f"customer {told['zero_who']}" if told["zeros"] else "",
            "kept: a free order is a purchase",
        ),
        Finding(
            "refunds",
            int(told["refunds"]),
            f"customer {told['refund_who']}; {returned:,.2f} {log.currency} in all" if told["refunds"] else "",
            "no purchase; they reduce spend from their own day on",
        ),
        Finding(
            "customers with refunds only",
            int(never["n"]),
            f"customer {never['who']}" if never["n"] else "",
            "not buyers: they are in no summary",
            "warn" if never["n"] else "info",
        ),
    ]


def _odd_ids(log: TransactionLog) -> Finding:
    who = log.table.customer_id
    odd = who.re_search(_ODD_ID)
    told = _one(log.table.aggregate(n=odd.ifelse(1, 0).sum(), who=who.min(where=odd)))
    return Finding(
        "odd customer ids",
        int(told["n"]),
        repr(told["who"]) if told["n"] else "",
        "kept as they stand: blanks around, a '.0' behind or a 'nan' come from how they were loaded"
        if told["n"]
        else "",
        "warn" if told["n"] else "info",
    )


def _future(log: TransactionLog) -> Finding:
    tomorrow = (dt.datetime.now(dt.UTC).date() - dt.date(1970, 1, 1)).days + 1  # some zone is a day ahead
    told = _one(log.table.filter(log.table.day > tomorrow).aggregate(n=ibis._.count(), day=ibis._.day.max()))
    ahead = log.observed_until > tomorrow
    return Finding(
        "rows in the future",
        int(told["n"]),
        date_of(told["day"]).isoformat() if told["n"] else "",
        "kept: set observed_until to the last day that is complete" if ahead else "",
        "warn" if ahead else "info",
    )


def _last_day(log: TransactionLog, daily: pd.Series[int]) -> Finding:
    """Compare the last day's rows with the same weekday of the eight weeks before."""
    check = "rows on a last day that looks partial"
    weekdays = daily.iloc[-8::-7].iloc[:8]
    last, usual = int(daily.iloc[-1]), float(weekdays.median()) if len(weekdays) >= 3 else 0.0
    if last == 0 or usual < 10 or last >= usual / 2:
        return Finding(check, 0, "", "")
    day = date_of(log.observed_until)
    return Finding(
        check,
        last,
        f"{day}: {last:,} rows, on such a weekday usually {usual:,.0f}",
        f"kept: observed_until='{day - dt.timedelta(days=1)}' leaves it out",
        "warn",
    )


def _silence(log: TransactionLog, daily: pd.Series[int]) -> Finding:
    days = np.append(daily.index[daily > 0], log.observed_until + 1)
    gaps = np.diff(days) - 1
    longest = int(gaps.max())
    silent = longest >= 7 and longest > 5 * (np.median(gaps) + 1)
    start = int(days[int(gaps.argmax())]) + 1
    return Finding(
        "days in the longest silence",
        longest,
        f"{date_of(start)} to {date_of(start + longest - 1)}" if longest else "",
        "check that the source is whole: customers look as if they had gone" if silent else "",
        "warn" if silent else "info",
    )


def _truncation(log: TransactionLog, entered: pd.DataFrame) -> Finding:
    check = f"customers first seen in the first {_PERIOD} days"
    firsts = entered["buyers"].to_numpy()
    periods = firsts[: len(firsts) // _PERIOD * _PERIOD].reshape(-1, _PERIOD).sum(axis=1)
    at_start = int(firsts[:_PERIOD].sum())
    if len(periods) < 4 or not at_start:
        return Finding(check, at_start, "", "the log is too short to tell whether it holds their first purchases")
    later = float(np.median(periods[len(periods) // 2 :]))
    span = int(np.flatnonzero(firsts)[-1]) + 1
    third = -(-span // 3)
    if span <= len(firsts) / 2 and 3 * firsts[2 * third : span].sum() >= firsts[:third].sum():
        stop = date_of(log.first_day + span - 1)
        return Finding(check, at_start, f"none after {stop}", "one cohort: taken as their first purchases ever")
    truncated = at_start >= 30 and at_start > 3 * max(later, 1.0)
    return Finding(
        check,
        at_start,
        f"later {later:,.0f} in as many days",
        "many had bought before the log begins, so T and frequency are too small: read an earlier log too"
        if truncated
        else "taken as their first purchases ever",
        "warn" if truncated else "info",
    )


def _gates(daily: pd.Series[int], entered: pd.DataFrame) -> list[Finding]:
    """Say whether there is enough to learn from."""
    buyers, twice, thrice = (int(n) for n in entered.sum())
    recent = int(daily.iloc[-_RECENT:].sum())
    few = twice < 0.1 * buyers
    gates = [
        ("customers who bought", buyers, buyers < _ENOUGH_BUYERS, f"fewer than {_ENOUGH_BUYERS}: estimates are rough"),
        (
            "days of history",
            len(daily),
            len(daily) < _ENOUGH_DAYS,
            f"fewer than {_ENOUGH_DAYS}: few tests are possible",
        ),
        (f"rows in the last {_RECENT} days", recent, recent == 0, "none: scores would describe the past"),
        ("customers who bought on two days or more", twice, few, "under a tenth: repeat buying is hard to learn"),
        ("customers who bought on three days or more", thrice, thrice == 0, "none: gaps between purchases are unknown"),
    ]
    return [Finding(check, n, "", why if bad else "", "warn" if bad else "info") for check, n, bad, why in gates]
