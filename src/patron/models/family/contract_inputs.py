"""What a contractual model accepts: renewals survived and losses, a row a contract or by period; its period."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import UNIT_DAYS, Horizon
from patron._core.errors import DataError, UnitAssumedWarning, UnitError
from patron.models.family.inputs import read_weights
from patron.models.maths.fitter import Array

Flags = npt.NDArray[np.bool_]
_MOST: Final = 100_000
_MAKE: Final = "make the frame with patron.renewals"


def cohort_table(renewals: pd.DataFrame, weights: Any = None) -> pd.DataFrame:
    """Count how many contracts were at risk in each period, and how many were lost in it.

    A contractual model fits this table like the rows.

    Parameters
    ----------
    renewals : DataFrame
        One row a contract: `renewals`, `lost` and, as `patron.renewals` gives it, `periods`: for how many whole
        periods it was at risk; without it all that it survived and the one in which it was lost.
    weights : array or str, optional
        How many contracts each row stands for; by default the column `weight`, if there is one.

    Returns
    -------
    DataFrame
        period (from 1), at_risk and lost (float64), a row a period in which a contract was at risk; attrs: period.

    Raises
    ------
    DataError
        When a column is absent or holds what it cannot.

    Examples
    --------
    >>> cohort_table(pd.DataFrame({"renewals": [0, 1, 2, 2], "lost": [True, True, False, False]}))
       period  at_risk  lost
    0       1      4.0   1.0
    1       2      3.0   1.0
    """
    survived, gone, periods = read_contracts(renewals)
    weight = _weights(renewals, weights)
    most = int(periods.max(initial=0.0))
    ended = np.bincount(periods.astype(np.int64), weight, most + 1)
    seen = gone & (periods > survived)
    lost = np.bincount(periods[seen].astype(np.int64), weight[seen], most + 1)
    table = pd.DataFrame(
        {"period": np.arange(1, most + 1), "at_risk": ended[::-1].cumsum()[::-1][1:], "lost": lost[1:]}
    )
    table.attrs = {name: value for name, value in renewals.attrs.items() if name in ("period", "as_of")}
    return table


def read_cohorts(table: pd.DataFrame, weights: Any) -> pd.DataFrame:
    """Check a cohort table; periods that occur more than once add up."""
    if weights is not None:
        raise DataError("a cohort table counts contracts, so it takes no weights", fix="leave weights out")
    period, at_risk, lost = (_numbers(table, name) for name in ("period", "at_risk", "lost"))
    _refuse((period < 1) | (period != np.floor(period)), table, "period", "periods are counted 1, 2, 3, ...")
    _refuse(lost > at_risk, table, "lost", "more contracts were lost than were at risk")
    return pd.DataFrame({"period": period, "at_risk": at_risk, "lost": lost}).groupby("period", as_index=False).sum()


def read_renewals(frame: pd.DataFrame) -> tuple[Array, Flags]:
    """Check and take the columns renewals and, if there is one, lost."""
    renewals = _numbers(frame, "renewals")
    _refuse(renewals != np.floor(renewals), frame, "renewals", "a number of renewals is whole")
    _refuse(renewals > _MOST, frame, "renewals", f"more than {_MOST:,} renewals of one customer")
    if "lost" not in frame:
        return renewals, np.zeros(len(renewals), dtype=np.bool_)
    lost = _numbers(frame, "lost")
    _refuse((lost != 0) & (lost != 1), frame, "lost", "a contract is lost or not: True or False")
    return renewals, lost == 1


def read_contracts(frame: pd.DataFrame) -> tuple[Array, Flags, Array]:
    """Check and take renewals, lost and the whole periods at risk, of a frame to fit on."""
    renewals, lost = read_renewals(frame)
    if "lost" not in frame:
        raise DataError("the frame has no such column", column="lost", fix=_MAKE)
    if "periods" not in frame:
        return renewals, lost, renewals + lost
    periods = _numbers(frame, "periods")
    _refuse(
        (periods > renewals + lost) | (periods != np.floor(periods)), frame, "periods",
        "a contract is at risk in the periods it survived and in the one in which it is lost, no other",
    )  # fmt: skip
    return renewals, lost, periods


def contracts_each(frame: pd.DataFrame, weights: Any) -> Array:
    """Take how many contracts each row stands for, whole numbers."""
    weight = _weights(frame, weights)
    if (weight != np.floor(weight)).any():
        raise DataError(
            "how many of these contracts stay can only be told of whole contracts",
            example=float(weight[weight != np.floor(weight)][0]),
            fix="pass weights that count contracts",
        )
    return weight


def read_period(period: str) -> Horizon:
    """Read 'month', '3 months', 'year', '28 days'; a ConfigError for anything else."""
    return Horizon.parse(f"1 {period}" if period in UNIT_DAYS else period)


def period_days(period: str) -> float:
    """Length of a period in days; of months and years the mean."""
    parsed = Horizon.parse(period)
    return parsed.count * UNIT_DAYS[parsed.unit]


def fitting_period(frame: pd.DataFrame, period: str | None) -> str:
    """Settle from one renewal to the next: the argument, the frame's own, or a month, with a warning."""
    own = frame.attrs.get("period")
    asked = None if period is None else str(read_period(period))
    if asked is not None and own is not None and asked != own:
        raise UnitError(f"the frame counts periods of {own}, not of {asked}", fix="leave period out")
    if asked is None and own is None:
        warnings.warn(
            "the frame does not say its period (pandas loses attrs in merges); taken as 1 month. Pass period= to fit.",
            UnitAssumedWarning,
            stacklevel=3,
        )
    return asked or own or "1 month"


