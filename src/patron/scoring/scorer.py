"""The scorer: features in, the score table out, each row by itself; it fits nothing and reads no log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from patron._core import showing
from patron._core.calendar import Horizon, as_stamps, day_number
from patron._core.errors import DataError, UnitError
from patron.decisions.contact import Terms, value_if_retained
from patron.decisions.segments import RFM, Basis, Segments, recommended_actions
from patron.features.catalogue import LABELS
from patron.scoring.bundle import Bundle
from patron.scoring.table import REASONS, row_hashes

KEYS: Final = ("customer_id", "as_of")
LEVEL: Final = 0.9
"""Of the bounds of what the base is worth."""


class Scorer:
    """Scores customers with a bundle.

    Parameters
    ----------
    bundle : Bundle

    Examples
    --------
    >>> scorer = Scorer.load("models/cdnow")  # doctest: +SKIP
    >>> table = scorer.score(patron.features(log, as_of="1998-06-30"))  # doctest: +SKIP
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, folder: str | Path) -> Scorer:
        """Return the scorer of a bundle's folder; a DataError if it is not whole."""
        return cls(Bundle.load(folder))

    def __repr__(self) -> str:
        return f"Scorer({self.bundle.manifest.label}, as of {self.bundle.manifest.as_of})"

    def _repr_html_(self) -> str:
        bundle, manifest = self.bundle, self.bundle.manifest
        told = {
            "churn": f"{manifest.recipes['churn']['name']}: no purchase in the next {manifest.churn_horizon} days",
            "value": f"{manifest.recipes['value']['name']}: {manifest.clv_basis}, in {manifest.currency}",
            "purchases": repr(bundle.transaction),
            "spend": repr(bundle.spend),
            "features": f"{len(bundle.inputs)}",
        }
        facts = [manifest.label, f"trained on what was known at the end of {manifest.as_of}"]
        return showing.page("Scorer", facts, [showing.table(["what", "how"], list(told.items()))])

    def score(
        self,
        X: pd.DataFrame,
        *,
        reasons_rows: int | None = None,
        model_version: str | None = None,
        run_id: str | None = None,
        scored_at: dt.datetime | None = None,
    ) -> pd.DataFrame:
        """Score every row of `X`, in its order.

        A customer scored alone gets, bit for bit, what scoring the whole base gives; only the reasons, which go to
        the rows of this call with the most to lose, depend on the others.

        Parameters
        ----------
        X : DataFrame
            What `patron.features` returns, or the same with customer_id and as_of as columns.
        reasons_rows : int, optional
            For how many rows reasons are written; the bundle's own number when left out, 0 for none.
        model_version : str, optional
            What the table calls the model; NAME/VERSION when left out.
        run_id : str, optional
            The run that scores.
        scored_at : datetime, optional
            With a time zone; now, when left out.

        Returns
        -------
        DataFrame
            The columns of `patron.scoring.COLUMNS` that the bundle can fill, one row a customer and day. attrs: base,
            what these customers are worth together: revenue and clv, each expected, low and high, and the level at
            which what comes lies between; empty if the bundle cannot tell how far totals miss.

        Notes
        -----
        With E[h] the transaction model's expected purchases over h, E_d its discounted ones, and S the champion's
        spend over the test horizon t:  expected_revenue = S E[h] / E[t]  and  clv = margin S E_d[h] / E[t].
        The spend model cancels; a customer from whom no purchase is expected is worth 0. The base's bounds are those of
        its total over t, `Spread.total`, in relation to it: that a longer horizon misses by as much is assumed.

        Raises
        ------
        DataError
            No rows, a missing or non-numeric feature, a label among the columns, a customer twice on one day, ids
            that are not text, or a model that gives no number.
        UnitError
            Recency and T are measured in another unit than at training.
        """
        manifest, rows = self.bundle.manifest, self._rows(X)
        moment = (scored_at or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
        horizon = Horizon.parse(manifest.value_horizon)
        days = rows.index.get_level_values("as_of")
        model = self.bundle.transaction
        ahead = model.purchases_ahead(rows, str(horizon), discount_rate=manifest.discount_rate)
        expected, discounted = _array(ahead["expected_purchases"]), _array(ahead["discounted_purchases"])
        tested = _array(model.expected_purchases(rows, f"{manifest.test_horizon} days"))
        spend = np.asarray(self.bundle.value.predict(rows), dtype="float64")
        rate = np.divide(spend, tested, out=np.zeros(len(rows)), where=tested > 0)
        churn = np.asarray(self.bundle.churn.predict(rows), dtype="float64")
        alive = _array(model.probability_alive(rows))
        table = pd.DataFrame(
            {
                "customer_id": rows.index.get_level_values("customer_id"),
                "as_of": days,
                "churn_horizon_days": np.int32(manifest.churn_horizon),
                "churn_probability": churn,
                "churn_band": churn_bands(churn, dict(manifest.bands)),
                "p_alive": _informative(alive, rows["frequency"].to_numpy()),
                "value_horizon_days": _lengths(horizon, days),
                "expected_purchases": expected,
                "spend_per_purchase": _array(self.bundle.spend.expected_spend(rows)),
                "expected_revenue": rate * expected,
                "clv": rate * discounted * manifest.margin,
                "clv_basis": manifest.clv_basis,
            }
        )
        segments = self.bundle.segments
        if segments is not None:
            worth = rate * self._discounted(rows, segments.basis, discounted) * segments.basis.margin
            table = table.assign(**self._decided(segments, rows, table, alive, worth))
        _finite(table)
        for name, texts in self._reasons(rows, table, reasons_rows).items():
            table[name] = texts
        table["model_version"] = model_version or manifest.label
        table["run_id"] = run_id
        table["scored_at"] = pd.Timestamp(moment).as_unit("us")
        table["row_hash"] = row_hashes(table, manifest.currency)
        table.attrs = {"base": self._base(spend, table)}
        return table

    @property
    def terms(self) -> Terms:
        """What contact_profit reckons with; W0 as the configuration gives it, else `left_alone`."""
        given = {name: value for name, value in self.bundle.manifest.campaign.items() if value is not None}
        return Terms(**{"left_alone": self.left_alone, **given})

    @property
    def left_alone(self) -> float:
        """W0 as training measured it, at the margin and over the value horizon that scores are read with; else 0."""
        manifest, segments = self.bundle.manifest, self.bundle.segments
        if segments is None or segments.left_alone is None:
            return 0.0
        ahead = Horizon.parse(manifest.value_horizon).days(day_number(manifest.as_of)) - manifest.churn_horizon
        return segments.left_alone.over(ahead, manifest.margin)

    def columns(self, present: Iterable[str]) -> list[str]:
        """Return which of the columns `present` are scored: customer_id, as_of, then the features as in training.

        Raises
        ------
        DataError
            One of them is missing, or a label is present.
        """
        known = set(present)
        for name in LABELS:
            if name in known:
                raise DataError(
                    "a label, which nobody knows at scoring", column=name, fix="X, labels = patron.split(frame)"
                )
        names = [*KEYS, *(column.name for column in self.bundle.inputs)]
        for name in names:
            if name not in known:
                raise DataError("missing from the features", column=name, fix="score what patron.features returns")
        return names

    def _rows(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the features alone, in the order of training, indexed by customer_id and as_of, with their unit."""
        manifest = self.bundle.manifest
        if not len(X):
            raise DataError("no rows to score", fix="give one row a customer, as patron.features returns them")
        for name in ("unit", "grain"):
            if X.attrs.get(name, getattr(manifest, name)) != getattr(manifest, name):
                raise UnitError(
                    f"features measured with {name} {X.attrs[name]!r} met a bundle trained with "
                    f"{getattr(manifest, name)!r}",
                    fix=f"patron.features(log, as_of, unit={manifest.unit!r}, grain={manifest.grain!r})",
                )
        keyed = X.reset_index() if set(KEYS) & set(X.index.names) else X
        names = self.columns(keyed.columns)[len(KEYS) :]
        rows = keyed[names]
        for name in names:
            if not pd.api.types.is_numeric_dtype(rows[name]):
                raise DataError("not numeric", column=name, example=rows[name].iloc[0], fix="a number a row")
        rows.index = _index(keyed)
        rows.attrs = {"unit": manifest.unit, "grain": manifest.grain}
        return rows

    def _base(self, spend: np.ndarray, table: pd.DataFrame) -> dict[str, Any]:
        """Return what the base is worth, between bounds; `spend` is the champion's, row by row."""
        spread = self.bundle.spread
        if spread is None or not spend.sum() > 0:
            return {}
        low, high = (bound / spend.sum() for bound in spread.total(spend.clip(0.0), LEVEL))
        totals = {"revenue": float(table["expected_revenue"].sum()), "clv": float(table["clv"].sum())}
        worth = {name: {"expected": total, "low": total * low, "high": total * high} for name, total in totals.items()}
        return {**worth, "level": LEVEL}

    def _decided(
        self, segments: Segments, rows: pd.DataFrame, table: pd.DataFrame, alive: np.ndarray, worth: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the columns of segments, actions and profit; `worth` is clv as it was counted for the value bands."""
        manifest = self.bundle.manifest
        kept = value_if_retained(table["expected_purchases"], alive, table["spend_per_purchase"], manifest.margin)
        bands = segments.value_bands(worth)
        risks = [*sorted(manifest.bands, key=lambda name: -manifest.bands[name]), "low"]
        return {
            "value_if_retained": kept,
            "value_band": bands,
            "segment": segments.segments(*(rows[name] for name in RFM)),
            "recommended_action": recommended_actions(bands, table["churn_band"], risks),
            "contact_profit": self.terms.profit(table["churn_probability"], kept),
        }

    def _discounted(self, rows: pd.DataFrame, basis: Basis, known: np.ndarray) -> np.ndarray:
        """Return discounted purchases as they were counted for the value bands; `known` are those as they are read."""
        manifest = self.bundle.manifest
        if (basis.value_horizon, basis.discount_rate) == (manifest.value_horizon, manifest.discount_rate):
            return known
        ahead = self.bundle.transaction.purchases_ahead(rows, basis.value_horizon, discount_rate=basis.discount_rate)
        return _array(ahead["discounted_purchases"])

    def _reasons(self, rows: pd.DataFrame, table: pd.DataFrame, asked: int | None) -> dict[str, np.ndarray]:
        """Return the reasons of the rows with the most to lose, None elsewhere; no column if the champion has none."""
        count = int(self.bundle.manifest.reasons["rows"]) if asked is None else asked
        explain = getattr(self.bundle.churn, "reasons", None)
        if explain is None or count == 0:
            return {}
        by = self.bundle.manifest.reasons["by"]
        loss = table["churn_probability"] * table["expected_revenue"] if by == "expected_loss" else table[by]
        top = np.argsort(-loss.to_numpy(), kind="stable")[:count]
        found = explain(rows.iloc[top], top=len(REASONS))
        written = {}
        for name in REASONS:
            written[name] = np.full(len(rows), None, dtype=object)
            written[name][top] = found[name].astype(object).where(found[name].notna(), None)
        return written


_NUMBERS: Final = (
    "churn_probability", "expected_purchases", "spend_per_purchase", "expected_revenue", "clv", "value_if_retained",
)  # fmt: skip


def churn_bands(probability: np.ndarray, bands: dict[str, float]) -> np.ndarray:
    """Name each churn probability by the highest band whose cut it reaches; 'low' if none.

    Examples
    --------
    >>> churn_bands(np.array([0.6, 0.59, 0.1]), {"high": 0.6, "medium": 0.3}).tolist()
    ['high', 'medium', 'low']
    """
    cuts = sorted(bands.items(), key=lambda band: -band[1])
    return np.select([probability >= cut for _, cut in cuts], [name for name, _ in cuts], "low").astype(object)


def _index(keyed: pd.DataFrame) -> pd.MultiIndex:
    ids = keyed["customer_id"]
    if ids.isna().any():
        raise DataError("missing", column="customer_id", count=int(ids.isna().sum()), fix="every row is of a customer")
    kind = pd.api.types.infer_dtype(ids)
    if kind != "string":
        raise DataError(
            f"ids are text, these are {kind}", column="customer_id", example=ids.iloc[0], fix="read them as text"
        )
    codes, days = pd.factorize(keyed["as_of"], use_na_sentinel=False)
    numbers = np.array([day_number(day) for day in days])[codes]
    index = pd.MultiIndex.from_arrays([ids, as_stamps(numbers)], names=KEYS)
    twice = index.duplicated()
    if twice.any():
        raise DataError(
            "a customer twice on one day",
            column="customer_id",
            count=int(twice.sum()),
            example=index[twice][0][0],
            fix="one row a customer and as_of",
        )
    return index


def _lengths(horizon: Horizon, days: pd.Index) -> np.ndarray:
    """Days of the horizon from each as-of day."""
    codes, unique = pd.factorize(days)
    return np.array([horizon.days(day_number(day)) for day in unique], dtype="int32")[codes]


def _informative(alive: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """P(alive), missing where it is 1 for want of a repeat purchase: there it says nothing of the customer."""
    return np.where((frequency == 0) & (alive == 1), np.nan, alive)


def _array(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype="float64")


def _finite(table: pd.DataFrame) -> None:
    for name in table.columns.intersection(list(_NUMBERS)):
        bad = ~np.isfinite(table[name].to_numpy())
        if bad.any():
            raise DataError(
                "the model gives no number",
                column=name,
                count=int(bad.sum()),
                example=table["customer_id"][bad].iloc[0],
                fix="look for missing or infinite features of this customer",
            )
