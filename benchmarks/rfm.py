"""How fast the RFM summary is: 20 million transactions, against hand-written SQL, pandas and polars.

Every side starts from typed rows in memory (customer as text, day number, cents), Patron from the log it has read, and
ends with the same pandas frame, sorted by customer.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import polars as pl

import patron
from benchmarks.bar import Bar, Result, alternate, timed

ROWS: Final = 20_000_000
AS_OF: Final = "2024-06-30"
DAY: Final = 19_904
COLUMNS: Final = ["frequency", "recency", "T", "monetary_value"]

SQL: Final = f"""
with days as (select customer_id, day, sum(amount) as amount from bought where day <= {DAY} group by all)
select customer_id, count(*) - 1 as frequency, (max(day) - min(day))::double as recency,
       ({DAY} - min(day))::double as "T",
       coalesce((sum(amount) - arg_min(amount, day))::double / nullif(count(*) - 1, 0) / 100, 0) as monetary_value
from days group by customer_id order by customer_id"""
"""The fastest of those tried: sorting in Arrow and a first day packed into one integer took longer."""


@functools.cache
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "customer_id": pd.array(rng.integers(0, ROWS // 20, ROWS).astype(str), dtype="str"),
            "day": rng.integers(19_358, 20_088, ROWS).astype("int32"),  # 2023 and 2024
            "amount": rng.integers(100, 20_000, ROWS),
        }
    )


def by_patron() -> Callable[[], pd.DataFrame]:
    frame = rows()
    told = frame.assign(
        time=frame["day"].to_numpy().astype("datetime64[D]").astype("datetime64[s]"), amount=frame["amount"] / 100
    )
    log = patron.read_transactions(told)
    return lambda: patron.rfm_summary(log, as_of=AS_OF)


def by_sql() -> Callable[[], pd.DataFrame]:
    connection = duckdb.connect()
    connection.register("frame", rows())
    connection.execute("create table bought as select * from frame")
    connection.unregister("frame")
    return lambda: connection.execute(SQL).to_arrow_table().to_pandas().set_index("customer_id")


def by_pandas() -> Callable[[], pd.DataFrame]:
    frame = rows()

    def work() -> pd.DataFrame:
        days = frame[frame["day"] <= DAY].groupby(["customer_id", "day"], as_index=False)["amount"].sum()
        seen = days.groupby("customer_id").agg(  # its days are sorted
            purchases=("day", "size"),
            begun=("day", "first"),
            last=("day", "last"),
            first=("amount", "first"),
            all=("amount", "sum"),
        )
        repeats = seen["purchases"] - 1
        mean = (seen["all"] - seen["first"]) / repeats.clip(lower=1) / 100
        return pd.DataFrame(
            {
                "frequency": repeats,
                "recency": (seen["last"] - seen["begun"]).astype(float),
                "T": (DAY - seen["begun"]).astype(float),
                "monetary_value": mean,
            }
        )

    return work


def by_polars() -> Callable[[], pd.DataFrame]:
    frame = pl.from_pandas(rows())
    day, amount = pl.col("day"), pl.col("amount")

    def work() -> pd.DataFrame:
        days = frame.lazy().filter(day <= DAY).group_by("customer_id", "day").agg(amount.sum())
        repeats = pl.len().cast(pl.Int64) - 1
        seen = days.group_by("customer_id").agg(
            frequency=repeats,
            recency=(day.max() - day.min()).cast(pl.Float64),
            T=(DAY - day.min()).cast(pl.Float64),
            monetary_value=(amount.sum() - amount.get(day.arg_min())) / repeats.clip(1) / 100,
        )
        return seen.sort("customer_id").collect().to_pandas().set_index("customer_id")

    return work


PEERS: Final = {"sql": by_sql, "pandas": by_pandas, "polars": by_polars}
LIBRARIES: Final = {"sql": duckdb, "pandas": pd, "polars": pl}


def against(name: str, runs: int) -> Result:
    ours, theirs = by_patron(), PEERS[name]()
    pd.testing.assert_frame_equal(ours()[COLUMNS], theirs()[COLUMNS], check_index_type=False, rtol=1e-12)
    works: dict[str, Any] = {"ours": ours, "theirs": theirs}
    seconds = alternate(runs, **{who: functools.partial(timed, time.perf_counter, work) for who, work in works.items()})
    peer = f"{LIBRARIES[name].__name__} {LIBRARIES[name].__version__}"
    return Result(
        seconds["ours"] / seconds["theirs"],
        f"hand-written SQL, {peer}" if name == "sql" else peer,
        seconds["theirs"],
        "s",
        runs,
        f"patron {seconds['ours']:.3g} s; equal results",
    )


BARS = [
    Bar("rfm", "of the time of the best SQL by hand, RFM, 20M transactions", 1.2, "low", lambda: against("sql", 5)),
    Bar("rfm-pandas", "of the time of pandas, RFM, 20M transactions", None, "low", lambda: against("pandas", 1)),
    Bar("rfm-polars", "of the time of polars, RFM, 20M transactions", None, "low", lambda: against("polars", 5)),
]
