"""A table of attributes as features and label, other customers told alike, and a split that says it knows no time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError, DataWarning
from patron.churn import ChurnClassifier
from patron.features.attributes import attribute_frame, attributes_like
from patron.features.holdout import stratified_split


def telco(n=400, seed=0):
    """A table like that of a telephone company: yes or no, levels, numbers, and numbers in text with blanks."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 72, n)
    monthly = rng.uniform(20, 110, n).round(2)
    return pd.DataFrame(
        {
            "customerID": [f"{i:04}-ABCDE" for i in rng.permutation(n)],
            "SeniorCitizen": rng.integers(0, 2, n),
            "Partner": rng.choice(["Yes", "No"], n),
            "tenure": tenure,
            "Contract": rng.choice(["Month-to-month", "One year", "Two year"], n, p=[0.5, 0.2, 0.3]),
            "Paperless": rng.random(n) < 0.5,
            "MonthlyCharges": monthly,
            "TotalCharges": np.where(tenure == 0, " ", (tenure * monthly).round(2).astype(str)),
            "Churn": np.where(rng.random(n) < 0.3, "Yes", "No"),
        }
    )


def test_numbers_keep_their_value_and_texts_become_levels_the_most_frequent_first():
    table = telco().query("tenure > 0")
    X, y = attribute_frame(table)
    assert list(X) == [
        "customer_SeniorCitizen",
        *[f"customer_Partner={level}" for level in table["Partner"].value_counts().index],
        "customer_tenure",
        "customer_Contract=Month-to-month", "customer_Contract=Two year", "customer_Contract=One year",
        "customer_Paperless",
        "customer_MonthlyCharges",
        "customer_TotalCharges",
    ]  # fmt: skip
    assert set(X.dtypes.astype(str)) == {"float64"}
    same = table.set_index("customerID").loc[X.index]
    assert (y == (same["Churn"] == "Yes")).all()
    assert (X["customer_TotalCharges"] == same["TotalCharges"].astype(float)).all()
    assert (X["customer_Paperless"] == same["Paperless"]).all()
    assert (X["customer_Contract=Two year"] == (same["Contract"] == "Two year")).all()
    assert X.index.is_monotonic_increasing


def test_blanks_among_numbers_are_missing_and_counted():
    table = telco()
    blank = int((table["tenure"] == 0).sum())
    with pytest.warns(DataWarning, match=rf"'TotalCharges' holds numbers in text, {blank} of 400 blank"):
        X, _ = attribute_frame(table)
    assert X["customer_TotalCharges"].isna().sum() == blank > 0


def test_a_missing_text_is_missing_in_all_its_levels():
    table = telco().query("tenure > 0").assign(Partner=lambda t: t["Partner"].mask(t.index < 10, "  "))
    X, _ = attribute_frame(table)
    assert (X.filter(like="Partner").isna().sum() == (table["Partner"] == "  ").sum()).all()
    assert (X.filter(like="Partner").sum(axis=1).isin([0, 1])).all()


def test_the_order_of_the_rows_and_where_they_lie_change_nothing(tmp_path):
    table = telco().query("tenure > 0")
    X, y = attribute_frame(table)
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "telco.csv", index=False)
    from_file, label = attribute_frame(tmp_path / "telco.csv")
    pd.testing.assert_frame_equal(X.drop(columns="customer_Paperless"), from_file.filter(X.columns))
    pd.testing.assert_series_equal(y, label)


def test_a_column_that_can_be_no_feature_is_left_out_aloud():
    table = telco().query("tenure > 0").assign(since=pd.Timestamp("2024-01-01"), city=lambda t: "c" + t["customerID"])
    with pytest.warns(DataWarning, match=r"'since' holds datetime64|'city' holds more than 20 levels") as told:
        X, _ = attribute_frame(table)
    assert sum(issubclass(one.category, DataWarning) for one in told) == 2
    assert not [name for name in X if "since" in name or "city" in name]


def test_other_customers_are_told_alike_whatever_levels_they_have():
    table = telco().query("tenure > 0")
    X, y = attribute_frame(table)
    few = table.iloc[:5].drop(columns="Churn")
    told = attributes_like(X, few)
    pd.testing.assert_frame_equal(told, X.loc[told.index])
    assert told.attrs == X.attrs
    model = ChurnClassifier().fit(X, y)
    assert (model.predict_proba(told) == model.predict_proba(X.loc[told.index])).all()
    with pytest.warns(DataWarning, match=r"'Contract': 5 customers have a level that was not seen.*'Weekly'"):
        strange = attributes_like(X, few.assign(Contract="Weekly"))
    assert (strange.filter(like="Contract") == 0).all(axis=None)
    with pytest.raises(DataError, match=r"'tenure': not a number .*'long'"):
        attributes_like(X, few.assign(tenure="long"))
    with pytest.raises(DataError, match="does not say how it was made"):
        attributes_like(pd.DataFrame(X.to_numpy()), few)


def test_reasons_tell_the_attributes_in_words():
    table = telco(seed=3).query("tenure > 0").assign(Churn=lambda t: np.where(t["Contract"] == "Two year", "No", "Yes"))
    X, y = attribute_frame(table)
    told = ChurnClassifier().fit(X, y).reasons(X, top=1)["reason_1"]
    assert "Contract Two year (lowers risk)" in set(told)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"Churn": "No"}, "takes two values, one of them 'Yes'"),
        ({"Churn": lambda t: t["Churn"].mask(t.index < 9, "Maybe")}, "takes two values"),
        ({"Churn": lambda t: t["Churn"].mask(t.index < 9)}, r"'Churn': is missing \(9 rows\)"),
        ({"customerID": lambda t: t["customerID"].mask(t.index < 9, "x")}, r"in more than one row \(9 rows"),
        ({"customerID": lambda t: t["customerID"].mask(t.index < 9)}, r"'customerID': is missing \(9 rows"),
        ({"tenure": lambda t: t["tenure"].astype(float).mask(t.index < 9, np.inf)}, r"'tenure': is infinite \(9 rows"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(change, match):
    table = telco()
    table["TotalCharges"] = table["tenure"] * table["MonthlyCharges"]
    with pytest.raises(DataError, match=match):
        attribute_frame(table.assign(**change))


def test_a_label_may_be_a_number_or_a_truth():
    table = telco().query("tenure > 0")
    _, y = attribute_frame(table)
    left = table["Churn"] == "Yes"
    for label, positive in ((left, True), (left.astype(int), 1), (left.map({True: "1", False: "0"}), 1)):
        _, same = attribute_frame(table.assign(Churn=label), positive=positive)
        pd.testing.assert_series_equal(y, same)
    with pytest.raises(DataError, match="column 'Gone': is not in the frame"):
        attribute_frame(table, label="Gone")


def test_a_split_leaves_the_frame_as_it_was_and_keeps_what_it_says():
    X, y = attribute_frame(telco().query("tenure > 0"))
    _, X_test, *_ = stratified_split(X, y)
    assert "split" not in X.attrs
    assert X_test.attrs["attributes"] == X.attrs["attributes"]
    assert (stratified_split(X, y, seed=1)[1].index != X_test.index).any()
