"""Features of all that not every log has: orders, products, discounts, events, ...; exactly as plain Python tells."""

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
from patron.features import features, snapshots
from patron.features.catalogue import CATALOGUE, feature_named, features_of
from patron.features.per_customer import per_customer
from tests.conftest import Engine

START, END = day_number("2020-01-01"), day_number("2020-12-31")
AS_OF = [day_number("2020-03-01"), day_number("2020-10-04")]
EDGES = [27, 28, 29, 30, 89, 90, 179, 180]  # the last day within a window, and the first without


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
            "channel": [f"s{i}" if i else None for i in rng.integers(0, 4, n)],
            "quantity": rng.choice([np.nan, 1, 1, 2, 0.3755, 1.25, -1], n),
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
            "value": rng.choice([np.nan, 0, 7, 10, 3.1415, -2.5], 80),
        }
    ).assign(value=lambda rows: rows["value"].where(rows["kind"] != "visit"))


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
    for name in ("order_id", "product_id", "category", "channel"):
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
    found = of_orders(bought, as_of) | of_products(bought, as_of)
    found |= of_categories(bought, as_of) | of_channels(bought, as_of)
    found |= of_discounts(bought, as_of) | of_quantities(bought, as_of)
    windows = {"basket_trend": 90, "basket_lines_trend": 90, "categories_dropped_90": 180, "products_28": 28}
    for key in found:
        if as_of - START + 1 < windows.get(key, 90 if key.endswith("_90") else 0):
            found[key] = math.nan
    return found | of_events(events, name, as_of) | of_people(people, name)


