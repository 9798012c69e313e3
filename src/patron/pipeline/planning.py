"""Planning: from the scores of a day to whom to contact, who is set aside, and what a test of it takes."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core.calendar import as_stamps, date_of, day_number
from patron._core.errors import ConfigError, DataError
from patron._core.files import digest, read_json, whole_folder, write_json
from patron._core.progress import step
from patron._core.showing import page, table
from patron.config import Config
from patron.data import TransactionLog
from patron.decisions import power
from patron.decisions.acquisition import ceilings
from patron.decisions.choice import CARRIED, Choice, choose, top_share
from patron.decisions.contact import Terms
from patron.decisions.wording import ceiling_words, chosen_words, sizes_words
from patron.features import features
from patron.pipeline.inputs import alone, costs_of, horizon_of, loaded, read
from patron.scoring.kept import Kept, kept, latest, read_table
from patron.scoring.table import DECIDED, Column, columns_of, write_files

PLAN: Final = (
    Column("customer_id", "text", "", "The customer."),
    Column("as_of", "day", "day", "The last day seen when the plan was made."),
    Column("group", "text", "", "contact, control (never contacted) or none."),
    Column("why", "text", "", "Why this group."),
    Column("chosen", "flag", "", "Above the cut-off: those contacted, and those of the control group who would be."),
    Column("contact_profit", "money", "currency", "Expected of contacting the customer."),
    Column("value_if_retained", "money", "currency", "W1."),
    Column("cost", "money", "currency", "Expected of contacting the customer: the contact and the incentive if taken."),
    *columns_of(CARRIED),
)
EVALUATED: Final = "evaluated.json"
_TOP: Final = 0.2
_SHOWN: Final = 3


@dataclass(frozen=True, repr=False)
class Planned:
    """What a planning left behind.

    Attributes
    ----------
    table : DataFrame
        One row a scored customer: the columns of `PLAN`.
    folder : Path
        Where it was written.
    summary : mapping
        What manifest.json says of it: counts, cost, profit, cut-off, the sizes of a test.
    ceilings : DataFrame or None
        Of acquisition, if costs are given; see `patron.decisions.acquisition.ceilings`.
    """

    table: pd.DataFrame
    folder: Path
    summary: dict[str, Any]
    ceilings: pd.DataFrame | None = None

    def words(self) -> list[str]:
        """Say who is contacted, at what cost, for what, and whether the effect will be seen."""
        first, *rest = self._told
        return [f"plan: {first}", *(f"      {line}" for line in rest), f"      {self.folder}"]

    def __repr__(self) -> str:
        told = self.summary
        return f"Planned({told['contacted']:,} of {told['customers']:,} customers to contact as of {told['as_of']})"

    @property
    def _told(self) -> list[str]:
        told = [*chosen_words(self.summary), *sizes_words(self.summary)]
        return told if self.ceilings is None else [*told, *ceiling_words(self.ceilings, self.summary["currency"])]

    def _repr_html_(self) -> str:
        groups = self.table.groupby(["group", "why"]).agg(
            customers=("customer_id", "size"), profit=("contact_profit", "sum"), cost=("cost", "sum")
        )
        money = self.summary["currency"]
        head = ["group", "why", "customers", f"profit expected of a contact ({money})", f"its cost ({money})"]
        rows = groups.reset_index().astype(object).to_numpy().tolist()
        return page(f"Plan as of {self.summary['as_of']}", [], [table(head, rows)], self._told)


def plan(config: str | Path | Config, as_of: str | None = None) -> Planned:
    """Choose whom to contact from the latest scores, or those of a day; write out/NAME/plans/as_of=DAY/version=N/.

    Parameters
    ----------
    config : path or Config
        The run; its section `plan` says what a contact costs and brings.
    as_of : str, optional
        A day that was scored; the latest when left out.

    Returns
    -------
    Planned

    Raises
    ------
    DataError
        No scores, or scores of a bundle without segments.
    ConfigError
        Costs of acquisition without a channel in the transactions.
    """
    config = loaded(config)
    log = read(config)
    with alone(config):
        return plan_on(config, log, as_of)


def plan_on(config: Config, log: TransactionLog, as_of: str | None = None) -> Planned:
    """Plan on a log that is read; see `plan`."""
    found = _scored(config, as_of)
    scores, campaign = read_table(found.folder), read_json(found.folder / "manifest.json").get("campaign")
    if campaign is None or any(column not in scores for column in DECIDED):
        raise DataError(
            f"the scores of {found.as_of} have no contact_profit: the champion is older than segments",
            fix=f"patron run --retrain {config.name}'s configuration, once",
        )
    asked = {name: value for name, value in config.plan.terms().items() if value is not None}
    terms = Terms(**{"left_alone": campaign["left_alone"], **asked})
    with step("planning"):
        choice = choose(scores, terms, name=config.name, control=config.plan.control, budget=config.plan.budget)
        summary = {
            **_told(config, choice, terms),
            "left_alone_given": config.plan.left_alone is not None,
            "measured": campaign["measured"],
            "test": _test(config, log, choice, scores),
        }
    dear = _ceilings(config, log, scores) if config.plan.costs is not None else None
    folder = config.out / "plans" / f"as_of={found.as_of}" / f"version={found.version}"
    _write(folder, choice.table, dear, {"format": 1, "name": config.name, "version": found.version, **summary})
    return Planned(choice.table, folder, summary, dear)


def _scored(config: Config, as_of: str | None) -> Kept:
    """Return the scores to plan from."""
    scored = kept(config.out / "scores")
    if as_of is None or not scored:
        return latest(config.out)
    day = str(date_of(day_number(as_of)))
    of_day = [one for one in scored if one.as_of == day]
    if not of_day:
        told = ", ".join(sorted({one.as_of for one in scored})[-_SHOWN:])
        raise DataError(f"no scores of {day} at {config.out}", fix=f"patron score --as-of {day}, or one of {told}")
    return of_day[-1]


def _told(config: Config, choice: Choice, terms: Terms) -> dict[str, Any]:
    table = choice.table
    contacted, chosen = table[table["group"] == "contact"], table[table["chosen"]]
    return {
        "as_of": str(pd.Timestamp(table["as_of"].iloc[0]).date()),
        "currency": config.data.currency,
        "customers": len(table),
        "contacted": len(contacted),
        "cost": float(contacted["cost"].sum()),
        "profit": float(contacted["contact_profit"].sum()),
        "top": top_share(contacted["contact_profit"], _TOP),
        "cut_off": choice.cut_off,
        "budget": config.plan.budget,
        "spent": choice.spent,
        "left_out": int((table["contact_profit"] > 0).sum()) - len(chosen),
        "control_share": config.plan.control,
        "control": int((table["group"] == "control").sum()),
        "control_chosen": len(chosen) - len(contacted),
        "terms": dataclasses.asdict(terms),
    }


def _test(config: Config, log: TransactionLog, choice: Choice, scores: pd.DataFrame) -> dict[str, Any] | None:
    """Say what a test of the expected effect takes over the churn horizon: in buyers, and in spend where the log tells.

    Of the chosen, r would not buy; a contact makes g of them buy, and spend at the pace of W1 over the value horizon.
    The deviation of spend is that of the chosen in the churn horizon before the plan.
    """
    chosen = choice.table["chosen"].to_numpy()
    if not chosen.any():
        return None
    days = horizon_of(config, "churn")
    risk = scores["churn_probability"].to_numpy()[chosen]
    kept_value = scores["value_if_retained"].to_numpy()[chosen]
    ahead = scores["value_horizon_days"].to_numpy()[chosen]
    g, demand = config.plan.save_rate, {"power": config.plan.power, "significance": config.plan.significance}
    buyers = (1 - risk).mean(), (1 - risk + g * risk).mean()
    effect = float((g * risk * kept_value / config.value.margin * days / ahead).mean())
    contacted = int((choice.table["group"] == "contact").sum())
    before = spend_before(log, choice.table[chosen], days)
    deviation = float(before.std(ddof=1)) if len(before) > 1 else None
    return {
        "days": days,
        **demand,
        "buyers": [float(share) for share in buyers],
        "need": _finite(power.for_shares(*buyers, **demand)),
        "spend": effect,
        "deviation": deviation,
        "need_for_spend": None if deviation is None else _finite(power.for_means(effect, deviation, **demand)),
        "have": power.equal_arms(contacted, int(chosen.sum()) - contacted),
    }


def _finite(size: float) -> float | None:
    return size if np.isfinite(size) else None


def spend_before(log: TransactionLog, table: pd.DataFrame, days: int) -> pd.Series[float]:
    """Net spend of a plan's customers in the `days` up to its day, or since the log began; indexed by customer_id."""
    end = day_number(table["as_of"].iloc[0])
    known = log.until(date_of(end))

    def so_far(day: int) -> pd.Series[float]:
        told: pd.Series[float] = features(known, date_of(day), which=["spend_total"])["spend_total"]
        return told.droplevel("as_of").reindex(table["customer_id"]).fillna(0.0)

    return so_far(end) - so_far(end - days) if end - days >= log.first_day else so_far(end)


