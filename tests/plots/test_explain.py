"""What explains a champion, as drawn: the numbers of the tables, in their order, and a value that is missing apart."""

import numpy as np
import pandas as pd

from patron import plots

CURVE = pd.DataFrame(
    {
        "feature": "gap_mean",
        "value": [1.0, 10.0, 1000.0, np.nan],
        "prediction": [0.2, 0.25, 0.5, 0.3],
        "low": [0.1, 0.2, 0.4, 0.2],
        "high": [0.3, 0.3, 0.6, 0.9],
    }
)


def test_the_most_important_stands_on_top_and_what_was_refused_is_left_out():
    table = pd.DataFrame({"name": list("abc"), "increase": [0.3, 0.1, np.nan], "spread": [0.1, 0.0, np.nan]})
    ax = plots.plot_importance(table, "brier")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert [bar.get_width() for bar in ax.patches] == [0.3, 0.1]
    assert ax.yaxis_inverted()


def test_the_curve_is_drawn_value_by_value_and_the_missing_one_apart():
    ax = plots.plot_partial_dependence(CURVE, "churn")
    drawn = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn["mean"].get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(drawn["mean"].get_ydata(), [0.2, 0.25, 0.5])
    np.testing.assert_array_equal(drawn["mean where missing"].get_xdata(), [3.5])
    np.testing.assert_array_equal(drawn["mean where missing"].get_ydata(), [0.3])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "10", "1,000", "none"]


def test_what_hardly_moves_looks_so():
    flat = CURVE.assign(prediction=0.5, low=0.4999, high=0.5001)
    low, high = plots.plot_partial_dependence(flat, "churn").get_ylim()
    assert high - low >= 0.02


def test_a_feature_is_told_in_words_with_its_unit():
    words = {
        "gap_mean": "usual days between purchases",
        "spend_90": "spend in the last 90 days (USD)",
        "my_own": "my own",
    }
    for name, told in words.items():
        ax = plots.plot_partial_dependence(CURVE.assign(feature=name), "churn", currency="USD")
        assert ax.get_xlabel() == told
    long = plots.plot_partial_dependence(CURVE.assign(feature="overdue_spread"), "churn").get_xlabel()
    assert max(map(len, long.split("\n"))) <= 44


def test_an_interval_without_end_does_not_flatten_the_rest():
    table = pd.DataFrame({"group": ["1", "2"], "bias": [1.0, 0.9], "low": [0.9, 0.0], "high": [1.1, 50.0]})
    assert plots.plot_errors(table, "tenth", "value").get_ylim()[1] == 2.0


def test_lift_has_a_line_a_day_the_latest_first():
    past = pd.DataFrame(
        {
            "recipe": "a",
            "as_of": ["1998-03-03"] * 2 + ["1998-03-31"] * 2,
            "prediction": [0.2, 0.8] * 2,
            "actual": [0.0, 1.0, 1.0, 0.0],
        }
    )
    lines = {line.get_label(): line for line in plots.plot_lift_by_day(past).get_lines()}
    assert list(lines) == ["at random", "1998-03-31", "1998-03-03"]
    np.testing.assert_array_equal(lines["1998-03-03"].get_ydata(), [0, 1, 1])
    np.testing.assert_array_equal(lines["1998-03-31"].get_ydata(), [0, 0, 1])
