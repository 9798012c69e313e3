"""Every public name of lifetimes is there, with its signature, and needs lifetimes for nothing but its data files."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

MODULES = [
    "",
    ".datasets",
    ".fitters",
    ".fitters.beta_geo_beta_binom_fitter",
    ".fitters.beta_geo_fitter",
    ".fitters.gamma_gamma_fitter",
    ".fitters.modified_beta_geo_fitter",
    ".fitters.pareto_nbd_fitter",
    ".generate_data",
    ".plotting",
    ".utils",
    ".version",
]
PRIVATE_BUT_USED = {
    "_check_inputs",
    "_customer_lifetime_value",
    "_find_first_transactions",
    "_scale_time",
    "_unload_params",
}


def its_own(module):
    """What a module of lifetimes defines or offers."""
    return {
        name: value
        for name, value in vars(module).items()
        if (not name.startswith("_") or name in PRIVATE_BUT_USED)
        and (inspect.isfunction(value) or inspect.isclass(value))
        and (value.__module__ == module.__name__ or name in getattr(module, "__all__", []))
    }


def arguments(function):
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


def signatures(module):
    """Name to function, the methods of classes included."""
    for name, value in its_own(module).items():
        if inspect.isfunction(value):
            yield name, value
        else:
            for method, function in inspect.getmembers(value, inspect.isfunction):
                if not method.startswith("_") or method in {"__init__", *PRIVATE_BUT_USED}:
                    yield f"{name}.{method}", function


def found(module, path):
    for part in path.split("."):
        module = getattr(module, part)
    return module


@pytest.mark.parametrize("name", MODULES)
def test_every_name_is_there_with_its_signature(name, old):
    before, now = old[name], importlib.import_module(f"patron.compat.lifetimes{name}")
    assert set(its_own(before)) <= set(vars(now))
    assert set(getattr(before, "__all__", [])) == set(getattr(now, "__all__", []))
    for path, function in signatures(before):
        if path != "BaseFitter.__init__":  # lifetimes' takes nothing
            assert arguments(found(now, path)) == arguments(function), path


def test_version_is_the_one_whose_interface_it_is(old):
    assert importlib.import_module("patron.compat.lifetimes").__version__ == old[""].__version__


def test_importing_it_loads_nothing_heavy_and_changes_no_filter():
    program = """
import sys, warnings
import numpy, pandas, scipy.sparse, scipy.special
before = list(warnings.filters)
import patron.compat.lifetimes.plotting
from patron.compat.lifetimes.datasets import load_cdnow_summary
load_cdnow_summary()
assert not {"lifetimes", "autograd", "dill", "matplotlib", "ibis", "scipy.stats", "sklearn"} & set(sys.modules)
assert list(warnings.filters) == before, "importing it changed the filters of warnings"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
