"""A bar: a claim with its threshold, its peer, and how both are measured in one run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path("out/bench")


class Skipped(Exception):  # noqa: N818  # not an error: the bar is told as not measured
    """What a bar needs is not here, and why."""


@dataclass(frozen=True)
class Result:
    """What a bar measured; `value` is a ratio against the peer unless `unit` says otherwise."""

    value: float
    peer: str
    peer_value: float
    unit: str
    runs: int
    note: str


@dataclass(frozen=True)
class Bar:
    """A claim: `measure` must give a value on the right side of `threshold`; without one it is told, not judged."""

    id: str
    claim: str
    threshold: float | None
    better: str
    measure: Callable[[], Result]

    @property
    def bar(self) -> str:
        """The threshold in words."""
        if self.threshold is None:
            return "no bar"
        return f"bar {'>=' if self.better == 'high' else '<='} {self.threshold:g}"

    def met(self, value: float) -> bool:
        """Whether `value` lies on the right side."""
        if self.threshold is None:
            return True
        return value >= self.threshold if self.better == "high" else value <= self.threshold

    def run(self) -> bool:
        """Measure, print, keep; False if the bar is missed. One that is skipped says why and keeps nothing."""
        try:
            result = self.measure()
        except Skipped as reason:
            print(f"SKIP {self.id}: {reason}", flush=True)
            return True
        met = bool(self.met(result.value))
        verdict = "TOLD" if self.threshold is None else "met " if met else "MISS"
        print(f"{verdict} {self.id}: {result.value:.4g} ({self.bar}) {self.claim}")
        runs = f"{result.runs} run{'s' * (result.runs != 1)}"
        print(f"     {result.peer}: {result.peer_value:.4g} {result.unit}, {runs}; {result.note}", flush=True)
        OUT.mkdir(parents=True, exist_ok=True)
        told = {"id": self.id, "threshold": self.threshold, "better": self.better, "met": met, **asdict(result)}
        (OUT / f"{self.id}.json").write_text(json.dumps(told, indent=2, default=float) + "\n", encoding="utf-8")
        return met


def cpu(work: Callable[[], object], runs: int = 5) -> float:
    """Median CPU seconds of `work` over `runs` runs, after one that does not count unless it is the only one."""
    return _median(time.process_time, work, runs)


def wall(work: Callable[[], object], runs: int = 5) -> float:
    """Median wall-clock seconds, likewise."""
    return _median(time.perf_counter, work, runs)


def alternate(runs: int, **works: Callable[[], float]) -> dict[str, float]:
    """Medians of what each of `works` measures, taken in turns, after one turn that does not count."""
    turns = [{name: work() for name, work in works.items()} for _ in range(runs + 1)][1:]
    return {name: statistics.median(turn[name] for turn in turns) for name in works}


def timed(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """Seconds that one run of `work` takes by `clock`."""
    start = clock()
    work()
    return clock() - start


def _median(clock: Callable[[], float], work: Callable[[], object], runs: int) -> float:
    if runs > 1:
        work()
    return statistics.median(timed(clock, work) for _ in range(runs))
