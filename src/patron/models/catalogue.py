"""The models by name, and how a stored one is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from patron._core.errors import DataError
from patron._core.files import read_json
from patron.models.beta_discrete_weibull import BetaDiscreteWeibull
from patron.models.beta_geo import BetaGeoNBD
from patron.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from patron.models.beta_geo_cnbd import BetaGeoCNBD
from patron.models.family.base import Model
from patron.models.family.contract import ContractModel
from patron.models.family.transaction import TransactionModel
from patron.models.gamma_gamma import GammaGamma
from patron.models.modified_beta_geo import ModifiedBetaGeoNBD
from patron.models.modified_beta_geo_cnbd import ModifiedBetaGeoCNBD
from patron.models.nbd import NBD
from patron.models.pareto import ParetoNBD
from patron.models.shifted_beta_geometric import ShiftedBetaGeometric

TRANSACTION_MODELS: Final[dict[str, type[TransactionModel]]] = {
    model.name: model for model in (BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD)
}
"""Those that compete as recipes: name in configs to class."""

CONTRACT_MODELS: Final[dict[str, type[ContractModel]]] = {
    model.name: model for model in (ShiftedBetaGeometric, BetaDiscreteWeibull)
}
"""The models of contracts, by name."""

_OTHERS: Final[tuple[type[Model], ...]] = (
    NBD,
    BetaGeoCNBD,
    ModifiedBetaGeoCNBD,
    BetaGeoBetaBinomial,
    GammaGamma,
)
MODELS: Final[dict[str, type[Model]]] = {
    **TRANSACTION_MODELS,
    **CONTRACT_MODELS,
    **{model.name: model for model in _OTHERS},
}
"""Every model, by name."""


def load_model(source: str | Path | dict[str, Any]) -> Any:
    """Load a model that `save` wrote, whichever it is; a dictionary from `to_dict` does as well.

    Parameters
    ----------
    source : path or dict
        What `save` wrote, or what `to_dict` gave.

    Raises
    ------
    DataError
        When the file is not there, or holds no model.

    Examples
    --------
    >>> load_model(GammaGamma.from_params(p=6.25, q=3.74, v=15.44).to_dict())
    GammaGamma(p=6.25, q=3.74, v=15.44)
    """
    if isinstance(source, dict):
        stored = source
    else:
        try:
            stored = read_json(Path(source))
        except (OSError, ValueError) as error:
            raise DataError(f"no stored model at {source}", example=str(error), fix="check the path") from error
    kind = stored.get("model") if hasattr(stored, "get") else None
    if kind not in MODELS:
        raise DataError("not a stored model", example=kind, fix=f"one of {', '.join(MODELS)}, as model.save writes it")
    return MODELS[kind].from_dict(stored)
