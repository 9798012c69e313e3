"""Contracts as of a day against a walk over days in plain Python, against renewals, and what cannot be known yet."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron._core.errors import ConfigError, DataError
from patron.churn import ChurnClassifier
from patron.features.contracts import renewals
from patron.features.subscribers import contract_features, contract_snapshots

DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 12, 31)
OFFSETS = {"28 days": pd.Timedelta(days=28), "month": pd.DateOffset(months=1)}


def date(number):
    return FIRST + number * DAY


def contracts(rows):
    """Rows of customer, first day, last day (None is open), plan, price."""
    frame = pd.DataFrame(rows, columns=["customer_id", "start", "end", "plan", "price"])
    return frame.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


def made(seed, n=400):
    """Contracts with every gap, overlap and open end there is; plans and prices that may be missing."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 366, n)
    last = start + rng.choice([0, 6, 27, 28, 30, 89, 200], n) + rng.integers(0, 3, n)
    ends = [None if gone else date(int(end)) for gone, end in zip(rng.random(n) < 0.2, last, strict=True)]
    plan = rng.choice(np.array(["a", "b", "c", None], dtype=object), n)
    price = rng.choice([9.99, 10.0, 20.5, np.nan], n)
    who = rng.integers(0, n // 3, n).astype(str)
    return contracts(list(zip(who, [date(int(day)) for day in start], ends, plan, price, strict=True)))


def has_contract(rows, day):
    return any(start <= day and (end is None or day <= end) for start, end, *_ in rows)


def walked(rows, as_of, window, period, grace):
    """What is known of one customer on `as_of`, one day after another; None without a contract on it."""
    begun = [(start, None if end is None or end > as_of else end, *rest) for start, end, *rest in rows]
    begun = {row for row in begun if row[0] <= as_of}
    if not has_contract(begun, as_of):
        return None
    begun = sorted(begun, key=lambda row: (row[0], row[1] or LAST, row[2] or "", -1.0 if row[3] is None else row[3]))
    first = began = begun[0][0]
    lapsed, silence, winbacks, day = 0, 0, 0, first
    while day <= as_of:
        if not has_contract(begun, day):
            lapsed, silence = lapsed + 1, silence + 1
        else:
            if silence > grace:
                winbacks, began = winbacks + 1, day
            silence = 0
        day += DAY
    survived = 0
    while (due := (pd.Timestamp(began) + (survived + 1) * OFFSETS[period]).date()) <= as_of:
        survived += 1
    now = max(i for i, row in enumerate(begun) if row[1] is None or row[1] >= as_of)
    plans = [row[2] for row in begun]
    changes = sum(None not in pair and pair[0] != pair[1] for pair in itertools.pairwise(plans))
    price, before = begun[now][3], begun[max(now - 1, 0)][3]
    left = 0
    for ahead in range(1, window + 1):
        days = [as_of + (ahead + more) * DAY for more in range(grace + 1)]
        left |= not any(has_contract(rows, day) for day in days)
    return {
        "days_as_customer": (as_of - began).days,
        "renewals": survived,
        "days_to_renewal": (due - as_of).days,
        "contracts": len(begun),
        "winbacks": winbacks,
        "share_lapsed": lapsed / ((as_of - first).days + 1),
        **{f"customer_plan={p}": np.nan if plans[now] is None else float(plans[now] == p) for p in "abc"},
        "plan_changes": changes,
        "price": np.nan if price is None else price,
        "price_change": np.nan if price is None or before is None else price - before,
        "churned": int(left),
    }


def by_hand(frame, days, window, period, grace):
    told = {}
    for day in days:
        for customer, rows in frame.groupby("customer_id"):
            plain = [
                (
                    row.start.date(),
                    None if pd.isna(row.end) else row.end.date(),
                    None if pd.isna(row.plan) else row.plan,
                    None if pd.isna(row.price) else row.price,
                )
                for row in rows.itertuples()
            ]
            found = walked(plain, day, window, period, grace)
            if found is not None:
                told[customer, pd.Timestamp(day)] = found
    frame = pd.DataFrame(told.values(), pd.MultiIndex.from_tuples(told, names=["customer_id", "as_of"]))
    return frame.sort_index(level=["as_of", "customer_id"])


@pytest.mark.parametrize(("period", "grace"), [("28 days", 0), ("month", 5)])
def test_features_and_labels_equal_a_walk_over_the_days(period, grace):
    frame, days = made(grace), [dt.date(2024, 5, 31), dt.date(2024, 9, 30)]
    frame = pd.concat([frame, frame.iloc[:40]])
    told = contract_snapshots(
        frame, days, "40 days", period=period, grace=grace, plans=["a", "b", "c"], observed_until="2024-12-31"
    )
    expected = by_hand(frame, days, 40, period, grace)
    pd.testing.assert_frame_equal(told, expected, check_dtype=False, check_index_type=False, rtol=1e-12, atol=1e-9)
    assert 0.1 < told["churned"].mean() < 0.9
    assert (told[["winbacks", "plan_changes", "share_lapsed"]].sum() > 0).all()
    assert told.dtypes.astype(str)[["days_as_customer", "contracts", "churned"]].tolist() == ["int64", "int64", "int8"]


spell = st.tuples(st.integers(0, 60), st.integers(0, 30) | st.none())


@pytest.mark.property
@settings(max_examples=5, deadline=None)
@given(
    st.lists(st.lists(spell, min_size=1, max_size=4), min_size=10, max_size=20), st.integers(0, 3), st.integers(1, 15)
)
def test_the_label_is_that_of_a_count_of_days(customers, grace, window):
    rows = [
        (f"{i}", date(start), None if length is None else date(start + length), "a", 1.0)
        for i, spells in enumerate(customers)
        for start, length in [*spells, (0, 40)]
    ]
    frame, as_of = contracts(rows), date(40)
    until = date(40 + window + grace)
    told = contract_snapshots(
        frame, as_of, f"{window} days", period="28 days", grace=grace, plans=["a", "b", "c"], observed_until=until
    )
    expected = by_hand(frame, [as_of], window, "28 days", grace)
    assert told["churned"].tolist() == expected["churned"].tolist()


def test_the_first_day_without_a_contract_decides_who_is_in_it_and_who_churned():
    ends = [29, 30, 31, 69, 70, 71]
    frame = contracts([(f"{end}", date(0), date(end), "x", 1.0) for end in ends])
    told = contract_snapshots(frame, date(30), "40 days", period="month", observed_until=date(90))
    assert told["churned"].droplevel("as_of").to_dict() == {"30": 1, "31": 1, "69": 1, "70": 0, "71": 0}


@pytest.mark.parametrize("grace", [0, 4])
def test_who_churned_is_lost_to_renewals_as_of_the_end_of_window_and_grace(grace):
    frame = made(11)
    told = contract_snapshots(
        frame, "2024-08-31", "30 days", period="month", grace=grace, observed_until="2024-12-31"
    ).droplevel("as_of")
    known = renewals(frame, "2024-08-31", "month", grace=grace).reset_index("start")
    began = pd.Timestamp("2024-08-31") - pd.to_timedelta(told["days_as_customer"], unit="D")
    later = renewals(frame, pd.Timestamp("2024-09-30") + grace * DAY, "month", grace=grace)
    same = later.loc[list(zip(told.index, began, strict=True))]
    assert same["lost"].tolist() == (told["churned"] == 1).tolist()
    now = known[known["start"].eq(began.reindex(known.index))]
    assert now["renewals"].tolist() == told["renewals"].tolist()


def test_what_comes_after_as_of_changes_no_feature():
    tie = contracts([("tie", date(100), date(250), "b", 1.0), ("tie", date(100), date(280), "a", 1.0)])
    frame, as_of = pd.concat([made(3), tie], ignore_index=True), pd.Timestamp("2024-07-31")
    later = frame["end"] > as_of
    future = frame.copy()
    future.loc[later, "end"] += pd.Timedelta(days=9)
    future.loc[later & (frame.index % 2 == 0), "end"] = pd.NaT
    future.loc[frame["start"] > as_of, ["plan", "price"]] = ["other", 99.0]
    future = pd.concat([future, contracts([("0", date(300), None, "new", 1.0), ("x", date(320), None, "new", 1.0)])])
    told, other = (
        contract_snapshots(some, as_of, "60 days", period="month", grace=3, observed_until="2024-12-31")
        for some in (frame, future)
    )
    assert (told.pop("churned") != other.pop("churned")).any()
    pd.testing.assert_frame_equal(told, other)
    assert len(told) > 50


def test_several_days_give_what_each_gives_alone():
    frame, days = made(5), ["2024-04-30", "2024-08-31"]
    told = contract_features(frame, days, period="month", plans=["a", "b"])
    alone = [contract_features(frame, day, period="month", plans=["a", "b"]) for day in days]
    pd.testing.assert_frame_equal(told, pd.concat(alone))


@pytest.mark.engines
def test_a_log_and_a_plain_table_say_the_same(engine):
    frame = made(7)
    bought = pd.DataFrame({"customer_id": ["0", "1"], "time": "2024-01-01", "amount": 1.0})
    log = engine(bought, observed_until="2024-12-31").with_subscriptions(engine.place(frame))
    days = ["2024-06-30", "2024-09-30"]
    told = contract_snapshots(log, days, "30 days", period="month", grace=2)
    plain = contract_snapshots(frame, days, "30 days", period="month", grace=2, observed_until="2024-12-31")
    pd.testing.assert_frame_equal(told, plain)
    assert told.attrs == {"period": "1 month", "grace": 2, "horizon_days": 32}
    with pytest.raises(ConfigError, match="a log says itself"):
        contract_snapshots(log, days, "30 days", period="month", observed_until="2024-12-31")
    with pytest.raises(DataError, match="after the last day observed"):
        contract_features(log, "2025-02-01", period="month")


def test_a_label_is_refused_until_window_and_grace_are_observed():
    frame = contracts([("a", date(0), None, "x", 1.0), ("b", date(0), date(59), "x", 1.0)])
    options = {"period": "month", "grace": 3, "observed_until": date(63)}
    assert contract_snapshots(frame, date(50), "10 days", **options)["churned"].tolist() == [0, 1]
    with pytest.raises(DataError, match="as_of on 2024-02-20 at the latest, or observed_until="):
        contract_snapshots(frame, date(51), "10 days", **options)
    back = pd.concat([frame, contracts([("b", date(63), None, "x", 1.0)])])
    assert contract_snapshots(back, date(50), "10 days", **options)["churned"].tolist() == [0, 0]


def test_a_table_is_observed_until_its_last_start_for_an_end_may_be_agreed_on():
    frame = contracts([("a", date(0), date(300), "x", 1.0), ("b", date(40), None, "x", 1.0)])
    assert len(contract_snapshots(frame, date(30), "10 days", period="month")) == 1
    with pytest.raises(DataError, match="observed until 2024-02-10"):
        contract_snapshots(frame, date(31), "10 days", period="month")


def test_plans_are_those_begun_by_the_last_day_or_those_declared():
    frame = contracts([("a", date(0), None, "x", 1.0), ("b", date(40), None, "y", 1.0)])
    early, late = (contract_features(frame, date(day), period="month") for day in (30, 60))
    assert [name for name in early if "plan=" in name] == ["customer_plan=x"]
    assert [name for name in late if "plan=" in name] == ["customer_plan=x", "customer_plan=y"]
    declared = contract_features(frame, date(60), period="month", plans=["y", "z"])
    assert declared.filter(like="plan=").to_numpy().tolist() == [[0.0, 0.0], [1.0, 0.0]]
    many = contracts([(f"{i}", date(0), None, f"p{i}", 1.0) for i in range(21)])
    with pytest.raises(DataError, match="more than 20 plans"):
        contract_features(many, date(1), period="month")


def test_without_plan_and_price_there_is_nothing_of_them():
    told = contract_features(made(1)[["customer_id", "start", "end"]], "2024-06-30", period="month")
    assert list(told) == [
        "days_as_customer", "renewals", "days_to_renewal", "contracts", "winbacks", "share_lapsed",
    ]  # fmt: skip


def test_what_cannot_be_read_is_refused(cdnow_sample):
    frame = made(1)
    with pytest.raises(DataError, match="has no subscriptions"):
        contract_features(cdnow_sample, "1998-03-31", period="month")
    with pytest.raises(DataError, match="nobody is under contract on 2023-06-30"):
        contract_features(frame, ["2023-06-30", "2024-06-30"], period="month")
    with pytest.raises(DataError, match="a table without contracts"):
        contract_features(frame.iloc[:0], "2024-06-30", period="month")
    with pytest.raises(ConfigError, match="grace is a whole number of days"):
        contract_features(frame, "2024-06-30", period="month", grace=-1)
    with pytest.raises(ConfigError, match="must be a fixed length"):
        contract_snapshots(frame, "2024-06-30", "1 month", period="month")


def test_the_classifier_takes_the_frame_stops_early_by_as_of_and_names_the_plan():
    rng = np.random.default_rng(2)
    n = 1500
    start = rng.integers(0, 200, n)
    rare = rng.random(n) < 0.5
    length = 28 * rng.geometric(np.where(rare, 0.05, 0.4)) - 1
    frame = contracts(
        [
            (f"{i}", date(int(s)), date(int(s + d)), "yearly" if r else "monthly", 5.0)
            for i, (s, d, r) in enumerate(zip(start, length, rare, strict=True))
        ]
    )
    days = [date(day) for day in (120, 148, 176, 204)]
    X = contract_snapshots(frame, days, "56 days", period="28 days", grace=2, observed_until=LAST)
    y = X.pop("churned")
    model = ChurnClassifier().fit(X, y)
    assert model.n_trees_ != model.n_trees
    assert model.reasons(X, top=2)["reason_1"].str.contains("plan monthly|plan yearly").any()
