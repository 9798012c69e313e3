import base64
import dataclasses
import hashlib
import itertools
import re

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.report import ReportContent, render, write_report
from patron.report.acting import LISTED
from tests.report.reading import Reader

pytestmark = pytest.mark.xdist_group("page")  # it is drawn once


@pytest.fixture(scope="module", params=["full", "minimal"])
def page(request):
    return request.getfixturevalue(f"{request.param}_page")


def test_the_page_is_well_formed_and_small(page):
    Reader(page)
    assert page.startswith("<!doctype html>")
    assert len(page.encode()) < 2_000_000


def test_nothing_is_fetched_and_nothing_runs_but_the_scripts_that_the_policy_names(page):
    read = Reader(page)
    for _, attributes in read.elements:
        for name, value in attributes.items():
            if name in ("src", "href", "srcset", "data", "action", "poster"):
                assert value.startswith(("data:image/png;base64,", "#"))
            assert not name.startswith("on")
    assert not {"link", "iframe", "object", "embed", "form"} & {tag for tag, _ in read.elements}
    policy = next(meta["content"] for meta in read.all("meta") if "http-equiv" in meta)
    data, *run = re.findall(r"<script([^>]*)>(.*?)</script>", page, flags=re.DOTALL)
    assert data[0] == ' type="application/json" id="drawn"'
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in run]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert policy == f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:"
    rest = re.sub(r'<script.*?</script>|"data:[^"]*"', "", page, flags=re.DOTALL)
    assert "://" not in rest
    assert "@import" not in rest
    assert "url(" not in rest


