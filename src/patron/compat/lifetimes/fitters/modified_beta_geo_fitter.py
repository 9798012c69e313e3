"""The MBG/NBD model under its old name."""

from __future__ import annotations

from patron.compat.lifetimes.fitters.beta_geo_fitter import BetaGeoFitter
from patron.compat.lifetimes.generate_data import modified_beta_geometric_nbd_model
from patron.models import ModifiedBetaGeoNBD


class ModifiedBetaGeoFitter(BetaGeoFitter):
    """MBG/NBD, on `patron.ModifiedBetaGeoNBD`.

    Parameters
    ----------
    penalizer_coef : float
        See `BaseFitter`.
    """

    _model = ModifiedBetaGeoNBD
    _simulator = staticmethod(modified_beta_geometric_nbd_model)
