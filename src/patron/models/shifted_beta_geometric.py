"""sBG: customers renew by the toss of a coin that is each one's own and never changes."""

from __future__ import annotations

from typing import ClassVar

from patron.models.family.contract import ContractModel


class ShiftedBetaGeometric(ContractModel):
    """The shifted-beta-geometric model of contracts (Fader and Hardie 2007).

    At each renewal a customer leaves with a probability theta of their own, theta ~ Beta(alpha, beta) across
    customers. Nobody grows more loyal; that retention rises with age is the early leaving of those likely to leave.

    Parameters
    ----------
    solver : {'newton'}
        The fitter of this package; lifetimes has no such model.
    prior : float, optional
        Standard deviation of a normal on each parameter's logarithm; by default there is none.

    Notes
    -----
    S(t) = B(alpha, beta + t) / B(alpha, beta), and a customer who has survived n renewals is one whose theta is
    Beta(alpha, beta + n). Without a discount the expected renewals to come are infinite for alpha <= 1.

    References
    ----------
    P. Fader and B. Hardie, How to Project Customer Retention, Journal of Interactive Marketing 21(1), 2007.

    Examples
    --------
    Of 1,000 customers these were left after each year up to the seventh:

    >>> import pandas as pd
    >>> left = pd.Series([1000, 869, 743, 653, 593, 551, 517, 491])
    >>> table = pd.DataFrame({"period": range(1, 8), "at_risk": left[:-1], "lost": -left.diff()[1:].to_numpy()})
    >>> model = ShiftedBetaGeometric().fit(table, period="year")
    >>> model
    ShiftedBetaGeometric(alpha=0.6681, beta=3.806)
    >>> model.retention(12)["survival"].iloc[-1].round(3)
    np.float64(0.378)
    >>> model.discounted_renewals(model.new_customer(), horizon=None, discount_rate=0.10).round(2)
    0    5.41
    Name: discounted_renewals, dtype: float64
    """

    name: ClassVar[str] = "sbg"
    parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    lower: ClassVar[tuple[float, ...]] = (0.0, 0.0)

    @property
    def _three(self) -> tuple[float, float, float]:
        alpha, beta = self._values
        return alpha, beta, 1.0
