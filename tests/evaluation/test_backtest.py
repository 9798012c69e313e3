import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from patron._core.calendar import as_stamps
from patron._core.errors import ConfigError, DataError, FitError
from patron._core.progress import listen
from patron.data.readers import read_transactions
from patron.datasets import load_cdnow_sample
from patron.evaluation import Backtest, backtest
from patron.features import CORE
from patron.metrics import METRICS
from patron.recipes import RECIPES, recipe, training

pytestmark = pytest.mark.xdist_group("backtest")  # a log is asked once
DAYS = ["2024-08-04", "2024-09-01", "2024-09-29"]
LABEL = {"churn": "churned", "value": "spend_next"}


def purchases(customers=80, seed=0):
    random = np.random.default_rng(seed)
    rows = [
        (f"{customer:04d}", pd.Timestamp("2024-05-01") + pd.Timedelta(days=int(day)), round(float(amount), 2))
        for customer in range(customers)
        for start, every in [(random.integers(0, 120), random.gamma(2.0, 15.0) + 1)]
        for day, amount in zip(np.arange(start, 184, every), random.gamma(2.0, 10.0, 400), strict=False)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "time", "amount"])


def read(frame):
    return read_transactions(frame, observed_until="2024-10-31")


def flipped(frame, after, horizon):
    """Who bought in the window after a day did not, who did not did, and all later purchases are others'."""
    day = pd.Timestamp(after)
    past, future = frame[frame["time"] <= day], frame[frame["time"] > day]
    bought = set(future.loc[future["time"] <= day + pd.Timedelta(days=horizon), "customer_id"])
    silent = sorted(set(past["customer_id"]) - bought)
    changed = pd.DataFrame({"customer_id": silent, "time": day + pd.Timedelta(days=1), "amount": 1_234.0})
    return pd.concat([past, changed], ignore_index=True)


class Spy:
    """A recipe that keeps what it was given and predicts the mean of the labels."""

    def __init__(self, task="churn", name="spy"):
        self.task, self.name, self.seen, self.prediction = task, name, [], None

    def fit(self, data):
        self.seen.append(data)
        return Mean(data.rows[LABEL[self.task]].mean() if self.prediction is None else self.prediction)


class Mean:
    def __init__(self, mean):
        self.mean = mean

    def predict(self, rows):
        return np.full(len(rows), self.mean)


class Warned(Spy):
    """Warns at every fit, and has a library change the filters of warnings, on which Python forgets what it showed."""

    def fit(self, data):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
        warnings.warn("the customers do not differ", UserWarning, stacklevel=1)
        return super().fit(data)


def run(log, *recipes, task="churn", as_of=DAYS, **settings):
    return backtest(log, task, "28 days", as_of, recipes, **settings)


@pytest.fixture(scope="module")
def log():
    return read(purchases())


@pytest.fixture(scope="module")
def timelines():
    return {}


@pytest.fixture(autouse=True)
def _a_log_is_asked_once_for_all_tests(timelines, monkeypatch):
    def shared(log, *how, **rows):
        key = (id(log), *how, *rows.items())
        return timelines.setdefault(key, (training.Timeline(log, *how, **rows), log))[0]

    monkeypatch.setattr(sys.modules[backtest.__module__], "Timeline", shared)


def test_a_recipe_is_given_closed_labels_and_nothing_later_than_the_test_day(log):
    spy = Spy()
    run(log, spy)
    assert [data.t for data in spy.seen] == list(pd.DatetimeIndex(DAYS))
    for data in spy.seen:
        as_of = data.rows.index.get_level_values("as_of")
        assert (as_of + pd.Timedelta(days=data.horizon) <= data.t).all()
        assert as_of.max() == data.t - pd.Timedelta(days=28)
        assert set(data.today.index.get_level_values("as_of")) == {data.t}
        assert set(data.counts) == set(data.spend) == {*as_of, data.t}
        assert not set(LABEL.values()) & set(data.today)


def test_what_happens_after_the_test_day_changes_nothing_that_a_recipe_is_given():
    frame, spies, results = purchases(), {}, {}
    for name, rows in {"as it was": frame, "otherwise": flipped(frame, DAYS[0], 28)}.items():
        spies[name] = Spy()
        results[name] = run(read(rows), spies[name], as_of=DAYS[:1])
    before, after = (spy.seen[0] for spy in spies.values())
    pd.testing.assert_frame_equal(before.rows, after.rows)
    pd.testing.assert_frame_equal(before.today, after.today)
    for kept in ("counts", "spend"):
        for day, table in getattr(before, kept).items():
            pd.testing.assert_frame_equal(table, getattr(after, kept)[day])
    was, otherwise = (result.predictions for result in results.values())
    assert (was["prediction"] == otherwise["prediction"]).all()
    assert (was["actual"] == 1 - otherwise["actual"]).all()


