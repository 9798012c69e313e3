"""Delivering: kept scores held against what each target was last sent, and, when asked, sent there."""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patron._core.errors import ConfigError, DataError, DeliveryError, PatronError
from patron._core.progress import step
from patron.config import Config
from patron.config.delivery import DeliverSection
from patron.data import TransactionLog
from patron.delivery.fields import Rows, fields_of, rows_of
from patron.delivery.plan import Plan, compare, thresholds
from patron.delivery.push import Pushed, refusal, settle
from patron.delivery.push import push as carry_out
from patron.delivery.registry import open_target
from patron.delivery.state import Kind, Scores, State
from patron.delivery.target import Target
from patron.pipeline.inputs import alone, loaded, read
from patron.scoring.kept import kept, latest, proven, read_table

_YES = ("1", "1.0", "t", "true", "y", "yes")


@dataclass(frozen=True)
class Delivered:
    """What a delivery would do, and did.

    Attributes
    ----------
    plans : list of Plan
        One a target.
    pushed : list of Pushed
        Likewise; empty if nothing was to be moved.
    stops : dict of str to str
        Why a target's push would stop, if it would.
    """

    plans: list[Plan]
    pushed: list[Pushed]
    stops: dict[str, str]

    def words(self) -> list[str]:
        """Show the plans, then what was sent."""
        lines = [line for plan in self.plans for line in [*plan.words(), ""]]
        lines += [f"{name} would stop: {why}; --confirm sends it all the same" for name, why in self.stops.items()]
        if not self.pushed:
            waiting = any(len(plan.chosen) for plan in self.plans)
            return [*lines, "nothing was sent; --push sends it" if waiting else "there is nothing to send"]
        return lines + [line for pushed in self.pushed for line in pushed.words()]


@dataclass(frozen=True)
class _Delivery:
    """One section, ready to be planned."""

    section: DeliverSection
    rows: Rows
    target: Target
    place: Path
    materiality: dict[str, float]
    consent: np.ndarray | None


def deliver(
    config: str | Path | Config,
    push: bool = False,
    retry: bool = False,
    confirm: bool = False,
    rollback: str | None = None,
    only: str | None = None,
) -> Delivered:
    """Show what delivering the latest scores would do and, if asked, do it.

    Parameters
    ----------
    config : path or Config
        The run; its section `deliver` says where.
    push : bool
        Whether anything moves.
    retry : bool
        Only rows that failed before.
    confirm : bool
        Send even if more would move than `stop_above`.
    rollback : str, optional
        Bring back what an earlier scoring says, ``AS_OF`` or ``AS_OF/VERSION``, for everybody who was told otherwise.
    only : str, optional
        The name of one target.

    Returns
    -------
    Delivered

    Raises
    ------
    ConfigError
        No such target or setting, no such field.
    DataError
        No such scores, or scores that are not whole.
    DeliveryError
        A target refuses, or too much would move; the other targets are served all the same.
    """
    return deliver_on(loaded(config), None, push=push, retry=retry, confirm=confirm, rollback=rollback, only=only)


def deliver_on(
    config: Config,
    log: TransactionLog | None,
    *,
    push: bool = False,
    retry: bool = False,
    confirm: bool = False,
    rollback: str | None = None,
    only: str | None = None,
) -> Delivered:
    """Deliver with a log that is read already, or is read if consent asks for it; see `deliver`."""
    if retry and rollback is not None:
        raise ConfigError("a retry or a rollback, not both", fix="leave one out")
    kind: Kind = "retry" if retry else "rollback" if rollback is not None else "push"
    sections = _asked(config, only)
    table, scoring, currency = read_scores(config, rollback)
    consents = _consents(config, log, sections, table)
    deliveries = [_prepared(config, place, section, table, currency, consents) for place, section in sections]
    done = Delivered([], [], {})
    with contextlib.ExitStack() as held:
        if push:
            held.enter_context(alone(config))
        state = held.enter_context(State(config.out / "state.sqlite", write=push))
        failures: dict[str, PatronError] = {}
        for delivery in deliveries:
            try:
                _deliver(state, delivery, kind, scoring, done, push=push, confirm=confirm)
            except PatronError as error:
                failures[delivery.section.name] = error
    _tell(failures, done)
    return done


def read_scores(config: Config, wanted: str | None = None) -> tuple[pd.DataFrame, Scores, str]:
    """Read the latest scores, or kept ones of a day, proven whole.

    Parameters
    ----------
    config : Config
    wanted : str, optional
        ``AS_OF`` (the highest version of that day) or ``AS_OF/VERSION``.

    Returns
    -------
    table : DataFrame
        The score table.
    scoring : Scores
        Which.
    currency : str
        Of its money.

    Raises
    ------
    DataError
        There are none, or their files are not those that the scoring wrote.
    """
    folder = latest(config.out).folder if wanted is None else _kept(config, wanted)
    manifest = proven(folder)
    scoring = Scores(manifest["as_of"], manifest["version"], manifest["content"])
    return read_table(folder), scoring, manifest["currency"]


