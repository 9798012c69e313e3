"""How a source writes what it holds as text: its numbers, its stamps, its files."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final, Literal

from patron._core.errors import ConfigError

FIELDS: Final = dict.fromkeys("dmHMS", "([0-9]{1,2})") | {"Y": "([0-9]{4})", "y": "([0-9]{2})"}
"""What each field of a time format matches."""
_FIELD: Final = re.compile("%(.?)", re.DOTALL)


@dataclass(frozen=True)
class Notation:
    """How a source writes; columns that are typed already need none of it.

    Attributes
    ----------
    decimal : {'.', ','}
        What stands before the decimals. With ``","`` points and spaces between groups of three digits are read over.
    time_format : str, optional
        How stamps are written, of the fields %d %m %Y %y %H %M %S; as ISO 8601 when left out.
    encoding : str, optional
        Of CSV files, as Python calls it; UTF-8 when left out.

    Raises
    ------
    ConfigError
        One of them is not known.

    Examples
    --------
    >>> Notation(time_format="%d.%m.%Y %H:%M").fields
    ('d', 'm', 'Y', 'H', 'M')
    """

    decimal: Literal[".", ","] = "."
    time_format: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise ConfigError(f"decimal is {self.decimal!r}", fix="'.' or ','")
        if self.time_format is not None and not _tells_a_time(self.fields):
            raise ConfigError(
                f"time_format does not tell a day: {self.time_format!r}",
                fix="day, month and year, and a time if there is one, once each, of %d %m %Y %y %H %M %S, like "
                "'%d.%m.%Y %H:%M' for 31.01.2024 18:30",
            )
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError as error:
                raise ConfigError(
                    f"encoding is not known: {self.encoding!r}", fix="'utf-8', or 'cp1252' for files of Windows"
                ) from error

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the time format, in its order."""
        return tuple(_FIELD.findall(self.time_format or ""))

    @property
    def pattern(self) -> str:
        """What a stamp of the time format matches, with one group a field."""
        parts = _FIELD.split(self.time_format or "")
        return "^" + "".join(FIELDS[part] if i % 2 else re.escape(part) for i, part in enumerate(parts)) + "$"


def _tells_a_time(fields: tuple[str, ...]) -> bool:
    """Tell whether each field is known and stands once: a day, and hours with minutes or no time at all."""
    year = {"Y", "y"} & set(fields)
    rest = set(fields) - year
    return (
        len(set(fields)) == len(fields)
        and len(year) == 1
        and rest in ({"d", "m"}, {"d", "m", "H", "M"}, {"d", "m", "H", "M", "S"})
    )
