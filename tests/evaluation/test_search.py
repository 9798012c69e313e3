import math
import sys

import numpy as np
import pandas as pd
import pytest

from patron._core.errors import ConfigError, DataError, MissingExtraError
from patron.data.readers import read_transactions
from patron.datasets import source
from patron.evaluation import search as module
from patron.evaluation.backtest import backtest
from patron.evaluation.search import RANGES, search
from patron.recipes.training import Timeline

DAYS = ["1997-03-25", "1997-04-22"]
UNTIL = "1997-05-20"


class Guess:
    """A recipe that says the same of everybody: the defaults one thing, other settings `told` of them."""

    def __init__(self, default, told):
        self.default, self.told = default, told

    def __call__(self, _name, _task, **settings):
        self.said = self.told(settings) if settings else self.default
        return self

    def fit(self, _data):
        return self

    def predict(self, rows):
        return np.full(len(rows), self.said)


@pytest.fixture
def guess(monkeypatch):
    def put(default, told):
        made = Guess(default, told)
        monkeypatch.setattr(module, "named_recipe", made)
        return made

    return put


@pytest.fixture(scope="module")
def line(cdnow_sample):
    return Timeline(cdnow_sample, 28, "week", which="core")


def searched(line, task="churn", **settings):
    return search(line.log, task, "28 days", DAYS, timeline=line, **settings)


@pytest.fixture(scope="module")
def found(line):
    return searched(line, n_trials=2, seconds=math.inf, seed=4)


def test_the_first_trial_is_the_defaults_as_the_backtest_finds_them(line, found):
    table = backtest(line.log, "churn", "28 days", DAYS, ["lightgbm"], seed=4, timeline=line).table
    brier = table.query("metric == 'brier' and population == 'all'")["value"].mean()
    assert found.baseline == found.trials["brier"].iloc[0] == pytest.approx(brier, abs=1e-12)
    assert found.trials.loc[0, ["learning_rate", "num_leaves"]].tolist() == [0.05, 8]
    assert len(found.trials) == 3
    assert found.trials["brier"].nunique() == 3


def test_settings_stay_in_their_ranges(found):
    for name, (low, high) in RANGES.items():
        assert found.trials[name].iloc[1:].between(low, high).all()


def test_the_same_seed_finds_the_same_and_no_later_day_is_looked_at(found):
    rows = source("cdnow-sample")
    known = read_transactions(rows[pd.to_datetime(rows["time"]) <= UNTIL], observed_until=UNTIL)
    again = searched(Timeline(known, 28, "week", which="core"), n_trials=2, seconds=math.inf, seed=4)
    same = [one.trials.drop(columns="seconds") for one in (again, found)]
    pd.testing.assert_frame_equal(*same)
    assert (again.settings, again.reason) == (found.settings, found.reason)


def test_better_beyond_noise_replaces_the_defaults(line, guess):
    guess(0.5, lambda _: 0.9)
    found = searched(line, n_trials=3)
    assert found.settings == {name: found.trials[name].iloc[1] for name in RANGES}
    assert found.reason.startswith("The best of 3 other settings replaces the defaults (Brier score 0.")
    assert "better on 2 of 2 days" in found.reason


@pytest.mark.parametrize("days", [DAYS[:1], DAYS])
def test_better_within_noise_leaves_the_defaults(line, guess, days):
    rate = np.mean([line.test(day)["churned"].mean() for day in days])
    guess(rate - 0.005, lambda _: rate)
    found = search(line.log, "churn", "28 days", days, n_trials=3, timeline=line)
    assert found.trials["brier"].min() < found.baseline
    assert found.settings == {}
    assert "is not better beyond noise" in found.reason


def test_worse_leaves_the_defaults(line, guess):
    guess(0.9, lambda _: 0.1)
    found = searched(line, n_trials=3)
    assert found.settings == {}
    assert found.reason == "The defaults stay: none of 3 other settings has a lower Brier score."


def test_it_looks_where_it_was_better(line, guess):
    guess(0.0, lambda settings: settings["feature_fraction"] - 0.1)
    found = searched(line, n_trials=40)
    assert found.trials["feature_fraction"].iloc[-10:].mean() > found.trials["feature_fraction"].iloc[1:11].mean()
    assert found.settings["feature_fraction"] == found.trials.sort_values("brier")["feature_fraction"].iloc[0]


def test_spend_goes_by_rmse(line, guess):
    guess(100.0, lambda _: 5.0)
    found = searched(line, "value", n_trials=1)
    assert found.metric == "rmse"
    assert found.trials["rmse"].iloc[1] < found.baseline == found.trials["rmse"].iloc[0]
    assert found.settings


def test_time_is_up_before_a_fit_and_the_trial_cut_short_does_not_count(line, guess, monkeypatch):
    class Watch:
        ticks = 0

        @property
        def seconds(self):
            Watch.ticks += 1
            return Watch.ticks

    guess(0.5, lambda _: 0.9)
    monkeypatch.setattr(module, "Stopwatch", Watch)
    # looked at four times a trial: at its start, before each of two fits, at its end
    assert len(searched(line, seconds=15).trials) == 3
    Watch.ticks = 0
    assert len(searched(line, seconds=0).trials) == 1


def test_it_is_silent_and_leaves_the_log_level_as_it_was(line, guess, capfd):
    optuna = pytest.importorskip("optuna")
    before = optuna.logging.get_verbosity()
    guess(0.5, lambda _: 0.9)
    searched(line, n_trials=2)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_what_cannot_be_searched_is_refused(line, monkeypatch):
    with pytest.raises(ConfigError, match="unknown task"):
        searched(line, "both")
    with pytest.raises(ConfigError, match="takes no settings"):
        searched(line, recipe="base_rate")
    with pytest.raises(DataError, match="labels of 28 days are open"):
        search(line.log, "churn", "28 days", "1998-06-30", timeline=line)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'patron\[search\]'"):
        searched(line)
