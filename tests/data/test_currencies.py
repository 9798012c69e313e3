"""Several currencies become one: exact to the last minor unit, at the last rate on or before the day, or refused."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import DataError
from patron._core.money import LARGEST, minor_units
from patron.data import audit, currencies
from patron.data.engines import connect, offer
from patron.data.readers import read_transactions

ORDERS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "b", "c"],
        "time": ["2024-01-02", "2024-01-05", "2024-01-06", "2024-01-07", "2024-01-07"],
        "amount": ["10.00", "10.00", "10.00", "-10.00", "1000"],
        "currency": ["EUR", "CHF", "chf ", "CHF", "JPY"],
    }
)
RATES = pd.DataFrame(
    {
        "currency": ["CHF", "CHF", "JPY", "JPY"],
        "day": ["2024-01-05", "2024-01-07", "2023-12-31", "2024-01-08"],
        "rate": ["1.0525", "1.0605", "0.00615", "9"],
    }
)


def cents(log, name="amount"):
    return log.table.order_by("day", "customer_id")[name].to_pyarrow().to_pylist()


def test_the_last_rate_on_or_before_the_day_holds():
    log = read_transactions(ORDERS, currency="EUR", rates=RATES)
    # 10.525 and 10.605 are ties: they go to the even cent
    assert (log.currency, log.minor, cents(log)) == ("EUR", 100, [1000, 1052, 1052, -1060, 615])
    assert [(f.check, f.rows, f.example) for f in audit(log).findings if "converted" in f.check] == [
        ("amounts converted from CHF", 3, "1.0525 to 1.0605 EUR; the oldest rate used was 1 days old"),
        ("amounts converted from JPY", 1, "0.00615 to 0.00615 EUR; the oldest rate used was 7 days old"),
    ]


def test_all_money_of_a_row_is_converted_and_what_it_is_converted_to_may_have_no_decimals():
    frame = ORDERS.assign(discount=["1", "1", None, "0", "0"], back=[None, "5", None, None, None])
    rates = pd.DataFrame({"currency": ["EUR", "CHF"], "day": "2024-01-01", "rate": [160.5, 170]})
    log = read_transactions(frame, currency="jpy", rates=rates, refund="back")
    assert (log.minor, sorted(cents(log))) == (1, [-1700, -850, 1000, 1605, 1700, 1700])
    assert sorted(cents(log, "discount"), key=str) == [0, 0, 160, 170, None, None]


def test_the_day_of_the_rate_is_the_day_in_the_log_s_zone():
    frame = pd.DataFrame({"customer_id": "a", "time": ["2024-01-04T23:30:00Z"], "amount": 10, "currency": "CHF"})
    log = read_transactions(frame, currency="EUR", rates=RATES, timezone="Europe/Berlin")
    assert cents(log) == [1052]


def test_rates_of_a_log_in_its_own_currency_alone_are_not_needed():
    log = read_transactions(ORDERS.iloc[:1], currency="EUR", rates=RATES)
    assert (cents(log), [f.check for f in log.entry]) == ([1000], ["amounts rounded"])
    assert read_transactions(ORDERS.iloc[:1], rates=RATES).currency == "EUR"


def test_the_currencies_may_stand_in_any_column():
    frame = ORDERS.rename(columns={"currency": "Währung"})
    log = read_transactions(frame, currency="EUR", currency_column="Währung", rates=RATES)
    assert cents(log) == [1000, 1052, 1052, -1060, 615]
    with pytest.raises(DataError, match=r"column 'Währung': holds 3 currencies: CHF, EUR, JPY"):
        read_transactions(frame, currency="EUR", currency_column="Währung")


def test_a_day_before_the_first_rate_is_refused():
    with pytest.raises(DataError) as caught:
        read_transactions(ORDERS, currency="EUR", rates=RATES[RATES["day"] != "2024-01-05"])
    assert str(caught.value) == (
        "column 'currency': has no rate of CHF on or before 2024-01-05 (2 rows, for example 'CHF'). "
        "Fix: add to rates what it was worth on that day or before."
    )


def test_old_rates_deserve_a_look():
    old = read_transactions(ORDERS, currency="EUR", rates=RATES.assign(day=["2023-12-01", "2024-01-07"] * 2))
    assert [(f.check, f.level) for f in old.entry if "converted" in f.check] == [
        ("amounts converted from CHF", "warn"),
        ("amounts converted from JPY", "info"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": ["1.05", "0", "1", "1"]}, "column 'rate': is missing, not above zero, or a million and more .1 row"),
        (
            {"rate": ["1.05", None, "1", "1000000"]},
            "column 'rate': is missing, .* .2 rows, for example 'CHF 2024-01-07 nan'",
        ),
        ({"rate": ["1,05", "1", "1", "1"]}, "column 'rate': is not a number .1 row, for example '1,05'.*decimal=','"),
        ({"day": ["2024-01-05", "5.1.24", "2024-01-01", "2024-01-02"]}, "column 'day': is not a date or stamp"),
        ({"day": "2024-01-01"}, "column 'day': has two rates of one currency .2 rows"),
        ({"currency": None}, "column 'currency': is missing"),
    ],
)
def test_rates_are_checked(change, words):
    with pytest.raises(DataError, match=words):
        read_transactions(ORDERS, currency="EUR", rates=RATES.assign(**change))


def test_rates_lack_a_column():
    with pytest.raises(DataError, match="column 'rate': is not in the frame of rates; it has 'currency', 'day'"):
        read_transactions(ORDERS, currency="EUR", rates=RATES[["currency", "day"]])


def test_a_rate_that_makes_an_amount_too_large_is_refused():
    frame = ORDERS.iloc[1:2].assign(amount=10**10)
    with pytest.raises(DataError, match=r"is larger than 10,000,000,000 once converted \(1 row\)"):
        read_transactions(frame, currency="EUR", rates=RATES.assign(rate=999_999))


def test_nothing_of_the_rates_is_held():
    con = connect(threads=1)
    orders = con.create_table("orders", pa.Table.from_pandas(ORDERS, preserve_index=False))
    assert cents(read_transactions(orders, currency="EUR", rates=RATES)) == [1000, 1052, 1052, -1060, 615]
    assert con.list_tables() == ["orders"]


@pytest.fixture(scope="module")
def duckdb():
    return connect(threads=1)


@pytest.mark.property
@settings(max_examples=8, deadline=None)
@given(
    data=st.lists(
        st.tuples(
            st.one_of(st.integers(-LARGEST, LARGEST), st.integers(-9999, 9999)),
            st.one_of(
                st.decimals("1e-9", "0.1", places=9),
                st.decimals("0.001", "2", places=4),
                st.sampled_from(["0.5", "1", "1.5", "999999.999999", "0.000001", "0.25"]).map(Decimal),
            ),
            st.sampled_from([("EUR", 100), ("JPY", 100), ("JPY", 1), ("KWD", 1000)]),
        ),
        min_size=1,
        max_size=300,
    )
)
def test_conversion_is_that_of_decimal_arithmetic(duckdb, data):
    split = [currencies._split(float(rate), unit, code) for _, rate, (code, unit) in data]
    table = offer(
        duckdb,
        pa.table(
            {"n": range(len(data)), "amount": [units for units, *_ in data]}
            | {name: pa.array([parts[i] for parts in split], pa.int64()) for i, name in enumerate(currencies._PARTS)}
        ),
    )
    parts = [table[name] for name in currencies._PARTS]
    got = table.select("n", amount=currencies._times(table.amount, *parts)).to_pyarrow().sort_by("n")["amount"]
    for units, (value, rate, (code, unit)) in zip(got.to_pylist(), data, strict=True):
        worth = (Decimal(repr(float(rate))) * minor_units(code) / unit).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
        assert units == int((value * worth).to_integral_value(ROUND_HALF_EVEN))
