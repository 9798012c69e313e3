"""The types of a configuration: every key, what it means and what it is when left out."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_serializer,
    model_validator,
)

from patron._core.calendar import Grain, Horizon, Unit, check_unit, day_number
from patron._core.errors import PatronError
from patron._core.money import minor_units
from patron._core.passwords import without_passwords


def _taught(message: PatronError) -> ValueError:
    """Pydantic collects ValueErrors and adds the place; Patron's own errors keep their words."""
    return ValueError(str(message))


def _horizon(text: object) -> Horizon:
    try:
        return Horizon.parse(text)
    except PatronError as error:
        raise _taught(error) from error


def _fixed(horizon: Horizon) -> Horizon:
    if not horizon.fixed:
        raise ValueError("labels and backtests take fixed lengths only. Fix: write it in days or weeks")
    return horizon


def _day(value: object) -> str:
    try:
        day_number(value, name="the day")  # type: ignore[arg-type]  # anything a YAML scalar can be; refused in words
    except PatronError as error:
        raise _taught(error) from error
    return str(value)


def _latest_or_day(value: object) -> str:
    return "latest" if value == "latest" else _day(value)


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}. Fix: a name like UTC or America/New_York") from error
    return name


def _currency(code: str) -> str:
    try:
        minor_units(code)
    except PatronError as error:
        raise _taught(error) from error
    return code.upper()


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise ValueError("it names files and a model. Fix: small letters, digits and hyphens, like shop-de")
    return name


def _bands(bands: dict[str, float]) -> dict[str, float]:
    cuts = list(bands.values())
    if not cuts or any(not 0 < cut < 1 for cut in cuts) or cuts != sorted(set(cuts), reverse=True):
        raise ValueError("cuts fall from high to low, each between 0 and 1. Fix: like {high: 0.6, medium: 0.3}")
    if "low" in bands:
        raise ValueError("'low' is what lies below the last cut and needs none. Fix: leave it out")
    return bands


AnyHorizon = Annotated[Horizon, BeforeValidator(_horizon)]
FixedHorizon = Annotated[Horizon, BeforeValidator(_horizon), AfterValidator(_fixed)]
IsoDay = Annotated[str, BeforeValidator(_day)]
Zone = Annotated[str, AfterValidator(_zone)]


class _Section(BaseModel):
    """A mapping in the file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TableSource(_Section):
    """A table and which of its columns is what."""

    source: str = Field(
        description="CSV or Parquet: a path or glob from workspace; a database: `postgresql://user@host/shop` (the "
        "password from PGPASSWORD or ~/.pgpass) or `spark://`; or `dataset:cdnow`, `dataset:cdnow-sample`, "
        "`dataset:complete-journey`."
    )
    table: str | None = Field(
        default=None, description="The table of a database: `orders`, or `schema.orders`; no other source has one."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Patron's name: the source's name. A column left out is looked for under Patron's own name.",
    )

    @field_serializer("source")
    def _without_password(self, source: str) -> str:
        return without_passwords(source)

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        return self.model_dump().items()


class SideSource(TableSource):
    """A table beside the transactions."""

    source_timezone: Zone | None = Field(
        default=None, description="The zone of stamps that carry none; taken as in `data.timezone` when left out."
    )


class CustomersSource(SideSource):
    """What is known of the customers."""

    static: list[str] = Field(
        default_factory=list, description="Columns that never change, so that they are features of any day."
    )


class EventsSource(SideSource):
    """What happened besides purchases."""

    kinds: list[str] | None = Field(
        default=None, description="The kinds that become features, 20 at most; all that occur when left out."
    )


KNOWN_COLUMNS: Final = {
    "transactions": (
        "customer_id", "time", "amount", "order_id", "product_id", "category", "quantity", "discount", "channel",
    ),
    "customers": ("customer_id", "valid_from", "valid_to"),
    "events": ("customer_id", "time", "kind", "value"),
    "subscriptions": ("customer_id", "start", "end", "plan", "price"),
}  # fmt: skip
"""Patron's names for the columns of each table."""


