"""What the contractual models share: customers renew or leave each period, and a loss is seen when it happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron._core.errors import ConfigError, DataError, FitError
from patron.models.family.contract_inputs import (
    check_period,
    cohort_table,
    contracts_each,
    fitting_period,
    read_cohorts,
    read_period,
    whole,
)
from patron.models.family.contract_quantities import ContractQuantities
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
    resampled,
)
from patron.models.maths.contract_likelihood import log_likelihood, steepest, withheld
from patron.models.maths.fitter import Array, Optimum, maximise


class ContractModel(ContractQuantities):
    """A model of when customers under contract leave, from the renewals they have survived.

    A customer is still there after t renewals with probability (1 - theta)**(t**c), theta ~ Beta(alpha, beta) across
    customers, so that S(t) = B(alpha, beta + t**c) / B(alpha, beta). A member names its parameters and gives `_three`.
    """

    edges: ClassVar[dict[str, str]] = {
        "alpha+ beta+": "customers do not differ in how likely they are to leave",
        "alpha- beta-": "customers either leave at the first renewal or hardly ever",
        "alpha- beta+": "hardly any customer leaves",
        "alpha+ beta-": "hardly any customer stays beyond the first renewal",
        "alpha+": "hardly any customer stays beyond the first renewal",
        "alpha-": "hardly any customer leaves",
        "beta+": "hardly any customer leaves",
        "beta-": "customers either leave at the first renewal or hardly ever",
    }

    def fit(self, frame: pd.DataFrame, weights: Any = None, period: str | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        frame : DataFrame
            One row a contract, as `patron.renewals` gives it, or a cohort table with columns period (from 1),
            at_risk and lost; periods that occur more than once (a cohort each) add up.
        weights : array or str, optional
            How many contracts each row stands for; by default the column `weight`, if there is one.
        period : str, optional
            From one renewal to the next: 'week', 'month', '3 months', 'year', '28 days'; by default what the frame
            says.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When a column is absent or holds what it cannot.
        UnitError
            When `period` contradicts the frame.
        FitError
            When nobody left, fewer periods were observed than there are parameters, or they tell no maximum.

        Warns
        -----
        NotIdentifiedWarning
            When a parameter runs to an edge.
        UnitAssumedWarning
            When neither the frame nor `period` tells the period.
        """
        t, stayed, lost = _counted(frame, weights)
        settled = fitting_period(frame, period)
        if not len(t):
            raise DataError("no contract was at risk for a whole period", fix="observe for longer")
        customers = float((stayed + lost).max())
        if not lost.any():
            raise FitError(
                f"none of {customers:,.0f} customers left: nothing tells how likely they are to leave",
                fix="observe for longer, or take more customers",
            )
        if len(t) < len(self.parameters):
            raise FitError(
                f"{len(t)} periods observed cannot tell {len(self.parameters)} parameters",
                fix="observe for longer, or take a model of fewer parameters",
            )
        optimum = self._solve(t, stayed, lost)
        self.period_ = settled
        self._set_optimum(optimum, customers)
        return self

    @classmethod
    def from_params(cls, *, period: str, **params: float) -> Self:
        """Make a model from known parameters.

        Parameters
        ----------
        period : str
            From one renewal to the next: 'week', 'month', '3 months', 'year', '28 days'.
        **params : float
            Every parameter by name.
        """
        model = cls()
        model._set_given(params)
        model.period_ = str(read_period(period))
        return model

    def bootstrap(self, frame: pd.DataFrame, n: int = 200, weights: Any = None, seed: int = 0) -> pd.DataFrame:
        """Fit again and again to contracts drawn anew, from these estimates on.

        Parameters
        ----------
        frame : DataFrame
            What the model was fitted on.
        n : int
            How often.
        weights : array or str, optional
            As in `fit`. Of each period w renewals (or losses) are drawn as Poisson(w): given who was at risk, what
            happens in one period tells nothing of the next.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            A row a fit, a column a parameter: `draws` of an interval.

        Raises
        ------
        FitError
            When hardly a draw can be fitted.
        """
        self._check_fitted()
        check_period(frame, self.period_)
        t, stayed, lost = _counted(frame, weights)

        def fit(drawn: Array) -> Array:
            renewed, left = drawn.reshape(2, -1)
            if not left.any():
                raise FitError("nobody who left was drawn")
            return self._climb(t, renewed, left, self.params_.to_numpy()).params

        values = resampled(fit, np.concatenate([stayed, lost]), n, np.random.default_rng(seed))
        return pd.DataFrame(values, columns=self.params_.index)

    def survivors_interval(
        self,
        frame: pd.DataFrame,
        ahead: int,
        *,
        kind: Kind = "predictive",
        level: float = 0.9,
        of: Of = "customer",
        weights: Any = None,
        draws: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Interval for how many contracts are still there `ahead` renewals from now.

        Parameters
        ----------
        frame : DataFrame
            renewals and, if some have left, lost.
        ahead : int
            How many renewals.
        kind : {'predictive', 'mean'}
            Of the number that will be observed, drawn; or of its expectation, which knows the parameters' uncertainty
            alone.
        level : float
            The share of intervals that hold.
        of : str, Series or array
            'customer' (a row each), 'base', a column of groups, or a label for each row.
        weights : array or str, optional
            How many contracts each row stands for; by default the column `weight`, if there is one.
        draws : DataFrame, optional
            Parameters, as `bootstrap` or `parameter_draws` give them; by default from the covariance.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            expected, low, high; indexed like the frame, or by group.

        Raises
        ------
        UndefinedError
            When the model has no covariance and no `draws` are given.

        Examples
        --------
        Of a cohort of 1,000 that has just signed:

        >>> from patron.models import ShiftedBetaGeometric
        >>> left = pd.Series([1000, 869, 743, 653, 593, 551, 517, 491])
        >>> table = pd.DataFrame({"period": range(1, 8), "at_risk": left[:-1], "lost": -left.diff()[1:].to_numpy()})
        >>> model = ShiftedBetaGeometric().fit(table, period="year")
        >>> cohort = model.new_customer().assign(weight=1000)
        >>> model.survivors_interval(cohort, 12, kind="mean").round()
           expected    low   high
        0     378.0  347.0  411.0
        """
        check_kind(kind, level)
        totals, (renewals, lost), steps = Totals(frame, of), self._read(frame), whole(ahead, "ahead")
        contracts = np.where(lost, 0.0, contracts_each(frame, weights))
        distinct, row = np.unique(renewals, return_inverse=True)

        def stay(model: ContractModel) -> Array:
            share: Array = np.exp(-model._fall(distinct, steps))[row]
            return share

        def value(model: ContractModel) -> Array:
            return contracts * stay(model)

        if kind == "mean":
            interval = mean_interval(value, [self], totals, level, draws)
            return interval.assign(high=np.minimum(interval["high"], totals(contracts)))

        def outcomes(some: slice) -> Iterator[Array]:
            rng = np.random.default_rng([seed, 1, some.start])
            for model in draw_models(self, DRAWS, np.random.default_rng([seed, 0]), draws):
                chance = stay(model)[some]
                for _ in range(REPEATS):
                    yield rng.binomial(contracts[some].astype(np.int64), chance).astype(np.float64)

        return predictive_interval(outcomes, value(self), totals, level)

    def sample(self, n_customers: int, periods: int | npt.ArrayLike, seed: int | None = None) -> pd.DataFrame:
        """Simulate customers exactly as the model says they behave.

        Parameters
        ----------
        n_customers : int
            How many.
        periods : int or array of shape (n_customers,)
            For how many whole periods each is observed.
        seed : int, optional
            Of the random numbers.

        Returns
        -------
        DataFrame
            renewals (int64) and lost (bool), a row a customer; attrs: period.
        """
        alpha, beta, c = self._three
        observed = np.broadcast_to(np.asarray(periods, dtype=np.float64), (n_customers,))
        rng = np.random.default_rng(seed)
        theta = rng.beta(alpha, beta, n_customers)
        with np.errstate(divide="ignore", over="ignore"):
            end = (rng.standard_exponential(n_customers) / -np.log1p(-theta)) ** (1 / c)
        lifetime = np.maximum(np.ceil(end), 1.0)
        renewals = np.minimum(lifetime - 1, observed).astype(np.int64)
        frame = pd.DataFrame({"renewals": renewals, "lost": lifetime <= observed})
        frame.attrs["period"] = self.period_
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Everything the model knows, as plain JSON values; `from_dict` gives the same model to the last bit."""
        return {**super().to_dict(), "period": self.period_}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Make a model from what `to_dict` gave."""
        model = super().from_dict(stored)
        model.period_ = stored["period"]
        return model

    def _fit_newton(self, t: Array, stayed: Array, lost: Array) -> Optimum:
        """Fit by Newton from ordinary customers and from very different ones: the likelihood may have two peaks."""
        found, failed = [], None
        for start in self._starts(stayed, lost):
            try:
                found.append(self._climb(t, stayed, lost, start))
            except FitError as error:  # a ridge may be too curved to climb from one side
                failed = error
        if not found:
            raise FitError(
                f"the likelihood of {len(t)} periods has no maximum in {', '.join(self.parameters)} that can be found",
                fix="observe for longer, fit with prior=2.0, or take a model of fewer parameters",
            ) from failed
        return max(found, key=lambda optimum: optimum.log_likelihood)

    def _climb(self, t: Array, stayed: Array, lost: Array, start: Array) -> Optimum:
        ordinary, _ = self._starts(stayed, lost)
        customers = float((stayed + lost).max())
        evaluate = log_likelihood(t, stayed, lost)
        optimum = maximise(evaluate, start, np.asarray(self.lower), customers, self._pull(), ordinary)
        return withheld(optimum, ordinary, steepest(t))

    def _starts(self, stayed: Array, lost: Array) -> tuple[Array, Array]:
        """Return parameters to start from: of ordinary customers, of very different ones."""
        odds = max(float(stayed.sum() / lost.sum()), 0.01)
        size = len(self.parameters)
        return np.array([1.0, odds, 1.0])[:size], np.array([0.3, 0.3 * odds, 1.5])[:size]

    def _fit_lifetimes(self, *_: Any) -> Optimum:
        raise ConfigError("lifetimes has no model of contracts", fix='use solver="newton"')


def _counted(frame: pd.DataFrame, weights: Any) -> tuple[Array, Array, Array]:
    """Return the periods in which some were at risk, and how many of these stayed and were lost."""
    table = read_cohorts(frame, weights) if "at_risk" in frame else cohort_table(frame, weights)
    t, at_risk, lost = table.loc[table["at_risk"] > 0, ["period", "at_risk", "lost"]].to_numpy(dtype=np.float64).T
    return t, at_risk - lost, lost
