"""Every plot of lifetimes is drawn on the axes it returns, without a warning."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from patron.compat.lifetimes import BetaGeoFitter, plotting, utils


@pytest.fixture(scope="module")
def fitter(transactions):
    summary = utils.summary_data_from_transaction_data(transactions, "id", "date", observation_period_end="2014-09-01")
    return BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])


@pytest.fixture(scope="module")
def held(transactions):
    return utils.calibration_and_holdout_data(transactions, "id", "date", "2014-09-01", "2014-12-31")


@pytest.fixture(autouse=True)
def closed():
    np.random.seed(1)
    yield
    plt.close("all")


def drawn(ax):
    """Return what the lines of the axes show, once they have been drawn."""
    ax.figure.canvas.draw()
    return [line.get_ydata() for line in ax.get_lines()]


@pytest.mark.parametrize("kind", ["frequency_cal", "recency_cal", "T_cal", "time_since_last_purchase"])
def test_holdout_against_predictions(fitter, held, kind):
    actual, predicted = drawn(plotting.plot_calibration_purchases_vs_holdout_purchases(fitter, held, kind, n=5))
    assert len(actual) == len(predicted) == 5


@pytest.mark.parametrize("dated", [False, True])
def test_tracking(fitter, transactions, dated):
    given = fitter, transactions, "date", "id", 40, 30
    _, ax = plt.subplots()
    actual, predicted, _ = drawn(plotting.plot_cumulative_transactions(*given, set_index_date=dated, ax=ax))
    assert ax.get_xlabel() == ("date" if dated else "day")
    plt.close("all")
    each, _, _ = drawn(plotting.plot_incremental_transactions(*given, set_index_date=dated))
    assert each.sum() == actual[-1] == pytest.approx(predicted[-1], rel=0.15)


def test_history_of_one_customer(fitter, transactions):
    rows = transactions[transactions["id"] == 35]
    (path,) = drawn(plotting.plot_history_alive(fitter, 200, rows, "date"))
    first, last = rows["date"].min(), rows["date"].max()
    assert len(path) == 201
    assert path.tolist() == utils.calculate_alive_path(fitter, rows, "date", 200).tolist()
    summary = utils.summary_data_from_transaction_data(rows, "id", "date").iloc[0]
    assert path[int(summary["T"])] == fitter.conditional_probability_alive(*summary)[0]
    assert path[int(summary["T"]) + 1] < path[int(summary["T"])]
    assert first < last


def test_expected_purchases_of_a_new_customer(fitter):
    seen, ahead = drawn(plotting.plot_expected_repeat_purchases(fitter, c="k", ls="-.", label="new"))
    assert seen[0] == 0
    assert seen[-1] == ahead[0]
    assert (np.diff(seen) > 0).all()


@pytest.mark.parametrize(
    ("plot", "mean"),
    [
        (plotting.plot_transaction_rate_heterogeneity, lambda p: p["r"] / p["alpha"]),
        (plotting.plot_dropout_rate_heterogeneity, lambda p: p["a"] / (p["a"] + p["b"])),
    ],
)
def test_spread_of_rates(fitter, plot, mean):
    ax = plot(fitter, color="g")
    assert np.isfinite(drawn(ax)).all()
    assert f"mean: {mean(fitter.params_):.3f}" in ax.get_title()


def test_matrices(fitter):
    ax = plotting.plot_frequency_recency_matrix(fitter, T=2, max_frequency=4, max_recency=9, cmap="magma")
    (image,) = ax.get_images()
    table = image.get_array()
    assert table.shape == (10, 5)
    assert table[7, 3] == fitter.predict(2, 3, 7, 9)
    assert "2 Units of Time" in ax.get_title()
    plt.close("all")
    (image,) = plotting.plot_probability_alive_matrix(fitter, 4, 9).get_images()
    assert (image.get_array() == fitter.conditional_probability_alive_matrix(4, 9)).all()
