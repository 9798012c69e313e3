"""Every warning of long work once, however many fits give it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def each_once() -> Iterator[None]:
    """Show each warning of the block, told apart by its words, once.

    Python's own memory of what it has shown is lost whenever some library changes its filters.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True, action="always") as shown, each_once():
    ...     for text in ["no order numbers", "no order numbers", "one currency"]:
    ...         warnings.warn(text)
    >>> [str(warning.message) for warning in shown]
    ['no order numbers', 'one currency']
    """
    show, shown = warnings.showwarning, set()

    def once(message: Warning | str, category: type[Warning], *where: Any, **named: Any) -> None:
        if (told := (category, str(message))) not in shown:
            shown.add(told)
            show(message, category, *where, **named)

    with warnings.catch_warnings():
        warnings.showwarning = once
        yield
