import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

HORIZON = 42


def made(n=1500, days=6, every=28, seed=3):
    """Customers at several as-of days: churn depends on silence and on a pace that only the offset knows."""
    rng = np.random.default_rng(seed)
    stamps = pd.date_range("2024-03-01", periods=days, freq=f"{every}D").astype("datetime64[us]")
    index = pd.MultiIndex.from_product([stamps, np.char.mod("c%04d", np.arange(n))], names=["as_of", "customer_id"])
    index = index.swaplevel()
    silence = rng.gamma(2.0, 30.0, len(index))
    pace = rng.normal(-0.5, 1.0, len(index))
    gap = np.where(rng.random(len(index)) < 0.3, np.nan, rng.gamma(2.0, 10.0, len(index)))
    churned = rng.random(len(index)) < expit(pace + 0.02 * (silence - 60))
    return pd.DataFrame(
        {
            "frequency": np.where(np.isnan(gap), 0, 3),
            "days_since_last": np.round(silence),
            "gap_mean": gap,
            "spend_90": rng.gamma(1.0, 50.0, len(index)),
            "pace": logit(expit(pace)),
            "churned": churned.astype("int8"),
        },
        index=index,
    )


@pytest.fixture(scope="session")
def frame():
    return made()


@pytest.fixture(scope="session", name="X")
def features_alone(frame):
    return frame.drop(columns=["churned", "pace"])


@pytest.fixture(scope="session")
def y(frame):
    return frame["churned"]
