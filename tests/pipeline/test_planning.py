"""From scores to a plan, and from a plan to what the campaign brought, on a small shop whose log goes on after it."""

from __future__ import annotations

import json
import re
import shutil
from html import escape

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from patron import ConfigError, DataError, pipeline
from patron._core.files import digest
from patron.cli import app
from patron.config import load_config
from patron.decisions.incremental import difference
from patron.pipeline.evaluating import evaluate_on
from patron.pipeline.planning import plan_on
from patron.scoring.table import DECIDED

pytestmark = [
    pytest.mark.xdist_group("planning"),
    pytest.mark.filterwarnings("ignore::patron.PatronWarning"),
]
DAY = "2022-12-20"
CHANNELS = ["ads", "tv", "shop"]
EXTRA = """\
plan: {incentive: 2, contact_cost: 2.5, save_rate: 0.3, take_up: 0.4, control: 0.3}
features: core
"""


def _log() -> str:
    """300 customers of three channels who buy by chance and stop by chance."""
    random = np.random.default_rng(4)
    lines = ["customer_id,time,amount,channel"]
    for customer in range(300):
        day, left = random.integers(0, 200), random.integers(60, 600)
        while day < min(left, 420):
            date = pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(day))
            lines.append(f"{customer:04},{date.date()},{5 + 40 * random.random():.2f},{CHANNELS[customer % 3]}")
            day += 1 + random.exponential(25 + customer % 40)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def scored(tmp_path_factory, make_shop, untracked):
    """A workspace that was trained on and scored at DAY, and at an earlier day."""
    text = make_shop.text.replace("score: {{", f"score: {{{{as_of: {DAY}, ").replace(
        "value: {{", "value: {{horizon: 120 days, "
    )
    config = make_shop(
        tmp_path_factory.mktemp("plans"), log=_log(), text=text + EXTRA.replace("{", "{{").replace("}", "}}")
    )
    with untracked():
        pipeline.train(config)
    pipeline.score(config, as_of="2022-11-20")
    return config, pipeline.score(config)


@pytest.fixture
def shop(scored, tmp_path):
    """Take the workspace elsewhere; `shop(budget=3)` changes the section plan. Gives the configuration's path."""
    shutil.copytree(scored[0].parent, tmp_path, dirs_exist_ok=True)

    def configured(**changes):
        content = yaml.safe_load(scored[0].read_text())
        content["workspace"] = str(tmp_path)
        content["plan"].update(changes)
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(content))
        return tmp_path / "shop.yaml"

    return configured


@pytest.fixture(scope="module")
def log(scored):
    return pipeline.read(scored[0])


@pytest.fixture
def plan(log):
    """`plan(config, as_of)` on the log as it is."""
    return lambda config, as_of=None: plan_on(load_config(config), log, as_of)


@pytest.fixture
def evaluate(log):
    """`evaluate(config, plan, days)` on the log as it is."""
    return lambda config, plan=None, days=None: evaluate_on(load_config(config), log, plan, days)


def folder_of(config):
    return config.parent / "out" / "shop" / "plans" / f"as_of={DAY}" / "version=1"


def test_scores_have_segments_actions_and_profit(scored):
    table = scored[1].table
    place = table.columns.get_loc("clv_basis") + 1
    assert tuple(table.columns[place : place + 5]) == DECIDED
    assert not table[list(DECIDED)].isna().any().any()
    assert table["segment"].nunique() >= 6
    assert set(table["value_band"]) == {"high", "medium", "low"}
    high = table.loc[table["value_band"] == "high", "clv"].sum()
    assert 0.5 <= high / table["clv"].sum() < 0.55


def test_movement_since_the_scoring_before_is_told_and_written(scored, shop):
    config, scoring = scored
    assert scoring.words()[1].strip().startswith("since 2022-11-20: ")
    moves = pd.read_csv(config.parent / "out" / "shop" / "movement.csv")
    assert set(moves["of"]) == {"churn_band", "value_band", "segment"}
    assert moves.loc[moves["of"] == "segment", "customers"].sum() == len(scoring.table)
    assert not [line for line in pipeline.score(shop(), as_of="2022-11-20").words() if line.strip().startswith("since")]


def test_a_plan_holds_every_customer_and_says_why(shop, plan):
    planned = plan(shop())
    folder = folder_of(shop())
    assert planned.folder == folder
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "plan.csv", "plan.parquet"]
    table = pd.read_parquet(folder / "plan.parquet")
    told = json.loads((folder / "manifest.json").read_text())
    assert list(table.columns) == [column["name"] for column in told["columns"]]
    assert table["customer_id"].is_unique
    assert len(table) == told["customers"] == 270
    assert set(table["group"]) == {"contact", "control", "none"}
    contacted = table[table["group"] == "contact"]
    assert told["contacted"] == len(contacted) > 50
    assert told["profit"] == pytest.approx(contacted["contact_profit"].sum())
    assert told["cost"] == pytest.approx(contacted["cost"].sum())
    assert (
        pd.read_csv(folder / "plan.csv", dtype={"customer_id": str})["customer_id"].tolist()
        == table["customer_id"].tolist()
    )
    assert told["files"]["plan.csv"]["sha256"] == digest(folder / "plan.csv")


