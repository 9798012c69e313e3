from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron import DataError
from patron.decisions.acquisition import UNKNOWN, ceilings
from patron.decisions.wording import ceiling_words

CUSTOMERS = pd.DataFrame(
    {
        "channel": ["ads", "ads", "shop", None],
        "month": ["2024-01", "2024-01", "2024-02", "2024-01"],
        "spend": [100.0, 20.0, 60.0, 10.0],
        "clv": [30.0, 10.0, 5.0, 0.0],
    }
)


def costs(*rows):
    return pd.DataFrame(rows, columns=["channel", "month", "cost"])


def test_the_ceiling_is_what_a_customer_brings_from_first_to_last():
    table = ceilings(CUSTOMERS, costs(("ads", "2024-01", "120")), margin=0.5).set_index(["channel", "month"])
    ads = table.loc[("ads", "2024-01")]
    assert ads.to_dict() == {"customers": 2, "ceiling": (50 + 30 + 10 + 10) / 2, "paid": 60.0, "left": -10.0}
    assert np.isnan(table.loc[("shop", "2024-02"), "paid"])


def test_what_is_not_known_is_told():
    told = ceiling_words(ceilings(CUSTOMERS, costs(("ads", "2024-01", 120), ("tv", "2024-01", 9)), 0.5), "EUR")
    assert told[0].startswith("acquisition: 2 customers of known cost, EUR 60.00 paid for one that brings EUR 50.00")
    assert "1 of 1 cost more than they bring: ads 2024-01 (60.00 for 50.00)" in told[1]
    assert told[2].endswith(f"customers without a cost, in channels {UNKNOWN}, shop")
    assert told[3].endswith("costs without customers, in channels tv")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("ads", "2024-13", 1)], r"'plan.costs: month': not a month \(1 row, for example '2024-13'\)"),
        ([("ads", "January", 1)], "not a month"),
        ([("ads", "2024-01", "many")], r"'plan.costs: cost': not a cost \(1 row, for example 'many'\)"),
        ([("ads", "2024-01", -1.0)], "not a cost"),
        ([("ads", "2024-01", None)], "not a cost"),
        ([("ads", "2024-01", 1), ("ads", "2024-01", 2)], "two costs of one channel and month"),
    ],
)
def test_costs_that_make_no_sense_are_refused(rows, words):
    with pytest.raises(DataError, match=words):
        ceilings(CUSTOMERS, costs(*rows), 0.5)
