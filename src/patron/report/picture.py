"""A picture on the page: the plot inside the text, what it shows in words, what it says."""

from __future__ import annotations

import base64
from typing import Final

from matplotlib.axes import Axes

from patron import plots
from patron.plots.style import figure_of

DOTS: Final = 150
"""Dots per inch of a picture, which a page shows at 96 or a little more."""


def picture(ax: Axes, alt: str, caption: str) -> dict[str, str]:
    """Return what the template draws: the text in place of the picture, and the caption below it."""
    drawn = base64.b64encode(plots.to_png(ax, dpi=DOTS)).decode()
    width, height = (round(96 * inches) for inches in figure_of(ax).get_size_inches())
    return {"src": f"data:image/png;base64,{drawn}", "alt": alt, "caption": caption, "width": width, "height": height}
