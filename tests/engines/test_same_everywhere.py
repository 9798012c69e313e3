"""DuckDB, Postgres and Spark give the same bits, the same audit and the same refusals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from patron import kpis
from patron._core.errors import DataError
from patron.data import audit
from patron.data.readers import read_transactions
from patron.features import features, rfm_counts, rfm_summary, snapshots

pytestmark = [pytest.mark.engines, pytest.mark.slow, pytest.mark.xdist_group("servers")]

DAYS = ["2020-09-30", "2021-03-31"]
END = "2021-12-31"
NEW_YORK = "America/New_York"


def orders(customers=50, seed=11):
    """Two years of order lines, refunds among them; ids that sort differently by code point and by language."""
    rng = np.random.default_rng(seed)
    names = [f"{prefix}{i}" for i in range(customers // 5) for prefix in ("0", "a", "Z", "é", "_ ")]
    rows = 14 * customers
    day = rng.integers(0, 720, rows)
    return pd.DataFrame(
        {
            "customer_id": rng.choice(names, rows),
            "time": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(day * 86_400 + rng.integers(0, 86_400, rows), unit="s"),
            "amount": np.where(rng.random(rows) < 0.15, -1, 1) * rng.integers(0, 5000, rows) / 100,
            "order_id": pd.array([f"o{i}" if i < 15 else None for i in rng.integers(0, 20, rows)], dtype="string"),
            "product_id": rng.integers(0, 30, rows),
            "category": rng.choice(["Milk", "bread", "Äpfel"], rows),
            "quantity": rng.integers(1, 5, rows).astype("float64"),
            "discount": rng.integers(0, 300, rows) / 100,
            "channel": rng.choice(["shop", "web", None], rows),
        }
    )


def events():
    rng = np.random.default_rng(3)
    day = rng.integers(0, 720, 200)
    return pd.DataFrame(
        {
            "customer_id": rng.choice([f"a{i}" for i in range(10)], 200),
            "time": [str(dt.date(2020, 1, 1) + dt.timedelta(days=int(d))) for d in day],
            "kind": rng.choice(["call", "Visit"], 200),
            "value": rng.integers(0, 9, 200) / 4,
        }
    )


def people():
    return pd.DataFrame(
        {
            "customer_id": [f"a{i}" for i in range(10)],
            "age": [20.0 + i for i in range(9)] + [None],
            "town": ["Köln", "Ulm"] * 5,
            "member": [True, False] * 5,
        }
    )


def contracts():
    rng = np.random.default_rng(4)
    start = [dt.date(2020, 1, 5) + dt.timedelta(days=int(day)) for day in rng.integers(0, 600, 40)]
    return pd.DataFrame(
        {
            "customer_id": rng.choice([f"a{i}" for i in range(10)], 40),
            "start": [str(day) for day in start],
            "end": [
                str(day + dt.timedelta(days=int(more)))
                for day, more in zip(start, rng.integers(1, 90, 40), strict=True)
            ],
            "price": rng.integers(1, 50, 40) / 4,
        }
    )


def whole(place):
    log = read_transactions(place(orders()), timezone=NEW_YORK, source_timezone="UTC", observed_until=END)
    log = log.with_events(place(events()))
    return log.with_customers(place(people()), static=["age", "town", "member"])


@pytest.fixture(scope="module")
def at_home():
    return whole(lambda frame: frame)


@pytest.fixture(scope="module", params=["postgres", "spark"])
def there(request):
    """On each engine but DuckDB: the same log, and what loads a frame beside it."""
    load = request.getfixturevalue(f"into_{request.param}")
    return whole(load), load


def same_bits(one, two):
    assert one.index.equals(two.index)
    assert one.attrs == two.attrs
    assert {name: str(kind) for name, kind in one.dtypes.items()} == {n: str(kind) for n, kind in two.dtypes.items()}
    for name in one.columns:
        assert one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes(), name


def test_every_feature_summary_count_label_and_audit(there, at_home):
    log, _ = there
    assert repr(log) == repr(at_home)
    assert log.digest() == at_home.digest()
    assert audit(log).to_dict() == audit(at_home).to_dict()
    # two days at once take another way than one
    days = DAYS if log.engine.name == "postgres" else DAYS[1:]
    same_bits(snapshots(log, days, "90 days", unit="week"), snapshots(at_home, days, "90 days", unit="week"))
    same_bits(rfm_counts(log, DAYS[1], "month", "month"), rfm_counts(at_home, DAYS[1], "month", "month"))
    if log.engine.name == "postgres":  # Spark plans each for seconds
        same_bits(rfm_summary(log, DAYS[1], "month", "month"), rfm_summary(at_home, DAYS[1], "month", "month"))
        same_bits(features(log, END, grain="week"), features(at_home, END, grain="week"))
        same_bits(features(log.until(DAYS[0]), DAYS[0]), features(at_home, DAYS[0]))


def test_key_figures(there, at_home):
    log, place = there
    segments = pd.Series({f"a{i}": f"s{i % 3}" for i in range(10)}, name="segment")
    calls = [lambda log: kpis.activity(log, "week", "20 days", by=segments)]
    if log.engine.name == "postgres":  # Spark plans each for seconds
        calls += [
            lambda log: kpis.cohorts(log, "quarter", "revenue"),
            lambda log: kpis.sales(log, by="channel"),
            lambda log: kpis.nps(log, "Visit", by="cohort"),
            lambda log: kpis.simple_value(log, by="cohort"),
            kpis.recurring_revenue,
        ]
    log, home = log.with_subscriptions(place(contracts())), at_home.with_subscriptions(contracts())
    for call in calls:
        same_bits(call(log), call(home))


TEXTS = [
    "2024-07-01",
    " 2024-07-01\n",
    "2024-02-29T00:30",
    "2024-07-01 00:30:15.250999",
    "2024-07-01T23:59:59.9999999",
    "2024-07-01T00:30Z",
    "2024-07-01 00:30:00+02:00",
    "2024-07-01 00:30:00-0530",
    "2024-07-01 00:30:00 +02",
    "2024-07-01 00:30 UTC",
    "1969-07-20T20:17:40.5-05",
    "2024-11-03 01:30",  # New York's clocks show it twice
    "2024-11-03 04:30",
    "2024-03-10 02:30",  # and skip this one
    "2024-03-10 00:30",
]
AMOUNTS = ["2.675", "-0.005", "1e3", " .5 ", "1.015", "12", "-7.125", "0", "0.285", "4.35", "8.345", "1", "2", "3", "4"]


def read(place, values, **options):
    log = read_transactions(place(values), **options)
    wanted = [n for n in ("customer_id", "day", "time_of_day", "amount") if n in log.table.columns]
    rows = log.table.select(wanted).to_pyarrow().sort_by("customer_id")
    return [rows[name].to_pylist() for name in wanted], [(e.check, e.rows) for e in log.entry]


ZONES = [("UTC", NEW_YORK), (NEW_YORK, "UTC"), ("Europe/Berlin", NEW_YORK), (NEW_YORK, None)]


@pytest.mark.parametrize(
    ("place", "zones"),
    [*(("postgres", zones) for zones in ZONES), *(("spark", zones) for zones in ZONES[1:3])],
    indirect=["place"],
)
def test_text_of_every_shape(place, zones):
    table = pa.table({"customer_id": [f"{i:02}" for i in range(len(TEXTS))], "time": TEXTS, "amount": AMOUNTS})
    options = {"timezone": zones[0], "source_timezone": zones[1]}
    assert read(place, table, **options) == read(lambda rows: rows, table, **options)


def test_typed_stamps_and_numbers(place):
    naive = [dt.datetime(2024, 11, 3, hour, 30) for hour in range(6)]  # noqa: DTZ001
    amounts = ["2.675", "-0.005", "1000", "0.5", "1.015", "-7.125"]
    times = {
        "naive": pa.array(naive, pa.timestamp("us")),
        "aware": pa.array(naive, pa.timestamp("us", "UTC")),
        "dates": pa.array([stamp.date() for stamp in naive]),
    }
    kinds = {
        "float": pa.array([float(a) for a in amounts]),
        "decimal": pa.array([Decimal(a) for a in amounts], pa.decimal128(38, 10)),
        "whole": pa.array(range(6), pa.int32()),
    }
    ids = {"whole": pa.array(range(6)), "float": pa.array([float(i) for i in range(6)]), "text": pa.array("abcdef")}
    for time, kind, who in [("naive", "float", "text"), ("aware", "decimal", "whole"), ("dates", "whole", "float")]:
        table = pa.table({"customer_id": ids[who], "time": times[time], "amount": kinds[kind]})
        options = {"timezone": "Europe/Berlin", "source_timezone": NEW_YORK}
        assert read(place, table, **options) == read(lambda rows: rows, table, **options), (time, kind, who)


def test_an_online_shop_s_export(place):
    """Decimal commas, days first, statuses, guests, refunds in a column and currencies by dated rates."""
    n = 60
    rows = {
        "customer_id": [None if i % 7 == 0 else f"{i % 9:03}" for i in range(n)],
        "time": [f"{1 + i % 28}.{1 + i % 12:02}.2024 {i % 24}:05" for i in range(n)],
        "amount": [f"{1 + i % 3}.{i:03},{i:02}" for i in range(n)],
        "status": ["cancelled" if i % 5 == 0 else "paid" for i in range(n)],
        "back": ["", "10,01", None, "-3"] * (n // 4),
        "currency": ["EUR", "CHF", "jpy"] * (n // 3),
    }
    rates = pd.DataFrame({"currency": ["CHF", "JPY", "CHF"], "day": ["2024-01-01", "2024-01-01", "2024-07-01"]})
    options = {
        "time_format": "%d.%m.%Y %H:%M",
        "decimal": ",",
        "keep": {"status": ["paid"]},
        "guests": "drop",
        "refund": "back",
        "currency": "EUR",
        "rates": rates.assign(rate=[1.0525, 0.00615, 0.9975]),
    }
    log, at_home = (read_transactions(where(pa.table(rows)), **options) for where in (place, lambda table: table))
    assert log.entry == at_home.entry
    order = ["customer_id", "day", "time_of_day", "amount"]
    told = [sorted(map(tuple, t.table.select(order).to_pyarrow().to_pandas().to_numpy())) for t in (log, at_home)]
    assert told[0] == told[1]


GOOD = {"customer_id": ["a", "b", "c"], "time": ["2024-01-31"] * 3, "amount": [1.0, 2.0, 3.0]}
BAD = {
    "an impossible day": {"time": ["2024-01-31", "2023-02-29", "2024-04-31"]},
    "an impossible hour": {"time": ["2024-01-31", "2024-01-31T24:00", "tomorrow"]},
    "a day of long ago": {"time": ["2024-01-31", "1754-08-30", "0001-01-01"]},
    "no time": {"time": ["2024-01-31", None, "  "]},
    "no customer": {"customer_id": ["a", None, " \t"]},
    "fractions for ids": {"customer_id": [1.0, 2.5, 3.5]},
    "commas": {"amount": ["1,5", "2", "3,25"]},
    "infinite": {"amount": [1.0, float("inf"), 2.0]},
    "not a number": {"amount": [1.0, float("nan"), 2.0]},
    "too much": {"amount": [1.0, 1e300, 2.0]},
}


TELLING = ("an impossible day", "no customer", "infinite")


@pytest.mark.parametrize(
    ("place", "name"),
    [*(("postgres", name) for name in BAD), *(("spark", name) for name in TELLING)],
    indirect=["place"],
)
def test_refusals(place, name):
    change = BAD[name]
    table = pa.table({**GOOD, **change})
    with pytest.raises(DataError) as wanted:
        read_transactions(table)
    with pytest.raises(DataError) as found:
        read_transactions(place(table))
    assert (found.value.message, found.value.column, found.value.count, found.value.fix) == (
        wanted.value.message,
        wanted.value.column,
        wanted.value.count,
        wanted.value.fix,
    )
    if not isinstance(table["amount"][1].as_py(), float) or "amount" not in change:
        assert found.value.example == wanted.value.example  # engines write floats in their own ways
