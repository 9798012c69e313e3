"""Who ends a contract: the classifier beside the contractual models, out of time or on customers held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from patron._core.calendar import Day, Horizon, as_stamps, date_of, day_numbers
from patron._core.errors import ConfigError, DataError
from patron._core.progress import track
from patron._core.warned import each_once
from patron.churn import ChurnClassifier
from patron.evaluation.backtest import Backtest
from patron.features.contracts import read_grace, renewals, renewals_due
from patron.features.holdout import stratified_split
from patron.features.named import of_attribute
from patron.features.subscribers import contract_snapshots, contracts_of
from patron.models import BetaDiscreteWeibull, ShiftedBetaGeometric
from patron.models.family.contract import ContractModel
from patron.models.family.contract_inputs import period_days, read_period
from patron.recipes.training import training_days

Array = npt.NDArray[np.float64]
RECIPES: Final = ("base_rate", "sbg", "bdw", "lightgbm")
UNDATED: Final = "not temporal"
"""What stands for the as-of day where customers were held out at random."""


class _Task(NamedTuple):
    """What a recipe learns from and is asked.

    Attributes
    ----------
    X, y, asked : DataFrame, Series, DataFrame
        Rows to learn from, who churned, and rows to predict.
    history : DataFrame
        What the contractual models are fitted on.
    survived, ahead : int array (n,)
        Of the rows to predict: renewals survived, and how many more fall due in the window.
    period : str
        From one renewal to the next.
    """

    X: pd.DataFrame
    y: pd.Series
    asked: pd.DataFrame
    history: pd.DataFrame
    survived: npt.NDArray[np.int64]
    ahead: npt.NDArray[np.int64]
    period: str


@each_once()
def contract_backtest(
    subscriptions: Any,
    horizon: str | Horizon,
    as_of: Day | Sequence[Day],
    *,
    period: str,
    grace: int = 0,
    every: str | Horizon = "28 days",
    recipes: Sequence[str] = RECIPES,
    classifier: ChurnClassifier | None = None,
    observed_until: Day | None = None,
    seed: int = 0,
) -> Backtest:
    """Compare on test days what was foretold of customers under contract with who left.

    Parameters
    ----------
    subscriptions, period, grace, observed_until
        As in `contract_snapshots`.
    horizon : str
        A fixed length H: '90 days', '13 weeks'.
    as_of : day or sequence of days
        The test days t. Everything is fitted anew at each on what was known then: rows to train have
        as_of + H + grace <= t.
    every : str
        How far apart the as-of days of the training rows lie, back from t - H - grace; six of them at most.
    recipes : sequence of str
        'base_rate', the share that left; 'sbg' and 'bdw', the contractual models fitted on `renewals` at t, asked for
        the renewals that fall due within H days; 'lightgbm', the classifier on `contract_features`.
    classifier : ChurnClassifier, optional
        Its settings.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Backtest
        Of the population all.

    Raises
    ------
    DataError
        As `contract_snapshots`; too little history before a test day.
    ConfigError
        An unknown recipe. And as `contract_snapshots`.
    FitError
        A model cannot be fitted, because nobody has left, say.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 360, 2000), unit="D")
    >>> length = pd.to_timedelta(28 * rng.geometric(rng.beta(2, 6, 2000)).clip(max=99) - 1, unit="D")
    >>> contracts = pd.DataFrame({"customer_id": range(2000), "start": start, "end": start + length})
    >>> result = contract_backtest(
    ...     contracts,
    ...     "56 days",
    ...     "2023-10-20",
    ...     period="28 days",
    ...     recipes=["base_rate", "sbg"],
    ... )
    >>> brier = result.table.query("metric == 'brier'").set_index("recipe")["value"]
    >>> bool(brier["sbg"] < brier["base_rate"])
    True
    """
    _check(recipes)
    log, length, grace = contracts_of(subscriptions, observed_until), read_period(period), read_grace(grace)
    window, step = (Horizon.parse(h).fixed_days(n) for h, n in ((horizon, "horizon"), (every, "every")))

    def rows(days: Any) -> tuple[pd.DataFrame, pd.Series]:
        frame = contract_snapshots(log, days, f"{window} days", period=str(length), grace=grace)
        y = frame.pop("churned")
        return frame, y

    frames = []
    for day in track(day_numbers(as_of), "backtest of contracts"):
        t = date_of(day)
        asked, actual = rows(t)
        survived = asked["renewals"].to_numpy()
        due = renewals_due(day - asked["days_as_customer"].to_numpy(), np.full(len(asked), day + window), length)
        known = renewals(log, t, str(length), grace=grace)
        X, y = rows(training_days(log.first_day, t, window + grace, step))
        task = _Task(X, y, asked, known, survived, due - survived, str(length))
        frames.append(_foretold(task, actual, as_stamps([day])[0], recipes, classifier))
    return _judged(window, frames, seed)


def attribute_holdout(
    X: pd.DataFrame,
    y: pd.Series,
    *,
    tenure: str = "tenure",
    period: str = "month",
    test: float = 0.25,
    recipes: Sequence[str] = RECIPES,
    classifier: ChurnClassifier | None = None,
    seed: int = 0,
) -> Backtest:
    """Compare on customers held out what is foretold from a table of attributes with who left.

    Parameters
    ----------
    X, y : DataFrame, Series
        As `attribute_frame` gives them.
    tenure : str
        The column that counts the periods of each customer so far, the one in which they may have left included.
    period : str
        What it counts.
    test, seed : float, int
        As in `stratified_split`; the seed is the bootstrap's, too.
    recipes : sequence of str
        'base_rate', 'sbg', 'bdw', 'lightgbm'.
    classifier : ChurnClassifier, optional
        Its settings.

    Returns
    -------
    Backtest
        Its as-of day is 'not temporal': the customers are of one day and split at random.

    Raises
    ------
    DataError
        As `stratified_split`; no such column; a tenure that is missing or no whole number.
    ConfigError
        An unknown recipe.

    Notes
    -----
    The table is one look at everybody, and the label says who left in the period last counted. So for the contractual
    models a row tells of that one period, and is at risk in no other: of the earlier ones only those who stayed are
    left to tell. A tenure of 0, a customer who has just signed, counts as 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tenure = rng.integers(1, 60, 2000)
    >>> left = np.where(rng.random(2000) < 1 / (2 + tenure), "Yes", "No")
    >>> table = pd.DataFrame({"customerID": np.arange(2000), "tenure": tenure, "Churn": left})
    >>> from patron.features import attribute_frame
    >>> X, y = attribute_frame(table)
    >>> result = attribute_holdout(X, y, recipes=["base_rate", "sbg"])
    >>> result.table.query("metric == 'brier'")[["recipe", "as_of"]].drop_duplicates()
           recipe         as_of
    2   base_rate  not temporal
    9         sbg  not temporal
    """
    _check(recipes)
    X, asked, y, actual = stratified_split(X, y, test, seed)
    length = read_period(period)
    history = pd.DataFrame({"period": _periods(X, tenure), "at_risk": 1, "lost": y.to_numpy()})
    survived = _periods(asked, tenure) - 1
    task = _Task(X, y, asked, history, survived, np.ones_like(survived), str(length))
    return _judged(round(period_days(str(length))), [_foretold(task, actual, UNDATED, recipes, classifier)], seed)


def _check(recipes: Sequence[str]) -> None:
    unknown = [name for name in recipes if name not in RECIPES]
    if unknown or not recipes:
        raise ConfigError(f"unknown recipe {unknown[0]!r}" if unknown else "no recipe", fix=f"of {', '.join(RECIPES)}")


def _periods(X: pd.DataFrame, tenure: str) -> npt.NDArray[np.int64]:
    name = of_attribute(tenure).name
    if name not in X.columns:
        raise DataError("no such column of numbers", column=tenure, fix="name the one that counts periods with tenure=")
    counted = X[name]
    wrong = ~(counted >= 0) | (counted % 1 != 0)
    if wrong.any():
        raise DataError(
            "periods are counted 0, 1, 2, ...",
            column=tenure,
            count=int(wrong.sum()),
            example=float(counted[wrong].iloc[0]),
            fix="leave these customers out",
        )
    return counted.clip(lower=1).to_numpy(dtype=np.int64)


def _foretold(
    task: _Task, actual: pd.Series, day: Any, recipes: Sequence[str], classifier: ChurnClassifier | None
) -> pd.DataFrame:
    """Fit each recipe and let it foretell the rows asked for."""
    model: ChurnClassifier = ChurnClassifier() if classifier is None else clone(classifier)
    fit: dict[str, Callable[[], Array]] = {
        "base_rate": lambda: np.full(len(task.asked), task.y.mean()),
        "sbg": lambda: _by_contract(ShiftedBetaGeometric(), task),
        "bdw": lambda: _by_contract(BetaDiscreteWeibull(), task),
        "lightgbm": lambda: model.fit(task.X, task.y).predict_proba(task.asked)[:, 1],
    }
    told = {
        "task": "churn",
        "as_of": day,
        "customer_id": task.asked.index.get_level_values("customer_id"),
        "actual": actual.to_numpy(dtype=float),
    }
    return pd.concat([pd.DataFrame(told | {"recipe": name, "prediction": fit[name]()}) for name in recipes])


def _by_contract(model: ContractModel, task: _Task) -> Array:
    """Probability to leave at one of the renewals that fall due in the window."""
    model.fit(task.history, period=task.period)
    churn = np.zeros(len(task.survived))
    for ahead in np.unique(task.ahead):
        chosen = task.ahead == ahead
        frame = pd.DataFrame({"renewals": task.survived[chosen]})
        frame.attrs["period"] = model.period_
        churn[chosen] = model.probability_churn(frame, int(ahead))
    return churn


def _judged(horizon: int, frames: list[pd.DataFrame], seed: int) -> Backtest:
    order = ["task", "recipe", "as_of", "customer_id", "prediction", "actual"]
    foretold = pd.concat(frames, ignore_index=True)[order]
    whole = Backtest.of("churn", horizon, foretold, np.zeros(len(foretold), dtype=bool), seed=seed)
    table = whole.table[whole.table["population"] == "all"].reset_index(drop=True)
    everybody = whole.replicates.index.get_level_values("population") == "all"
    return replace(whole, table=table, replicates=whole.replicates[everybody])
