"""From transactions to frequency, recency and T, and from a fitted model to value and to paths in time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError, FitError

__all__ = [
    "calculate_alive_path",
    "calibration_and_holdout_data",
    "expected_cumulative_transactions",
    "summary_data_from_transaction_data",
]

UNITS_A_MONTH: Final = {"D": 365.25 / 12, "W": 365.25 / 84, "M": 1.0, "H": 365.25 * 2, "h": 365.25 * 2}
"""How many of the unit of T make a month."""


class ConvergenceError(FitError, ValueError):
    """The model could not be fitted on these data."""


def summary_data_from_transaction_data(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None = None,
    datetime_format: str | None = None,
    observation_period_end: Any = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    include_first_transaction: bool = False,
) -> pd.DataFrame:
    """Summarise each customer's purchases; `patron.rfm_summary` does it on any engine.

    Parameters
    ----------
    transactions : DataFrame
        A row a transaction.
    customer_id_col, datetime_col, monetary_value_col : str
        Its columns. Negative amounts are refunds: they never make a purchase.
    datetime_format : str, optional
        Of stamps given as text.
    observation_period_end : date_like, optional
        Its whole day is observed; by default the last stamp's.
    freq : str
        The period that purchases merge by: 'D', 'W', 'M', 'h' ...
    freq_multiplier : float
        How many such periods make a unit of recency and T.
    include_first_transaction : bool
        Count the first purchase in frequency and monetary_value too.

    Returns
    -------
    DataFrame
        Indexed by customer: frequency, recency, T and monetary_value, if there is such a column.
    """
    stamps = _stamps(transactions[datetime_col], datetime_format)
    end = stamps.max() if observation_period_end is None else _stamp(observation_period_end, datetime_format)
    purchases = _find_first_transactions(
        transactions, customer_id_col, datetime_col, monetary_value_col, datetime_format, end, freq
    )
    purchases["number"] = purchases[datetime_col].astype("int64")
    by_customer = purchases.groupby(customer_id_col, observed=True)
    numbers = by_customer["number"].agg(["min", "max", "count"])
    summary = pd.DataFrame(
        {
            "frequency": numbers["count"] - (not include_first_transaction),
            "recency": (numbers["max"] - numbers["min"]) / freq_multiplier,
            "T": (end.to_period(freq).ordinal - numbers["min"]) / freq_multiplier,
        }
    )
    if monetary_value_col:
        counted = purchases if include_first_transaction else purchases[~purchases["first"]]
        mean = counted.groupby(customer_id_col, observed=True)[monetary_value_col].mean()
        summary["monetary_value"] = mean.reindex(summary.index).fillna(0.0)
    return summary.astype(float)


def calibration_and_holdout_data(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    calibration_period_end: Any,
    observation_period_end: Any = None,
    freq: str = "D",
    freq_multiplier: float = 1,
    datetime_format: str | None = None,
    monetary_value_col: str | None = None,
    include_first_transaction: bool = False,
) -> pd.DataFrame:
    """Summarise each customer's purchases up to a day, and count those after it.

    Parameters
    ----------
    transactions, customer_id_col, datetime_col, observation_period_end, freq, freq_multiplier, datetime_format, \
