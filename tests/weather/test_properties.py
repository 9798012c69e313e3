"""Whatever goes in: a typed PatronError, or a result that is valid."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import patron
from patron import GammaGamma, PatronError
from patron.models import TRANSACTION_MODELS

# ruff: noqa: PT017  either way is right
pytestmark = [pytest.mark.property, pytest.mark.filterwarnings("ignore::patron.PatronWarning")]
few = settings(max_examples=15, deadline=None)
fewer = settings(max_examples=8, deadline=None)  # each asks the engine twice or more

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
customers = st.sampled_from(["a", "b", "a ", "007", "7", "=1+1", "<b>"])
days = st.dates(pd.Timestamp("2023-01-01").date(), pd.Timestamp("2024-06-30").date())
amounts = st.integers(-20_000, 50_000).map(lambda cents: cents / 100)
logs = st.lists(st.tuples(customers, days, amounts), min_size=1, max_size=40)


def frame(rows):
    return pd.DataFrame(rows, columns=["customer_id", "time", "amount"])


@few
@given(st.binary(max_size=200))
def test_any_bytes_are_a_log_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        (folder / name).write_bytes(content)
        with pytest.raises(PatronError, match=r"Fix: "):
            patron.read_transactions(folder / name)


@few
@given(st.lists(st.tuples(text | customers, text | days.map(str), text | amounts.map(str)), min_size=1, max_size=5))
def test_any_text_is_read_as_it_stands_or_refused(rows):
    given_rows = frame(rows)
    try:
        log = patron.read_transactions(given_rows)
    except PatronError as error:
        assert "Fix: " in str(error)
        return
    table = log.table.to_pyarrow().to_pandas()
    assert sorted(table["customer_id"]) == sorted(given_rows["customer_id"])
    cents = np.rint(given_rows["amount"].astype(float) * 100)
    assert table["amount"].sum() == pytest.approx(cents.sum(), abs=len(rows))


@fewer
@given(logs)
def test_a_summary_says_what_plain_counting_says(rows):
    last = max(day for _, day, _ in rows)
    log = patron.read_transactions(frame(rows))
    summary = patron.rfm_summary(log, as_of=last)
    assert summary.index.is_unique
    assert set(summary.index) <= {name for name, _, amount in rows if amount >= 0}
    assert np.isfinite(summary.to_numpy(dtype=float)).all()
    assert (summary["frequency"] >= 0).all()
    assert summary["recency"].between(0, summary["T"]).all()
    assert ((summary["recency"] > 0) == (summary["frequency"] > 0)).all()
    assert (summary["monetary_value"] >= 0).all()
    counts = patron.rfm_counts(log, last, "day", "day")
    assert counts["weight"].sum() == len(summary)
    assert (counts["frequency"] * counts["weight"]).sum() == summary["frequency"].sum()


@fewer
@given(logs, st.integers(0, 600))
def test_a_snapshot_has_one_row_a_customer_and_labels_that_add_up(rows, back):
    log = patron.read_transactions(frame(rows))
    as_of = max(day for _, day, _ in rows) - pd.Timedelta(days=back)
    try:
        features = patron.features(log, as_of)
        snapshot = patron.snapshots(log, [as_of], "30 days")
    except PatronError as error:
        assert "Fix: " in str(error)
        return
    assert features.index.is_unique
    X, labels = patron.split(snapshot)
    pd.testing.assert_frame_equal(X, features.loc[X.index], check_names=False)
    for values in (X.select_dtypes("number").to_numpy(dtype=float), labels.to_numpy(dtype=float)):
        assert not np.isinf(values).any()
    assert (labels["churned"] == (labels["purchases_next"] == 0)).all()
    assert (labels["spend_next"] >= 0).all()
    window = [a for _, day, a in rows if 0 < (day - as_of).days <= 30 and a > 0]
    assert labels["spend_next"].sum() <= sum(window) + 1e-6


number = (
    st.floats(allow_nan=True, allow_infinity=True) | st.integers(-2, 200).map(float) | st.sampled_from([1e308, 5e-324])
)
nasty = st.lists(st.tuples(number, number, number), min_size=1, max_size=6)
ages = st.integers(1, 3000).flatmap(lambda T: st.tuples(st.integers(0, 60), st.integers(1, T), st.just(T)))
sound = st.lists(ages.map(lambda row: (row[0], row[1] if row[0] else 0, row[2])), min_size=3, max_size=60)


def measured(rows):
    made = pd.DataFrame(rows, columns=["frequency", "recency", "T"])
    made.attrs["unit"] = "day"
    return made


def check_transaction_model(model, rows):
    alive = model.probability_alive(rows)
    silent = model.probability_no_purchase(rows, 90)
    near, far = model.expected_purchases(rows, 30), model.expected_purchases(rows, 90)
    for values in (alive, silent, near, far):
        assert values.index.equals(rows.index)
        assert np.isfinite(values).all()
    assert alive.between(0, 1).all()
    assert silent.between(0, 1).all()
    assert (near >= 0).all()
    assert (far >= near - 1e-9 * (1 + near)).all()
    assert (silent >= 1 - alive - 1e-6).all()


@pytest.mark.parametrize("name", TRANSACTION_MODELS)
@few
@given(rows=sound)
def test_a_transaction_model_fits_what_is_possible_or_says_why_not(name, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patron.PatronWarning)
        try:
            model = TRANSACTION_MODELS[name]().fit(measured(rows))
        except PatronError as error:
            assert str(error)
            return
        assert np.isfinite(model.log_likelihood_)
        assert (model.params_ > 0).all()
        check_transaction_model(model, measured(rows))


@pytest.mark.parametrize("name", TRANSACTION_MODELS)
@few
@given(rows=nasty)
def test_a_transaction_model_refuses_what_is_impossible(name, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patron.PatronWarning)
        try:
            model = TRANSACTION_MODELS[name]().fit(measured(rows))
        except PatronError as error:
            assert str(error)
            return
        check_transaction_model(model, measured(rows))


@few
@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1e6) | number), min_size=1, max_size=40))
def test_gamma_gamma_fits_what_is_possible_or_says_why_not(rows):
    spend = pd.DataFrame(rows, columns=["frequency", "monetary_value"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patron.PatronWarning)
        try:
            expected = GammaGamma().fit(spend).expected_spend(spend)
        except PatronError as error:
            assert str(error)
            return
    assert expected.index.equals(spend.index)
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
