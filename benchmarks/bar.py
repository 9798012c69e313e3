"""A bar: a claim with its threshold, its peer, and how both are measured in one run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path("out/bench")


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
    """A claim: `measure` must give a value on the right side of `threshold`."""

    id: str
    claim: str
    threshold: float
    better: str
    measure: Callable[[], Result]

    def run(self) -> bool:
        """Measure, print, keep; True if the bar is met."""
        result = self.measure()
        met = result.value >= self.threshold if self.better == "high" else result.value <= self.threshold
        sign = ">=" if self.better == "high" else "<="
        print(f"{'met ' if met else 'MISS'} {self.id}: {result.value:.4g} (bar {sign} {self.threshold:g}) {self.claim}")
        print(f"     {result.peer}: {result.peer_value:.4g} {result.unit}, {result.runs} runs; {result.note}")
        OUT.mkdir(parents=True, exist_ok=True)
        told = {"id": self.id, "threshold": self.threshold, "better": self.better, "met": bool(met), **asdict(result)}
        (OUT / f"{self.id}.json").write_text(json.dumps(told, indent=2, default=float) + "\n", encoding="utf-8")
        return met


def cpu(work: Callable[[], object], runs: int = 5) -> float:
    """Median CPU seconds of `work` over `runs` runs, after one that does not count."""
    work()
    return statistics.median(_cpu_once(work) for _ in range(runs))


def _cpu_once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def wall(work: Callable[[], object], runs: int = 5) -> float:
    """Median wall-clock seconds of `work` over `runs` runs, after one that does not count."""
    work()
    return statistics.median(_wall_once(work) for _ in range(runs))


def _wall_once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
