"""What a customer is called: RFM segments, value bands, the action of each; cut points learned once, at training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from patron.decisions.contact import LeftAlone

Words = npt.NDArray[np.object_]

SCORES: Final = 5
RFM: Final = ("days_since_last", "frequency", "monetary_value")
"""The features that segments are made of; all are in the core."""

SEGMENTS: Final = {
    # frequency and spend: 1            2                     3                      4                  5
    5: ("New",            "Potential loyalists", "Potential loyalists", "Champions",       "Champions"),
    4: ("Promising",      "Potential loyalists", "Potential loyalists", "Loyal",           "Champions"),
    3: ("About to sleep", "About to sleep",      "Needs attention",     "Loyal",           "Loyal"),
    2: ("Hibernating",    "Hibernating",         "At risk",             "At risk",         "Can't lose them"),
    1: ("Lost",           "Lost",                "At risk",             "Can't lose them", "Can't lose them"),
}  # fmt: skip
"""Recency score (5 bought last): the segment by the score of frequency and spend."""

VALUE_BANDS: Final = {"high": 0.50, "medium": 0.80}
"""The customers worth most, who together hold this share of all value; below the last is 'low'."""

ACTIONS: Final = {
    # value    risk: high                           medium                        low
    "high":   ("win back in person, with an offer", "call before they leave",     "reward: first to be served"),
    "medium": ("win back with an offer",            "remind with what they like", "offer more of what they buy"),
    "low":    ("one cheap reminder, then let go",   "newsletter only",            "newsletter, with what others like"),
}  # fmt: skip
"""What to do with a customer of each value band by churn band: the highest, one between, the lowest."""


@dataclass(frozen=True)
class Basis:
    """What clv counted when the value bands were cut; see `Segments`."""

    value_horizon: str
    discount_rate: float
    margin: float


@dataclass(frozen=True)
class Segments:
    """Cut points learned at training; JSON in a bundle's segments.json.

    Attributes
    ----------
    recency, frequency, spend : tuple of float
        Four cut points each, of days since the last purchase, repeat purchases, mean spend of these (0 without one);
        none of what was the same for every customer, which then does not count.
    value : mapping of str to float
        The lowest clv of each value band; below the last is 'low'.
    basis : Basis
        What that clv counted. A run may read value otherwise; bands are then cut on clv as it was counted here.
    left_alone : LeftAlone or None
        What churners went on to spend; None where the log was too short to see.

    Notes
    -----
    A customer's segment and bands depend on this customer and on the cut points, and on nobody else: scoring other
    customers beside, or none, changes nothing. A score is 1 plus the number of cut points below the value (for recency:
    not below it), so equal values score alike, however many customers share one. Where quantiles coincide, because most
    customers bought once, say, the fewest purchases still score 1, and one more than that what it takes to exceed those
    customers.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing. Probus: scores by quintiles of recency, frequency, monetary
    value. The names are those in common use for the grid of recency by the mean of the two others.

    Examples
    --------
    >>> days, repeats, spend = [3, 300, 40, 2, 200], [9, 0, 2, 0, 0], [90.0, 0, 50, 0, 0]
    >>> clv = np.array([60.0, 1, 25, 13, 1])
    >>> learned = Segments.learn(days, repeats, spend, clv=clv, basis=Basis("12 months", 0.10, 1.0))
    >>> learned.segments(days, repeats, spend).tolist()
    ['Champions', 'Lost', 'Loyal', 'New', 'Hibernating']
    >>> learned.value_bands(clv).tolist()
    ['high', 'low', 'medium', 'low', 'low']
    """

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    spend: tuple[float, ...]
    value: Mapping[str, float]
    basis: Basis
    left_alone: LeftAlone | None = None

    @classmethod
    def learn(
        cls,
        recency: npt.ArrayLike,
        frequency: npt.ArrayLike,
        spend: npt.ArrayLike,
        *,
        clv: npt.ArrayLike,
        basis: Basis,
        left_alone: LeftAlone | None = None,
    ) -> Self:
        """Cut at the quintiles of the customers given, and value at `VALUE_BANDS`.

        Parameters
        ----------
        recency, frequency, spend : array of shape (n,)
            Of today's customers: days since the last purchase, repeat purchases, mean spend of these.
        clv : array of shape (n,)
            Their value, counted as `basis` says.
        basis, left_alone
            Kept; see the class.

        Returns
        -------
        Segments
        """
        return cls(
            _quintiles(recency),
            _quintiles(frequency),
            _quintiles(spend),
            _value_cuts(np.asarray(clv, dtype="float64")),
            basis,
            left_alone,
        )

    def segments(self, recency: npt.ArrayLike, frequency: npt.ArrayLike, spend: npt.ArrayLike) -> Words:
        """Name each customer's segment; `SEGMENTS` by recency and the mean of the two others, rounded down."""
        r = SCORES + 1 - _scores(recency, self.recency)
        measures = ((frequency, self.frequency), (spend, self.spend))
        told = [_scores(values, cuts) for values, cuts in measures if cuts] or [np.ones_like(r)]
        names: Words = _TABLE[r - 1, sum(told) // len(told) - 1]
        return names

    def value_bands(self, clv: npt.ArrayLike) -> Words:
        """Name each value by the highest band whose cut it reaches; 'low' if none, or if it is nothing."""
        worth = np.asarray(clv, dtype="float64")
        reached = [(worth >= self.value[name]) & (worth > 0) for name in VALUE_BANDS]
        return np.select(reached, list(VALUE_BANDS), "low").astype(object)

    def to_dict(self) -> dict[str, Any]:
        """Return what segments.json holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return what `to_dict` told."""
        left = content["left_alone"]
        return cls(
            tuple(content["recency"]),
            tuple(content["frequency"]),
            tuple(content["spend"]),
            dict(content["value"]),
            Basis(**content["basis"]),
            LeftAlone(**{**left, "as_of": tuple(left["as_of"])}) if left else None,
        )


def recommended_actions(value_band: npt.ArrayLike, churn_band: npt.ArrayLike, risks: Sequence[str]) -> Words:
    """Tell what to do with each customer: `ACTIONS` by value band and churn band.

    Parameters
    ----------
    value_band, churn_band : array of str, shape (n,)
    risks : sequence of str
        The churn bands from the highest to the lowest; the first is read as high risk, the last as low.

    Returns
    -------
    array of str, shape (n,)

    Examples
    --------
    >>> recommended_actions(["high", "low"], ["high", "low"], ["high", "medium", "low"]).tolist()
    ['win back in person, with an offer', 'newsletter, with what others like']
    """
    place = dict.fromkeys(risks, 1) | {risks[0]: 0, risks[-1]: 2}
    pairs = zip(np.asarray(value_band), np.asarray(churn_band), strict=True)
    return np.array([ACTIONS[value][place[risk]] for value, risk in pairs], dtype=object)


_TABLE: Final = np.array([SEGMENTS[score] for score in range(1, SCORES + 1)], dtype=object)


def _quintiles(values: npt.ArrayLike) -> tuple[float, ...]:
    """Four values that occur, so that no cut point lies a rounding away from a customer; none if only one occurs."""
    seen = np.asarray(values, dtype="float64")
    if seen.min() == seen.max():
        return ()
    return tuple(np.quantile(seen, np.arange(1, SCORES) / SCORES, method="inverted_cdf").tolist())


def _scores(values: npt.ArrayLike, cuts: Sequence[float]) -> npt.NDArray[np.intp]:
    """1 plus the number of cut points below each value."""
    return 1 + np.searchsorted(cuts, np.asarray(values, dtype="float64"), side="left")


def _value_cuts(clv: npt.NDArray[np.float64]) -> dict[str, float]:
    """Return the value of the customer with whom the most valuable reach each share of the whole."""
    falling = np.sort(clv)[::-1]
    held = np.cumsum(falling)
    reached = np.searchsorted(held, [share * held[-1] for share in VALUE_BANDS.values()])
    return dict(zip(VALUE_BANDS, falling[np.minimum(reached, len(falling) - 1)].tolist(), strict=True))
