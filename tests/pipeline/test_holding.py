"""`patron ledger`: matured scorings against the log, the verdict and its exit code, whatever happened before."""

import errno
import json
import shutil
import threading

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from patron import pipeline
from patron._core import files
from patron._core.errors import LockedError, PatronError, TrackingError
from patron._core.files import digest, read_json
from patron.cli import app
from patron.pipeline import holding
from patron.scoring.table import write_scores

pytestmark = [
    pytest.mark.xdist_group("ledger"),  # its workspace is made, and the log asked, once
    pytest.mark.filterwarnings("ignore::patron.PatronWarning"),
]
UNTIL, DAYS = "2022-10-01", ("2022-08-20", "2022-09-10", "2022-10-01")


def purchases(customers=160, days=420):
    """Lines of a log in which customers buy at their own pace and some leave, `days` from 2022-01-01."""
    rng = np.random.default_rng(1)
    lines = []
    for i in range(customers):
        day, pace, leaves = rng.integers(0, 60), rng.gamma(2, 15) + 3, rng.exponential(260)
        begun = day
        while day < days and day - begun <= leaves:
            date = pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(day))
            lines.append(f"kunde-{i:04},{date.date()},{rng.gamma(3, 8):.2f}")
            day += 1 + rng.exponential(pace)
    return "customer_id,time,amount\n" + "\n".join(lines) + "\n"


def text(make_shop, until):
    given = '{{source: "{source}"}}'
    until = f'\n  observed_until: "{until}"' if until else ""
    return make_shop.text.replace(given, given + until) + "features: core\n"


@pytest.fixture(scope="module")
def scored(tmp_path_factory, make_shop, untracked):
    """A workspace trained and scored on what was known on 2022-10-01, beside the log of all days."""
    folder = tmp_path_factory.mktemp("scored")
    config = make_shop(folder, purchases(), text=text(make_shop, UNTIL))
    with untracked():
        pipeline.train(config)
    for day in DAYS:
        pipeline.score(config, as_of=day)
    return folder


@pytest.fixture(scope="module")
def computed():
    """What the engine computes of the one log, once: by what is asked and how far the log goes."""
    return {}


@pytest.fixture
def shop(scored, computed, tmp_path, make_shop, monkeypatch):
    """`shop(until)` is the configuration of a copy of it that sees the log to a later day."""

    def once(name, key):
        function = getattr(holding, name)

        def remembered(*args, **options):
            asked = (name, *key(*args))
            if asked not in computed:
                computed[asked] = function(*args, **options)
            return computed[asked]

        monkeypatch.setattr(holding, name, remembered)

    once("read", lambda config: (config.data.observed_until,))
    for name in ("features", "outcomes"):
        once(name, lambda log, *asked: (log.observed_until, *map(str, asked)))
    monkeypatch.setattr(holding, "log_ledger", lambda *_, **__: "")
    shutil.copytree(scored, tmp_path, dirs_exist_ok=True)

    def seen(until=None):
        return make_shop(tmp_path, purchases(), text=text(make_shop, until))

    return seen


def kept_table(folder, day):
    table = pd.read_parquet(folder / f"out/shop/scores/as_of={day}/version=1/scores.parquet")
    return table.assign(
        as_of=pd.to_datetime(table["as_of"]), scored_at=pd.to_datetime(table["scored_at"], utc=True).dt.as_unit("us")
    )


def results(folder):
    return {name: digest(folder / "out" / "shop" / name) for name in ("ledger.json", "ledger.csv")}


def rewrite(folder, change, days=DAYS):
    """Let scorings say something else, written as scorings are."""
    for day in days:
        changed = change(kept_table(folder, day))
        write_scores(changed, folder / "out/shop/scores", name="shop", version=1, currency="USD")


def test_before_anything_matured_it_waits_and_says_until_when(shop):
    held = pipeline.ledger(shop(UNTIL))
    assert held.verdict == "wait"
    assert held.exit_code == 0
    assert "2022-10-19" in held.content["reason"]  # 2022-08-20 and 60 days
    assert held.table.empty
    assert [row["churn_matures"] for row in held.content["waiting"]] == ["2022-10-19", "2022-11-09", "2022-11-30"]
    assert all(row["value_matures"] > "2023-08-19" for row in held.content["waiting"])


