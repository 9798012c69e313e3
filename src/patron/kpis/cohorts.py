"""Cohorts: customers by the period of their first purchase, and what each cohort did in every period since."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError
from patron.data.log import TransactionLog
from patron.features.purchases import purchases
from patron.kpis.periods import Every, observed
from patron.kpis.spending import per_period

Measure = Literal["customers", "share", "revenue", "revenue_per_customer"]
_UNITS: Final = {"customers": "customers", "share": "share of the cohort"}


def cohorts(log: TransactionLog, every: Every = "month", measure: Measure = "customers") -> pd.DataFrame:
    """Follow each cohort: who first bought in one period, in that period and every later one.

    Parameters
    ----------
    log : TransactionLog
        The transactions.
    every : {'week', 'month', 'quarter', 'year'}
        Calendar periods, for cohorts and for what they do.
    measure : {'customers', 'share', 'revenue', 'revenue_per_customer'}
        What is told: customers of the cohort with a purchase day in the period, the same over the cohort's size, what
        the cohort paid net of refunds in major units, the same over the cohort's size.

    Returns
    -------
    DataFrame
        float64; a row a cohort that has customers, indexed by `cohort`, the first day of its period; columns 0, 1, 2,
        ... periods since that of the first purchase. A cell of a period that has not run out is missing, and so is the
        cohort of such a period. attrs: every, measure, unit.

    Raises
    ------
    ConfigError
        `every` or `measure` cannot be read.
    DataError
        No period was wholly observed.

    Notes
    -----
    Column 0 of customers is the cohort's size, and `new` of `activity`; a share's is 1. Refunds count in the period of
    their own day. What a cohort paid before its first purchase, which refunds took back entirely, is in column 0, so
    that a row of revenue sums up to all that the cohort brought in the periods told.

    Examples
    --------
    >>> import patron.datasets
    >>> cohorts(patron.datasets.load_cdnow_sample(), every="quarter")
                     0      1      2      3      4      5
    cohort
    1997-01-01  2357.0  524.0  418.0  404.0  384.0  300.0
    """
    if measure not in get_args(Measure):
        raise ConfigError(f"unknown measure {measure!r}", fix=f"one of {', '.join(get_args(Measure))}")
    periods = observed(log, every)
    rows = per_period(log, purchases(log, [log.observed_until]), periods)
    rows = rows.drop_null("begun").filter(rows.period <= periods.last)
    age = (rows.period > rows.begun).ifelse(rows.period - rows.begun, 0)
    sums = rows.group_by(cohort=rows.begun, age=age).agg(customers=rows.bought.sum(), revenue=rows.amount.sum())
    cells = sums.to_pyarrow().to_pandas().astype("int64").set_index(["cohort", "age"])
    size = cells["customers"].xs(0, level="age")
    size = size[size > 0].sort_index()  # the others begin after the last period
    values = cells["revenue"] / log.minor if "revenue" in measure else cells["customers"].astype("float64")
    table: pd.DataFrame = (
        values.to_frame("value")
        .pivot_table("value", "cohort", "age")
        .reindex(index=size.index, columns=range(len(periods)))
        .fillna(0.0)
    )
    if measure in ("share", "revenue_per_customer"):
        table = table.div(size, axis=0)
    run_out = np.add.outer(table.index.to_numpy(), table.columns.to_numpy()) <= periods.last
    table = table.where(run_out).set_axis(pd.RangeIndex(len(periods)), axis=1)
    table.index = pd.DatetimeIndex(periods.stamps(size.index), name="cohort")
    table.attrs = {"every": every, "measure": measure, "unit": _UNITS.get(measure, log.currency)}
    return table
