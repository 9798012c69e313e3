"""Transaction, contract and spend models: one file a model over one fitter; no engine, no scikit-learn."""

from patron.models.beta_discrete_weibull import BetaDiscreteWeibull
from patron.models.beta_geo import BetaGeoNBD
from patron.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from patron.models.beta_geo_cnbd import BetaGeoCNBD
from patron.models.catalogue import CONTRACT_MODELS, MODELS, TRANSACTION_MODELS, load_model
from patron.models.comparison import cohort_test, likelihood_ratio_test, vuong_test
from patron.models.family.contract_inputs import cohort_table
from patron.models.gamma_gamma import GammaGamma
from patron.models.goodness import goodness_of_fit
from patron.models.modified_beta_geo import ModifiedBetaGeoNBD
from patron.models.modified_beta_geo_cnbd import ModifiedBetaGeoCNBD
from patron.models.nbd import NBD
from patron.models.pareto import ParetoNBD
from patron.models.shifted_beta_geometric import ShiftedBetaGeometric

__all__ = [
    "CONTRACT_MODELS",
    "MODELS",
    "NBD",
    "TRANSACTION_MODELS",
    "BetaDiscreteWeibull",
    "BetaGeoBetaBinomial",
    "BetaGeoCNBD",
    "BetaGeoNBD",
    "GammaGamma",
    "ModifiedBetaGeoCNBD",
    "ModifiedBetaGeoNBD",
    "ParetoNBD",
    "ShiftedBetaGeometric",
    "cohort_table",
    "cohort_test",
    "goodness_of_fit",
    "likelihood_ratio_test",
    "load_model",
    "vuong_test",
]
