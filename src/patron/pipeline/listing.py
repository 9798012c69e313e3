"""The features that a configuration's tables tell, and those that they cannot, for a reader."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from patron.config import Config
from patron.features import CATALOGUE, features_of
from patron.features.catalogue import table
from patron.pipeline.inputs import features_asked, loaded, read


def features(config: str | Path | Config) -> pd.DataFrame:
    """List every feature: what it is, and whether this run computes it.

    Parameters
    ----------
    config : path or Config
        The run.

    Returns
    -------
    DataFrame
        Indexed by name: description, label, unit, family, source, needs, and absent: why the run has no such feature,
        or '' if it has. Those named by the kinds of events and the attributes of the customers stand last.

    Raises
    ------
    ConfigError, DataError
        The configuration does not fit, or the data are refused; a feature that the configuration names and no table
        tells.
    """
    config = loaded(config)
    log = read(config)
    told = {feature.name: feature for feature in features_of(log)}
    asked = {feature.name for feature in features_of(log, features_asked(config))}
    listed = table([*CATALOGUE.values(), *(feature for name, feature in told.items() if name not in CATALOGUE)])
    listed["absent"] = [
        "" if name in asked else f"features is {config.features}" if name in told else f"no column {needs}"
        for name, needs in listed["needs"].items()
    ]
    return listed
