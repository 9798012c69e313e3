"""How fast the core features are: one as-of day of ten million transactions, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.bar import Bar, Result

ROWS: Final = 10_000_000
RUNS: Final = 3
WORK: Final = """
import json, sys, time
import patron

def peak():  # of this program alone: ru_maxrss begins with what the parent held
    told = dict(line.split(":") for line in open("/proc/self/status").read().splitlines())
    return int(told["VmHWM"].split()[0]) / 1024**2

log = patron.read_transactions(sys.argv[1])
patron.features(log, "2024-06-30", which="core")
once, told = peak(), []
for _ in range(int(sys.argv[2])):
    wall, cpu = time.perf_counter(), time.process_time()
    patron.features(log, "2024-06-30", which="core")
    told.append((time.perf_counter() - wall, time.process_time() - cpu))
wall, cpu = sorted(told)[len(told) // 2]
print("\\n" + json.dumps({"wall": wall, "cpu": cpu, "once": once, "peak": peak()}))
"""


def measured() -> dict[str, Any]:
    """Median seconds of a fresh process, and its peak GiB after one call and after all."""
    rng = np.random.default_rng(2)
    day = rng.integers(19_358, 20_088, ROWS)  # 2023 and 2024
    rows = pd.DataFrame(
        {
            "customer_id": pd.array(rng.integers(0, ROWS // 20, ROWS).astype(str), dtype="str"),
            "time": day.astype("datetime64[D]").astype("datetime64[s]"),
            "amount": rng.integers(100, 20_000, ROWS) / 100,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        rows.to_parquet(path, index=False)
        done = subprocess.run(
            [sys.executable, "-c", WORK, str(path), str(RUNS)], capture_output=True, text=True, check=True
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # after the engine's own bars
    return told


def seconds() -> Result:
    told = measured()
    note = f"{told['cpu']:.1f} CPU s; 26 features of {ROWS:,} transactions"
    return Result(told["wall"], "peak memory, reading included", told["once"], "GiB", RUNS, note)


def memory() -> Result:
    told = measured()
    note = f"{told['cpu']:.1f} CPU s; {told['peak']:.2f} GiB after {RUNS + 1} calls: the engine keeps what it had"
    return Result(told["once"], "time", told["wall"], "s", RUNS, note)


BARS = [
    Bar("features", "s for the core features of one as-of day, 10M transactions", 6.0, "low", seconds),
    Bar("features-memory", "GiB at most, the same, reading included", 2.0, "low", memory),
]
