"""Key figures by period, cohort, channel and segment: activity, sales, cohorts, contracts, worth, surveys."""

from patron.kpis.acquisition import COSTS, acquisition
from patron.kpis.activity import activity
from patron.kpis.cohorts import cohorts
from patron.kpis.sales import sales
from patron.kpis.subscriptions import recurring_revenue, survival
from patron.kpis.surveys import answered, csat, nps
from patron.kpis.worth import simple_value

__all__ = [
    "COSTS",
    "acquisition",
    "activity",
    "answered",
    "cohorts",
    "csat",
    "nps",
    "recurring_revenue",
    "sales",
    "simple_value",
    "survival",
]
