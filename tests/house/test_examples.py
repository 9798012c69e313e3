"""The pages' examples run as they stand, in the order of the page, and their configurations load."""

from __future__ import annotations

import functools
import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import patron
from patron.recipes.training import Timeline

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
# What is not run here: a piece of the block, and the test that holds it instead
COVERED = {
    "README": {"import patron": "test_the_code_of_a_front_page_runs_from_top_to_bottom"},
    "index": {
        "import patron": "test_the_code_of_a_front_page_runs_from_top_to_bottom",
        "board = patron.backtest(": "test_the_code_of_a_front_page_runs_from_top_to_bottom",
    },
    # servers: Postgres and Spark
    "own-data": {
        "postgresql://me@host/shop": "test_a_log_and_its_side_table_by_url",
        '"spark://"': "test_spark_by_url_by_frame_and_its_scores",
        "import score_spark": "test_spark_by_url_by_frame_and_its_scores",
    },
    # Airflow, which is not installed
    "scheduling": {"from airflow import DAG": "test_the_dag_parses_and_names_its_tasks"},
    # a registry with a champion in it
    "tracking": {"mlflow.pyfunc.load_model(": "test_a_fresh_process_without_the_source_gets_the_same_numbers"},
}
START = 'name: shop\ndata: {transactions: {source: "sales/*.csv"}, customers: {source: people.csv}}\n'


def blocks(page, language):
    """The blocks of a page in a language, wherever they are indented to."""
    text = PAGES[page].read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


def left(page):
    """The blocks of a page that run here."""
    return [code for code in blocks(page, "python") if not any(part in code for part in COVERED.get(page, ()))]


def sales(customers=60):
    """Purchases of 2023 and 2024, each customer at a pace of their own."""
    days = pd.date_range("2023-01-02", "2024-12-30", freq="D")
    who, when = zip(*((i, day) for i in range(customers) for day in days[i :: 20 + 3 * i]), strict=True)
    number = np.arange(len(who))
    return pd.DataFrame(
        {"customer_id": [f"c{i:03}" for i in who], "time": when, "amount": 5 + number % 40, "order_id": number}
    )


def contracts(customers=400):
    """Contracts by the month, which every customer leaves sooner or later, one of two plans rather sooner."""
    rng = np.random.default_rng(3)
    gold = np.arange(customers) % 2 == 0
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, customers), unit="D")
    months = rng.geometric(np.where(gold, 0.06, 0.2))
    end = [day + pd.DateOffset(months=int(n)) - pd.Timedelta(days=1) for day, n in zip(start, months, strict=True)]
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:03}" for i in range(customers)],
            "start": start,
            "end": pd.Series(end).where(pd.Series(end) < pd.Timestamp("2025-01-01")),
            "plan": np.where(gold, "gold", "basic"),
            "price": np.where(gold, 19.0, 9.0),
        }
    )


def attributes(customers=400):
    """One row a customer, without dates."""
    rng = np.random.default_rng(4)
    tenure = rng.integers(1, 72, customers)
    return pd.DataFrame(
        {
            "customerID": [f"{i:04}" for i in range(customers)],
            "tenure": tenure,
            "Contract": rng.choice(["Month-to-month", "One year"], customers),
            "MonthlyCharges": rng.uniform(20, 110, customers).round(2),
            "Churn": np.where(rng.random(customers) < 8 / (20 + tenure), "Yes", "No"),
        }
    )


def contractual_churn():
    Path("contracts").mkdir()
    contracts().to_csv("contracts/all.csv", index=False)
    attributes().to_csv("telco.csv", index=False)
    attributes(20).drop(columns="Churn").to_csv("new.csv", index=False)
    return {"log": patron.read_transactions(sales()).with_subscriptions(contracts()), "day": "2024-09-30"}


def own_data():
    rows = sales()
    Path("sales").mkdir()
    names = {"customer_id": "client", "time": "paid_at", "amount": "total", "order_id": "order_no"}
    rows.rename(columns=names).to_csv("sales/all.csv", index=False)
    Path("lines").mkdir()
    lines = rows.rename(columns={"order_id": "basket"}).assign(sku="s1", group="books", saved=0.5)
    lines.to_parquet("lines/all.parquet", index=False)
    people = pd.DataFrame({"customer_id": rows["customer_id"].unique(), "region": "north", "birth_year": 1980})
    people.to_csv("people.csv", index=False)
    rows[["customer_id", "time"]].iloc[::9].assign(kind="visit").to_csv("contacts.csv", index=False)
    return {}


def tracking():
    return {"log": patron.read_transactions(sales()), "patron": patron}


MADE = {"contractual-churn": contractual_churn, "own-data": own_data, "tracking": tracking}
SLOW = {"contractual-churn", "plots"}


@pytest.fixture
def folder(tmp_path, monkeypatch, cdnow_sample):
    """A folder of its own with the models of the repository; CDNOW is its sample, and backtests train on one day."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").symlink_to(ROOT / "models")
    for name in ("load_cdnow", "load_cdnow_sample"):
        monkeypatch.setattr(patron.datasets, name, lambda: cdnow_sample)
    line = Timeline(cdnow_sample, 91, which="core", origins=1)
    monkeypatch.setattr(patron, "backtest", functools.partial(patron.backtest, timeline=line))


def test_no_block_is_overlooked_for_its_label():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES.values())
    assert set(re.findall(r"^ *```(.+)$", text, re.MULTILINE)) == {"python", "yaml", "toml", "json"}


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES if left(page)]
)
def test_the_examples_of_a_page_run(page, folder):
    scope = MADE.get(page, dict)()
    for code in left(page):
        exec(compile(code, f"{page}.md", "exec"), scope)


@pytest.mark.parametrize("page", COVERED)
def test_what_is_not_run_here_is_held_by_a_test_there_is(page):
    for part, test in COVERED[page].items():
        (code,) = [code for code in blocks(page, "python") if part in code]
        compile(code, f"{page}.md", "exec")
        assert any(f"\ndef {test}(" in path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "yaml")])
def test_the_configurations_of_a_page_load(page, tmp_path):
    for text in blocks(page, "yaml"):
        whole = {"name", "data"} <= set(yaml.safe_load(text))
        path = tmp_path / "shown.yaml"
        path.write_text(text if whole else START + text, encoding="utf-8")
        patron.load_config(path)
