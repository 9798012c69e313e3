"""The accounts: how good predictions were, by version, day, cohort and band, with intervals that respect overlap.

A customer who was scored on several days stands in several rows, whose outcomes overlap. Every interval is therefore
drawn by customer: a delete-a-group jackknife leaves out all rows of a thirtieth of the customers at a time, so that
whatever a customer's rows have in common is in it. It costs thirty evaluations of a metric, also at a million rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from patron.evaluation import cohorts
from patron.ledger.kept import GROUPS
from patron.metrics import auc, bias, brier, ece_excess, gini

FloatArray = npt.NDArray[np.float64]
PARTS: Final = 30
BLOCK: Final = 5_000_000
"""So many weights are held at a time."""
FEWEST: Final = 30
"""Customers of a group below which nothing is told of it."""
CHURN: Final = ("bias", "ece_excess", "auc", "brier")
VALUE: Final = ("bias", "gini")
COLUMNS: Final = ["task", "version", "by", "group", "treatment", "metric", "value", "low", "high", "customers", "rows"]
_RANGE: Final = {"auc": (0, 1), "brier": (0, 1), "gini": (-1, 1)}
_FUNCTIONS: Final = {"bias": bias, "auc": auc, "brier": brier, "gini": gini}


class Estimate(NamedTuple):
    """A metric, its standard error (NaN where it has none), and its 95 % interval."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """Predictions of one task and version, each with what came.

    Attributes
    ----------
    customer : uint64 array (n,)
        A number a customer; the same customer has the same on every day.
    day : int array (n,)
        The as-of day.
    predicted, actual : float array (n,)
        A churn probability and 0 or 1; or expected revenue and spend.
    weight : float array (n,)
        1, unless treated customers are missing from these: then those left stand for all of their day and risk.
    """

    customer: npt.NDArray[np.uint64]
    day: npt.NDArray[np.int64]
    predicted: FloatArray
    actual: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.customer)


def evidence(rows: pd.DataFrame) -> Prediction:
    """Return rows of the ledger as arrays; the columns are those of `Prediction`."""
    arrays = (rows[name].to_numpy() for name in ("customer", "day", "predicted", "actual", "weight"))
    return Prediction(*arrays)


def estimates(metrics: Iterable[str], sample: Prediction) -> dict[str, Estimate]:
    """Compute metrics, each with its interval.

    Parameters
    ----------
    metrics : iterable of str
        Of bias, ece_excess, auc, brier, gini.
    sample : Prediction

    Notes
    -----
    With theta_g the metric without part g of G, the variance is (G - 1)/G sum_g (theta_g - mean theta)^2 and the
    interval takes Student's t with G - 1 degrees of freedom, for a bias on the scale of its logarithm. `ece_excess` is
    the mean over as-of days, a customer having one row a day, and has no interval: what its noise is,
    `calibration_noise` tells.

    References
    ----------
    .. [1] Kott, P. S. (2001). The delete-a-group jackknife. Journal of Official Statistics 17, 521-526.

    Examples
    --------
    >>> ones = np.ones(400)
    >>> sample = Prediction(np.arange(400, dtype="uint64"), ones.astype(int), ones / 2, np.arange(400) % 2.0, ones)
    >>> [round(number, 2) for number in estimates(["bias"], sample)["bias"]]
    [1.0, 0.05, 0.89, 1.12]
    """
    _, person = np.unique(pd.util.hash_array(sample.customer), return_inverse=True)
    parts = min(PARTS, int(person.max(initial=-1)) + 1)
    found = {}
    for name in metrics:
        if name == "ece_excess":
            found[name] = Estimate(_by_day(ece_excess, sample), np.nan, np.nan, np.nan)
            continue
        value = float(_FUNCTIONS[name](sample.actual, sample.predicted, sample.weight))
        error = _jackknifed(_FUNCTIONS[name], sample, person % parts, parts) if parts > 1 else np.nan
        reach = float(stdtrit(parts - 1, 0.975)) * error if parts > 1 else np.nan
        found[name] = Estimate(value, error, *_interval(name, value, reach))
    return found


def _interval(metric: str, value: float, reach: float) -> tuple[float, float]:
    """Return the ends: of a bias on the scale of its logarithm, of others within what the metric can be."""
    if metric == "bias":
        ratio = float(np.exp(reach / value)) if value > 0 else np.nan
        return value / ratio, value * ratio
    lowest, highest = _RANGE[metric]
    return float(np.clip(value - reach, lowest, highest)), float(np.clip(value + reach, lowest, highest))


def _jackknifed(function: Any, sample: Prediction, part: npt.NDArray[np.intp], parts: int) -> float:
    """Return the standard error of a metric, each part left out in turn."""
    step = max(1, BLOCK // len(sample))
    without = []
    for start in range(0, parts, step):
        left_out = np.arange(start, min(start + step, parts))[:, None]
        without.append(function(sample.actual, sample.predicted, sample.weight * (part != left_out)))
    values = np.concatenate(without)
    return float(np.sqrt((parts - 1) / parts * np.sum((values - values.mean()) ** 2)))


def calibration_noise(sample: Prediction) -> float:
    """Return the standard deviation of ECE on one day if these very probabilities were true.

    Notes
    -----
    The gap of a bin is close to normal with variance v, so its absolute value has the variance v (1 - 2 / pi). Days
    overlap, so their mean may be as uncertain as one of them: the mean over days is returned.
    """

    def of_day(predicted: FloatArray) -> float:
        bins = np.array_split(np.sort(predicted), 10)
        variance = sum(float(np.sum(part * (1 - part))) for part in bins) * (1 - 2 / np.pi)
        return float(np.sqrt(variance) / len(predicted))

    return float(np.mean([of_day(sample.predicted[sample.day == day]) for day in np.unique(sample.day)]))


def _by_day(function: Any, sample: Prediction) -> float:
    """Mean of a metric over days, rows unweighted: given the prediction, who is missing changes no calibration."""
    days = [sample.day == day for day in np.unique(sample.day)]
    return float(np.mean([function(sample.actual[day], sample.predicted[day]) for day in days]))


def weights(predicted: npt.ArrayLike, treated: npt.ArrayLike) -> FloatArray:
    """Let the untreated of a scoring stand, tenth by tenth of the prediction, for all of that tenth.

    Treated are those with high risk or high value: without them the rest would be a narrower crowd, whose AUC is lower
    and whose total is another one, however good the model. A tenth with nobody left untreated is not stood for; the
    treated weigh 1.

    Examples
    --------
    >>> weights([0.5, 0.5, 0.5, 0.5], [True, True, False, False])
    array([1., 1., 2., 2.])
    """
    untreated = ~np.asarray(treated, dtype=bool)
    tenth = np.ceil(pd.Series(predicted).rank(pct=True) * 10)
    share = np.asarray(pd.Series(untreated).groupby(tenth).transform("mean"))
    return np.where(untreated, 1 / np.where(untreated, share, 1), 1.0)


def accounts(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    """Account for predictions of one task, as a long table.

    Parameters
    ----------
    rows : DataFrame
        A row a customer and scoring: customer, day, predicted, actual, weight, version, first (day of the first
        purchase), treatment ('untreated', 'control', 'treated'), and those of segment, value_band, churn_band that
        the score tables have.
    task : {'churn', 'value'}

    Returns
    -------
    DataFrame
        task, version, by ('all', 'as_of', 'cohort', 'segment', 'value_band', 'churn_band'), group, treatment, metric,
        value, low, high, customers, rows. 'untreated' holds the control too; groups of fewer than thirty customers are
        left out.
    """
    names = CHURN if task == "churn" else VALUE
    rows = rows.assign(cohort=cohorts(pd.DatetimeIndex(rows["first"])), all="")
    table = []
    for version, of_version in rows.groupby("version"):
        for by in ("all", "as_of", "cohort", *(name for name in GROUPS if name in rows.columns)):
            for group, some in of_version.groupby(by, observed=True):
                for treatment, chosen in _by_treatment(some, by).items():
                    customers = chosen["customer"].nunique()
                    if customers < FEWEST:
                        continue
                    for name, (value, _, low, high) in estimates(names, evidence(chosen)).items():
                        told = (str(group), treatment, name, value, low, high, customers, len(chosen))
                        table.append((task, version, by, *told))
    return pd.DataFrame(table, columns=COLUMNS)


def _by_treatment(rows: pd.DataFrame, by: str) -> dict[str, pd.DataFrame]:
    kind = rows["treatment"]
    found = {"untreated": rows[kind != "treated"], "treated": rows[kind == "treated"]}
    return {**found, "control": rows[kind == "control"]} if by == "all" else found


def calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """Hold churn probabilities against churn, tenth by tenth of the customers in order of the prediction.

    Parameters
    ----------
    rows : DataFrame
        As in `accounts`; the untreated of one version.

    Returns
    -------
    DataFrame
        A row a tenth: predicted and actual (means), customers, rows.
    """
    by = rows.groupby(np.ceil(np.asarray(rows["predicted"].rank(pct=True)) * 10).astype("int64"))
    return pd.DataFrame(
        {
            "predicted": by["predicted"].mean(),
            "actual": by["actual"].mean(),
            "customers": by["customer"].nunique(),
            "rows": by.size(),
        }
    ).rename_axis("tenth").reset_index()  # fmt: skip
