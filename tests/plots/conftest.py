import numpy as np
import pandas as pd
import pytest

from patron.features import rfm_summary


@pytest.fixture(scope="session")
def churn():
    """Labels drawn with the very probabilities that are predicted."""
    rng = np.random.default_rng(3)
    predicted = rng.beta(2, 1, 3_000)
    return (rng.uniform(size=3_000) < predicted).astype(int), predicted


@pytest.fixture(scope="session")
def spend():
    rng = np.random.default_rng(4)
    predicted = rng.lognormal(2, 1, 2_000)
    return predicted * rng.gamma(0.5, 2.0, 2_000), predicted


@pytest.fixture(scope="session")
def scores(churn, spend):
    return pd.DataFrame(
        {
            "customer_id": [f"zzqx{i:05d}" for i in range(2_000)],
            "churn_probability": churn[1][:2_000],
            "expected_revenue": spend[1],
        }
    )


@pytest.fixture(scope="session")
def summary(cdnow_sample):
    return rfm_summary(cdnow_sample, "1997-09-30", unit="week")


@pytest.fixture(scope="session")
def leaderboard():
    rows = [
        (recipe, day, population, metric, value, low, high)
        for day, shift in (("1998-03-03", 1.0), ("1998-03-31", 0.0))
        for population in ("all", "active")
        for metric, recipe, value, low, high in (
            ("brier", "base_rate", 0.13 + shift, 0.12 + shift, 0.14 + shift),
            ("brier", "stack", 0.10 + shift, 0.09 + shift, 0.11 + shift),
            ("auc", "base_rate", 0.50, 0.45, 0.55),
            ("auc", "stack", 0.79, 0.78, 0.80),
            ("ece", "stack", 0.01, np.nan, np.nan),
            ("bias", "average", 1.40, 1.30, 1.50),
            ("bias", "blend", 0.95, 0.90, 1.00),
            ("rmse", "blend", 21.0, 20.0, 22.0),
        )
    ]
    return pd.DataFrame(rows, columns=["recipe", "as_of", "population", "metric", "value", "low", "high"])
