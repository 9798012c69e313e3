"""The modules, names and signatures of lifetimes 0.11.3 on Patron's models: change the import line, keep the program.

Where lifetimes was wrong the answer here is right, and differs; the documentation page "Coming from lifetimes" lists
where. New programs are better off with `patron` itself.
"""

from patron.compat.lifetimes.fitters import BaseFitter as BaseFitter
from patron.compat.lifetimes.fitters.beta_geo_beta_binom_fitter import BetaGeoBetaBinomFitter
from patron.compat.lifetimes.fitters.beta_geo_fitter import BetaGeoFitter
from patron.compat.lifetimes.fitters.gamma_gamma_fitter import GammaGammaFitter
from patron.compat.lifetimes.fitters.modified_beta_geo_fitter import ModifiedBetaGeoFitter
from patron.compat.lifetimes.fitters.pareto_nbd_fitter import ParetoNBDFitter
from patron.compat.lifetimes.version import __version__

__all__ = (
    "BetaGeoBetaBinomFitter",
    "BetaGeoFitter",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "__version__",
)
