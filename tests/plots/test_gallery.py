"""The gallery shows every plot, in pictures small enough to be kept in the repository."""

import re
from pathlib import Path

from patron import plots

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "plots.md").read_text(encoding="utf-8")
PICTURES = DOCS / "pictures" / "plots"


def test_the_gallery_shows_every_plot():
    called = set(re.findall(r"^plots\.(\w+)\(", PAGE, flags=re.MULTILINE))
    assert called == set(plots.__all__) - {"to_png"}


def test_each_picture_is_shown_once_and_small():
    shown = re.findall(r"\(pictures/plots/([\w-]+\.png)\)", PAGE)
    assert sorted(shown) == sorted(path.name for path in PICTURES.iterdir())
    sizes = [path.stat().st_size for path in PICTURES.iterdir()]
    assert max(sizes) < 40_000
    assert sum(sizes) < 1_000_000
