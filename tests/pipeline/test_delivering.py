"""`patron deliver`: consent, kept scores, and what people read."""

import numpy as np
import pytest
from typer.testing import CliRunner

from patron import ConfigError, DataError, pipeline
from patron.cli import app
from patron.delivery.fields import fields_of, rows_of
from patron.delivery.state import UNSEEN, Scores
from tests.delivery.shop import CONFIG, Shop, keep, scores

pytestmark = pytest.mark.delivery
LOG = "customer_id,time,amount\n" + "".join(f"c{i},2024-0{month}-01,9.50\n" for i in range(6) for month in (1, 6))
FILES = CONFIG.replace("target: crm", "target: files").replace('    settings: {{file: "{folder}/crm.json"}}\n', "")
ASKS = FILES.replace("log.csv}}", "log.csv}}\n  customers: {customers}").replace(
    "    target", "    consent: mail\n    target"
)
PLAIN = "{{source: customers.csv}}"
DATED = "{{source: customers.csv, columns: {{valid_from: valid_from, valid_to: valid_to}}}}"


@pytest.fixture
def make(tmp_path):
    """`make(text, customers)` is a shop with a log, customers and scores."""

    def made(text=FILES, customers=""):
        tmp_path.joinpath("log.csv").write_text(LOG)
        tmp_path.joinpath("customers.csv").write_text(customers)
        shop = Shop(tmp_path, text)
        shop.keep()
        return shop

    return made


def counts(shop, **options):
    [plan] = pipeline.deliver(shop.config, **options).plans
    return {what: n for what, n in plan.counts.items() if n}


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("1", "0"), ("Yes", "no"), ("TRUE", "maybe")])
def test_only_who_agreed_is_sent_and_missing_is_no(make, yes, no):
    shop = make(ASKS.replace("{customers}", PLAIN), f"customer_id,mail\nc0,{yes}\nc1,{no}\nc2,\nc3,{yes}\n")
    assert counts(shop) == {"new": 2, "suppressed": 4}


def test_consent_is_as_it_stands_at_the_end_of_the_log(make):
    rows = "c0,true,,2024-03-31\nc0,false,2024-04-01,\nc1,false,,2024-03-31\nc1,true,2024-04-01,\nc2,true,2024-07-01,\n"
    shop = make(ASKS.replace("{customers}", DATED), "customer_id,mail,valid_from,valid_to\n" + rows)
    assert counts(shop) == {"new": 1, "suppressed": 5}


def test_who_agrees_no_more_is_told_and_not_sent(make):
    shop = make(ASKS.replace("{customers}", PLAIN), "customer_id,mail\nc0,true\nc1,true\n")
    pipeline.deliver(shop.config, push=True)
    shop.folder.joinpath("customers.csv").write_text("customer_id,mail\nc0,true\n")
    shop.keep(day="2024-07-01", shift=0.1)
    done = pipeline.deliver(shop.config, push=True)
    assert done.plans[0].counts["withdrawn"] == 1
    assert done.pushed[0].sent == 1
    assert "what was sent stays there, untouched" in "\n".join(done.words())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ASKS.replace("{customers}", PLAIN).replace("consent: mail", "consent: post"),
            r"shop.yaml:8: customers has no",
        ),
        (ASKS.replace("\n  customers: {customers}", ""), r"shop.yaml:7: consent is a column of customers"),
        (
            FILES.replace("  - name: crm", "  - {{name: crm, target: files}}\n  - name: crm"),
            r"yaml:7: 'crm' is there twice",
        ),
        (FILES.split("deliver:")[0], "no target is named"),
        (FILES.replace("{fields}", "{{clw: CLV}}"), r"shop.yaml:8: no score table has a column 'clw'"),
        (FILES + "    materiality: {{churn_band: 1}}\n", r"shop.yaml:9: 'churn_band' is no number"),
        (FILES + "    materiality: {{clv: -1}}\n", r"shop.yaml:9: -1.0 is no threshold"),
        (FILES + "    settings: {{colour: red}}\n", r"shop.yaml:9: files has no setting 'colour'"),
    ],
)
def test_a_section_that_does_not_fit_is_refused_by_its_line(make, text, told):
    with pytest.raises(ConfigError, match=told):
        counts(make(text, "customer_id,mail\n"))


def test_no_scores_and_no_such_target_are_said(make):
    shop = make()
    with pytest.raises(ConfigError, match=r"there is no target 'crn'. Fix: one of crm"):
        counts(shop, only="crn")
    shop.out.joinpath("latest.json").unlink()
    with pytest.raises(DataError, match="no scores at"):
        counts(shop)


def test_scores_that_are_kept_as_csv_alone_are_delivered_too(make):
    shop = make()
    table = scores()
    table["customer_id"] = ["007", "NA", "null", "1e5", " x", "-1"]
    keep(shop.out, table, formats=("csv",))
    pipeline.deliver(shop.config, push=True)
    keep(shop.out, table, formats=("parquet",))
    assert counts(shop) == {"unchanged": 6}


def test_a_forgotten_customer_leaves_the_state_and_nobody_else_is_sent_again(make):
    shop = make()
    pipeline.deliver(shop.config, push=True)
    rows = rows_of(scores(), fields_of({"clv": "CLV"}, scores().columns, "EUR", str))
    with shop.state() as state:
        state.fail("crm", {"c1": "no", "c2": "no"})
        state.begin_batch(state.begin("crm", "push", Scores("2024-06-30", 1, ""), 2), rows, np.array([1, 3]))
        assert state.failed("crm") == {"c1": UNSEEN, "c2": "no", "c3": UNSEEN}
    pipeline.forget(shop.config, "c1")
    with shop.state() as state:
        assert set(state.known("crm").index) == {"c0", "c2", "c3", "c4", "c5"}
        assert state.failed("crm") == {"c2": "no", "c3": UNSEEN}
    assert counts(shop) == {"failed": 2, "unchanged": 3}


def test_the_command_shows_the_plan_then_what_was_sent(make):
    shop = make()
    plan = CliRunner().invoke(app, ["deliver", str(shop.path)])
    assert plan.exit_code == 0, plan.stderr
    assert plan.stdout.splitlines() == [
        "crm: scores as of 2024-06-30, version 1",
        "  new         6   never sent",
        "  to send     6   1 request, less than a minute",
        "",
        "nothing was sent; --push sends it",
    ]
    sent = CliRunner().invoke(app, ["deliver", str(shop.path), "--push"])
    assert sent.stdout.splitlines()[-1] == "crm: 6 of 6 rows delivered in 1 batch, 0 s"
    shop.keep(day="2024-07-01", shift=0.3)
    stopped = CliRunner().invoke(app, ["deliver", str(shop.path), "--push", "--target", "crm"])
    assert stopped.exit_code == 1
    assert "--confirm sends it" in stopped.stderr
    back = CliRunner().invoke(app, ["deliver", str(shop.path), "--rollback", "2024-06-30", "--push"])
    assert back.stdout.splitlines()[-1] == "crm: nothing to send"
