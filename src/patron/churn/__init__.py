"""Churn: the probability of no purchase in the next H days, and its reasons in words."""

from patron.churn.calibration import Calibration
from patron.churn.classifier import ChurnClassifier, clipped_logit

__all__ = ["Calibration", "ChurnClassifier", "clipped_logit"]
