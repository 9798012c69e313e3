"""Tracking: totals a day and recipe, exactly the sums."""

import numpy as np
import pandas as pd

from patron.plots import plot_calibration_by_day, plot_tracking
from patron.plots.tracking import tracking

PAST = pd.DataFrame(
    {
        "recipe": ["b"] * 4 + ["a"] * 4,
        "as_of": ["1998-03-31", "1998-03-31", "1998-03-03", "1998-03-03"] * 2,
        "prediction": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0],
        "actual": [1.0, 0.0, 3.0, 5.0] * 2,
    }
)


def test_totals_are_sums_by_day_in_the_order_of_days_and_of_recipes():
    table = tracking(PAST)
    assert list(table.columns) == ["actual", "b", "a"]
    assert [day.date().isoformat() for day in table.index] == ["1998-03-03", "1998-03-31"]
    np.testing.assert_array_equal(table.to_numpy(), [[8.0, 12.0, 192.0], [1.0, 3.0, 48.0]])


def test_the_champion_and_what_came_stand_out():
    ax = plot_tracking(PAST, "value", champion="b")
    drawn = {line.get_label(): line for line in ax.get_lines()}
    assert {"other recipes", "b (champion)", "what came"} <= set(drawn)
    np.testing.assert_array_equal(drawn["b (champion)"].get_ydata(), [1.5, 3.0])
    np.testing.assert_array_equal(drawn["other recipes"].get_ydata(), [24.0, 48.0])
    np.testing.assert_array_equal(drawn["what came"].get_ydata(), [1.0, 1.0])


def test_calibration_has_a_line_a_day_and_leaves_out_bins_of_few():
    rng = np.random.default_rng(1)
    risk = rng.uniform(0, 0.5, 400)
    past = pd.DataFrame(
        {
            "recipe": "a",
            "as_of": np.repeat(pd.to_datetime(["1998-03-03", "1998-03-31"]), 200),
            "prediction": risk,
            "actual": (rng.uniform(size=400) < risk).astype(float),
        }
    )
    past.loc[0, "prediction"] = 0.95
    lines = {line.get_label(): line for line in plot_calibration_by_day(past).get_lines()}
    assert list(lines) == ["perfect", "1998-03-31", "1998-03-03"]
    for day in ("1998-03-03", "1998-03-31"):
        assert max(lines[day].get_xdata()) < 0.5
