import numpy as np
import pandas as pd
import pytest

from patron.data.readers import read_transactions
from patron.models import BetaGeoNBD
from patron.recipes.training import Timeline, training_days

HORIZON = 42
T = pd.Timestamp("2024-08-31")


def simulated(customers=700, seed=56):
    """A base that gathers over ten weeks of 2024 and buys as BG/NBD says, at each customer's own price."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 70, customers)
    bought = BetaGeoNBD.from_params(r=0.6, alpha=30.0, a=0.8, b=2.5, unit="day").sample(
        customers, 330 - start, seed=seed
    )
    who = bought["customer_id"].to_numpy()
    price = rng.gamma(6.0, 25.0 / rng.gamma(4.0, 1.0, customers))
    return pd.DataFrame(
        {
            "customer_id": np.char.mod("c%05d", who),
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.floor(bought["time"]) + start[who], unit="D"),
            "amount": np.round(rng.gamma(6.0, price[who] / 6.0) + 0.01, 2),
        }
    )


@pytest.fixture(scope="session")
def transactions():
    return simulated()


@pytest.fixture(scope="session")
def line(transactions):
    return Timeline(read_transactions(transactions, observed_until="2024-11-25"), HORIZON, unit="week")


@pytest.fixture(scope="session")
def data(line):
    return line.training(T, training_days(line.log.first_day, T, HORIZON, 28))


@pytest.fixture(scope="session")
def rows(line):
    return line.test(T)
