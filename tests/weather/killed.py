"""Run in a process of its own: trains and scores once, then again and again in forks that are killed as they write.

    python killed.py CONFIG SEED

Models are fitted once; the forks only write, so that there can be kills all along the writes. MLflow is a file here,
kept as a registry is: versions are added, the alias is moved.
"""

import dataclasses
import json
import os
import random
import shutil
import signal
import sys
import warnings

import pyarrow.csv
import pyarrow.parquet

from patron import pipeline
from patron._core import files
from patron._core.files import digest, read_json
from patron.data import TransactionLog
from patron.pipeline import scoring, training
from patron.scoring import Bundle
from patron.tracking import Registered

warnings.simplefilter("ignore")
config = pipeline.inputs.loaded(sys.argv[1])
out, bundle, registry = config.out, config.bundle, config.workspace / "registry.json"
POINTS = [
    (files, "_replace"), (files, "_exchange"), (os, "replace"), (os, "rename"), (os, "unlink"), (shutil, "rmtree"),
    (shutil, "copytree"), (pyarrow.csv, "write_csv"), (pyarrow.parquet, "write_table"),
    (training, "log_training"), (training, "move_champion"),
]  # fmt: skip


def log_training(folder, **_):
    told = read_json(registry) if registry.exists() else {"versions": [], "champion": None}
    told["versions"].append(read_json(folder / "manifest.json")["digest"])
    registry.write_text(json.dumps(told))
    return Registered("", "shop", str(len(told["versions"])), "", "")


def move_champion(workspace, name, version):
    registry.write_text(json.dumps({**read_json(registry), "champion": int(version)}))


def once(function, key=lambda *_: None):
    """Do long work once: later calls of the same key get what the first got."""
    answers = {}

    def remembered(*args, **options):
        asked = key(*args)
        if asked not in answers:
            answers[asked] = function(*args, **options)
        return answers[asked]

    return remembered


def as_version(function):
    fitted = once(function)

    def same(*args, version):
        made = fitted(*args, version=version)
        return dataclasses.replace(made, manifest=dataclasses.replace(made.manifest, version=version))

    return same


training.log_training, training.move_champion = log_training, move_champion
training._backtested = once(training._backtested, key=lambda *asked: asked[1])
training._fitted = as_version(training._fitted)
training.promote = once(training.promote, key=lambda result, *_: result.task)
training._pictures = lambda *_: {}
training.explain = once(training.explain)
training._git_revision = lambda: None
training.Timeline = once(training.Timeline)
TransactionLog.until = once(TransactionLog.until)
scoring.features = once(scoring.features)
log = pipeline.read(config)


def work():
    with pipeline.inputs.alone(config):
        pipeline.job.finish_promotion(config)
        training.train_on(config, log)
        scoring.score_on(config, log, None)


def killed_at(point):
    """Do the work in a fork that is killed before or after its n-th write; True if it got to the end before."""
    child = os.fork()
    if child == 0:
        seen = iter(range(sys.maxsize))

        def deadly(function):
            def wrapped(*args, **options):
                for moment in range(2):
                    if moment:
                        answer = function(*args, **options)
                    if next(seen) == point:
                        os.kill(os.getpid(), signal.SIGKILL)
                return answer

            return wrapped

        for module, name in POINTS:
            setattr(module, name, deadly(getattr(module, name)))
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, status
    return status == 0


def versions():
    """What any reader finds now: the version of the bundle, and of the latest scores, each proven whole."""
    latest = read_json(out / "latest.json")
    folder = out / latest["folder"]
    manifest = read_json(folder / "manifest.json")
    for name, written in manifest["files"].items():
        assert digest(folder / name) == written["sha256"], (folder, name)
    return Bundle.load(bundle).manifest.version, latest["version"]


def hidden():
    return [path for path in config.workspace.rglob(".*") if path.name != ".lock"]


work()
point, kills, done = 0, 0, False
moments = random.Random(int(sys.argv[2]))
while not done:
    bundles, scores = versions()
    assert bundles == scores
    done = killed_at(point)
    assert versions() in [(bundles, scores), (bundles + 1, scores), (bundles + 1, scores + 1)], point
    with pipeline.inputs.alone(config):
        training.finish_promotion(config)
    assert versions() in [(bundles, scores), (bundles + 1, scores), (bundles + 1, scores + 1)], point
    assert hidden() == [], (point, hidden())
    told = read_json(registry)
    assert told["versions"][told["champion"] - 1] == read_json(bundle / "manifest.json")["digest"], point
    if versions()[0] != scores:
        with pipeline.inputs.alone(config):
            scoring.score_on(config, log, None)
    point += moments.choice((2, 3, 4))
    kills += 1
sys.stdout.write(json.dumps({"points": point, "kills": kills, "versions": versions()}))
