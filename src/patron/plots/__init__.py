"""Pictures: functions of frames, logs and fitted models, `ax` in and out; no customer id ever appears in one.

Each takes `ax=None` (a new figure is made) and returns the Axes it drew on, so that plots are placed
side by side with `figure.subplots()`. None touches pyplot or its global state: they work in threads
and without a display.
"""

from patron.plots.alive import plot_history_alive, plot_silence
from patron.plots.backtest import plot_leaderboard
from patron.plots.base import plot_risk_by_value, plot_value_concentration
from patron.plots.campaign import plot_profit, plot_segment_flow
from patron.plots.churn import plot_calibration, plot_lift
from patron.plots.explain import plot_errors, plot_importance, plot_partial_dependence
from patron.plots.fit import plot_calibration_holdout, plot_purchase_counts, plot_tracking_purchases
from patron.plots.kpis import plot_activity, plot_cohorts, plot_sales
from patron.plots.lives import plot_expected_purchases, plot_timelines
from patron.plots.models import plot_frequency_recency, plot_iso_value, plot_probability_alive
from patron.plots.reasons import plot_reasons
from patron.plots.spread import plot_gaps, plot_rates, plot_spend_fit
from patron.plots.style import to_png
from patron.plots.tracking import plot_calibration_by_day, plot_lift_by_day, plot_tracking
from patron.plots.value import plot_decile_values, plot_value_interval

__all__ = [
    "plot_activity",
    "plot_calibration",
    "plot_calibration_by_day",
    "plot_calibration_holdout",
    "plot_cohorts",
    "plot_decile_values",
    "plot_errors",
    "plot_expected_purchases",
    "plot_frequency_recency",
    "plot_gaps",
    "plot_history_alive",
    "plot_importance",
    "plot_iso_value",
    "plot_leaderboard",
    "plot_lift",
    "plot_lift_by_day",
    "plot_partial_dependence",
    "plot_probability_alive",
    "plot_profit",
    "plot_purchase_counts",
    "plot_rates",
    "plot_reasons",
    "plot_risk_by_value",
    "plot_sales",
    "plot_segment_flow",
    "plot_silence",
    "plot_spend_fit",
    "plot_timelines",
    "plot_tracking",
    "plot_tracking_purchases",
    "plot_value_concentration",
    "plot_value_interval",
    "to_png",
]
