"""CDNOW's summary, frames of histories, and an event-by-event simulator that shares no line with the package's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from patron.features import rfm_summary
from patron.models import BetaGeoNBD, GammaGamma


@pytest.fixture(scope="session")
def cdnow_summary(cdnow_sample) -> pd.DataFrame:
    """The 2,357 customers of the published estimates: weeks, days merged, the first 39 weeks."""
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week", grain="day")


@pytest.fixture(scope="session")
def bg() -> BetaGeoNBD:
    return BetaGeoNBD.from_params(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259, unit="week")


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


@pytest.fixture(scope="session")
def played():
    """20,000 BG/NBD customers lived through one event at a time: history at age T, whether alive, purchases after."""
    rng = np.random.default_rng(7)
    r, alpha, a, b = 0.6, 9.0, 0.8, 2.4
    rows, after = [], []
    for _ in range(20_000):
        T = rng.uniform(10, 40)
        pace, leaving = rng.gamma(r) / alpha, rng.beta(a, b)
        time, x, t_x, alive, later = 0.0, 0, 0.0, True, []
        while alive:
            time += rng.exponential(1 / pace) if pace > 0 else np.inf
            if time > T + 104:
                break
            left = rng.random() < leaving
            if time <= T:
                x, t_x, alive = x + 1, time, not left
            else:
                later.append(time - T)
                if left:
                    break
        rows.append((x, t_x, T, alive))
        after.append(np.array(later))
    frame = histories(*(np.array(part) for part in list(zip(*rows, strict=True))[:3]))
    alive = np.array([row[3] for row in rows])
    return BetaGeoNBD.from_params(r=r, alpha=alpha, a=a, b=b, unit="week"), frame, alive, after
