"""Pictures: functions of frames and arrays, `ax` in and out; no customer id ever appears in one.

Each takes `ax=None` (a new figure is made) and returns the Axes it drew on, so that plots are placed
side by side with `figure.subplots()`. None touches pyplot or its global state: they work in threads
and without a display.
"""

from patron.plots.backtest import plot_leaderboard
from patron.plots.base import plot_risk_by_value, plot_value_concentration
from patron.plots.churn import plot_calibration, plot_lift
from patron.plots.explain import plot_errors, plot_importance, plot_partial_dependence
from patron.plots.models import plot_frequency_recency, plot_probability_alive
from patron.plots.style import to_png
from patron.plots.tracking import plot_calibration_by_day, plot_lift_by_day, plot_tracking
from patron.plots.value import plot_decile_values

__all__ = [
    "plot_calibration",
    "plot_calibration_by_day",
    "plot_decile_values",
    "plot_errors",
    "plot_frequency_recency",
    "plot_importance",
    "plot_leaderboard",
    "plot_lift",
    "plot_lift_by_day",
    "plot_partial_dependence",
    "plot_probability_alive",
    "plot_risk_by_value",
    "plot_tracking",
    "plot_value_concentration",
    "to_png",
]
