"""Every public name, option, key, feature and column says what it is."""

import inspect
from typing import get_args

import pytest
import typer
from pydantic import BaseModel

import patron
from patron.cli import app
from patron.config import Config
from patron.scoring.table import COLUMNS

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
    assert set(group.commands) == {"run", "audit", "train", "score", "report"}
    for name, command in group.commands.items():
        assert len(command.help or "") > 20, name
        assert [parameter.name for parameter in command.params if len(parameter.help or "") < 10] == []


def test_every_column_of_the_score_table_is_described():
    assert [column.name for column in COLUMNS if len(column.description) < 10] == []
