"""Customers simulated exactly as each model says they behave; numpy.random.seed makes them repeatable."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.models.maths.gamma_poisson import simulate

Array = npt.NDArray[np.float64]


def beta_geometric_nbd_model(T: Any, r: float, alpha: float, a: float, b: float, size: int = 1) -> pd.DataFrame:
    """Simulate BG/NBD customers.

    Parameters
    ----------
    T : array_like
        How long each is observed.
    r, alpha, a, b : float
        The parameters.
    size : int
        How many customers.

    Returns
    -------
    DataFrame
        Indexed by customer_id: frequency, recency, T, lambda, p, alive.
    """
    return _summary(*_beta_dropout(T, r, alpha, a, b, size, chances=0))


def beta_geometric_nbd_model_transactional_data(
    T: Any,
    r: float,
    alpha: float,
    a: float,
    b: float,
    observation_period_end: Any = "2019-1-1",
    freq: Any = "D",
    size: int = 1,
) -> pd.DataFrame:
    """Simulate the purchases of BG/NBD customers.

    Parameters
    ----------
    T : array_like
        How long each is observed.
    r, alpha, a, b : float
        The parameters.
    observation_period_end : date_like
        The moment to which all are observed.
    freq : str
        The unit of T: 'D', 'W', 'h'.
    size : int
        How many customers.

    Returns
    -------
    DataFrame
        customer_id and date of every purchase, the first at `observation_period_end` - T.
    """
    customers, customer, time = _beta_dropout(T, r, alpha, a, b, size, chances=0)
    unit: Any = pd.to_timedelta(1, unit=freq)
    first = pd.to_datetime(observation_period_end) - customers["T"] * unit
    repeats = pd.DataFrame({"customer_id": customer, "date": first.iloc[customer].reset_index(drop=True) + time * unit})
    firsts = pd.DataFrame({"customer_id": np.arange(size), "date": first})
    return pd.concat([firsts, repeats]).sort_values(["customer_id", "date"], ignore_index=True)


def pareto_nbd_model(T: Any, r: float, alpha: float, s: float, beta: float, size: int = 1) -> pd.DataFrame:
    """Simulate Pareto/NBD customers.

    Parameters
    ----------
    T : array_like
        How long each is observed.
    r, alpha, s, beta : float
        The parameters.
    size : int
        How many customers.

    Returns
    -------
    DataFrame
        Indexed by customer_id: frequency, recency, T, lambda, mu, alive.
    """
    rng, ages = _generator(), _ages(T, size)
    rate, leaving = rng.gamma(r, 1 / alpha, size), rng.gamma(s, 1 / beta, size)
    with np.errstate(divide="ignore", over="ignore"):
        lifetime = rng.standard_exponential(size) / leaving
    customer, time = simulate(rate, np.minimum(ages, lifetime), rng)
    customers = pd.DataFrame({"T": ages, "lambda": rate, "mu": leaving, "alive": lifetime > ages})
    return _summary(customers, customer, time)


def modified_beta_geometric_nbd_model(
    T: Any, r: float, alpha: float, a: float, b: float, size: int = 1
) -> pd.DataFrame:
    """Simulate MBG/NBD customers.

    Parameters
    ----------
    T : array_like
        How long each is observed.
    r, alpha, a, b : float
        The parameters.
    size : int
        How many customers.

    Returns
    -------
    DataFrame
        Indexed by customer_id: frequency, recency, T, lambda, p, alive.
    """
    return _summary(*_beta_dropout(T, r, alpha, a, b, size, chances=1))


def beta_geometric_beta_binom_model(
    N: Any, alpha: float, beta: float, gamma: float, delta: float, size: int = 1
) -> pd.DataFrame:
    """Simulate BG/BB customers, who may buy at each opportunity while alive, and leave before any of them.

    Parameters
    ----------
    N : array_like
        How many opportunities each has.
    alpha, beta : float
        The parameters of buying.
    gamma, delta : float
        The parameters of leaving.
    size : int
        How many customers.

    Returns
    -------
    DataFrame
        frequency, recency, n_periods, p, theta, alive (at the opportunity after the last), customer_id.
    """
    rng, chances = _generator(), _ages(N, size)
    p, theta = rng.beta(alpha, beta, size), rng.beta(gamma, delta, size)
    lived = rng.geometric(np.maximum(theta, 1e-12)) - 1
    opportunity = np.arange(1, int(chances.max(initial=0)) + 1)
    bought = rng.random((size, len(opportunity))) < p[:, None]
    bought &= opportunity <= np.minimum(lived, chances)[:, None]
    return pd.DataFrame(
        {
            "frequency": bought.sum(axis=1),
            "recency": (bought * opportunity).max(axis=1, initial=0),
            "n_periods": chances,
            "p": p,
            "theta": theta,
            "alive": lived > chances,
            "customer_id": np.arange(size),
        }
    ).astype(float)


def _beta_dropout(
    T: Any, r: float, alpha: float, a: float, b: float, size: int, chances: int
) -> tuple[pd.DataFrame, npt.NDArray[np.int64], Array]:
    """Return the customers, and customer and time of each repeat purchase; `chances` to leave before the first."""
    rng, ages = _generator(), _ages(T, size)
    rate, p = rng.gamma(r, 1 / alpha, size), rng.beta(a, b, size)
    most = rng.geometric(np.maximum(p, 1e-12)) - chances
    customer, time = simulate(rate, ages, rng)
    wanted = np.bincount(customer, minlength=size)
    place = np.arange(len(customer)) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    kept = place < most[customer]
    customers = pd.DataFrame({"T": ages, "lambda": rate, "p": p, "alive": wanted < most})
    return customers, customer[kept], time[kept]


def _summary(customers: pd.DataFrame, customer: npt.NDArray[np.int64], time: Array) -> pd.DataFrame:
    recency = np.zeros(len(customers))
    np.maximum.at(recency, customer, time)
    customers.insert(0, "frequency", np.bincount(customer, minlength=len(customers)))
    customers.insert(1, "recency", recency)
    return customers.astype(float).rename_axis("customer_id")


def _ages(T: Any, size: int) -> Array:
    """Return the first `size` of the ages, or one for all."""
    given = np.asarray(T, dtype=np.float64)
    return np.full(size, float(given)) if given.ndim == 0 else given[:size]


def _generator() -> np.random.Generator:
    return np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002  # so that numpy.random.seed governs it
