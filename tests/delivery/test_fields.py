import datetime as dt

import numpy as np
import pandas as pd
import pytest

from patron import ConfigError, DataError
from patron.delivery.fields import MISSING, fields_of

NAMES = {"churn_probability": "Churn", "p_alive": "Alive", "clv": "CLV", "as_of": "Day", "scored_at": "At"}


def place(key):
    return f"shop.yaml: {key}"


def test_customer_id_goes_first_whether_named_or_not(make_scores):
    assert [field.name for field in fields_of(NAMES, make_scores().columns, "EUR", str)] == [
        "customer_id", "Day", "Churn", "Alive", "CLV", "At",
    ]  # fmt: skip
    named = fields_of({"clv": "v", "customer_id": "Id"}, ["clv", "customer_id"], "EUR", str)
    assert [field.name for field in named] == ["Id", "v"]


def test_all_columns_go_under_their_own_names_when_none_is_named(make_scores):
    table = make_scores()
    assert [field.name for field in fields_of({}, table.columns, "EUR", str)] == list(table.columns)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"clw": "x"}, "shop.yaml: fields.clw: no score table has a column 'clw'. Fix: did you mean 'clv'?"),
        ({"segment": "x"}, "shop.yaml: fields.segment: these scores have no column 'segment'"),
        ({"clv": "x", "as_of": "x"}, "fields.as_of: clv and as_of are both called 'x' there"),
        ({"clv": "customer_id"}, "fields.clv: customer_id and clv are both called 'customer_id' there"),
        ({"clv": " "}, "fields.clv: the field has no name"),
    ],
)
def test_fields_that_cannot_be_delivered_are_refused_by_their_place(make_scores, names, told):
    with pytest.raises(ConfigError) as error:
        fields_of(names, make_scores().columns, "EUR", place)
    assert told in str(error.value)


def test_scores_of_nobody_and_of_one_customer_twice_are_refused(make_scores, make_rows_of):
    with pytest.raises(DataError, match="customer_id"):
        fields_of({}, ["clv"], "EUR", str)
    table = make_scores()
    with pytest.raises(DataError, match="scored twice"):
        make_rows_of(pd.concat([table, table.head(1)]))


def test_rows_hold_what_python_holds(make_scores, make_rows_of):
    table = make_scores(3)
    table["churn_probability"] = [0.1234564999, 0.12345651, -0.0000001]
    table["clv_basis"] = ["a", None, "b"]
    rows = make_rows_of(table, {**NAMES, "clv_basis": "Basis", "churn_horizon_days": "H"})
    frame = rows.frame(np.array([0, 1, 2]))
    assert list(frame.index) == list(frame["customer_id"]) == ["c0", "c1", "c2"]
    assert frame["Churn"].tolist() == [0.123456, 0.123457, 0.0]
    assert frame["Alive"].tolist() == [None, 0.5, 0.25]
    assert frame["Basis"].tolist() == ["a", None, "b"]
    assert frame["H"].tolist() == [91, 91, 91]
    assert frame["Day"].tolist() == [dt.date(2024, 6, 30)] * 3
    assert frame["At"].tolist() == [dt.datetime(2024, 6, 30, 12, tzinfo=dt.UTC)] * 3


def test_money_is_rounded_as_its_currency_is(make_scores):
    [_, clv] = fields_of({"clv": "clv"}, make_scores().columns, "JPY", str)
    assert clv.decimals == 0


def test_a_row_says_the_same_whenever_and_by_whatever_model_it_was_scored(make_scores, make_rows_of):
    one = make_rows_of(make_scores())
    other = make_rows_of(make_scores(day="2024-07-31", version=2))
    assert (one.said == other.said).all()
    assert (one.numbers == other.numbers).all()


@pytest.mark.parametrize("column", ["churn_band", "clv_basis", "churn_horizon_days"])
def test_a_row_says_something_else_when_a_word_or_count_changes(make_scores, make_rows_of, column):
    table = make_scores()
    table[column] = [*table[column][:-1], 7 if column == "churn_horizon_days" else "other"]
    same = (make_rows_of(make_scores()).said == make_rows_of(table).said).all(axis=1)
    assert same.tolist() == [True] * 5 + [False]


def test_words_do_not_run_into_each_other(make_scores, make_rows_of):
    table = make_scores(2)
    one = make_rows_of(table.assign(churn_band=["a", "ab"], clv_basis=["bc", "c"]))
    assert (one.said[0] != one.said[1]).any()


def test_another_name_or_rounding_is_another_row(make_scores, make_rows_of):
    names = [{"clv": "a"}, {"clv": "b"}, {"expected_revenue": "a"}]
    table = make_scores().assign(expected_revenue=1.0)
    assert len({make_rows_of(table, name).said[0].tobytes() for name in names}) == 2


def test_what_a_row_says_is_the_same_on_every_machine_and_in_every_version(make_scores, make_rows_of):
    rows = make_rows_of(make_scores(2), {"churn_band": "Band", "churn_horizon_days": "H", "clv": "CLV", "p_alive": "A"})
    assert rows.said.astype("<u8").tobytes().hex() == (
        "1f677074211f8f186bfea64d3b42b2a8c7bebbeaec7e3260a1cb9f02b38a84ec"
    )
    assert rows.numbers.tolist() == [[MISSING, 10000], [333333, 20000]]