monetary_value_col, include_first_transaction
        As in `summary_data_from_transaction_data`.
    calibration_period_end : date_like
        Its whole day belongs to the calibration, and the holdout starts on the next.

    Returns
    -------
    DataFrame
        Indexed by customer: frequency_cal, recency_cal, T_cal, monetary_value_cal, frequency_holdout,
        monetary_value_holdout (its mean: times frequency_holdout it is what the holdout brought), duration_holdout.

    Raises
    ------
    ValueError
        When the holdout has no purchase.
    """
    stamps = _stamps(transactions[datetime_col], datetime_format)
    end = stamps.max() if observation_period_end is None else _stamp(observation_period_end, datetime_format)
    cut = _stamp(calibration_period_end, datetime_format)
    summary = summary_data_from_transaction_data(
        transactions, customer_id_col, datetime_col, monetary_value_col, datetime_format, cut,
        freq, freq_multiplier, include_first_transaction,
    ).add_suffix("_cal")  # fmt: skip
    bought = _bought(transactions, customer_id_col, datetime_col, monetary_value_col, datetime_format, end, freq)
    after = bought[~_up_to(bought, cut, freq)]
    if after.empty:
        raise ValueError(
            "There is no data available. Check the `observation_period_end` and `calibration_period_end` and confirm "
            "that values in `transactions` occur prior to those dates."
        )
    by_customer = after.groupby("customer", observed=True)
    summary["frequency_holdout"] = by_customer["period"].nunique().reindex(summary.index)
    if monetary_value_col:
        summary["monetary_value_holdout"] = by_customer["amount"].sum() / summary["frequency_holdout"]
    summary["duration_holdout"] = (end.to_period(freq).ordinal - cut.to_period(freq).ordinal) / freq_multiplier
    return summary.fillna(0.0)


def calculate_alive_path(
    model: Any, transactions: pd.DataFrame, datetime_col: str, t: int, freq: str = "D"
) -> pd.Series:
    """Return one customer's P(alive) at every age up to `t`.

    Parameters
    ----------
    model : fitter
        Whatever has a method `conditional_probability_alive`.
    transactions : DataFrame
        The customer's.
    datetime_col : str
        Its column of stamps.
    t : int
        The last age, in periods; a longer history is followed to its end.
    freq : str
        The period.

    Returns
    -------
    Series
        Indexed by age.
    """
    number = _stamps(transactions[datetime_col], None).dt.to_period(freq).astype("int64")
    bought = np.unique(number - number.min())
    age = np.arange(max(t, bought[-1]) + 1)
    place = np.searchsorted(bought, age, side="right") - 1
    return pd.Series(np.asarray(model.conditional_probability_alive(place, bought[place], age)), age)


def expected_cumulative_transactions(
    model: Any,
    transactions: pd.DataFrame,
    datetime_col: str,
    customer_id_col: str,
    t: int,
    datetime_format: str | None = None,
    freq: str = "D",
    freq_multiplier: int = 1,
    set_index_date: bool = False,
) -> pd.DataFrame:
    """Return the repeat purchases of all customers so far and those expected, at the end of every period.

    Parameters
    ----------
    model : fitter
        Whatever has a method `expected_number_of_purchases_up_to_time`.
    transactions, datetime_col, customer_id_col, datetime_format, freq
        As in `summary_data_from_transaction_data`.
    t : int
        How many periods.
    freq_multiplier : int
        How many periods make a unit of the model's time, and a row.
    set_index_date : bool
        Index by period instead of 0, 1, ...

    Returns
    -------
    DataFrame
        actual, predicted.

    Notes
    -----
    A customer acquired in period s has age k - s at the end of period k (Fader, Hardie and Lee, 2005, section 4).
    """
    purchases = _find_first_transactions(
        transactions, customer_id_col, datetime_col, datetime_format=datetime_format, freq=freq
    )
    periods = pd.period_range(purchases[datetime_col].min(), periods=t, freq=freq)
    number = purchases[datetime_col].astype("int64") - periods[0].ordinal
    purchases, number = purchases[number < t], number[number < t]
    acquired = np.bincount(number[purchases["first"]], minlength=t)
    repeated = np.bincount(number[~purchases["first"]], minlength=t)
    each = np.zeros(t)
    each[1:] = model.expected_number_of_purchases_up_to_time(np.arange(1, t) / freq_multiplier)
    rows = slice(freq_multiplier - 1, None, freq_multiplier)
    return pd.DataFrame(
        {"actual": repeated.cumsum()[rows], "predicted": np.convolve(acquired, each)[:t][rows]},
        index=periods[rows] if set_index_date else range(t // freq_multiplier),
    )


def _find_first_transactions(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None = None,
    datetime_format: str | None = None,
    observation_period_end: Any = None,
    freq: str = "D",
) -> pd.DataFrame:
    """Return a row a customer and period with a purchase, and whether it is the customer's `first`."""
    end = None if observation_period_end is None else _stamp(observation_period_end, datetime_format)
    bought = _bought(transactions, customer_id_col, datetime_col, monetary_value_col, datetime_format, end, freq)
    names = {"customer": customer_id_col, "period": datetime_col, "amount": monetary_value_col}
    purchases: pd.DataFrame = bought.groupby(["customer", "period"], as_index=False, observed=True)[["amount"]].sum()
    purchases["first"] = ~purchases["customer"].duplicated()
    if not monetary_value_col:
        del purchases["amount"]
    return purchases.rename(columns=names)


