"""Shops with scores and a CRM, and score tables that are mapped."""

import os

import pytest

from patron.delivery import registry
from patron.delivery.fields import fields_of, rows_of
from patron.delivery.state import State
from tests.delivery.servers.base import TOKEN
from tests.delivery.servers.salesforce import SESSION
from tests.delivery.shop import CONFIG, Crm, Shop, hasty, load, scores

collect_ignore = ["killed.py"]


@pytest.fixture(scope="session", autouse=True)
def no_secret_stays_in_a_file(tmp_path_factory):
    """After all tests of deliveries none of their files holds a secret of theirs."""
    yield
    files = [path for path in tmp_path_factory.getbasetemp().rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if any(secret.encode() in path.read_bytes() for secret in (TOKEN, SESSION))] == []


@pytest.fixture
def make_shop_of(tmp_path, monkeypatch):
    """`make_shop_of(more)` is a shop, without scores, with more lines in its section of the CRM."""
    monkeypatch.setattr(registry, "_load", load)
    monkeypatch.setattr(State, "__init__", hasty)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(Crm, "faults", {})
    return lambda more="", text=CONFIG: Shop(tmp_path, text + more)


@pytest.fixture
def shop(make_shop_of):
    """A shop whose latest scores are of six customers."""
    made = make_shop_of()
    made.keep()
    return made


@pytest.fixture
def make_scores():
    return scores


@pytest.fixture
def make_rows_of():
    """`make_rows_of(table, names)` maps a score table, in euros."""

    def mapped(table, names=None):
        return rows_of(table, fields_of(names or {}, table.columns, "EUR", str))

    return mapped
