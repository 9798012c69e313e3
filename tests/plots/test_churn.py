import numpy as np
import pytest

from patron import plots
from patron.metrics import lift_10
from patron.plots.churn import calibration_bins, gains


def test_bins_hold_every_customer_and_every_leaver(churn):
    actual, predicted = churn
    table = calibration_bins(actual, predicted)
    assert table["customers"].sum() == len(actual)
    assert (table["customers"] * table["actual"]).sum() == pytest.approx(actual.sum())


def test_a_probability_of_one_falls_in_the_last_bin():
    assert calibration_bins([1], [1.0])["low_edge"].tolist() == [0.9]


def test_the_interval_is_wilsons():
    # Wilson (1927) for 81 of 263, as in Newcombe (1998), Statistics in Medicine 17, table I
    row = calibration_bins([1] * 81 + [0] * 182, [0.35] * 263).iloc[0]
    assert (round(row["low"], 4), round(row["high"], 4)) == (0.2553, 0.3662)


@pytest.mark.simulation
def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    rng = np.random.default_rng(8)
    held = []
    for _ in range(200):
        predicted = rng.uniform(size=400)
        table = calibration_bins(rng.uniform(size=400) < predicted, predicted)
        held.append((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"]))
    assert 0.93 < np.concatenate(held).mean() < 0.975


def test_the_bars_count_the_customers_of_each_bin(churn):
    actual, predicted = churn
    ax = plots.plot_calibration(actual, predicted)
    bars = [patch.get_height() for other in ax.figure.axes if other is not ax for patch in other.patches]
    assert bars == calibration_bins(actual, predicted)["customers"].tolist()
    assert f"up to {max(bars):,}" in ax.get_legend().get_texts()[-1].get_text()


def test_a_constant_prediction_finds_leavers_at_random_whatever_the_order():
    called, found = gains([1, 1, 0, 0], [0.5] * 4)
    assert called.tolist() == found.tolist() == [0.0, 1.0]


def test_gains_of_the_first_tenth_are_the_metric_lift_10(churn):
    actual, predicted = churn
    called, found = gains(actual, predicted)
    assert np.interp(0.1, called, found) * 10 == pytest.approx(lift_10(actual, predicted))


def test_where_nobody_left_the_plot_says_so():
    ax = plots.plot_lift([0, 0], [0.4, 0.5])
    assert "nobody left in this window" in [text.get_text() for text in ax.texts]
