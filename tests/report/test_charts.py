"""What the charts draw, what stands in their tables, and what the page carries to draw them."""

import dataclasses
import hashlib
import json
import re
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import DataError
from patron.report import render
from patron.report.acting import LISTED
from patron.report.leaving import cells, steps
from patron.report.measured import COHORTS, PERIODS, measured
from patron.report.scripts import scripts
from tests.report.reading import Reader

pytestmark = [pytest.mark.xdist_group("page"), pytest.mark.usefixtures("undrawn")]


def drawn(page):
    told = re.search(r'<script type="application/json" id="drawn">(.*?)</script>', page)[1]
    return {spec["name"]: spec for spec in json.loads(told)}


@pytest.fixture(scope="module")
def charts(full):
    return {chart.title: chart for chart in measured(full)}


def test_each_chart_has_its_picture_its_words_and_its_table(full_page, full_read):
    names = [place["id"] for place in full_read.all("div") if place.get("class") == "chart"]
    assert names == list(drawn(full_page))
    assert all(len(place["data-alt"]) > 30 for place in full_read.all("div") if place.get("class") == "chart")
    assert len([name for name in full_read.elements if name[0] == "details"]) >= len(names)


def test_kpis_over_time_are_those_of_their_tables(full, charts):
    sales = full.kpis["sales"]
    revenue = charts["Revenue"].drawn
    assert revenue["x"][0] == "1997-01"
    assert revenue["unit"] == "USD"
    assert revenue["series"][0]["values"] == sales["revenue"].tolist()
    assert charts["Orders and buyers"].rows[1][1][0].text == "51"
    retention = charts["Retention"]
    assert retention.drawn["series"][0]["values"][:2] == [None, 90.0]
    assert [cell.text.replace("\u202f", " ") for _, (cell,) in retention.rows[:2]] == ["n/a", "90.0 %"]


def test_the_lost_hang_below_zero(full, charts):
    lost = next(one for one in charts["Active customers"].drawn["series"] if one["name"] == "lost")
    assert lost["values"] == (-full.kpis["activity"]["lost"]).tolist()


def test_cohorts_are_shares_of_their_first_period_and_open_cells_are_left_out(full, charts):
    chart = charts["Who still buys, by cohort (%)"]
    counts = full.kpis["cohorts"]
    told = {(x, y): label for x, y, _, label, *_ in chart.drawn["cells"]}
    assert len(told) == int(counts.notna().sum().sum())
    assert told[1, 0] == "50"
    assert told[0, 5] == "100"
    assert [cell.text for cell in chart.rows[5][1]] == ["100", *[""] * 5]
    assert charts["Revenue by cohort (USD)"].rows[0][1][0].text == "49.4k"


def test_the_first_period_leaves_the_others_not_pale(charts):
    darkness = [value for *_, value, _, _, _ in charts["Who still buys, by cohort (%)"].drawn["cells"]]
    assert max(darkness) == 0.5


def test_of_many_periods_and_cohorts_the_last_are_drawn(full):
    days = pd.date_range("1990-01-01", periods=100, freq="MS")
    sales = pd.DataFrame(1.0, index=days, columns=full.kpis["sales"].columns)
    cohorts = pd.DataFrame(1.0, index=days, columns=range(100))
    kept = {
        chart.name: chart for chart in measured(dataclasses.replace(full, kpis={"sales": sales, "cohorts": cohorts}))
    }
    assert len(kept["kpi-3"].drawn["x"]) == PERIODS
    assert kept["kpi-3"].drawn["x"][-1] == "1998-04"
    assert (len(kept["cohort-share"].drawn["y"]), kept["cohort-share"].width) == (COHORTS, COHORTS)


def test_a_table_that_lacks_a_column_is_refused(full):
    broken = {"sales": full.kpis["sales"].drop(columns="orders")}
    with pytest.raises(DataError, match="column 'orders'"):
        measured(dataclasses.replace(full, kpis=broken))


def test_channels_are_told_with_what_they_cost(full_read):
    assert full_read.table("What customers cost")[1] == ["search", "3.5", "n/a"]


