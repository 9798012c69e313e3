from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from patron._core.calendar import date_of
from patron._core.errors import DataError
from patron.data.readers import read_transactions

ORDERS = {
    "customer_id": ["007", "007", "0042", " 7"],
    "time": ["2024-01-31", "2024-02-03", "2024-02-03", "2024-03-01"],
    "amount": ["12.50", "8", "-3.10", "0.00"],
    "order_id": ["01", "02", "03", "04"],
}


def table(log):
    columns = [c for c in log.table.columns if c != "time_of_day"]
    return log.table.select(*columns).order_by("day", "customer_id", "amount").to_pyarrow().to_pylist()


def typed():
    return pd.DataFrame(ORDERS).assign(time=pd.to_datetime(ORDERS["time"]), amount=[float(a) for a in ORDERS["amount"]])


def in_duckdb(_):
    engine = ibis.duckdb.connect()
    return engine.create_table("orders", pa.Table.from_pandas(typed(), preserve_index=False))


def csv(folder, name="orders.csv"):
    path = folder / name
    pd.DataFrame(ORDERS).to_csv(path, index=False)
    return path


def parquet(folder, name="orders.parquet"):
    path = folder / name
    typed().to_parquet(path)
    return path


def zipped(folder):
    path = folder / "orders.csv.gz"
    path.write_bytes(gzip.compress(csv(folder).read_bytes()))
    return path


def semicolons(folder):
    path = folder / "orders.txt"
    pd.DataFrame(ORDERS).to_csv(path, index=False, sep=";", lineterminator="\r\n", encoding="utf-8-sig")
    return path


def halves(write):
    def source(folder):
        for i, half in enumerate((slice(0, 2), slice(2, 4))):
            write(pd.DataFrame(ORDERS).iloc[half, :: (-1) ** i], folder / f"half{i}")
        return str(folder / "half*")

    return source


def patterned(folder):
    (folder / "orders1.csv").write_text("customer_id,time,amount,order_id\nother,2024-01-01,1,1\n")
    return csv(folder, "orders[1].csv")


