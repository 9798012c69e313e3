"""Whom to contact: what the latest plan says, what it assumes, and its best contacts."""

from __future__ import annotations

from typing import Any, Final

from patron.decisions.wording import chosen_words, sizes_words
from patron.report import numbers
from patron.report.content import ReportContent

BEST: Final = 10
"""How many contacts the page lists."""


def contacts(content: ReportContent) -> dict[str, Any] | None:
    """Return what the page says of the plan, None where there is none."""
    plan, told = content.plan, content.planned
    if plan is None:
        return None
    best = plan[plan["group"] == "contact"].sort_values(
        ["contact_profit", "customer_id"], ascending=[False, True], kind="stable"
    )
    _, *words = chosen_words(told)
    return {
        **told,
        "words": [line.strip() for line in (*words, *sizes_words(told))],
        "assumed": _assumed(told["terms"], content),
        "best": best.head(BEST).to_dict("records"),
    }


def _assumed(terms: dict[str, float], content: ReportContent) -> dict[str, str]:
    """Say each number that the expected profit rests on, in words."""
    worth = {name: f"{content.currency} {numbers.money(amount, content.currency)}" for name, amount in terms.items()}
    return {
        "Save rate": f"{numbers.percent(terms['save_rate'])} of those who would leave stay because of a contact",
        "Take-up": f"{numbers.percent(terms['take_up'])} of those who stay anyway take the incentive",
        "Incentive": f"{worth['incentive']} for a customer who takes the offer",
        "Cost of a contact": f"{worth['contact_cost']}, whether the offer is taken or not",
        "Worth if left alone (W0)": f"{worth['left_alone']} a churner over {content.value_horizon}",
    }
