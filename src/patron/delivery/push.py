"""Carries a plan out, batch by batch, so that whatever ends it, the next one goes on where it stopped."""

from __future__ import annotations

import contextlib
import errno
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from patron._core.errors import DeliveryError, PatronError
from patron._core.files import write_bytes
from patron._core.progress import Stopwatch, track
from patron.delivery.fields import Rows
from patron.delivery.files import harmless_csv
from patron.delivery.plan import Plan
from patron.delivery.state import UNSEEN, State
from patron.delivery.target import Answer, Target

LEFT_OUT: Final = "the target put it into no batch"


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes
    ----------
    target : str
    sent, accepted, refused, batches : int
        Rows that were to be sent, that the target holds, that failed; batches sent.
    seconds : float
    dead_letters : Path
        The file of rows that failed.
    """

    target: str
    sent: int
    accepted: int
    refused: int
    batches: int
    seconds: float
    dead_letters: Path

    def words(self) -> list[str]:
        """Say what was sent, in a line or two."""
        if not self.sent:
            return [f"{self.target}: nothing to send"]
        batches = f"{self.batches:,} batch{'es' * (self.batches != 1)}"
        lines = [f"{self.target}: {self.accepted:,} of {self.sent:,} rows delivered in {batches}, {self.seconds:.0f} s"]
        if self.refused:
            lines.append(f"  {self.refused:,} failed: {self.dead_letters} says why; --push --retry sends them again")
        return lines


def settle(state: State, target: Target, name: str) -> None:
    """Ask a target what became of the batches whose answer was never seen; what nobody knows goes again.

    Raises
    ------
    DeliveryError
        The target cannot tell now; nothing is lost, and the next push asks again.
    """
    for batch, token in track(state.open(name), f"settling {name}"):
        with _asked(name):
            answer = target.settle(token) if token else None
        state.close(batch, answer or Answer(), otherwise=UNSEEN)


def refusal(plan: Plan, state: State, stop_above: float) -> str | None:
    """Say why a push needs to be confirmed; None if it does not.

    It does if more rows move than `stop_above` of those known there. A first delivery is free to, and so is one that
    goes on after a stop, a retry, and a rollback, which is asked for by its day.
    """
    if plan.kind != "push" or plan.moving <= stop_above or state.free(plan.target, plan.scoring):
        return None
    counts = plan.counts
    return (
        f"{counts['changed']:,} changed and {counts['new']:,} new rows against {plan.known:,} known there are more "
        f"than stop_above, {stop_above:.0%}"
    )


def push(state: State, target: Target, plan: Plan, rows: Rows, place: Path) -> Pushed:
    """Send what a plan says; its batches are settled and it is confirmed.

    Parameters
    ----------
    state : State
    target : Target
    plan : Plan
    rows : Rows
        Those that the plan was made of.
    place : Path
        The target's own folder, for the dead letters.

    Raises
    ------
    DeliveryError
        The target refuses as a whole, or fails for good. What it had accepted stands.
    """
    watch, name = Stopwatch(), plan.target
    planned = rows.frame(plan.chosen)
    waiting = np.ones(len(planned), dtype=bool)
    accepted = 0
    try:
        number = state.begin(name, plan.kind, plan.scoring, len(planned))
        with _asked(name):
            batches = list(target.batches(planned)) if len(planned) else []
        for batch in track(batches, f"sending to {name}"):
            held = state.begin_batch(number, rows, plan.chosen[_take(batch, planned, waiting, name)])
            with _asked(name):
                answer = target.send(batch, functools.partial(state.note, held))
            accepted += state.close(held, answer)[0]
        state.fail(name, dict.fromkeys(planned.index[waiting], LEFT_OUT))
    except BaseException:
        with contextlib.suppress(OSError, PatronError):  # what stopped the push is what must be told
            _write_dead_letters(state, plan, rows, place)
        raise
    letters = _write_dead_letters(state, plan, rows, place)
    state.end(number)
    return Pushed(name, len(planned), accepted, len(planned) - accepted, len(batches), watch.seconds, letters)


def _write_dead_letters(state: State, plan: Plan, rows: Rows, place: Path) -> Path:
    """Write failed.csv, the rows that a retry would send and why they failed; there is none if none failed."""
    failed, path = state.failed(plan.target), place / "failed.csv"
    agreed = ~plan.frame["what"].isin(["suppressed", "withdrawn"]).to_numpy()[: len(rows.table)]
    letters = rows.frame(np.flatnonzero(rows.table.index.isin(list(failed)) & agreed))
    if len(letters):
        letters["reason"] = [failed[customer] for customer in letters.index]
        write_bytes(path, harmless_csv(letters)[0])
    else:
        path.unlink(missing_ok=True)
    return path


def _take(batch: pd.DataFrame, planned: pd.DataFrame, waiting: np.ndarray, name: str) -> np.ndarray:
    """Return where a batch's rows stand among the planned, and mark them; a target cuts only what it is given."""
    at = planned.index.get_indexer(batch.index)
    if (at < 0).any() or not waiting[at].all() or not batch.index.is_unique:
        raise DeliveryError(f"{name} cuts rows that it was not given, or one twice", fix="mend the target's batches()")
    waiting[at] = False
    return at


@contextlib.contextmanager
def _asked(name: str) -> Iterator[None]:
    """Tell of a target's fault as a DeliveryError; the disk's are told by who holds the lock."""
    try:
        yield
    except PatronError as error:
        facts = {"column": error.column, "count": error.count, "example": error.example, "fix": error.fix}
        raise type(error)(f"{name}: {error.message}", **facts) from error
    except Exception as error:
        if isinstance(error, OSError) and (error.filename is not None or error.errno in (errno.ENOSPC, errno.EDQUOT)):
            raise
        raise DeliveryError(
            f"{name}: {type(error).__name__}: {error}", fix="run again; what was accepted is not sent twice"
        ) from error
