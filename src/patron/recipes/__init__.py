"""Recipes: what is fitted together and saved together, under one protocol and by name.

A scorer needs this room but no engine, so the timeline that asks one is imported from `patron.recipes.training`.
"""

from patron.recipes.protocol import Fitted, Recipe, Task, TrainingData
from patron.recipes.registry import RECIPES, load_fitted, recipe

__all__ = ["RECIPES", "Fitted", "Recipe", "Task", "TrainingData", "load_fitted", "recipe"]
