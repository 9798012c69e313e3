"""From nothing to a table of values: whole processes, imports included, against peers in environments of their own.

The peers do not live with Patron: each is installed, in its newest version, into an environment under out/bench/envs.
All read the same file, the 39 weeks of the CDNOW sample on which the published estimates rest.
"""

from __future__ import annotations

import functools
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

import patron
from benchmarks.bar import OUT, Bar, Result, Skipped, alternate

ENVIRONMENTS: Final = OUT / "envs"
AS_OF: Final = "1997-09-30"

PATRON: Final = f"""
import sys
import patron
log = patron.read_transactions(sys.argv[1], time="date")
summary = patron.rfm_summary(log, as_of="{AS_OF}", unit="week")
value = patron.CustomerValue(patron.BetaGeoNBD(), patron.GammaGamma()).fit(summary)
print(value.predict(summary, "364 days", discount_rate=1.001 ** (365.25 / 7) - 1)["clv"].sum())
"""

CLVKIT: Final = """
import sys
import pandas as pd
from clvkit import CLV, CustomerBase
log = pd.read_csv(sys.argv[1], parse_dates=["date"])
cb = CustomerBase.from_transactions(log, time_unit="W", collapse="D")
result = CLV().fit(cb).predict(horizon=52, discount_rate=0.001)
print(result.to_pandas()["clv"].sum())
"""

PYMC: Final = """
import sys
import pandas as pd
from pymc_marketing.clv import BetaGeoModel, GammaGammaModel, utils
log = pd.read_csv(sys.argv[1], parse_dates=["date"])
summary = utils.rfm_summary(log, "customer_id", "date", "amount", time_unit="D")
summary[["recency", "T"]] /= 7
model = BetaGeoModel(data=summary)
model.fit(method="map", progressbar=False)
spend = GammaGammaModel(data=summary[summary["frequency"] > 0])
spend.fit(method="map", progressbar=False)
value = spend.expected_customer_lifetime_value(model, summary, future_t=12, discount_rate=0.001 * 30 / 7, time_unit="W")
print(float(value.mean(("chain", "draw")).sum()))
"""


@functools.cache
def sample() -> Path:
    """Write the calibration period as the file a user would have: customer_id, date, amount."""
    path = OUT / "cdnow-sample.csv"
    OUT.mkdir(parents=True, exist_ok=True)
    rows = patron.datasets.source("cdnow-sample").rename(columns={"time": "date"})
    rows = rows[rows["date"].astype(str) <= AS_OF]
    rows[["customer_id", "date", "amount"]].to_csv(path, index=False)
    return path


def environment(package: str) -> Path:
    """Python of the environment that holds the peer, made when it is first needed."""
    home = ENVIRONMENTS / package
    python, done = home / "bin" / "python", home / "installed"
    uv = Path(sys.executable).with_name("uv")
    if not done.exists():
        try:
            _call(uv, "venv", "--quiet", "--clear", "--python", sys.executable, home)
            _call(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, package)
        except (OSError, subprocess.CalledProcessError) as error:
            told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            raise Skipped(f"{package} cannot be installed here: {told[-1]}") from error
        done.touch()
    return python


def version(python: Path, package: str) -> str:
    return _call(python, "-c", f"from importlib.metadata import version; print(version({package!r}))").strip()


def _call(*command: str | Path) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def process(python: str | Path, script: str, said: list[str]) -> float:
    """CPU seconds of a process, user and system; `said` takes what it prints last."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said[:] = _call(python, "-W", "ignore", "-c", script, sample()).split()[-1:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def against(package: str, script: str) -> Result:
    python = environment(package)
    ours: list[str] = []
    theirs: list[str] = []
    seconds = alternate(
        5,
        ours=lambda: process(sys.executable, PATRON, ours),
        theirs=lambda: process(python, script, theirs),
    )
    note = (
        f"patron {seconds['ours']:.3g} CPU s; sum of all values {float(ours[0]):,.0f}, theirs {float(theirs[0]):,.0f}"
    )
    peer = f"{package} {version(python, package)}"
    return Result(seconds["ours"] / seconds["theirs"], peer, seconds["theirs"], "CPU s", 5, note)


BARS = [
    Bar(
        "cold-clv",
        "of clvkit's CPU time, its six lines: cold process to a CLV table, CDNOW sample",
        1.0,
        "low",
        lambda: against("clvkit", CLVKIT),
    ),
    Bar(
        "cold-clv-pymc",
        "of pymc-marketing's CPU time, MAP fits: cold process to a CLV table, CDNOW sample",
        None,
        "low",
        lambda: against("pymc-marketing", PYMC),
    ),
]
