"""Whom to contact: by expected profit, under a budget, beside a control group."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from patron.decisions.contact import Terms
from patron.decisions.control import draws

Group = Literal["contact", "control", "none"]

WHY: Final = {
    "contact": "expected profit at or above the cut-off",
    "control": "control group: would be contacted, is not, so that the effect can be told",
    "aside": "control group: would not be contacted anyway",
    "loss": "a contact costs more than it is expected to bring",
    "budget": "below the cut-off: the budget is spent on others",
}
"""The reasons of a plan in words."""
CARRIED: Final = ("expected_revenue", "churn_probability", "value_band", "churn_band", "segment")
"""Columns of the score table that a plan takes along; the first serves its evaluation."""


class Choice(NamedTuple):
    """Who is contacted.

    Attributes
    ----------
    table : DataFrame
        One row a scored customer, in the order of the scores: customer_id, as_of, group ('contact', 'control',
        'none'), why, chosen, contact_profit, value_if_retained, cost, and the columns of `CARRIED`.
    cut_off : float or None
        The lowest expected profit among the chosen; None if nobody is.
    spent : bool
        The budget, not the profit, made the cut.
    """

    table: pd.DataFrame
    cut_off: float | None
    spent: bool


def choose(scores: pd.DataFrame, terms: Terms, *, name: str, control: float, budget: float | None = None) -> Choice:
    """Choose whom to contact.

    Parameters
    ----------
    scores : DataFrame
        A score table with churn_probability and value_if_retained.
    terms : Terms
        What the campaign costs and brings.
    name : str
        Of the run, which the control group belongs to.
    control : float
        The share of customers in it.
    budget : float, optional
        What contacts and expected incentives may cost in all, in money.

    Returns
    -------
    Choice

    Notes
    -----
    Customers come in falling order of expected profit, equals at random. Going down, whoever brings a profit is chosen
    until the next contact would exceed the budget: the chosen are those above one cut-off, control group and contacted
    alike, and only the contacted cost money. So the two differ in nothing but chance and the contact.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a", "b", "c"], "as_of": pd.Timestamp("2024-01-31"),
    ...     "churn_probability": [0.5, 0.4, 0.1], "value_if_retained": [900.0, 500.0, 10.0], "expected_revenue": 1.0,
    ...     "value_band": "high", "churn_band": "low", "segment": "Loyal"})
    >>> chosen = choose(scores, Terms(contact_cost=5), name="shop", control=0, budget=6)
    >>> chosen.table["group"].tolist(), chosen.cut_off, chosen.spent
    (['contact', 'none', 'none'], 40.0, True)
    """
    risk = scores["churn_probability"].to_numpy()
    profit, cost = terms.profit(risk, scores["value_if_retained"]), terms.cost(risk)
    for_control, for_order = draws(scores["customer_id"].tolist(), name).T
    aside = for_control < control
    order = np.lexsort((for_order, -profit))
    order = order[profit[order] > 0]
    paid = np.cumsum(np.where(aside, 0.0, cost)[order])
    size = len(order) if budget is None else int(np.searchsorted(paid, budget * (1 + 1e-12), side="right"))
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[order[:size]] = True
    group = np.select([chosen & ~aside, aside], ["contact", "control"], "none")
    reasons = [chosen & ~aside, chosen, aside, profit <= 0]
    why = np.select(reasons, [WHY[key] for key in ("contact", "control", "aside", "loss")], WHY["budget"])
    table = pd.DataFrame(
        {
            "customer_id": scores["customer_id"].to_numpy(),
            "as_of": scores["as_of"].to_numpy(),
            "group": group.astype(object),
            "why": why.astype(object),
            "chosen": chosen,
            "contact_profit": profit,
            "value_if_retained": scores["value_if_retained"].to_numpy(),
            "cost": cost,
            **{column: scores[column].to_numpy() for column in CARRIED},
        }
    )
    return Choice(table, float(profit[order[size - 1]]) if size else None, size < len(order))


def top_share(profit: pd.Series[float], share: float = 0.2) -> float:
    """Return the part of the whole that the best `share` of customers bring; 0 of nobody.

    Examples
    --------
    >>> top_share(pd.Series([60.0, 10, 10, 10, 10]))
    0.6
    """
    falling = np.sort(profit.to_numpy())[::-1]
    return float(falling[: max(round(share * len(falling)), 1)].sum() / falling.sum()) if len(falling) else 0.0
