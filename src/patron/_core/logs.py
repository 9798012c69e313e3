"""JSON log lines: one object a line for steps, results, warnings and errors; no secret and no customer's id in one."""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from collections.abc import Callable
from typing import Any, Final, Literal

from patron._core.errors import ConfigError, PatronError
from patron._core.passwords import without_passwords
from patron._core.progress import Stopwatch
from patron._core.pseudonyms import given_key, pseudonym

Level = Literal["info", "warning", "error"]
_EXAMPLE: Final = re.compile(r"""(?<=for example )('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,)]+)""")


class LogLines:
    """Writes log lines: time (UTC), level, event ('step', 'result', 'warning', 'error'), what, and numbers.

    The examples of errors and warnings may be customers' ids, so they are hashed with PATRON_KEY; without it with a key
    of this process, which tells examples apart and no more.

    Parameters
    ----------
    write : callable
        Takes a line, with its end.

    Examples
    --------
    >>> lines = []
    >>> log = LogLines(lines.append)
    >>> log.step("scoring", 0, 1)
    >>> log.step("scoring", 1, 1)
    >>> log.result("scores: 3 customers")
    >>> [(told["event"], told["what"], told.get("done")) for told in map(json.loads, lines)]
    [('step', 'scoring', 0), ('step', 'scoring', 1), ('result', 'scores: 3 customers', None)]
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._begun: dict[str, Stopwatch] = {}
        try:
            self._key = given_key() or secrets.token_bytes(32)
        except ConfigError:  # the command that needs the key says so
            self._key = secrets.token_bytes(32)

    def step(self, what: str, done: int, total: int | None) -> None:
        """Hear of progress; its beginning and its end are written, with the seconds between."""
        if what not in self._begun:
            self._begun[what] = Stopwatch()
            self._line("info", "step", what, done=done, total=total)
        elif total is not None and done >= total:
            self._line("info", "step", what, done=done, total=total, seconds=round(self._begun.pop(what).seconds, 3))

    def result(self, what: str) -> None:
        """Write what a command has to tell."""
        self._line("info", "result", what.strip())

    def warning(self, message: Warning | str) -> None:
        """Write a warning."""
        kind = type(message).__name__ if isinstance(message, Warning) else None
        self._line("warning", "warning", str(message), kind=kind)

    def failure(self, error: PatronError) -> None:
        """Write an error with the facts it carries and the exit code."""
        example = None if error.example is None else self._hashed(str(error.example))
        self._line(
            "error",
            "error",
            error.message,
            kind=type(error).__name__,
            column=error.column,
            count=error.count,
            example=example,
            fix=error.fix,
            exit_code=error.exit_code,
        )

    def _line(self, level: Level, event: str, what: str, **facts: Any) -> None:
        told = {"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
        texts = {"what": what, **{name: fact for name, fact in facts.items() if fact is not None}}
        for name, fact in texts.items():
            told[name] = self._clean(fact) if isinstance(fact, str) else fact
        self._write(json.dumps(told, ensure_ascii=False) + "\n")

    def _clean(self, text: str) -> str:
        return without_passwords(_EXAMPLE.sub(lambda found: self._hashed(found[0].strip("'\"")), text))

    def _hashed(self, example: str) -> str:
        return f"#{pseudonym(example, self._key)}"
