"""Customers under contract as of a day: what their contracts tell of them by then, and whether they left in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd
from ibis.expr.types import Table

from patron._core.calendar import Day, Horizon, as_stamps, date_of, day_number, day_numbers
from patron._core.errors import ConfigError, DataError
from patron.data.columns import LAST_DAY
from patron.data.log import TransactionLog
from patron.data.sides import MOST_LEVELS
from patron.features.contracts import falls_on, read_alone, read_grace, renewals_due
from patron.features.feature import ratio
from patron.features.named import of_attribute
from patron.features.per_customer import check_days, fetch
from patron.features.purchases import STATE
from patron.models.family.contract_inputs import read_period

_ORDER: Final = ["as_of", "customer_id"]
_TOLD: Final = {"plan": "", "price": -1}
"""What a contract may tell besides its days, and what stands for it in the order of contracts where it is missing."""


def contract_features(
    subscriptions: Any,
    as_of: Day | Iterable[Day],
    *,
    period: str,
    grace: int = 0,
    plans: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Tell of every customer under contract on the as-of day what the contracts had told by then.

    Parameters
    ----------
    subscriptions : TransactionLog, frame, path or ibis.Table
        A log that has subscriptions, or a table with columns customer_id, start, end (the last day; empty is open)
        and, if there are any, plan and price.
    as_of : day or iterable of days
        Calendar days, each wholly observed.
    period : str
        From one renewal to the next: 'week', 'month', '3 months', 'year', '28 days'.
    grace : int
        Days without a contract after which a customer is lost, as in `renewals`: whoever signs sooner never left.
    plans : sequence of str, optional
        The plans to tell apart; by default all of the contracts that had begun by the last as-of day.

    Returns
    -------
    DataFrame
        One row a customer and as-of day who has a contract on that day, indexed by customer_id and as_of, sorted by
        as_of, then customer_id. Contracts that follow each other within the grace, or overlap, are one relationship.

        - days_as_customer (int64): days since the relationship began;
        - renewals (int64): how many renewals it has survived, as a contractual model takes it;
        - days_to_renewal (int64): days until the next falls due;
        - contracts (int64): how many contracts had begun so far, in all;
        - winbacks (int64): how often the customer had left and come back;
        - share_lapsed (float64): days without a contract, as a share of those since the first;
        - customer_plan=... (float64): whether this is the plan of the contract that runs, of several the latest
          begun; missing where it has none;
        - plan_changes (int64): how many contracts had another plan than the one before;
        - price (float64): of the contract that runs, in major units;
        - price_change (float64): that minus the price of the contract before it; 0 for the first.

        The last four if the table has plans, or prices. attrs: period, grace.

    Raises
    ------
    DataError
        As `TransactionLog.with_subscriptions`; a log without subscriptions; nobody under contract on a day; more
        than 20 plans.
    ConfigError
        `period` or `grace` cannot be read.

    Notes
    -----
    An end after the as-of day is read as open, for tables rarely say when it was entered. A notice that has been given
    is known only if it is dated: as one of the log's events, say.

    Examples
    --------
    >>> contracts = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "b", "c"],
    ...         "start": ["2024-01-31", "2024-01-10", "2024-03-20", "2024-02-01"],
    ...         "end": [None, "2024-03-09", None, "2024-02-29"],
    ...     }
    ... )
    >>> told = contract_features(contracts, "2024-04-30", period="month")
    >>> told[["days_as_customer", "renewals", "days_to_renewal", "winbacks"]].droplevel("as_of")
                 days_as_customer  renewals  days_to_renewal  winbacks
    customer_id
    a                          90         3               31         0
    b                          41         1               20         1
    """
    log, days = contracts_of(subscriptions, None), day_numbers(as_of)
    if log is subscriptions:
        check_days(log, days, "day", "day")
    return _frame(log, days, period, grace, plans)


