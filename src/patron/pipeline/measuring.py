"""Measuring: the key figures of the customer base, period by period, as tables that report and office programs read."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from patron import kpis as figures
from patron._core.errors import DataError, DataWarning
from patron._core.files import whole_folder
from patron._core.progress import step
from patron.config import Config
from patron.config.tables import TableSource
from patron.data import TransactionLog
from patron.pipeline.inputs import alone, costs_of, loaded, read
from patron.scoring.kept import latest, read_table

KPIS: Final = "kpis"
"""The folder of the tables below out/NAME."""
_SHOWN: Final = 5
_COUNT, _SHARE, _MONEY = "{:,.0f}", "{:.1%}", "{:,.2f}"
_PRINTED: Final = {
    "start": ("active at start", _COUNT),
    "new": ("new", _COUNT),
    "reactivated": ("reactivated", _COUNT),
    "lost": ("lost", _COUNT),
    "end": ("active at end", _COUNT),
    "retention": ("retention", _SHARE),
    "revenue": ("revenue", _COUNT),
    "orders": ("orders", _COUNT),
    "customers": ("buyers", _COUNT),
    "average_order_value": ("order value", _MONEY),
    "repeat_rate": ("repeat rate", _SHARE),
    "top_10_share": ("top tenth's share", _SHARE),
}


@dataclass(frozen=True)
class Measured:
    """What a measuring left behind.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        By the name of its file: activity, sales, cohorts (customers), cohort_revenue; where the data are there
        survival, recurring, nps, csat and acquisition.
    folder : Path
        Where they were written, as CSV.
    """

    tables: Mapping[str, pd.DataFrame]
    folder: Path

    def recent(self) -> pd.DataFrame:
        """Return the last periods as text to print: a row a figure, a column a period."""
        table = self.tables["activity"].join(self.tables["sales"]).tail(_SHOWN)
        told = {
            label: ["" if pd.isna(value) else form.format(value) for value in table[name]]
            for name, (label, form) in _PRINTED.items()
        }
        days = pd.DatetimeIndex(table.index)
        return pd.DataFrame(told, index=days.strftime("%Y-%m-%d" if (days.day > 1).any() else "%Y-%m")).T

    def words(self) -> list[str]:
        """Say how many customers are active after the last period, and how that came."""
        active = self.tables["activity"]
        last = active.iloc[-1]
        day = pd.DatetimeIndex(active.index)[-1].date()
        came = f"{last['new']:,.0f} new, {last['reactivated']:,.0f} reactivated, {last['lost']:,.0f} lost"
        return [
            f"kpis: {last['end']:,.0f} active customers at the end of the period from {day}: {came}",
            f"      {self.folder}",
        ]


def kpis(config: str | Path | Config) -> Measured:
    """Tell the key figures period by period and write them to out/NAME/kpis/.

    Parameters
    ----------
    config : path or Config
        The run; its section `kpis` says by which periods, and who is active.

    Returns
    -------
    Measured

    Raises
    ------
    DataError
        No period was wholly observed.
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        return measure(config, log)


def measure_on(config: Config, log: TransactionLog) -> list[str]:
    """Measure within the main job, which goes on without key figures where there can be none; returns what to tell."""
    try:
        return measure(config, log).words()
    except DataError as error:
        shutil.rmtree(config.out / KPIS, ignore_errors=True)  # of other data, or other periods
        warnings.warn(f"no key figures: {error}", DataWarning, stacklevel=2)
        return []


def measure(config: Config, log: TransactionLog) -> Measured:
    """Measure on a log that is read, the lock held; see `kpis`.

    Of surveys, subscriptions and costs, what cannot be told is left out with a warning.
    """
    every, within = config.kpis.every, config.kpis.active_within or config.churn.horizon
    with step("key figures"):
        tables = {
            "activity": figures.activity(log, every, within),
            "sales": figures.sales(log, every),
            "cohorts": figures.cohorts(log, every),
            "cohort_revenue": figures.cohorts(log, every, "revenue"),
        }
        for name, tell in _besides(config, log):
            try:
                tables[name] = tell()
            except DataError as error:
                warnings.warn(f"no key figures of {name}: {error}", DataWarning, stacklevel=2)
    folder = config.out / KPIS
    with whole_folder(folder) as draft:
        for name, table in tables.items():
            (draft / f"{name}.csv").write_bytes(table.to_csv(date_format="%Y-%m-%d", lineterminator="\n").encode())
    return Measured(tables, folder)


def _besides(config: Config, log: TransactionLog) -> Iterator[tuple[str, Callable[[], pd.DataFrame]]]:
    """Yield what else this run's data tell, by name."""
    every = config.kpis.every
    if log.subscriptions is not None:
        yield "survival", partial(figures.survival, log, every)
        if "price" in log.subscriptions.columns:
            yield "recurring", partial(figures.recurring_revenue, log, every, config.kpis.billed)
    for survey in (figures.nps, figures.csat):
        name = survey.__name__
        kind = next((kind for kind in log.valued if kind.casefold() == name), name)  # many write NPS
        if figures.answered(log, kind):
            yield name, partial(survey, log, kind, every)
    if config.plan.costs is not None:
        yield "acquisition", partial(_of_channels, config, config.plan.costs, log)


def _of_channels(config: Config, given: TableSource, log: TransactionLog) -> pd.DataFrame:
    """Hold the costs of the plan against what customers bring, with the latest scores if there are any."""
    scores = read_table(latest(config.out).folder) if (config.out / "latest.json").exists() else None
    return figures.acquisition(log, costs_of(config, given), scores, config.value.margin)
