"""What a customer is worth: transaction and spend models together, and the learned alternative."""

import importlib
from typing import TYPE_CHECKING, Any

from patron.value.customer_value import CustomerValue
from patron.value.spread import Spread

if TYPE_CHECKING:
    from patron.value.booster import ValueBooster

__all__ = ["CustomerValue", "Spread", "ValueBooster"]


def __getattr__(name: str) -> Any:
    if name == "ValueBooster":  # loaded late: who uses CustomerValue alone does not wait for LightGBM
        return importlib.import_module("patron.value.booster").ValueBooster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
