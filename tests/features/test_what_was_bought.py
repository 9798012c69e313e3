"""Features of orders, products, categories, discounts, events and attributes against plain Python, exactly equal."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict

import ibis
import numpy as np
import pandas as pd
import pytest

from patron._core.calendar import date_of, day_number
from patron._core.errors import DataError
from patron.data.readers import read_transactions
from patron.features import features
from patron.features.catalogue import feature_named, features_of
from patron.features.per_customer import per_customer
from tests.conftest import Engine

START, END = day_number("2020-01-01"), day_number("2020-12-31")
AS_OF = [day_number("2020-03-01"), day_number("2020-10-04")]
EDGES = [29, 30, 89, 90, 179, 180]  # the last day within a window, and the first without


HERE = Engine(lambda frame: frame)


def iso(day):
    return date_of(int(day)).isoformat()


def lines_of(seed, *, refunds):
    """A year of baskets; some lines without order, product or category, some days with a refund of an older one."""
    rng = np.random.default_rng(seed)
    n = 500
    who = rng.integers(0, 40, n)
    day = START + rng.integers(0, 366, n)
    day[::4] = AS_OF[1] - rng.choice(EDGES, len(day[::4]))
    day.sort()
    day[0] = START
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in who],
            "day": day,
            "amount": rng.integers(0, 2000, n),
            "order_id": [f"o{w}-{d // 4}" if rng.random() < 0.9 else None for w, d in zip(who, day, strict=True)],
            "product_id": [f"p{i}" if i else None for i in rng.integers(0, 9, n)],
            "category": [f"k{i}" if i else None for i in rng.integers(0, 4, n)],
            "discount": [int(d) if d >= 0 else None for d in rng.integers(-50, 120, n)],
        }
    )
    if refunds:
        back = rows.sample(40, random_state=seed)
        later = np.minimum(back["day"] + rng.integers(0, 60, 40), END)
        rows = pd.concat([rows, back.assign(day=later, amount=-back["amount"], discount=None)], ignore_index=True)
        rows = rows[(rows["amount"] != 0) | (rows.index < n)]
    return rows


def happened(seed):
    rng = np.random.default_rng(seed)
    kinds = np.array(["visit", "complaint", "long one_90"])
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 14, 80)],
            "day": np.append(START + rng.integers(0, 366, 40), AS_OF[1] - rng.choice(EDGES, 40)),
            "kind": kinds[rng.integers(0, 3, 80)],
        }
    )


PEOPLE = pd.DataFrame(
    {
        "customer_id": ["c00", "c01", "c02", "c99"],
        "born": [1970.0, np.nan, 1999.5, 2000.0],
        "city": ["Ulm", "a=b", None, "Ulm"],
        "member": [True, False, True, True],
    }
)


def timed(frame):
    return frame.drop(columns="day").assign(time=pd.to_datetime([iso(day) for day in frame["day"]]))


def log_of(engine, lines, events=None, people=None):
    frame = timed(lines).assign(amount=lines["amount"] / 100, discount=lines["discount"].astype("float64") / 100)
    for name in ("order_id", "product_id", "category"):
        frame[name] = frame[name].astype("string")
    log = engine(frame, observed_until=iso(END))
    if events is not None:
        log = log.with_events(engine.place(timed(events)))
    return log if people is None else log.with_customers(engine.place(people), static=["born", "city", "member"])


def divide(top, bottom):
    return top / bottom if bottom else math.nan


def expected(lines, events, people, name, as_of):
    """Of a log without refunds."""
    bought = [row for row in lines[lines["customer_id"] == name].to_dict("records") if row["day"] <= as_of]
    found = of_orders(bought, as_of) | of_products(bought, as_of) | of_categories(bought, as_of)
    found |= of_discounts(bought, as_of)
    for key in found:
        days = {"basket_trend": 90, "categories_dropped_90": 180}.get(key, 90 if key.endswith("_90") else 0)
        if as_of - START + 1 < days:
            found[key] = math.nan
    return found | of_events(events, name, as_of) | of_people(people, name)


def of_orders(bought, as_of):
    orders, found = defaultdict(list), {}
    for i, row in enumerate(bought):
        orders[row["order_id"] if isinstance(row["order_id"], str) else i].append(row)
    ends = {key: max(row["day"] for row in rows) for key, rows in orders.items()}
    late = [rows for key, rows in orders.items() if ends[key] > as_of - 90]
    spent = sum(row["amount"] for rows in late for row in rows)
    found["basket_value_90"] = divide(spent, len(late) * 100)
    found["basket_lines_90"] = divide(sum(map(len, late)), len(late))
    mean = divide(sum(row["amount"] for row in bought), len(orders))
    found["basket_trend"] = divide(spent, len(late)) / mean if mean else math.nan
    weekdays = Counter((dt.date(1970, 1, 1) + dt.timedelta(days=int(day))).weekday() for day in ends.values())
    found["weekend_share"] = (weekdays[5] + weekdays[6]) / len(orders)
    found["weekday_habit"] = sum(n * n for n in weekdays.values()) / len(orders) ** 2
    return found


def of_products(bought, as_of):
    products = defaultdict(list)
    for row in bought:
        if isinstance(row["product_id"], str):
            products[row["product_id"]].append(row["day"])
    fresh = [days for days in products.values() if max(days) > as_of - 90]
    return {
        "products_90": float(len(fresh)),
        "products_new_90": divide(sum(min(days) > as_of - 90 for days in fresh), len(fresh)),
        "products_again": divide(sum(len(set(days)) > 1 for days in products.values()), len(products)),
    }


def of_categories(bought, as_of):
    recent, before = as_of - 90, as_of - 180
    kinds = defaultdict(list)
    for row in bought:
        if isinstance(row["category"], str):
            kinds[row["category"]].append(row)
    now = {kind for kind, rows in kinds.items() if any(row["day"] > recent for row in rows)}
    then = {kind for kind, rows in kinds.items() if any(before < row["day"] <= recent for row in rows)}
    sums = [sum(row["amount"] for row in rows if row["day"] > recent) for rows in kinds.values()]
    return {
        "categories_90": float(len(now)),
        "categories_dropped_90": divide(len(then - now), len(then)),
        "top_category_share_90": divide(max(sums, default=0), sum(sums)),
    }


def of_discounts(bought, as_of):
    late = [row for row in bought if row["day"] > as_of - 90]
    saved = [0 if math.isnan(row["discount"]) else int(row["discount"]) for row in late]
    return {
        "discount_share_90": divide(sum(saved), sum(saved) + sum(row["amount"] for row in late)),
        "discounted_lines_90": divide(sum(cents > 0 for cents in saved), len(late)),
    }


def of_events(events, name, as_of):
    found = {}
    for kind in sorted(set(events["kind"])):
        days = [row["day"] for row in events.to_dict("records") if row["customer_id"] == name and row["kind"] == kind]
        days = [day for day in days if day <= as_of]
        for window in (30, 90):
            count = float(sum(day > as_of - window for day in days))
            found[f"events_{kind}_{window}"] = math.nan if as_of - START + 1 < window else count
        found[f"events_{kind}_since"] = float(as_of - max(days)) if days else math.nan
    return found


def of_people(people, name):
    person = people.set_index("customer_id").to_dict("index").get(name)
    known = person is not None and isinstance(person["city"], str)
    return {
        "customer_born": person["born"] if person else math.nan,
        **{f"customer_city={city}": float(person["city"] == city) if known else math.nan for city in ("Ulm", "a=b")},
        "customer_member": float(person["member"]) if person else math.nan,
    }


def assert_exactly(found, wanted):
    assert list(found.columns) == list(wanted.columns)
    for name in found.columns:
        np.testing.assert_array_equal(found[name].to_numpy(), wanted[name].to_numpy(), err_msg=name)


@pytest.mark.engines
@pytest.mark.parametrize(
    ("engine", "days"),
    [("duckdb", AS_OF), ("duckdb", AS_OF[1:]), ("postgres", AS_OF)],
    indirect=["engine"],
)
def test_what_was_bought_equals_plain_python(engine, days):
    lines, events = lines_of(3, refunds=False), happened(4)
    log = log_of(engine, lines, events, PEOPLE)
    found = features(log, [iso(day) for day in days])
    wanted = [expected(lines, events, PEOPLE, name, day_number(str(day.date()))) for name, day in found.index]
    assert len(found) > 10
    assert_exactly(found.iloc[:, 26:], pd.DataFrame(wanted))


def test_with_refunds_only_days_that_count_tell_what_was_bought(here):
    lines = lines_of(5, refunds=True)
    found = features(log_of(here, lines), iso(AS_OF[1]))
    gone = pd.DataFrame(
        {
            "customer_id": "c00",
            "day": [START + 200, START + 230],
            "amount": [700, -700],
            "order_id": "gone",
            "product_id": "never",
            "category": "never",
            "discount": [10, None],
        }
    )
    lines = lines[~((lines["customer_id"] == "c00") & (lines["day"].isin(gone["day"])))]
    without, added = (features(log_of(here, some), iso(AS_OF[1])) for some in (lines, pd.concat([lines, gone])))
    wider = [feature.name for feature in features_of(log_of(here, lines)) if feature.needs is not None]
    assert_exactly(added[wider], without[wider])
    kept = pd.concat([lines, gone.iloc[:1]])
    assert features(log_of(here, kept), iso(AS_OF[1]))["products_90"].iloc[0] != without["products_90"].iloc[0]
    assert found[wider].notna().any().all()


def test_nothing_of_the_future_shows(here):
    lines, events = lines_of(6, refunds=True), happened(7)
    whole = log_of(here, lines, events, PEOPLE)
    day = AS_OF[0]
    later = log_of(
        here,
        pd.concat([lines[lines["day"] <= day], lines[lines["day"] > day].assign(amount=5, product_id="p", discount=3)]),
        pd.concat([events[events["day"] <= day], events[events["day"] > day].assign(kind="visit", customer_id="c03")]),
        PEOPLE,
    )
    before, after = features(whole, iso(day)), features(later, iso(day))
    assert_exactly(before[after.columns], after)
    assert_exactly(features(whole.until(iso(day)), iso(day)), before)
    assert_exactly(features(whole, [iso(day) for day in AS_OF]).iloc[: len(before)], before)


@pytest.mark.engines
def test_a_dated_attribute_is_what_it_was_that_day(engine):
    log = log_of(engine, lines_of(8, refunds=False))
    dated = pd.DataFrame(
        {
            "customer_id": ["c00", "c00", "c01"],
            "tier": ["gold", "silver", "gold"],
            "from": pd.to_datetime(["2020-01-01", "2020-03-02", "2020-05-01"]),
            "to": pd.to_datetime(["2020-03-01", None, "2020-06-30"]),
        }
    )
    log = log.with_customers(engine.place(dated), valid_from="from", valid_to="to")
    told = features(log, [iso(day) for day in AS_OF])[["customer_tier=gold", "customer_tier=silver"]]
    on = {day: told.xs(pd.Timestamp(iso(day)), level="as_of").loc[["c00", "c01"]].to_numpy() for day in AS_OF}
    np.testing.assert_array_equal(on[AS_OF[0]], [[1, 0], [np.nan, np.nan]])
    np.testing.assert_array_equal(on[AS_OF[1]], [[0, 1], [np.nan, np.nan]])


def test_a_log_tells_only_what_it_knows(cdnow_sample):
    assert len(features_of(cdnow_sample)) == 26
    lines = lines_of(9, refunds=False).drop(columns=["product_id", "category"])
    log = read_transactions(timed(lines).assign(order_id=lines["order_id"].astype("string")))
    assert {feature.needs for feature in features_of(log)} == {None, "order_id", "discount"}


def test_the_expression_is_sql_elsewhere_too():
    log = log_of(HERE, lines_of(1, refunds=True), happened(1), PEOPLE)
    table = per_customer(log, AS_OF, "month", "month", features_of(log))
    assert "discounted_lines_90" in str(ibis.to_sql(table.unbind(), dialect="snowflake"))


def test_every_feature_is_found_by_the_name_of_its_column():
    log = log_of(HERE, lines_of(1, refunds=False), happened(1), PEOPLE)
    for feature in features_of(log):
        found = feature_named(feature.name)
        assert (found.label, found.family, found.unit) == (feature.label, feature.family, feature.unit)
    assert feature_named("p_alive") is None
    assert feature_named("events_visit_31") is None


def test_attributes_that_are_no_use_are_reported():
    log = log_of(HERE, lines_of(1, refunds=False))
    people = pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in range(30)],
            "street": [f"street {i}" for i in range(30)],
            "age": [str(20 + i) for i in range(30)],
            "since": pd.Timestamp("2020-01-01"),
            "blank": " ",
        }
    )
    log = log.with_customers(people, static=["street", "age", "since", "blank"])
    assert log.attributes == (("age", ()),)
    told = {finding.check: finding.action for finding in log.entry if finding.level == "warn"}
    assert told["attribute street is no feature"] == "it has more than 20 levels: give numbers, or few levels"
    assert set(told) == {f"attribute {name} is no feature" for name in ("street", "since", "blank")}
    assert features(log, "2020-06-01")["customer_age"].iloc[0] == 20


def test_kinds_may_be_chosen_and_may_not_be_too_many():
    log = log_of(HERE, lines_of(1, refunds=False))
    many = pd.DataFrame(
        {"customer_id": "c00", "time": pd.Timestamp("2020-02-01"), "kind": [f"k{i}" for i in range(21)]}
    )
    with pytest.raises(
        DataError, match=r"'kind': holds more than 20 kinds of events.*name those that matter with kinds="
    ):
        log.with_events(many)
    told = features(log.with_events(many, kinds=["k7"]), "2020-06-01")
    assert [name for name in told.columns if name.startswith("events_")] == [
        "events_k7_30", "events_k7_90", "events_k7_since"
    ]  # fmt: skip
