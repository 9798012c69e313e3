"""The verdict: keep, recalibrate, retrain or wait, with the reason; arrays in, words out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from patron.ledger.accounts import CHURN, Estimate, Prediction, calibration_noise, estimates
from patron.metrics.arrays import Z95

Word = Literal["keep", "recalibrate", "retrain", "wait"]
FEWEST: Final = 100
"""Customers below which nothing is judged."""
FEWEST_EACH: Final = 20
"""Rows of customers who churned, and of those who stayed, below which churn is not judged."""
_ONE_SIDED: Final = 1.6448536269514722


@dataclass(frozen=True)
class Tolerance:
    """How far off a model may be before anything is done; see the configuration's section `ledger`."""

    bias: float = 0.10
    calibration: float = 0.03
    auc: float = 0.03


@dataclass(frozen=True)
class Backtested:
    """The AUC that the backtest promised.

    Attributes
    ----------
    auc : float
        Mean over the test days.
    error : float
        Its standard error for a day yet to come: sampling, and how the test days differ.
    """

    auc: float
    error: float


@dataclass(frozen=True)
class Judgement:
    """What is to be done with a model, and why.

    Attributes
    ----------
    verdict : {'keep', 'recalibrate', 'retrain', 'wait'}
    reason : str
        In words.
    """

    verdict: Word
    reason: str


def backtested(leaderboard: pd.DataFrame, champion: str) -> Backtested | None:
    """Read the champion's AUC off a leaderboard; None if it is not there.

    Parameters
    ----------
    leaderboard : DataFrame
        ``Backtest.table``: task, recipe, as_of, population, metric, value, low, high.
    champion : str
        The recipe of churn.
    """
    wanted = {"task": "churn", "recipe": champion, "population": "all", "metric": "auc"}
    rows = leaderboard[(leaderboard[list(wanted)] == pd.Series(wanted)).all(axis=1)].dropna(subset=["value"])
    if rows.empty:
        return None
    sampling = np.nan_to_num((rows["high"] - rows["low"]) / (2 * Z95))
    between = rows["value"].var() if len(rows) > 1 else 0.0
    return Backtested(float(rows["value"].mean()), float(np.sqrt(np.mean(sampling**2) + between)))


def enough(churn: Prediction) -> bool:
    """Whether so many predictions of churn have matured that they can be judged.

    Examples
    --------
    >>> enough(Prediction(*(np.arange(99) for _ in range(5))))
    False
    """
    churned = int(churn.actual.sum())
    return len(np.unique(churn.customer)) >= FEWEST and min(churned, len(churn) - churned) >= FEWEST_EACH


def judge(
    churn: Prediction,
    value: Prediction | None = None,
    promised: Backtested | None = None,
    tolerance: Tolerance = Tolerance(),
    drifted: str = "",
) -> Judgement:
    """Judge a model by its predictions of untreated customers that matured.

    Retrain: the AUC lies below the backtest's by more than the tolerance and beyond noise, or the scores drifted.
    Recalibrate: the AUC holds, but the share that churned, the calibration or the money spent is off by more than the
    tolerance and beyond noise. Otherwise keep. Noise is a 95 % interval by customer.

    Parameters
    ----------
    churn : Prediction
        `enough` of it.
    value : Prediction, optional
        Revenue, if its horizon has passed.
    promised : Backtested, optional
        The backtest's AUC.
    tolerance : Tolerance
    drifted : str
        What of the scores drifted, in words; '' if nothing that matters did.

    Returns
    -------
    Judgement

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p, ones = rng.uniform(size=1000), np.ones(1000)
    >>> came = (rng.uniform(size=1000) < p / 2).astype(float)
    >>> told = judge(Prediction(np.arange(1000), ones, p, came, ones), promised=Backtested(0.74, 0.02))
    >>> told.verdict, told.reason.partition(":")[0]
    ('recalibrate', 'off beyond noise')
    """
    found = estimates(CHURN, churn)
    fallen = _fallen(found["auc"], promised, tolerance.auc)
    if fallen:
        return Judgement("retrain", fallen)
    if drifted:
        return Judgement("retrain", drifted)
    off = [_biased("churn", found["bias"], tolerance.bias), _uncalibrated(churn, found["ece_excess"], tolerance)]
    if value is not None and len(np.unique(value.customer)) >= FEWEST:
        off.append(_biased("revenue", estimates(["bias"], value)["bias"], tolerance.bias))
    if any(off):
        return Judgement("recalibrate", f"off beyond noise: {'; '.join(filter(None, off))}; {_holds(found, promised)}")
    return Judgement("keep", f"{_told('churn', found['bias'])}; {_holds(found, promised)}")


def _fallen(auc: Estimate, promised: Backtested | None, tolerance: float) -> str:
    if promised is None or np.isnan(auc.error):
        return ""
    lost = promised.auc - auc.value
    if lost <= max(tolerance, Z95 * float(np.hypot(auc.error, promised.error))):
        return ""
    return (
        f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}), {lost:.3f} below the backtest's {promised.auc:.3f}: "
        "customers are no longer put in the right order"
    )


def _biased(what: str, bias: Estimate, tolerance: float) -> str:
    beyond = bias.low > 1 or bias.high < 1
    return _told(what, bias) if beyond and abs(bias.value - 1) > tolerance else ""


def _uncalibrated(churn: Prediction, excess: Estimate, tolerance: Tolerance) -> str:
    if excess.value <= max(tolerance.calibration, _ONE_SIDED * calibration_noise(churn)):
        return ""
    return f"churn probabilities are {excess.value:.3f} off on average, beyond what chance explains"


def _told(what: str, bias: Estimate) -> str:
    """Say the bias in words."""
    return f"{what} predicted / happened {bias.value:.3f} ({bias.low:.3f} to {bias.high:.3f})"


def _holds(found: dict[str, Estimate], promised: Backtested | None) -> str:
    """Say how the AUC stands to the backtest's."""
    auc = found["auc"]
    against = "no backtest to compare it with" if promised is None else f"{promised.auc:.3f} in the backtest"
    return f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}), {against}"