@pytest.mark.parametrize("task", ["churn", "value"])
def test_actual_is_what_happened_in_the_days_after(log, task):
    frame = purchases()
    result = run(log, Spy(task), task=task)
    assert list(result.predictions) == ["task", "recipe", "as_of", "customer_id", "prediction", "actual"]
    for day, rows in result.predictions.groupby("as_of"):
        window = frame[(frame["time"] > day) & (frame["time"] <= day + pd.Timedelta(days=28))]
        known = sorted(frame.loc[frame["time"] <= day, "customer_id"].unique())
        spent = window.groupby("customer_id")["amount"].sum().reindex(known, fill_value=0.0)
        expected = spent if task == "value" else ~pd.Series(known, known).isin(window["customer_id"])
        assert list(rows["customer_id"]) == known
        assert rows["actual"].to_numpy() == pytest.approx(expected.to_numpy(dtype=float))


@pytest.mark.parametrize("task", ["churn", "value"])
def test_the_table_is_every_metric_of_every_recipe_day_and_population(log, task):
    frame = purchases()
    result = run(log, Spy(task), Spy(task, "twin"), task=task)
    assert len(result.table) == 2 * len(DAYS) * 2 * 7
    predicted = result.predictions.set_index(["recipe", "as_of"])
    for row in result.table.itertuples():
        day = pd.Timestamp(row.as_of)
        cell = predicted.loc[(row.recipe, row.as_of)]
        if row.population == "active":
            recent = (frame["time"] <= day) & (frame["time"] > day - pd.Timedelta(days=28))
            cell = cell[cell["customer_id"].isin(frame.loc[recent, "customer_id"])]
        metric = METRICS[task][row.metric]
        assert row.n == len(cell)
        np.testing.assert_equal(row.value, metric.function(cell["actual"], cell["prediction"]))
        assert np.isnan(row.low) == np.isnan(row.high) == (not metric.interval or np.isnan(row.value)), row
        assert not row.low > row.high
    assert (result.recipes, result.report_day) == (["spy", "twin"], pd.Timestamp(DAYS[-1]))
    assert result.selection_days == list(pd.DatetimeIndex(DAYS[:-1]))


def test_each_day_is_asked_of_the_engine_once(log, timelines, monkeypatch):
    timelines.clear()
    asked = []
    ask = training.snapshots
    monkeypatch.setattr(
        training, "snapshots", lambda log, days, *how, **unit: asked.extend(days) or ask(log, days, *how, **unit)
    )
    spies = [Spy(), Spy(name="twin")]
    run(log, *spies)
    days = {day.date() for spy in spies for data in spy.seen for day in data.counts}
    assert sorted(asked) == sorted(days)


def test_test_days_may_come_in_any_order_and_twice(log):
    one, other = (run(log, Spy(), as_of=days) for days in (DAYS, [DAYS[2], DAYS[0], DAYS[1], DAYS[0]]))
    pd.testing.assert_frame_equal(one.table, other.table)


def test_a_window_that_is_not_closed_is_refused_with_the_last_possible_day(log):
    spy = Spy()
    with pytest.raises(DataError, match=r"2024-10-04.*test on 2024-10-03 or earlier"):
        run(log, spy, as_of=[*DAYS, "2024-10-04"])
    assert not spy.seen
    assert run(log, spy, as_of=DAYS[2]).report_day == pd.Timestamp(DAYS[2])


def test_a_test_day_without_history_is_refused(log):
    with pytest.raises(DataError, match="no training day"):
        run(log, Spy(), as_of="2024-06-20")


@pytest.mark.parametrize(
    ("task", "recipes", "words"),
    [
        ("retention", ["base_rate"], "unknown task 'retention'. Fix: one of churn, value"),
        ("churn", [], "no recipe"),
        ("churn", [Spy(), Spy()], "recipe 'spy' is named twice"),
        ("churn", [Spy("value")], "recipe 'spy' is not one of churn"),
        ("churn", ["crystal_ball"], "crystal_ball"),
    ],
)
def test_what_cannot_compete_is_refused(log, task, recipes, words):
    with pytest.raises(ConfigError, match=words):
        backtest(log, task, "28 days", DAYS, recipes)


