"""What a campaign costs and brings, and for whom there is money."""

from __future__ import annotations

from pydantic import Field

from patron.config.tables import TableSource
from patron.config.types import Section


class PlanSection(Section):
    """Whom to contact: the expected profit of each contact, the budget, the control group."""

    save_rate: float = Field(
        default=0.10, ge=0, le=1, description="The share of would-be churners whom a contact keeps (g)."
    )
    take_up: float = Field(
        default=1.0, ge=0, le=1, description="The share of those who stay anyway that takes the incentive (y)."
    )
    incentive: float = Field(default=0.0, ge=0, description="What a customer who takes the offer is given, in money.")
    contact_cost: float = Field(default=0.0, ge=0, description="What one contact costs, taken up or not, in money.")
    left_alone: float | None = Field(
        default=None,
        ge=0,
        description="What a churner left alone is still worth over the value horizon (W0), in money; measured on past "
        "days when left out.",
    )
    budget: float | None = Field(
        default=None, gt=0, description="What contacts and expected incentives may cost in all; no limit when left out."
    )
    control: float = Field(
        default=0.10, ge=0, lt=1, description="The share of customers never contacted, so that the effect can be told."
    )
    power: float = Field(default=0.80, gt=0, lt=1, description="Of the test whose sample size is told.")
    significance: float = Field(default=0.05, gt=0, lt=1, description="Of the same test, two-sided.")
    costs: TableSource | None = Field(
        default=None,
        description="What customers cost to acquire: columns channel, month (YYYY-MM of the first purchase), cost.",
    )

    def terms(self) -> dict[str, float | None]:
        """Return what one contact costs and brings; left_alone None where it is to be measured."""
        return self.model_dump(include={"save_rate", "take_up", "incentive", "contact_cost", "left_alone"})
