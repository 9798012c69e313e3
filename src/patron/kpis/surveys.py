"""Surveys: how many would recommend, and how many are satisfied, from the answers among the events."""

from __future__ import annotations

from typing import Final

import pandas as pd
from ibis.expr.types import Table

from patron._core.errors import DataError
from patron.data.log import TransactionLog
from patron.features.purchases import purchases
from patron.kpis.groups import By, every_period, grouped, over
from patron.kpis.periods import Every, observed

_PROMOTER: Final = 9
_DETRACTOR: Final = 6
_SATISFIED: Final = 4


def nps(log: TransactionLog, kind: str = "nps", every: Every = "month", by: By = None) -> pd.DataFrame:
    """Tell the net promoter score of each period: promoters less detractors.

    Parameters
    ----------
    log : TransactionLog
        A log with events whose value is an answer from 0 to 10 to "How likely are you to recommend us?".
    kind : str
        The kind of these events.
    every : {'week', 'month', 'quarter', 'year'}
        Calendar periods.
    by : {'cohort', 'channel'}, Series indexed by customer_id, or None
        As in `activity`; who answered and never bought is '(unknown)'.

    Returns
    -------
    DataFrame
        A row a period, indexed by `period`, its first day, and the group if there are any, from the first answer to the
        last period wholly observed:

        - answers (int64): all that were given; each counts, also several of one customer;
        - promoters, passives, detractors (int64): answers of at least 9, between, and of at most 6;
        - nps (float64): 100 x (promoters - detractors) / answers, from -100 to 100; missing without answers.

    Raises
    ------
    ConfigError
        `every` or `by` cannot be read.
    DataError
        A log without events, no answer of this kind, an answer off the scale, no period wholly observed.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12).

    Examples
    --------
    >>> import patron
    >>> log = patron.read_transactions(pd.DataFrame({"customer_id": ["a"], "time": ["2024-01-01"], "amount": [1.0]}),
    ...                                observed_until="2024-01-31")
    >>> log = log.with_events(pd.DataFrame({"customer_id": ["a", "b", "c"], "time": "2024-01-15", "kind": "nps",
    ...                                     "value": [10, 9, 6]}))
    >>> nps(log).round(1)
                answers  promoters  passives  detractors   nps
    period
    2024-01-01        3          2         0           1  33.3
    """
    answers = _answers(log, kind, 0, 10)
    told = _told(log, answers, every, by, high=_PROMOTER, low=_DETRACTOR)
    frame = told.rename(columns={"high": "promoters", "low": "detractors"})
    frame.insert(2, "passives", frame["answers"] - frame["promoters"] - frame["detractors"])
    return frame.assign(nps=100 * over(frame["promoters"] - frame["detractors"], frame["answers"]))


def csat(log: TransactionLog, kind: str = "csat", every: Every = "month", by: By = None) -> pd.DataFrame:
    """Tell the customer satisfaction of each period: the share of answers of 4 and 5 on a scale from 1 to 5.

    Parameters
    ----------
    log : TransactionLog
        A log with events whose value is an answer from 1 to 5 to "How satisfied are you?".
    kind, every, by
        As in `nps`.

    Returns
    -------
    DataFrame
        A row a period as in `nps`:

        - answers (int64): all that were given;
        - satisfied (int64): answers of at least 4;
        - csat (float64): satisfied / answers, from 0 to 1; missing without answers.

    Raises
    ------
    ConfigError, DataError
        As in `nps`.

    Examples
    --------
    >>> import patron
    >>> log = patron.read_transactions(pd.DataFrame({"customer_id": ["a"], "time": ["2024-01-01"], "amount": [1.0]}),
    ...                                observed_until="2024-01-31")
    >>> log = log.with_events(pd.DataFrame({"customer_id": ["a", "b"], "time": "2024-01-15", "kind": "csat",
    ...                                     "value": [5, 3]}))
    >>> csat(log)
                answers  satisfied  csat
    period
    2024-01-01        2          1   0.5
    """
    told = _told(log, _answers(log, kind, 1, 5), every, by, high=_SATISFIED)
    frame = told.rename(columns={"high": "satisfied"})
    return frame.assign(csat=over(frame["satisfied"], frame["answers"]))


def answered(log: TransactionLog, kind: str) -> bool:
    """Tell whether the log has any answer of a kind."""
    if log.events is None or "value" not in log.events.columns:
        return False
    return bool(_of_kind(log.events, kind).limit(1).count().to_pyarrow().as_py())


def _of_kind(events: Table, kind: str) -> Table:
    return events.filter(events.kind == kind).drop_null("value")


def _answers(log: TransactionLog, kind: str, least: int, most: int) -> Table:
    """Return the events that are answers on a scale."""
    if log.events is None:
        raise DataError("this log has no events", fix="add them with log.with_events(...)")
    if not answered(log, kind):
        known = f"one of {', '.join(log.valued)}" if log.valued else "name the column with the answers: value="
        raise DataError(f"no event of kind {kind!r} has a value", fix=f"kind= {known}")
    answers = _of_kind(log.events, kind)
    off = answers.filter((answers.value < least) | (answers.value > most))
    told = off.aggregate(n=off.count(), value=off.value.min()).to_pyarrow().to_pylist()[0]
    if told["n"]:
        raise DataError(
            f"an answer of kind {kind!r} off the scale from {least} to {most}",
            column="value",
            count=int(told["n"]),
            example=told["value"],
            fix="bring the answers to this scale, or leave them out",
        )
    return answers


def _told(
    log: TransactionLog, answers: Table, every: Every, by: By, *, high: int, low: int | None = None
) -> pd.DataFrame:
    """Count answers by period and group, those of at least `high`, and those of at most `low`."""
    begin = answers.aggregate(day=answers.day.min()).to_pyarrow()["day"][0].as_py()
    periods = observed(log, every, begin)
    groups = grouped(log, purchases(log, [log.observed_until]), by)
    rows = groups.onto(periods.onto(answers.select("customer_id", "value", "day"), answers.day))
    sums = {"answers": rows.count(), "high": (rows.value >= high).ifelse(1, 0).sum()}
    if low is not None:
        sums["low"] = (rows.value <= low).ifelse(1, 0).sum()
    counts = rows.group_by(*groups.keys, "period").agg(**sums)
    return every_period(counts.to_pyarrow().to_pandas(), periods, groups)
