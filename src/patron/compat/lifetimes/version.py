"""The release of lifetimes whose interface stands here, for programs that ask."""

__version__ = "0.11.3"