@pytest.mark.parametrize("setting", [{"horizon": "1 month"}, {"every": "1 month"}])
def test_lengths_must_be_fixed(log, setting):
    with pytest.raises(ConfigError, match="must be a fixed length"):
        backtest(**{"log": log, "task": "churn", "horizon": "28 days", "as_of": DAYS, "recipes": [Spy()], **setting})


def test_a_prediction_that_is_no_number_is_laid_at_its_recipes_door(log):
    spy = Spy()
    spy.prediction = np.nan
    with pytest.raises(FitError, match="recipe 'spy', fitted on 2024-08-04, predicts what is not a number"):
        run(log, spy)


def test_a_seed_reaches_the_recipes_and_the_bootstrap(log):
    spies = [Spy(), Spy(), Spy()]
    first, again, other = (run(log, spy, seed=seed) for spy, seed in zip(spies, (1, 1, 2), strict=True))
    assert [spy.seen[0].seed for spy in spies] == [1, 1, 2]
    pd.testing.assert_frame_equal(first.table, again.table)
    assert (first.replicates.to_numpy() != other.replicates.to_numpy()).any()


def test_long_work_is_told(log):
    told = []
    with listen(lambda what, done, total: told.append((what, done, total))):
        run(log, Spy())
    assert ("backtest of churn", 3, 3) in told


def test_customers_silent_for_a_horizon_are_not_active():
    predictions = pd.DataFrame(
        {
            "recipe": "r",
            "as_of": pd.Timestamp(DAYS[0]),
            "customer_id": list("abc"),
            "prediction": 0.5,
            "actual": [0, 1, 1],
        }
    )
    result = Backtest.of("churn", 28, predictions, np.array([True, False, False]))
    n = result.table.groupby("population")["n"].first()
    assert (n["all"], n["active"]) == (3, 1)
    nobody = Backtest.of("churn", 28, predictions, np.zeros(3, dtype=bool))
    assert nobody.table.query("population == 'active'")["value"].isna().all()


class Kept:
    """A recipe that keeps the files of what was fitted."""

    def __init__(self, inner, folder):
        self.inner, self.folder, self.name, self.task = inner, folder, inner.name, inner.task

    def fit(self, data):
        fitted = self.inner.fit(data)
        fitted.save(self.folder / self.name)
        return fitted


@pytest.fixture(scope="module")
def two_futures():
    """A third of CDNOW's sample as it was, and with every label after 1998-03-31 changed."""
    sample = load_cdnow_sample()
    rows = sample.table.filter(sample.table.customer_id.cast("int64") % 3 == 0).to_pyarrow()
    frame = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].to_pylist(),
            "time": as_stamps(rows["day"].to_numpy()),
            "amount": np.maximum(rows["amount"].to_numpy(), 1) / sample.minor,
        }
    )
    return [read_transactions(rows, observed_until="1998-06-30") for rows in (frame, flipped(frame, "1998-03-31", 91))]


@pytest.mark.filterwarnings("ignore::patron._core.errors.NotIdentifiedWarning")  # at a training day of 91 days' history
@pytest.mark.parametrize("task", RECIPES)
def test_no_label_after_the_test_day_moves_a_byte_of_any_recipe(task, two_futures, tmp_path):
    results, files = [], []
    for future in two_futures:
        folder = tmp_path / str(len(files))
        recipes = [Kept(recipe(name, task), folder) for name in RECIPES[task]]
        seen = (*CORE, "first_spend")
        results.append(
            backtest(future, task, "91 days", "1998-03-31", recipes, unit="week", every="91 days", which=seen)
        )
        files.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")})
    was, otherwise = (result.predictions for result in results)
    assert (was["actual"] != otherwise["actual"]).all()
    assert (was["prediction"] == otherwise["prediction"]).all()
    assert {path.parts[0] for path in files[0]} == set(RECIPES[task])
    assert files[0] == files[1]


def test_what_every_fit_warns_of_is_shown_once():
    with warnings.catch_warnings(record=True, action="default") as shown:
        result = backtest(read(purchases()), "churn", "28 days", DAYS, [Warned(), Warned(name="other")])
    assert len(result.days) == 3
    assert [str(one.message) for one in shown if one.category is UserWarning] == ["the customers do not differ"]
