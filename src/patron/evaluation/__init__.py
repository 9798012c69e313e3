"""Evaluation: the backtest, its intervals, the leaderboard, the rule that promotes a champion, and what moves it."""

from patron.evaluation.backtest import Backtest, backtest
from patron.evaluation.contracts import attribute_holdout, contract_backtest
from patron.evaluation.errors import cohorts, errors, first_purchases, tenths
from patron.evaluation.explain import families, partial_dependence, permutation_importance
from patron.evaluation.horizons import SuggestedHorizon, label_sensitivity, suggest_horizon
from patron.evaluation.intervals import fit_spread, intervals
from patron.evaluation.leaderboard import Leaderboard
from patron.evaluation.profit import maximum_profit, profit_by_fraction
from patron.evaluation.promotion import Verdict, best_transaction_model, promote

__all__ = [
    "Backtest",
    "Leaderboard",
    "SuggestedHorizon",
    "Verdict",
    "attribute_holdout",
    "backtest",
    "best_transaction_model",
    "cohorts",
    "contract_backtest",
    "errors",
    "families",
    "first_purchases",
    "fit_spread",
    "intervals",
    "label_sensitivity",
    "maximum_profit",
    "partial_dependence",
    "permutation_importance",
    "profit_by_fraction",
    "promote",
    "suggest_horizon",
    "tenths",
]
