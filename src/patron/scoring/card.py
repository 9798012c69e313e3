"""The model card: what a bundle is, how it did, what it cannot do and how to load it, in words for whoever finds it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from patron.scoring.bundle import TASKS, Input, Manifest

_TEMPLATE = """# {name}, version {version}

Scores the customers of a transaction log: how likely each is to buy nothing in the next {churn_horizon} days, and what
each is worth over the next {value_horizon}.

## What it is

| | |
|---|---|
| Churn | `{churn}`: the probability of no purchase in the next {churn_horizon} days |
| Value | `{value}`: spend over {test_horizon} days, carried to {value_horizon} by the transaction model |
| Purchases | {transaction}, time in {unit}s, purchases of one {grain} merged |
| Money | {spend}, in {currency} |
| Trained on | what was known at the end of {as_of} |
{training}| Features | {features} |

## How it did

{result}

## How to read it

- `clv` is residual: from the as-of day on, what is past is not in it. It counts {clv_basis} (annual effective rate,
  discounted continuously){margin}.
- `churn_probability` is not 1 - `p_alive`. The first asks whether a purchase will come in {churn_horizon} days, the
  second whether the customer still is one.
- `p_alive` is empty where the transaction model says 1 of a customer without a repeat purchase. BG/NBD says so of
  every one of them, because in it customers leave only right after a repeat purchase: it is the model, not health.
- `expected_revenue` and `clv` take the champion's spend over {test_horizon} days and stretch it, customer by customer,
  by the transaction model's purchases over {value_horizon} against those over {test_horizon} days.
- Reasons are written for the {reasons_rows:,} rows with the largest {reasons_by}; elsewhere they are empty.
- Each number is an expectation. One customer's outcome will lie far from it; a thousand customers' sum will not.

## Limits

- It knows purchases alone, as they came on the days it was trained on: a new product, price or market is not in it.
- Customers are scored who bought at least once by the as-of day. A first purchase before the log begins is not seen.
- It holds no customer: only parameters, trees and this text.

## How to load it

```python
import patron

scorer = patron.Scorer.load("models/{name}")
table = scorer.score(patron.features(log, as_of="{as_of}", unit="{unit}", grain="{grain}"))
```
"""


def card(
    manifest: Manifest,
    inputs: Sequence[Input],
    *,
    transaction: str,
    spend: str,
    leaderboard: pd.DataFrame | None = None,
) -> str:
    """Write the model card.

    Parameters
    ----------
    manifest : Manifest
    inputs : sequence of Input
    transaction, spend : str
        The two models in words: 'BG/NBD', 'Gamma-Gamma'.
    leaderboard : DataFrame, optional
        ``Backtest.table`` of both tasks: task, recipe, as_of, population, metric, value. The card shows the last test
        day, all customers.

    Returns
    -------
    str
        Markdown.
    """
    return _TEMPLATE.format(
        **{key: getattr(manifest, key) for key in _PLAIN},
        churn=manifest.recipes["churn"]["name"],
        value=manifest.recipes["value"]["name"],
        transaction=transaction,
        spend=spend,
        training="".join(f"| {key.replace('_', ' ').capitalize()} | {_said(manifest.training[key])} |\n"
                         for key in sorted(manifest.training)),
        features=", ".join(f"`{column.name}`" for column in inputs),
        result=_result(manifest, leaderboard),
        margin=": revenue, not margin" if manifest.margin == 1 else "",
        reasons_rows=manifest.reasons["rows"],
        reasons_by=str(manifest.reasons["by"]).replace("_", " "),
    )  # fmt: skip


_PLAIN = (
    "name", "version", "as_of", "unit", "grain", "currency",
    "churn_horizon", "value_horizon", "test_horizon", "clv_basis",
)  # fmt: skip


def _said(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _result(manifest: Manifest, leaderboard: pd.DataFrame | None) -> str:
    if leaderboard is None:
        return "No backtest was run."
    parts = []
    everyone = leaderboard[leaderboard["population"] == "all"]
    for task in TASKS:
        board = everyone[everyone["task"] == task]
        last = board[board["as_of"] == board["as_of"].max()]
        wide = last.pivot_table(index="recipe", columns="metric", values="value", sort=False)
        champion = manifest.recipes[task]["name"]
        lines = [f"| {task} | {' | '.join(wide.columns)} |", "|---" * (len(wide.columns) + 1) + "|"]
        for recipe, values in wide.iterrows():
            name = f"**{recipe}**" if recipe == champion else str(recipe)
            lines.append(f"| {name} | {' | '.join(f'{value:.4g}' for value in values)} |")
        day = pd.Timestamp(last["as_of"].iloc[0]).date()
        parts.append(f"On the test day {day}, which no choice was made on, all customers:\n\n" + "\n".join(lines))
    return "\n\n".join(parts)
