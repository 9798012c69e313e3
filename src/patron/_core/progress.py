"""One line of progress for long work: what is being done, how far, how long; silent where nobody looks."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, int, int | None], None]
_listener: contextvars.ContextVar[Listener | None] = contextvars.ContextVar("patron_progress", default=None)


@contextlib.contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Call `listener(what, done, total)` for every step of long work inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def track(items: Iterable[Item], what: str) -> Iterator[Item]:
    """Yield `items`, telling the listener how many are done."""
    listener = _listener.get()
    if listener is None:
        yield from items
        return
    total = len(items) if isinstance(items, Sized) else None
    done = 0
    listener(what, done, total)
    for item in items:
        yield item
        done += 1
        listener(what, done, total)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Tell the listener that `what` has begun and, at the end, that it is done."""
    listener = _listener.get()
    if listener is not None:
        listener(what, 0, 1)
    yield
    if listener is not None:
        listener(what, 1, 1)


class Stopwatch:
    """Seconds since it was made.

    Examples
    --------
    >>> Stopwatch().seconds >= 0
    True
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the start."""
        return time.perf_counter() - self._start
