"""Training: the recipes compete, the champions are fitted on all that is known, kept and registered."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron import __version__, plots
from patron._core.calendar import date_of
from patron._core.errors import DataError, FitError
from patron._core.files import read_json, whole_folder, write_bytes, write_json
from patron._core.progress import step
from patron.config import Config
from patron.config.schema import TestDays
from patron.data import TransactionLog
from patron.decisions.left_alone import measure
from patron.decisions.segments import RFM, Basis, Segments
from patron.evaluation import Backtest, Verdict, backtest, best_transaction_model, fit_spread, promote
from patron.features import features_of
from patron.models import TRANSACTION_MODELS, GammaGamma
from patron.pipeline.explaining import Kept, Tables, explain, pictures
from patron.pipeline.forgetting import without_forgotten
from patron.pipeline.inputs import (
    TASKS,
    alone,
    as_of_day,
    champion,
    features_asked,
    horizon_of,
    loaded,
    read,
    reading,
    recipes_of,
)
from patron.recipes import recipe
from patron.recipes.protocol import Recipe, Task
from patron.recipes.training import Timeline
from patron.scoring import Bundle, Input, Manifest, Scorer, card
from patron.tracking import log_training, move_champion
from patron.value import Spread

FEWEST_CUSTOMERS: Final = 30
"""Fewer say nothing about each other."""
_PROMOTION: Final = ".promotion"


def train(config: str | Path | Config) -> Scorer:
    """Compare the recipes on past days, fit the champions on all that is known, keep and register them.

    Parameters
    ----------
    config : path or Config
        The run.

    Returns
    -------
    Scorer
        Of the new bundle, which stands in models/NAME and, with the alias `champion`, in MLflow.

    Raises
    ------
    ConfigError
        The configuration does not fit, or names an unknown recipe.
    DataError
        The data are refused, or too short for the horizon.
    FitError, TrackingError
        A model could not be fitted, or MLflow refused; the former champion stands. If MLflow refused only to move the
        alias, the new one stands, and the next run moves it.
    PatronError
        The disk is full, or refuses; what stood before stands.

    Examples
    --------
    >>> scorer = train("configs/cdnow.yaml")  # doctest: +SKIP
    >>> scorer.score(features(log, as_of="1998-06-30", unit="week"))  # doctest: +SKIP
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        return train_on(config, log)


def verdicts(config: str | Path | Config) -> list[str]:
    """Say which recipes serve and why."""
    manifest = Bundle.load(loaded(config).bundle).manifest
    return [f"{task}: {manifest.training[f'chosen_for_{task}']}" for task in TASKS]


def train_on(config: Config, log: TransactionLog) -> Scorer:
    """Train on a log that is read; see `train`."""
    finish_promotion(config)
    day = as_of_day(config, log, None)
    known = log.until(date_of(day))
    if known.n_customers < FEWEST_CUSTOMERS:
        raise DataError(
            f"{known.n_customers} customers by {date_of(day)} are too few to learn from",
            fix=f"take more customers, at least {FEWEST_CUSTOMERS}; 500 make a good start",
        )
    standing = champion(config)
    former = standing.manifest if standing else None
    lines: dict[int, Timeline] = {}
    for days in (horizon_of(config, task) for task in TASKS):
        lines.setdefault(days, _timeline(config, known, days))
    results, chosen, champions, judged = {}, {}, {}, {}
    for task in TASKS:
        recipes = recipes_of(config, task)
        incumbent = former.recipes[task]["name"] if former else None
        if former:
            recipes.setdefault(former.recipes[task]["name"], former.recipes[task]["settings"])
        kept = {name: Kept(recipe(name, task, **settings)) for name, settings in recipes.items()}
        results[task] = _backtested(config, task, lines[horizon_of(config, task)], list(kept.values()))
        chosen[task] = promote(results[task], getattr(config.champion, task), incumbent)
        champions[task] = {"name": chosen[task].champion, "settings": recipes[chosen[task].champion]}
        judged[task] = kept[chosen[task].champion]
    version = former.version + 1 if former else _next_version(config)
    bundle = _fitted(config, lines, results, chosen, champions, version=version)
    leaderboard = pd.concat([result.table for result in results.values()], ignore_index=True)
    predictions = without_forgotten(
        config, pd.concat([result.predictions for result in results.values()], ignore_index=True)
    )
    rules = {task: getattr(config.champion, task)[0] for task in TASKS}
    tables = explain(results, judged, lines, rules)
    with whole_folder(config.out / _PROMOTION) as draft:
        bundle.save(draft / "bundle")
        with step("tracking"):
            registered = log_training(
                draft / "bundle",
                workspace=config.workspace,
                experiment=config.experiment,
                leaderboard=leaderboard,
                parameters=_parameters(config),
                config=config.model_dump_json(indent=2),
                data_digest=bundle.manifest.training["data"],
                git_revision=_git_revision(),
                plots=_pictures(results, chosen, tables, rules, log.currency),
                tables=tables,
            )
        (draft / "leaderboard.csv").write_bytes(leaderboard.to_csv(index=False).encode())
        (draft / "predictions.parquet").write_bytes(predictions.to_parquet(index=False))
        (draft / "explained").mkdir()
        for name, table in tables.items():
            (draft / "explained" / f"{name}.csv").write_bytes(table.to_csv(index=False).encode())
        write_json(draft / "registered.json", {"name": registered.name, "version": registered.version})
    finish_promotion(config)
    return Scorer(bundle)


