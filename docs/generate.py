"""Writes docs/reference from what the code itself says and does: docstrings, help texts, types, catalogues, proofs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
from hard_points import hard_points
from notebook_pages import write_notebooks
from prove import intervals, simulation, traps
from published import packages, papers
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import patron
from patron.cli import app
from patron.config import Config
from patron.features import CATALOGUE, CORE, Feature
from patron.features.named import of_attribute, of_events
from patron.scoring.table import COLUMNS

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


def python() -> str:
    """Return one section a public name, in the order of `patron.__all__`; then each room's own names."""
    names = {name: getattr(patron, name) for name in patron.__all__}
    rooms = {name: value for name, value in names.items() if isinstance(value, ModuleType) and not callable(value)}
    told = ", ".join(f"[{name}](#patron{name})" for name in rooms)
    lines = ["# Python", "", f"First everything that is `patron.NAME`, then the rooms that are used by name: {told}."]
    lines += [line for name, value in names.items() if name not in rooms for line in ("", f"::: {_path(name, value)}")]
    for name, room in rooms.items():
        lines += ["", f"## patron.{name}", "", inspect.getdoc(room) or ""]
        lines += [line for one in _public(room) for line in ("", f"::: {_path(one, getattr(room, one), room)}")]
    return "\n".join(lines) + "\n"


def _public(room: ModuleType) -> list[str]:
    """Return what a room offers: what it lists, else the functions that are its own."""
    own = [name for name, value in vars(room).items() if getattr(value, "__module__", None) == room.__name__]
    return getattr(room, "__all__", [name for name in own if not name.startswith("_")])


def _path(name: str, value: Any, room: ModuleType = patron) -> str:
    """Return where a name is written down; `patron.features` is the function and its room in one."""
    if isinstance(value, ModuleType):
        value = getattr(value, name)
    return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else f"{room.__name__}.{name}"


def command_line() -> str:
    """Return the help of every command."""
    group: Any = typer.main.get_command(app)
    lines = ["# Command line", "", (group.help or "").strip()]
    for name, command in group.commands.items():
        arguments = " ".join(str(p.metavar or p.name) for p in command.params if p.param_type_name == "argument")
        lines += [
            "",
            f"## patron {name} {arguments}".rstrip(),
            "",
            re.sub(r"\s*\n\s*", " ", command.help or "").strip(),
        ]
        rows = [f"| `{', '.join(p.opts)}` | {getattr(p, 'help', '') or ''} |" for p in command.params]
        if rows:
            lines += ["", "| | |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _shape(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(_shape(arg) for arg in args if arg is not type(None))
    if origin is Literal:
        return " \\| ".join(map(str, args))
    if origin in (list, dict):
        return f"{origin.__name__} of {' to '.join(_shape(arg) for arg in args)}"
    if origin is not None:
        return _shape(args[0])
    return {"Horizon": "length of time", "Path": "path", "Any": "anything", "str": "text"}.get(
        annotation.__name__, annotation.__name__
    )


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = [
            a
            for a in (field.annotation, *get_args(field.annotation))
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        if inner:
            yield f"| **`{prefix}{name}`** | | | {field.description} |"
            yield from _keys(inner[0], f"{prefix}{name}.")
            continue
        if field.is_required():
            default = "required"
        else:
            value = field.default if field.default is not PydanticUndefined else field.default_factory()  # type: ignore[call-arg, misc]
            default = "" if value is None else f"`{value}`"
        yield f"| `{prefix}{name}` | {_shape(field.annotation)} | {default} | {field.description} |"


def configuration() -> str:
    """Return one row a key."""
    head = [
        "# Configuration",
        "",
        "One YAML file a run; unknown keys are refused. `configs/cdnow.yaml` is an example.",
        "",
    ]
    return "\n".join([*head, "| key | takes | when left out | |", "|---|---|---|---|", *_keys(Config)]) + "\n"


def features() -> str:
    """Return one row a feature, the core first; of an event and of an attribute, one example; and how to add one."""
    head = [
        "# Features",
        "",
        "Each sees the days up to its as-of day, the whole of it, and none later; one whose window begins before the",
        "log does is missing. `patron features CONFIG` lists those that a run's tables tell.",
    ]
    columns = ["", "| feature | unit | family | source | needs | |", "|---|---|---|---|---|---|"]
    core = ["", "## The core", "", f'The {len(CORE)} of `patron.features.CORE`, which any log tells; `which="core"`.']
    further = ["", "## And further"]
    named = [
        "",
        "## Of events and customers",
        "",
        "Events become features by their kind, for up to twenty kinds, and the customers' attributes by their names, a",
        "text by its levels. Of events of the kind `nps`, which have values, of an attribute `born` and of one `city`:",
    ]
    examples = [*of_events("nps", valued=True), of_attribute("born"), of_attribute("city", "Ulm")]
    own = [
        "",
        "## Adding one",
        "",
        "Three lines: name and description; label, unit, family and source; the expression over that source's rows.",
        "The sources and their columns stand in `src/patron/features/feature.py`. For good it is one more entry of the",
        "list in `src/patron/features/catalogue.py`; for a trial it stands beside the names that are asked for:",
        "",
        "```python",
        "from patron.features import Feature, features_of",
        "",
        'own = Feature("largest_share", "Largest purchase day over the spend on all.",',
        '              "share of the largest purchase", "share", "spend", "days",',
        '              lambda days, _: days.amount.max().cast("float64") / days.amount.sum().nullif(0))',
        'X = patron.features(log, "1998-03-31", which=[*features_of(log), own])',
        "```",
        "",
        "Count, sum and compare integers, and end in one float operation: then every engine gives the same bits.",
    ]

    def rows(some: Iterable[Feature]) -> list[str]:
        needs = {"events": "events", "customers": "customers"}
        return [
            f"| `{f.name}` | {f.unit} | {f.family} | {f.source} | {f.needs or needs.get(f.source, '')} "
            f"| {f.description} |"
            for f in some
        ]

    parts = [rows(f for f in CATALOGUE.values() if (f.name in CORE) is inside) for inside in (True, False)]
    page = [*head, *core, *columns, *parts[0], *further, *columns, *parts[1], *named, *columns, *rows(examples), *own]
    return "\n".join(page) + "\n"


def score_table() -> str:
    """Return one row a column."""
    head = ["# Score table", "", "One row a customer. A column that was not computed is absent.", ""]
    rows = [f"| `{c.name}` | {c.kind} | {c.unit} | {c.description} |" for c in COLUMNS]
    return "\n".join([*head, "| column | type | unit | |", "|---|---|---|---|", *rows]) + "\n"


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    pages = {
        "python": python,
        "command-line": command_line,
        "configuration": configuration,
        "features": features,
        "score-table": score_table,
        "proof-published": papers,
        "proof-packages": packages,
        "proof-simulation": simulation,
        "proof-hard-points": hard_points,
        "proof-intervals": intervals,
        "traps": traps,
    }
    for name, page in pages.items():
        (REFERENCE / f"{name}.md").write_text(page(), encoding="utf-8")
    write_notebooks(ROOT / "notebooks", REFERENCE / "notebooks")


if __name__ == "__main__":
    main()