def test_profit_in_the_plan_is_that_of_the_score_table(shop, scored, plan):
    table = pd.read_parquet(plan(shop()).folder / "plan.parquet")
    np.testing.assert_array_equal(table["contact_profit"], scored[1].table["contact_profit"])


def test_a_plan_says_what_it_costs_and_whether_the_effect_will_be_seen(shop, plan):
    told = "\n".join(plan(shop(budget=60)).words())
    assert "the budget of USD 60.00 ends" in told
    assert "of it from the best fifth" in told
    assert "a churner left alone is still worth USD" in told
    assert "measured on" in told
    assert "test: to see buyers within 60 days rise from" in told
    assert "test: to see spend rise by USD" in told
    assert "too few for buyers, too few for spend" in told


def test_a_plan_shows_its_groups_and_says_the_rest_without_its_folder(shop, plan):
    planned = plan(shop(budget=60))
    page = planned._repr_html_()
    counted = planned.table.groupby(["group", "why"]).size()
    assert [int(told.replace(",", "")) for told in re.findall(r'right">([\d,]+)</td>', page)] == counted.tolist()
    assert all(escape(line.strip().removeprefix("plan: ")) in page for line in planned.words()[:-1])
    assert str(planned.folder) not in page + repr(planned)
    assert repr(planned).startswith("Planned(")


def test_what_nobody_measured_and_what_costs_nothing_is_said(shop, plan):
    assert "says plan.left_alone" in "\n".join(plan(shop(left_alone=3)).words())
    free = "\n".join(plan(shop(incentive=0, contact_cost=0)).words())
    assert "a contact costs nothing here" in free
    dear = "\n".join(plan(shop(contact_cost=10_000)).words())
    assert "0 of 270 customers to contact" in dear
    assert "nobody: a contact costs more" in dear
    path = folder_of(shop()).parents[2] / "scores" / f"as_of={DAY}" / "version=1" / "manifest.json"
    content = json.loads(path.read_text())
    content["campaign"] |= {"left_alone": 0.0, "measured": None}
    path.write_text(json.dumps(content))
    assert "USD 0.00: not measured" in "\n".join(plan(shop()).words())


def test_the_same_plan_again_leaves_the_same_files_and_what_was_found_of_it(shop, plan, evaluate):
    config = shop()
    plan(config)
    evaluate(config)
    before = {path.name: path.read_bytes() for path in folder_of(config).iterdir()}
    assert "evaluated.json" in before
    plan(config)
    assert {path.name: path.read_bytes() for path in folder_of(config).iterdir()} == before
    plan(shop(budget=10))
    assert not (folder_of(config) / "evaluated.json").exists()


@pytest.mark.delivery
def test_a_disk_that_fails_leaves_the_plan_that_stood(shop, monkeypatch):
    pipeline.plan(shop())
    kept = digest(folder_of(shop()))

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("patron.pipeline.planning.write_json", full)
        with pytest.raises(Exception, match="No space left"):
            pipeline.plan(shop(budget=10))
    assert digest(folder_of(shop())) == kept


def test_the_plan_of_an_earlier_day_keeps_its_control_group(shop, plan):
    one, other = (plan(shop(), as_of=day).table.set_index("customer_id") for day in (DAY, "2022-11-20"))
    shared = other.index
    assert ((one.loc[shared, "group"] == "control") == (other["group"] == "control")).all()


def test_a_day_that_was_not_scored_and_scores_without_segments_are_refused(shop, plan):
    with pytest.raises(
        DataError, match=r"no scores of 2022-10-01 at .*patron score --as-of 2022-10-01, or one of 2022-11-20"
    ):
        plan(shop(), as_of="2022-10-01")
    path = folder_of(shop()).parents[2] / "scores" / f"as_of={DAY}" / "version=1" / "manifest.json"
    content = json.loads(path.read_text())
    del content["campaign"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"older than segments.*--retrain"):
        plan(shop())


