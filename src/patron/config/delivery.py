"""Where scores are delivered to: fields, consent, what counts as a change."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from patron.config.types import Section, short_name


class DeliverSection(Section):
    """One target: which fields go there, under which names, and when."""

    name: Annotated[str, AfterValidator(short_name)] = Field(description="Names the target in plans and the journal.")
    target: str = Field(
        description="`files`, `postgres`, `salesforce`, `hubspot`, or the name of an entry point `patron.targets`."
    )
    fields: dict[str, str] = Field(
        default_factory=dict,
        description="Column of the score table: its name there. All columns under their own names when left out; "
        "customer_id always goes.",
    )
    consent: str | None = Field(
        default=None,
        description="A column of `customers`: only customers for whom it is true are sent; missing is no.",
    )
    materiality: dict[str, float] = Field(
        default_factory=dict,
        description="Column: the change below which it is not sent anew, like `{churn_probability: 0.02, clv: 5}`; "
        "0.01 of a probability and 5 % of another number where none is named, 0 for every change.",
    )
    stop_above: float = Field(
        default=0.5, gt=0, le=1, description="A push that would change more than this share of those known stops."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="The target's own; secrets are named here by environment variable, never given.",
    )
