"""The backtest: recipes refitted at each test day on what was known then, held against what happened after it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.calendar import Day, Grain, Horizon, Unit, as_stamps, date_of, day_numbers
from patron._core.errors import ConfigError, DataError, FitError
from patron._core.progress import track
from patron._core.showing import page, table
from patron._core.warned import each_once
from patron.evaluation.bootstrap import Sample, bootstrap, interval
from patron.features import Which
from patron.metrics import METRICS
from patron.recipes import recipe as named_recipe
from patron.recipes.protocol import LABEL_OF, Recipe, Task, TrainingData
from patron.recipes.training import ORIGINS, Timeline

SHOWN: Final = "In brackets 95 % bootstrap intervals by customer; the best of each column in bold."


@dataclass(frozen=True)
class Backtest:
    """What each recipe predicted on each test day, and how good that was.

    Attributes
    ----------
    task : {'churn', 'value'}
        What was predicted.
    horizon : int
        Over how many days.
    predictions : DataFrame
        task, recipe, as_of, customer_id, prediction, actual: a churn probability and 0 or 1, or spend over the horizon
        in major units.
    table : DataFrame
        task, recipe, as_of, population, metric, value, low, high, n. Populations: all customers, and the active, who
        bought within the last `horizon` days. low and high bound the 95 % bootstrap interval by customer; NaN for the
        metrics that have none (``Metric.interval``).
    replicates : DataFrame
        The metrics with an interval on resampled customers, one column a replicate, by recipe, as_of, population and
        metric. A replicate draws the same customers everywhere: its differences between recipes are paired.
    """

    task: Task
    horizon: int
    predictions: pd.DataFrame = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    replicates: pd.DataFrame = field(repr=False)

    @classmethod
    def of(
        cls, task: Task, horizon: int, predictions: pd.DataFrame, active: npt.NDArray[np.bool_], *, seed: int = 0
    ) -> Backtest:
        """Judge predictions: the columns recipe, as_of, customer_id, prediction, actual, and who was active."""
        metrics = METRICS[task]
        resampled = {name: metric.function for name, metric in metrics.items() if metric.interval}
        samples = _samples(predictions, active)
        drawn = bootstrap(list(samples.values()), list(resampled.values()), seed=seed)
        replicates = pd.DataFrame(
            drawn.reshape(len(samples) * len(resampled), -1),
            index=pd.MultiIndex.from_tuples(
                [(*key, name) for key in samples for name in resampled],
                names=["recipe", "as_of", "population", "metric"],
            ),
        )
        bounds = {key: interval(values) for key, values in zip(replicates.index, replicates.to_numpy(), strict=True)}
        rows = [
            (
                *(task, *key, name),
                metric.function(sample.actual, sample.predicted),
                *bounds.get((*key, name), (np.nan, np.nan)),
                len(sample.customer),
            )
            for key, sample in samples.items()
            for name, metric in metrics.items()
        ]
        columns = ["task", "recipe", "as_of", "population", "metric", "value", "low", "high", "n"]
        return cls(task, horizon, predictions, pd.DataFrame(rows, columns=columns), replicates)

    def _repr_html_(self) -> str:
        days = ", ".join(str(day.date()) for day in self.selection_days)
        facts = [f"reports {self.report_day.date()}, the next {self.horizon} days", f"selects on {days}"]
        names = dict(zip(self.recipes, self.recipes, strict=True))
        tables = [self.shown(population, names) for population in self.table["population"].unique()]
        return page(f"Backtest of {self.task}", facts, tables, [SHOWN])

    def shown(self, population: str, names: Mapping[str, str]) -> str:
        """Return the report day's metrics of one population as HTML, a row a recipe under the name it goes by."""
        rows = self.table[(self.table["as_of"] == self.report_day) & (self.table["population"] == population)]
        metrics, recipes = METRICS[self.task], list(names)
        cells: list[list[Any]] = [[label] for label in names.values()]
        best: set[tuple[int, int]] = set()
        for column, (name, metric) in enumerate(metrics.items(), start=1):
            told = (
                rows[rows["metric"] == name].set_index("recipe").reindex(recipes)[["value", "low", "high"]].to_numpy()
            )
            for row, bounds in zip(cells, told.tolist(), strict=True):
                row.append(tuple(bounds))
            losses = metric.loss(told[:, 0])
            best |= {(int(row), column) for row in np.flatnonzero(losses == np.fmin.reduce(losses))}
        head = ["recipe", *(metric.label for metric in metrics.values())]
        customers = f"{population} customers ({rows['n'].max():,})"
        return table(head, cells, caption=f"{self.report_day.date()}, {customers}", strong=best)

    @property
    def recipes(self) -> list[str]:
        """Names of the recipes, in the order given."""
        return list(self.table["recipe"].unique())

    @property
    def days(self) -> list[pd.Timestamp]:
        """The test days, ascending."""
        return sorted(self.table["as_of"].unique())

    @property
    def selection_days(self) -> list[pd.Timestamp]:
        """The test days that choose: all but the last; a single one chooses and reports."""
        return self.days[:-1] or self.days

    @property
    def report_day(self) -> pd.Timestamp:
        """The test day that reports: the last."""
        return self.days[-1]


