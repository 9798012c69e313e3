"""Which targets there are: the built-in ones, and those of other packages by the entry point `patron.targets`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from patron._core.errors import ConfigError, MissingExtraError
from patron.delivery.fields import Where
from patron.delivery.target import Field, Target

BUILT_IN: Final = {
    "files": "patron.delivery.files:Files",
    "postgres": "patron.delivery.postgres:Postgres",
    "salesforce": "patron.delivery.salesforce:Salesforce",
    "hubspot": "patron.delivery.hubspot:HubSpot",
}
GROUP: Final = "patron.targets"


def open_target(
    kind: str, fields: tuple[Field, ...], place: Path, settings: Mapping[str, Any], where: Where = str
) -> Target:
    """Make a target; nobody is reached yet.

    Parameters
    ----------
    kind : str
        `files`, `postgres`, `salesforce`, `hubspot`, or an entry point of the group `patron.targets`.
    fields : tuple of Field
    place : Path
        A folder of the target's own.
    settings : mapping
        Its keyword arguments.
    where : function
        Tells the place of a key of the section, like 'settings.url'.

    Raises
    ------
    ConfigError
        No such target, a setting that it has not, one that is missing, or a value that does not fit.
    MissingExtraError
        The package that it needs is not installed.
    """
    make = _load(kind, where)
    known = {
        name: parameter
        for name, parameter in list(inspect.signature(make).parameters.items())[2:]
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    listed = f"{kind} knows {', '.join(known)}" if known else f"{kind} has no settings"
    for name in settings:
        if name not in known:
            raise ConfigError(f"{where(f'settings.{name}')}: {kind} has no setting {name!r}", fix=listed)
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in settings:
            raise ConfigError(f"{where('settings')}: {kind} needs the setting {name!r}", fix=f"add it; {listed}")
    try:
        target: Target = make(fields, place, **settings)
    except ConfigError as error:
        key = f"settings.{error.column}" if error.column in settings else "settings"
        named = f"{error.column}: " if error.column else ""
        raise ConfigError(f"{where(key)}: {named}{error.message}", example=error.example, fix=error.fix) from None
    return target


def _load(kind: str, where: Where) -> Any:
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        try:
            return getattr(importlib.import_module(module), name)
        except MissingExtraError:
            raise
        except ImportError as error:
            raise MissingExtraError(f"{kind} needs {error.name}", fix=f"pip install 'patron[{kind}]'") from error
    found = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in found:
        raise ConfigError(
            f"{where('target')}: there is no target {kind!r}",
            fix=f"one of {', '.join([*BUILT_IN, *sorted(found)])}; a package adds its own by the entry point {GROUP}",
        )
    try:
        return found[kind].load()
    except Exception as error:
        raise ConfigError(
            f"{where('target')}: the target {kind!r} of {found[kind].value} cannot be loaded: {error}",
            fix="mend or update the package that brings it",
        ) from error