SOURCES = {
    "pandas text": lambda _: pd.DataFrame(ORDERS),
    "pandas object": lambda _: pd.DataFrame(ORDERS).astype(object),
    "pandas category": lambda _: typed().astype({"customer_id": "category", "order_id": "category"}),
    "pandas arrow": lambda _: typed().convert_dtypes(dtype_backend="pyarrow"),
    "pandas stamps": lambda _: typed(),
    "pandas dates": lambda _: typed().assign(time=[dt.date.fromisoformat(t) for t in ORDERS["time"]]),
    "pandas zoned": lambda _: typed().assign(time=pd.to_datetime(ORDERS["time"], utc=True)),
    "pandas decimals": lambda _: typed().assign(amount=[Decimal(a) for a in ORDERS["amount"]]),
    "pandas float32": lambda _: typed().astype({"amount": "float32"}),
    "polars": lambda _: pl.DataFrame(ORDERS),
    "polars typed": lambda _: pl.DataFrame(ORDERS).with_columns(
        pl.col("time").str.to_date(),
        pl.col("amount").cast(pl.Decimal(12, 3)),
        pl.col("customer_id").cast(pl.Categorical),
    ),
    "polars lazy": lambda _: pl.DataFrame(ORDERS).lazy(),
    "arrow": lambda _: pa.table(ORDERS),
    "csv path": csv,
    "csv text path": lambda folder: str(csv(folder)),
    "csv zipped": zipped,
    "csv semicolons": semicolons,
    "csv glob, columns in another order": halves(lambda f, p: f.to_csv(f"{p}.csv", index=False)),
    "parquet": parquet,
    "parquet glob": halves(lambda f, p: f.to_parquet(f"{p}.parquet")),
    "a file with a pattern in its name": patterned,
    "ibis": in_duckdb,
    "ibis expression": lambda folder: in_duckdb(folder).filter(ibis._.amount > -100),
    "ibis memtable": lambda _: ibis.memtable(pa.table(ORDERS)),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_gives_the_same_table(source, tmp_path):
    log = read_transactions(source(tmp_path))
    assert table(log) == [
        {"customer_id": "007", "day": 19753, "amount": 1250, "order_id": "01"},
        {"customer_id": "0042", "day": 19756, "amount": -310, "order_id": "03"},
        {"customer_id": "007", "day": 19756, "amount": 800, "order_id": "02"},
        {"customer_id": " 7", "day": 19783, "amount": 0, "order_id": "04"},
    ]
    assert (log.rows, log.n_customers, log.refunds) == (4, 3, 1)
    assert (date_of(log.first_day), date_of(log.observed_until)) == (dt.date(2024, 1, 31), dt.date(2024, 3, 1))
    assert (log.currency, log.minor, log.timezone, log.optional) == ("USD", 100, "UTC", {"order_id"})
    assert sum(finding.rows for finding in log.entry) == 0


def test_identifiers_of_whole_numbers_become_their_digits():
    frame = typed().assign(customer_id=np.array([7, 7, 42, 2**63], dtype="uint64"), order_id=[1, 2, 3, 4])
    assert {row["customer_id"] for row in table(read_transactions(frame))} == {"7", "42", "9223372036854775808"}


def test_identifiers_that_pandas_made_floats_lose_their_point_and_say_so():
    log = read_transactions(typed().assign(customer_id=[7.0, 7.0, 42.0, 12345678.0]))
    assert {row["customer_id"] for row in table(log)} == {"7", "42", "12345678"}
    (found,) = [e for e in log.entry if e.check == "customer_id read from floats"]
    assert (found.rows, found.level) == (4, "warn")


def test_optional_columns_are_read_when_named_or_when_they_have_the_name():
    frame = typed().assign(
        sku=[1, 2, None, 4],
        channel=pd.Categorical(["web", None, "shop", "web"]),
        quantity=["1", "", "2.5", None],
        discount=[1.005, None, 0.5, 0.0],
        note="no column of a log",
    )
    log = read_transactions(frame, product_id="sku")
    assert log.optional == {"order_id", "product_id", "channel", "quantity", "discount"}
    first, back, second, last = table(log)
    assert (first["product_id"], first["channel"], first["quantity"], first["discount"]) == ("1", "web", 1.0, 100)
    assert (second["product_id"], second["channel"], second["quantity"], second["discount"]) == ("2", None, None, None)
    assert (back["product_id"], back["quantity"], back["discount"]) == (None, 2.5, 50)
    assert last["quantity"] is None
    assert "note" not in log.table.columns
    told = {"columns not read": 1, "discounts rounded": 1, "product_id read from floats": 3}
    assert {e.check: e.rows for e in log.entry if e.rows} == told
    assert [e.example for e in log.entry if e.check == "columns not read"] == ["note"]


def test_the_currency_is_what_the_source_says():
    yen = typed().assign(currency=" jpy")
    log = read_transactions(yen)
    assert (log.currency, log.minor) == ("JPY", 1)
    assert [row["amount"] for row in table(log)] == [12, -3, 8, 0]
    assert read_transactions(typed(), currency="kwd").minor == 1000


def test_trap_20_duplicates_and_zero_amounts_are_kept_unless_asked():
    twice = pd.concat([typed(), typed()])
    kept, dropped = read_transactions(twice), read_transactions(twice, duplicates="drop")
    assert (kept.rows, dropped.rows) == (8, 4)
    assert [(e.check, e.rows) for e in dropped.entry][-1] == ("exact duplicate rows left out", 4)
    assert table(dropped) == table(read_transactions(typed()))
    assert 0 in {row["amount"] for row in table(kept)}


def test_rows_at_different_times_of_a_day_are_not_duplicates():
    frame = pd.DataFrame({"customer_id": "a", "time": ["2024-01-31T09:00:00", "2024-01-31T09:00:01"], "amount": 3})
    assert read_transactions(frame, duplicates="drop").rows == 2


def test_trap_19_the_end_of_observation_is_not_the_last_row():
    later = read_transactions(typed(), observed_until="2024-06-30")
    assert (later.rows, date_of(later.observed_until)) == (4, dt.date(2024, 6, 30))
    earlier = read_transactions(typed(), observed_until=dt.date(2024, 2, 3))
    assert (earlier.rows, date_of(earlier.observed_until)) == (3, dt.date(2024, 2, 3))
    assert [(e.check, e.rows) for e in earlier.entry][-1] == ("rows after observed_until left out", 1)


@pytest.mark.parametrize("source", ["pandas", "arrow", "csv", "ibis"])
def test_the_log_is_frozen(source, tmp_path):
    if source == "pandas":
        frame = typed()
        log = read_transactions(frame)
        frame.loc[:, "amount"] = 99.0
        frame.loc[0, "customer_id"] = "changed"
    elif source == "arrow":
        numbers = np.array([1.0, 2.0])
        log = read_transactions(
            pa.table({"customer_id": ["a", "b"], "time": ["2024-01-01"] * 2, "amount": pa.array(numbers)})
        )
        numbers[:] = 99.0
        assert [row["amount"] for row in table(log)] == [100, 200]
        return
    elif source == "csv":
        path = csv(tmp_path)
        log = read_transactions(path)
        path.write_text("gone")
    else:
        orders = in_duckdb(tmp_path)
        log = read_transactions(orders)
        orders.get_backend().raw_sql("DELETE FROM orders")
    assert table(log) == table(read_transactions(typed()))


def test_nothing_of_the_source_is_held():
    log = read_transactions(typed())
    assert log.engine.raw_sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []


def test_the_engine_keeps_to_its_resources():
    log = read_transactions(typed(), memory="500MB", threads=1)
    settings_ = log.engine.raw_sql("SELECT current_setting('memory_limit'), current_setting('threads')").fetchone()
    assert settings_ == ("476.8 MiB", 1)
    share, whole = (
        float(
            read_transactions(typed(), memory=m)
            .engine.raw_sql("SELECT current_setting('memory_limit')")
            .fetchone()[0]
            .split()[0]
        )
        for m in ("40%", "80%")
    )
    assert share == pytest.approx(whole / 2, rel=0.02)


def test_leaves_nothing_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read_transactions(typed(), memory="100MB")
    assert list(tmp_path.iterdir()) == []


CLEAN = {
    "customer_id": [
        st.text(min_size=1, max_size=4).filter(str.strip),
        st.integers(-5, 5),
        st.integers(0, 9).map(float),
    ],
    "time": [
        st.dates(dt.date(1900, 1, 2), dt.date(2099, 12, 30)),
        st.dates(dt.date(1970, 1, 2), dt.date(2040, 1, 1)).map(str),
        st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2040, 1, 1)),  # noqa: DTZ001
        st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
    ],
    "amount": [
        st.floats(-1e9, 1e9),
        st.integers(-(10**9), 10**9),
        st.decimals(-(10**9), 10**9, places=4),
        st.decimals(-999, 999, places=3).map(str),
    ],
}
WILD = {
    "customer_id": [st.text(max_size=2), st.none(), st.floats(), st.booleans(), st.binary(max_size=2)],
    "time": [st.datetimes(), st.dates(), st.none(), st.text(max_size=10), st.integers(), st.just("2024-02-30")],
    "amount": [st.floats(), st.integers(), st.decimals(allow_nan=False), st.none(), st.text(max_size=5), st.booleans()],
}


