"""Where a recipe errs: its predictions against what came, by cohort, by tenth of predicted value, by as-of day."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import unit_days
from patron.metrics.arrays import Z95

MOST_COHORTS: Final = 12


def errors(predictions: pd.DataFrame, group: npt.ArrayLike) -> pd.DataFrame:
    """Hold predictions against what came, by as-of day and group.

    Parameters
    ----------
    predictions : DataFrame
        Of one recipe: as_of, prediction, actual; one row a customer and as-of day.
    group : array (n,)
        The group of each row; a row whose group is missing is left out.

    Returns
    -------
    DataFrame
        One row an as-of day and group, sorted by both: as_of, group, n, predicted and actual (means), bias (predicted
        over actual total) with its 95 % interval low, high, mae, rmse. Of churn, rmse squared is the Brier score.
        Where nothing came, bias is missing; the interval of a single customer is.

    Notes
    -----
    The interval is that of a ratio of two means over independent customers, linearised (Cochran 1977, chapter 6): what
    is predicted is taken as given, what came as one draw.

    Examples
    --------
    >>> past = pd.DataFrame({"as_of": "1998-03-31", "prediction": [2.0, 2.0, 5.0], "actual": [0.0, 8.0, 0.0]})
    >>> errors(past, ["old", "old", "new"])[["group", "n", "predicted", "actual", "bias", "mae"]]
      group  n  predicted  actual  bias  mae
    0   new  1        5.0     0.0   NaN  5.0
    1   old  2        2.0     4.0   0.5  4.0
    """
    foretold, came = (predictions[name].to_numpy(dtype=float) for name in ("prediction", "actual"))
    rows = pd.DataFrame(
        {
            "as_of": predictions["as_of"].to_numpy(),
            "group": group,
            "n": 1,
            "predicted": foretold,
            "actual": came,
            "off": abs(foretold - came),
            "square": (foretold - came) ** 2,
            "both": foretold * came,
            "foretold": foretold**2,
            "came": came**2,
        }
    )
    total = rows.groupby(["as_of", "group"], observed=True).sum()
    n, happened = total["n"], total["actual"].where(total["actual"] > 0)
    bias = total["predicted"] / happened
    left = (total["foretold"] - 2 * bias * total["both"] + bias**2 * total["came"]).clip(lower=0)
    reach = Z95 * np.sqrt(left * n / (n - 1).where(n > 1)) / happened
    return pd.DataFrame(
        {
            "n": n,
            "predicted": total["predicted"] / n,
            "actual": total["actual"] / n,
            "bias": bias,
            "low": (bias - reach).clip(lower=0),
            "high": bias + reach,
            "mae": total["off"] / n,
            "rmse": np.sqrt(total["square"] / n),
        }
    ).reset_index()


def tenths(values: pd.Series, as_of: npt.ArrayLike) -> pd.Series:
    """Part the customers of each as-of day in tenths, 1 for the lowest values; equal values share one.

    Examples
    --------
    >>> tenths(pd.Series([3.0, 1.0, 2.0, 2.0]), ["1998-03-31"] * 4).tolist()
    [9, 2, 5, 5]
    """
    by_day = values.groupby(np.asarray(as_of))
    return (10 * (by_day.rank() - 0.5) / by_day.transform("size")).map(np.ceil).astype("int64")


def first_purchases(rows: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the day of each row's first purchase, read off T; of merged purchases the day their period begins.

    Parameters
    ----------
    rows : DataFrame
        Of `features` or `snapshots`: T, the index level as_of, and the attrs unit and grain.

    Examples
    --------
    >>> import patron
    >>> rows = patron.features(patron.datasets.load_cdnow_sample(), "1998-03-31", unit="week", which=["T"])
    >>> str(first_purchases(rows).min().date())
    '1997-01-01'
    """
    day = pd.DatetimeIndex(rows.index.get_level_values("as_of"))
    grain, age = rows.attrs["grain"], rows["T"].to_numpy(dtype=float)
    if grain == "month":
        months = day.to_numpy().astype("datetime64[M]") - age.round().astype("timedelta64[M]")
        return pd.DatetimeIndex(months)
    if grain == "week":
        day = day - pd.to_timedelta(day.day_of_week, unit="D")
    return day - pd.to_timedelta((age * unit_days(rows.attrs["unit"])).round(), unit="D")


def cohorts(first: pd.DatetimeIndex) -> pd.Index:
    """Name each first purchase by its month; where that makes more than a dozen, by its quarter, else by its year.

    Examples
    --------
    >>> list(cohorts(pd.DatetimeIndex(["1997-01-05", "1997-03-31"])))
    ['1997-01', '1997-03']
    >>> list(cohorts(pd.date_range("1997-01-31", periods=14, freq="ME")))[::13]
    ['1997Q1', '1998Q1']
    """
    for frequency in ("M", "Q", "Y"):
        periods = first.to_period(frequency)
        if periods.nunique() <= MOST_COHORTS:
            break
    return periods.astype(str)
