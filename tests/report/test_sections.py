"""Segments and movement, whom to contact, was it right: each with its numbers, each absent without its source."""

import dataclasses

import pytest

from patron.report import render
from patron.report.contacts import BEST
from patron.report.held import MOST
from tests.report.reading import Reader

pytestmark = [pytest.mark.xdist_group("page"), pytest.mark.usefixtures("undrawn")]
SECTIONS = ["#segments", "#contacts", "#held"]


def plain(rows):
    return [[cell.replace("\u202f", " ") for cell in row] for row in rows]


def read(content, **changes):
    return Reader(render(dataclasses.replace(content, **changes)))


def test_the_sections_stand_between_the_customers_and_the_backtests(full_read):
    links = [link["href"] for link in full_read.all("a")]
    told = ["#headline", "#measured", "#leaving", "#segments", "#customers", "#contacts", "#held", "#trust", "#data"]
    assert links == ["#main", *told, "#made"]


@pytest.fixture(scope="module")
def some(minimal, full):
    """The small page with the sources of the sections, and nothing else."""
    sources = {
        name: getattr(full, name) for name in ("movement", "moved_since", "plan", "planned", "ledger", "accounts")
    }
    return dataclasses.replace(minimal, scores=full.scores, clv_basis=full.clv_basis, **sources)


@pytest.mark.parametrize(
    ("without", "absent"),
    [
        ({"movement": None}, []),
        ({"plan": None}, ["#contacts"]),
        ({"ledger": {}}, ["#held"]),
        ({"plan": None, "ledger": {}, "movement": None, "scores": None}, SECTIONS),
    ],
)
def test_a_source_that_is_absent_leaves_no_empty_section(some, minimal, without, absent):
    if "scores" in without:
        without = {**without, "scores": minimal.scores}
    found = read(some, **without)
    assert [place for place in SECTIONS if place in [link["href"] for link in found.all("a")]] == [
        place for place in SECTIONS if place not in absent
    ]
    words = "".join(found.text)
    assert ("Who moved since" in words) == ("movement" not in without)


def test_scores_older_than_segments_still_show_who_moved(some, minimal):
    found = read(some, scores=minimal.scores)
    assert "Who moved since 1998-03-31" in "".join(found.text)
    assert not [name for name in found.tables if "segment" in name.lower()]


def test_segments_hold_all_customers_and_all_value(full, full_read):
    rows = plain(full_read.table("Customers by segment")[1:])
    champions = full.scores[full.scores["segment"] == "Champions"]
    share, worth = len(champions) / len(full.scores), champions["clv"].sum()
    told = next(row for row in rows if row[0] == "Champions")
    assert told == [
        "Champions",
        f"{len(champions)}{share:.1%}".replace("%", " %"),
        f"{worth:,.0f}{worth / full.scores['clv'].sum():.1%}".replace("%", " %"),
        f"{champions['churn_probability'].mean():.1%}".replace("%", " %"),
    ]
    assert [row[0] for row in rows] == ["Lost", "Champions"]  # by value


def test_the_grid_crosses_value_and_risk(full, full_read):
    head, *rows = full_read.table("Value by risk")
    assert head == ["Value", "Risk high", "Risk medium", "Risk low"]
    assert [row[0] for row in rows] == ["high", "medium", "low"]
    scores = full.scores
    inside = scores[(scores["value_band"] == "low") & (scores["churn_band"] == "medium")]
    assert rows[2][2] == f"{len(inside)} hold {inside['clv'].sum():,.0f}newsletter only"
    assert rows[1] == ["medium", *["nobody"] * 3]


def test_who_moved_is_told_with_the_value_at_stake_rising_risk_first(full_read):
    rows = full_read.table("From one churn band to another")[1:]
    assert rows == [
        ["medium", "highrises", "30", "300700"],
        ["low", "highrises", "7", "55410"],
        ["high", "lowfalls", "5", "13020"],
        ["(newcomer)", "lownew", "12", "2400"],
        ["medium", "(gone)gone", "1", "033"],
    ]
    assert "12 newcomers, 1 gone; 42 in another risk band" in "".join(full_read.text)


