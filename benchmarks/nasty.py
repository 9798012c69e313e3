"""How robust: every transaction model on 200 nasty data sets; a fit converges, or says in words why it cannot."""

from __future__ import annotations

import contextlib
import functools
import itertools
import signal
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.bar import Bar, Result
from patron import PatronWarning
from patron._core.errors import FitError, NotIdentifiedWarning
from patron.models import TRANSACTION_MODELS
from patron.models.family.transaction import TransactionModel

SETS: Final = 200
KINDS: Final = ("staggered", "staggered", "cohort", "heavy", "staggered", "cohort", "stays", "once", "sparse", "short")
"""What set i is: both purchases and dropout, of staggered ages, one cohort, or up to 500 purchases a customer; nobody
leaves; nobody returns; hardly anybody returns; a few days of history."""

BOTH: Final = ("staggered", "cohort", "heavy")
"""The kinds generated with both purchases and dropout."""

PATIENCE: Final = 20.0
"""CPU seconds lifetimes gets for a fit (Patron's take hundredths): some would take minutes."""


@dataclass(frozen=True)
class Outcome:
    """How one fit ended: 'converged', 'diagnosed' or what went wrong; log-likelihoods are NaN without a fit."""

    kind: str
    maker: str
    model: str
    end: str
    ours: float
    theirs: float


