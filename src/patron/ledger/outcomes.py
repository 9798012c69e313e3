"""What happened after a scoring, and who was treated meanwhile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

from patron._core.calendar import date_of, day_number
from patron.data import TransactionLog
from patron.features import snapshots

_PLAN: Final = re.compile(r"as_of=(\d{4}-\d{2}-\d{2})")


def outcomes(log: TransactionLog, as_of: int, horizon: int) -> pd.DataFrame:
    """Tell what every customer of a day did in the days after it, as `snapshots` labels it.

    Parameters
    ----------
    log : TransactionLog
    as_of : int
        Day number.
    horizon : int
        Days; all of them observed.

    Returns
    -------
    DataFrame
        Indexed by customer_id: churned (0 or 1), spend_next (major units), first (day of the first purchase).

    Raises
    ------
    DataError
        The day lies outside the log, or its horizon is not wholly observed.
    """
    rows = snapshots(log, date_of(as_of), f"{horizon} days", which=["T"]).droplevel("as_of")
    first = pd.Timestamp(date_of(as_of)) - pd.to_timedelta(rows["T"], unit="D")
    return rows[["churned", "spend_next"]].assign(first=first)


class Treatments:
    """Who was contacted around a scoring, by plan or by event, and who was set aside as control.

    Parameters
    ----------
    log : TransactionLog
        Its events are looked at.
    plans : Path
        Where plans are kept: ``as_of=DAY/version=N/plan.parquet``.
    kind : str, optional
        The kind of event that says that a customer was contacted.

    Attributes
    ----------
    told : list of str
        Plans that could not be read, in words.
    """

    def __init__(self, log: TransactionLog, plans: Path, kind: str | None) -> None:
        self.log = log
        self.plans = plans
        self.kind = kind
        self.told: list[str] = []
        self._read: dict[Path, pd.Series] = {}

    def groups(self, customer_ids: pd.Series, as_of: int, horizon: int) -> pd.Series:
        """Tell each customer's group: 'treated', 'control' or 'untreated'.

        Treated is who a plan of the `horizon` days to the as-of day, or of those after it, says is contacted, and who
        had an event of the kind in those after it. Control is who plans set aside and nobody contacted all the same.
        """
        planned = [self._plan(place) for place in self._places(as_of - horizon, as_of + horizon)]
        contacted = [plan.index[plan == "contact"] for plan in planned] + [self._events(as_of, as_of + horizon)]
        aside = [plan.index[plan == "control"] for plan in planned]
        groups = pd.Series("untreated", customer_ids.index, dtype="str")
        for name, ids in (("control", aside), ("treated", contacted)):
            for some in ids:
                groups = groups.mask(customer_ids.isin(some), name)
        return groups

    def _places(self, after: int, until: int) -> list[Path]:
        found = []
        for place in sorted(self.plans.glob("as_of=*/version=*")):
            day = _PLAN.fullmatch(place.parent.name)
            if day and after < day_number(day[1]) <= until:
                found.append(place)
        return found

    def _plan(self, place: Path) -> pd.Series:
        """Return the group of those a plan contacts or sets aside, by customer."""
        if place not in self._read:
            import pyarrow as pa  # noqa: PLC0415  # only where there are plans
            import pyarrow.parquet as pq  # noqa: PLC0415

            try:
                table = pq.read_table(
                    place / "plan.parquet",
                    columns=["customer_id", "group"],
                    filters=[("group", "in", ["contact", "control"])],
                ).to_pandas()
            except (pa.ArrowException, ValueError, KeyError, OSError) as error:
                why = str(error).partition("\n")[0]
                self.told.append(f"plans/{place.parent.name}/{place.name}: whom it contacts cannot be read: {why}")
                table = pd.DataFrame({"customer_id": [], "group": []}, dtype="str")
            self._read[place] = table.set_index("customer_id")["group"]
        return self._read[place]

    def _events(self, after: int, until: int) -> pd.Index[str]:
        events = self.log.events
        if self.kind is None or events is None:
            return pd.Index([], dtype="str")
        chosen = events.filter((events.kind == self.kind) & (events.day > after) & (events.day <= until))
        found: pd.DataFrame = chosen.select("customer_id").distinct().to_pyarrow().to_pandas()
        ids: pd.Index[str] = pd.Index(found["customer_id"], dtype="str")
        return ids
