"""The data sets of lifetimes, read from its files; the package itself is not imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from patron._core.errors import MissingExtraError

__all__ = [
    "load_cdnow_summary",
    "load_cdnow_summary_data_with_monetary_value",
    "load_donations",
    "load_transaction_data",
]


def load_dataset(filename: str, **kwargs: Any) -> pd.DataFrame:
    """Read a file of lifetimes.datasets.

    Parameters
    ----------
    filename : str
        For example 'donations.csv'.
    **kwargs
        Of pandas.read_csv.

    Raises
    ------
    MissingExtraError
        The package lifetimes, whose files these are, is not installed.
    """
    spec = find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("this data set comes with the package lifetimes", fix="install lifetimes")
    frame: pd.DataFrame = pd.read_csv(Path(spec.submodule_search_locations[0]) / "datasets" / filename, **kwargs)
    return frame


def load_donations(**kwargs: Any) -> pd.DataFrame:
    """Read a charity's donors of 1995: frequency, recency, periods, weights (Fader, Hardie and Shang, 2010)."""
    return load_dataset("donations.csv", **kwargs)


def load_cdnow_summary(**kwargs: Any) -> pd.DataFrame:
    """Read CDNOW's 2,357 customers: ID, frequency, recency, T, in weeks."""
    return load_dataset("cdnow_customers_summary.csv", **kwargs)


def load_transaction_data(**kwargs: Any) -> pd.DataFrame:
    """Read simulated purchases of 2014: date, id.

    Examples
    --------
    >>> load_transaction_data().head(2)
                      date  id
    0  2014-03-08 00:00:00   0
    1  2014-05-21 00:00:00   1
    """
    return load_dataset("example_transactions.csv", **kwargs)


def load_cdnow_summary_data_with_monetary_value(**kwargs: Any) -> pd.DataFrame:
    """Read CDNOW's 2,357 customers, indexed by customer_id: frequency, recency, T, in weeks, and monetary_value."""
    frame = load_dataset("cdnow_customers_summary_with_transactions.csv", **kwargs)
    frame.columns = pd.Index(["customer_id", "frequency", "recency", "T", "monetary_value"])
    return frame.set_index("customer_id")
