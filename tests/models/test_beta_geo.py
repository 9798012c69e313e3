"""BG/NBD: what it has alone, and its other published estimates."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from patron.models import BetaGeoNBD


@pytest.mark.golden
def test_published_estimates_of_the_rounded_summary_file(histories):
    root = Path(importlib.util.find_spec("lifetimes").origin).parent
    rounded = pd.read_csv(root / "datasets" / "cdnow_customers_summary.csv")
    model = BetaGeoNBD().fit(histories(rounded["frequency"], rounded["recency"], rounded["T"]))
    assert model.params_.round(5).to_dict() == {"r": 0.24259, "alpha": 4.41353, "a": 0.79289, "b": 2.42575}
    assert model.log_likelihood_ == pytest.approx(-9582.42556, abs=5e-5)


def test_trap_01_one_time_buyers_are_alive_by_definition(bg, histories):
    frame = histories([0, 0, 1], [0, 0, 2], [1, 400, 400])
    alive = bg.probability_alive(frame)
    assert alive.iloc[0] == alive.iloc[1] == 1
    assert alive.iloc[2] < 0.2
    assert bg.probability_no_purchase(frame, 13).iloc[1] > 0.99


def test_trap_02_no_purchase_of_a_one_time_buyer_is_the_gamma_mixture_alone(bg, histories):
    frame = histories([0, 0], [0, 0], [10.0, 39.0])
    r, alpha = bg.params_["r"], bg.params_["alpha"]
    closed = ((alpha + frame["T"]) / (alpha + frame["T"] + 13)) ** r
    assert bg.probability_no_purchase(frame, 13).to_numpy() == pytest.approx(closed.to_numpy(), rel=1e-14)