def test_a_movement_in_which_nobody_moved_has_no_table(some):
    still = some.movement[some.movement["before"] == some.movement["after"]]
    found = read(some, movement=still)
    assert "0 newcomers, 0 gone" in "".join(found.text)
    assert not [name for name in found.tables if name.startswith("From one")]


def test_the_plan_is_told_with_its_cost_its_profit_and_what_a_test_takes(full_read):
    words = "".join(full_read.text).replace("\u202f", " ")
    for said in (
        "123of 800 customers",
        "USD 154of a budget of USD 154",
        "USD 4,321after this cost; 61 % of it from the best fifth",
        "80never contacted; 14 of them would be",
        "Cut-off: an expected profit of USD 0.42, where the budget of USD 154.00 ends",
        "takes 964 customers in each arm (power 80%, significance 5%)",
        "takes 7,947 customers in each arm",
        "tell as much as two arms of 25: too few",
    ):
        assert said in words


def test_what_the_plan_assumed_is_said_aloud(full_read):
    words = "".join(full_read.text).replace("\u202f", " ")
    for said in (
        "12.0 % of those who would leave stay",
        "50.0 % of those who stay anyway take the incentive",
        "USD 2.00 for a customer who takes the offer",
        "USD 0.25, whether the offer is taken or not",
        "USD 4.59 a churner over 12 months",
        "measured on 571 churners of 1997-06-02, 1997-06-30",
    ):
        assert said in words


def test_the_best_contacts_are_contacted_and_the_most_profitable(full, full_read):
    rows = full_read.table("By expected profit")[1:]
    chosen = full.plan[full.plan["group"] == "contact"]
    best = chosen.sort_values("contact_profit", ascending=False).head(BEST)
    assert [row[0] for row in rows] == best["customer_id"].tolist()
    assert [float(row[1]) for row in rows] == pytest.approx(best["contact_profit"], abs=0.0051)
    assert [row[5] for row in rows] == (best["segment"] + best["recommended_action"]).tolist()


def test_a_plan_that_contacts_nobody_lists_nobody(some):
    told = some.planned | {
        "contacted": 0,
        "cost": 0.0,
        "profit": 0.0,
        "top": 0.0,
        "cut_off": None,
        "spent": False,
        "test": None,
    }
    found = read(some, plan=some.plan.assign(group="none"), planned=told | {"budget": None})
    words = "".join(found.text)
    assert "no budget is set" in words
    assert "best fifth" not in words
    assert not [name for name in found.tables if name.startswith("By expected profit")]


def test_a_plan_of_an_earlier_day_is_said_to_be_one(some):
    assert "due to be made anew" in "".join(read(some, as_of="1998-07-31").text)
    assert "due to be made anew" not in "".join(read(some).text)


def test_the_verdict_is_told_with_its_reason(full_read):
    words = "".join(full_read.text)
    assert "shop/3Recalibrate the modelOff beyond noise: churn predicted / happened 0.800 (0.750 to 0.850)" in words
    assert "Churn: 900 predictions for 450 untreated customers" in words
    assert "Left out: as_of=1998-01-31/version=2: half written, it has no manifest.json." in words


def test_metrics_are_held_by_version_with_the_contacted_apart(full_read):
    head, *rows = full_read.table("Churn: what was predicted against what happened")
    assert head[2:] == ["predicted / actual total1 is unbiased", "AUChigher is better"]
    assert [row[0] for row in rows] == [
        f"{who}version {version}" for version in (3, 2) for who in ("not contacted", "control group", "contacted")
    ]
    assert rows[0][1:] == ["450", "0.83000.7800 to 0.8800", "0.70000.6500 to 0.7500"]
    marked = [attributes for attributes in full_read.all("tr") if attributes.get("class") == "champion"]
    assert len(marked) == 1 + 6  # the version in service; and the champions of the backtests


