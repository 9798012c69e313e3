"""Money inside Patron is an integer count of the currency's minor unit; this module knows how many make one."""

from __future__ import annotations

from typing import Final

from patron._core.errors import DataError

_EXPONENTS: Final[dict[str, int]] = {
    code: exponent
    for exponent, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
LARGEST: Final = 10**12
"""The largest amount accepted, in minor units: nine million such rows still sum within 64 bits."""


def minor_units(currency: str) -> int:
    """How many minor units make one of `currency` (ISO 4217).

    Examples
    --------
    >>> minor_units("USD"), minor_units("JPY")
    (100, 1)
    """
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise DataError("not a currency code", example=currency, fix="an ISO 4217 code of three letters, like USD")
    return int(10 ** _EXPONENTS.get(currency.upper(), 2))