def test_acquisition_is_held_against_its_costs(shop, plan):
    config = shop(costs={"source": "costs.csv", "columns": {"month": "period"}})
    (config.parent / "costs.csv").write_text("channel,period,cost\nads,2022-01,1\nads,2022-02,90000\nradio,2022-01,5\n")
    planned = plan(config)
    table = pd.read_csv(planned.folder / "ceilings.csv").set_index(["channel", "month"])
    log = pd.read_csv(config.parent / "log.csv", dtype={"customer_id": str}).sort_values("time")
    first = (
        log[log["time"] <= DAY]
        .groupby("customer_id")
        .agg(time=("time", "first"), channel=("channel", "first"), spend=("amount", "sum"))
    )
    cohort = first[(first["channel"] == "ads") & first["time"].str.startswith("2022-02")]
    scores = pd.read_parquet(
        config.parent / "out" / "shop" / "scores" / f"as_of={DAY}" / "version=1" / "scores.parquet"
    )
    worth = cohort["spend"] + scores.set_index("customer_id")["clv"].reindex(cohort.index)
    found = table.loc[("ads", "2022-02")]
    assert found["customers"] == len(cohort) > 5
    assert found["ceiling"] == pytest.approx(worth.mean())
    assert found["paid"] == pytest.approx(90_000 / len(cohort))
    told = "\n".join(planned.words())
    assert "1 of 2 cost more than they bring: ads 2022-02" in told
    assert "customers without a cost, in channels ads, shop, tv" in told
    assert "costs without customers, in channels radio" in told


def test_costs_without_channels_are_refused(shop):
    config = shop(costs={"source": "costs.csv"})
    log = pd.read_csv(config.parent / "log.csv", dtype=str).drop(columns="channel")
    log.to_csv(config.parent / "log.csv", index=False)
    with pytest.raises(ConfigError, match=r"shop.yaml:\d+: costs go by channel.*no column channel"):
        pipeline.plan(config)


def test_a_campaign_is_told_from_the_log_since(shop, plan, evaluate):
    config = shop()
    table = plan(config).table
    found = evaluate(config).found
    log = pd.read_csv(config.parent / "log.csv", dtype={"customer_id": str}, parse_dates=["time"])
    days = (log["time"] - pd.Timestamp(DAY)).dt.days
    since = log[(days > 0) & (days <= 60)].groupby("customer_id")["amount"].sum()
    chosen = table[table["chosen"]]
    spend = since.reindex(chosen["customer_id"]).fillna(0).to_numpy()
    arm = (chosen["group"] == "contact").to_numpy()
    assert found["spend"]["plain"] == pytest.approx(difference(spend, arm)._asdict())
    assert found["bought"]["plain"]["contacted"] == pytest.approx((spend[arm] > 0).mean())
    assert (found["contacted"], found["control"], found["absent"], found["days"]) == (arm.sum(), (~arm).sum(), 0, 60)
    assert found["incremental"]["difference"] == pytest.approx(found["spend"]["adjusted"]["difference"] * arm.sum())
    assert found["cost"] == pytest.approx(chosen.loc[arm, "cost"].sum())
    assert json.loads((folder_of(config) / "evaluated.json").read_text()) == found


def test_a_contact_that_works_is_found(shop):
    config = shop()
    plan = pipeline.plan(config).table
    lines = [f"{one},2023-01-10,60.00,ads" for one in plan.loc[plan["group"] == "contact", "customer_id"]]
    path = config.parent / "log.csv"
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    found = pipeline.evaluate(config)
    assert found.found["spend"]["adjusted"]["low"] < 60 < found.found["spend"]["adjusted"]["high"] + 15
    assert found.found["spend"]["adjusted"]["low"] > 20
    assert any("beyond chance" in line for line in found.words())


def test_what_cannot_be_evaluated_yet_is_refused_with_the_reason(shop, plan, evaluate):
    with pytest.raises(DataError, match=r"no plan at .*patron plan first"):
        evaluate(shop())
    plan(shop())
    with pytest.raises(DataError, match=f"the 90 days after the plan of {DAY} end on 2023-03-20, and the log on"):
        evaluate(shop(), days=90)
    with pytest.raises(DataError, match=f"no plan of 2022-12-01 at .*one of {DAY}"):
        evaluate(shop(), plan="2022-12-01")
    plan(shop(control=0))
    with pytest.raises(DataError, match=r"nobody chosen by the plan of .* is in the control group.*plan.control"):
        evaluate(shop())
    plan(shop(contact_cost=10_000))
    with pytest.raises(DataError, match="was contacted"):
        evaluate(shop())


def test_the_command_line_plans_and_evaluates(shop):
    planned = CliRunner().invoke(app, ["plan", str(shop()), "--as-of", DAY])
    assert planned.exit_code == 0, planned.stderr
    assert planned.stdout.startswith("plan: ")
    found = CliRunner().invoke(app, ["evaluate", str(shop()), "--plan", DAY, "--days", "30"])
    assert found.exit_code == 0, found.stderr
    assert found.stdout.startswith(f"campaign of {DAY}, 30 days on: ")
    refused = CliRunner().invoke(app, ["evaluate", str(shop()), "--days", "900"])
    assert refused.exit_code == 3
