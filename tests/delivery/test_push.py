"""Plan and push against a CRM that works: what is sent, what is not, and what is told."""

import csv

import numpy as np
import pytest

from patron import ConfigError, DataError
from patron._core.errors import DeliveryError
from patron.delivery.state import Scores
from patron.delivery.target import Answer
from tests.delivery.shop import CONFIG, keep, scores

pytestmark = pytest.mark.delivery
BARE = CONFIG.replace("    fields: {fields}\n", "")
MATERIAL = "    materiality: {{churn_probability: 0.01, p_alive: 0.01, clv: 5}}\n"


def counts(done):
    [plan] = done.plans
    return {what: n for what, n in plan.counts.items() if n}


def letters(shop):
    with shop.failed.open() as file:
        return list(csv.DictReader(file))


def refusing(customers):
    """Refuse the rows of these customers, accept the others."""

    def sent(batch):
        wrong = {customer: "INVALID_EMAIL: nope" for customer in batch.index if customer in customers}
        return Answer(frozenset(batch.index) - frozenset(wrong), wrong)

    return {"sent": sent}


def test_a_plan_moves_nothing_and_leaves_nothing(shop):
    done = shop.deliver()
    assert counts(done) == {"new": 6}
    assert done.plans[0].estimate.requests == 3
    assert not shop.crm.file.exists()
    assert {path.name for path in shop.out.iterdir()} == {"scores", "latest.json"}


def test_a_push_brings_every_row_there_rounded_and_named(shop):
    shop.push()
    assert set(shop.crm.told["rows"]) == {f"c{i}" for i in range(6)}
    assert shop.crm.told["rows"]["c1"] == ["c1", "2024-06-30", "0.285714", "low", "0.714286", "200.0"]
    assert shop.crm.told["rows"]["c0"][4] == "None"


def test_a_second_push_sends_nothing(shop):
    shop.push()
    again = shop.push()
    assert counts(again) == {"unchanged": 6}
    assert shop.sent == 6
    assert again.words()[-1] == "crm: nothing to send"


def test_a_scoring_that_says_the_same_on_a_later_day_sends_nothing(shop):
    shop.push()
    shop.keep(day="2024-07-31", version=2)
    assert counts(shop.push()) == {"unchanged": 6}
    assert shop.sent == 6


def test_only_what_changed_is_sent_and_who_moves_band_is_told(shop):
    shop.push()
    shop.keep(day="2024-07-01", shift=0.05)
    done = shop.push(confirm=True)
    assert counts(done) == {"changed": 6}
    assert done.plans[0].moves.to_dict("records") == [
        {"was": "low", "band": "medium", "customers": 1},
        {"was": "medium", "band": "high", "customers": 1},
    ]
    assert "low -> medium 1, medium -> high 1" in "\n".join(done.words())


def test_small_changes_are_withheld_until_they_add_up(make_shop_of):
    shop = make_shop_of(MATERIAL)
    shop.keep(n=3)
    shop.push()
    for day, shift, told in (
        ("2024-07-01", 0.004, {"withheld": 3}),
        ("2024-07-02", 0.008, {"withheld": 3}),
        ("2024-07-03", 0.010, {"changed": 3}),
        ("2024-07-04", 0.014, {"withheld": 3}),
    ):
        shop.keep(n=3, day=day, shift=shift)
        assert counts(shop.push(confirm=True)) == told, day
    assert shop.sent == 6
    assert "changed by less than churn_probability 0.01, p_alive 0.01, clv 5" in "\n".join(shop.deliver().words())


@pytest.mark.parametrize(("shift", "told"), [(0.009999, "withheld"), (0.01, "changed")])
def test_a_threshold_is_met_exactly(make_shop_of, shift, told):
    shop = make_shop_of("    fields: {{churn_probability: p}}\n    materiality: {{churn_probability: 0.01}}\n", BARE)
    shop.keep(n=8)
    shop.push()
    shop.keep(n=8, day="2024-07-01", shift=shift)
    assert counts(shop.deliver()) == {told: 8}


def test_who_is_not_scored_any_more_is_told_and_left_alone(shop):
    shop.push()
    shop.keep(n=4, day="2024-07-01")
    shop.push(confirm=True)
    done = shop.deliver()
    assert counts(done)["gone"] == 2
    assert set(shop.crm.told["rows"]) == {f"c{i}" for i in range(6)}


def test_refused_rows_become_dead_letters_and_are_sent_again(shop, monkeypatch):
    monkeypatch.setattr(shop.crm.__class__, "faults", refusing({"c1", "c4"}))
    done = shop.push()
    assert (done.pushed[0].accepted, done.pushed[0].refused) == (4, 2)
    assert [(row["Id"], row["CLV"], row["reason"]) for row in letters(shop)] == [
        ("c1", "200", "INVALID_EMAIL: nope"),
        ("c4", "500", "INVALID_EMAIL: nope"),
    ]
    monkeypatch.setattr(shop.crm.__class__, "faults", refusing({"c4"}))
    assert counts(shop.push()) == {"failed": 2, "unchanged": 4}
    assert [row["Id"] for row in letters(shop)] == ["c4"]
    monkeypatch.setattr(shop.crm.__class__, "faults", {})
    shop.push()
    assert not shop.failed.exists()
    assert counts(shop.deliver()) == {"unchanged": 6}


