"""How many customers a test of a campaign needs, so that it finds the expected effect."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()


def for_shares(control: float, contacted: float, *, power: float, significance: float) -> float:
    """Return how many customers each of two equal arms needs to tell two shares apart.

    Parameters
    ----------
    control, contacted : float
        The expected shares of buyers.
    power, significance : float
        Of the two-sided test.

    Returns
    -------
    float
        Infinite if the shares are equal.

    References
    ----------
    Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions, 3rd ed., eq. 4.14.

    Examples
    --------
    >>> for_shares(0.60, 0.70, power=0.8, significance=0.05)
    356
    """
    if control == contacted:
        return math.inf
    middle = (control + contacted) / 2
    chance = _NORMAL.inv_cdf(1 - significance / 2) * math.sqrt(2 * middle * (1 - middle))
    found = _NORMAL.inv_cdf(power) * math.sqrt(control * (1 - control) + contacted * (1 - contacted))
    return math.ceil(((chance + found) / (contacted - control)) ** 2)


def for_means(effect: float, deviation: float, *, power: float, significance: float) -> float:
    """Return how many customers each of two equal arms needs to find a difference of means.

    Parameters
    ----------
    effect, deviation : float
        The expected difference, and the standard deviation among customers of one arm.
    power, significance : float
        Of the two-sided test.

    Returns
    -------
    float
        Infinite if no effect is expected.

    Notes
    -----
    n = 2 (z_{1 - significance/2} + z_power)^2 deviation^2 / effect^2.

    Examples
    --------
    >>> for_means(effect=2.0, deviation=20.0, power=0.8, significance=0.05)
    1570
    """
    if effect == 0:
        return math.inf
    z = _NORMAL.inv_cdf(1 - significance / 2) + _NORMAL.inv_cdf(power)
    return math.ceil(2 * (z * deviation / effect) ** 2)


def equal_arms(contacted: int, control: int) -> float:
    """Return the size of two equal arms that tell as much as these two: their harmonic mean.

    Examples
    --------
    >>> equal_arms(900, 100)
    180.0
    """
    return 2 / (1 / contacted + 1 / control) if contacted and control else 0.0