def test_calibration_is_told_by_tenth(full_read):
    rows = plain(full_read.table("Churn probability against churn")[1:])
    assert rows == [["1", "90", "12.3 %", "20.0 %"], ["2", "91", "30.0 %", "41.0 %"]]


def test_what_drifted_comes_first_beside_its_noise_floor(full_read):
    assert "Drift: 1 of 22 columns moved beyond their noise floor" in "".join(full_read.text)
    rows = full_read.table("How far today's customers")[1:]
    assert rows[0] == ["churn_probabilityprediction", "0.3100drifted", "0.0200chance"]
    assert rows[1] == ["spend_90", "0.9000", "1.5000between days"]
    assert len(rows) == MOST


def test_what_is_still_to_come_is_told_with_its_day(full_read):
    assert full_read.table("Scorings whose outcome")[1:] == [
        ["1998-03-31version 3", "known", "1999-03-31"],
        ["1998-06-30version 3", "1998-09-29", "1999-06-30"],
    ]


def test_where_nothing_has_matured_it_says_from_when_on(some):
    waiting = {
        "verdict": "wait",
        "reason": "churn: the first predictions mature on 1998-09-29",
        "waiting": some.ledger["waiting"][1:],
    }
    silent = {"notes": [], "left_out": [], "calibration": [], "drift": []}
    found = read(some, ledger=some.ledger | waiting | silent, accounts=some.accounts.iloc[:0])
    words = "".join(found.text)
    assert "Too early to sayChurn: the first predictions mature on 1998-09-29" in words
    for title in ("Churn: what was", "Churn probability against", "How far today's"):
        assert not [name for name in found.tables if name.startswith(title)]
    assert "Drift" not in words
    assert found.table("Scorings whose outcome")[1:] == [["1998-06-30version 3", "1998-09-29", "1999-06-30"]]


def test_of_many_scorings_that_wait_the_first_are_listed(some):
    many = [dict(some.ledger["waiting"][1], as_of=f"1998-{day}") for day in range(MOST + 5)]
    assert len(read(some, ledger=some.ledger | {"waiting": many}).table(f"the first {MOST} of {MOST + 5}")) == 1 + MOST


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}"


def test_hostile_values_are_text(some):
    ledger = {
        **some.ledger,
        **dict.fromkeys(("reason", "model", "as_of"), HOSTILE),
        **{name: [HOSTILE] for name in ("notes", "left_out")},
        "waiting": [dict.fromkeys(("as_of", "version", "churn_matures", "value_matures"), HOSTILE + "z")],
        "drift": [some.ledger["drift"][1] | {"feature": HOSTILE}],
    }
    found = read(
        some,
        scores=some.scores.assign(segment=HOSTILE, recommended_action=HOSTILE),
        movement=some.movement.replace("high", HOSTILE),
        bands={HOSTILE: 0.6, "medium": 0.3},
        moved_since=HOSTILE,
        plan=some.plan.assign(customer_id=HOSTILE, segment=HOSTILE, recommended_action=HOSTILE),
        planned=some.planned | {"as_of": HOSTILE, "currency": HOSTILE},
        ledger=ledger,
    )
    assert len(found.all("script")) == 4
    assert not [image for image in found.all("img") if "onerror" in image]
    assert found.table("Customers by segment")[1][0] == HOSTILE
    assert found.table("By expected profit")[1][0] == HOSTILE
    assert found.table("By expected profit")[1][5] == HOSTILE * 2
    assert found.table("From one churn band")[1][1] == f"{HOSTILE}rises"
    assert found.table("How far today's")[1][0] == f"{HOSTILE}prediction"
    assert "".join(found.text).count(HOSTILE) > 25
