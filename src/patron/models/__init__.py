"""Transaction and spend models: one file a model over one fitter and one horizon engine; no engine, no scikit-learn."""

from patron.models.beta_geo import BetaGeoNBD
from patron.models.catalogue import TRANSACTION_MODELS, load_model
from patron.models.gamma_gamma import GammaGamma
from patron.models.modified_beta_geo import ModifiedBetaGeoNBD
from patron.models.nbd import NBD
from patron.models.pareto import ParetoNBD

__all__ = ["NBD", "TRANSACTION_MODELS", "BetaGeoNBD", "GammaGamma", "ModifiedBetaGeoNBD", "ParetoNBD", "load_model"]