class DataSection(_Section):
    """Where the transactions are and how they are read."""

    transactions: TableSource = Field(
        description="The transaction log: customer_id, time, amount; optional order_id, product_id, category, "
        "quantity, discount, channel."
    )
    customers: CustomersSource | None = Field(
        default=None, description="One row a customer, or dated by valid_from, valid_to."
    )
    events: EventsSource | None = Field(
        default=None, description="Contacts, visits, answers: customer_id, time, kind, value."
    )
    subscriptions: SideSource | None = Field(
        default=None, description="Contracts: customer_id, start, end, plan, price; an empty end is open."
    )
    timezone: Zone = Field(default="UTC", description="The zone whose calendar days are meant.")
    source_timezone: Zone | None = Field(
        default=None,
        description="The zone of the transactions' stamps that carry none; taken as in `timezone` when left out.",
    )
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        default="USD", description="The currency of the amounts."
    )
    duplicates: Literal["keep", "drop"] = Field(
        default="keep",
        description="Exact duplicate rows: a line item legitimately repeats, so they are kept and reported.",
    )
    observed_until: IsoDay | None = Field(
        default=None, description="The last day observed, the whole of it; the day of the last row when left out."
    )

    @model_validator(mode="after")
    def _known_columns(self) -> DataSection:
        for table, known in KNOWN_COLUMNS.items():
            source: TableSource | None = getattr(self, table)
            for name in source.columns if source else ():
                if name not in known:
                    raise ValueError(f"{table}.columns has no {name!r}. Fix: one of {', '.join(known)}")
        return self


class TimeSection(_Section):
    """How purchases merge and time is measured."""

    grain: Grain = Field(default="day", description="Purchases of one customer in the same day (week, month) are one.")
    unit: Unit = Field(default="week", description="The unit in which the transaction models measure recency and T.")

    @model_validator(mode="after")
    def _fit_together(self) -> TimeSection:
        try:
            check_unit(self.unit, self.grain)
        except PatronError as error:
            raise _taught(error) from error
        return self


class TestDays(_Section):
    """The as-of days on which recipes are compared."""

    __test__ = False  # not a test, whatever its name says to pytest

    last: int = Field(default=3, ge=1, le=36, description="How many; the last one reports, the others select.")
    every: FixedHorizon = Field(
        default=Horizon(28, "day"), description="How far apart; training days lie as far apart."
    )


class TrainingSection(_Section):
    """The rows that recipes of trees, and the logistic regression, learn from; everybody is predicted."""

    origins: int = Field(default=6, ge=1, le=60, description="As-of days at most, the latest whose labels had closed.")
    bought_within: FixedHorizon | None = Field(
        default=None, description="Only customers who bought within so long before the as-of day; all when left out."
    )
    rows_per_customer: int | None = Field(default=None, ge=1, description="Rows of a customer at most.")


class ChurnSection(_Section):
    """Churn: no purchase within the horizon."""

    horizon: FixedHorizon = Field(
        default=Horizon(90, "day"), description="H: a customer who buys nothing in H days churned."
    )
    test: TestDays = Field(default=TestDays(), description="The test days.")
    recipes: list[str] = Field(
        default=["base_rate", "overdue", "bg_nbd", "logistic", "lightgbm", "stack"],
        min_length=1,
        description="The recipes that compete.",
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of recipes by name, like `lightgbm: {num_leaves: 16}`; each has defaults.",
    )


class ValueSection(_Section):
    """Value: what a customer will spend."""

    horizon: AnyHorizon = Field(
        default=Horizon(12, "month"), description="How far ahead the score table values a customer."
    )
    discount_rate: float = Field(default=0.10, ge=0, le=10, description="Annual effective rate, applied continuously.")
    margin: float = Field(
        default=1.0, gt=0, le=1, description="The share of revenue that is kept; 1.0 makes CLV revenue."
    )
    test_horizon: FixedHorizon = Field(
        default=Horizon(90, "day"), description="The horizon at which value recipes are trained and compared."
    )
    test: TestDays | None = Field(default=None, description="The test days; churn's when left out.")
    recipes: list[str] = Field(
        default=["average", "last_period", "bg_nbd", "lightgbm", "blend"],
        min_length=1,
        description="The recipes that compete.",
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of recipes by name, like `lightgbm: {num_leaves: 16}`; each has defaults.",
    )


