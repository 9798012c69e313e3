"""Metrics: pure functions of arrays, `f(actual, predicted, weights=None)`; they know no frame, model or task run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from patron.metrics.churn import auc, brier, ece, ece_excess, lift_10, log_loss, pr_auc
from patron.metrics.distribution import coverage, pinball, randomised_pit
from patron.metrics.profit import Campaign, MaximumProfit, empb, profit_curve
from patron.metrics.value import bias, decile_wape, gini, mae, rmse, rmse_no_top, spearman


@dataclass(frozen=True)
class Metric:
    """A metric as tables and rules see it.

    Attributes
    ----------
    function : callable
        f(actual, predicted, weights=None).
    better : {'low', 'high', 'one'}
        Which values are good; 'one' is nearness to 1.
    label : str
        What people read.
    interval : bool
        Whether the bootstrap gives it an interval. Not for a sum of absolute gaps (`ece`, `ece_excess`,
        `decile_wape`): resampling adds its own noise to each gap, so every replicate lies above the value.
    """

    function: Callable[..., Any]
    better: Literal["low", "high", "one"]
    label: str
    interval: bool = True

    def loss(self, value: Any) -> Any:
        """Turn a value into what is lower when better.

        Examples
        --------
        >>> CHURN_METRICS["auc"].loss(0.75)
        -0.75
        >>> VALUE_METRICS["bias"].loss(0.75)
        0.25
        """
        return {"low": value, "high": -value, "one": abs(value - 1)}[self.better]


CHURN_METRICS: Final[dict[str, Metric]] = {
    "auc": Metric(auc, "high", "AUC"),
    "pr_auc": Metric(pr_auc, "high", "average precision"),
    "brier": Metric(brier, "low", "Brier score"),
    "log_loss": Metric(log_loss, "low", "log loss"),
    "ece": Metric(ece, "low", "calibration error (ECE)", interval=False),
    "ece_excess": Metric(ece_excess, "low", "ECE above a calibrated model's", interval=False),
    "lift_10": Metric(lift_10, "high", "lift in the top tenth"),
}
VALUE_METRICS: Final[dict[str, Metric]] = {
    "bias": Metric(bias, "one", "predicted / actual total"),
    "mae": Metric(mae, "low", "mean absolute error"),
    "rmse": Metric(rmse, "low", "RMSE"),
    "rmse_no_top": Metric(rmse_no_top, "low", "RMSE without the top .1 %"),
    "spearman": Metric(spearman, "high", "rank correlation"),
    "gini": Metric(gini, "high", "normalised Gini"),
    "decile_wape": Metric(decile_wape, "low", "error of decile totals", interval=False),
}
METRICS: Final[dict[str, dict[str, Metric]]] = {"churn": CHURN_METRICS, "value": VALUE_METRICS}

__all__ = [
    "CHURN_METRICS",
    "METRICS",
    "VALUE_METRICS",
    "Campaign",
    "MaximumProfit",
    "Metric",
    "auc",
    "bias",
    "brier",
    "coverage",
    "decile_wape",
    "ece",
    "ece_excess",
    "empb",
    "gini",
    "lift_10",
    "log_loss",
    "mae",
    "pinball",
    "pr_auc",
    "profit_curve",
    "randomised_pit",
    "rmse",
    "rmse_no_top",
    "spearman",
]
