"""Gamma-Gamma: what a customer spends a purchase, ~ Gamma(p, nu) with nu ~ Gamma(q, v), however often."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln, polygamma

from patron._core.errors import DependenceWarning, FitError
from patron.models.family.base import Model, Solver
from patron.models.family.columns import check_l2, standard_columns, unscaled
from patron.models.family.inputs import column, frequency, read_weights
from patron.models.family.uncertainty import resampled
from patron.models.maths.fitter import Array, Derivatives, Optimum, blocks, given_optimum, maximise, over_blocks
from patron.models.maths.horizon import Integers
from patron.models.maths.rising import log_rising

LEAST_Q: Final = 1.01
"""q is kept above it: at q <= 1 the mean spend of a new customer is infinite."""

DEPENDENT: Final = 0.25
"""Rank correlation of spend and frequency beyond which, at 95 % confidence, a fit warns.

Simulated with dependent rates: at .2 (CDNOW's .21) one-time buyers are overvalued by 15 %, at .3 by 27 %, and
the total is off by 1 % in both.
"""

FREQUENCY: Final = "frequency"
"""Name of the effect of frequency on spend."""

_RANKED: Final = 20_000
"""Customers enough to tell whether to warn: their correlation is known to .012 either way."""


class GammaGamma(Model):
    """The Gamma-Gamma model of spend a purchase (Fader and Hardie, note 025).

    Each purchase of a customer is Gamma(p, nu) with nu ~ Gamma(q, v) across customers, whatever their
    frequency. Money is in the frame's unit.

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: the fitter of this package, or the archived package lifetimes, as a second opinion.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter; by default there is none.
    covariates : sequence of str
        Columns z that multiply what a customer spends: v_i = v exp(effect'z_i); the effects are named `spend.COLUMN`.
    on_frequency : bool
        Let spend depend on frequency, v_i = v (1 + x)**effect: the remedy when the two go together, which plain
        Gamma-Gamma takes as independent and so misvalues one-time buyers. The effect is named `spend.frequency`.
    l2 : float
        Penalty on the squared effects, of columns that deviate by 1.

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

    def __init__(
        self,
        solver: Solver = "newton",
        prior: float | None = None,
        covariates: Sequence[str] = (),
        on_frequency: bool = False,
        l2: float = 0.0,
    ) -> None:
        super().__init__(solver, prior)
        self.covariates = covariates
        self.on_frequency = on_frequency
        self.l2 = l2

    @property
    def penalised(self) -> bool:
        """Whether a prior or an L2 penalty holds the fit."""
        return super().penalised or self.l2 > 0

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
        x, m, weight, columns = self._paid(frame, weights)
        if not self.on_frequency:
            some = slice(None, None, len(x) // _RANKED + 1)
            _warn_of_dependence(_dependence(x[some], m[some], weight[some]))
        self._set_optimum(self._solve(x, m, weight, columns), float(weight.sum()))
        return self

    def independence(self, frame: pd.DataFrame, weights: Any = None) -> pd.Series:
        """Rank correlation of spend and frequency among those who paid, which the model takes as 0.

        Parameters
        ----------
        frame, weights
            As in `fit`.

        Returns
        -------
        Series
            correlation, and low and high of its 90 % interval. A fit warns where that lies beyond .25;
            `on_frequency=True` is the remedy.
        """
        x, m, weight, _ = self._paid(frame, weights)
        return _dependence(x, m, weight)

    @classmethod
    def from_params(cls, *, p: float, q: float, v: float, **effects: float) -> Self:
        """Make a model from known parameters; effects are named `spend.COLUMN`, or `spend.frequency`."""
        names = [name.partition(".")[2] for name in effects]
        model = cls(covariates=tuple(n for n in names if n != FREQUENCY), on_frequency=FREQUENCY in names)
        model._set_given({"p": p, "q": q, "v": v, **effects})
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
        scale = self._scales(v, self._columns(frame, x))
        spend = np.empty(len(x))
        for rows in blocks(len(x)):
            paid = np.maximum(m[rows], 0.0, out=spend[rows])
            paid *= x[rows]
            paid += scale[rows]
            paid /= x[rows] + (q - 1) / p
        return pd.Series(spend, frame.index, name="expected_spend", copy=False)

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
        x, m, weight, columns = self._paid(frame, weights)

        def fit(drawn: Array) -> Array:
            some = np.flatnonzero(drawn)
            start = self.params_.to_numpy()
            return self._climb(x[some], m[some], drawn[some], columns[some], start).params

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
        scale = self._scales(v, self._columns(frame, x))[buyers]
        x, m = x[buyers], np.maximum(m[buyers], 0.0)
        nu = rng.standard_gamma(q + p * x) / (scale + m * x)
        spend: Array = rng.standard_gamma(p, len(row)) / nu[place]
        return spend

    def _fit_newton(self, x: Array, m: Array, weight: Array, columns: Array) -> Optimum:
        scale = 0.6 * float(np.average(m, weights=weight))
        return self._climb(x, m, weight, columns, np.array([5.0, 4.0, scale, *np.zeros(columns.shape[1])]))

    def _climb(self, x: Array, m: Array, weight: Array, columns: Array, start: Array) -> Optimum:
        """Fit from `start`, the columns of mean 0 and deviation 1, and tell the effects in theirs."""
        mean, deviation = standard_columns(columns, weight, self._names[3:])
        values = start.copy()
        values[3:] *= deviation
        values[2] *= np.exp(start[3:] @ mean)
        evaluate = _log_likelihood(x, m, weight, (columns - mean) / deviation)
        optimum = maximise(evaluate, values, self._bounds, weight.sum(), self._pull())
        return unscaled(optimum, np.full(len(mean), 2), np.ones(len(mean)), mean, deviation)

    def _fit_lifetimes(self, x: Array, m: Array, weight: Array, columns: Array) -> Optimum:
        from lifetimes import GammaGammaFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        fitter = GammaGammaFitter().fit(x, m, weight)
        values = np.array([fitter.params_[name] for name in self.parameters])
        return given_optimum(_log_likelihood(x, m, weight, columns), values)

    @property
    def _names(self) -> tuple[str, ...]:
        effects = [*self.covariates, *([FREQUENCY] if self.on_frequency else [])]
        return (*self.parameters, *(f"spend.{name}" for name in effects))

    def _pull(self) -> Array:
        pull = super()._pull()
        pull[len(self.parameters) :] = check_l2(self.l2)
        return pull

    def _columns(self, frame: pd.DataFrame, x: Array) -> Array:
        """Take the covariates, a column each; none are no columns."""
        found = [column(frame, name, negative=True) for name in self.covariates]
        if self.on_frequency:
            found.append(np.log1p(x))
        return np.column_stack(found) if found else np.empty((len(x), 0))

    def _scales(self, v: float, columns: Array) -> Array:
        """Return v of each row."""
        if not columns.shape[1]:
            return np.broadcast_to(v, len(columns))
        scales: Array = v * np.exp(columns @ self.params_.to_numpy()[3:])
        return scales

    def _paid(self, frame: pd.DataFrame, weights: Any) -> tuple[Array, Array, Array, Array]:
        """Take frequency, monetary value, weight and covariates of those who paid again."""
        x, m = frequency(frame), column(frame, "monetary_value", negative=True)
        weight = read_weights(frame, weights)
        able = (x > 0) & (m > 0)
        paid = np.flatnonzero(able if weight is None else able & (weight > 0))
        if not len(paid):
            raise FitError(
                "no customer has a frequency and a monetary_value above 0, so nothing tells what they spend",
                fix="observe for longer, or count the first purchase too (include_first=True)",
            )
        counts = np.ones(len(paid)) if weight is None else weight[paid]
        return x[paid], m[paid], counts, self._columns(frame, x)[paid]


def _log_likelihood(x: Array, m: Array, weight: Array, columns: Array) -> Callable[[Array], Derivatives]:
    """-log B(px, q) - q log1p(S/v) - px log1p(v/S) - log m, S = m x; the special functions once for each x."""
    spend, design = m * x, np.column_stack([np.ones(len(x)), columns])
    once, often = weight[:, None] * design, (weight * x)[:, None] * design
    mass = np.bincount(x.astype(np.int64), weight).astype(np.float64)
    counts = np.flatnonzero(mass)
    constant = float((weight * np.log(m)).sum())  # a long product by BLAS would wake threads, which spin

    def evaluate(values: Array) -> Derivatives:
        f, g, h = over_blocks(partial(_spent, values), spend, once, often, design)
        v = values[2]
        g[2] /= v  # from log v
        h[2] /= v
        h[:, 2] /= v
        h[2, 2] -= g[2] / v
        counted, slope, bend = _counted(values, counts, mass[mass > 0])
        g[:2] += slope
        h[:2, :2] += bend
        return f + counted - constant, g, h

    return evaluate


def _counted(values: Array, x: npt.NDArray[np.signedinteger[Any]], mass: Array) -> Derivatives:
    """Return what depends on x alone, -log B(px, q), and its derivatives in p and q."""
    p, q = values[:2]
    own_ratio, own_slope, own_bend = log_rising(p * x, q)
    ratio, slope, bend = log_rising(q, p * x)
    f = mass @ np.where(p * x > q, own_ratio - gammaln(q), ratio - gammaln(p * x))
    g = np.array([mass @ (x * own_slope), mass @ slope])
    mixed = mass @ (x * polygamma(1, p * x + q))
    return float(f), g, np.array([[mass @ (x**2 * own_bend), mixed], [mixed, mass @ bend]])


def _spent(values: Array, spend: Array, once: Array, often: Array, design: Array) -> Derivatives:
    """Return what depends on spend, -q log1p(S/v) - px log1p(v/S), in p, q and the log v that `design` makes up.

    `once` and `often` are the design times a row's customers, and times their purchases.
    """
    (p, q, v), effects = values[:3], values[3:]
    above = spend / (v * np.exp(design[:, 1:] @ effects) if len(effects) else v)
    below = 1 / above
    share = 1 / (1 + below)  # S / (v + S)
    rest = below * share
    more, less = np.log1p(above) @ once[:, 0], np.log1p(below) @ often[:, 0]
    rise, fall = share @ once, rest @ often
    both = share * rest * design.T

    g = np.concatenate([[-less, -more], q * rise - p * fall])
    h = np.zeros((len(values), len(values)))
    h[0, 2:] = h[2:, 0] = -fall
    h[1, 2:] = h[2:, 1] = rise
    h[2:, 2:] = -(q * (both @ once) + p * (both @ often))
    return -q * more - p * less, g, h


def _dependence(x: Array, m: Array, weight: Array) -> pd.Series:
    """Rank correlation of frequency and spend, with the ends of its 90 % interval."""
    correlation, reach = _rank_correlation(x, m, weight), 1.645 / np.sqrt(weight.sum())
    return pd.Series({"correlation": correlation, "low": correlation - reach, "high": correlation + reach})


def _warn_of_dependence(found: pd.Series) -> None:
    """Warn when spend and frequency go together beyond what does little harm."""
    if found["low"] > DEPENDENT or found["high"] < -DEPENDENT:
        more, over = ("more", "over") if found["correlation"] > 0 else ("less", "under")
        warnings.warn(
            f"customers who buy often spend {more} a purchase (rank correlation {found['correlation']:.2f}); "
            f"Gamma-Gamma takes the two as independent, so it {over}values one-time buyers. "
            "GammaGamma(on_frequency=True) lets spend depend on frequency",
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
