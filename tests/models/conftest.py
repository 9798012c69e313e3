"""CDNOW's summary, frames of histories, and an event-by-event simulator that shares no line with the package's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron.features import rfm_summary
from patron.models import TRANSACTION_MODELS, BetaGeoNBD, GammaGamma
from patron.models.family.transaction import TransactionModel

TYPICAL = {
    "bg_nbd": {"r": 0.2426, "alpha": 4.4136, "a": 0.7929, "b": 2.4259},
    "mbg_nbd": {"r": 0.5248, "alpha": 6.1831, "a": 0.8914, "b": 1.614},
    "pareto_nbd": {"r": 0.5533, "alpha": 10.5777, "s": 0.6062, "beta": 11.668},
}


@pytest.fixture(scope="session")
def cdnow_summary(cdnow_sample) -> pd.DataFrame:
    """The 2,357 customers of the published estimates: weeks, days merged, the first 39 weeks."""
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week", grain="day")


@pytest.fixture(scope="session", params=TRANSACTION_MODELS)
def model(request) -> TransactionModel:
    """Each transaction model with CDNOW's parameters; a new model joins with its own."""
    return TRANSACTION_MODELS[request.param].from_params(**TYPICAL[request.param], unit="week")


@pytest.fixture(scope="session")
def fitted(model, cdnow_summary) -> TransactionModel:
    """Each transaction model fitted on CDNOW."""
    return type(model)().fit(cdnow_summary)


@pytest.fixture(scope="session")
def bg() -> BetaGeoNBD:
    return BetaGeoNBD.from_params(**TYPICAL["bg_nbd"], unit="week")


@pytest.fixture(scope="session")
def gg() -> GammaGamma:
    return GammaGamma.from_params(p=6.25, q=3.74, v=15.44)


def histories(frequency, recency, T, *, unit="week", **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"frequency": frequency, "recency": recency, "T": T, **columns})
    frame["recency"] = frame["recency"].astype(float)
    frame.attrs["unit"] = unit
    return frame


@pytest.fixture(name="histories", scope="session")
def _histories():
    return histories


@pytest.fixture(scope="session")
def summarise():
    """What a customer's history looks like at age T, from the simulator's events."""

    def summarise(events: pd.DataFrame, T, *, unit="week") -> pd.DataFrame:
        n = int(events["customer_id"].max()) + 1
        ages = np.broadcast_to(np.asarray(T, dtype=float), n)
        seen = events[events["time"] <= ages[events["customer_id"]]]
        grouped = seen.groupby("customer_id")["time"]
        return histories(grouped.size().to_numpy() - 1, grouped.max().to_numpy(), ages, unit=unit)

    return summarise


PLAYED = {
    "bg_nbd": {"r": 0.6, "alpha": 9.0, "a": 0.8, "b": 2.4},
    "mbg_nbd": {"r": 0.8, "alpha": 8.0, "a": 0.7, "b": 2.6},
    "pareto_nbd": {"r": 0.7, "alpha": 8.0, "s": 0.9, "beta": 20.0},
}


def live(name: str, params: dict[str, float], until: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """One customer lived one event at a time: the repeat purchases up to `until`, and when the customer left."""
    pace = rng.gamma(params["r"]) / params["alpha"]
    if name == "pareto_nbd":
        chance, end = 0.0, rng.exponential() * params["beta"] / rng.gamma(params["s"])
    else:
        chance = rng.beta(params["a"], params["b"])
        end = 0.0 if name == "mbg_nbd" and rng.random() < chance else np.inf
    time, times = 0.0, []
    while True:
        time += rng.exponential(1 / pace) if pace > 0 else np.inf
        if time > min(end, until):
            return np.array(times), end
        times.append(time)
        if rng.random() < chance:
            end = time


@pytest.fixture(scope="session", params=TRANSACTION_MODELS)
def played(request):
    """20,000 customers of each model: history at age T, whether alive, purchases after."""
    name, rng = request.param, np.random.default_rng(7)
    params, ages = PLAYED[name], rng.uniform(10, 40, 20_000)
    lives = [live(name, params, T + 104, rng) for T in ages]
    before = [times[times <= T] for (times, _), T in zip(lives, ages, strict=True)]
    frame = histories([len(times) for times in before], [times.max(initial=0.0) for times in before], ages)
    alive = np.array([end > T for (_, end), T in zip(lives, ages, strict=True)])
    after = [times[times > T] - T for (times, _), T in zip(lives, ages, strict=True)]
    return TRANSACTION_MODELS[name].from_params(**params, unit="week"), frame, alive, after
