"""Made logs as plain rows, so that every figure can be counted again without an engine."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import patron

BEGIN = dt.date(2023, 1, 9)  # neither a Monday's week, nor a month, begins with it
_STARTS = {
    "week": lambda day: day - dt.timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


def made_rows(seed=5, customers=40, rows=260, days=430, refunds=0.0):
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    when = np.minimum(rng.integers(0, days, rows), rng.integers(0, days, rows))
    amount = rng.integers(0, 5000, rows) / 100 * np.where(rng.random(rows) < refunds, -1, 1)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02}" for i in who],
            "time": [str(BEGIN + dt.timedelta(days=int(d))) for d in when],
            "amount": amount,
            "channel": rng.choice(["web", "Shop", None], rows),
        }
    )


def start_of(day, every):
    """First day of the period that holds a day."""
    return _STARTS[every](day)


def whole_periods(first, until, every):
    """(first day, last day) of every period from that of `first` to the last that ended by `until`."""
    found, start = [], start_of(first, every)
    while True:
        following = start_of(
            start + dt.timedelta(days={"week": 7, "month": 32, "quarter": 93, "year": 367}[every]), every
        )
        end = following - dt.timedelta(days=1)
        if end > until:
            return found
        found.append((start, end))
        start = following


@pytest.fixture(scope="session")
def plain():
    """`plain.rows(...)`, `plain.log(frame)`, `plain.periods(first, until, every)`, `plain.days(frame)`."""

    class Plain:
        rows = staticmethod(made_rows)
        periods = staticmethod(whole_periods)
        start_of = staticmethod(start_of)

        @staticmethod
        def log(frame, until="2024-03-20", **options):
            return patron.read_transactions(frame, observed_until=until, **options)

        @staticmethod
        def days(frame):
            """Purchase days of each customer, of rows without refunds."""
            found = {}
            for row in frame.itertuples():
                found.setdefault(row.customer_id, set()).add(dt.date.fromisoformat(row.time))
            return {customer: sorted(days) for customer, days in found.items()}

    return Plain


@pytest.fixture(scope="session")
def made(plain):
    return plain.log(plain.rows())


@pytest.fixture(scope="session")
def refunded(plain):
    return plain.log(plain.rows(refunds=0.15))
