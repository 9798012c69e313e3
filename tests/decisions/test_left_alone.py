"""What churners left alone are still worth, counted by hand on a small log, and never from days not yet closed."""

from __future__ import annotations

import pandas as pd
import pytest

from patron import read_transactions
from patron.decisions.left_alone import measure


def log_of(*rows, until="2022-12-31"):
    frame = pd.DataFrame(rows, columns=["customer_id", "time", "amount"])
    return read_transactions(frame, timezone="UTC", observed_until=until)


ROWS = [
    ("stays", "2022-01-01", 10.0), ("stays", "2022-08-10", 10.0), ("stays", "2022-11-10", 99.0),
    ("comes back", "2022-01-01", 10.0), ("comes back", "2022-10-20", 30.0), ("comes back", "2022-12-01", 12.0),
    ("lost", "2022-01-01", 10.0),
]  # fmt: skip


def test_spend_after_the_label_until_the_value_horizon_by_hand():
    # as of 2022-07-04 the 180 days ahead close on 12-31; who bought nothing by 09-02 churned: 'comes back' and 'lost'
    found = measure(log_of(*ROWS), churn_horizon=60, value_horizon="180 days", every=200)
    assert (found.spend, found.churners, found.days, found.as_of) == (21.0, 2, 120, ("2022-07-04",))


def test_what_lies_beyond_the_last_day_known_is_not_seen():
    longer = log_of(*ROWS, ("lost", "2023-01-10", 500.0), until="2023-02-01")
    known = measure(longer.until("2022-12-31"), 60, "180 days", 200)
    assert known == measure(log_of(*ROWS), 60, "180 days", 200)


@pytest.mark.parametrize("value_horizon", ["60 days", "340 days", "12 months"])
def test_nothing_is_measured_where_the_log_is_too_short_or_the_horizons_are_one(value_horizon):
    assert measure(log_of(*ROWS), 60, value_horizon, 28) is None


def test_nothing_is_measured_where_nobody_churned():
    steady = [("a", str(day.date()), 5.0) for day in pd.date_range("2022-01-01", "2022-12-31", freq="20D")]
    assert measure(log_of(*steady), 60, "120 days", 28) is None
