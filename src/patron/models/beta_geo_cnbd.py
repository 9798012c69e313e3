"""BG/CNBD-k: as BG/NBD, but the gaps between purchases are Erlang-k: regular buyers."""

from __future__ import annotations

from typing import ClassVar

from patron.models.family.beta_dropout import edges
from patron.models.family.erlang import ErlangDropout


class BetaGeoCNBD(ErlangDropout):
    """The BG/CNBD-k model of Reutterer, Platzer and Schroeder (2021).

    While alive, a customer passes through phases at a Poisson rate lambda ~ Gamma(r, alpha) and buys at every k-th;
    after every repeat purchase the customer leaves for good with probability p ~ Beta(a, b). k = 1 is BG/NBD.

    Parameters
    ----------
    solver : {'newton'}
        Who fits; lifetimes has no such model.
    prior : float, optional
        Standard deviation of a weak normal prior on the logarithm of each parameter; by default there is none.
    k : int, 'wheat-morrison' or None
        Phases a purchase, 1 to 12; None is the k of the highest likelihood, 'wheat-morrison' a quick estimate from
        the customers of two gaps. Both need the column log_gaps, as ``rfm_summary(..., gaps=True)`` gives it; without
        it `log_likelihood_` is NaN for k above 1.

    Notes
    -----
    With x repeat purchases at gaps g_1, ..., g_x, the last at t_x, observed up to T, and m = r + kx:

    L = prod(g_i**(k-1)) / Gamma(k)**x * Gamma(m) alpha**r / Gamma(r) * [B(a, b+x) / B(a, b) * (alpha+T)**-m *
    sum over j < k of C(m+j-1, j) ((T-t_x) / (alpha+T))**j + (x > 0) * B(a+1, b+x-1) / B(a, b) * (alpha+t_x)**-m].

    Erlang gaps have a memory: what comes ahead depends on how long the customer has been silent, not only on being
    alive. It is found by quadrature over the posterior of rate, phase and dropout; the formula of BG/NBD with P(alive)
    of this model is not right.

    References
    ----------
    T. Reutterer, M. Platzer, N. Schroeder, Leveraging purchase regularity for predicting customer behavior the easy
    way, International Journal of Research in Marketing 38(1), 2021.

    R. D. Wheat, D. G. Morrison, Estimating purchase regularity with two interpurchase times, Journal of Marketing
    Research 27(1), 1990.

    Examples
    --------
    >>> import pandas as pd
    >>> model = BetaGeoCNBD.from_params(k=3, r=0.85, alpha=1.45, a=0.79, b=2.42, unit="week")
    >>> frame = pd.DataFrame({"frequency": [4, 4, 0], "recency": [38, 20, 0], "T": [40, 40, 40]})
    >>> frame.attrs["unit"] = "week"
    >>> model.expected_purchases(frame, 13).round(3)
    0    1.043
    1    0.064
    2    0.208
    Name: expected_purchases, dtype: float64
    """

    name: ClassVar[str] = "bg_cnbd_k"
    edges: ClassVar[dict[str, str]] = edges("the first repeat purchase")
    chances: ClassVar[int] = 0
