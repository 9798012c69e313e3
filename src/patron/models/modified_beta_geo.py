"""MBG/NBD: as BG/NBD, but a customer may leave right after the first purchase too."""

from __future__ import annotations

from typing import Any, ClassVar

from patron.models.family.beta_dropout import BetaDropout, edges


class ModifiedBetaGeoNBD(BetaDropout):
    """The MBG/NBD model of Batislam, Denizel and Filiztekin (2007).

    While alive, a customer buys at a Poisson rate lambda ~ Gamma(r, alpha); after every purchase, the first
    included, the customer leaves for good with probability p ~ Beta(a, b).

    Parameters
    ----------
    solver : {'newton', 'lifetimes'}
        Who fits: the fitter of this package, or the archived package lifetimes, as a second opinion.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter, around an ordinary value; 2.0
        allows a factor of 50 either way. By default there is none.
    rate_covariates, dropout_covariates : sequence of str
        Columns that multiply how often customers buy, and how soon they leave, by exp(effect x column); the effects
        are named `rate.COLUMN` and `dropout.COLUMN`.
    l2 : float
        Penalty on the squared effects, of columns that deviate by 1.

    Notes
    -----
    With x repeat purchases, the last at t_x, observed up to T:

    L = Gamma(r+x) alpha**r / Gamma(r) * [B(a, b+x+1) / B(a, b) * (alpha+T)**-(r+x)
    + B(a+1, b+x) / B(a, b) * (alpha+t_x)**-(r+x)].

    References
    ----------
    E. P. Batislam, M. Denizel, A. Filiztekin, Empirical validation and comparison of models for customer base
    analysis, International Journal of Research in Marketing 24(3), 2007.

    Examples
    --------
    >>> import pandas as pd
    >>> model = ModifiedBetaGeoNBD.from_params(r=0.525, alpha=6.183, a=0.891, b=1.614, unit="week")
    >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}, index=["0001", "0006"])
    >>> frame.attrs["unit"] = "week"
    >>> model.probability_alive(frame).round(3)
    0001    0.706
    0006    0.390
    Name: probability_alive, dtype: float64
    >>> model.expected_purchases(frame, 39).round(3)
    0001    1.263
    0006    0.154
    Name: expected_purchases, dtype: float64
    """

    name: ClassVar[str] = "mbg_nbd"
    edges: ClassVar[dict[str, str]] = edges("the first purchase")
    chances: ClassVar[int] = 1

    def _second_opinion(self) -> Any:
        from lifetimes import ModifiedBetaGeoFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        return ModifiedBetaGeoFitter()
