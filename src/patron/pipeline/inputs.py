"""What every job begins with: the configuration, the lock on its name, the log, the day."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron import datasets
from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import ConfigError, DataError, DataWarning, PatronError
from patron._core.files import locked, repair, write_json
from patron._core.progress import step
from patron.config import Config, load_config
from patron.config.schema import ChurnSection, ValueSection
from patron.config.tables import TableSource, TransactionsSource, WrittenSource
from patron.data import Audit, TransactionLog, read_transactions
from patron.data import audit as audit_log
from patron.data.currencies import read_rates
from patron.data.databases import is_url
from patron.data.engines import connect
from patron.data.sources import open_source
from patron.decisions.acquisition import COSTS
from patron.features import CORE, Which
from patron.recipes import Task, recipe
from patron.scoring import Bundle

TASKS: Final[tuple[Task, Task]] = ("churn", "value")


def loaded(config: str | Path | Config) -> Config:
    """Load a configuration that is not loaded yet; its recipes are known ones, and so are their settings."""
    known = config if isinstance(config, Config) else load_config(config)
    for task in TASKS:
        competing = recipes_of(known, task)
        unused = [name for name in _section(known, task).settings if name not in competing]
        if unused:
            raise ConfigError(
                f"{known.where(f'{task}.settings.{unused[0]}')}: settings of {unused[0]!r}, which does not compete",
                fix=f"add it to {task}.recipes, or remove its settings",
            )
        for place, (name, settings) in enumerate(competing.items()):
            try:
                recipe(name, task, **settings)
            except ConfigError as error:
                where = known.where(f"{task}.settings.{name}" if settings else f"{task}.recipes.{place}")
                raise ConfigError(f"{where}: {error.message}", example=error.example, fix=error.fix) from None
    return known


def recipes_of(config: Config, task: Task) -> dict[str, dict[str, Any]]:
    """Return the recipes that compete for a task, each with its settings."""
    section = _section(config, task)
    return {name: section.settings.get(name, {}) for name in section.recipes}


def _section(config: Config, task: Task) -> ChurnSection | ValueSection:
    return config.churn if task == "churn" else config.value


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Keep every other process off the run's name, clear up after a killed one, and say what a disk refuses."""
    try:
        with locked(config.out / ".lock", config.name):
            repair(config.out)
            repair(config.bundle.parent, config.name)
            yield
    except OSError as error:
        told = f"{error.filename or config.workspace} cannot be read or written: {error.strerror or error}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise PatronError(told, fix="free space on the disk and run again; what stood there stands") from error
        if error.filename is None:
            raise
        raise ConfigError(
            f"{config.where('workspace')}: {told}", fix="let workspace be a folder that can be written to"
        ) from error


def read(config: str | Path | Config) -> TransactionLog:
    """Read the transactions and side tables that a configuration names."""
    config = loaded(config)
    data = config.data
    with step("reading transactions"):
        log = read_transactions(
            **_named(config, data.transactions),
            timezone=data.timezone,
            source_timezone=data.source_timezone,
            currency=data.currency,
            rates=None if data.rates is None else read_rates(**_named(config, data.rates)),
            duplicates=data.duplicates,
            observed_until=data.observed_until,
            memory=config.resources.memory,
            threads=config.resources.threads,
        )
        if data.customers is not None:
            log = log.with_customers(**_named(config, data.customers))
        if data.events is not None:
            log = log.with_events(**_named(config, data.events))
        if data.subscriptions is not None:
            log = log.with_subscriptions(**_named(config, data.subscriptions))
    return log


def _named(config: Config, given: WrittenSource) -> dict[str, Any]:
    """Return a table's arguments: its source, the names of its columns, and all else that is said of it."""
    names = dict(given.columns)
    if isinstance(given, TransactionsSource) and "currency" in names:
        names["currency_column"] = names.pop("currency")
    return {"source": source_of(config, given), **names, **given.model_dump(exclude={"source", "columns"})}


def source_of(config: Config, table: TableSource) -> Any:
    """Return where a table is: a sample's frame, a URL, a path from the workspace."""
    if table.source.startswith("dataset:"):
        return datasets.source(table.source.removeprefix("dataset:"))
    return table.source if is_url(table.source) else config.workspace / table.source


def costs_of(config: Config, given: TableSource) -> pd.DataFrame:
    """Read what customers cost to acquire, `plan.costs`: channel, month, cost."""
    engine = connect(config.resources.memory, config.resources.threads)
    source = open_source(source_of(config, given), engine, given.table)
    names = {given.columns.get(name, name): name for name in COSTS}
    source.require(names, " (plan.costs)")
    costs: pd.DataFrame = source.take(list(names)).to_pyarrow().to_pandas()
    return costs.rename(columns=names)


def audit(config: str | Path | Config) -> Audit:
    """Audit the transactions and write out/NAME/audit.json."""
    config = loaded(config)
    found = audited(read(config))
    with alone(config):
        keep_audit(config, found)
    return found


def audited(log: TransactionLog) -> Audit:
    """Audit a log that is read."""
    with step("auditing"):
        return audit_log(log)


def keep_audit(config: Config, found: Audit) -> None:
    """Write out/NAME/audit.json."""
    write_json(config.out / "audit.json", found.to_dict())


def as_of_day(config: Config, log: TransactionLog, asked: Day | None) -> int:
    """Return the day number to score from: asked for, configured, or the last observed."""
    if asked is None and config.score.as_of == "latest":
        return log.observed_until
    day = day_number(config.score.as_of if asked is None else asked)
    if not log.first_day <= day <= log.observed_until:
        raise DataError(
            f"as_of {date_of(day)} lies outside the log, which runs from {date_of(log.first_day)} to "
            f"{date_of(log.observed_until)}",
            fix="choose a day within, or `latest`",
        )
    return day


def features_asked(config: Config) -> Which:
    """Return which features the recipes see; the core is always among them."""
    asked = config.features
    return asked if isinstance(asked, str) else [*CORE, *(name for name in asked if name not in CORE)]


def horizon_of(config: Config, task: Task) -> int:
    """Return the days over which a task is trained and compared."""
    return (config.churn.horizon if task == "churn" else config.value.test_horizon).days()


def champion(config: Config) -> Bundle | None:
    """Return the bundle that serves, if one does; one that is damaged takes part in nothing, and that is said."""
    if not (config.bundle / "manifest.json").exists():
        return None
    try:
        return Bundle.load(config.bundle)
    except DataError as error:
        warnings.warn(f"the former champion takes no part: {error}", DataWarning, stacklevel=3)
        return None


def reading(config: Config) -> dict[str, Any]:
    """Return how scores are read rather than learned: what may change without training anew."""
    return {
        "value_horizon": str(config.value.horizon),
        "discount_rate": config.value.discount_rate,
        "margin": config.value.margin,
        "bands": config.score.bands,
        "reasons": config.score.reasons.model_dump(),
        "campaign": config.plan.terms(),
    }
