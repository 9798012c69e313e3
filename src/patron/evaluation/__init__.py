"""Evaluation: the backtest, its intervals by customer, the leaderboard and the rule that promotes a champion."""

from patron.evaluation.backtest import Backtest, backtest
from patron.evaluation.leaderboard import Leaderboard
from patron.evaluation.promotion import Verdict, best_transaction_model, promote

__all__ = [
    "Backtest",
    "Leaderboard",
    "Verdict",
    "backtest",
    "best_transaction_model",
    "promote",
]