def test_the_map_holds_everybody_once_and_says_who_is_listed(full, full_page):
    spec = drawn(full_page)["risk-map"]
    assert sum(int(label.replace(",", "")) for *_, label, _, _ in spec["cells"]) == len(full.scores)
    listed = [int(re.search(r"; (\d+) listed", words)[1]) for *_, words, _ in spec["cells"]]
    assert sum(listed) == LISTED
    rows = re.findall(r'<tr data-cell="([\d-]+)"', full_page)
    assert {pick: rows.count(pick[5:]) for *_, pick in spec["cells"]} == {
        pick: count for (*_, pick), count in zip(spec["cells"], listed, strict=True)
    }


def test_customers_lie_in_the_cell_of_their_risk_and_value():
    edge = pd.DataFrame({"churn_probability": [0.0, 0.3, 0.95, 1.0], "expected_revenue": [-1.0, 0.0, 5.0, 19.9]})
    assert cells(edge, [0.0, 5.0, 10.0]).tolist() == ["0-0", "3-0", "9-1", "9-2"]


@pytest.mark.parametrize("values", [[0.0], [1.0], [1e-9, 1e6], [3.0, 3.0], [999.0, 1000.0]])
def test_the_rows_of_the_map_reach_all_values_and_stay_few(values):
    rows = steps(pd.Series(values))
    assert rows[0] == 0.0
    assert (np.diff(rows) > 0).all()
    assert rows[-1] <= max(values)
    assert max(values) < 5 * rows[-1] or len(set(values)) == 1
    assert len(rows) <= 12


@pytest.mark.parametrize("name", ["echarts.min.js", "datatables.min.js"])
def test_a_library_is_the_one_that_its_readme_names(name):
    room = resources.files("patron.report") / "assets"
    row = next(line for line in room.joinpath("README.md").read_text().splitlines() if f"`{name}`" in line)
    assert f"`{hashlib.sha256(room.joinpath(name).read_bytes()).hexdigest()}`" in row
    version = row.split("|")[3].strip()
    assert version in room.joinpath(name).read_text(encoding="utf-8")[:300]
    assert version in room.joinpath("build.sh").read_text()


def test_no_script_ends_before_its_end():
    assert not [name for name, text in scripts().items() if re.search(r"</script|<!--", text, re.IGNORECASE)]


def test_hostile_values_leave_the_numbers_that_are_drawn_data(full):
    hostile = "</script><script>alert(1)</script>\u2028"
    page = render(dataclasses.replace(full, value_horizon=hostile, churn_horizon=hostile))
    assert drawn(page)["risk-map"]["axes"] == [
        f"churn probability over {hostile} (%)",
        f"Expected revenue over {hostile} (USD)",
    ]
    assert len(Reader(page).all("script")) == 4


def headline(page):
    return "".join(Reader(page).text).replace("\u202f", " ")


def test_the_value_of_the_base_is_told_with_its_interval_and_its_change(full, full_page):
    words = headline(full_page)
    change = full.scores["expected_revenue"].sum() / 4000 - 1
    assert "90 % predictive interval: USD 5,000 to USD 7,000" in words
    assert f"{100 * change:+.1f} % since 1998-03-31: USD 4,000 then" in words
    assert "700 on 1998-03-31" in words


@pytest.mark.parametrize(
    ("base", "said", "unsaid"),
    [
        ({}, [], ["interval:", "since"]),
        (
            {"revenue": {"expected": 3.0, "low": 1.0, "high": 5.0}, "level": 0.8},
            ["80 % predictive interval: USD 1 to"],
            ["since"],
        ),
        ({"revenue": {"expected": 3.0}}, [], ["interval:", "since"]),
        (
            {"earlier": {"as_of": "1998-05-31", "customers": 3, "revenue": 0.0, "clv": 1.0}},
            ["n/a since 1998-05-31: USD 0 then"],
            ["interval:"],
        ),
    ],
)
def test_what_is_not_known_of_the_base_is_not_said(minimal, base, said, unsaid):
    words = headline(render(dataclasses.replace(minimal, base=base)))
    assert all(one in words for one in said)
    assert not [one for one in unsaid if one in words]
