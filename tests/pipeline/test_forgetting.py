"""`patron forget`: the customer is nowhere afterwards, everybody else as before, however often it was stopped."""

import csv
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from patron._core import files
from patron._core.errors import ConfigError, DataError, LockedError, PatronError
from patron._core.files import digest, digest_of, locked, read_json, write_json
from patron._core.pseudonyms import FILE, VARIABLE, pseudonym
from patron.cli import app
from patron.pipeline import erasing
from patron.pipeline.forgetting import forget, forgotten, without_forgotten
from patron.pipeline.inputs import loaded
from patron.scoring.table import content_digest, write_scores

KEY = "an-example-of-a-key-drawn-at-random"
GONE, PLAIN = "kunde-0007", "1"
IDS = [GONE, "kunde-00071", "kunde-0007-b", "xkunde-0007", PLAIN, "10", "01", "=7", 'o"x, y\nz', "kunde-0008"]
AS_OF = ("2022-06-30", "2022-07-31")
CRM = "deliver: [{{name: crm, target: files, fields: {{customer_id: client, clv: worth}}}}]\n"


def scores(as_of, ids):
    return pd.DataFrame(
        {
            "customer_id": ids,
            "as_of": pd.Timestamp(as_of),
            "churn_horizon_days": 1,
            "churn_probability": 0.5,
            "value_horizon_days": 10,
            "clv": 1.0,
            "run_id": "1",
            "scored_at": pd.Timestamp("2022-08-01", tz="UTC").as_unit("us"),
            "row_hash": [digest_of(one)[:32] for one in ids],
        }
    )


def build(folder, config, ids):
    """Lay out what scoring, planning, delivering and training leave."""
    out = folder / "out" / "shop"
    for day in AS_OF:
        table = scores(day, ids)
        place = write_scores(table, out / "scores", name="shop", version=1, currency="USD")
        plan = out / f"plans/as_of={day}/version=1"
        plan.mkdir(parents=True)
        told = pd.DataFrame({"customer_id": ids, "group": "contact", "why": "worth it"})
        told.to_parquet(plan / "plan.parquet")
        told.to_csv(plan / "plan.csv", index=False)
        written = {path.name: {"sha256": digest(path), "bytes": path.stat().st_size} for path in plan.iterdir()}
        write_json(plan / "manifest.json", {"format": 1, "files": written, "contacted": 3})
    latest = {"as_of": AS_OF[-1], "version": 1, "folder": str(place.relative_to(out))}
    write_json(out / "latest.json", {**latest, "content": read_json(place / "manifest.json")["content"]})
    sent = out / "deliveries/crm/000001-abc"
    sent.mkdir(parents=True)
    harmless = [f"'{one}" if one.startswith("=") else one for one in ids]
    pd.DataFrame({"client": ids, "worth": 1}).to_parquet(sent / "scores.parquet")
    pd.DataFrame({"client": harmless, "worth": 1}).to_csv(sent / "scores.csv", index=False, quoting=csv.QUOTE_ALL)
    written = {path.name: {"sha256": digest(path), "bytes": path.stat().st_size} for path in sent.iterdir()}
    write_json(sent / "manifest.json", {"format": 1, "rows": len(ids), "files": written})
    failed = pd.DataFrame({"customer_id": ids, "reason": "refused"})
    failed.to_csv(out / "deliveries/crm/failed.csv", index=False)
    with sqlite3.connect(out / "state.sqlite") as state:
        state.execute("CREATE TABLE delivery_sent (target TEXT, customer_id TEXT, PRIMARY KEY (target, customer_id)) "
                      "WITHOUT ROWID")  # fmt: skip
        state.execute("CREATE TABLE delivery_push (id INTEGER, target TEXT)")
        state.executemany("INSERT INTO delivery_sent VALUES ('crm', ?)", [(one,) for one in ids])
        state.execute("INSERT INTO delivery_push VALUES (1, 'crm')")
    state.close()
    pd.DataFrame({"customer_id": ids, "prediction": 1.0}).to_parquet(out / "predictions.parquet")
    (out / "explained").mkdir()
    (out / "explained/importance.csv").write_text("task,name\nchurn,1\n")
    (out / "report.html").write_text("".join(f"<tr><td>{one}</td></tr>" for one in ids))
    write_json(folder / "models/shop/manifest.json", {"version": 1, "recipe": "1", "days": [1]})
    (folder / "models/shop/churn.txt").write_text("tree 1 10")


