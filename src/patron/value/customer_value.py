"""CustomerValue: a transaction model and a spend model together give each customer's value ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pandas as pd

from patron._core.calendar import UNIT_DAYS, Day, discount_per_day
from patron._core.errors import DataError
from patron._core.showing import page
from patron.models.family.primitives import Ahead
from patron.models.family.transaction import TransactionModel
from patron.models.family.uncertainty import (
    DRAWS,
    REPEATS,
    Kind,
    Of,
    Totals,
    check_kind,
    draw_models,
    mean_interval,
    predictive_interval,
)
from patron.models.gamma_gamma import GammaGamma
from patron.models.maths.fitter import Array, blocks, weighted_count


class CustomerValue:
    """Discounted purchases ahead x spend a purchase x margin.

    Parameters
    ----------
    transaction_model : TransactionModel
        Says how often each customer will buy.
    spend_model : GammaGamma
        Says what a purchase will be worth.

    Attributes
    ----------
    transaction_model_ : TransactionModel
        The fitted copy; without `fit`, `predict` uses the model given, if that is fitted.
    spend_model_ : GammaGamma
        Likewise.

    Examples
    --------
    >>> import pandas as pd
    >>> from patron.models import BetaGeoNBD, GammaGamma
    >>> frame = pd.DataFrame(
    ...     {"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86], "monetary_value": [22.35, 0.0]},
    ...     index=["0001", "0006"],
    ... )
    >>> frame.attrs["unit"] = "week"
    >>> value = CustomerValue(
    ...     BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week"),
    ...     GammaGamma.from_params(p=6.25, q=3.74, v=15.44),
    ... )
    >>> value.predict(frame, "364 days", discount_rate=0.10, margin=0.4).round(2)
          expected_purchases  spend_per_purchase    clv
    0001                1.56               24.66  14.72
    0006                0.25               35.22   3.40
    """

    transaction_model_: TransactionModel
    spend_model_: GammaGamma

    def __init__(self, transaction_model: TransactionModel, spend_model: GammaGamma) -> None:
        self.transaction_model = transaction_model
        self.spend_model = spend_model

    def __repr__(self) -> str:
        return "CustomerValue({!r}, {!r})".format(*self._models)

    def _repr_html_(self) -> str:
        purchases, spending = self._models
        return page("CustomerValue", ["purchases x spend"], [purchases._repr_html_(), spending._repr_html_()])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; with `deep` those of the two models too."""
        own: dict[str, Any] = {"transaction_model": self.transaction_model, "spend_model": self.spend_model}
        if not deep:
            return own
        return own | {
            f"{part}__{key}": value for part, model in own.items() for key, value in model.get_params().items()
        }

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name; `transaction_model__solver` reaches inside."""
        for name, value in params.items():
            part, _, inner = name.partition("__")
            if part not in ("transaction_model", "spend_model"):
                raise ValueError(f"CustomerValue has no parameter {name!r}; it has {list(self.get_params())}")
            if inner:
                getattr(self, part).set_params(**{inner: value})
            else:
                setattr(self, part, value)
        return self

    def fit(self, summary: pd.DataFrame, weights: Any = None, unit: str | None = None) -> Self:
        """Fit copies of both models on the same customers.

        Parameters
        ----------
        summary : DataFrame
            frequency, recency, T and monetary_value, as `rfm_summary` gives them.
        weights : array or str, optional
            How many customers each row stands for.
        unit : {'day', 'week', 'month', 'year'}, optional
            The unit of recency and T; by default what the frame says.
        """
        self.transaction_model_ = type(self.transaction_model)(**self.transaction_model.get_params())
        self.transaction_model_.fit(summary, weights, unit)
        self.spend_model_ = type(self.spend_model)(**self.spend_model.get_params()).fit(summary, weights)
        return self

    def predict(
        self,
        summary: pd.DataFrame,
        horizon: Ahead | None = "12 months",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        *,
        as_of: Day | None = None,
    ) -> pd.DataFrame:
        """Tell what each customer will buy and be worth.

        Parameters
        ----------
        summary : DataFrame
            frequency, recency, T and monetary_value, in the model's unit.
        horizon : float, str, pair or None
            As in `BetaGeoNBD.expected_purchases`; None is the whole residual lifetime, where `expected_purchases`
            is discounted too, because without a discount it may be infinite.
        discount_rate : float
            Annual effective rate, applied continuously.
        margin : float
            What of the revenue counts, as a share.
        as_of : day, optional
            The day from which months and years run.

        Returns
        -------
        DataFrame
            Indexed like `summary`: expected_purchases (undiscounted), spend_per_purchase, and
            clv = discounted purchases x spend_per_purchase x margin.
        """
        _check_margin(margin)
        purchases, spending = self._models
        spend = spending.expected_spend(summary)
        if horizon is None:
            expected = discounted = purchases.discounted_purchases(summary, None, discount_rate)
        else:
            ahead = purchases.purchases_ahead(summary, horizon, discount_rate, as_of=as_of)
            expected, discounted = ahead["expected_purchases"], ahead["discounted_purchases"]
        worth, counted, paid = np.empty(len(summary)), discounted.to_numpy(), spend.to_numpy()
        for rows in blocks(len(worth)):
            value = counted[rows] * paid[rows]
            value *= margin
            worth[rows] = value
        return pd.DataFrame({"expected_purchases": expected, "spend_per_purchase": spend, "clv": worth}, copy=False)

    def interval(
        self,
        summary: pd.DataFrame,
        horizon: Ahead = "12 months",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        *,
        kind: Kind = "predictive",
        level: float = 0.9,
        of: Of = "customer",
        seed: int = 0,
        as_of: Day | None = None,
    ) -> pd.DataFrame:
        """Interval for the value of each customer, each cohort, or the whole base.

        Parameters
        ----------
        summary, horizon, discount_rate, margin, as_of
            As in `predict`.
        kind : {'predictive', 'mean'}
            Of the value that will be observed: parameters, purchases and what each costs are drawn; or of its
            expectation, which knows the parameters' uncertainty alone and says little of a single customer.
        level : float
            The share of intervals that hold.
        of : str, Series or array
            'customer', 'base', a column of groups, or a label for each row.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            expected, low, high; indexed like `summary`, or by group.

        Raises
        ------
        UndefinedError
            When a model has no covariance, or the horizon no end.
        """
        check_kind(kind, level)
        _check_margin(margin)
        purchases, spending = self._models
        totals = Totals(summary, of)

        models, places = purchases.by_rows(summary)

        def value(spending: GammaGamma, *models: Any) -> Array:
            discounted = np.empty(len(summary))
            for model, rows in zip(models, places, strict=True):
                own = model.discounted_purchases(summary.iloc[rows], horizon, discount_rate, as_of=as_of)
                discounted[rows] = own.to_numpy()
            worth: Array = discounted * spending.expected_spend(summary).to_numpy() * margin
            return worth

        if kind == "mean":
            return mean_interval(value, (spending, *models), totals, level)
        shrink = discount_per_day(discount_rate) * UNIT_DAYS[purchases.unit_]

        def outcomes(rows: slice) -> Iterator[Array]:
            some = summary.iloc[rows]
            spends = np.repeat(draw_models(spending, DRAWS, np.random.default_rng([seed, 2])), REPEATS)
            rng = np.random.default_rng([seed, 3, rows.start])
            drawn = purchases.play_often(some, horizon, seed=seed, stream=rows.start, as_of=as_of)
            for (row, time), own in zip(drawn, spends, strict=True):
                worth = np.exp(-shrink * time) * own.draw_spend(some, row, rng) * margin
                yield weighted_count(row, worth, len(some))

        return predictive_interval(outcomes, value(spending, *models), totals, level)

    @property
    def _models(self) -> tuple[TransactionModel, GammaGamma]:
        fitted = self.__dict__
        return (
            fitted.get("transaction_model_", self.transaction_model),
            fitted.get("spend_model_", self.spend_model),
        )


def _check_margin(margin: float) -> None:
    if not np.isfinite(margin):
        raise DataError("margin is a finite share of revenue", example=margin, fix="0.3 is thirty per cent")