def check_period(frame: pd.DataFrame, period: str) -> None:
    """Refuse a frame that counts other periods than the model; warn if the frame does not say."""
    own = getattr(frame, "attrs", {"period": period}).get("period")
    if own is None:
        warnings.warn(
            f"the frame does not say its period (pandas loses attrs in merges); taken as {period}, as the model. "
            'Set frame.attrs["period"].',
            UnitAssumedWarning,
            stacklevel=4,
        )
    elif own != period:
        raise UnitError(
            f"the model was fitted on periods of {period}, the frame counts periods of {own}",
            fix=f'make the frame with period="{period}"',
        )


def whole(number: Any, name: str) -> int:
    """Check a number of renewals or periods ahead."""
    if isinstance(number, bool) or not isinstance(number, int | float | np.number) or not 0 <= number <= _MOST:
        raise DataError(f"{name} is a whole number from 0 to {_MOST:,}", example=number, fix="count renewals")
    if number != int(number):
        raise DataError(f"{name} is a whole number: renewals fall due once a period", example=number, fix="round it")
    return int(number)


def _weights(frame: pd.DataFrame, weights: Any) -> Array:
    given = read_weights(frame, weights)
    return np.ones(len(frame)) if given is None else given


def _numbers(frame: Any, name: str) -> Array:
    """Check and take a column of finite numbers, none below 0."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError("a model takes a pandas frame", example=type(frame).__name__, fix=_MAKE)
    if name not in frame:
        raise DataError("the frame has no such column", column=name, fix=_MAKE)
    if not pd.api.types.is_numeric_dtype(frame[name].dtype):
        raise DataError("not a column of numbers", column=name, example=str(frame[name].dtype), fix="convert it")
    values: Array = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(~(np.isfinite(values) & (values >= 0)), frame, name, "missing, infinite or negative values")
    return values


def _refuse(wrong: Flags, frame: pd.DataFrame, name: str, message: str) -> None:
    if wrong.any():
        example = frame[name].iloc[int(np.argmax(wrong))]
        plain = example.item() if isinstance(example, np.generic) else example
        raise DataError(message, column=name, count=int(wrong.sum()), example=plain, fix=_MAKE)
