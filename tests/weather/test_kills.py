"""Whatever ends a run - a kill, Ctrl-C, a full disk, another run: no half result, no lost old one; the next repairs."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patron import Scorer, pipeline
from patron._core.files import digest, read_json
from patron.cli import app
from patron.pipeline import scoring

pytestmark = [
    pytest.mark.delivery,
    pytest.mark.slow,
    pytest.mark.xdist_group("kills"),
    pytest.mark.filterwarnings("ignore::patron.PatronWarning"),
]


def patron(*arguments, **options):
    code = "import sys; from patron.cli import main; sys.argv[0] = 'patron'; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory, make_shop):
    """A workspace in which the main job ran once."""
    folder = tmp_path_factory.mktemp("ran")
    result = CliRunner().invoke(app, ["run", str(make_shop(folder))])
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def again(ran, tmp_path, make_shop):
    """Take the finished workspace elsewhere; the configuration's path."""

    def copied(folder=tmp_path):
        shutil.copytree(ran, folder, dirs_exist_ok=True)
        return make_shop(folder)

    return copied


def results(folder):
    """Digests of what a reader may rely on."""
    out = folder / "out" / "shop"
    kept = [folder / "models" / "shop", out / "scores", out / "latest.json", out / "leaderboard.csv"]
    return {path.name: digest(path) for path in kept}


def litter(folder):
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def in_agreement(folder):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    version = client.get_model_version_by_alias("shop", "champion")
    registered = client.get_run(version.run_id).data.tags["patron.bundle_digest"]
    return registered == read_json(folder / "models" / "shop" / "manifest.json")["digest"]


SEED = random.randrange(1_000_000)


def test_a_kill_at_a_random_write_loses_nothing_and_the_next_run_repairs(tmp_path, make_shop):
    script = Path(__file__).with_name("killed.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, script, make_shop(tmp_path), str(SEED)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"seed {SEED}: {done.stderr}"
    told = json.loads(done.stdout)
    assert told["points"] > 80
    assert told["kills"] > 20
    assert told["versions"][0] > 10


@pytest.mark.thorough
def test_kills_at_random_moments_leave_what_the_next_run_completes(tmp_path, make_shop):
    config = make_shop(tmp_path)
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["patron.pipeline", "patron.cli", "duckdb", "ibis", "mlflow", "sklearn", "lightgbm"])
    moments = random.Random(3)
    for command in (pipeline.run, pipeline.train, pipeline.run):
        process = forks.Process(target=command, args=(config,), daemon=True)
        process.start()
        time.sleep(moments.uniform(0.5, 4))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    process = forks.Process(target=pipeline.run, args=(config,), daemon=True)
    process.start()
    process.join(300)
    assert process.exitcode == 0
    Scorer.load(tmp_path / "models" / "shop")
    assert (tmp_path / "out" / "shop" / "latest.json").exists()
    assert litter(tmp_path) == []
    assert in_agreement(tmp_path)


def test_a_promotion_cut_short_before_the_registry_is_finished_by_the_next_scoring(again, tmp_path, monkeypatch):
    config = again()
    with monkeypatch.context() as patch:
        patch.setattr("patron.pipeline.training.move_champion", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pipeline.train(config)
    assert Scorer.load(tmp_path / "models" / "shop").bundle.manifest.version == 2
    assert not in_agreement(tmp_path)
    pipeline.score(config)
    assert in_agreement(tmp_path)
    assert litter(tmp_path) == []


@pytest.mark.parametrize("seconds", [0.7, 3.0])
def test_ctrl_c_ends_in_130_without_a_traceback(again, tmp_path, seconds):
    config = again()
    before = results(tmp_path)
    process = patron("train", config, start_new_session=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert results(tmp_path) == before


def test_a_second_run_at_once_is_told_and_the_first_finishes(again, monkeypatch):
    config = again()
    begun, go_on = threading.Event(), threading.Event()

    def slow(*args, **options):
        begun.set()
        assert go_on.wait(60)
        return features(*args, **options)

    features = scoring.features
    monkeypatch.setattr(scoring, "features", slow)
    done = []
    first = threading.Thread(target=lambda: done.append(pipeline.score(config)))
    first.start()
    assert begun.wait(60)
    second = CliRunner().invoke(app, ["score", str(config)])
    go_on.set()
    first.join(60)
    assert second.exit_code == 1
    assert "another process is working on shop" in second.stderr
    assert len(done) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB, which only root can make."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk can be made here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk, leave):
    free = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leave)))


@pytest.mark.parametrize(
    ("command", "some"), [("score", 8192), pytest.param("train", 40960, marks=pytest.mark.thorough)]
)
def test_a_full_disk_is_said_and_the_old_results_stand(again, small_disk, command, some):
    config = again(small_disk)
    before = results(small_disk)
    for leave in (0, some):
        fill(small_disk, leave)
        result = CliRunner().invoke(app, [command, str(config)])
        assert result.exit_code in (1, 4), result.exception
        told = " ".join(result.stderr.split())
        assert "Fix: free space on the disk" in told
        assert "Traceback" not in told
        assert results(small_disk) == before
        (small_disk / "filler").unlink()
    result = CliRunner().invoke(app, [command, str(config)])
    assert result.exit_code == 0, result.stderr
    assert litter(small_disk) == []
