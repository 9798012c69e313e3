"""What a run is told: typed settings and a YAML loader that knows on which line each stands."""

from patron.config.loader import load_config
from patron.config.schema import Config

__all__ = ["Config", "load_config"]