def on_first_day(bought):
    return [row for row in bought if row["day"] == min(row["day"] for row in bought)]


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
    found["basket_value"] = divide(sum(row["amount"] for row in bought), len(orders) * 100)
    found["basket_trend"] = divide(spent, len(late)) / mean if mean else math.nan
    found["basket_lines"] = len(bought) / len(orders)
    found["basket_lines_trend"] = found["basket_lines_90"] / found["basket_lines"]
    found["first_lines"] = float(len(on_first_day(bought)))
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
    usual = [days for days in products.values() if len(set(days)) > 1]
    return {
        "products_28": float(sum(max(days) > as_of - 28 for days in products.values())),
        "products_dropped_90": divide(sum(max(days) <= as_of - 90 for days in usual), len(usual)),
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
    counts = [sum(row["day"] > recent for row in rows) for rows in kinds.values()]
    return {
        "categories_new_90": divide(sum(min(row["day"] for row in kinds[kind]) > recent for kind in now), len(now)),
        "category_habit_90": divide(sum(n * n for n in counts), sum(counts) ** 2),
        "categories_90": float(len(now)),
        "categories_dropped_90": divide(len(then - now), len(then)),
        "top_category_share_90": divide(max(sums, default=0), sum(sums)),
    }


def of_channels(bought, as_of):
    named = [row for row in bought if isinstance(row["channel"], str)]
    begun = {row["channel"]: row["day"] for row in reversed(named)}
    spent = Counter()
    for row in named:
        if row["day"] > as_of - 90:
            spent[row["channel"]] += row["amount"]
    return {
        "channels_90": float(len(spent)),
        "channels_new_90": divide(sum(begun[channel] > as_of - 90 for channel in spent), len(spent)),
        "top_channel_share_90": divide(max(spent.values(), default=0), sum(spent.values())),
    }


def saved(rows):
    cents = sum(0 if math.isnan(row["discount"]) else int(row["discount"]) for row in rows)
    return divide(cents, cents + sum(row["amount"] for row in rows))


def of_discounts(bought, as_of):
    late = [row for row in bought if row["day"] > as_of - 90]
    return {
        "discount_share": saved(bought),
        "discount_share_90": saved(late),
        "discount_trend_90": saved(late) - saved(bought),
        "first_discount_share": saved(on_first_day(bought)),
        "discounted_lines_90": divide(sum(row["discount"] > 0 for row in late), len(late)),
    }


def thousandths(number):
    return math.floor(number * 1000 + 0.5)


def of_quantities(bought, as_of):
    late = [row for row in bought if row["day"] > as_of - 90]
    known = [row for row in late if not math.isnan(row["quantity"])]
    units = sum(thousandths(row["quantity"]) for row in known)
    return {
        "quantity_90": units / 1000,
        "multiples_90": divide(sum(row["quantity"] > 1 for row in known), len(late)),
        "unit_price_90": divide(sum(row["amount"] for row in known) * 1000, units * 100),
    }


def of_events(events, name, as_of):
    found = {}
    mine = [row for row in events.to_dict("records") if row["customer_id"] == name and row["day"] <= as_of]
    for kind in sorted(set(events["kind"])):
        days = [row["day"] for row in mine if row["kind"] == kind]
        for window in (30, 90):
            count = float(sum(day > as_of - window for day in days))
            found[f"events_{kind}_{window}"] = math.nan if as_of - START + 1 < window else count
        found[f"events_{kind}_since"] = float(as_of - max(days)) if days else math.nan
        if events.loc[events["kind"] == kind, "value"].notna().any():
            valued = [row for row in mine if row["kind"] == kind and not math.isnan(row["value"])]
            last = max((row["day"] for row in valued), default=0)
            latest = mean([row["value"] for row in valued if row["day"] == last])
            late = mean([row["value"] for row in valued if row["day"] > as_of - 90])
            found[f"events_{kind}_latest"] = latest
            found[f"events_{kind}_mean"] = math.nan if as_of - START + 1 < 90 else late
            found[f"events_{kind}_change"] = latest - mean([row["value"] for row in valued if row["day"] < last])
    return found


def mean(values):
    return divide(sum(map(thousandths, values)), len(values) * 1000)


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
    wanted = pd.DataFrame(wanted)
    told = [name for name in found.columns if name not in CATALOGUE or CATALOGUE[name].needs is not None]
    assert sorted(wanted.columns) == sorted(told)
    assert wanted.notna().any().all()
    assert_exactly(found[told], wanted[told])


def test_with_refunds_only_days_that_count_tell_what_was_bought(here):
    lines = lines_of(5, refunds=True)
    wider = [feature.name for feature in features_of(log_of(here, lines)) if feature.needs is not None]
    found = features(log_of(here, lines), iso(AS_OF[1]), which=wider)
    gone = pd.DataFrame(
        {
            "customer_id": "c00",
            "day": [START + 200, START + 230],
            "amount": [700, -700],
            "order_id": "gone",
            "product_id": "never",
            "category": "never",
            "discount": [10, None],
            "channel": "never",
            "quantity": [3, None],
        }
    )
    lines = lines[~((lines["customer_id"] == "c00") & (lines["day"].isin(gone["day"])))]
    without, added = (
        features(log_of(here, some), iso(AS_OF[1]), which=wider) for some in (lines, pd.concat([lines, gone]))
    )
    assert_exactly(added, without)
    kept = pd.concat([lines, gone.iloc[:1]])
    held = features(log_of(here, kept), iso(AS_OF[1]), which=["products_90"])
    assert held["products_90"].iloc[0] != without["products_90"].iloc[0]
    assert found.notna().any().all()


def test_every_customer_has_a_row_whatever_is_asked(here):
    log = log_of(here, lines_of(5, refunds=True), happened(5), PEOPLE)
    days = [iso(day) for day in AS_OF]
    names = ["T", "events_visit_90", "customer_born", "quantity_90"]
    whole = features(log, days, which=names)
    for name in names[1:]:
        pd.testing.assert_frame_equal(features(log, days, which=[name]), whole[[name]], check_exact=True)


def test_nothing_of_the_future_shows(here):
    lines, events = lines_of(6, refunds=True), happened(7)
    whole = log_of(here, lines, events, PEOPLE)
    day = AS_OF[0]
    told, happens = lines["day"] <= day, events["day"] <= day
    other = {"amount": 5, "product_id": "p", "discount": 3, "channel": "s", "quantity": 9}
    later = log_of(
        here,
        pd.concat([lines[told], lines[~told].assign(**other)]),
        pd.concat([events[happens], events[~happens].assign(kind="complaint", customer_id="c03", value=9)]),
        PEOPLE,
    )
    before, after = features(whole, iso(day)), features(later, iso(day))
    assert_exactly(before[after.columns], after)
    assert_exactly(features(whole.until(iso(day)), iso(day)), before)
    assert_exactly(features(whole, [iso(day) for day in AS_OF]).iloc[: len(before)], before)


def test_customers_told_apart_by_number_are_the_same(here, monkeypatch):
    def told(many):
        monkeypatch.setattr("patron.data.readers._MANY", many)
        log = log_of(here, lines_of(8, refunds=True), happened(8), PEOPLE)
        assert (log.names is None) == (log.rows < many)
        if log.names is not None:
            ids = log.names.order_by("customer").customer_id.to_pyarrow().to_pylist()
            assert ids == sorted(set(lines_of(8, refunds=True)["customer_id"]))
        days = [iso(day) for day in AS_OF]
        early = log.until(days[0])
        frames = [features(log, days), features(early, days[0], which="core"), snapshots(log, days[0], which="core")]
        return frames, (log.n_customers, early.n_customers, log.digest(), len(log.engine.list_tables()))

    (by_text, facts), (by_number, same) = told(10**6), told(1)
    assert facts[:3] == same[:3]
    assert same[3] == facts[3] + 1, "the table without numbers is let go"
    for one, other in zip(by_text, by_number, strict=True):
        pd.testing.assert_frame_equal(other, one, check_exact=True)


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
    assert {feature.needs for feature in features_of(cdnow_sample)} == {None, "quantity"}
    lines = lines_of(9, refunds=False).drop(columns=["product_id", "category", "channel", "quantity"])
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
    assert features(log, "2020-06-01", which=["customer_age"])["customer_age"].iloc[0] == 20


def test_values_become_features_of_the_kinds_that_have_them():
    log = log_of(HERE, lines_of(1, refunds=False))
    rows = pd.DataFrame(
        {
            "customer_id": "c00",
            "time": pd.to_datetime(["2020-02-01", "2020-03-01", "2020-03-01", "2020-03-02", "2020-03-03"]),
            "kind": ["nps", "nps", "nps", "nps", "visit"],
            "value": [4.0, 9, 10, None, None],
        }
    )
    log = log.with_events(rows)
    assert (log.kinds, log.valued) == (("nps", "visit"), ("nps",))
    told = features(log, "2020-03-30", which=[f.name for f in features_of(log) if f.source == "events"])
    assert told.iloc[0].to_dict() == {
        "events_nps_30": 3,
        "events_nps_90": 4,
        "events_nps_since": 28,
        "events_nps_latest": 9.5,
        "events_nps_mean": 23 / 3,
        "events_nps_change": 5.5,
        "events_visit_30": 1,
        "events_visit_90": 1,
        "events_visit_since": 27,
    }
    assert log.with_events(rows, kinds=["visit"]).valued == ()
    assert log.with_events(rows.drop(columns="value")).valued == ()


def test_a_quantity_beyond_belief_counts_as_the_largest(here):
    frame = pd.DataFrame({"customer_id": "a", "time": "2020-06-01", "amount": 1.0, "quantity": [1e300, -1e300, 2.0]})
    log = here(pd.concat([frame, frame.assign(time="2020-01-01")]))
    assert features(log, "2020-06-01", which=["quantity_90"]).iloc[0, 0] == 2.0


def test_kinds_may_be_chosen_and_may_not_be_too_many():
    log = log_of(HERE, lines_of(1, refunds=False))
    many = pd.DataFrame(
        {"customer_id": "c00", "time": pd.Timestamp("2020-02-01"), "kind": [f"k{i}" for i in range(21)]}
    )
    with pytest.raises(
        DataError, match=r"'kind': holds more than 20 kinds of events.*name those that matter with kinds="
    ):
        log.with_events(many)
    told = [feature.name for feature in features_of(log.with_events(many, kinds=["k7"]))]
    assert [name for name in told if name.startswith("events_")] == [
        "events_k7_30", "events_k7_90", "events_k7_since"
    ]  # fmt: skip
