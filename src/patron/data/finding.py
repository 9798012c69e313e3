"""One thing found in the data: how many rows, an example, what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line of an audit.

    Attributes
    ----------
    check : str
        What was looked for, in words.
    rows : int
        How many were found; the check says of what, where it is not rows.
    example : str
        One of them, or the figure that matters; empty where there is none.
    action : str
        What is done about it, or what to do.
    level : {'info', 'warn'}
        ``warn`` deserves a look before the numbers are used.
    """

    check: str
    rows: int
    example: str
    action: str
    level: Literal["info", "warn"] = "info"
