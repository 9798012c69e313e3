"""Key figures of a run: tables whole, the same again, without a customer; a run goes on where there can be none."""

import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

import patron
from patron import DataError, pipeline
from patron._core.errors import DataWarning
from patron.cli import app
from patron.pipeline import measuring

ALWAYS = {"activity", "sales", "cohorts", "cohort_revenue"}
CONFIG = """\
name: shop
workspace: "{folder}"
data:
  transactions: {{source: log.csv}}
  events: {{source: events.csv}}
  subscriptions: {{source: contracts.csv}}
  observed_until: 2023-03-31
churn: {{horizon: 60 days}}
value: {{margin: 0.4}}
kpis: {{every: {every}, billed: {{gold: year, basic: month}}}}
plan: {{costs: {{source: costs.csv}}}}
resources: {{threads: 1}}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory, make_rows):
    """A workspace with a log with channels, answers, contracts and costs, measured once."""
    tmp_path = tmp_path_factory.mktemp("shop")
    log = pd.DataFrame(
        [line.split(",") for line in make_rows().splitlines()], columns=["customer_id", "time", "amount"]
    )
    log["channel"] = ["web" if who < "c020" else "shop" for who in log["customer_id"]]
    log.to_csv(tmp_path / "log.csv", index=False)
    people = sorted(set(log["customer_id"]))
    answers = pd.DataFrame({"customer_id": people, "time": "2022-11-03", "kind": "nps", "value": range(len(people))})
    answers["value"] %= 11
    answers.to_csv(tmp_path / "events.csv", index=False)
    contracts = pd.DataFrame({"customer_id": people, "start": "2022-06-01", "end": "", "plan": "gold", "price": 120})
    contracts.to_csv(tmp_path / "contracts.csv", index=False)
    costs = pd.DataFrame({"channel": ["web", "shop"], "month": "2022-01", "cost": [100, 50]})
    costs.to_csv(tmp_path / "costs.csv", index=False)
    config = written(tmp_path, "month")
    return config, pipeline.kpis(config)


@pytest.fixture
def shop(filled, tmp_path):
    """A copy of the workspace, to do what one likes with."""
    shutil.copytree(filled[0].parent, tmp_path, dirs_exist_ok=True)
    return written(tmp_path, "month")


def written(folder, every):
    path = folder / "shop.yaml"
    path.write_text(CONFIG.format(folder=folder, every=every))
    return path


def files(config):
    return {path.name: path.read_bytes() for path in (config.parent / "out" / "shop" / "kpis").iterdir()}


def test_every_table_is_written_and_says_what_the_room_says(filled):
    config, told = filled
    assert set(told.tables) == ALWAYS | {"survival", "recurring", "nps", "acquisition"}
    assert set(files(config)) == {f"{name}.csv" for name in told.tables}
    wanted = patron.kpis.activity(pipeline.read(config), active_within="60 days")
    pd.testing.assert_frame_equal(told.tables["activity"], wanted)
    for name, table in told.tables.items():
        read = pd.read_csv(told.folder / f"{name}.csv", index_col=0)
        assert read.to_numpy() == pytest.approx(table.to_numpy(), nan_ok=True), name
        assert list(read.columns) == [str(column) for column in table.columns]
    assert files(config)["activity.csv"].decode().splitlines()[1].startswith("2022-01-01,0,")
    assert files(config)["cohorts.csv"].decode().splitlines()[0].startswith("cohort,0,1,2,")
    assert told.tables["recurring"]["mrr"].iloc[-1] == 40 * 120 / 12


def test_no_table_names_a_customer(filled):
    people = set(pd.read_csv(filled[0].parent / "log.csv")["customer_id"])
    for name, content in files(filled[0]).items():
        assert not [who for who in people if who in content.decode()], name


def test_tables_change_all_together_or_not_at_all(shop, monkeypatch):
    before = files(shop)
    pipeline.kpis(shop)
    assert files(shop) == before
    written(shop.parent, "quarter")

    def broken(*_, **__):
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_csv", broken)
        with pytest.raises(Exception, match="the disk is gone"):
            pipeline.kpis(shop)
    assert files(shop) == before
    assert not list((shop.parent / "out" / "shop").glob(".kpis*"))


def test_what_cannot_be_told_is_left_out_with_a_warning(shop):
    events = pd.read_csv(shop.parent / "events.csv")
    events.assign(value=50).to_csv(shop.parent / "events.csv", index=False)
    with pytest.warns(DataWarning, match="no key figures of nps: .*off the scale"):
        told = pipeline.kpis(shop)
    assert set(told.tables) == ALWAYS | {"survival", "recurring", "acquisition"}


def test_a_run_goes_on_without_key_figures(shop):
    config = pipeline.inputs.loaded(shop)
    log = pipeline.read(config)
    assert files(shop)
    short = log.until("2022-01-20")
    with pytest.warns(DataWarning, match="no key figures: no month was wholly observed"):
        assert measuring.measure_on(config, short) == []
    assert not (shop.parent / "out" / "shop" / "kpis").exists()
    with pytest.raises(DataError, match="no month was wholly observed"):
        measuring.measure(config, short)


def test_the_command_prints_the_last_periods(filled, shop):
    result = CliRunner().invoke(app, ["kpis", str(shop)])
    assert result.exit_code == 0, result.output
    table = filled[1].recent()
    assert list(table.columns) == ["2022-11", "2022-12", "2023-01", "2023-02", "2023-03"]
    for told in (*table.index, "2023-03", "active customers at the end of the period from 2023-03-01"):
        assert told in result.output
    written(shop.parent, "fortnight")
    assert CliRunner().invoke(app, ["kpis", str(shop)]).exit_code == 2