def test_matured_predictions_are_held_against_the_log(shop, tmp_path):
    held = pipeline.ledger(shop())
    assert held.verdict == "keep", held.words()
    assert len(held.content["waiting"]) == 3  # of value
    counts = held.table.query("by == 'as_of' and metric == 'auc'").set_index("group")["rows"]
    assert list(counts.index) == list(DAYS)
    log = pipeline.read(shop())
    labels = holding.outcomes(log, holding.day_number(DAYS[0]), 60)
    table = kept_table(tmp_path, DAYS[0]).set_index("customer_id")
    told = held.table.query(f"by == 'as_of' and group == '{DAYS[0]}' and metric == 'bias'")["value"].item()
    expected = table["churn_probability"].sum() / labels["churned"].reindex(table.index).sum()
    assert told == pytest.approx(expected)
    assert read_json(tmp_path / "out/shop/ledger.json") == held.content
    assert pipeline.verdict_of(shop()) == held.content
    assert not any(b"kunde-" in (tmp_path / "out/shop" / name).read_bytes() for name in ("ledger.json", "ledger.csv"))


def test_the_same_data_give_the_same_bytes(shop, tmp_path):
    config = shop()
    pipeline.ledger(config)
    first = results(tmp_path)
    pipeline.ledger(config)
    assert results(tmp_path) == first


def test_probabilities_that_are_off_end_in_exit_code_5(shop, tmp_path):
    config = shop()
    rewrite(tmp_path, lambda table: table.assign(churn_probability=table["churn_probability"] * 0.6))
    result = CliRunner().invoke(app, ["ledger", str(config)])
    assert result.exit_code == 5, result.output
    assert "recalibrate" in result.output
    assert pipeline.verdict_of(config)["verdict"] == "recalibrate"


def test_scores_in_the_wrong_order_ask_for_training_anew(shop, tmp_path):
    rng = np.random.default_rng(0)
    rewrite(tmp_path, lambda table: table.assign(churn_probability=rng.permutation(table["churn_probability"])))
    held = pipeline.ledger(shop())
    assert (held.verdict, held.exit_code) == ("retrain", 5)
    assert "below the backtest's" in held.content["reason"]


def test_the_verdict_is_of_the_untreated_and_says_whether_there_is_a_control(shop, tmp_path):
    config = shop()
    plan = tmp_path / f"out/shop/plans/as_of={DAYS[0]}/version=1"
    plan.mkdir(parents=True)
    ids = kept_table(tmp_path, DAYS[0])["customer_id"]
    group = np.resize(["contact", "control", *["none"] * 3], len(ids))
    pd.DataFrame({"customer_id": ids, "group": group}).to_parquet(plan / "plan.parquet")
    held = pipeline.ledger(config)
    treated = held.table.query("by == 'all' and metric == 'bias' and task == 'churn'").set_index("treatment")["rows"]
    assert treated["treated"] >= 30
    assert treated["untreated"] + treated["treated"] == sum(len(kept_table(tmp_path, day)) for day in DAYS)
    note = " ".join(held.content["notes"])
    assert f"{treated['treated']:,} of treated customers stand apart" in note
    assert "of the control group" in note


def test_another_version_than_the_champion_s_is_told_but_not_judged_by(shop, tmp_path):
    scores = tmp_path / "out/shop/scores"
    for day in DAYS:
        table = kept_table(tmp_path, day)
        table["churn_probability"] = 0.01 + 0.5 * table["churn_probability"]
        write_scores(table, scores, name="shop", version=7, currency="USD")
    held = pipeline.ledger(shop())
    assert held.verdict == "keep"
    assert set(held.table["version"]) == {1, 7}


@pytest.mark.delivery
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda place: (place / "manifest.json").unlink(), "half written"),
        (lambda place: (place / "scores.parquet").write_bytes(b"torn"), "cannot be read"),
        (lambda place: (place / "scores.parquet").write_bytes((place / "scores.csv").read_bytes()), "cannot be read"),
        (lambda place: pd.read_parquet(place / "scores.parquet").to_parquet(place / "scores.parquet"), "changed since"),
    ],
    ids=["no manifest", "torn parquet", "no parquet", "changed parquet"],
)
def test_a_damaged_scoring_is_told_and_left_out_and_mended_it_counts_again(shop, tmp_path, damage, why):
    config = shop()
    pipeline.ledger(config)
    undisturbed = results(tmp_path)
    place = tmp_path / "out/shop/scores" / f"as_of={DAYS[1]}" / "version=1"
    shutil.copytree(place, tmp_path / "copy")
    damage(place)
    result = CliRunner().invoke(app, ["ledger", str(config)])
    assert result.exit_code == 0, result.output
    assert "left out" in result.output
    assert pd.Series([result.output]).str.contains(why).item()
    shutil.rmtree(place)
    shutil.copytree(tmp_path / "copy", place)
    pipeline.ledger(config)
    assert results(tmp_path) == undisturbed


