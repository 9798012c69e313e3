"""Gives each parameter of the reference its own default: of several told in one line the reader takes the first's."""

from __future__ import annotations

from typing import Any

import griffe


class OwnDefaults(griffe.Extension):
    """Mends what the docstring reader took from the first of several names."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        """Mend a function's parameters."""
        _mend(func)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        """Mend those that a class tells of its constructor."""
        _mend(cls)


def _mend(told: griffe.Function | griffe.Class) -> None:
    if told.docstring is None:
        return
    own = {parameter.name: parameter.default for parameter in told.parameters}
    for section in told.docstring.parsed:
        if isinstance(section, griffe.DocstringSectionParameters):
            for parameter in section.value:
                parameter.value = own.get(parameter.name, parameter.value)
