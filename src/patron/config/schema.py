"""The types of a configuration: every key, what it means and what it is when left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from patron._core.calendar import Grain, Horizon, Unit, check_unit
from patron._core.errors import PatronError
from patron.config.decisions import PlanSection
from patron.config.delivery import DeliverSection
from patron.config.kpis import KpisSection
from patron.config.ledger import LedgerSection
from patron.config.tables import DataSection
from patron.config.types import AnyHorizon, FixedHorizon, Section, iso_day, short_name, taught


def _latest_or_day(value: object) -> str:
    return "latest" if value == "latest" else iso_day(value)


def _bands(bands: dict[str, float]) -> dict[str, float]:
    cuts = list(bands.values())
    if not cuts or any(not 0 < cut < 1 for cut in cuts) or cuts != sorted(set(cuts), reverse=True):
        raise ValueError("cuts fall from high to low, each between 0 and 1. Fix: like {high: 0.6, medium: 0.3}")
    if "low" in bands:
        raise ValueError("'low' is what lies below the last cut and needs none. Fix: leave it out")
    return bands


class TimeSection(Section):
    """How purchases merge and time is measured."""

    grain: Grain = Field(default="day", description="Purchases of one customer in the same day (week, month) are one.")
    unit: Unit = Field(default="week", description="The unit in which the transaction models measure recency and T.")

    @model_validator(mode="after")
    def _fit_together(self) -> TimeSection:
        try:
            check_unit(self.unit, self.grain)
        except PatronError as error:
            raise taught(error) from error
        return self


class TestDays(Section):
    """The as-of days on which recipes are compared."""

    __test__ = False  # not a test, whatever its name says to pytest

    last: int = Field(default=3, ge=1, le=36, description="How many; the last one reports, the others select.")
    every: FixedHorizon = Field(
        default=Horizon(28, "day"), description="How far apart; training days lie as far apart."
    )


class TrainingSection(Section):
    """The rows that recipes of trees, and the logistic regression, learn from; everybody is predicted."""

    origins: int = Field(default=6, ge=1, le=60, description="As-of days at most, the latest whose labels had closed.")
    bought_within: FixedHorizon | None = Field(
        default=None, description="Only customers who bought within so long before the as-of day; all when left out."
    )
    rows_per_customer: int | None = Field(default=None, ge=1, description="Rows of a customer at most.")


class ChurnSection(Section):
    """Churn: no purchase within the horizon."""

    horizon: FixedHorizon = Field(
        default=Horizon(90, "day"), description="H: a customer who buys nothing in H days churned."
    )
    test: TestDays = Field(default=TestDays(), description="The test days.")
    recipes: list[str] = Field(
        default=["base_rate", "overdue", "bg_nbd", "logistic", "lightgbm", "stack", "blend"],
        min_length=1,
        description="The recipes that compete.",
    )
    settings: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of recipes by name, like `lightgbm: {num_leaves: 16}`; each has defaults.",
    )


class ValueSection(Section):
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


class ChampionSection(Section):
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


class Reasons(Section):
    """For whom reasons are written; they cost up to 1.6 ms a customer."""

    rows: int = Field(default=20_000, ge=0, description="For how many customers.")
    by: Literal["expected_loss", "churn_probability", "clv"] = Field(
        default="expected_loss",
        description="The largest by this; expected loss is churn probability x expected revenue.",
    )


class ScoreSection(Section):
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


class TrackingSection(Section):
    """MLflow; the server is MLFLOW_TRACKING_URI, or workspace/mlflow.db."""

    experiment: str | None = Field(default=None, description="The experiment's name; the run's name when left out.")


class Resources(Section):
    """What the engine may use."""

    memory: Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*(%|[KMGT]i?B)$")] = Field(
        default="60%",
        description="Share of this machine's memory, or a size like 4GB; beyond it the engine spills to disk.",
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="All cores when left out; results do not depend on it."
    )


class Config(Section):
    """One run, as its YAML file tells it.

    Load one with `patron.load_config`; every key is in the documentation's page on configuration.
    """

    name: Annotated[str, AfterValidator(short_name)] = Field(description="Names the bundle, the scores and the model.")
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
    plan: PlanSection = Field(default=PlanSection(), description="Whom to contact, and what that costs and brings.")
    deliver: list[DeliverSection] = Field(default_factory=list, description="Where scores are delivered to.")
    ledger: LedgerSection = Field(default=LedgerSection(), description="Predictions held against what happened.")
    kpis: KpisSection = Field(default=KpisSection(), description="Key figures over time.")

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
