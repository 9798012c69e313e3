"""Boosted trees that put their offset back: what the churn classifier and the value booster share."""

from patron.boosting.inputs import Array
from patron.boosting.rows import HeldOut, Rows
from patron.boosting.trees import FEWEST_TREES, BoostedTrees
from patron.features.catalogue import LABELS

__all__ = ["FEWEST_TREES", "LABELS", "Array", "BoostedTrees", "HeldOut", "Rows"]