def contract_snapshots(
    subscriptions: Any,
    as_of: Day | Iterable[Day],
    horizon: str | Horizon,
    *,
    period: str,
    grace: int = 0,
    plans: Sequence[str] | None = None,
    observed_until: Day | None = None,
) -> pd.DataFrame:
    """`contract_features` of one as-of day or several, with the label of the `horizon` after each.

    Parameters
    ----------
    subscriptions, as_of, period, grace, plans
        As in `contract_features`.
    horizon : str or Horizon
        A fixed length H in days or weeks.
    observed_until : day, optional
        Up to when a table's starts and ends are known; by default its last start, because an end may be a day agreed
        on. A log says its own.

    Returns
    -------
    DataFrame
        The frame of `contract_features` and churned (int8): 1 if the relationship ended in the window, that is if its
        first day without a contract is in as_of < day <= as_of + H and no contract followed within the grace. That is
        `renewals` as of the end of the window and the grace saying that it is lost.

        attrs: period, grace, horizon_days (H and the grace: so long after as_of the label is known).

    Raises
    ------
    DataError
        A label that is not known by the last day observed; the text names the last as-of day possible. And as
        `contract_features`.
    ConfigError
        A horizon that is not a fixed length; observed_until of a log. And as `contract_features`.

    Examples
    --------
    >>> contracts = pd.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "b", "c"],
    ...         "start": ["2024-01-31", "2024-01-10", "2024-03-10", "2024-02-01"],
    ...         "end": [None, "2024-03-09", "2024-04-09", "2024-02-29"],
    ...     }
    ... )
    >>> frame = contract_snapshots(
    ...     contracts, ["2024-02-15", "2024-03-15"], "28 days", period="month", observed_until="2024-04-30"
    ... )
    >>> y = frame.pop("churned")
    >>> y.unstack("as_of")
    as_of        2024-02-15  2024-03-15
    customer_id
    a                   0.0         0.0
    b                   0.0         1.0
    c                   1.0         NaN
    """
    log, ahead, grace = contracts_of(subscriptions, observed_until), Horizon.parse(horizon), read_grace(grace)
    days, window = day_numbers(as_of), ahead.fixed_days("horizon")
    last = log.observed_until - window - grace
    if days[-1] > last:
        raise DataError(
            f"who leaves in the {window} days after {date_of(days[-1])} is not known yet: contracts are observed until "
            f"{date_of(log.observed_until)}, and the grace is {grace} days",
            fix=f"as_of on {date_of(last)} at the latest"
            + ("" if isinstance(subscriptions, TransactionLog) else ", or observed_until= if they were for longer"),
        )
    frame = _frame(log, days, period, grace, plans)
    frame["churned"] = fetch(_gone(log.subscriptions, days, window, grace), _ORDER)["gone"].to_numpy().astype("int8")
    frame.attrs["horizon_days"] = window + grace
    return frame


def contracts_of(subscriptions: Any, observed_until: Day | None) -> TransactionLog:
    """Read contracts once: a log of them, or the log that has them."""
    if isinstance(subscriptions, TransactionLog):
        if subscriptions.subscriptions is None:
            raise DataError("this log has no subscriptions", fix="add them with log.with_subscriptions(...)")
        if observed_until is not None:
            raise ConfigError("a log says itself how long it was observed", fix="leave observed_until out")
        return subscriptions
    log = read_alone(subscriptions, LAST_DAY)
    contracts: Any = log.subscriptions
    told = contracts.aggregate(first=contracts.start.min(), last=contracts.start.max()).to_pyarrow().to_pylist()[0]
    if told["first"] is None:
        raise DataError("a table without contracts", fix="give one row a contract")
    last = told["last"] if observed_until is None else day_number(observed_until, name="observed_until")
    return replace(log, first_day=told["first"], observed_until=last)


def _frame(
    log: TransactionLog, days: Sequence[int], period: str, grace: int, plans: Sequence[str] | None
) -> pd.DataFrame:
    length, contracts = read_period(period), log.subscriptions
    levels = _plans(contracts, days[-1]) if plans is None else list(plans)
    rows = fetch(_known(contracts, days, read_grace(grace)), _ORDER)
    absent = set(days) - set(rows["as_of"])
    if absent:
        raise DataError(f"nobody is under contract on {date_of(min(absent))}", fix="choose days on which customers are")
    frame = _columns(rows, length, levels, log.minor)
    frame.index = pd.MultiIndex.from_arrays([rows["customer_id"], as_stamps(rows["as_of"])], names=STATE)
    frame.attrs = {"period": str(length), "grace": grace}
    return frame


