"""Evaluating: what a past campaign brought, from its plan and the log since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron._core.calendar import Day, date_of, day_number
from patron._core.errors import DataError
from patron._core.files import read_json, write_json
from patron._core.progress import step
from patron.config import Config
from patron.data import TransactionLog
from patron.decisions.incremental import Effect, adjusted, difference
from patron.features import snapshots
from patron.pipeline.inputs import alone, horizon_of, loaded, read
from patron.pipeline.planning import EVALUATED, spend_before
from patron.scoring.kept import Kept, kept, read_table

_MEASURED: Final = ("spend", "bought")


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found.

    Attributes
    ----------
    found : mapping
        What evaluated.json holds: as_of, days, the arms, and of spend and bought the effect plain and adjusted; the
        incremental margin in all against the cost, as planned.
    folder : Path
        The plan's.
    """

    found: dict[str, Any]
    folder: Path

    def words(self) -> list[str]:
        """Say what the contact changed, how sure that is, and what it came to."""
        found, money = self.found, self.found["currency"]
        spend, bought, whole = found["spend"], found["bought"], found["incremental"]
        sure = "beyond chance" if whole["low"] > 0 or whole["high"] < 0 else "not told apart from chance"
        cost = f"less {money} {found['cost']:,.2f}, the cost as planned, it leaves"
        net = {end: whole[end] - found["cost"] for end in ("difference", "low", "high")}
        arms = f"{found['contacted']:,} contacted against {found['control']:,} of the control group, chosen alike"
        lines = [
            f"campaign of {found['as_of']}, {found['days']} days on: {arms}",
            f"spend a customer: {_signed(spend['plain'], money)} against {money} {spend['plain']['control']:,.2f}",
            f"                  {_signed(spend['adjusted'], money)} with what was known before taken off (CUPED)",
            f"share who bought: {_points(bought['plain'])} against {bought['plain']['control']:.1%}",
            f"                  {_points(bought['adjusted'])} with what was known before taken off",
            f"in all: {_signed(whole, money)} of margin, {sure}; {cost} {_signed(net, money)}",
        ]
        if found["absent"]:
            lines.append(f"{found['absent']:,} customers of the plan are no longer in the log and are left out")
        first, *rest = lines
        return [first, *(f"        {line}" for line in rest), f"        {self.folder / EVALUATED}"]


def _signed(effect: dict[str, float], money: str) -> str:
    return f"{money} {effect['difference']:+,.2f} ({effect['low']:+,.2f} to {effect['high']:+,.2f})"


def _points(effect: dict[str, float]) -> str:
    ends = [100 * effect[end] for end in ("difference", "low", "high")]
    return "{:+.1f} points ({:+.1f} to {:+.1f})".format(*ends)


def evaluate(config: str | Path | Config, plan: str | None = None, days: int | None = None) -> Evaluated:
    """Tell what a campaign brought: those contacted against those of the control group who were chosen alike.

    Parameters
    ----------
    config : path or Config
        The run.
    plan : str, optional
        The day of the plan; the latest one whose window has closed when left out.
    days : int, optional
        The length of the window after it; the churn horizon when left out.

    Returns
    -------
    Evaluated
        Also written to evaluated.json beside the plan.

    Raises
    ------
    DataError
        No such plan, a window that has not closed, an arm too small to tell anything.

    Notes
    -----
    Spend is what customers paid less what they were refunded in the window, never below 0; bought, a purchase that
    counts in it. CUPED takes off what the spend of the equally long window before and expected_revenue tell, both known
    before the first contact. Incremental margin is the adjusted difference of spend x contacted x margin, with the
    interval of the former. Everybody contacted by plan counts as contacted, reached or not.
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        return evaluate_on(config, log, plan, days)


def evaluate_on(config: Config, log: TransactionLog, plan: str | None = None, days: int | None = None) -> Evaluated:
    """Evaluate on a log that is read; see `evaluate`."""
    length = horizon_of(config, "churn") if days is None else days
    if length < 1:
        raise DataError("the window is not a length", example=days, fix="a number of days, 1 or more")
    planned = _closed(config, log, plan, length)
    told = read_json(planned.folder / "manifest.json")
    table = read_table(planned.folder, "plan")
    chosen = table[table["chosen"]].set_index("customer_id")
    with step("evaluating"):
        since = snapshots(log, planned.as_of, f"{length} days", which=["frequency"]).droplevel("as_of")
        here = chosen.index[chosen.index.isin(since.index)]
        arm = (chosen.loc[here, "group"] == "contact").to_numpy()
        if not arm.any() or arm.all():
            lacking, fix = (
                ("is in the control group", "raise plan.control before the next plan")
                if arm.any()
                else ("was contacted", "evaluate a plan that contacts someone: --plan DAY")
            )
            raise DataError(f"nobody chosen by the plan of {planned.as_of} {lacking}", fix=fix)
        outcome = {"spend": since.loc[here, "spend_next"], "bought": 1 - since.loc[here, "churned"]}
        before = pd.DataFrame(
            {
                "spend": spend_before(log, chosen.reset_index(), length).loc[here],
                "expected": chosen.loc[here, "expected_revenue"],
            }
        ).to_numpy()
        effects = {
            name: {"plain": difference(outcome[name], arm), "adjusted": adjusted(outcome[name], arm, before)}
            for name in _MEASURED
        }
    contacted = int(arm.sum())
    found = {
        "as_of": planned.as_of,
        "days": length,
        "currency": told["currency"],
        "contacted": contacted,
        "control": len(arm) - contacted,
        "absent": len(chosen) - len(here),
        **{name: {kind: effect._asdict() for kind, effect in both.items()} for name, both in effects.items()},
        "incremental": _in_all(effects["spend"]["adjusted"], contacted * config.value.margin),
        "cost": float(chosen.loc[here[arm], "cost"].sum()),
    }
    write_json(planned.folder / EVALUATED, found)
    return Evaluated(found, planned.folder)


def _in_all(effect: Effect, times: float) -> dict[str, float]:
    return {end: getattr(effect, end) * times for end in ("difference", "low", "high")}


def _closed(config: Config, log: TransactionLog, plan: Day | None, length: int) -> Kept:
    """Return the plan to evaluate; its window is wholly observed."""
    plans = kept(config.out / "plans")
    if not plans:
        raise DataError(f"no plan at {config.out}", fix="patron plan first, and evaluate when its window has closed")
    if plan is None:
        asked = [one for one in plans if day_number(one.as_of) + length <= log.observed_until] or plans[:1]
    else:
        day = str(date_of(day_number(plan, name="the day of the plan")))
        asked = [one for one in plans if one.as_of == day]
        if not asked:
            told = ", ".join(sorted({one.as_of for one in plans}))
            raise DataError(f"no plan of {day} at {config.out}", fix=f"one of {told}")
    end = day_number(asked[-1].as_of) + length
    if end > log.observed_until:
        raise DataError(
            f"the {length} days after the plan of {asked[-1].as_of} end on {date_of(end)}, and the log on "
            f"{date_of(log.observed_until)}",
            fix="evaluate when they have passed, or fewer of them with --days",
        )
    return asked[-1]
