"""The page on key figures: every call in it runs, and every column has its formula."""

import re
from pathlib import Path

import pandas as pd
import pytest

from patron import kpis

PAGE = (Path(__file__).parents[2] / "docs" / "kpis.md").read_text(encoding="utf-8")
CALLS = sorted(set(re.findall(r"`(kpis\.[^`]+)`", PAGE)))
NAMED = re.compile(r"[a-z_0-9]+")
pytestmark = pytest.mark.xdist_group("page of key figures")  # its calls are made once


@pytest.fixture(scope="module")
def told(made):
    """What every call of the page gives."""
    ids = [f"c{i:02}" for i in range(40)]
    days = ["2023-05-03"] * 40
    log = made.with_events(
        pd.DataFrame({"customer_id": ids * 2, "time": days * 2, "kind": ["nps"] * 40 + ["csat"] * 40, "value": 3})
    ).with_subscriptions(
        pd.DataFrame({"customer_id": ids, "start": days, "end": None, "plan": ["gold", "basic"] * 20, "price": 9})
    )
    scores = pd.DataFrame({"customer_id": ids, "clv": 5.0, "segment": ["New", "Lost"] * 20})
    costs = pd.DataFrame({"channel": ["web"], "month": ["2023-01"], "cost": [9.0]})
    names = {"kpis": kpis, "log": log, "scores": scores, "costs": costs}
    return {call: eval(call, names) for call in CALLS}  # our own page


def test_every_call_of_the_page_gives_a_table(told):
    assert len(told) > 30
    assert [call for call, table in told.items() if not len(table)] == []


def test_every_column_has_its_formula(told):
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|")]
    explained = {name for row in rows for name in NAMED.findall(row)}
    columns = {
        name for table in told.values() if isinstance(table, pd.DataFrame) for name in table if isinstance(name, str)
    }
    shared = {"difference", "at_risk", "answers", "promoters", "passives", "detractors", "satisfied"}
    assert columns - explained == shared
