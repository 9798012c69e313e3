import subprocess
import sys

import pytest

import patron

HEAVY = [
    "sklearn",
    "lightgbm",
    "mlflow",
    "ibis",
    "duckdb",
    "matplotlib",
    "lifetimes",
    "scipy.optimize",
    "pydantic",
    "typer",
]


def _loaded(code):
    script = f"import sys\n{code}\nprint(' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_patron_loads_nothing_heavy():
    assert _loaded("import patron; dir(patron)") == set()


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("BetaGeoNBD", set()),
        ("CustomerValue", set()),
        ("metrics", set()),
        ("load_config", {"pydantic"}),
        ("rfm_summary", {"ibis", "duckdb"}),
        ("kpis", {"ibis", "duckdb"}),
    ],
)
def test_a_name_loads_its_own_room_and_no_heavier_one(name, allowed):
    assert _loaded(f"import patron; patron.{name}") <= allowed


@pytest.mark.parametrize("name", patron.__all__)
def test_every_public_name_is_there(name):
    assert getattr(patron, name) is not None
    assert name in dir(patron)


def test_public_names_survive_the_import_of_any_room():
    names = {name: getattr(patron, name) for name in patron.__all__}
    for name, value in names.items():
        assert getattr(patron, name) is value
        assert not (callable(value) and type(value).__name__ == "module"), name
    assert callable(patron.features)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        patron.nonsense  # noqa: B018
