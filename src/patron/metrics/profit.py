"""Profit of a retention campaign that contacts customers in order of predicted churn, each with a value of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betaincc

from patron._core.errors import ConfigError, DataError
from patron.metrics.arrays import FloatArray, Groups, checked, checked_labels, each, ratio


@dataclass(frozen=True)
class Campaign:
    """What contacting a customer costs, and how likely an offer keeps one who would leave.

    Parameters
    ----------
    alpha, beta : float
        The share of leavers whom the offer keeps is Beta(alpha, beta): not known, 30 % expected.
    incentive : float
        The offer's cost as a share of the customer's value; who would have stayed takes it too.
    contact : float
        Cost of a contact, in the currency of the values.

    Raises
    ------
    ConfigError
        alpha or beta not above 0, an incentive outside 0 to 1, a negative cost.

    Examples
    --------
    >>> Campaign(contact=15).accepted
    0.3
    """

    alpha: float = 6.0
    beta: float = 14.0
    incentive: float = 0.05
    contact: float = 1.0

    def __post_init__(self) -> None:
        if not (self.alpha > 0 and self.beta > 0 and 0 <= self.incentive < 1 and self.contact >= 0):
            raise ConfigError(
                f"no campaign: {self}", fix="alpha and beta above 0, an incentive from 0 to 1, a contact of 0 or more"
            )

    @property
    def accepted(self) -> float:
        """The expected share of leavers whom the offer keeps."""
        return self.alpha / (self.alpha + self.beta)


class MaximumProfit(NamedTuple):
    """The best that a ranking earns."""

    profit: Any
    """Expected maximum profit a customer of the whole base, in the currency of the values; 0 if nobody is worth it."""
    fraction: Any
    """The expected share of the base that is contacted for it."""


def empb(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    value: npt.ArrayLike,
    campaign: Campaign | None = None,
    weights: npt.ArrayLike | None = None,
) -> MaximumProfit:
    """Return the expected maximum profit of a churn ranking, customers having values of their own.

    Parameters
    ----------
    actual : array of shape (n,)
        1 who left, 0 who stayed.
    predicted : array of shape (n,)
        Any score that rises with the risk; equal scores are contacted in equal parts.
    value : array of shape (n,)
        What each customer is worth if kept, 0 or more, as known when the campaign began.
    campaign : Campaign, optional
        Costs, and the Beta distribution of the share of leavers who accept.
    weights : array of shape (n,) or (replicates, n), optional
        Counts.

    Returns
    -------
    MaximumProfit
        profit, a customer, and fraction, floats; arrays over replicates; NaN of no customers.

    Raises
    ------
    DataError
        Unequal lengths, a label other than 0 and 1, a value that is negative or not finite.

    Notes
    -----
    With the share gamma of leavers who accept, contacting the fraction eta at the highest risk earns, a customer,

        P(eta, gamma) = 1/n sum over the contacted of y_i gamma (1 - d) v_i - (1 - y_i) d v_i - f

    for values v_i, incentive d and contact cost f. The measure is the integral over gamma of max over eta of
    P(eta, gamma) times the Beta density. P is a line in gamma for every eta, so the maximum is their upper envelope:
    its corners are the slopes of the convex hull of cumulative cost over cumulative benefit, and between them the
    integral is an incomplete beta function; nothing is discretised. To choose eta before gamma is known earns less: the
    top of `profit_curve`.

    References
    ----------
    Verbeke et al. 2012, New insights into churn prediction in the telecommunication sector (the profit of a contact);
    Verbraken, Verbeke & Baesens 2013, A novel profit maximizing metric (the expectation of the maximum, gamma Beta);
    Oskarsdottir, Baesens & Vanthienen 2018, Profit-based model selection for customer retention using individual
    customer lifetime values; Janssens, Bogaert, Bague & Van den Poel 2024, B2Boost (EMPB: individual values, the
    incentive a share of them).

    Examples
    --------
    >>> profit, fraction = empb([1, 0, 0, 0], [0.9, 0.5, 0.2, 0.1], [200, 100, 100, 100])
    >>> round(profit, 3), round(fraction, 3)
    (14.0, 0.25)
    >>> empb([1, 0, 0, 0], [0.9, 0.5, 0.2, 0.1], [1, 100, 100, 100])
    MaximumProfit(profit=0.0, fraction=0.0)
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  # who imports metrics does not wait for it

    campaign = campaign or Campaign()
    groups, benefit, cost, w = _contacted(actual, predicted, value, campaign, weights)

    def one(w: FloatArray) -> tuple[float, float]:
        gains, costs, size = (groups.sums(w * column) for column in (benefit, cost, np.ones(len(w))))
        ends = np.flatnonzero(gains > 0)  # to stop after a leaver is the only stop that can be best
        if len(ends) == 0:
            return ratio(0.0, w.sum()), ratio(0.0, w.sum())
        gains = gains[ends]
        costs, size = (np.diff(np.cumsum(column)[ends], prepend=0.0) for column in (costs, size))
        corner = np.minimum(isotonic_regression(costs / gains, weights=gains).x, 1.0)
        contacted = betaincc(campaign.alpha, campaign.beta, corner)
        accepted = campaign.accepted * betaincc(campaign.alpha + 1, campaign.beta, corner)
        return (
            float((gains * accepted - costs * contacted).sum() / w.sum()),
            float((size * contacted).sum() / w.sum()),
        )

    found = each(one, w)
    return MaximumProfit(*(found if isinstance(found, tuple) else found.T))


def profit_curve(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    value: npt.ArrayLike,
    fractions: npt.ArrayLike,
    campaign: Campaign | None = None,
) -> FloatArray:
    """Return the expected profit a customer of contacting each fraction of the base, the highest risk first.

    Parameters
    ----------
    actual, predicted, value, campaign
        As in `empb`.
    fractions : array of shape (m,)
        Of the base, 0 to 1.

    Returns
    -------
    float array (m,)
        P(eta, E[gamma]) of `empb`.

    Examples
    --------
    >>> profit_curve([1, 0], [0.9, 0.5], [200, 100], [0, 0.5, 1])
    array([ 0., 28., 25.])
    """
    campaign = campaign or Campaign()
    groups, benefit, cost, w = _contacted(actual, predicted, value, campaign, None)
    points = np.asarray(fractions, dtype=float) * len(w)
    earned: FloatArray = groups.up_to(points, campaign.accepted * benefit - cost, w) / len(w)
    return earned


def _contacted(
    actual: npt.ArrayLike,
    predicted: npt.ArrayLike,
    value: npt.ArrayLike,
    campaign: Campaign,
    weights: npt.ArrayLike | None,
) -> tuple[Groups, FloatArray, FloatArray, FloatArray]:
    """Return customers in falling order of risk; each one's benefit if all leavers accept, cost, and weight."""
    y, p, w = checked_labels(actual, predicted, weights, probability=False)
    _, v, _ = checked(actual, value, None)
    if (v < 0).any():
        raise DataError("a value is 0 or more", column="value", count=int((v < 0).sum()), example=float(v.min()))
    return Groups.by(-p), y * (1 - campaign.incentive) * v, campaign.contact + (1 - y) * campaign.incentive * v, w
