"""Tables by URL: found, joined, scored from; and what is said, without passwords, where they cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

import patron
from patron import datasets, pipeline
from patron._core.errors import DataError, MissingExtraError
from patron.config.tables import TableSource
from patron.data.readers import read_transactions
from patron.scoring.spark import score_spark

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("servers")]

ORDERS = pd.DataFrame(
    {
        "customer_id": ["007", "007", "008"],
        "time": ["2024-01-31", "2024-02-03", "2024-02-03"],
        "amount": [12.5, 8.0, -3.1],
    }
)
CALLS = pd.DataFrame({"customer_id": ["007"], "time": ["2024-02-01"], "kind": ["call"]})


@pytest.fixture(scope="module")
def shop(postgres, into_postgres):
    into_postgres(ORDERS, "orders")
    into_postgres(CALLS, "calls")
    return postgres


def test_a_log_and_its_side_table_by_url(shop):
    log = read_transactions(shop, table="orders").with_events(shop, table="calls")
    assert log.engine.name == "postgres"
    assert log.digest() == read_transactions(ORDERS).digest()
    assert read_transactions(shop, table="public.orders").rows == 3
    assert log.events.count().to_pyarrow().as_py() == 1


def test_a_side_table_of_a_log_elsewhere(shop):
    assert read_transactions(ORDERS).with_events(shop, table="calls").events is not None
    with pytest.raises(DataError, match="lives in postgres takes side tables from there"):
        read_transactions(shop, table="orders").with_events(CALLS)


@pytest.mark.parametrize("table", ["order", "public.order", "nowhere.orders", None])
def test_an_absent_table(shop, table):
    with pytest.raises(DataError, match=r"there is no table|no table is named") as caught:
        read_transactions(shop, table=table)
    close = {"order": "it has orders", "public.order": "it has orders", "nowhere.orders": "there are no tables"}
    assert close.get(table, "it has calls, ") in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/shop",
        "postgresql://127.0.0.1:1/shop?user=me&password=s3cret",
        "postgresql://me:s3%zzcret@127.0.0.1:1/shop",
        "postgresql+psycopg://me:s3cret@127.0.0.1:1/shop",
        "mysql://me:s3cret@127.0.0.1:1/shop",
    ],
)
def test_no_refusal_tells_the_password(url):
    with pytest.raises(DataError) as caught:
        read_transactions(url, table="orders")
    assert "cret" not in str(caught.value)
    assert "Fix:" in str(caught.value)


def test_no_configuration_tells_the_password():
    source = TableSource(source="postgresql://me:s3cret@host/shop", table="orders")
    assert source.source == "postgresql://me:s3cret@host/shop"
    for text in (repr(source), str(source), source.model_dump_json(), str(source.model_dump())):
        assert "me:***@host" in text
        assert "s3cret" not in text


def test_a_table_without_a_database():
    with pytest.raises(DataError, match="table='orders' goes with a database's URL"):
        read_transactions(ORDERS, table="orders")


@pytest.mark.parametrize(
    ("module", "url", "extra"), [("psycopg", "postgresql://h/d", "postgres"), ("pyspark.sql", "spark://", "spark")]
)
def test_what_to_install_is_said(monkeypatch, module, url, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'patron\[{extra}\]'"):
        read_transactions(url, table="orders")


@pytest.mark.slow
def test_spark_by_url_by_frame_and_its_scores(spark, into_spark, cdnow_sample):
    into_spark(ORDERS).createOrReplaceTempView("orders")
    log = read_transactions("spark://", table="orders").with_events(into_spark(CALLS))
    assert log.digest() == read_transactions(ORDERS).digest()
    with pytest.raises(DataError, match=r"there is no table order in spark://; it has .*orders"):
        read_transactions("spark://", table="order")

    scorer = patron.Scorer.load(Path(__file__).parents[2] / "models" / "cdnow-reference")
    X = patron.features(cdnow_sample, "1998-06-30", unit="week").iloc[:300]
    here = scorer.score(X, reasons_rows=0, run_id="r1")
    scored = score_spark(scorer, into_spark(X.reset_index()), run_id="r1").toArrow()
    there = scored.to_pandas().sort_values("customer_id")
    assert list(there.columns) == list(here.columns)
    for name in here.columns.drop(["as_of", "scored_at"]):
        assert there[name].to_list() == here[name].to_list() or there[name].equals(here[name]), name
    with pytest.raises(DataError, match="missing from the features"):
        score_spark(scorer, into_spark(X.reset_index().drop(columns="frequency")))


CONFIG = """\
name: shop
workspace: "{workspace}"
data:
  transactions: {{source: "{source}", table: cdnow}}
churn: {{horizon: 91 days, test: {{last: 2, every: 91 days}}, recipes: [base_rate, bg_nbd]}}
value: {{test_horizon: 91 days, recipes: [average, bg_nbd]}}
"""


@pytest.mark.slow
def test_training_and_scoring_from_postgres_equal_those_from_here(postgres, into_postgres, tmp_path, untracked):
    into_postgres(datasets.source("cdnow-sample"), "cdnow")
    tables = []
    for name, text in (
        ("there", CONFIG.replace("{source}", postgres)),
        ("here", CONFIG.replace("{source}", "dataset:cdnow-sample").replace(", table: cdnow", "")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        config = folder / "shop.yaml"
        config.write_text(text.format(workspace=folder))
        with untracked():
            pipeline.train(config)
        scoring = pipeline.score(config)
        tables.append(pd.read_parquet(scoring.folder / "scores.parquet").drop(columns=["run_id", "scored_at"]))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
