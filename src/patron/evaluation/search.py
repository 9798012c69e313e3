"""The search for settings: a recipe of trees refitted on selection days, whose defaults stay unless beaten."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.calendar import Day, Grain, Horizon, Unit, date_of, day_numbers
from patron._core.errors import ConfigError, MissingExtraError
from patron._core.progress import Stopwatch, track
from patron._core.warned import each_once
from patron.boosting import BoostedTrees
from patron.evaluation.bootstrap import FloatArray, Sample, bootstrap, interval
from patron.metrics import METRICS
from patron.recipes import recipe as named_recipe
from patron.recipes.protocol import LABEL_OF, Task, TrainingData
from patron.recipes.training import Timeline

RANGES: Final[dict[str, tuple[float, float]]] = {
    "learning_rate": (0.02, 0.2),
    "num_leaves": (4, 32),
    "min_data_in_leaf": (20, 500),
    "lambda_l2": (0.1, 100.0),
    "feature_fraction": (0.1, 1.0),
}
"""From where to where each setting is tried, evenly in its logarithm; whole numbers where both ends are."""
METRIC: Final[dict[Task, str]] = {"churn": "brier", "value": "rmse"}
"""What decides: the first metric by which a champion is chosen."""


@dataclass(frozen=True)
class Search:
    """What was tried, and which settings to use.

    Attributes
    ----------
    task : {'churn', 'value'}
    recipe : str
    metric : str
        What decided, lower is better: a mean over the selection days, all customers.
    settings : mapping of str to number
        To give the recipe; empty where its defaults stay.
    baseline : float
        The defaults' metric.
    reason : str
        Why these settings, in words.
    trials : DataFrame
        One row a trial, the defaults first: the settings (min_data_in_leaf is missing where it follows from the number
        of rows), the metric, and the seconds its fits took.
    """

    task: Task
    recipe: str
    metric: str
    settings: Mapping[str, float]
    baseline: float
    reason: str
    trials: pd.DataFrame = field(repr=False)


@each_once()
def search(
    log: Any,
    task: Task,
    horizon: str | Horizon,
    as_of: Day | Sequence[Day],
    recipe: str = "lightgbm",
    *,
    seconds: float = 120.0,
    n_trials: int | None = None,
    unit: Unit = "day",
    grain: Grain = "day",
    every: str | Horizon = "28 days",
    seed: int = 0,
    timeline: Timeline | None = None,
) -> Search:
    """Look for better settings of a recipe of trees on selection days, none of which may report later.

    Each trial refits the recipe at each selection day on what was known then. The first has the defaults, the others
    what a tree-structured Parzen estimator proposes. The best replaces the defaults only beyond noise: the 95 %
    interval of the paired bootstrap by customer excludes 0, and it is better on most of the days. No day after
    as_of + horizon is looked at.

    Parameters
    ----------
    log, task, horizon, as_of, unit, grain, every, timeline
        As in `backtest`; every day selects.
    recipe : str
        Name of a recipe of the task that grows trees.
    seconds : float
        Time for fits, looked at before each; the defaults are fitted in any case, a trial cut short does not count.
    n_trials : int, optional
        How many to try beside the defaults; None tries as many as time allows. With ``seconds=math.inf`` the result
        depends on nothing but the seed.
    seed : int
        Of the proposals, the fits and the bootstrap.

    Returns
    -------
    Search

    Raises
    ------
    ConfigError
        An unknown task or recipe, or a recipe without settings of trees; a horizon that is not a fixed length.
    DataError
        A selection day whose window is not closed, or with too little history before it.
    MissingExtraError
        Optuna is not installed.

    References
    ----------
    Bergstra, Bardenet, Bengio & Kegl 2011, Algorithms for hyper-parameter optimization.

    Examples
    --------
    >>> from patron.datasets import load_cdnow_sample
    >>> found = search(load_cdnow_sample(), "churn", "28 days", "1997-03-01", n_trials=1)
    >>> len(found.trials), found.metric
    (2, 'brier')
    """
    if task not in LABEL_OF:
        raise ConfigError(f"unknown task {task!r}", fix=f"one of {', '.join(LABEL_OF)}")
    named_recipe(recipe, task, **{name: low for name, (low, _) in RANGES.items()})
    length, step = Horizon.parse(horizon).fixed_days("horizon"), Horizon.parse(every).fixed_days("every")
    timeline = timeline or Timeline(log, length, unit, grain)
    days = [_Day.at(day, timeline, task, step, seed) for day in day_numbers(as_of)]
    metric = METRICS[task][METRIC[task]].function
    watch = Stopwatch()
    trials: list[_Trial] = []

    def tried(settings: dict[str, float], limit: float) -> _Trial | None:
        start, predictions = watch.seconds, []
        for day in days:
            if watch.seconds >= limit:
                return None
            fitted = named_recipe(recipe, task, **settings).fit(day.data)
            predictions.append(np.asarray(fitted.predict(day.data.today), dtype="float64"))
        losses = [float(metric(day.actual, found)) for day, found in zip(days, predictions, strict=True)]
        trials.append(_Trial(settings, predictions, losses, watch.seconds - start))
        return trials[-1]

    with _proposals(seed) as study:
        tried({}, np.inf)
        for _ in track(itertools.count() if n_trials is None else range(n_trials), f"search for {recipe}"):
            asked = study.ask(_ranges())
            trial = tried(asked.params, seconds)
            if trial is None:
                break
            study.tell(asked, trial.loss)
    return _chosen(task, recipe, days, trials, seed)


@dataclass(frozen=True)
class _Day:
    data: TrainingData
    customer: pd.Index
    actual: FloatArray

    @classmethod
    def at(cls, day: int, timeline: Timeline, task: Task, step: int, seed: int) -> _Day:
        t = date_of(day)
        test = timeline.test(t)
        data = timeline.training(t, timeline.days(t, step), seed)
        return cls(data, test.index.get_level_values("customer_id"), test[LABEL_OF[task]].to_numpy(dtype="float64"))


@dataclass(frozen=True)
class _Trial:
    settings: dict[str, float]
    predictions: list[FloatArray]
    losses: list[float]
    seconds: float

    @property
    def loss(self) -> float:
        return float(np.mean(self.losses))


def _chosen(task: Task, recipe: str, days: list[_Day], trials: list[_Trial], seed: int) -> Search:
    metric = METRICS[task][METRIC[task]]
    defaults, best = trials[0], min(trials, key=lambda trial: trial.loss)
    settings: dict[str, float] = {}
    reason = f"The defaults stay: none of {len(trials) - 1} other settings has a lower {metric.label}."
    if best is not defaults:
        low, high = interval(_differences(days, best, defaults, task, seed))
        better = sum(new < old for new, old in zip(best.losses, defaults.losses, strict=True))
        facts = (
            f"{metric.label} {best.loss:.4g} instead of {defaults.loss:.4g}, 95 % interval of the difference "
            f"{low:+.3g} to {high:+.3g}, better on {better} of {len(days)} days"
        )
        if high < 0 and 2 * better > len(days):
            settings = best.settings
            reason = f"The best of {len(trials) - 1} other settings replaces the defaults ({facts})."
        else:
            reason = f"The defaults stay: the best of {len(trials) - 1} others is not better beyond noise ({facts})."
    given = {name: BoostedTrees().get_params()[name] for name in RANGES}
    rows = [{**given, **trial.settings, METRIC[task]: trial.loss, "seconds": trial.seconds} for trial in trials]
    return Search(task, recipe, METRIC[task], settings, defaults.loss, reason, pd.DataFrame(rows).rename_axis("trial"))


def _differences(days: list[_Day], best: _Trial, defaults: _Trial, task: Task, seed: int) -> FloatArray:
    """Return the difference of the mean metric on resampled customers, a replicate each."""
    codes = np.split(
        pd.factorize(np.concatenate([day.customer for day in days]))[0],
        np.cumsum([len(day.actual) for day in days])[:-1],
    )
    samples = [
        Sample(customer, day.actual, predicted)
        for trial in (best, defaults)
        for customer, day, predicted in zip(codes, days, trial.predictions, strict=True)
    ]
    drawn = bootstrap(samples, [METRICS[task][METRIC[task]].function], seed=seed)[:, 0]
    difference: FloatArray = drawn[: len(days)].mean(axis=0) - drawn[len(days) :].mean(axis=0)
    return difference


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtraError(
            "the search for settings needs Optuna, which is not installed", fix="pip install 'patron[search]'"
        ) from error
    return optuna


def _ranges() -> dict[str, Any]:
    of = _optuna().distributions
    return {
        name: (of.IntDistribution if isinstance(low, int) else of.FloatDistribution)(low, high, log=True)
        for name, (low, high) in RANGES.items()
    }


@contextmanager
def _proposals(seed: int) -> Iterator[Any]:
    """Give a study that proposes settings; it keeps its log to itself."""
    optuna = _optuna()
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    finally:
        optuna.logging.set_verbosity(verbosity)