def _kept(config: Config, wanted: str) -> Path:
    day, _, version = wanted.partition("/")
    there = kept(config.out / "scores")
    found = [one for one in there if one.as_of == day and version in ("", str(one.version))]
    if not found:
        told = ", ".join(f"{one.as_of}/{one.version}" for one in there[-6:])
        raise DataError(f"no scores of {wanted} are kept", fix=f"one of {told}" if told else "patron score first")
    return found[-1].folder


def _deliver(
    state: State, delivery: _Delivery, kind: Kind, scoring: Scores, done: Delivered, *, push: bool, confirm: bool
) -> None:
    """Plan one target and, if asked, push; what is done is added to `done`."""
    name, target, rows = delivery.section.name, delivery.target, delivery.rows
    if push:
        with step(f"asking {name}"):
            target.check()
        settle(state, target, name)
    with step(f"planning {name}"):
        plan = compare(
            target,
            name,
            kind,
            scoring,
            rows,
            state.known(name),
            state.failed(name),
            consent=delivery.consent,
            materiality=None if kind == "rollback" else delivery.materiality,
        )
    done.plans.append(plan)
    stop = refusal(plan, state, delivery.section.stop_above)
    if stop and not push:
        done.stops[name] = stop
    elif stop and not confirm:
        raise DeliveryError(
            f"{name}: {stop}; nothing was sent",
            fix="look at the plan; --confirm sends it, thresholds of materiality withhold small changes",
        )
    if push:
        done.pushed.append(carry_out(state, target, plan, rows, delivery.place))


def _tell(failures: dict[str, PatronError], done: Delivered) -> None:
    """Raise what failed, when every target has had its turn."""
    if not failures:
        return
    first, *others = failures.values()
    if not others and not done.pushed:
        raise first
    served = [word for pushed in done.pushed for word in pushed.words()]
    raise DeliveryError("\n".join([*map(str, failures.values()), *served])) from first


def _asked(config: Config, only: str | None) -> list[tuple[int, DeliverSection]]:
    """Return the sections to deliver by, and the place of each."""
    if not config.deliver:
        raise ConfigError(f"{config.where('deliver')}: no target is named", fix="docs/delivery.md shows how")
    names = [section.name for section in config.deliver]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ConfigError(f"{config.where(f'deliver.{place}.name')}: {name!r} is there twice", fix="rename one")
    if only is not None and only not in names:
        raise ConfigError(f"there is no target {only!r}", fix=f"one of {', '.join(names)}")
    return [(place, section) for place, section in enumerate(config.deliver) if only in (None, section.name)]


def _prepared(
    config: Config,
    place: int,
    section: DeliverSection,
    table: pd.DataFrame,
    currency: str,
    consents: dict[str, np.ndarray],
) -> _Delivery:
    def where(key: str) -> str:
        return config.where(f"deliver.{place}.{key}")

    fields = fields_of(section.fields, table.columns, currency, where)
    folder = config.out / "deliveries" / section.name
    with step(f"rows of {section.name}"):
        rows = rows_of(table, fields)
    return _Delivery(
        section=section,
        rows=rows,
        target=open_target(section.target, fields, folder.absolute(), section.settings, where),
        place=folder,
        materiality=thresholds(section.materiality, fields, where),
        consent=consents.get(section.consent or ""),
    )


def _consents(
    config: Config, log: TransactionLog | None, sections: list[tuple[int, DeliverSection]], table: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Return who agrees, by column of consent, row by row of the scores."""
    named = {section.consent: f"deliver.{place}.consent" for place, section in sections if section.consent}
    if not named:
        return {}
    if config.data.customers is None:
        raise ConfigError(
            f"{config.where(next(iter(named.values())))}: consent is a column of customers, and there is no such table",
            fix="name it as data.customers",
        )
    log = log or read(config)
    return {column: _consent(log, column, config.where(key), table) for column, key in named.items()}


def _consent(log: TransactionLog, column: str, where: str, table: pd.DataFrame) -> np.ndarray:
    """Return who agrees as far as is known now, which may be later than the day scored; missing is no."""
    rows: Any = log.customers
    if column not in rows.columns or column == "customer_id":
        raise ConfigError(f"{where}: customers has no column {column!r}", fix=f"one of {', '.join(rows.columns)}")
    for name, holds in (("valid_from", operator.le), ("valid_to", operator.ge)):
        if name in rows.columns:
            rows = rows.filter(rows[name].isnull() | holds(rows[name], log.observed_until))  # noqa: PD003  # Ibis' word
    told = rows.select("customer_id", agreed=rows[column]).to_pyarrow().to_pandas()
    yes = told["agreed"].astype("string").str.strip().str.lower().isin(_YES)
    return table["customer_id"].isin(told.loc[yes.fillna(value=False), "customer_id"]).to_numpy()
