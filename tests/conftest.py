"""Fixtures that every room's tests share: the engines, the two CDNOW logs, plots without a screen."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Callable

import pandas as pd
import pytest

import patron.datasets
from patron.data.log import TransactionLog
from patron.data.readers import read_transactions

MakeLog = Callable[..., TransactionLog]


def _on_duckdb(frame: pd.DataFrame, **options) -> TransactionLog:
    return read_transactions(frame, **options)


@pytest.fixture(params=[pytest.param(_on_duckdb, id="duckdb")])
def engine(request) -> MakeLog:
    """`engine(frame, **options)` is the log of `frame` on each engine in turn; a new engine joins as a member."""
    return request.param


@pytest.fixture(scope="session")
def cdnow() -> TransactionLog:
    return patron.datasets.load_cdnow()


@pytest.fixture(scope="session")
def cdnow_sample() -> TransactionLog:
    return patron.datasets.load_cdnow_sample()
