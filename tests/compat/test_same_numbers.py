"""Where lifetimes was right, both give the same numbers in the same types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron.compat.lifetimes import (
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
    datasets,
    utils,
)

PARAMS = {
    BetaGeoFitter: {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    ModifiedBetaGeoFitter: {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.614},
    ParetoNBDFitter: {"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.668},
}
each_fitter = pytest.mark.parametrize("fitter", PARAMS, ids=lambda fitter: fitter.__name__)


def both(fitter, old, cdnow):
    """Return the two fitters at the same parameters."""
    pair = getattr(old[""], fitter.__name__)(), fitter()
    for each in pair:
        each.params_, each.data = pd.Series(PARAMS[fitter]), cdnow
    return pair


def assert_same(theirs, ours, rtol=1e-6):
    assert type(theirs) is type(ours)
    if isinstance(theirs, pd.Series):
        pd.testing.assert_index_equal(theirs.index, ours.index)
        assert theirs.name == ours.name
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)
    assert np.shape(theirs) == np.shape(ours)


@pytest.fixture(params=["numbers", "arrays", "series"])
def histories(request, cdnow):
    columns = [cdnow[name] for name in ("frequency", "recency", "T")]
    if request.param == "numbers":
        return [column.iloc[5] for column in columns]
    return [column.to_numpy() for column in columns] if request.param == "arrays" else columns


@each_fitter
def test_predictions_for_histories(fitter, old, cdnow, histories, quiet):
    theirs, ours = both(fitter, old, cdnow)
    for t in (1, 13.0):
        assert_same(
            theirs.conditional_expected_number_of_purchases_up_to_time(t, *histories),
            ours.conditional_expected_number_of_purchases_up_to_time(t, *histories),
        )
    assert_same(theirs.conditional_probability_alive(*histories), ours.conditional_probability_alive(*histories))
    if fitter is ParetoNBDFitter:
        for n in (0, 2):
            assert_same(
                theirs.conditional_probability_of_n_purchases_up_to_time(n, 10, *histories),
                ours.conditional_probability_of_n_purchases_up_to_time(n, 10, *histories),
            )


@each_fitter
def test_each_history_may_have_its_own_time_ahead(fitter, old, cdnow, quiet):
    theirs, ours = both(fitter, old, cdnow.head(20))
    t, some = pd.Series([3.0, 8.0] * 10, index=cdnow.index[:20]), cdnow.head(20)
    assert_same(
        theirs.conditional_expected_number_of_purchases_up_to_time(t, some["frequency"], some["recency"], some["T"]),
        ours.predict(t, some["frequency"], some["recency"], some["T"]),
    )


@each_fitter
@pytest.mark.parametrize("t", [7, np.array([0.0, 1.0, 30.0]), pd.Series([2.0, 5.0], index=["a", "b"])], ids=type)
def test_predictions_for_new_customers(fitter, old, cdnow, t, quiet):
    theirs, ours = both(fitter, old, cdnow)
    assert_same(theirs.expected_number_of_purchases_up_to_time(t), ours.expected_number_of_purchases_up_to_time(t))


@pytest.mark.parametrize("fitter", [BetaGeoFitter, ModifiedBetaGeoFitter])
def test_probability_of_counts_of_new_customers(fitter, old, cdnow, quiet):
    theirs, ours = both(fitter, old, cdnow)
    for n in (0, 1, 5):
        assert_same(
            theirs.probability_of_n_purchases_up_to_time(30, n), ours.probability_of_n_purchases_up_to_time(30, n)
        )


@each_fitter
def test_matrix_of_probability_alive(fitter, old, cdnow, quiet):
    theirs, ours = both(fitter, old, cdnow)
    before, now = (each.conditional_probability_alive_matrix(6, 9) for each in (theirs, ours))
    assert_same(before[:, 1:], now[:, 1:])
    assert now.shape == (10, 7)
    assert ours.conditional_probability_alive_matrix().shape == theirs.conditional_probability_alive_matrix().shape


@pytest.mark.parametrize("fitter", [BetaGeoFitter, ModifiedBetaGeoFitter])
def test_fits(fitter, old, cdnow, quiet):
    weights = np.where(cdnow["frequency"] > 3, 2, 1)
    columns = cdnow["frequency"], cdnow["recency"], cdnow["T"]
    theirs, ours = (
        each().fit(*columns, weights=weights, index=cdnow.index) for each in (getattr(old[""], fitter.__name__), fitter)
    )
    np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-3)
    np.testing.assert_allclose(ours.standard_errors_, theirs.standard_errors_, rtol=1e-3)
    pd.testing.assert_frame_equal(ours.summary, theirs.summary, rtol=2e-3, atol=1e-4)
    pd.testing.assert_frame_equal(ours.confidence_intervals_, theirs.confidence_intervals_, rtol=2e-3, atol=1e-4)
    pd.testing.assert_frame_equal(ours.data, theirs.data)
    assert repr(ours) == repr(theirs)


@pytest.fixture
def donors(old, quiet):
    """The two BG/BB fitters on the donors of 1995."""
    frame = datasets.load_donations()
    given = frame["frequency"], frame["recency"], frame["periods"], frame["weights"]
    return frame, [each().fit(*given) for each in (old[""].BetaGeoBetaBinomFitter, BetaGeoBetaBinomFitter)]


def test_donors(donors, quiet):
    frame, (theirs, ours) = donors
    pd.testing.assert_frame_equal(ours.summary, theirs.summary, rtol=2e-3)
    pd.testing.assert_frame_equal(ours.data, theirs.data)
    np.testing.assert_allclose(ours._negative_log_likelihood_, theirs._negative_log_likelihood_, rtol=1e-6)
    assert repr(ours) == repr(theirs)
    ours.params_ = theirs.params_
    series = [frame[name] for name in ("frequency", "recency", "periods")]
    for given in (series, [column.to_numpy() for column in series]):
        for m in (1, 5):
            for name in ("conditional_expected_number_of_purchases_up_to_time", "conditional_probability_alive"):
                assert_same(getattr(theirs, name)(m, *given), getattr(ours, name)(m, *given))
    pd.testing.assert_frame_equal(
        ours.expected_number_of_transactions_in_first_n_periods(6),
        theirs.expected_number_of_transactions_in_first_n_periods(6),
    )
    some = frame["frequency"].isin([0, 2, 5])
    theirs.data, ours.data = theirs.data[some], ours.data[some]
    pd.testing.assert_frame_equal(
        ours.expected_number_of_transactions_in_first_n_periods(6),
        theirs.expected_number_of_transactions_in_first_n_periods(6),
    )


@pytest.mark.golden
def test_pareto_fit_is_the_published_one(cdnow):
    fitter = ParetoNBDFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    np.testing.assert_allclose(fitter.params_, list(PARAMS[ParetoNBDFitter].values()), rtol=1e-3)


def test_spend(old, cdnow, quiet):
    repeat = cdnow[cdnow["frequency"] > 0]
    theirs, ours = (
        each().fit(repeat["frequency"], repeat["monetary_value"])
        for each in (old[""].GammaGammaFitter, GammaGammaFitter)
    )
    np.testing.assert_allclose(ours.params_, theirs.params_, rtol=1e-3)
    np.testing.assert_allclose(ours.standard_errors_, theirs.standard_errors_, rtol=1e-3)
    pd.testing.assert_frame_equal(ours.data, theirs.data)
    theirs.params_ = ours.params_
    columns = cdnow["frequency"], cdnow["monetary_value"]
    for given in (columns, [column.to_numpy() for column in columns], (2, 22.35), ()):
        assert_same(
            theirs.conditional_expected_average_profit(*given), ours.conditional_expected_average_profit(*given)
        )


@pytest.mark.parametrize("freq", ["D", "W", "h"])
@pytest.mark.parametrize("first", [False, True])
def test_summary_of_transactions(old, transactions, freq, first, quiet):
    rows = transactions.assign(amount=transactions["id"] % 7 + 1.25)
    given = {"monetary_value_col": "amount", "freq": freq, "freq_multiplier": 2, "include_first_transaction": first}
    before, now = (
        module.summary_data_from_transaction_data(rows, "id", "date", observation_period_end="2014-12-28", **given)
        for module in (old[".utils"], utils)
    )
    pd.testing.assert_frame_equal(now, before[now.columns], check_like=False)
    assert list(now.columns) == list(before.columns)


def test_first_transactions(old, transactions, quiet):
    rows = transactions.assign(amount=1.5)
    for money in ("amount", None):
        before, now = (
            module._find_first_transactions(rows, "id", "date", money, observation_period_end="2014-11-01")
            for module in (old[".utils"], utils)
        )
        pd.testing.assert_frame_equal(now, before.reset_index(drop=True))


def test_calibration_and_holdout(old, transactions, quiet):
    rows = transactions.drop_duplicates().assign(amount=lambda rows: rows["id"] % 7 + 1.25)
    before, now = (
        module.calibration_and_holdout_data(rows, "id", "date", "2014-09-01", "2014-12-31", monetary_value_col="amount")
        for module in (old[".utils"], utils)
    )
    pd.testing.assert_frame_equal(now, before)
    with pytest.raises(ValueError, match="There is no data available"):
        utils.calibration_and_holdout_data(rows, "id", "date", "2014-12-31", "2014-12-31")


@pytest.mark.parametrize(
    "given",
    [
        {"recency": [5.0], "T": [4.0]},
        {"frequency": [0], "recency": [1.0]},
        {"recency": [-1.0]},
        {"frequency": [], "recency": [], "T": []},
        {"frequency": [1.5]},
        {"monetary_value": [0.0]},
    ],
)
def test_inputs_are_refused_alike(old, given, quiet):
    columns = {"frequency": [1], "recency": [2.0], "T": [9.0], **given}
    arrays = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    for module in (old[".utils"], utils):
        with pytest.raises(ValueError, match=r"vector|recency"):
            module._check_inputs(**arrays)


@pytest.mark.parametrize(
    "name",
    ["load_cdnow_summary", "load_cdnow_summary_data_with_monetary_value", "load_donations", "load_transaction_data"],
)
def test_data_sets(old, name):
    pd.testing.assert_frame_equal(getattr(datasets, name)(), getattr(old[".datasets"], name)())


def test_a_fitter_without_a_fit_says_so():
    assert repr(BetaGeoFitter()) == "<lifetimes.BetaGeoFitter>"
    with pytest.raises(ValueError, match="has not been fit"):
        BetaGeoFitter().predict(1, 2, 3, 4)
    assert not hasattr(BetaGeoFitter(), "summary")
