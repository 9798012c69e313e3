"""A push as the core makes it, through the contract alone, in a time that takes no time."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd

from patron._core.errors import DeliveryError
from patron.delivery import push as core
from patron.delivery.fields import rows_of
from patron.delivery.plan import compare
from patron.delivery.state import Scores, State
from patron.delivery.target import Field
from patron.scoring.table import columns_of

COLUMNS = ("customer_id", "as_of", "churn_probability", "value_horizon_days", "clv", "reason_1", "scored_at")
DAY, STAMP = date(2026, 1, 31), datetime(2026, 2, 1, 4, 30, tzinfo=UTC)


class Time:
    """It passes by sleeping."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


def calm(target):
    """Let a target sleep in a time of its own; that time."""
    time = Time()
    target.patience.sleep, target.patience.clock, target.patience.chance = time.sleep, time.clock, lambda: 0.0
    return time


def fields(names):
    """The fields of COLUMNS by other names."""
    return tuple(
        Field(column, names.get(column.name, column.name), column.decimals("EUR")) for column in columns_of(COLUMNS)
    )


def rows(names, count=7):
    """What a target is given: leading zeros, quotes, line breaks, missing values."""
    ids = [f"{number:03d}" for number in range(1, count + 1)]
    reasons = ['high, "very"', "medium\nlow", "größer", None]
    told = {
        "customer_id": ids,
        "as_of": [DAY] * count,
        "churn_probability": [0.25, 1e-06, 1.0, None] * count,
        "reason_1": reasons * count,
        "value_horizon_days": [365] * count,
        "clv": [1234.5, 0.0, None, 1e6] * count,
        "scored_at": [STAMP] * count,
    }
    columns = [names.get(name, name) for name in COLUMNS]
    frame = {name: pd.Series(told[column][:count], dtype=object) for name, column in zip(columns, COLUMNS, strict=True)}
    return pd.DataFrame(frame).set_axis(pd.Index(ids, name="customer_id"))


def held(names, count=7):
    """What a CRM holds after an undisturbed delivery of `rows`."""
    texts = {
        "as_of": ["2026-01-31"] * count,
        "churn_probability": ["0.25", "0.000001", "1", None] * count,
        "reason_1": ['high, "very"', "medium\nlow", "größer", None] * count,
        "value_horizon_days": ["365"] * count,
        "clv": ["1234.5", "0", None, "1000000"] * count,
        "scored_at": ["2026-02-01T04:30:00.000Z"] * count,
    }
    customers = [f"{number:03d}" for number in range(1, count + 1)]
    return {
        customer: {
            names.get("customer_id", "customer_id"): customer,
            **{names.get(column, column): text[place] for column, text in texts.items() if text[place] is not None},
        }
        for place, customer in enumerate(customers)
    }


@dataclass
class Push:
    """What came of a push."""

    accepted: set = field(default_factory=set)
    refused: dict = field(default_factory=dict)
    tokens: list = field(default_factory=list)
    errors: list = field(default_factory=list)


def push(target, frame, rounds=3):
    """Push until every row is accepted, so many times at the most: what was refused or is unknown goes again."""
    done = Push()
    for _ in range(rounds):
        before = len(done.tokens)
        try:
            for batch in target.batches(frame.drop(index=list(done.accepted))):
                before = len(done.tokens)
                took(done, target.send(batch, done.tokens.append), batch.index)
        except DeliveryError as error:
            done.errors.append(error)
            if done.tokens[before:]:
                took(done, target.settle(done.tokens[-1]), frame.index)
        if len(done.accepted) == len(frame):
            break
    return done


def took(done, answer, sent):
    if answer is None:
        return
    assert answer.accepted.isdisjoint(answer.refused)
    assert {*answer.accepted, *answer.refused} <= set(sent)
    done.accepted |= answer.accepted
    done.refused.update(answer.refused)


def pushed_by_core(target, folder, count=7):
    """Push through the core, which remembers in ``folder``; what it did."""
    ids = [f"{number:03d}" for number in range(1, count + 1)]
    told = rows({}, count).assign(
        as_of=pd.Timestamp(DAY),
        scored_at=pd.Timestamp(STAMP),
        churn_probability=lambda frame: frame["churn_probability"].astype("float64"),
        clv=lambda frame: frame["clv"].astype("float64"),
        reason_1=lambda frame: frame["reason_1"].astype("str"),
    )
    said = rows_of(told.reset_index(drop=True).assign(customer_id=ids), target.fields)
    with State(folder / "state.sqlite") as state:
        core.settle(state, target, "crm")
        scoring = Scores("2026-01-31", 1, "digest")
        plan = compare(target, "crm", "push", scoring, said, state.known("crm"), state.failed("crm"))
        return core.push(state, target, plan, said, folder)
