"""Waiting: for what passes by itself, for what is not done yet, and for one's turn; never for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from patron._core.errors import DeliveryError

Got = TypeVar("Got")


class PassingError(Exception):
    """A trouble that passes by itself: a busy server, a cut connection, an answer that cannot be read.

    Parameters
    ----------
    why : str
        In words.
    after : float, optional
        The seconds the server asks to be left alone.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


@dataclass
class Patience:
    """How long is waited, and how often is tried.

    Attributes
    ----------
    limit : float
        Seconds that a trouble is waited out in total.
    first, longest : float
        Seconds of the first pause and of the longest one that nobody asked for; each is twice the one before.
    sleep, clock : callable
        The time; a test brings its own.
    chance : callable
        A number in [0, 1): pauses are shortened by up to half, so that many who were refused do not return as one.

    Examples
    --------
    >>> calm = Patience(chance=lambda: 0.0)
    >>> [pause for pause, _ in zip(calm.pauses(), range(8))]
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """

    limit: float = 600.0
    first: float = 1.0
    longest: float = 60.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    chance: Callable[[], float] = field(default=random.random, repr=False)

    def pauses(self) -> Iterator[float]:
        """Return the pauses between one try and the next, without end."""
        pause = self.first
        while True:
            yield min(pause, self.longest) * (1 + self.chance()) / 2
            pause *= 2

    def outlast(self, attempt: Callable[[], Got], who: str) -> Got:
        """Try until it succeeds, at pauses no shorter than the server asks for.

        Parameters
        ----------
        attempt : callable
            It raises `PassingError` where another try may help.
        who : str
            Whom the trouble is with.

        Returns
        -------
        object
            What the attempt returns.

        Raises
        ------
        DeliveryError
            The next try would come after ``limit`` seconds.

        Examples
        --------
        >>> tries = iter([PassingError("busy", after=5), "done"])
        >>> def attempt():
        ...     if isinstance(answer := next(tries), PassingError):
        ...         raise answer
        ...     return answer
        >>> Patience(sleep=lambda seconds: print(f"waits {seconds:g} s")).outlast(attempt, "the server")
        waits 5 s
        'done'
        """
        start, pauses = self.clock(), self.pauses()
        while True:
            try:
                return attempt()
            except PassingError as trouble:
                why, pause = str(trouble), max(next(pauses), trouble.after or 0.0)
            if self.clock() - start + pause > self.limit:
                raise DeliveryError(
                    f"{who} cannot be reached: {why}; the next try would be in {pause:,.0f} s, "
                    f"and no trouble is waited out longer than {self.limit:,.0f} s",
                    fix="push again later: what was delivered stands, and the push goes on from there",
                )
            self.sleep(pause)

    def until(self, ask: Callable[[], Got | None], limit: float) -> Got | None:
        """Ask again and again until there is an answer; None if there is none within ``limit`` seconds."""
        start, pauses = self.clock(), self.pauses()
        while True:
            answer = ask()
            pause = next(pauses)
            if answer is not None or self.clock() - start + pause > limit:
                return answer
            self.sleep(pause)


@dataclass
class Pace:
    """So many turns a second at the most.

    Examples
    --------
    >>> slept, pace = [], Pace(4.0, Patience(sleep=lambda seconds: slept.append(seconds), clock=lambda: 0.0))
    >>> for _ in range(3):
    ...     pace.turn()
    >>> slept
    [0.25, 0.5]
    """

    a_second: float
    patience: Patience
    _next: float = field(default=float("-inf"), init=False, repr=False)

    def turn(self) -> None:
        """Wait for the next turn."""
        now = self.patience.clock()
        if self._next > now:
            self.patience.sleep(self._next - now)
        self._next = max(self._next, now) + 1 / self.a_second


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Read a ``Retry-After`` header: seconds, or an HTTP date (RFC 9110, section 10.2.3).

    Returns
    -------
    float or None
        Seconds from now, not negative; None if there is no header, or none that can be read.

    Examples
    --------
    >>> retry_after("120"), retry_after("soon"), retry_after(None)
    (120.0, None, None)
    >>> retry_after("Wed, 21 Oct 2026 07:28:00 GMT", now=datetime(2026, 10, 21, 7, 27, 30, tzinfo=UTC))
    30.0
    """
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