@each_once()
def backtest(
    log: Any,
    task: Task,
    horizon: str | Horizon,
    as_of: Day | Sequence[Day],
    recipes: Sequence[str | Recipe],
    *,
    unit: Unit = "day",
    grain: Grain = "day",
    every: str | Horizon = "28 days",
    origins: int = ORIGINS,
    bought_within: int | None = None,
    rows_per_customer: int | None = None,
    which: Which = "all",
    seed: int = 0,
    timeline: Timeline | None = None,
) -> Backtest:
    """Refit recipes at each test day on what was known then, and compare their predictions with what came.

    Parameters
    ----------
    log : TransactionLog
        All that is known today.
    task : {'churn', 'value'}
        What to predict: no purchase, or spend, in the `horizon` days after a test day.
    horizon : str
        A fixed length: '90 days', '13 weeks'.
    as_of : day or sequence of days
        The test days. Each window must be closed: as_of + horizon <= log.observed_until.
    recipes : sequence of str or Recipe
        Names of recipes of the task, or recipes themselves.
    unit, grain : str
        How time is measured and how purchases merge.
    every : str
        A fixed length: how far apart the as-of days of the training rows lie, back from test day - horizon.
    origins, bought_within, rows_per_customer
        Which rows are trained on, as in `training_frame`; everybody is predicted.
    which : {'all', 'core'} or iterable of str or Feature
        The features, as in `patron.features`.
    seed : int
        Of the fits and of the bootstrap.
    timeline : Timeline, optional
        One of this log and horizon that already knows some of the days; then it says the units, the features and the
        training rows.

    Returns
    -------
    Backtest

    Raises
    ------
    ConfigError
        An unknown task or recipe, a recipe twice or of the other task, a horizon that is not a fixed length.
    DataError
        A test day whose window is not closed, or with too little history before it.
    FitError
        A recipe predicts something that is not a number.

    Examples
    --------
    >>> from patron.datasets import load_cdnow_sample
    >>> log = load_cdnow_sample()
    >>> result = backtest(log, "churn", "13 weeks", "1998-03-31", ["base_rate", "bg_nbd"], every="13 weeks")
    >>> brier = result.table.query("population == 'all' and metric == 'brier'")
    >>> brier.set_index("recipe")["value"].round(2).to_dict()
    {'base_rate': 0.11, 'bg_nbd': 0.09}
    """
    if task not in LABEL_OF:
        raise ConfigError(f"unknown task {task!r}", fix=f"one of {', '.join(LABEL_OF)}")
    length = Horizon.parse(horizon).fixed_days("horizon")
    step = Horizon.parse(every).fixed_days("every")
    days = _closed(day_numbers(as_of), length, log.observed_until)
    chosen = _chosen(recipes, task)
    timeline = timeline or Timeline(
        log, length, unit, grain, which, origins=origins, bought_within=bought_within,
        rows_per_customer=rows_per_customer,
    )  # fmt: skip
    frames, active = [], []
    for day in track(days, f"backtest of {task}"):
        data = timeline.training(date_of(day), timeline.days(date_of(day), step), seed)
        test = timeline.test(date_of(day))
        for name, prediction in _predictions(chosen, data, day).items():
            frames.append(
                pd.DataFrame(
                    {
                        "task": task,
                        "recipe": name,
                        "as_of": as_stamps([day])[0],
                        "customer_id": test.index.get_level_values("customer_id"),
                        "prediction": _finite(prediction, name, day),
                        "actual": test[LABEL_OF[task]].to_numpy(dtype=float),
                    }
                )
            )
            active.append(test["days_since_last"].to_numpy() < length)
    return Backtest.of(task, length, pd.concat(frames, ignore_index=True), np.concatenate(active), seed=seed)