def _rows(contracts: Table, days: Sequence[int], ahead: int, grace: int) -> Table:
    """Repeat, for each as-of day, the contracts begun by the end of the day `ahead` days later, as seen on that.

    An end that had not come by then is the day after. `place` orders a customer's contracts, `until` is the last end of
    those before, `pause` the days without one since then, `anew` is 1 where the pause ended a relationship, and
    whatever else is ..._before is that of the contract before.
    """
    told = [name for name in _TOLD if name in contracts.columns]
    seen = []
    for day in days:
        last = day + ahead
        end = (contracts.end <= last).ifelse(contracts.end.cast("int64"), last + 1)
        begun = contracts.select("customer_id", *told, start=contracts.start.cast("int64"), end=end).distinct()
        seen.append(begun.filter(begun.start <= last).mutate(as_of=ibis.literal(day, "int64")))
    rows = ibis.union(*seen)
    ties = [rows[name].fill_null(_TOLD[name]) for name in told]  # no two rows tie
    by: dict[str, Any] = {"group_by": STATE, "order_by": [rows.start, rows.end, *ties]}
    rows = rows.mutate(
        place=ibis.row_number().over(ibis.window(**by)),
        until=rows.end.max().over(ibis.window(preceding=(None, 1), **by)),
        **{f"{name}_before": rows[name].lag().over(ibis.window(**by)) for name in told},
    )
    pause = rows.start - rows.until - 1
    return rows.mutate(pause=(pause > 0).ifelse(pause, 0), anew=(pause <= grace).ifelse(0, 1))


def _known(contracts: Table, days: Sequence[int], grace: int) -> Table:
    """One row a customer under contract on an as-of day."""
    rows = _rows(contracts, days, 0, grace)
    sums = {
        "start": rows.start.max(where=rows.anew == 1),
        "contracts": rows.count(),
        "relationships": rows.anew.sum(),
        "share_lapsed": ratio(rows.pause.sum(), rows.as_of.max() - rows.start.min() + 1),
        "place": rows.place.max(where=rows.end >= rows.as_of),
    }
    if "plan" in rows.columns:
        sums["plan_changes"] = (rows.plan != rows.plan_before).ifelse(1, 0).sum()
    whole = rows.group_by(STATE).agg(**sums)
    told = [name for name in rows.columns if name.removesuffix("_before") in _TOLD]
    return whole.join(rows.select(*STATE, "place", *told), [*STATE, "place"])


def _gone(contracts: Table, days: Sequence[int], window: int, grace: int) -> Table:
    """One row a customer under contract on an as-of day: whether that relationship ended within the window."""
    rows = _rows(contracts, days, window + grace, grace)
    last = ibis.coalesce(rows.until.min(where=(rows.anew == 1) & (rows.start > rows.as_of)), rows.end.max())
    runs = ((rows.start <= rows.as_of) & (rows.end >= rows.as_of)).ifelse(1, 0).max()
    whole = rows.group_by(STATE).agg(last=last, runs=runs)
    return whole.filter(whole.runs == 1).select(*STATE, gone=whole.last < whole.as_of + window)


def _columns(rows: pd.DataFrame, period: Horizon, plans: Sequence[str], minor: int) -> pd.DataFrame:
    start, day = (rows[name].to_numpy(dtype=np.int64) for name in ("start", "as_of"))
    renewals = renewals_due(start, day, period)
    columns: dict[str, Any] = {
        "days_as_customer": day - start,
        "renewals": renewals,
        "days_to_renewal": falls_on(start, renewals + 1, period) - day,
        "contracts": rows["contracts"].astype("int64"),
        "winbacks": rows["relationships"].astype("int64") - 1,
        "share_lapsed": rows["share_lapsed"],
    }
    if "plan" in rows:
        columns |= one_hot(rows["plan"], "plan", plans)
        columns["plan_changes"] = rows["plan_changes"].astype("int64")
    if "price" in rows:
        price, before = (rows[name].astype("float64") for name in ("price", "price_before"))
        columns["price"] = price / minor
        columns["price_change"] = (price - before.where(rows["place"] > 0, price)) / minor
    return pd.DataFrame(columns)


def one_hot(values: pd.Series, name: str, levels: Iterable[str]) -> dict[str, pd.Series]:
    """Tell for each level whether it is a text's, as float64; missing where the text is. Named as in the catalogue."""
    known = values.notna()
    return {of_attribute(name, level).name: (values == level).astype("float64").where(known) for level in levels}


def _plans(contracts: Table, day: int) -> list[str]:
    """Return the plans of the contracts that had begun by `day`, by code point."""
    if "plan" not in contracts.columns:
        return []
    begun = contracts.filter(contracts.start <= day).drop_null("plan")
    found = sorted(begun.select("plan").distinct().limit(MOST_LEVELS + 1).to_pyarrow()["plan"].to_pylist())
    if len(found) > MOST_LEVELS:
        raise DataError(
            f"more than {MOST_LEVELS} plans",
            column="plan",
            example=found[0],
            fix="name those that matter with plans=, or merge them",
        )
    return found
