"""What a contact is expected to bring and cost, customer by customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LeftAlone:
    """What churners spent after their churn label, when nobody did anything about it.

    Attributes
    ----------
    spend : float
        Mean net spend a churner from the end of the churn horizon to that of the value horizon, in major units.
    days : int
        How many days lie between the two.
    churners : int
        How many there were, over all days.
    as_of : tuple of str
        The days, ISO.
    """

    spend: float
    days: int
    churners: int
    as_of: tuple[str, ...]

    def over(self, days: int, margin: float) -> float:
        """W0: the spend at the margin, over as many days as asked for, at the same pace.

        Examples
        --------
        >>> LeftAlone(spend=12.0, days=274, churners=1_955, as_of=("1997-06-30",)).over(137, margin=0.5)
        3.0
        """
        return self.spend * margin * (max(days, 0) / self.days if days != self.days else 1.0)


@dataclass(frozen=True)
class Terms:
    """What a campaign costs and how well it works; `plan` of the configuration says each.

    Attributes
    ----------
    save_rate, take_up : float
        g, the share of would-be churners whom a contact keeps; y, of those who stay anyway, who takes the incentive.
    incentive, contact_cost : float
        Money, for one who takes the offer and for one contact.
    left_alone : float
        W0, what a churner left alone is still worth over the value horizon, in money.
    """

    save_rate: float = 0.10
    take_up: float = 1.0
    incentive: float = 0.0
    contact_cost: float = 0.0
    left_alone: float = 0.0

    def profit(self, churn_probability: npt.ArrayLike, value_if_retained: npt.ArrayLike) -> FloatArray:
        """Return the expected profit of contacting each customer.

        Parameters
        ----------
        churn_probability, value_if_retained : array of shape (n,)
            r and W1.

        Returns
        -------
        float array (n,)
            Money.

        Notes
        -----
        r g (W1 - W0 - incentive) - (1 - r) y incentive - cost: of those who would leave, g stay and bring W1 instead
        of W0, less the incentive; of those who stay anyway, y take the incentive for nothing; a contact costs what it
        costs.

        References
        ----------
        Neslin, S. A., Gupta, S., Kamakura, W., Lu, J. and Mason, C. H. (2006). Defection detection. Journal of
        Marketing Research 43(2), equation 1 (there W0 = 0, y = 1); Verbeke, W. et al. (2012). New insights into churn
        prediction in the telecommunication sector. European Journal of Operational Research 218(1).

        Examples
        --------
        >>> Terms(save_rate=0.2, incentive=10, contact_cost=1, left_alone=20).profit([0.5, 0.1], [230, 230])
        array([14., -6.])
        """
        r, kept = np.asarray(churn_probability, dtype="float64"), np.asarray(value_if_retained, dtype="float64")
        return r * self.save_rate * (kept - self.left_alone) - self.cost(r)

    def cost(self, churn_probability: npt.ArrayLike) -> FloatArray:
        """Return what contacting each customer is expected to cost: the contact, and the incentive if it is taken.

        Examples
        --------
        >>> Terms(save_rate=0.2, incentive=10, contact_cost=1).cost([0.5, 0.1])
        array([ 7. , 10.2])
        """
        r = np.asarray(churn_probability, dtype="float64")
        taken = r * self.save_rate + (1 - r) * self.take_up
        return np.asarray(self.contact_cost + taken * self.incentive, dtype="float64")


def value_if_retained(
    expected_purchases: npt.ArrayLike, probability_alive: npt.ArrayLike, spend: npt.ArrayLike, margin: float
) -> FloatArray:
    """W1: what each customer is worth over the value horizon if kept.

    Parameters
    ----------
    expected_purchases : array of shape (n,)
        Over the value horizon, as the transaction model says; P(alive) is in it.
    probability_alive : array of shape (n,)
        Of the same model. Where it is 0, the value is 0.
    spend : array of shape (n,)
        Expected of one purchase, money.
    margin : float
        The share of revenue kept.

    Returns
    -------
    float array (n,)
        V x spend x margin with V = E[purchases] / P(alive) = E[purchases | alive], since the dead buy nothing. Not
        discounted.

    Examples
    --------
    >>> value_if_retained([2.0, 0.0], [0.5, 0.0], [10.0, 10.0], margin=0.3)
    array([12.,  0.])
    """
    expected, alive = np.asarray(expected_purchases, dtype="float64"), np.asarray(probability_alive, dtype="float64")
    given_alive: Any = np.divide(expected, alive, out=np.zeros_like(expected), where=alive > 0)
    return np.asarray(given_alive * np.asarray(spend, dtype="float64") * margin, dtype="float64")