def test_a_retry_sends_only_what_failed(shop, monkeypatch):
    monkeypatch.setattr(shop.crm.__class__, "faults", refusing({"c1"}))
    shop.push()
    monkeypatch.setattr(shop.crm.__class__, "faults", {})
    shop.keep(n=8, day="2024-07-01", shift=0.05)
    shop.push(retry=True)
    assert list(shop.crm.told["jobs"].values())[-1] == ["c1"]
    assert not shop.failed.exists()


def test_too_much_that_moves_stops_and_confirm_sends_it(shop):
    shop.push()
    shop.keep(day="2024-07-01", shift=0.2)
    assert "crm would stop: 6 changed and 0 new rows against 6 known" in "\n".join(shop.deliver().words())
    with pytest.raises(DeliveryError, match=r"more than stop_above, 50%; nothing was sent.*--confirm"):
        shop.push()
    assert shop.sent == 6
    shop.push(confirm=True)
    assert shop.sent == 12


def test_new_customers_stop_a_push_too(shop):
    shop.push()
    shop.keep(n=10, day="2024-07-01")
    with pytest.raises(DeliveryError, match="new rows against 6 known"):
        shop.push()


def test_a_rollback_brings_back_what_an_earlier_scoring_said_and_the_next_push_goes_on(shop):
    shop.push()
    before = shop.rows
    shop.keep(n=8, day="2024-07-01", shift=0.3, version=2)
    shop.push(confirm=True)
    after = shop.rows
    done = shop.push(rollback="2024-06-30")
    assert counts(done) == {"changed": 6, "gone": 2}
    assert shop.rows == {**after, **before}
    with shop.state() as state:
        assert state.journal()["kind"].unique().tolist() == ["push", "rollback"]
    assert counts(shop.push(rollback="2024-06-30/1")) == {"unchanged": 6, "gone": 2}
    shop.push(confirm=True)
    assert shop.rows == after


def test_a_rollback_sends_nobody_who_was_never_sent(shop):
    shop.keep(n=4, day="2024-07-01")
    shop.push()
    assert counts(shop.push(rollback="2024-06-30")) == {"new": 2, "changed": 4}
    assert len(shop.rows) == 4


@pytest.mark.parametrize(
    ("asked", "told"), [("2023-01-01", "no scores of 2023-01-01"), ("2024-06-30/9", "2024-06-30/1")]
)
def test_a_rollback_to_scores_that_are_not_kept_names_those_that_are(shop, asked, told):
    with pytest.raises(DataError, match=told):
        shop.deliver(rollback=asked)


def test_a_rollback_takes_the_highest_version_of_a_day(shop):
    shop.keep(shift=0.1, version=10)
    assert shop.deliver(rollback="2024-06-30").plans[0].scoring.version == 10
    assert shop.deliver(rollback="2024-06-30/1").plans[0].scoring.version == 1


def test_no_retry_of_a_rollback(shop):
    with pytest.raises(ConfigError, match="not both"):
        shop.deliver(retry=True, rollback="2024-06-30")


def test_the_journal_tells_every_push_and_batch(shop, monkeypatch):
    monkeypatch.setattr(shop.crm.__class__, "faults", refusing({"c1"}))
    shop.push()
    with shop.state() as state:
        journal = state.journal()
    assert journal["as_of"].unique() == ["2024-06-30"]
    assert journal[["sent", "accepted", "refused"]].to_numpy().tolist() == [[2, 1, 1], [2, 2, 0], [2, 2, 0]]
    assert journal["ended"].notna().all()
    assert set(journal["token"]) == set(shop.crm.told["jobs"])


@pytest.mark.parametrize(
    "names", [{"churn_band": "Band"}, {"clv": "CLV", "p_alive": "Alive"}], ids=["words", "numbers"]
)
def test_the_state_keeps_any_id_and_band(shop, make_scores, make_rows_of, names):
    bands = ["high", "très élevé", "", "低", "medium", 'a "b"']
    ids = ["007", 'a"b', "back\\slash", "líne\nbreak", " x ", "\U0001f600"]
    rows = make_rows_of(make_scores().assign(customer_id=ids, churn_band=bands), names)
    with shop.state() as state:
        batch = state.begin_batch(state.begin("crm", "push", Scores("", 1, ""), 5), rows, np.array([5, 0, 1, 2, 3]))
        state.close(batch, Answer(frozenset(ids)))
        known = state.known("crm").loc[[ids[5], *ids[:4]]]
    assert known["band"].tolist() == [bands[5], *bands[:4]]
    assert b"".join(known["said"]) == rows.said[[5, 0, 1, 2, 3]].tobytes()
    assert b"".join(known["numbers"]) == rows.numbers[[5, 0, 1, 2, 3]].tobytes()


@pytest.mark.parametrize(
    ("column", "share", "told"),
    [
        ("clv", 1.049, "withheld"),
        ("clv", 1.05, "changed"),
        ("p_alive", 0.0099, "withheld"),
        ("p_alive", 0.01, "changed"),
    ],
)
def test_a_threshold_that_is_not_named_is_one_in_a_hundred_or_one_in_twenty(make_shop_of, column, share, told):
    shop = make_shop_of()
    table = scores().assign(p_alive=0.5)
    keep(shop.out, table)
    shop.push()
    moved = table[column] * share if column == "clv" else table[column] + share
    keep(shop.out, table.assign(**{column: moved}), version=2)
    assert counts(shop.deliver()) == {told: 6}
