"""A plan in words, from what its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

_SHOWN: Final = 3


def chosen_words(told: Mapping[str, Any]) -> list[str]:
    """Say who is contacted, at what cost and for what, and where the cut is."""
    money, terms = told["currency"], told["terms"]
    lines = [
        f"{told['contacted']:,} of {told['customers']:,} customers to contact as of {told['as_of']}: "
        f"cost {money} {told['cost']:,.2f}, expected profit {money} {told['profit']:,.2f}"
        + (f", {told['top']:.0%} of it from the best fifth" if told["contacted"] else "")
    ]
    if told["spent"]:
        where = "nobody" if told["cut_off"] is None else f"an expected profit of {money} {told['cut_off']:,.2f}"
        lines.append(
            f"cut-off: {where}, where the budget of {money} {told['budget']:,.2f} ends; "
            f"{told['left_out']:,} more would bring a profit"
        )
    elif told["cut_off"] is None:
        lines.append("nobody: a contact costs more than it is expected to bring, whoever gets it")
    else:
        lines.append(f"cut-off: an expected profit of {money} {told['cut_off']:,.2f}; all who bring one are chosen")
    if terms["incentive"] == terms["contact_cost"] == 0:
        lines.append("a contact costs nothing here: set plan.contact_cost and plan.incentive to what it does cost")
    lines.append(_left_alone_words(told))
    share = f"{told['control_share']:.0%} of all, drawn once and never contacted"
    lines.append(
        f"control group: {told['control']:,} customers, {share}; {told['control_chosen']:,} of them would be contacted"
    )
    return lines


def _left_alone_words(told: Mapping[str, Any]) -> str:
    money, value, measured = told["currency"], told["terms"]["left_alone"], told["measured"]
    worth = f"a churner left alone is still worth {money} {value:,.2f}"
    if told["left_alone_given"]:
        return f"{worth}, says plan.left_alone"
    if measured is None:
        return (
            f"{worth}: not measured, no day's value horizon has closed with churners in it; so every profit here is "
            "an upper bound. Set plan.left_alone, or take a longer log"
        )
    days = ", ".join(measured["as_of"])
    return f"{worth}: measured on {measured['churners']:,} churners of {days}"


def sizes_words(told: Mapping[str, Any]) -> list[str]:
    """Say how many customers a test of the expected effect takes, and whether there are as many."""
    test = told["test"]
    if test is None:
        return []
    before, after = test["buyers"]
    asked = f"power {test['power']:.0%}, significance {test['significance']:.0%}"
    effects = {"buyers": (f"buyers within {test['days']} days rise from {before:.1%} to {after:.1%}", test["need"])}
    if test["deviation"] is not None:
        more = f"{told['currency']} {test['spend']:,.2f}"
        spread = f"{told['currency']} {test['deviation']:,.2f}"
        effects["spend"] = (f"spend rise by {more} a customer (deviation {spread})", test["need_for_spend"])
    lines = []
    for what, need in effects.values():
        if need is None:
            lines.append(f"test: no effect is expected, {what}")
        else:
            lines.append(f"test: to see {what} takes {need:,} customers in each arm ({asked})")
    enough = {name: need is not None and test["have"] >= need for name, (_, need) in effects.items()}
    have = f"contacted and control tell as much as two arms of {test['have']:,.0f}"
    if all(need is None for _, need in effects.values()):
        return lines
    if test["have"] == 0:
        return [*lines, "      there is no control group among the chosen: no effect will be told apart from chance"]
    if all(enough.values()):
        return [*lines, f"      {have}: enough"]
    few = ", ".join(f"{'enough' if is_so else 'too few'} for {name}" for name, is_so in enough.items())
    return [*lines, f"      {have}: {few}; a larger plan.control, more contacts or several campaigns together would do"]


def ceiling_words(table: pd.DataFrame, currency: str) -> list[str]:
    """Say which channels and months cost more than their customers bring, and for which something is not known."""
    known = table.dropna(subset=["left"])
    lines = []
    if len(known):
        spent = (known["paid"] * known["customers"]).sum()
        worth = (known["ceiling"] * known["customers"]).sum()
        size = known["customers"].sum()
        lines.append(
            f"acquisition: {size:,} customers of known cost, {currency} {spent / size:,.2f} paid for one that brings "
            f"{currency} {worth / size:,.2f}, the most that one may cost; by channel and month in ceilings.csv"
        )
    dear = known[known["left"] < 0].sort_values("left")
    if len(dear):
        told = [
            f"{row.channel} {row.month} ({row.paid:,.2f} for {row.ceiling:,.2f})"
            for row in dear.head(_SHOWN).itertuples()
        ]
        lines.append(f"             {len(dear):,} of {len(known):,} cost more than they bring: {'; '.join(told)}")
    unpaid = sorted(set(table.loc[table["paid"].isna() & (table["customers"] > 0), "channel"]))
    idle = sorted(set(table.loc[table["customers"] == 0, "channel"]))
    if unpaid:
        lines.append(f"             customers without a cost, in channels {', '.join(unpaid)}")
    if idle:
        lines.append(f"             costs without customers, in channels {', '.join(idle)}")
    return lines
