from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.money import LARGEST
from patron.data import columns
from patron.data.engines import connect, offer
from patron.data.readers import read_transactions

DECIMAL = pa.decimal128(38, 6)


@pytest.fixture(scope="module")
def duckdb():
    return connect(threads=1)


def money(engine, values, kind, minor=100):
    """What Patron makes of the values, and which of them it says it altered."""
    table = offer(engine, pa.table({"amount": pa.array(values, kind)}))
    amount = columns.money(table.amount, minor, required=True)
    rows = table.select(amount.value.name("cents"), amount.changed.name("changed")).to_pyarrow()
    return rows["cents"].to_pylist(), rows["changed"].to_pylist()


def exact(text, minor=100):
    scaled = Decimal(text) * minor
    cents = scaled.quantize(Decimal(1), ROUND_HALF_EVEN)
    return int(cents), cents != scaled


TIES = ["2.675", "2.665", "1.005", "1.015", "8.345", "0.285", "0.145", "1.115", "4.35", "-2.675", "-0.005", "0.015"]


@pytest.mark.parametrize("kind", [pa.float64(), pa.string(), DECIMAL], ids=str)
def test_ties_of_the_decimal_that_was_written_go_to_the_even_cent(duckdb, kind):
    values = [Decimal(t) if kind == DECIMAL else t if kind == pa.string() else float(t) for t in TIES]
    cents, changed = money(duckdb, values, kind)
    assert cents == [268, 266, 100, 102, 834, 28, 14, 112, 435, -268, 0, 2]
    assert changed == [t != "4.35" for t in TIES]


def test_cents_of_floats_do_not_count_as_rounded(duckdb):
    values = [i / 100 for i in range(-3000, 3000)]
    cents, changed = money(duckdb, values, pa.float64())
    assert cents == list(range(-3000, 3000))
    assert not any(changed)


def test_prices_in_float32_do_not_count_as_rounded(duckdb):
    cents, changed = money(duckdb, [i / 100 for i in range(9999)], pa.float32())
    assert cents == list(range(9999))
    assert not any(changed)


def test_the_largest_amount_is_the_last_accepted(duckdb):
    top = LARGEST // 100
    for kind in (pa.float64(), DECIMAL, pa.string()):
        values = [top, -top, top + 1, -top - 1]
        cents, _ = money(duckdb, list(map(str, values)) if kind == pa.string() else values, kind)
        assert cents == [LARGEST, -LARGEST, None, None]


def test_a_fraction_above_the_largest_amount_is_too_much(duckdb):
    text = f"{LARGEST // 1000}.005"
    for kind, value in ((pa.float64(), float(text)), (DECIMAL, Decimal(text)), (pa.string(), text)):
        assert money(duckdb, [value], kind, 1000)[0] == [None]


written = st.decimals(-(10**9), 10**9, places=6).map(lambda d: f"{d:.6f}")
ties = st.integers(-(10**11), 10**11 - 1).map(lambda n: f"{Decimal(n) / 100 + Decimal('0.005'):.6f}")
short = st.decimals(-999, 999, places=3).map(str)


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.one_of(written, ties, short), min_size=1, max_size=60), minor=st.sampled_from([1, 100, 1000]))
def test_every_type_rounds_as_decimal_arithmetic_does(duckdb, texts, minor):
    wanted = [exact(text, minor) for text in texts]
    for kind, values in (
        (pa.float64(), [float(t) for t in texts]),
        (pa.string(), texts),
        (DECIMAL, [Decimal(t) for t in texts]),
    ):
        cents, changed = money(duckdb, values, kind, minor)
        assert list(zip(cents, changed, strict=True)) == wanted


def test_the_audit_line_counts_what_rounding_changed():
    frame = pd.DataFrame({"customer_id": "a", "time": "2024-01-31", "amount": [1.25, 1.255, 19.99, 0.001]})
    assert [(e.check, e.rows) for e in read_transactions(frame).entry] == [("amounts rounded", 2)]
