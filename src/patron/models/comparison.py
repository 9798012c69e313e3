"""Which of two models describes the same customers better: likelihood ratio where nested, Vuong otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import gammaincc, ndtr

from patron._core.errors import DataError, UndefinedError
from patron.models.family.base import Model
from patron.models.family.inputs import read_weights
from patron.models.family.transaction import TransactionModel

_WITHOUT_DROPOUT: Final = "nbd"
_WITH_DROPOUT: Final = ("bg_nbd", "mbg_nbd", "pareto_nbd")


@dataclass(frozen=True)
class Comparison:
    """Outcome of a test of two models.

    Attributes
    ----------
    statistic : float
        The test's.
    p_value : float
        How likely one as large is where the simpler model is true, or the two are as good.
    degrees_of_freedom : int or None
        Of a chi-square.
    says : str
        The outcome in words.
    """

    statistic: float
    p_value: float
    degrees_of_freedom: int | None
    says: str


def likelihood_ratio_test(nested: Model, full: Model) -> Comparison:
    """Test whether the parameters that a model has more than one nested in it are needed.

    Parameters
    ----------
    nested, full : Model
        Fitted on the same customers: NBD in a model with dropout, or the same model with fewer covariates.

    Returns
    -------
    Comparison
        The statistic is twice the difference of log-likelihoods; small p-values speak for `full`.

    Raises
    ------
    UndefinedError
        When neither is nested in the other, a prior held one, or one was not fitted: the statistic would not be
        chi-square.
    DataError
        When they saw different numbers of customers.

    Notes
    -----
    NBD lies on the boundary of a model with dropout, where nobody leaves and one of its two parameters is not
    identified. The p-value is that of an even mixture of chi-squares with one and two degrees of freedom (after Self
    and Liang 1987), which is on the safe side; that with none and one, of a single parameter, rejects too often.

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> test = likelihood_ratio_test(patron.NBD().fit(summary), patron.BetaGeoNBD().fit(summary))
    >>> round(test.statistic, 1), test.p_value < 1e-30
    (362.5, True)
    """
    for model in (nested, full):
        if model.penalised or np.isnan(model.log_likelihood_):
            raise UndefinedError(
                f"{type(model).__name__} is no maximum-likelihood fit, so its likelihood ratio means nothing",
                fix="fit both without prior and l2",
            )
    _same_customers(nested, full)
    statistic = max(2 * (full.log_likelihood_ - nested.log_likelihood_), 0.0)
    if nested.name == _WITHOUT_DROPOUT and full.name in _WITH_DROPOUT and len(full.params_) == 4:
        mixed = 0.5 * float(gammaincc(0.5, statistic / 2) + gammaincc(1.0, statistic / 2))
        return _told(statistic, mixed, 2, "dropout is needed")
    extra = set(full.params_.index) - set(nested.params_.index)
    if nested.name != full.name or not extra or set(nested.params_.index) - set(full.params_.index):
        raise UndefinedError(
            f"{type(nested).__name__} is not nested in {type(full).__name__}", fix="compare them with vuong_test"
        )
    p_value = float(gammaincc(len(extra) / 2, statistic / 2))
    return _told(statistic, p_value, len(extra), f"{', '.join(sorted(extra))} is needed")


def vuong_test(
    first: TransactionModel, second: TransactionModel, frame: pd.DataFrame, weights: Any = None
) -> Comparison:
    """Test which of two models that are not nested is closer to how customers behave.

    Parameters
    ----------
    first, second : TransactionModel
        Fitted on the customers of `frame`.
    frame : DataFrame
        frequency, recency and T of these.
    weights : array or str, optional
        How many customers each row stands for; by default the column `weight`, if there is one.

    Returns
    -------
    Comparison
        The statistic is standard normal where both are as close; above 0 it speaks for `first`. Two-sided; a model
        with more parameters pays for each as in Akaike's criterion.

    References
    ----------
    Q. H. Vuong, Likelihood Ratio Tests for Model Selection and Non-Nested Hypotheses, Econometrica 57(2), 1989.

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> models = patron.ModifiedBetaGeoNBD().fit(summary), patron.ParetoNBD().fit(summary)
    >>> vuong_test(*models, summary).says
    'neither is closer (p = 0.059)'
    """
    weight = read_weights(frame, weights)
    weight = np.ones(len(frame)) if weight is None else weight
    gap = (first.log_likelihoods(frame) - second.log_likelihoods(frame)).to_numpy()
    customers = weight.sum()
    mean = weight @ gap / customers
    spread = np.sqrt(weight @ (gap - mean) ** 2 / customers)
    if not spread > 0:
        raise UndefinedError("the two models say the same of every customer", fix="compare models that differ")
    ahead = customers * mean - (len(first.params_) - len(second.params_))
    statistic = float(ahead / (np.sqrt(customers) * spread))
    p_value = 2 * float(ndtr(-abs(statistic)))
    closer = type(first if statistic > 0 else second).__name__
    says = f"{closer} is closer" if p_value < 0.05 else "neither is closer"
    return Comparison(statistic, p_value, None, f"{says} (p = {p_value:.2g})")


def cohort_test(model: TransactionModel, frame: pd.DataFrame, groups: str, weights: Any = None) -> Comparison:
    """Test whether cohorts behave alike, before they are pooled.

    Parameters
    ----------
    model : TransactionModel
        Of which kind; fitted anew, on all customers and on each cohort.
    frame : DataFrame
        frequency, recency and T, and the column of cohorts.
    groups : str
        That column.
    weights : array or str, optional
        How many customers each row stands for.

    Returns
    -------
    Comparison
        The statistic is twice what fits by cohort gain in log-likelihood; a small p-value says that cohorts differ, by
        more than chance: with many customers look at the parameters by cohort too, whether they differ by much.

    Raises
    ------
    UndefinedError
        When a cohort cannot be fitted by itself.

    Examples
    --------
    >>> import patron
    >>> summary = patron.rfm_summary(patron.datasets.load_cdnow_sample(), "1997-09-30", unit="week")
    >>> summary["month"] = summary["T"].gt(34.7).map({True: "January", False: "later"})
    >>> cohort_test(patron.BetaGeoNBD(), summary, "month").degrees_of_freedom
    4
    """
    own = type(model)(**model.get_params())
    if own.penalised:
        raise UndefinedError("fits that a prior holds have no likelihood-ratio test", fix="take a model without prior")
    own.fit(frame, weights, groups=groups)
    assert own.groups_ is not None
    missing = [group for group in frame[groups].unique() if group not in own.groups_]
    if missing:
        raise UndefinedError(
            f"{len(missing)} cohorts cannot be fitted by themselves: {', '.join(map(str, missing[:5]))}",
            fix="merge small cohorts",
        )
    by_cohort = sum(part.log_likelihood_ for part in own.groups_.values())
    statistic = max(2 * (by_cohort - own.log_likelihood_), 0.0)
    freedom = (len(own.groups_) - 1) * len(own.params_)
    if not freedom:
        raise UndefinedError("there is one cohort only", fix="name a column with several")
    return _told(statistic, float(gammaincc(freedom / 2, statistic / 2)), freedom, "cohorts differ")


def _told(statistic: float, p_value: float, freedom: int, finding: str) -> Comparison:
    says = finding if p_value < 0.05 else f"no evidence that {finding}"
    return Comparison(statistic, p_value, freedom, f"{says} (p = {p_value:.2g})")


def _same_customers(first: Model, second: Model) -> None:
    if first.customers_ != second.customers_:
        raise DataError(
            "the two models were fitted on different customers",
            example=f"{first.customers_:,.0f} and {second.customers_:,.0f}",
            fix="fit both on the same frame",
        )
