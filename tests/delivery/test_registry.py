"""Which targets there are, and what is said of settings that are not theirs."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from patron._core.errors import ConfigError, MissingExtraError
from patron.delivery import registry
from patron.delivery.files import Files
from patron.delivery.registry import open_target


class Theirs:
    """A third party's target."""

    def __init__(self, fields, place, *, room, door=1):
        self.fields, self.place, self.room, self.door = fields, place, room, door
        if room == "cellar":
            raise ConfigError("it is damp", column="room", fix="the attic")


def where(key):
    return f"shop.yaml: {key}"


@pytest.fixture
def theirs(monkeypatch):
    point = EntryPoint("theirs", "tests.delivery.test_registry:Theirs", registry.GROUP)
    broken = EntryPoint("broken", "no_such_module:Target", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point, broken] if group == registry.GROUP else [])


def test_a_built_in_target_is_found_by_its_name(tmp_path):
    assert isinstance(open_target("files", (), tmp_path, {"formats": ["csv"]}), Files)


def test_every_built_in_target_can_be_loaded():
    for kind in registry.BUILT_IN:
        assert callable(registry._load(kind, str))


def test_another_package_adds_a_target_by_an_entry_point(theirs, tmp_path):
    made = open_target("theirs", ("f",), tmp_path, {"room": "attic"})
    assert (made.fields, made.place, made.room, made.door) == (("f",), tmp_path, "attic", 1)


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("nowhere", {}, "shop.yaml: target: there is no target 'nowhere'"),
        (
            "theirs",
            {"room": 1, "roof": 2},
            "shop.yaml: settings.roof: theirs has no setting 'roof'. Fix: theirs knows room",
        ),
        ("theirs", {}, "shop.yaml: settings: theirs needs the setting 'room'"),
        ("theirs", {"room": "cellar"}, "shop.yaml: settings.room: room: it is damp. Fix: the attic."),
        ("broken", {}, "shop.yaml: target: the target 'broken' of no_such_module:Target cannot be loaded"),
        ("files", {"formats": ["xlsx"]}, "shop.yaml: settings.formats: formats: no format of files"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(theirs, tmp_path, kind, settings, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        open_target(kind, (), tmp_path, settings, where)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "salesforce", "no_such_package:Salesforce")
    with pytest.raises(MissingExtraError, match=r"pip install 'patron\[salesforce\]'"):
        open_target("salesforce", (), Path(), {})
