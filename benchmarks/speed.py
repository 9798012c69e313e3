"""How fast the models are: fits, scores and values of a million customers against lifetimes, in the same run.

Both sides get the same frame in memory, one row a customer, in days; what either does to it first is inside the time.
Medians of five runs of each, after one that does not count.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, Final

import numpy as np
import pandas as pd

import patron
from benchmarks.bar import Bar, Result, cpu
from patron.compat import lifetimes as compat
from patron.models import TRANSACTION_MODELS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifetimes warns at import on today's pandas
    import lifetimes

MILLION: Final = 1_000_000
CDNOW: Final = {"r": 0.2426, "alpha": 4.4136 * 7, "a": 0.7929, "b": 2.4259}
SPEND: Final = {"p": 6.25, "q": 3.74, "v": 15.44}
PEERS: Final = {
    "bg_nbd": lifetimes.BetaGeoFitter,
    "mbg_nbd": lifetimes.ModifiedBetaGeoFitter,
    "pareto_nbd": lifetimes.ParetoNBDFitter,
}


@functools.cache
def customers(n: int, seed: int = 1) -> pd.DataFrame:
    """One row a customer, in days: CDNOW's parameters, first days spread over a year, half a year more of history."""
    rng = np.random.default_rng(seed)
    age = rng.integers(180, 545, n).astype(float)
    log = patron.BetaGeoNBD.from_params(unit="day", **CDNOW).sample(n, age, seed=seed)
    days = np.floor(log["time"]).groupby(log["customer_id"]).agg(["nunique", "max"])
    repeats = (days["nunique"] - 1).to_numpy()
    bought = np.maximum(repeats, 1)
    pace = rng.gamma(SPEND["q"], 1 / SPEND["v"], n)
    mean = np.round(rng.gamma(SPEND["p"] * bought) / pace, 2).clip(0.01) / bought
    frame = pd.DataFrame(
        {
            "frequency": repeats,
            "recency": days["max"].to_numpy(),
            "T": age,
            "monetary_value": np.where(repeats > 0, mean, 0.0),
        }
    )
    frame.attrs = {"unit": "day", "grain": "day", "include_first": False}
    return frame


def history(frame: pd.DataFrame) -> list[pd.Series]:
    return [frame[name] for name in ("frequency", "recency", "T")]


def known(fitter: Any, params: dict[str, float]) -> Any:
    """Give a lifetimes fitter its parameters, as if it had found them."""
    fitter.params_ = pd.Series(params)
    fitter.predict = getattr(fitter, "conditional_expected_number_of_purchases_up_to_time", None)
    return fitter


def against(ours: float, theirs: float, note: str) -> Result:
    note = f"patron {ours:.3g} CPU s; {note}"
    return Result(theirs / ours, f"lifetimes {lifetimes.__version__}", theirs, "CPU s", 5, note)


def apart(ours: Any, theirs: Any) -> str:
    """How far the two answers differ: a ratio of times means nothing between different answers."""
    return f"parameters apart by {(theirs.params_[ours.params_.index] / ours.params_ - 1).abs().max():.1g}"


def transaction_fit(name: str, n: int) -> Result:
    frame = customers(MILLION).head(n)
    model, peer = TRANSACTION_MODELS[name](), PEERS[name]()
    ours = cpu(lambda: model.fit(frame))
    theirs = cpu(lambda: peer.fit(*history(frame)))
    return against(ours, theirs, apart(model, peer))


def gamma_gamma_fit() -> Result:
    frame = customers(MILLION)
    buyers = frame[frame["frequency"] > 0]
    model, peer = patron.GammaGamma(), lifetimes.GammaGammaFitter()
    ours = cpu(lambda: model.fit(frame))
    theirs = cpu(lambda: peer.fit(buyers["frequency"], buyers["monetary_value"]))
    return against(ours, theirs, apart(model, peer))


def score() -> Result:
    frame = customers(MILLION)
    model = patron.BetaGeoNBD.from_params(unit="day", **CDNOW)
    peer = known(lifetimes.BetaGeoFitter(), CDNOW)
    ours = cpu(lambda: (model.probability_alive(frame), model.expected_purchases(frame, "91 days")))
    theirs = cpu(lambda: (peer.conditional_probability_alive(*history(frame)), peer.predict(91, *history(frame))))
    off = np.abs(model.expected_purchases(frame, "91 days") - peer.predict(91, *history(frame))).max()
    return against(ours, theirs, f"purchases apart by {off:.1g} at most")


def clv() -> Result:
    frame = customers(MILLION)
    value = patron.CustomerValue(
        patron.BetaGeoNBD.from_params(unit="day", **CDNOW), patron.GammaGamma.from_params(**SPEND)
    )
    peer, spend = known(lifetimes.BetaGeoFitter(), CDNOW), known(lifetimes.GammaGammaFitter(), SPEND)
    columns = [*history(frame), frame["monetary_value"]]
    answers = {}

    def mine() -> None:  # lifetimes' year has 12 months of 30 days
        answers["ours"] = value.predict(frame, horizon="360 days", discount_rate=1.008**12 - 1)["clv"]

    def their() -> None:
        answers["theirs"] = spend.customer_lifetime_value(peer, *columns, time=12, discount_rate=0.008, freq="D")

    ours, theirs = cpu(mine), cpu(their)
    ratio = answers["ours"].sum() / answers["theirs"].sum()
    return against(ours, theirs, f"sum of all values {ratio:.4f} of lifetimes', which discounts month by month")


def same_name_fit() -> Result:
    """Time the fitter that bears lifetimes' name, from the package that is imported in its place."""
    frame = customers(MILLION)
    model, peer = compat.BetaGeoFitter(), lifetimes.BetaGeoFitter()
    ours = cpu(lambda: model.fit(*history(frame)))
    theirs = cpu(lambda: peer.fit(*history(frame)))
    return against(ours, theirs, apart(model, peer))


def fit_bar(id_: str, claim: str, name: str, n: int, threshold: float) -> Bar:
    return Bar(id_, f"times faster than lifetimes, {claim}", threshold, "high", lambda: transaction_fit(name, n))


BARS = [
    fit_bar("bg-nbd-fit", "BG/NBD fit, 1M customers", "bg_nbd", MILLION, 100),
    fit_bar("mbg-nbd-fit", "MBG/NBD fit, 1M customers", "mbg_nbd", MILLION, 100),
    fit_bar("pareto-nbd-fit", "Pareto/NBD fit, 100k customers", "pareto_nbd", 100_000, 150),
    Bar("gamma-gamma-fit", "times faster than lifetimes, Gamma-Gamma fit, 1M customers", 25, "high", gamma_gamma_fit),
    Bar("clv", "times faster than lifetimes, 12-month discounted CLV, 1M customers", 200, "high", clv),
    Bar(
        "coming-from-lifetimes",
        "times faster than lifetimes, its own BetaGeoFitter imported from patron.compat, 1M customers",
        None,
        "high",
        same_name_fit,
    ),
    Bar("score", "times faster than lifetimes, P(alive) and purchases of 91 days, 1M customers", None, "high", score),
]
