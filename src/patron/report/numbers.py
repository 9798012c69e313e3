"""How a number is written on the page: once, here."""

from __future__ import annotations

import datetime as dt
import math
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from patron._core.money import minor_units

NONE = "n/a"
"""What stands where there is no number."""
SPACE = "\u202f"


def count(number: float) -> str:
    """Write how many there are.

    Examples
    --------
    >>> count(23570)
    '23,570'
    """
    return f"{number:,.0f}"


def percent(share: float, decimals: int = 1) -> str:
    """Write a share as per cent.

    Examples
    --------
    >>> percent(0.1234).replace(SPACE, " "), percent(float("nan"))
    ('12.3 %', 'n/a')
    """
    return f"{100 * share:.{decimals}f}{SPACE}%" if math.isfinite(share) else NONE


def change(share: float) -> str:
    """Write by how much something is above or below, as per cent.

    Examples
    --------
    >>> change(0.1234).replace(SPACE, " "), change(-0.05).replace(SPACE, " ")
    ('+12.3 %', '-5.0 %')
    """
    return f"{100 * share:+.1f}{SPACE}%" if math.isfinite(share) else NONE


def total(amount: float, currency: str) -> str:
    """Write a total with its currency, to the whole unit.

    Examples
    --------
    >>> total(1_234_567.8, "USD").replace(SPACE, " ")
    'USD 1,234,568'
    """
    return f"{currency}{SPACE}{amount:,.0f}" if math.isfinite(amount) else NONE


def money(amount: float, currency: str) -> str:
    """Write the amount of a customer to the minor unit, for a column that names the currency.

    Examples
    --------
    >>> money(1234.5, "USD"), money(1234.5, "JPY"), money(float("nan"), "USD")
    ('1,234.50', '1,234', 'n/a')
    """
    return f"{amount:,.{len(str(minor_units(currency))) - 1}f}" if math.isfinite(amount) else NONE


def figure(value: float, of: float | None = None) -> str:
    """Write a metric: four decimals, two from ten on; the bounds of an interval have the decimals of its value `of`.

    Examples
    --------
    >>> [figure(v) for v in (0.1, 0.97123, 21.3, 1234.5)]
    ['0.1000', '0.9712', '21.30', '1,234.50']
    >>> figure(9.7041, of=10.51)
    '9.70'
    """
    if not math.isfinite(value):
        return NONE
    return f"{value:,.{2 if abs(value if of is None else of) >= 10 else 4}f}"


def number(value: float) -> str:
    """Write a measured number to four significant digits.

    Examples
    --------
    >>> [number(v) for v in (0.242594, 4.413532, -9582.42556, 12, 1e-9)]
    ['0.2426', '4.414', '-9,582', '12', '1e-09']
    """
    if not math.isfinite(value):
        return NONE
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.4g}"


def plain(value: Any) -> str:
    """Write whatever a cell holds: numbers as above, days as YYYY-MM-DD, what is missing as n/a.

    Examples
    --------
    >>> plain(69659), plain(0.5), plain(pd.Timestamp("1998-06-30")), plain(None), plain([7, 28])
    ('69,659', '0.5', '1998-06-30', 'n/a', '7, 28')
    """
    match value:
        case list() | tuple():
            return ", ".join(plain(one) for one in value)
        case bool() | np.bool_():
            return "yes" if value else "no"
        case Real():
            return number(float(value))
        case None | pd.NaT:
            return NONE
        case dt.date():
            return value.isoformat()[:10]
    return str(value)