def _bought(
    transactions: pd.DataFrame,
    customer_id_col: str,
    datetime_col: str,
    monetary_value_col: str | None,
    datetime_format: str | None,
    end: pd.Timestamp | None,
    freq: str,
) -> pd.DataFrame:
    """Return customer, day, period and amount of each purchase that counts at `end`, refunds netted."""
    stamps = _stamps(transactions[datetime_col], datetime_format)
    rows = pd.DataFrame(
        {
            "customer": transactions[customer_id_col],
            "day": stamps.dt.normalize(),
            "period": stamps.dt.to_period(freq),
            "amount": transactions[monetary_value_col] if monetary_value_col else 0.0,
        }
    ).dropna(subset=["customer", "day"])
    return _netted(rows if end is None else rows[_up_to(rows, end, freq)])


def _netted(rows: pd.DataFrame) -> pd.DataFrame:
    """Take refunds off the customer's latest earlier purchases; one of which nothing is left does not count.

    On one day purchases come first. What was never taken off a purchase is the lowest that the running sum falls to
    from it on, above where it stood before, within 0 and the purchase (as in `patron.features.purchases`).
    """
    rows = rows.assign(refund=rows["amount"] < 0)
    keys = ["customer", "day", "period", "refund"]
    events = rows.groupby(keys, as_index=False, observed=True)["amount"].sum()
    refunded = events["customer"].isin(events.loc[events["refund"], "customer"])
    running = events.groupby("customer", observed=True)["amount"].cumsum()
    lowest = running[::-1].groupby(events["customer"][::-1], observed=True).cummin()[::-1]
    gross = events["amount"]
    kept = (lowest - running + gross).clip(0.0, gross.clip(0.0)).where(refunded, gross)
    counts = ~events["refund"] & ((kept > 1e-9 * gross) | (gross == 0))
    counting: pd.DataFrame = events.assign(amount=kept)[counts]
    return counting.drop(columns="refund")


def _up_to(rows: pd.DataFrame, end: pd.Timestamp, freq: str) -> pd.Series:
    """Whether a row lies in the day of `end`, or before, and in its period."""
    return (rows["day"] <= end) & (rows["period"] <= end.to_period(freq))


def _stamps(values: pd.Series, datetime_format: str | None) -> pd.Series:
    """Return naive stamps: the wall clock of those with a zone."""
    stamps = pd.to_datetime(values, format=datetime_format)
    return stamps.dt.tz_localize(None)


def _stamp(value: Any, datetime_format: str | None) -> pd.Timestamp:
    stamp = value.end_time if isinstance(value, pd.Period) else pd.to_datetime(value, format=datetime_format)
    return stamp.tz_localize(None)


def _scale_time(age: Any) -> Any:
    """Return what brings the greatest age to 1."""
    return 1.0 / age.max()


def _check_inputs(frequency: Any, recency: Any = None, T: Any = None, monetary_value: Any = None) -> None:
    """Refuse arrays or Series that contradict each other.

    Raises
    ------
    ValueError
        For a recency above T, below 0, or other than 0 without a repeat purchase; for frequencies that are not whole,
        monetary values not above 0, and for nothing at all.
    """
    if recency is not None:
        if len(frequency) == 0 or len(recency) == 0 or (T is not None and len(T) == 0):
            raise ValueError("There exists a zero length vector in one of frequency, recency or T.")
        if T is not None and np.any(recency > T):
            raise ValueError("Some values in recency vector are larger than T vector.")
        if np.any(recency[frequency == 0] != 0):
            raise ValueError("There exist non-zero recency values when frequency is zero.")
        if np.any(recency < 0):
            raise ValueError("There exist negative recency (ex: last order set before first order)")
    if np.any(frequency % 1 != 0):
        raise ValueError("There exist non-integer values in the frequency vector.")
    if monetary_value is not None and np.any(monetary_value <= 0):
        raise ValueError("There exist non-positive (<= 0) values in the monetary_value vector.")


def _customer_lifetime_value(
    transaction_prediction_model: Any,
    frequency: Any,
    recency: Any,
    T: Any,
    monetary_value: Any,
    time: float = 12,
    discount_rate: float = 0.01,
    freq: str = "D",
) -> pd.Series:
    """Return the value of the purchases of the next `time` months, each discounted from its own moment."""
    if freq not in UNITS_A_MONTH:
        raise ConfigError(f"unknown freq {freq!r}", fix=f"one of {', '.join(UNITS_A_MONTH)}: the unit of T")
    month = UNITS_A_MONTH[freq]
    purchases = transaction_prediction_model.discounted_purchases(
        time * month, np.log1p(discount_rate) / month, frequency, recency, T
    )
    return pd.Series(monetary_value * purchases, getattr(frequency, "index", None), name="clv")