def finish_promotion(config: Config) -> None:
    """Carry out a promotion that is written down, be it of this process or of one killed since.

    Training ends by writing out/NAME/.promotion, whole: from then on the new champion is decided, and every step here
    may be done again. So folder, comparison and registry agree as soon as one process gets to the end.
    """
    promotion = config.out / _PROMOTION
    if (promotion / "registered.json").exists():
        with whole_folder(config.bundle) as draft:
            shutil.copytree(promotion / "bundle", draft, dirs_exist_ok=True)
        for name in ("leaderboard.csv", "predictions.parquet"):
            write_bytes(config.out / name, (promotion / name).read_bytes())
        with whole_folder(config.out / "explained") as draft:
            shutil.copytree(promotion / "explained", draft, dirs_exist_ok=True)
        move_champion(config.workspace, **read_json(promotion / "registered.json"))
        (promotion / "registered.json").unlink()
    shutil.rmtree(promotion, ignore_errors=True)


def _timeline(config: Config, log: TransactionLog, horizon: int) -> Timeline:
    rows = config.training
    return Timeline(
        log,
        horizon,
        config.time.unit,
        config.time.grain,
        features_asked(config),
        bought_within=rows.bought_within.days() if rows.bought_within else None,
        rows_per_customer=rows.rows_per_customer,
        origins=rows.origins,
    )


def _test(config: Config, task: Task) -> TestDays:
    return (config.value.test if task == "value" else None) or config.churn.test


def _backtested(config: Config, task: Task, timeline: Timeline, recipes: list[Recipe]) -> Backtest:
    """Compare the recipes on the latest days whose labels are closed."""
    test = _test(config, task)
    last = timeline.log.observed_until - timeline.horizon
    first = last - (test.last - 1) * test.every.days()
    if first < timeline.log.first_day + 2 * timeline.horizon - 1:
        raise DataError(
            f"the log, from {date_of(timeline.log.first_day)} to {date_of(timeline.log.observed_until)}, is too short "
            f"to predict {task} over {timeline.horizon} days on {test.last} test days {test.every} apart",
            fix="a shorter horizon, fewer test days, or a longer log",
        )
    return backtest(
        timeline.log,
        task,
        f"{timeline.horizon} days",
        [date_of(last - back * test.every.days()) for back in range(test.last)],
        recipes,
        unit=config.time.unit,
        grain=config.time.grain,
        every=str(test.every),
        timeline=timeline,
    )


