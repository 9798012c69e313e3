"""How far it goes: the memory of ten million customers, time against size, and an interval for every customer."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np

import patron
from benchmarks.bar import Bar, Result, alternate, cpu, timed
from benchmarks.speed import MILLION, customers

MILLIONS: Final = 10
COLUMNS: Final = ("frequency", "recency", "T")

FIT_AND_SCORE: Final = """
import json, resource, sys
import numpy as np
import pandas as pd
import patron
frame = pd.DataFrame({name: np.load(f"{sys.argv[1]}/{name}.npy") for name in ("frequency", "recency", "T")})
frame.attrs["unit"] = "day"
before = resource.getrusage(resource.RUSAGE_SELF)
model = patron.BetaGeoNBD().fit(frame)
fitted = resource.getrusage(resource.RUSAGE_SELF)
expected = model.expected_purchases(frame, "12 months", as_of="2024-06-30")
after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "peak": after.ru_maxrss * 1024 / 1e9,
    "before": before.ru_maxrss * 1024 / 1e9,
    "fit": fitted.ru_utime + fitted.ru_stime - before.ru_utime - before.ru_stime,
    "score": after.ru_utime + after.ru_stime - fitted.ru_utime - fitted.ru_stime,
    "rows": len(expected),
}))
"""
"""A process of its own: the frame that the summary would give, then the model; nothing else is imported."""


def write_customers(folder: str) -> None:
    """Write ten million customers, drawn like those of the other bars, a file a column."""
    drawn = [customers.__wrapped__(MILLION, seed) for seed in range(MILLIONS)]
    for name in COLUMNS:
        np.save(Path(folder) / f"{name}.npy", np.concatenate([frame[name] for frame in drawn]))


def memory() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        for script in ("from benchmarks import scale; import sys; scale.write_customers(sys.argv[1])", FIT_AND_SCORE):
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", script, folder], check=True, stdout=subprocess.PIPE, text=True
            )
    told = json.loads(done.stdout)
    note = f"{told['rows']:,} rows; fit {told['fit']:.3g}, purchases of 12 months {told['score']:.3g} CPU s"
    return Result(told["peak"], "the frame and the imports alone", told["before"], "GB", 1, note)


def pareto_scale() -> Result:
    many = customers(MILLION)
    few = many.head(MILLION // 10)
    model = patron.ParetoNBD()
    seconds = alternate(
        5,
        many=functools.partial(timed, time.process_time, lambda: model.fit(many)),
        few=functools.partial(timed, time.process_time, lambda: model.fit(few)),
    )
    note = f"a million {seconds['many']:.3g} CPU s"
    return Result(seconds["many"] / seconds["few"], "a tenth of them", seconds["few"], "CPU s", 5, note)


def clv_interval() -> Result:
    summary = patron.rfm_summary(patron.datasets.load_cdnow(), as_of="1998-06-30")
    seconds = {}
    for model in (patron.BetaGeoNBD(), patron.ParetoNBD()):
        value = patron.CustomerValue(model, patron.GammaGamma()).fit(summary)
        seconds[type(model).__name__] = cpu(functools.partial(value.interval, summary, "12 months"), 3)
    (quick, least), (slow, most) = sorted(seconds.items(), key=lambda pair: pair[1])
    note = f"{slow} {most:.3g}; {len(summary):,} customers, CDNOW, 12 months ahead"
    return Result(most, quick, least, "CPU s", 3, note)


BARS = [
    Bar("memory-10m", "GB at most, in a process that fits BG/NBD to 10M customers and scores them", 1.5, "low", memory),
    Bar("pareto-scale", "times the CPU time of 100k customers, Pareto/NBD fit, 1M", 12, "low", pareto_scale),
    Bar("clv-interval", "CPU s, an interval for the value of every customer of CDNOW", 5, "low", clv_interval),
]
