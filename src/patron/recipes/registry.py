"""The recipes by task and name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from patron._core.errors import ConfigError
from patron._core.files import read_json
from patron.models import TRANSACTION_MODELS
from patron.recipes.baselines import Average, BaseRate, LastPeriod, Overdue
from patron.recipes.blend import BlendedChurn
from patron.recipes.boosted import BoostedChurn, BoostedValue
from patron.recipes.logistic import Logistic
from patron.recipes.protocol import Fitted, Recipe, Task
from patron.recipes.shape import Blend, Shape
from patron.recipes.stack import Stack
from patron.recipes.transaction import NoPurchase, PurchasesTimesSpend

RECIPES: Final[dict[Task, dict[str, Callable[..., Recipe]]]] = {
    "churn": {
        "base_rate": BaseRate,
        "overdue": Overdue,
        **{name: partial(NoPurchase, name) for name in TRANSACTION_MODELS},
        "logistic": Logistic,
        "lightgbm": BoostedChurn,
        "stack": Stack,
        "blend": BlendedChurn,
    },
    "value": {
        "average": Average,
        "last_period": LastPeriod,
        **{name: partial(PurchasesTimesSpend, name) for name in TRANSACTION_MODELS},
        "lightgbm": BoostedValue,
        "blend": Blend,
        "shape": Shape,
    },
}
"""What makes a recipe, by task and name; those that grow trees take their settings."""


def recipe(name: str, task: Task, **settings: Any) -> Recipe:
    """Make a recipe by name.

    Raises
    ------
    ConfigError
        No such recipe of the task, or a setting it does not have.

    Examples
    --------
    >>> recipe("stack", "churn", learning_rate=0.1).name
    'stack'
    >>> recipe("stack", "value")
    Traceback (most recent call last):
    patron._core.errors.ConfigError: unknown recipe 'stack' for value. Fix: one of average, last_period, bg_nbd, ...
    """
    known = RECIPES[task]
    if name not in known:
        raise ConfigError(f"unknown recipe {name!r} for {task}", fix=f"one of {', '.join(known)}")
    try:
        return known[name](**settings)
    except TypeError as error:
        raise ConfigError(
            f"the recipe {name!r} takes no settings", example=next(iter(settings)), fix="leave them out"
        ) from error


def load_fitted(folder: Path, task: Task) -> Fitted:
    """Read back what a fitted recipe of the task saved in `folder`, whichever it was."""
    return recipe(read_json(folder / f"{task}.json")["recipe"], task).load(folder)
