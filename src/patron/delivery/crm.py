"""What the targets that are CRMs share: how a value is written, whether their fields fit, which address is safe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from patron._core.errors import ConfigError, DeliveryError
from patron._core.passwords import secret
from patron.delivery.target import Field

_HERE: Final = {"localhost", "127.0.0.1", "::1"}


def written(value: Any) -> str:
    """Write a value as CRMs read it: numbers plain, days and stamps in ISO 8601, what is missing empty.

    Examples
    --------
    >>> from datetime import UTC
    >>> [written(value) for value in ("007", 12, 0.25, -0.0, 1e-06, None, date(2026, 1, 31))]
    ['007', '12', '0.25', '0', '0.000001', '', '2026-01-31']
    >>> written(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
    '2026-01-31T09:30:00.000Z'
    """
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124  # NaN and NaT alone differ from themselves
        return ""
    if isinstance(value, float):
        plain = repr(float(value) + 0.0)  # -0.0 becomes 0.0
        return plain.removesuffix(".0") if "e" not in plain else f"{value:.15f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value.isoformat() if isinstance(value, date) else str(value)


def misfits(
    fields: Iterable[Field], there: Mapping[str, str], fitting: Mapping[str, tuple[str, Collection[str]]]
) -> list[str]:
    """Say in words which fields are not there, or are of a type that cannot hold their column.

    Parameters
    ----------
    fields : iterable of Field
        Those delivered.
    there : mapping of str to str
        Name: type, of the fields there that can be written.
    fitting : mapping of str to (str, collection of str)
        Kind of a column: what to create for it, and the types that hold it besides ``string``, which holds any.
    """
    found = []
    for field in fields:
        create, types = fitting[field.column.kind]
        if field.name not in there:
            found.append(f"{field.name} is missing or cannot be written: create it as {create}")
        elif there[field.name] not in {*types, "string"}:
            found.append(f"{field.name} has type {there[field.name]}: {field.column.name} needs {create}")
    return found


def refuse(problems: list[str], where: str) -> None:
    """Raise a DeliveryError that lists the problems, if there are any."""
    if problems:
        raise DeliveryError(
            f"{where} does not fit what is delivered: {'; '.join(problems)}",
            fix="change the fields there, or `fields` of the target in the configuration",
        )


def needed(variable: str, what: str) -> str:
    """Return the secret in an environment variable; a DeliveryError if it is empty."""
    value = secret(variable)
    if value is None:
        raise DeliveryError(f"the environment variable {variable} is empty", fix=f"set it to {what}")
    return value


def safe(url: str) -> bool:
    """Tell whether a URL is HTTPS, or HTTP on this machine.

    Examples
    --------
    >>> [safe(url) for url in ("https://api.hubapi.com", "http://api.hubapi.com", "http://localhost:8080", "acme")]
    [True, False, True, False]
    """
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE))


def word(setting: str, value: Any) -> str:
    """Return the value of a setting; a ConfigError unless it is a text."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigError("not a text", column=setting, example=value, fix="write it in quotes")
    return value


def between(setting: str, value: Any, low: float, high: float) -> float:
    """Return the value of a setting; a ConfigError unless it is a number with low < value <= high."""
    if type(value) not in {int, float} or not low < value <= high:
        raise ConfigError(f"not a number above {low:g} and at most {high:g}", column=setting, example=value)
    return float(value)
