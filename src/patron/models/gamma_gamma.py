"""Gamma-Gamma: what a customer spends a purchase, ~ Gamma(p, nu) with nu ~ Gamma(q, v), however often."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln, polygamma

from patron._core.errors import DependenceWarning, FitError
from patron.models.base import Model
from patron.models.fitter import Array, Derivatives, Optimum, blocks, given_optimum, maximise, over_blocks, total
from patron.models.horizon import Integers
from patron.models.inputs import column, frequency, read_weights
from patron.models.rising import log_rising
from patron.models.uncertainty import resampled

LEAST_Q: Final = 1.01
"""q is kept above it: at q <= 1 the mean spend of a new customer is infinite."""

DEPENDENT: Final = 0.25
"""Rank correlation of spend and frequency beyond which, at 95 % confidence, a fit warns.

Simulated with dependent rates: at .2 (CDNOW's .21) one-time buyers are overvalued by 15 %, at .3 by 27 %, and
the total is off by 1 % in both.
"""

_RANKED: Final = 100_000


class GammaGamma(Model):
    """The Gamma-Gamma model of spend a purchase (Fader and Hardie, note 025).

    Each purchase of a customer is Gamma(p, nu) with nu ~ Gamma(q, v) across customers, whatever their
    frequency. Money is in the frame's unit.

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: the fitter of this package, or the archived package lifetimes, as a second opinion.

    Notes
    -----
    With x purchases of mean m (equation 1a of the note):

    L = v**q m**(px-1) x**(px) / (B(px, q) (v + m x)**(px+q)).

    The mean spend p v / (q - 1) exists for q > 1 only; q is kept above 1.01, and the fit warns when the bound binds.

    References
    ----------
    P. Fader, B. Hardie, The Gamma-Gamma Model of Monetary Value, 2013, brucehardie.com/notes/025.

    Examples
    --------
    >>> import pandas as pd
    >>> model = GammaGamma.from_params(p=6.25, q=3.74, v=15.44)
    >>> frame = pd.DataFrame({"frequency": [2, 0], "monetary_value": [22.35, 0.0]}, index=["0001", "0006"])
    >>> model.expected_spend(frame).round(2)
    0001    24.66
    0006    35.22
    Name: expected_spend, dtype: float64
    """

    name: ClassVar[str] = "gamma_gamma"
    parameters: ClassVar[tuple[str, ...]] = ("p", "q", "v")
    lower: ClassVar[tuple[float, ...]] = (0.0, LEAST_Q, 0.0)
    edges: ClassVar[dict[str, str]] = {
        "q-": f"spend is so unequal that it has no mean: q is held at its bound of {LEAST_Q}, and the mean of new "
        "customers rests on that bound",
        "q+ v+": "customers do not differ in what they spend a purchase",
        "q+ v-": "customers do not differ in what they spend a purchase",
        "p+ v-": "a customer spends the same at each purchase",
        "p- v+": "a customer's purchases have nothing in common",
        "p+": "a customer spends the same at each purchase",
        "p-": "a customer's purchases have nothing in common",
        "q+": "customers do not differ in what they spend a purchase",
        "v+": "the scale of spend is not determined",
        "v-": "the scale of spend is not determined",
    }

    def fit(self, frame: pd.DataFrame, weights: Any = None) -> Self:
        """Estimate the parameters on the customers with frequency > 0 and monetary_value > 0.

        Parameters
        ----------
        frame : DataFrame
            frequency and monetary_value, one row a customer; with or without the first purchase counted.
        weights : array or str, optional
            How many customers each row stands for; by default the column `weight`, if there is one.

        Returns
        -------
        self

        Raises
        ------
        DataError
            When a column is absent or holds what it cannot.
        FitError
            When no row has frequency > 0 and monetary_value > 0, or the solver finds no rest.

        Warns
        -----
        DependenceWarning
            When frequent customers spend more, or less, a purchase: a rank correlation beyond .25, at 95 %
            confidence.
        NotIdentifiedWarning
            When a parameter runs to an edge, or the bound of q binds.
        """
        x, m, weight = _paid(frame, weights)
        _check_independence(x, m, weight)
        self._set_optimum(self._solve(x, m, weight), float(weight.sum()))
        return self

    @classmethod
    def from_params(cls, *, p: float, q: float, v: float) -> Self:
        """Make a model from known parameters."""
        model = cls()
        model._set_given({"p": p, "q": q, "v": v})
        return model

    def expected_spend(self, frame: pd.DataFrame) -> pd.Series:
        """Return the expected spend a purchase: p (v + m x) / (p x + q - 1), the population mean at x = 0.

        Parameters
        ----------
        frame : DataFrame
            frequency and monetary_value, counted as the model was fitted; a mean below 0 (refunds) counts as 0.

        Returns
        -------
        Series
            Indexed like the frame, in its money.
        """
        p, q, v = self._values
        x, m = frequency(frame), column(frame, "monetary_value", negative=True)
        spend = np.empty(len(x))
        for rows in blocks(len(x)):
            spend[rows] = p * (v + np.maximum(m[rows], 0.0) * x[rows]) / (p * x[rows] + q - 1)
        return pd.Series(spend, frame.index, name="expected_spend")

    def bootstrap(self, frame: pd.DataFrame, n: int = 200, weights: Any = None, seed: int = 0) -> pd.DataFrame:
        """Fit again and again to customers drawn anew, from these estimates on.

        Parameters
        ----------
        frame, weights
            As in `fit`; a row of w customers is drawn Poisson(w) times.
        n : int
            How often.
        seed : int
            Of the random numbers.

        Returns
        -------
        DataFrame
            A row a fit, a column a parameter.
        """
        self._check_fitted()
        x, m, weight = _paid(frame, weights)

        def fit(drawn: Array) -> Array:
            some = drawn > 0
            evaluate = _log_likelihood(x[some], m[some], drawn[some])
            values = self.params_.to_numpy()
            return maximise(evaluate, values, self._bounds, drawn.sum(), self._pull(), values).params

        values = resampled(fit, weight, n, np.random.default_rng(seed))
        return pd.DataFrame(values, columns=self.params_.index)

    def draw_spend(self, frame: pd.DataFrame, row: Integers, rng: np.random.Generator) -> Array:
        """Draw what purchases ahead cost: each buyer's scale given the history, then each purchase.

        Parameters
        ----------
        frame : DataFrame
            frequency and monetary_value.
        row : ndarray of int
            The row of the buyer of each purchase, sorted.
        rng : Generator
            Of the random numbers.
        """
        p, q, v = self._values
        x, m = frequency(frame), column(frame, "monetary_value", negative=True)
        buyers, place = np.unique(row, return_inverse=True)
        x, m = x[buyers], np.maximum(m[buyers], 0.0)
        nu = rng.standard_gamma(q + p * x) / (v + m * x)
        spend: Array = rng.standard_gamma(p, len(row)) / nu[place]
        return spend

    def _fit_newton(self, x: Array, m: Array, weight: Array) -> Optimum:
        start = np.array([5.0, 4.0, 0.6 * float(weight @ m / weight.sum())])
        return maximise(_log_likelihood(x, m, weight), start, self._bounds, weight.sum(), self._pull())

    def _fit_lifetimes(self, x: Array, m: Array, weight: Array) -> Optimum:
        from lifetimes import GammaGammaFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        fitter = GammaGammaFitter().fit(x, m, weight)
        return given_optimum(
            _log_likelihood(x, m, weight), np.array([fitter.params_[name] for name in self.parameters])
        )


def _paid(frame: pd.DataFrame, weights: Any) -> tuple[Array, Array, Array]:
    """Take frequency, monetary value and weight of those who paid again."""
    x, m = frequency(frame), column(frame, "monetary_value", negative=True)
    given = read_weights(frame, weights)
    weight = np.ones(len(x)) if given is None else given
    paid = (x > 0) & (m > 0) & (weight > 0)
    if not paid.any():
        raise FitError(
            "no customer has a frequency and a monetary_value above 0, so nothing tells what they spend",
            fix="observe for longer, or count the first purchase too (include_first=True)",
        )
    return x[paid], m[paid], weight[paid]


def _log_likelihood(x: Array, m: Array, weight: Array) -> Callable[[Array], Derivatives]:
    """-log B(px, q) - q log1p(S/v) - px log1p(v/S) - log m, S = m x; the special functions once for each x."""
    spend = m * x
    mass = np.bincount(x.astype(np.int64), weight).astype(np.float64)
    counts = np.flatnonzero(mass)
    constant = float(weight @ np.log(m))

    def evaluate(values: Array) -> Derivatives:
        f, g, h = total(
            _counted(values, counts, mass[mass > 0]), over_blocks(partial(_spent, values), x, spend, weight)
        )
        return f - constant, g, h

    return evaluate


def _counted(values: Array, x: npt.NDArray[np.signedinteger[Any]], mass: Array) -> Derivatives:
    """Return what depends on x alone: -log B(px, q)."""
    p, q, _ = values
    own_ratio, own_slope, own_bend = log_rising(p * x, q)
    ratio, slope, bend = log_rising(q, p * x)
    f = mass @ np.where(p * x > q, own_ratio - gammaln(q), ratio - gammaln(p * x))
    g = np.array([mass @ (x * own_slope), mass @ slope, 0.0])
    h = np.zeros((3, 3))
    h[0, 0] = mass @ (x**2 * own_bend)
    h[0, 1] = h[1, 0] = mass @ (x * polygamma(1, p * x + q))
    h[1, 1] = mass @ bend
    return float(f), g, h


def _spent(values: Array, x: Array, spend: Array, weight: Array) -> Derivatives:
    """Return what depends on spend: -q log1p(S/v) - px log1p(v/S)."""
    p, q, v = values
    above, below, each = np.log1p(spend / v), np.log1p(v / spend), 1 / (v + spend)
    share = spend * each
    by_x = weight * x
    more, less, every = weight @ above, by_x @ below, weight @ share
    g = np.array([-less, -more, q * every / v - p * (by_x @ each)])
    h = np.zeros((3, 3))
    h[0, 2] = h[2, 0] = -(by_x @ each)
    h[1, 2] = h[2, 1] = every / v
    h[2, 2] = q * (weight @ (share**2 - 2 * share)) / v**2 + p * (by_x @ each**2)
    return -q * more - p * less, g, h


def _check_independence(x: Array, m: Array, weight: Array) -> None:
    """Warn when spend and frequency go together beyond what does little harm."""
    step = len(x) // _RANKED + 1
    x, m, weight = x[::step], m[::step], weight[::step]
    correlation = _rank_correlation(x, m, weight)
    if abs(correlation) - 1.645 / np.sqrt(weight.sum()) > DEPENDENT:
        more, over = ("more", "over") if correlation > 0 else ("less", "under")
        warnings.warn(
            f"customers who buy often spend {more} a purchase (rank correlation {correlation:.2f}); Gamma-Gamma takes "
            f"the two as independent, so it {over}values one-time buyers. Compare with a recipe that learns spend",
            DependenceWarning,
            stacklevel=3,
        )


def _rank_correlation(x: Array, m: Array, weight: Array) -> float:
    ranks = np.stack([_midranks(x, weight), _midranks(m, weight)])
    ranks -= (ranks @ weight / weight.sum())[:, None]
    (xx, xm), (_, mm) = (ranks * weight) @ ranks.T
    return float(xm / np.sqrt(xx * mm)) if xx * mm > 0 else 0.0


def _midranks(values: Array, weight: Array) -> Array:
    distinct, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weight, len(distinct))
    return (mass.cumsum() - mass / 2)[place]