def nasty(i: int) -> tuple[str, str, pd.DataFrame]:
    """Return the i-th data set, the same every time: its kind, the model that made it, and the frame, in days.

    What a set with purchases and dropout must tell is in it: customers differ in how often they buy and in how soon
    they leave (both shapes between .3 and 1.5), one who stays buys 2 to 20 times on average, a heavy one 50 to 200
    times, and a fifth to four fifths of a base leave while it is observed.
    """
    rng = np.random.default_rng(i)
    kind, maker = KINDS[i % len(KINDS)], list(TRANSACTION_MODELS)[i // len(KINDS) % len(TRANSACTION_MODELS)]
    n = int(np.exp(rng.uniform(np.log(100), np.log(2000))))
    longest = {"heavy": 10 ** rng.uniform(2.9, 3.48), "short": rng.uniform(4, 12)}.get(
        kind, 10 ** rng.uniform(1.7, 3.48)
    )
    purchases = {"heavy": 10 ** rng.uniform(1.7, 2.3), "sparse": 5 / n, "once": 1e-9}.get(
        kind, 10 ** rng.uniform(0.3, 1.3)
    )
    (r, shape), gone = np.exp(rng.uniform(np.log(0.3), np.log(1.5), 2)), rng.uniform(0.2, 0.8)
    buying, left = {"r": r, "alpha": r * longest / purchases}, -np.log1p(-gone)
    if kind == "stays":
        maker, leaving = "bg_nbd", {"a": 1.0, "b": 1e9}
    elif maker == "pareto_nbd":
        leaving = {"s": shape, "beta": shape * longest / left}
    else:
        leaving = {"a": shape, "b": shape / np.expm1(left / max(purchases, 1))}
    T = np.ceil(longest * (1 if kind == "cohort" else rng.uniform(0.3, 1, n)) * np.ones(n))
    log = TRANSACTION_MODELS[maker].from_params(unit="day", **buying, **leaving).sample(n, T, seed=i)
    days = np.floor(log["time"]).groupby(log["customer_id"]).agg(["nunique", "max"])
    frame = pd.DataFrame({"frequency": days["nunique"] - 1, "recency": days["max"], "T": T})
    frame = frame[frame["frequency"] <= 500].reset_index(drop=True)
    frame.attrs["unit"] = "day"
    return kind, maker, frame


def fit(model: type[TransactionModel], kind: str, maker: str, frame: pd.DataFrame, *, second: bool = True) -> Outcome:
    """Fit one model to one set; `second` asks lifetimes too."""
    theirs = _theirs(model, frame) if second else np.nan
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            mine = model().fit(frame)
        except FitError:
            return Outcome(kind, maker, model.name, "diagnosed", np.nan, theirs)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what the bar counts
            return Outcome(kind, maker, model.name, f"{type(error).__name__}: {error}", np.nan, theirs)
    strange = [str(w.message) for w in said if not issubclass(w.category, PatronWarning)]
    told = any(issubclass(w.category, NotIdentifiedWarning) for w in said)
    identified = mine.standard_errors_.notna()
    if strange or not np.isfinite(mine.log_likelihood_):
        end = "; ".join(["not finite", *strange])
    elif told != bool(mine.not_identified_) or set(mine.params_.index[~identified]) != set(mine.not_identified_):
        end = "diagnosis and standard errors contradict each other"
    else:
        end = "diagnosed" if told else "converged"
    return Outcome(kind, maker, model.name, end, mine.log_likelihood_, theirs)


def _theirs(model: type[TransactionModel], frame: pd.DataFrame) -> float:
    """Log-likelihood, by our measure, where lifetimes converged within its time; NaN where it did not."""

    def stop(*_: object) -> None:
        raise TimeoutError

    fitter = model(solver="lifetimes")
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(None):  # it prints what went wrong
            warnings.simplefilter("ignore")
            return fitter.fit(frame).log_likelihood_
    except Exception:  # noqa: BLE001  # it fails in many ways
        return np.nan
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcomes(sets: Iterable[int], *, second: bool = True) -> list[Outcome]:
    """Fit every transaction model to each of the sets."""
    drawn = (nasty(i) for i in sets)
    return [fit(model, *data, second=second) for data, model in itertools.product(drawn, TRANSACTION_MODELS.values())]


@functools.cache
def _all() -> list[Outcome]:
    return outcomes(range(SETS))


def ended() -> Result:
    told = _all()
    wrong = [outcome for outcome in told if outcome.end not in ("converged", "diagnosed")]
    failed = np.mean([np.isnan(outcome.theirs) for outcome in told])
    example = f"; for example {wrong[0]}" if wrong else ""
    return Result(
        1 - len(wrong) / len(told), "lifetimes", 1 - failed, "of its fits end", 1, f"{len(told)} fits{example}"
    )


def likelihood() -> Result:
    both = [outcome for outcome in _all() if np.isfinite(outcome.theirs)]
    short = [(o.theirs - o.ours) / abs(o.theirs) if np.isfinite(o.ours) else np.inf for o in both]
    better = np.mean([value < -1e-6 for value in short])
    worst = both[int(np.argmax(short))]
    note = f"{len(both)} fits both have; ours higher by more than 1e-6 in {better:.0%}; worst {worst}"
    return Result(max(short), "lifetimes", 0.0, "log-likelihood", 1, note)


def identified() -> Result:
    both = [outcome for outcome in _all() if outcome.kind in BOTH]

    def share(some: Iterable[Outcome]) -> float:
        return float(np.mean([outcome.end == "converged" for outcome in some]))

    each = [f"{name} {share(o for o in both if o.model == name):.0%}" for name in TRANSACTION_MODELS]
    own = share(o for o in both if o.model == o.maker)
    theirs = float(np.mean([np.isfinite(outcome.theirs) for outcome in both]))
    note = f"{', '.join(each)}; under the model that made the set {own:.0%}"
    return Result(share(both), "lifetimes", theirs, "of its fits end", 1, note)


BARS = [
    Bar("nasty-ended", "of 200 nasty fits a model end converged or with a diagnosis", 1.0, "high", ended),
    Bar("nasty-likelihood", "below lifetimes' log-likelihood, relative, at worst", 1e-6, "low", likelihood),
    Bar(
        "nasty-identified",
        "of fits, every model on every set with purchases and dropout, converge undiagnosed",
        0.8,
        "high",
        identified,
    ),
]
