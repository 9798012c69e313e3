"""How fast: fits, CLV and RFM against lifetimes and hand-written SQL, in the same run."""

from __future__ import annotations

import functools
import warnings

import duckdb
import numpy as np
import pandas as pd

import patron
from benchmarks.bar import Bar, Result, cpu, wall

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifetimes warns at import on today's pandas
    import lifetimes


@functools.cache
def customers(n: int) -> pd.DataFrame:
    """One row a customer, in days: CDNOW's parameters, first days spread over a year, a year and more of history."""
    rng = np.random.default_rng(1)
    model = patron.BetaGeoNBD.from_params(r=0.2426, alpha=4.4136 * 7, a=0.7929, b=2.4259, unit="day")
    age = rng.integers(180, 545, n).astype(float)
    log = model.sample(n, age, seed=1)
    log["day"] = np.floor(log["time"]).astype("int64")
    days = log.groupby("customer_id")["day"].agg(["nunique", "max"]).sort_index()
    frame = pd.DataFrame(
        {"frequency": days["nunique"] - 1, "recency": days["max"].astype(float), "T": age[: len(days)]}
    )
    mean = rng.gamma(6.25, 1, n) / np.maximum(frame["frequency"], 1) ** 0.5 * 5 + 1
    frame["monetary_value"] = np.where(frame["frequency"] > 0, np.round(mean, 2), 0.0)
    frame.attrs = {"unit": "day", "grain": "day", "include_first": False}
    return frame


def bg_nbd_fit() -> Result:
    frame = customers(1_000_000)
    ours = cpu(lambda: patron.BetaGeoNBD().fit(frame))
    theirs = cpu(lambda: lifetimes.BetaGeoFitter().fit(frame["frequency"], frame["recency"], frame["T"]), runs=1)
    return Result(theirs / ours, "lifetimes", theirs, "CPU s", 5, f"patron {ours:.3g} CPU s")


def gamma_gamma_fit() -> Result:
    frame = customers(1_000_000)
    buyers = frame[frame["frequency"] > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", patron.PatronWarning)
        ours = cpu(lambda: patron.GammaGamma().fit(frame))
    theirs = cpu(lambda: lifetimes.GammaGammaFitter().fit(buyers["frequency"], buyers["monetary_value"]), runs=1)
    return Result(theirs / ours, "lifetimes", theirs, "CPU s", 5, f"patron {ours:.3g} CPU s")


def clv() -> Result:
    frame = customers(1_000_000)
    model = patron.BetaGeoNBD.from_params(r=0.2426, alpha=4.4136 * 7, a=0.7929, b=2.4259, unit="day")
    spend = patron.GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    value = patron.CustomerValue(model, spend)
    ours = cpu(lambda: value.predict(frame, horizon="365 days", discount_rate=0.10))
    small = frame.head(100_000)
    peer, peer_spend = lifetimes.BetaGeoFitter(), lifetimes.GammaGammaFitter()
    peer.params_ = pd.Series({"r": 0.2426, "alpha": 4.4136 * 7, "a": 0.7929, "b": 2.4259})
    peer.predict = peer.conditional_expected_number_of_purchases_up_to_time
    peer_spend.params_ = pd.Series({"p": 6.25, "q": 3.74, "v": 15.44})
    columns = [small[c] for c in ("frequency", "recency", "T", "monetary_value")]
    theirs = 10 * cpu(
        lambda: peer_spend.customer_lifetime_value(peer, *columns, time=12, discount_rate=0.008, freq="D"), runs=1
    )
    return Result(
        theirs / ours, "lifetimes", theirs, "CPU s a million", 5, f"patron {ours:.3g} CPU s; lifetimes on 100,000 x 10"
    )


def rfm() -> Result:
    n = 20_000_000
    rng = np.random.default_rng(2)
    ids = rng.integers(0, 1_000_000, n)
    log = pd.DataFrame(
        {
            "customer_id": pd.array(ids.astype(str), dtype="str"),
            "time": (np.datetime64("2023-01-01") + rng.integers(0, 730, n)).astype("datetime64[s]"),
            "amount": rng.integers(100, 20_000, n) / 100,
        }
    )
    transactions = patron.read_transactions(log)
    patron.rfm_summary(transactions, as_of="2024-06-30")
    con = duckdb.connect()
    con.execute("create table t as select customer_id, datediff('day', date '1970-01-01', time::date) as day, "
                "round(amount * 100)::bigint as amount from log")  # fmt: skip
    query = """
        with days as (select customer_id, day, sum(amount) as amount from t where day <= 19904 group by all)
        select customer_id, count(*) - 1 as frequency, max(day) - min(day) as recency, 19904 - min(day) as T,
               coalesce((sum(amount) - arg_min(amount, day)) / nullif(count(*) - 1, 0) / 100.0, 0) as monetary_value
        from days group by customer_id order by customer_id"""
    ours = wall(lambda: patron.rfm_summary(transactions, as_of="2024-06-30"))
    theirs = wall(lambda: con.execute(query).df())
    return Result(ours / theirs, "hand-written DuckDB SQL", theirs, "s", 5, f"patron {ours:.3g} s")


BARS = [
    Bar("bg-nbd-fit", "times faster than lifetimes, BG/NBD fit, 1M customers", 60, "high", bg_nbd_fit),
    Bar("gamma-gamma-fit", "times faster than lifetimes, Gamma-Gamma fit, 1M customers", 15, "high", gamma_gamma_fit),
    Bar("clv", "times faster than lifetimes, 12-month discounted CLV, 1M customers", 120, "high", clv),
    Bar("rfm", "of the time of hand-written SQL, RFM, 20M transactions", 1.2, "low", rfm),
]