def test_the_page_can_be_read_aloud(page):
    read = Reader(page)
    tags = [tag for tag, _ in read.elements]
    assert read.all("html") == [{"lang": "en"}]
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer", "h1", "title")] == [1] * 6
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in read.elements:
        assert attributes.get("aria-labelledby", ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids
    assert all(attributes.get("scope") in ("col", "row") for attributes in read.all("th"))
    assert tags.count("caption") == tags.count("table")
    assert all(len(attributes["alt"]) > 30 for attributes in read.all("img"))
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_same_content_gives_the_same_file(minimal, minimal_page, tmp_path):
    path = write_report(tmp_path / "out" / "report.html", minimal)
    assert path.read_text(encoding="utf-8") == minimal_page


def test_sections_without_content_are_left_out(minimal_page):
    read = Reader(minimal_page)
    assert [link["href"] for link in read.all("a")] == ["#main", "#headline", "#leaving", "#customers"]
    assert list(read.tables) == ["Customers by churn band", "Where risk meets value", *list(read.tables)[2:]]
    assert [name[:8] for name in list(read.tables)[2:]] == ["By churn"]


def test_the_headline_adds_up(full, full_read):
    scores = full.scores
    words = "".join(full_read.text)
    high = scores["churn_probability"] >= 0.6
    for number in (
        f"{len(scores):,}",
        f"USD\u202f{scores['expected_revenue'].sum():,.0f}",
        f"USD\u202f{scores['clv'].sum():,.0f}",
        f"{high.sum():,}",
        f"USD\u202f{scores.loc[high, 'expected_revenue'].sum():,.0f}",
    ):
        assert number in words
    assert full.clv_basis in words
    assert "shop/3" in words


def test_bands_hold_all_customers_and_all_money(full, full_read):
    head, *rows = full_read.table("Customers by churn band")
    assert [row[0] for row in rows] == ["high", "medium", "low"]
    assert [row[1].replace("\u202f", " ") for row in rows] == ["60 % to 100 %", "30 % to 60 %", "0 % to 30 %"]
    assert sum(int(row[2].replace(",", "")) for row in rows) == len(full.scores)
    for column in ("expected_revenue", "clv"):
        place = next(k for k, name in enumerate(head) if name.lower().startswith(column.replace("_", " ")))
        total = sum(int(row[place].replace(",", "")) for row in rows)
        assert total == pytest.approx(full.scores[column].sum(), abs=2)


@pytest.mark.usefixtures("undrawn")
def test_an_empty_band_is_shown_as_empty():
    scores = pd.DataFrame(
        {"customer_id": ["1"], "churn_probability": [0.1], "churn_band": ["low"], "expected_revenue": [3.0]}
    )
    rows = Reader(render(dataclasses.replace(_basic(), scores=scores))).table("Customers by churn band")
    assert [row[2] for row in rows[1:]] == ["0", "0", "1"]
    assert rows[1][4] == "n/a"


def test_the_customers_listed_are_those_with_most_at_stake(full, full_read):
    stake = (full.scores["churn_probability"] * full.scores["expected_revenue"]).to_numpy()
    expected = full.scores["customer_id"].to_numpy()[np.argsort(-stake)[:LISTED]]
    rows = full_read.table("By churn probability")[1:]
    assert [row[0] for row in rows] == expected.tolist()
    assert [float(row[1].replace(",", "")) for row in rows] == pytest.approx(np.sort(stake)[::-1][:LISTED], abs=0.0051)


def test_reasons_are_listed_and_missing_ones_left_out(full_read):
    rows = full_read.table("By churn probability")[1:]
    odd = [row[-1] for row in rows if int(row[0]) % 2]
    assert set(odd) == {"silent for 214 days, usually 31"}
    assert "silent for 214 days, usually 31; bought once" in {row[-1] for row in rows}


def test_the_leaderboard_shows_the_report_day_and_marks_the_champion(full, full_read):
    head, *rows = full_read.table("Churn, all customers (800)")
    today = full.leaderboard[
        (full.leaderboard["as_of"] == "1998-03-31")
        & (full.leaderboard["population"] == "all")
        & (full.leaderboard["task"] == "churn")
    ].pivot_table(index="recipe", columns="metric", values="value")
    assert {row[0] for row in rows} == {"base_rate", "bg_nbd", "stackchampion"}
    assert [row[0].removesuffix("champion") for row in rows] == today["brier"].sort_values().index.tolist()
    brier = next(k for k, name in enumerate(head) if name.startswith("Brier"))
    assert all(row[brier].startswith(f"{today['brier'][row[0].removesuffix('champion')]:.4f}") for row in rows)


def test_amounts_among_the_metrics_carry_the_currency(full_read):
    head = full_read.table("Value, all customers")[0]
    assert [("(USD)" in name) for name in head] == [False, False, True, True, True, False, False, False]


def test_what_was_chosen_when_is_said(full_read):
    words = "".join(full_read.text)
    assert "stack has the best mean Brier score." in words
    assert words.count("Chosen on 1998-02-03, 1998-03-03. The figures are of 1998-03-31") == 2


@pytest.mark.usefixtures("undrawn")
def test_a_single_test_day_is_not_called_independent(full):
    table = full.leaderboard[full.leaderboard["as_of"] == "1998-03-31"]
    page = render(dataclasses.replace(full, leaderboard=table, predictions=None))
    assert "the only test day" in page
    assert "no part in the choice" not in page


def test_every_picture_is_there(full_read):
    pictures = [attributes["src"] for attributes in full_read.all("img")]
    assert len(pictures) == len(set(pictures)) == 17


def test_what_explains_the_champions_is_shown(full_read):
    rows = full_read.table("Brier score with a family shuffled")[1:]
    assert [(row[0], row[1], row[3].replace("\u202f", " ")) for row in rows] == [
        ("purchase history", "0.0800", "50.0 %"),
        ("silence", "0.0040", "2.5 %"),
    ]
    assert full_read.table("Churn by time of the first purchase")[1][:4] == [
        "1997-01",
        "300",
        "50.0\u202f%",
        "40.0\u202f%",
    ]
    assert full_read.table("Value by tenth of predicted value")[2][2:5] == ["0.50", "0.50", "1.00000.9000 to 1.1000"]


@pytest.mark.usefixtures("undrawn")
def test_a_horizon_far_from_the_customers_rhythm_is_said_aloud(full, full_page):
    said = "Churn is asked about over 91 days, where the rhythm of these customers suggests 28. Gaps are short."
    assert full_page.count(said) == 1
    near = {"horizon": full.explained["horizon"].assign(far=False)}
    assert "rhythm of these customers" not in render(dataclasses.replace(full, explained=near, predictions=None))


@pytest.mark.usefixtures("undrawn")
def test_the_audit_and_the_models_are_shown(full, minimal, full_read):
    stored = Reader(render(dataclasses.replace(minimal, audit=full.audit[sorted(full.audit.columns)])))
    assert stored.table("What the audit looked for") == full_read.table("What the audit looked for")
    assert full_read.table("What the audit looked for")[1] == [
        "duplicates",
        "255",
        "00007",
        "kept: a line item repeats",
        "info",
    ]
    assert full_read.table("Parameters of BetaGeoNBD")[2] == ["alpha", "4.414", "n/a", "at the edge"]


@pytest.mark.usefixtures("undrawn")
def test_what_was_found_comes_before_what_was_not(minimal):
    rows = [("quiet", 0, "warn"), ("told", 3, "info"), ("alarm", 2, "warn")]
    audit = pd.DataFrame(rows, columns=["check", "rows", "level"]).assign(example="", action="kept")
    table = Reader(render(dataclasses.replace(minimal, audit=audit))).table("What the audit looked for")
    assert [row[:2] for row in table[1:]] == [["alarm", "2"], ["told", "3"], ["quiet", "none"]]


def test_totals_are_told_by_day_with_how_far_they_are_off(full, full_read):
    rows = full.predictions[full.predictions["task"] == "churn"]
    predicted, left = rows["prediction"].sum(), rows["actual"].sum()
    head, came, stack = full_read.table("How many were predicted to leave")
    assert head == ["Recipe", "1998-03-31"]
    assert came == ["what came", f"{left:,.0f}"]
    off = f"{100 * (predicted / left - 1):+.1f}"
    assert [cell.replace("\u202f", " ") for cell in stack] == ["stackchampion", f"{predicted:,.0f}{off} %"]


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}"