@pytest.fixture
def shop(tmp_path, make_shop, monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config = loaded(make_shop(tmp_path, text=make_shop.text + CRM))
    build(tmp_path, config, IDS)
    return config


def state(config):
    """All that a reader finds: bytes of files, rows of the database."""
    found = {
        str(path.relative_to(config.out)): digest(path)
        for path in config.out.rglob("*")
        if path.is_file() and path.name not in (".lock", "state.sqlite")
    }
    with sqlite3.connect(config.out / "state.sqlite") as database:
        found["state.sqlite"] = list(database.iterdump())
    database.close()
    return found


@pytest.mark.parametrize("gone", [GONE, PLAIN, "=7", IDS[8]])
def test_the_customer_is_nowhere_and_everybody_else_is_everywhere(shop, gone):
    told = forget(shop, gone)
    others = [one for one in IDS if one != gone]
    for day in AS_OF:
        folder = shop.out / f"scores/as_of={day}/version=1"
        manifest = read_json(folder / "manifest.json")
        table = pd.read_parquet(folder / "scores.parquet")
        assert table["customer_id"].tolist() == others
        read = pd.read_csv(folder / "scores.csv", dtype="str", keep_default_na=False)
        assert read["customer_id"].tolist() == others
        assert manifest["rows"] == len(others)
        assert manifest["content"] == content_digest(table)
        plan = shop.out / f"plans/as_of={day}/version=1"
        assert pd.read_parquet(plan / "plan.parquet")["customer_id"].tolist() == others
        for place in (folder, plan):
            for name, written in read_json(place / "manifest.json")["files"].items():
                assert (digest(place / name), (place / name).stat().st_size) == (written["sha256"], written["bytes"])
    assert read_json(shop.out / "latest.json")["content"] == manifest["content"]
    assert pd.read_parquet(shop.out / "deliveries/crm/000001-abc/scores.parquet")["client"].tolist() == others
    for path in (shop.out / "deliveries/crm/000001-abc/scores.csv", shop.out / "deliveries/crm/failed.csv"):
        assert [one.removeprefix("'") for one in pd.read_csv(path, dtype="str").iloc[:, 0]] == others
    with sqlite3.connect(shop.out / "state.sqlite") as database:
        assert sorted(one for (one,) in database.execute("SELECT customer_id FROM delivery_sent")) == sorted(others)
    database.close()
    assert not (shop.out / "report.html").exists()
    assert told.removed == {"scores": 2, "plans": 2, "deliveries": 2, "state.sqlite": 1, "predictions.parquet": 1}
    assert "the customer is nowhere" in " ".join(told.words())
    assert (shop.out / "explained/importance.csv").read_text() == "task,name\nchurn,1\n"


def test_the_bytes_of_a_distinctive_id_are_in_no_file(shop):
    forget(shop, GONE)
    for path in shop.out.rglob("*"):
        if path.is_file() and path.suffix != ".parquet":
            content = path.read_bytes()
            for other in ("kunde-00071", "xkunde-0007", "kunde-0007-b"):
                content = content.replace(other.encode(), b"")
            assert GONE.encode() not in content, path


def test_an_unchanged_folder_s_digest_is_that_of_scoring(shop):
    folder = shop.out / f"scores/as_of={AS_OF[0]}/version=1"
    before = {path.name: digest(path) for path in folder.iterdir()}
    forget(shop, "nobody-at-all")
    assert {path.name: digest(path) for path in folder.iterdir()} == before
    assert "no row named the customer" in forget(shop, "nobody-at-all").words()[0]


def test_a_later_run_leaves_the_forgotten_out_and_nobody_else(shop):
    frame = pd.DataFrame({"x": range(len(IDS))}, index=pd.Index(IDS, name="customer_id"))
    frame.attrs = {"unit": "week"}
    assert without_forgotten(shop, frame) is frame
    forget(shop, GONE)
    forget(shop, PLAIN)
    left = without_forgotten(shop, frame)
    assert list(left.index) == [one for one in IDS if one not in (GONE, PLAIN)]
    assert left.attrs == {"unit": "week"}
    assert without_forgotten(shop, frame.reset_index())["customer_id"].tolist() == list(left.index)
    assert forgotten(shop) == {pseudonym(GONE, KEY.encode()), pseudonym(PLAIN, KEY.encode())}
    assert GONE not in (shop.out / "forgotten.json").read_text()


def test_a_list_made_with_another_key_is_refused_not_ignored(shop, monkeypatch):
    forget(shop, GONE)
    monkeypatch.setenv(VARIABLE, KEY + "2")
    with pytest.raises(ConfigError, match="made with another key"):
        forgotten(shop)


def test_a_key_of_the_workspace_is_made_where_none_is_given(shop, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    forget(shop, GONE)
    assert (shop.out / FILE).stat().st_mode & 0o777 == 0o600
    assert len(forgotten(shop)) == 1


def test_what_patron_did_not_write_is_named_and_the_command_fails(shop):
    (shop.out / "notes.md").write_text(f"call {GONE} back")
    result = CliRunner().invoke(app, ["forget", str(shop.workspace / "shop.yaml"), GONE])
    assert result.exit_code == 1
    assert "notes.md" in result.stderr
    (shop.out / "notes.md").unlink()
    result = CliRunner().invoke(app, ["forget", str(shop.workspace / "shop.yaml"), GONE])
    assert result.exit_code == 0, result.stderr
    assert "proof: looked through out/shop" in result.output
    assert "source data still name the customer" in result.output
    assert "delivered to crm" in result.output


def test_an_audit_that_quotes_the_customer_is_deleted_and_another_stays(shop):
    write_json(shop.out / "audit.json", {"findings": [{"example": f"customer {GONE}"}]})
    assert str(shop.out / "audit.json") in forget(shop, GONE).deleted
    write_json(shop.out / "audit.json", {"findings": [{"example": "customer kunde-00071"}]})
    assert forget(shop, GONE).deleted == []


def test_a_folder_that_files_went_to_outside_is_cleared_too(tmp_path, shop, make_shop):
    outside = tmp_path / "exchange"
    shutil.copytree(shop.out / "deliveries/crm/000001-abc", outside / "000001-abc")
    more = CRM.replace("target: files,", f'target: files, settings: {{{{folder: "{outside}"}}}},')
    told = forget(loaded(make_shop(tmp_path, text=make_shop.text + more)), GONE)
    assert GONE not in pd.read_parquet(outside / "000001-abc/scores.parquet")["client"].tolist()
    assert any("exchange" in place for place in told.searched)


@pytest.mark.parametrize("formats", [["csv"], ["parquet"]])
def test_scores_of_one_format_prove_whole(shop, formats):
    write_scores(
        scores("2022-08-31", IDS), shop.out / "scores", name="shop", version=1, currency="USD", formats=formats
    )
    forget(shop, GONE)
    manifest = read_json(shop.out / "scores/as_of=2022-08-31/version=1/manifest.json")
    left = scores("2022-08-31", [one for one in IDS if one != GONE])
    assert (manifest["content"], manifest["rows"]) == (content_digest(left), len(left))


def test_nothing_kept_and_no_id_are_said(tmp_path, make_shop):
    config = make_shop(tmp_path)
    with pytest.raises(DataError, match="nothing is kept"):
        forget(config, GONE)
    with pytest.raises(DataError, match="no id"):
        forget(config, "")
    assert not (tmp_path / "out/shop/forgotten.json").exists()


# ------------------------------------------------------------------------------------------------- what may go wrong


@pytest.fixture(scope="module")
def undisturbed():
    return {}


@pytest.fixture
def aim(shop, undisturbed, tmp_path_factory, make_shop):
    """What an undisturbed run ends in."""
    if not undisturbed:
        folder = tmp_path_factory.mktemp("calm")
        calm = loaded(make_shop(folder, text=make_shop.text + CRM))
        build(folder, calm, IDS)
        forget(calm, GONE)
        undisturbed["ended"] = state(calm)
    return undisturbed["ended"]


KILLED = """
import json, os, pathlib, shutil, signal, sqlite3, sys, traceback
import pyarrow.parquet
from patron._core import files
from patron.pipeline import erasing, forgetting
from patron.pipeline.inputs import loaded

workspace, gone, every = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
config = loaded(workspace / "shop.yaml")
calm = workspace / "before"
shutil.copytree(config.out, calm)
POINTS = [(files, "_replace"), (files, "_exchange"), (os, "replace"), (os, "fsync"), (os, "unlink"), (shutil, "rmtree"),
          (shutil, "copyfile"), (pyarrow.parquet, "write_table"), (erasing, "_out_of_database"),
          (forgetting, "_remember"), (forgetting, "_latest"), (forgetting, "write_json")]

def run(point=None):
    child = os.fork()
    if child == 0:
        seen = iter(range(sys.maxsize))
        def deadly(function):
            def wrapped(*args, **options):
                if next(seen) == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **options)
            return wrapped
        for module, name in POINTS if point is not None else []:
            setattr(module, name, deadly(getattr(module, name)))
        erasing._ERASERS[".sqlite"] = erasing._out_of_database
        try:
            forgetting.forget(config, gone)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, (point, status)
    return status == 0

def found():
    told = {str(path.relative_to(config.out)): files.digest(path) for path in config.out.rglob("*")
            if path.is_file() and path.name not in (".lock", "state.sqlite")}
    database = sqlite3.connect(config.out / "state.sqlite")
    told["state.sqlite"] = list(database.iterdump())
    database.close()
    return told

point, kills, ends = 0, 0, []
while True:
    shutil.rmtree(config.out)
    shutil.copytree(calm, config.out)
    if run(point):
        break
    kills += 1
    assert run(), point
    ends.append(found())
    point += every
print(json.dumps({"kills": kills, "points": point, "ends": ends}))
"""


@pytest.mark.delivery
@pytest.mark.slow
def test_a_kill_at_any_write_leaves_what_the_next_run_finishes(shop, aim):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(shop.workspace), GONE, "9"],
        capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kills"] >= 12
    assert all(end == aim for end in told["ends"])


def _torn_parquet(config):
    path = config.out / f"scores/as_of={AS_OF[0]}/version=1/scores.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return lambda: path.write_bytes(content)


def _torn_predictions(config):
    path = config.out / "predictions.parquet"
    content = path.read_bytes()
    path.write_bytes(b"")
    return lambda: path.write_bytes(content)


def _no_database(config):
    path = config.out / "state.sqlite"
    content = path.read_bytes()
    path.write_bytes(b"this is no database, whatever its name says")
    return lambda: path.write_bytes(content)


def _torn_list(config):
    path = config.out / "forgotten.json"
    path.write_text("{")
    return path.unlink


def _torn_latest(config):
    path = config.out / "latest.json"
    content = path.read_bytes()
    path.write_bytes(content[:20])
    return lambda: path.write_bytes(content)


@pytest.mark.delivery
@pytest.mark.parametrize("damage", [_torn_parquet, _torn_predictions, _no_database, _torn_list, _torn_latest])
def test_what_cannot_be_read_is_said_and_the_run_after_the_repair_ends_as_ever(shop, aim, damage):
    repair = damage(shop)
    with pytest.raises(DataError) as told:
        forget(shop, GONE)
    assert told.value.fix
    repair()
    forget(shop, GONE)
    assert state(shop) == aim


@pytest.mark.delivery
def test_a_half_written_scoring_of_a_killed_run_is_cleared_away(shop, aim):
    draft = shop.out / f"scores/as_of={AS_OF[0]}/.version=2.abc.draft"
    draft.mkdir()
    (draft / "scores.csv").write_text(f"customer_id\n{GONE}\n")
    forget(shop, GONE)
    assert state(shop) == aim


@pytest.mark.delivery
def test_scores_without_a_manifest_are_cleared_file_by_file(shop):
    folder = shop.out / f"scores/as_of={AS_OF[0]}/version=1"
    (folder / "manifest.json").unlink()
    forget(shop, GONE)
    assert GONE not in pd.read_parquet(folder / "scores.parquet")["customer_id"].tolist()
    assert not (folder / "manifest.json").exists()


@pytest.mark.delivery
def test_a_scoring_that_was_damaged_is_cleared_but_not_made_to_look_whole(shop):
    folder = shop.out / f"scores/as_of={AS_OF[0]}/version=1"
    scores(AS_OF[0], IDS).to_parquet(folder / "scores.parquet")
    forget(shop, GONE)
    written = read_json(folder / "manifest.json")["files"]
    assert GONE not in pd.read_parquet(folder / "scores.parquet")["customer_id"].tolist()
    assert digest(folder / "scores.parquet") != written["scores.parquet"]["sha256"]
    assert digest(folder / "scores.csv") == written["scores.csv"]["sha256"]


@pytest.mark.delivery
@pytest.mark.parametrize("after", [0, 3, 9, 15])
def test_a_full_disk_is_said_and_the_next_run_finishes(shop, aim, monkeypatch, after):
    left = [after]
    sync = os.fsync

    def full(handle):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(PatronError, match="free space"):
            forget(shop, GONE)
    forget(shop, GONE)
    assert state(shop) == aim


@pytest.mark.delivery
def test_two_at_once_the_second_is_told(shop, aim):
    with locked(shop.out / ".lock", "shop"), pytest.raises(LockedError):
        forget(shop, GONE)
    forget(shop, GONE)
    assert state(shop) == aim


@pytest.mark.delivery
def test_a_database_in_use_is_said_and_the_next_run_finishes(shop, aim, monkeypatch):
    monkeypatch.setattr(erasing, "_PATIENCE", 0.1)
    other = sqlite3.connect(shop.out / "state.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(PatronError, match="is in use"):
        forget(shop, GONE)
    other.execute("ROLLBACK")
    other.close()
    forget(shop, GONE)
    assert state(shop) == aim


@pytest.mark.delivery
def test_without_state_plans_or_deliveries_the_scores_are_cleared(shop):
    (shop.out / "state.sqlite").unlink()
    shutil.rmtree(shop.out / "deliveries")
    shutil.rmtree(shop.out / "plans")
    assert forget(shop, GONE).removed == {"scores": 2, "predictions.parquet": 1}


@pytest.mark.delivery
def test_a_plan_without_scores_is_cleared(shop):
    shutil.rmtree(shop.out / "scores")
    (shop.out / "latest.json").unlink()
    assert forget(shop, GONE).removed["plans"] == 2


@pytest.mark.delivery
def test_a_promotion_not_yet_carried_out_is_cleared_too(shop):
    pending = shop.out / ".promotion"
    pending.mkdir()
    shutil.copy(shop.out / "predictions.parquet", pending / "predictions.parquet")
    forget(shop, GONE)
    assert GONE not in pd.read_parquet(pending / "predictions.parquet")["customer_id"].tolist()