def _predictions(recipes: dict[str, Recipe], data: TrainingData, day: int) -> dict[str, npt.ArrayLike]:
    """Fit recipes side by side, a core each; trees grown by one thread cost less in sum than by several."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: pool.submit(lambda c: c.fit(data).predict(data.today), c) for name, c in recipes.items()}
        return {name: job.result() for name, job in track(jobs.items(), f"recipes on {date_of(day)}")}


def _samples(predictions: pd.DataFrame, active: npt.NDArray[np.bool_]) -> dict[tuple[Any, Any, str], Sample]:
    """Cut predictions into one sample a recipe, day and population."""
    customer = pd.factorize(predictions["customer_id"])[0]
    actual, predicted = (predictions[name].to_numpy(dtype=float) for name in ("actual", "prediction"))
    samples = {}
    for (name, day), frame in predictions.reset_index(drop=True).groupby(["recipe", "as_of"], sort=False):
        rows = frame.index.to_numpy()
        for population, chosen in {"all": rows, "active": rows[active[rows]]}.items():
            samples[name, day, population] = Sample(customer[chosen], actual[chosen], predicted[chosen])
    return samples


def _closed(days: list[int], horizon: int, observed_until: int) -> list[int]:
    last = observed_until - horizon
    late = [day for day in days if day > last]
    if late:
        raise DataError(
            f"test days whose window of {horizon} days is not closed: the log ends on {date_of(observed_until)}",
            column="as_of",
            count=len(late),
            example=date_of(late[0]).isoformat(),
            fix=f"test on {date_of(last)} or earlier",
        )
    return days


def _chosen(recipes: Sequence[str | Recipe], task: Task) -> dict[str, Recipe]:
    listed = [named_recipe(entry, task) if isinstance(entry, str) else entry for entry in recipes]
    names = [entry.name for entry in listed]
    if not names:
        raise ConfigError("no recipe to test", fix="name at least one")
    other = [entry.name for entry in listed if entry.task != task]
    if other:
        raise ConfigError(f"recipe {other[0]!r} is not one of {task}", fix=f"leave it out, or test it as {task}")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"recipe {min(twice)!r} is named twice", fix="give each recipe its own name")
    return dict(zip(names, listed, strict=True))


def _finite(prediction: npt.ArrayLike, recipe: str, day: int) -> npt.NDArray[np.float64]:
    values = np.asarray(prediction, dtype=float)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise FitError(
            f"recipe {recipe!r}, fitted on {date_of(day)}, predicts what is not a number",
            count=int(wrong.sum()),
            example=float(values[wrong.argmax()]),
            fix="leave the recipe out, or repair it",
        )
    return values
