"""What a campaign brought: contacted against control, plain and with the noise that was known before taken off."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from patron._core.errors import DataError

FloatArray = npt.NDArray[np.float64]
CONFIDENCE: Final = 0.95


class Effect(NamedTuple):
    """A difference of means, contacted minus control, with its 95 % interval."""

    difference: float
    low: float
    high: float
    contacted: float
    """The mean of those contacted."""
    control: float
    """The mean of the control group."""


def difference(outcome: npt.ArrayLike, contacted: npt.ArrayLike) -> Effect:
    """Compare two arms by their means.

    Parameters
    ----------
    outcome : array of shape (n,)
        Of each customer, like spend or having bought (0 or 1).
    contacted : bool array of shape (n,)
        Who was contacted; the others are the control group.

    Returns
    -------
    Effect
        The interval is Welch's: the arms have variances of their own.

    Raises
    ------
    DataError
        An arm of fewer than two customers.

    References
    ----------
    Welch, B. L. (1947). The generalization of 'Student's' problem when several different population variances are
    involved. Biometrika 34(1-2).

    Examples
    --------
    >>> found = difference([12.0, 14, 16, 9, 10, 11], [True, True, True, False, False, False])
    >>> found.difference, round(found.low, 2), round(found.high, 2)
    (4.0, -0.16, 8.16)
    """
    return _compared(np.asarray(outcome, dtype="float64"), np.asarray(contacted, dtype=bool), 0)


def adjusted(outcome: npt.ArrayLike, contacted: npt.ArrayLike, before: npt.ArrayLike) -> Effect:
    """Compare two arms by what is left of the outcome after what was known before the campaign (CUPED).

    Parameters
    ----------
    outcome, contacted
        As in `difference`.
    before : array of shape (n, k)
        Covariates, all from before the first contact, so that no contact moves them.

    Returns
    -------
    Effect
        As unbiased as `difference`, up to the order 1 / n, and narrower as far as the covariates tell the outcome.

    Raises
    ------
    DataError
        An arm of fewer than 2 customers more than there are covariates that tell something.

    Notes
    -----
    Y' = Y - theta'(X - mean X), with theta the least squares of Y on X within the arms, one for both; then Welch's
    interval of Y', its variance taken with as many degrees of freedom less as theta has. The difference of the means
    of Y' differs from that of Y by theta times the chance difference of X between the arms.

    References
    ----------
    Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013). Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data. WSDM '13, equations 3 to 6.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> usual, arm = random.gamma(2, 50, 400), np.arange(400) < 200
    >>> spend = usual + 10 * arm + random.normal(0, 5, 400)
    >>> plain, less = difference(spend, arm), adjusted(spend, arm, usual[:, None])
    >>> less.low < 10 < less.high, (plain.high - plain.low) / (less.high - less.low) > 5
    (True, True)
    """
    y, arm, x = np.asarray(outcome, dtype="float64"), np.asarray(contacted, dtype=bool), np.asarray(before, "float64")
    scale = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    within = x.copy()
    for one in (arm, ~arm):
        if one.any():
            within[one] -= x[one].mean(axis=0)
    theta, _, told, _ = np.linalg.lstsq(within, y, rcond=None)
    return _compared(y - x @ theta, arm, int(told))


def _compared(y: FloatArray, arm: npt.NDArray[np.bool_], estimated: int) -> Effect:
    """Welch's interval of the difference; `estimated` coefficients were taken from the same customers."""
    least = estimated + 2
    for one, what in ((arm, "contacted"), (~arm, "in the control group")):
        if one.sum() < least:
            raise DataError(
                f"{int(one.sum())} customers {what}, which tells nothing",
                fix=f"at least {least}, and hundreds for an interval of use: contact more, or raise plan.control",
            )
    n = np.array([arm.sum(), (~arm).sum()], dtype="float64")
    means = np.array([y[arm].mean(), y[~arm].mean()])
    squares = np.array([((y[arm] - means[0]) ** 2).sum(), ((y[~arm] - means[1]) ** 2).sum()])
    free = n - 1 - estimated
    errors = squares / free / n
    gap = float(means[0] - means[1])
    if errors.sum() == 0:
        return Effect(gap, gap, gap, *means.tolist())
    degrees = errors.sum() ** 2 / (errors**2 / free).sum()
    reach = float(stdtrit(degrees, (1 + CONFIDENCE) / 2) * np.sqrt(errors.sum()))
    return Effect(gap, gap - reach, gap + reach, *means.tolist())
