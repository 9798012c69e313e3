"""Churn: the probability of no purchase in the next H days, and its reasons in words."""

from patron.churn.classifier import ChurnClassifier, clipped_logit

__all__ = ["ChurnClassifier", "clipped_logit"]
