"""How the key figures are told: by which periods, and who is active."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from patron.config.types import FixedHorizon, Section

_Every = Literal["week", "month", "quarter", "year"]


class KpisSection(Section):
    """Key figures over time."""

    every: _Every = Field(default="month", description="The calendar periods they are told by.")
    billed: _Every | dict[str, _Every] = Field(
        default="month", description="What a subscription's price is for; or that of each plan, like {gold: year}."
    )
    active_within: FixedHorizon | None = Field(
        default=None, description="Active is who bought within so long; churn.horizon when left out."
    )
