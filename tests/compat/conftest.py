"""The archived package beside the new one, CDNOW, and a log."""

from __future__ import annotations

import importlib
import warnings

import pytest

from patron.compat.lifetimes.datasets import load_cdnow_summary_data_with_monetary_value, load_transaction_data


class Old:
    """Modules of lifetimes by the end of their names; what they say of their age is kept from the tests."""

    def __getitem__(self, name):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(f"lifetimes{name}")


@pytest.fixture(scope="session")
def old():
    return Old()


@pytest.fixture
def quiet():
    """Let the archived package warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="session")
def cdnow():
    return load_cdnow_summary_data_with_monetary_value()


@pytest.fixture(scope="session")
def transactions():
    return load_transaction_data()
