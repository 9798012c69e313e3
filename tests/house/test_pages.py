"""The front pages run as they stand, and every page of the site can be reached."""

import re
from pathlib import Path

import pytest
import yaml

import patron
from patron.config import Config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(path, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize(
    ("page", "names"),
    [("README.md", {"value"}), pytest.param("docs/index.md", {"value", "board"}, marks=pytest.mark.slow)],
)
def test_the_code_of_a_front_page_runs_from_top_to_bottom(page, names, monkeypatch):
    monkeypatch.setattr(patron.datasets, "load_cdnow", patron.datasets.load_cdnow_sample)
    scope = {}
    for block in blocks(page, "python"):
        exec(block, scope)
    assert names <= set(scope)


def test_the_configuration_of_the_start_is_one():
    (block,) = blocks("docs/index.md", "yaml")
    config = Config.model_validate(yaml.safe_load(block))
    assert (config.name, config.value.margin) == ("shop", 0.35)


def test_every_page_stands_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    shown = re.findall(r": ([a-z0-9_/-]+\.md)$", text[text.index("nav:") :], re.MULTILINE)
    written = {path.name for path in DOCS.glob("*.md")}
    notebooks = {f"reference/notebooks/{path.stem}.md" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert written == {page for page in shown if "/" not in page}
    assert notebooks == {page for page in shown if "/notebooks/" in page}
    assert len(shown) == len(set(shown))
