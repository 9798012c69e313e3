"""BdW: as sBG, but each customer's own probability to leave rises or falls with the age of the contract."""

from __future__ import annotations

from typing import ClassVar, Final

from patron.models.family.contract import ContractModel

_POWER: Final = "beyond the first renewal the share that stays falls as a power of time, however customers differ"
_LATE: Final = "hardly any customer leaves before a certain renewal, and how customers differ is not told"


class BetaDiscreteWeibull(ContractModel):
    """The beta-discrete-Weibull model of contracts (Fader, Hardie, Liu, Davin and Steenburgh 2018).

    A customer is still there after t renewals with probability (1 - theta)**(t**c), theta ~ Beta(alpha, beta) across
    customers. With c > 1 a customer grows more likely to leave, with c < 1 less; c = 1 is sBG.

    Parameters
    ----------
    solver : {'newton'}
        The fitter of this package; lifetimes has no such model.
    prior : float, optional
        Standard deviation of a normal on each parameter's logarithm; by default there is none.

    Notes
    -----
    S(t) = B(alpha, beta + t**c) / B(alpha, beta). Without a discount the expected renewals to come are infinite for
    alpha c <= 1, as survival falls as t**(-alpha c) in the end.

    References
    ----------
    P. Fader, B. Hardie, Y. Liu, J. Davin and T. Steenburgh, "How to Project Customer Retention" Revisited: The Role of
    Duration Dependence, Journal of Interactive Marketing 43, 2018.

    Examples
    --------
    >>> model = BetaDiscreteWeibull.from_params(alpha=0.26, beta=1.7, c=1.6, period="year")
    >>> model.retention(3)["retention_rate"].round(3)
    period
    1    0.867
    2    0.851
    3    0.880
    Name: retention_rate, dtype: float64

    Each customer grows more likely to leave, yet retention recovers: those likely to leave have left.
    """

    name: ClassVar[str] = "bdw"
    parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta", "c")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0, 0.0)
    edges: ClassVar[dict[str, str]] = {
        "alpha- beta- c+": _POWER,
        "alpha- beta+ c+": _LATE,
        "beta+ c+": _LATE,
        "alpha- c+": _POWER,
        **ContractModel.edges,
        "c+": "hardly any customer stays beyond the second renewal",
        "c-": "whoever stays at the first renewal stays for ever",
    }

    @property
    def _three(self) -> tuple[float, float, float]:
        alpha, beta, c = self._values
        return alpha, beta, c
