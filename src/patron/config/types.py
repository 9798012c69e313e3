"""What every section of a configuration is made of: a mapping without unknown keys, horizons, days, time zones."""

from __future__ import annotations

import re
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from patron._core.calendar import Horizon, day_number
from patron._core.errors import PatronError


def taught(message: PatronError) -> ValueError:
    """Pydantic collects ValueErrors and adds the place; Patron's own errors keep their words."""
    return ValueError(str(message))


def _horizon(text: object) -> Horizon:
    try:
        return Horizon.parse(text)
    except PatronError as error:
        raise taught(error) from error


def _fixed(horizon: Horizon) -> Horizon:
    if not horizon.fixed:
        raise ValueError("labels and backtests take fixed lengths only. Fix: write it in days or weeks")
    return horizon


def iso_day(value: object) -> str:
    """Check a day, and keep it as text."""
    try:
        day_number(value, name="the day")  # type: ignore[arg-type]  # anything a YAML scalar can be; refused in words
    except PatronError as error:
        raise taught(error) from error
    return str(value)


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}. Fix: a name like UTC or America/New_York") from error
    return name


def short_name(name: str) -> str:
    """Check a name that files, models and targets can bear."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise ValueError("it names files and a model. Fix: small letters, digits and hyphens, like shop-de")
    return name


AnyHorizon = Annotated[Horizon, BeforeValidator(_horizon)]
FixedHorizon = Annotated[Horizon, BeforeValidator(_horizon), AfterValidator(_fixed)]
IsoDay = Annotated[str, BeforeValidator(iso_day)]
Zone = Annotated[str, AfterValidator(_zone)]


class Section(BaseModel):
    """A mapping in the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
