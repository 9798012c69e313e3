"""Scoring: the bundle that training leaves, the scorer that uses it, the score table that comes out."""

from patron.scoring.bundle import Bundle, Input, Manifest
from patron.scoring.card import card
from patron.scoring.scorer import Scorer
from patron.scoring.table import COLUMNS, Column, write_scores

__all__ = ["COLUMNS", "Bundle", "Column", "Input", "Manifest", "Scorer", "card", "write_scores"]