@pytest.mark.delivery
def test_a_plan_without_scores_is_no_matter(shop, tmp_path):
    config = shop()
    pipeline.ledger(config)
    undisturbed = results(tmp_path)
    place = tmp_path / "out/shop/plans/as_of=2022-09-30/version=9"
    place.mkdir(parents=True)
    pd.DataFrame({"customer_id": ["nobody"], "group": ["contact"]}).to_parquet(place / "plan.parquet")
    pipeline.ledger(config)
    assert results(tmp_path) == undisturbed


@pytest.mark.delivery
def test_a_full_disk_is_said_the_old_ledger_stands_and_the_next_run_writes_it(shop, tmp_path, monkeypatch):
    config = shop(UNTIL)
    pipeline.ledger(config)
    before = results(tmp_path)
    config = shop()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(PatronError, match="free space"):
            pipeline.ledger(config)
    assert results(tmp_path) == before
    assert [path for path in tmp_path.rglob(".*") if path.name != ".lock"] == []
    assert pipeline.ledger(config).verdict == "keep"


@pytest.mark.delivery
def test_two_at_once_one_is_told_and_the_other_finishes(shop, tmp_path, monkeypatch):
    config = shop()
    begun, go_on, done = threading.Event(), threading.Event(), []

    def slow(*args):
        begun.set()
        assert go_on.wait(60)
        return found(*args)

    found = holding.kept_scorings
    monkeypatch.setattr(holding, "kept_scorings", slow)
    first = threading.Thread(target=lambda: done.append(pipeline.ledger(config)))
    first.start()
    assert begun.wait(60)
    with pytest.raises(LockedError):
        pipeline.ledger(config)
    go_on.set()
    first.join(60)
    assert done[0].verdict == "keep"


@pytest.mark.delivery
def test_an_mlflow_that_refuses_costs_a_warning_and_not_the_ledger(shop, tmp_path, monkeypatch):
    config = shop()

    def refuse(*_, **__):
        raise TrackingError("MLflow at nowhere refused")

    monkeypatch.setattr(holding, "log_ledger", refuse)
    with pytest.warns(match="MLflow lags behind"):
        assert pipeline.ledger(config).verdict == "keep"
    assert pipeline.verdict_of(config)["verdict"] == "keep"


def test_without_a_champion_it_waits(shop, tmp_path):
    config = shop()
    shutil.rmtree(tmp_path / "models")
    held = pipeline.ledger(config)
    assert (held.verdict, held.content["drift"]) == ("wait", [])
    assert not held.table.empty


def test_drift_is_told_beside_its_floor_without_what_ages(shop):
    drift = pd.DataFrame(pipeline.ledger(shop()).content["drift"])
    assert {"T", "recency", "days_since_last", "frequency"}.isdisjoint(drift["feature"])
    predicted = drift.query("kind == 'prediction'")
    assert predicted["feature"].tolist() == ["churn_probability"]
    assert (predicted[["psi", "between_days"]] > 1).all(axis=None)  # neither today nor a day is another
    assert (drift["noise"] > 0).all()


@pytest.mark.slow
def test_mlflow_keeps_one_run_a_version_without_an_id(shop, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from patron.tracking import log_ledger

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(holding, "log_ledger", log_ledger)
    for until in ("2022-12-01", None, None):
        held = pipeline.ledger(shop(until))
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    [run] = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert run.data.tags["patron.verdict"] == held.verdict
    history = client.get_metric_history(run.info.run_id, "ledger/churn/untreated/auc")
    assert [point.step for point in history] == [
        holding.day_number("2022-12-01"),
        holding.day_number(held.content["as_of"]),
    ]
    artifacts = [path for path in (tmp_path / "mlartifacts").rglob("*") if path.is_file()]
    assert {path.name for path in artifacts} == {"ledger.csv", "drift.csv"}
    assert not any(b"kunde-" in path.read_bytes() for path in [*artifacts, tmp_path / "mlflow.db"])


def test_json_lines_tell_steps_and_the_verdict_and_nothing_else_is_on_stderr(shop):
    result = CliRunner().invoke(app, ["--log", "json", "ledger", str(shop())])
    assert result.exit_code == 0
    assert result.stdout == ""
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {"accounts", "drift"} <= {line["what"] for line in lines if line["event"] == "step"}
    assert any(line["what"].startswith("ledger: keep") for line in lines if line["event"] == "result")
    assert "kunde-" not in result.stderr


def test_an_error_is_one_json_line_with_its_exit_code(tmp_path):
    result = CliRunner().invoke(app, ["--log", "json", "ledger", str(tmp_path / "none.yaml")])
    [line] = [json.loads(line) for line in result.stderr.splitlines()]
    assert (line["level"], line["kind"], line["exit_code"], result.exit_code) == ("error", "ConfigError", 2, 2)
