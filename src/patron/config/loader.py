"""Reads a run's YAML so that every complaint names file, line and fix; plain YAML only: no tags, no aliases."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import ConstructorError

from patron._core.errors import ConfigError
from patron.config.schema import Config

_DEEPEST: Final = 20
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader whose days stay text: 1998-06-30 is what the person wrote."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load_config(path: str | Path) -> Config:
    """Read a configuration file.

    Parameters
    ----------
    path : str or Path
        A YAML file.

    Returns
    -------
    Config
        Frozen; `config.where("churn.recipes")` tells the line of a key.

    Raises
    ------
    ConfigError
        The file is absent or not plain YAML, a key is unknown, missing or given twice, a value does not fit. The text
        names file and line of each fault.

    Examples
    --------
    >>> load_config("configs/cdnow.yaml").churn.horizon.days()
    91
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text", fix="save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}", fix="give the path of a YAML file") from error
    value, lines = _parse(text, str(path))
    try:
        config = Config.model_validate(value)
    except ValidationError as error:
        raise ConfigError("\n".join(_complaints(error, value, lines, str(path)))) from None
    config._lines = lines  # noqa: SLF001  # the loader alone knows the lines
    config._file = str(path)  # noqa: SLF001
    return config


def _parse(text: str, name: str) -> tuple[Any, dict[str, int]]:
    """Plain values, and the line of every key by its dotted path."""
    lines: dict[str, int] = {}
    depth = 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=_PlainLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ConfigError(
                    f"{name}:{_line(event)}: anchors and aliases are not taken", fix="write the value out"
                )
            if getattr(event, "tag", None):
                raise ConfigError(
                    f"{name}:{_line(event)}: tags like {event.tag} are not taken", fix="write plain values"
                )
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ConfigError(
                    f"{name}:{_line(event)}: more than {_DEEPEST} levels, one in the other",
                    fix="configs/cdnow.yaml shows how flat a configuration is",
                )
        loader = _PlainLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(
                f"{name}: not a mapping of keys", fix="start with `name: ...`; configs/cdnow.yaml is an example"
            )
        return _value(loader, node, (), lines, name), lines
    except (yaml.MarkedYAMLError, ConstructorError) as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{name}{line}: not YAML: {error.problem}", fix="mend the line, or the one above") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{name}: not YAML: {error}", fix="save it as plain text") from error


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _value(loader: Any, node: yaml.Node, path: tuple[str, ...], lines: dict[str, int], name: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            if not key:
                raise ConfigError(f"{name}:{line}: a key must be a word", fix="write `key: value`")
            here = (*path, key)
            if key in mapping:
                raise ConfigError(
                    f"{name}:{line}: {key!r} stands twice, first on line {lines['.'.join(here)]}", fix="remove one"
                )
            lines[".".join(here)] = line
            mapping[key] = _value(loader, value_node, here, lines, name)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            here = (*path, str(index))
            lines[".".join(here)] = item.start_mark.line + 1
            items.append(_value(loader, item, here, lines, name))
        return items
    if _UNWRITABLE.search(node.value):
        raise ConfigError(
            f"{name}:{node.start_mark.line + 1}: {node.value[:40]!r} holds a character that no file name may hold",
            fix="remove it",
        )
    return loader.construct_object(node)


def _complaints(error: ValidationError, value: Any, lines: dict[str, int], name: str) -> Iterator[str]:
    """One line a fault: file, line, key, what is wrong, the fix."""
    for fault in error.errors(include_url=False):
        parts = [str(part) for part in fault["loc"]]
        found = [size for size in range(len(parts), 0, -1) if ".".join(parts[:size]) in lines]
        place = f"{name}:{lines['.'.join(parts[: found[0]])]}" if found else name
        key = ".".join(parts)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = _keys(parts[:-1])
            homes = [home for home in _places(Config) if home.rpartition(".")[2] == parts[-1]]
            near = difflib.get_close_matches(parts[-1], known, n=1) or homes[:1]
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            yield f"{place}: unknown key {key!r}. Fix: {hint}"
        elif fault["type"] == "missing":
            yield f"{place}: {key!r} is missing. Fix: add it"
        elif "Fix:" in message:
            yield f"{place}: {key!r}: {message} (it says {_told(value, fault['loc'])})"
        else:
            yield f"{place}: {key!r} says {_told(value, fault['loc'])}. Fix: {message[0].lower()}{message[1:]}"


def _told(value: Any, path: Sequence[str | int]) -> str:
    """Quote what the file says at `path`, its beginning if it is long."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:77]}..."


def _keys(path: Sequence[str]) -> list[str]:
    """Return the keys that may stand below `path`."""
    section: type[BaseModel] | None = Config
    for part in path:
        field = section.model_fields.get(part) if section else None
        section = _section(field.annotation) if field else None
    return list(section.model_fields) if section else []


def _places(section: type[BaseModel], above: str = "") -> Iterator[str]:
    """Return every key there is, by its dotted path."""
    for name, field in section.model_fields.items():
        yield above + name
        inner = _section(field.annotation)
        if inner:
            yield from _places(inner, f"{above}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a key holds, if it holds one."""
    candidates = (annotation, *getattr(annotation, "__args__", ()))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