@pytest.mark.usefixtures("undrawn")
def test_hostile_values_are_text(full):
    scores = full.scores.assign(customer_id=HOSTILE, reason_1=HOSTILE)
    page = render(
        dataclasses.replace(
            full,
            name=HOSTILE,
            as_of=HOSTILE,
            model_version=HOSTILE,
            churn_horizon=HOSTILE,
            value_horizon=HOSTILE,
            clv_basis=HOSTILE,
            scores=scores,
            leaderboard=full.leaderboard.replace("base_rate", "<b>x"),
            verdicts={"churn": HOSTILE, "value": HOSTILE},
            audit=full.audit.assign(check=HOSTILE, example=HOSTILE, action=HOSTILE, level=HOSTILE),
            data={HOSTILE: HOSTILE},
            models={HOSTILE: full.models["BetaGeoNBD"].rename(index={"r": HOSTILE}, columns={"note": HOSTILE})},
            made={HOSTILE: [HOSTILE]},
        )
    )
    read = Reader(page)
    assert [script.get("type", "") for script in read.all("script")] == ["application/json", "", "", ""]
    assert "<b>x" in [row[0] for row in read.table("Churn, all customers")]
    assert not [image for image in read.all("img") if "onerror" in image]
    assert "".join(read.text).count(HOSTILE) > 2 * LISTED
    assert read.table("By churn probability")[1][0] == HOSTILE


@pytest.mark.usefixtures("undrawn")
def test_ids_in_other_scripts_are_kept(minimal):
    ids = ["客户-7", "Zoë", "00071", "", *minimal.scores["customer_id"][4:]]
    rows = Reader(render(dataclasses.replace(minimal, scores=minimal.scores.assign(customer_id=ids)))).table("By churn")
    assert {row[0] for row in rows[1:]} == set(ids)


def _basic():
    return ReportContent(
        name="shop",
        as_of="1998-06-30",
        model_version="shop/1",
        currency="USD",
        churn_horizon="91 days",
        value_horizon="12 months",
        scores=pd.DataFrame(
            {"customer_id": ["1"], "churn_probability": [0.7], "churn_band": ["high"], "expected_revenue": [0.0]}
        ),
    )


def test_a_base_without_value_is_drawn():
    assert "USD\u202f0" in render(_basic())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda scores: scores.drop(columns="churn_band"), "column 'churn_band'"),
        (lambda scores: scores.iloc[:0], "empty"),
        (lambda scores: scores.assign(clv=1.0), "basis"),
    ],
)
def test_a_score_table_that_cannot_be_shown_is_refused_and_nothing_is_written(change, words, tmp_path):
    content = dataclasses.replace(_basic(), scores=change(_basic().scores))
    with pytest.raises(DataError, match=words):
        write_report(tmp_path / "report.html", content)
    assert list(tmp_path.iterdir()) == []
