"""What is personal stays where it is: no column becomes a feature unless declared, no id leaves but by a delivery."""

import pandas as pd
import pytest

import patron
from patron.features import features_of

PEOPLE = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "name": ["Anna", "Berta"],
        "email": ["anna@example.org", "berta@example.org"],
        "birth_year": [1980, 1990],
        "region": ["north", "south"],
    }
)


@pytest.fixture(scope="module")
def log():
    rows = pd.DataFrame({"customer_id": ["a", "b"], "time": ["2022-01-01", "2022-01-02"], "amount": [1.0, 2.0]})
    return patron.read_transactions(rows.assign(phone="0815"))


def personal(log):
    return [feature.name for feature in features_of(log) if feature.source == "customers"]


def test_no_personal_column_becomes_a_feature_unless_declared(log):
    known = log.with_customers(PEOPLE)
    assert personal(known) == []
    frame = patron.features(known, "2022-01-02")
    assert not [column for column in frame.columns if any(name in column for name in (*PEOPLE.columns[1:], "phone"))]
    told = log.with_customers(PEOPLE, static=["birth_year"])
    assert personal(told) == ["customer_birth_year"]
    assert [column for column in patron.features(told, "2022-01-02").columns if "customer" in column] == [
        "customer_birth_year"
    ]
