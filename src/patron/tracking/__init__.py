"""Tracking: training runs and models in MLflow."""

from patron.tracking.mlflow import CHAMPION, Registered, holdout_metrics, log_ledger, log_training, move_champion

__all__ = ["CHAMPION", "Registered", "holdout_metrics", "log_ledger", "log_training", "move_champion"]