@st.composite
def frames(draw):
    """Three columns, each of one kind; in some frames one column is of any kind or of several."""
    n = draw(st.integers(0, 6))
    kinds = {name: draw(st.sampled_from(clean)) for name, clean in CLEAN.items()}
    if draw(st.booleans()):
        name = draw(st.sampled_from(list(WILD)))
        kinds[name] = draw(st.sampled_from([*WILD[name], st.one_of(*WILD[name], *CLEAN[name])]))
    return pd.DataFrame({name: draw(st.lists(kind, min_size=n, max_size=n)) for name, kind in kinds.items()})


@pytest.mark.property
@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(frame=frames())
def test_whatever_goes_in_comes_out_whole_or_is_refused(frame):
    try:
        log = read_transactions(frame)
    except DataError:
        return
    assert log.rows == len(frame)
    assert log.n_customers == frame["customer_id"].nunique()
    assert log.refunds <= (frame["amount"].map(Decimal) < 0).sum()
    exact = sum(round(Decimal(str(amount)) * 100) for amount in frame["amount"])
    assert log.table.amount.sum().to_pyarrow().as_py() == pytest.approx(exact, rel=1e-12)


def test_a_database_of_the_user_is_left_as_it_was():
    con = ibis.duckdb.connect()
    rows = pa.table({"customer_id": ["a"], "time": ["2024-01-31"], "amount": [1.0]})
    log = read_transactions(con.create_table("orders", rows))
    assert log.rows == 1
    assert con.list_tables() == ["orders"]
    assert not [name for name in log.engine.list_tables() if not name.startswith("settled_")]
