"""Every public name, option, key, feature and column says what it is; every claim of the proof pages is held."""

import importlib
import inspect
from pathlib import Path
from typing import get_args

import pytest
import typer
from pydantic import BaseModel

import patron
from patron.cli import app
from patron.config import Config
from patron.models.family.base import Model
from patron.scoring.table import COLUMNS

DOCS = Path(__file__).parents[2] / "docs"

CALLABLE = [name for name in patron.__all__ if callable(getattr(patron, name))]


def _methods(cls):
    for name, member in inspect.getmembers(cls):
        if name.startswith("_") or not (inspect.isfunction(member) or inspect.ismethod(member)):
            continue
        if member.__module__.startswith("patron"):
            yield name, member


@pytest.mark.parametrize("name", patron.__all__)
def test_every_public_name_has_a_docstring(name):
    assert len(inspect.getdoc(getattr(patron, name)) or "") > 20


@pytest.mark.parametrize("name", CALLABLE)
def test_every_public_method_has_a_docstring(name):
    value = getattr(patron, name)
    if inspect.isclass(value):
        undocumented = [method for method, member in _methods(value) if not inspect.getdoc(member)]
        assert undocumented == []


@pytest.mark.parametrize("name", CALLABLE)
def test_every_parameter_of_a_public_name_is_described(name):
    value = getattr(patron, name)
    if inspect.isclass(value) and issubclass(value, BaseModel | Exception):
        pytest.skip("described field by field, or takes a message")
    doc = inspect.getdoc(value) or ""
    parameters = [p for p in inspect.signature(value).parameters if p not in ("self", "args", "kwargs")]
    missing = [parameter for parameter in parameters if parameter not in doc]
    assert missing == []


def _sections(section):
    yield section
    for field in section.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _sections(inner)


def test_every_key_of_the_configuration_is_described():
    fields = [(s.__name__, name, f) for s in _sections(Config) for name, f in s.model_fields.items()]
    assert len(fields) > 40
    assert [(section, name) for section, name, field in fields if len(field.description or "") < 5] == []


def test_every_command_and_option_says_what_it_does():
    group = typer.main.get_command(app)
    assert set(group.commands) == {
        "run", "audit", "features", "train", "score", "plan", "evaluate", "deliver", "ledger", "forget", "report",
        "kpis",
    }  # fmt: skip
    for name, command in group.commands.items():
        assert len(command.help or "") > 20, name
        assert [parameter.name for parameter in command.params if len(parameter.help or "") < 10] == []


def test_every_column_of_the_score_table_is_described():
    assert [column.name for column in COLUMNS if len(column.description) < 10] == []


@pytest.fixture
def page(monkeypatch):
    """Import a module of docs by name, as the generator does."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module


def test_concepts_tell_every_model():
    told = (DOCS / "concepts.md").read_text(encoding="utf-8")
    models = [
        name for name in CALLABLE if inspect.isclass(getattr(patron, name)) and issubclass(getattr(patron, name), Model)
    ]
    assert len(models) >= 10
    assert [name for name in models if f"`{name}`" not in told] == []


def test_every_trap_has_a_test(page):
    prove = page("prove")
    tests = prove.trap_tests()
    assert sorted(prove.TRAPS) == list(range(1, 25))
    assert sorted(prove.TRAPS) == sorted(tests)


@pytest.mark.parametrize(
    ("published", "found", "within", "agree"),
    [
        (".243", 0.2434, 0, True),
        (".243", 0.2436, 0, False),
        ("-9582.4", -9582.44, 0, True),
        ("1.07869e-07", 1.07870e-07, 0, False),
        ("11.656", 11.6687, 2e-3, True),
        ("11.656", 11.6687, 1e-3, False),
        (".5", float("nan"), 1, False),
    ],
)
def test_a_figure_is_held_to_what_was_printed(page, published, found, within, agree):
    assert page("claims").agrees(published, found, within) == agree


def test_a_page_with_a_wrong_figure_is_not_written(page):
    claims = page("claims")
    right, wrong = claims.Figure("r, alpha", ".243, 4.414", [0.2426, 4.4136]), claims.Figure("a", ".793", 0.8)
    written = claims.sections("# Proof", [claims.Section("CDNOW", "a paper", [right])])
    assert "| r, alpha | .243, 4.414 | .2426, 4.4136 | every digit | holds |" in written
    with pytest.raises(claims.DisagreementError, match=r"a \| \.793 \| \.8000"):
        claims.sections("# Proof", [claims.Section("CDNOW", "a paper", [right, wrong])])
    with pytest.raises(ValueError, match="zip"):
        claims.sections("# Proof", [claims.Section("CDNOW", "a paper", [claims.Figure("a, b", ".7", [0.7, 0.8])])])
