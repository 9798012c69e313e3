"""Sample data: CDNOW, read from the files of the installed lifetimes package without importing it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pandas as pd

from patron._core.errors import ConfigError, DataError, MissingExtraError
from patron.data.log import TransactionLog
from patron.data.readers import read_transactions

_FILES: Final[dict[str, tuple[str, list[str], int | None]]] = {
    "cdnow": ("CDNOW_master.txt", ["customer_id", "time", "quantity", "amount"], 0),
    "cdnow-sample": ("CDNOW_sample.txt", ["customer_id", "sample_id", "time", "quantity", "amount"], None),
}


def load_cdnow() -> TransactionLog:
    """CDNOW: every purchase of the 23,570 customers who first bought in the first quarter of 1997.

    Returns
    -------
    TransactionLog
        69,659 rows from 1997-01-01 to 1998-06-30, in USD. Identifiers are text with leading zeros.

    Raises
    ------
    MissingExtraError
        The package lifetimes, whose files these are, is not installed.

    References
    ----------
    Fader, P. S. and Hardie, B. G. S. (2001). Forecasting repeat sales at CDNOW: a case study. Interfaces 31(3).

    Examples
    --------
    >>> load_cdnow()
    TransactionLog(69,659 rows, 23,570 customers, 1997-01-01 to 1998-06-30, USD, UTC)
    """
    return read_transactions(source("cdnow"))


def load_cdnow_sample() -> TransactionLog:
    """CDNOW's 1/10 sample, on which the published estimates rest: 2,357 customers, with the master's identifiers.

    Returns
    -------
    TransactionLog
        6,919 rows from 1997-01-01 to 1998-06-30, in USD.

    Raises
    ------
    MissingExtraError
        The package lifetimes, whose files these are, is not installed.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy way. Marketing Science
    24(2).

    Examples
    --------
    >>> load_cdnow_sample()
    TransactionLog(6,919 rows, 2,357 customers, 1997-01-01 to 1998-06-30, USD, UTC)
    """
    return read_transactions(source("cdnow-sample"))


def source(name: str) -> pd.DataFrame:
    """Return the rows of a sample data set as they are read: what a configuration means by ``dataset:NAME``.

    Parameters
    ----------
    name : {'cdnow', 'cdnow-sample'}

    Returns
    -------
    DataFrame
        customer_id, time, quantity and amount, every value but the day as the file's text.

    Raises
    ------
    ConfigError
        There is no such data set.
    MissingExtraError
        The package lifetimes, whose files these are, is not installed.

    Examples
    --------
    >>> len(source("cdnow-sample"))
    6919
    """
    if name not in _FILES:
        raise ConfigError(f"no data set {name!r}", fix=f"one of {', '.join(_FILES)}")
    file, names, header = _FILES[name]
    path = _lifetimes() / "datasets" / file
    if not path.exists():
        raise DataError(f"the installed lifetimes package lacks {file}", fix="install lifetimes 0.11.3")
    frame = pd.read_csv(path, sep=r"\s+", names=names, header=header, dtype=str)
    frame["time"] = pd.to_datetime(frame["time"], format="%Y%m%d").astype("date32[pyarrow]")
    return frame[["customer_id", "time", "quantity", "amount"]]


def _lifetimes() -> Path:
    spec = find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            "CDNOW comes with the package lifetimes, which is not installed", fix="install lifetimes 0.11.3"
        )
    return Path(spec.submodule_search_locations[0])