def _ceilings(config: Config, log: TransactionLog, scores: pd.DataFrame) -> pd.DataFrame:
    """Hold what each channel's and month's customers are worth against what they cost."""
    given = config.plan.costs
    assert given is not None
    if "channel" not in log.optional:
        raise ConfigError(
            f"{config.where('plan.costs')}: costs go by channel, and the transactions have no column channel",
            fix="name it in data.transactions.columns, or leave plan.costs out",
        )
    costs = costs_of(config, given)
    day = str(scores["as_of"].iloc[0])[:10]
    known = log.until(day)
    bought = known.table.filter(known.table.amount >= 0)
    first = bought.group_by("customer_id").aggregate(day=bought.day.min())
    there = bought.semi_join(first, ["customer_id", "day"])
    told = there.group_by("customer_id").aggregate(day=there.day.min(), channel=there.channel.min()).to_pyarrow()
    customers = told.to_pandas().set_index("customer_id")
    customers["month"] = as_stamps(customers["day"]).strftime("%Y-%m")
    customers["spend"] = features(known, day, which=["spend_total"]).droplevel("as_of")["spend_total"]
    customers["clv"] = scores.set_index("customer_id")["clv"]
    return ceilings(customers.dropna(subset=["spend", "clv"]), costs, config.value.margin)


def _write(folder: Path, table: pd.DataFrame, dear: pd.DataFrame | None, told: dict[str, Any]) -> None:
    """Write a plan, whole or not at all; one that stands and says the same is left, with what was found of it since."""
    with whole_folder(folder) as draft:
        files = write_files(table, draft / "plan", list(PLAN), told["currency"], ("parquet", "csv"))
        if dear is not None:
            (draft / "ceilings.csv").write_bytes(dear.to_csv(index=False).encode())
        write_json(draft / "manifest.json", {**told, "columns": [vars(column) for column in PLAN], "files": files})
        found = folder / EVALUATED
        if found.exists() and digest(folder / "plan.parquet") == digest(draft / "plan.parquet"):
            shutil.copy(found, draft / EVALUATED)
