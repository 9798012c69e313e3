"""Prototypes that follow the protocols by formulas a reader can do by hand, and a bundle made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron._core.calendar import Horizon, day_number
from patron.decisions.contact import LeftAlone
from patron.decisions.segments import Basis, Segments
from patron.recipes.protocol import write_fitted
from patron.scoring import Bundle, Input, Manifest

NAMES = {
    "frequency": "int64", "recency": "float64", "T": "float64", "monetary_value": "float64", "spend_90": "float64",
    "days_since_last": "int64",
}  # fmt: skip


SEGMENTS = Segments(
    recency=(7, 28, 91, 182),
    frequency=(0, 0, 1, 3),
    spend=(0, 5, 8, 10),
    value={"high": 100.0, "medium": 50.0},
    basis=Basis("12 months", 0.10, 0.5),
    left_alone=LeftAlone(spend=8.0, days=274, churners=100, as_of=("1997-06-30",)),
)


class Steady:
    """Buys `frequency` times in T; alive for sure before the first repeat purchase, as in BG/NBD."""

    def expected_purchases(self, rows: pd.DataFrame, horizon: str) -> pd.Series:
        length = Horizon.parse(horizon)
        codes, days = pd.factorize(rows.index.get_level_values("as_of"))
        return rows["frequency"] / rows["T"] * np.array([length.days(day_number(day)) for day in days])[codes] / 7

    def purchases_ahead(self, rows: pd.DataFrame, horizon: str, discount_rate: float) -> pd.DataFrame:
        expected = self.expected_purchases(rows, horizon)
        return pd.DataFrame(
            {"expected_purchases": expected, "discounted_purchases": expected * (1 - discount_rate / 2)}
        )

    def probability_alive(self, rows: pd.DataFrame) -> pd.Series:
        return pd.Series(np.where(rows["frequency"] > 0, 0.75, 1.0), index=rows.index)

    def to_dict(self) -> dict:
        return {"model": "steady"}


class Flat:
    """Every purchase costs 10."""

    def expected_spend(self, rows: pd.DataFrame) -> pd.Series:
        return pd.Series(10.0, index=rows.index)

    def to_dict(self) -> dict:
        return {"model": "flat"}


class Silence:
    """Churn probability recency / T, with reasons."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return (rows["recency"] / rows["T"]).to_numpy()

    def reasons(self, rows: pd.DataFrame, top: int) -> pd.DataFrame:
        assert top == 3
        ages = rows["T"].map("age {:g}".format)
        return pd.DataFrame({"reason_1": ages, "reason_2": "second", "reason_3": None}, index=rows.index)

    def save(self, folder) -> None:
        write_fitted(folder, "churn", "silence", {}, "tree\n")


class Basket:
    """Spends `spend_90` again in the test horizon."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows["spend_90"].to_numpy()

    def save(self, folder) -> None:
        write_fitted(folder, "value", "basket", {})


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        name="shop",
        version=3,
        as_of="1998-03-31",
        unit="week",
        grain="day",
        currency="EUR",
        churn_horizon=91,
        value_horizon="12 months",
        test_horizon=73,
        discount_rate=0.10,
        margin=0.5,
        bands={"high": 0.6, "medium": 0.3},
        reasons={"rows": 2, "by": "expected_loss"},
        campaign={"save_rate": 0.2, "take_up": 1.0, "incentive": 5.0, "contact_cost": 1.0, "left_alone": None},
        recipes={"churn": {"name": "silence", "settings": {}}, "value": {"name": "basket", "settings": {}}},
        training={"customers": 2357, "days": ["1997-12-02", "1997-12-30"]},
    )


@pytest.fixture
def bundle(manifest) -> Bundle:
    inputs = tuple(Input(name, dtype, name, "family") for name, dtype in NAMES.items())
    return Bundle(manifest, inputs, Steady(), Flat(), Silence(), Basket(), card="# shop\n", segments=SEGMENTS)


@pytest.fixture
def prototypes_load(monkeypatch) -> None:
    """`Bundle.load` finds the prototypes by their files."""
    models = {"transaction.json": Steady, "spend.json": Flat}
    fitted = {"churn": Silence, "value": Basket}
    monkeypatch.setattr("patron.scoring.bundle.load_model", lambda path: models[path.name]())
    monkeypatch.setattr("patron.scoring.bundle.load_fitted", lambda _folder, task: fitted[task]())


@pytest.fixture
def rows() -> pd.DataFrame:
    """Four customers at 1998-06-30, indexed as `patron.features` does."""
    frame = pd.DataFrame(
        {
            "frequency": [4, 0, 1, 2],
            "recency": [10.0, 0.0, 36.0, 39.0],
            "T": [40.0, 30.0, 40.0, 40.0],
            "monetary_value": [12.5, 0.0, 30.0, 8.0],
            "spend_90": [26.0, 10.0, 100.0, 0.0],
            "days_since_last": [210, 210, 28, 7],
        },
        index=pd.MultiIndex.from_arrays(
            [["0007", "8", "09", "10"], pd.DatetimeIndex(["1998-06-30"] * 4).as_unit("us")],
            names=["customer_id", "as_of"],
        ),
    )
    frame.attrs = {"unit": "week", "grain": "day"}
    return frame