class ChampionSection(_Section):
    """What the champion is chosen by."""

    churn: list[Literal["auc", "pr_auc", "brier", "log_loss", "ece", "ece_excess", "lift_10"]] = Field(
        default=["brier", "log_loss"],
        min_length=1,
        max_length=2,
        description="The best mean of the first over the selection days wins; ties go by the second.",
    )
    value: list[Literal["bias", "mae", "rmse", "rmse_no_top", "spearman", "gini", "decile_wape"]] = Field(
        default=["rmse", "gini"],
        min_length=1,
        description="The best mean rank over these wins among recipes whose total is not biased.",
    )


class Reasons(_Section):
    """For whom reasons are written; they cost up to 1.6 ms a customer."""

    rows: int = Field(default=20_000, ge=0, description="For how many customers.")
    by: Literal["expected_loss", "churn_probability", "clv"] = Field(
        default="expected_loss",
        description="The largest by this; expected loss is churn probability x expected revenue.",
    )


class ScoreSection(_Section):
    """The score table."""

    as_of: Annotated[str, BeforeValidator(_latest_or_day)] = Field(
        default="latest", description="The day whose end the scores look ahead from; `latest` is the last day observed."
    )
    bands: Annotated[dict[str, float], AfterValidator(_bands)] = Field(
        default={"high": 0.6, "medium": 0.3}, description="Churn bands: the lowest probability of each; below is `low`."
    )
    reasons: Reasons = Field(default=Reasons(), description="For whom reasons are written.")
    formats: list[Literal["parquet", "csv"]] = Field(
        default=["parquet", "csv"], min_length=1, description="The files the score table is written as."
    )


class TrackingSection(_Section):
    """MLflow; the server is MLFLOW_TRACKING_URI, or workspace/mlflow.db."""

    experiment: str | None = Field(default=None, description="The experiment's name; the run's name when left out.")


class Resources(_Section):
    """What the engine may use."""

    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*(%|[KMGT]i?B)$")] = Field(
        default="60%",
        description="Share of this machine's memory, or a size like 4GB; beyond it the engine spills to disk.",
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="All cores when left out; results do not depend on it."
    )


class Config(_Section):
    """One run, as its YAML file tells it.

    Load one with `patron.load_config`; every key is in the documentation's page on configuration.
    """

    name: Annotated[str, AfterValidator(_name)] = Field(description="Names the bundle, the scores and the model.")
    workspace: Path = Field(
        default=Path(), description="The folder that all paths are relative to; itself relative to here."
    )
    data: DataSection = Field(description="Where the transactions are and how they are read.")
    time: TimeSection = Field(default=TimeSection(), description="How purchases merge and time is measured.")
    features: Literal["all", "core"] | list[str] = Field(
        default="all",
        description="What the recipes see: all that the tables tell, the 26 of the core, or the core and those named; "
        "`patron features` lists them.",
    )
    training: TrainingSection = Field(default=TrainingSection(), description="Which rows are learned from.")
    churn: ChurnSection = Field(default=ChurnSection(), description="Churn: no purchase within the horizon.")
    value: ValueSection = Field(default=ValueSection(), description="Value: what a customer will spend.")
    champion: ChampionSection = Field(default=ChampionSection(), description="What the champion is chosen by.")
    score: ScoreSection = Field(default=ScoreSection(), description="The score table.")
    tracking: TrackingSection = Field(default=TrackingSection(), description="MLflow.")
    resources: Resources = Field(default=Resources(), description="What the engine may use.")
    deliver: list[dict[str, Any]] = Field(default_factory=list, description="Where scores are delivered to.")

    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)
    _file: str = PrivateAttr(default="the configuration")

    def where(self, key: str) -> str:
        """File and line on which `key` (like 'churn.recipes') stands, or the nearest key above it.

        Examples
        --------
        >>> Config(name="a", data={"transactions": {"source": "dataset:cdnow"}}).where("churn.recipes")
        'the configuration'
        """
        parts = key.split(".")
        for size in range(len(parts), 0, -1):
            line = self._lines.get(".".join(parts[:size]))
            if line is not None:
                return f"{self._file}:{line}"
        return self._file

    @property
    def out(self) -> Path:
        """Where scores, leaderboard and report go."""
        return self.workspace / "out" / self.name

    @property
    def bundle(self) -> Path:
        """Where the champion's bundle stands."""
        return self.workspace / "models" / self.name

    @property
    def experiment(self) -> str:
        """The MLflow experiment."""
        return self.tracking.experiment or self.name