def _fitted(
    config: Config,
    lines: dict[int, Timeline],
    results: dict[Task, Backtest],
    chosen: dict[Task, Verdict],
    champions: dict[Task, dict[str, Any]],
    version: int,
) -> Bundle:
    """Fit the champions, and the transaction and spend models of the score table, on all that is known."""
    data = {}
    for task in TASKS:
        timeline = lines[horizon_of(config, task)]
        log, today = timeline.log, date_of(timeline.log.observed_until)
        data[task] = timeline.training(today, timeline.days(today, _test(config, task).every.days()))
    with step("fitting the champions"), ThreadPoolExecutor() as pool:
        fits = pool.map(
            lambda task: recipe(champions[task]["name"], task, **champions[task]["settings"]).fit(data[task]), TASKS
        )
        fitted = dict(zip(TASKS, fits, strict=True))
    value = data["value"]
    name = best_transaction_model(results["value"], config.champion.value) or next(iter(TRANSACTION_MODELS))
    transaction = TRANSACTION_MODELS[name]().fit(value.counts[value.t])
    spend = GammaGamma().fit(value.spend[value.t])
    manifest = Manifest(
        name=config.name,
        version=version,
        as_of=str(today),
        unit=config.time.unit,
        grain=config.time.grain,
        currency=log.currency,
        churn_horizon=horizon_of(config, "churn"),
        test_horizon=horizon_of(config, "value"),
        **reading(config),
        recipes=champions,
        training={
            "customers": len(value.today),
            "data": log.digest(),
            "patron": __version__,
            **{f"chosen_for_{task}": f"{chosen[task].reason} {chosen[task].note}".strip() for task in TASKS},
            **{f"days_of_{task}": sorted({str(day.date()) for day in data[task].counts}) for task in TASKS},
        },
    )
    inputs = tuple(
        Input(known.name, known.dtype, known.label, known.family) for known in features_of(log, features_asked(config))
    )
    bundle = Bundle(
        manifest=manifest,
        inputs=inputs,
        transaction=transaction,
        spend=spend,
        churn=fitted["churn"],
        value=fitted["value"],
        spread=_spread(results["value"], champions["value"]["name"]),
        card=card(
            manifest,
            inputs,
            transaction=type(transaction).__name__,
            spend=type(spend).__name__,
            leaderboard=pd.concat([result.table for result in results.values()]),
        ),
    )
    with step("segments"):
        return dataclasses.replace(bundle, segments=_segments(config, bundle, value.today, log))


def _spread(result: Backtest, champion: str) -> Spread | None:
    """Learn how spend lies around the champion's predictions; None where on some test day nobody spent."""
    try:
        return fit_spread(result, champion)
    except FitError:
        return None


def _segments(config: Config, bundle: Bundle, today: pd.DataFrame, log: TransactionLog) -> Segments:
    """Cut segments and value bands where today's customers are; measure what churners left alone went on to spend."""
    manifest = bundle.manifest
    return Segments.learn(
        *(today[name] for name in RFM),
        clv=Scorer(bundle).score(today, reasons_rows=0)["clv"],
        basis=Basis(manifest.value_horizon, manifest.discount_rate, manifest.margin),
        left_alone=measure(log, manifest.churn_horizon, manifest.value_horizon, config.churn.test.every.days()),
    )


def _next_version(config: Config) -> int:
    """Return one more than the highest version that ever scored."""
    seen = [int(path.name.removeprefix("version=")) for path in config.out.glob("scores/as_of=*/version=*")]
    return max(seen, default=0) + 1


def _parameters(config: Config) -> dict[str, Any]:
    """Flatten the configuration to one parameter a key."""
    flat: dict[str, Any] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                visit(inner, f"{path}.{key}" if path else key)
        else:
            flat[path] = value

    visit(config.model_dump(mode="json", exclude={"workspace"}), "")
    return flat


def _git_revision() -> str | None:
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # whichever git the user has
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _pictures(
    results: dict[Task, Backtest],
    chosen: dict[Task, Verdict],
    tables: Tables,
    rules: dict[Task, str],
    currency: str,
) -> dict[str, Any]:
    """Draw the champions on the report day, and what explains them."""
    drawn = pictures(tables, rules, currency)
    for task, result in results.items():
        own = result.predictions[result.predictions["recipe"] == chosen[task].champion]
        past = own[own["as_of"] == result.report_day]
        if task == "churn":
            drawn["calibration.png"] = plots.plot_calibration(past["actual"], past["prediction"]).figure
            drawn["calibration_by_day.png"] = plots.plot_calibration_by_day(own).figure
            drawn["lift.png"] = plots.plot_lift(past["actual"], past["prediction"]).figure
            drawn["lift_by_day.png"] = plots.plot_lift_by_day(own).figure
        else:
            drawn["deciles.png"] = plots.plot_decile_values(
                past["actual"], past["prediction"], currency=currency
            ).figure
    return drawn
