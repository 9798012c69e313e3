"""BG/NBD: Poisson purchases at a gamma rate; after each repeat purchase a customer leaves with a beta probability."""

from __future__ import annotations

from typing import Any, ClassVar

from patron.models.family.beta_dropout import BetaDropout, edges


class BetaGeoNBD(BetaDropout):
    """The BG/NBD model of Fader, Hardie and Lee (2005).

    While alive, a customer buys at a Poisson rate lambda ~ Gamma(r, alpha); after every repeat purchase the
    customer leaves for good with probability p ~ Beta(a, b).

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
    With x repeat purchases, the last at t_x, observed up to T (equation 6 of the paper):

    L = Gamma(r+x) alpha**r / Gamma(r) * [B(a, b+x) / B(a, b) * (alpha+T)**-(r+x)
    + (x > 0) * B(a+1, b+x-1) / B(a, b) * (alpha+t_x)**-(r+x)].

    A customer without a repeat purchase has had no occasion to leave: P(alive) = 1. That is the model, not a
    sign of health; churn is `probability_no_purchase`.

    References
    ----------
    P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way: An Alternative to the
    Pareto/NBD Model, Marketing Science 24(2), 2005.

    Examples
    --------
    >>> import pandas as pd
    >>> model = BetaGeoNBD.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="week")
    >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.43, 0], "T": [38.86, 38.86]}, index=["0001", "0006"])
    >>> frame.attrs["unit"] = "week"
    >>> model.expected_purchases(frame, 39).round(3)
    0001    1.226
    0006    0.195
    Name: expected_purchases, dtype: float64
    >>> model.probability_no_purchase(frame, "91 days").round(3)
    0001    0.677
    0006    0.938
    Name: probability_no_purchase, dtype: float64
    """

    name: ClassVar[str] = "bg_nbd"
    edges: ClassVar[dict[str, str]] = edges("the first repeat purchase")
    chances: ClassVar[int] = 0

    def _second_opinion(self) -> Any:
        from lifetimes import BetaGeoFitter  # noqa: PLC0415  # archived and slow to import: only when asked for

        return BetaGeoFitter()
