"""The project keeps its own promises: pictures are current, every target says what it does, nothing is pickled."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def test_the_picture_of_the_house_is_drawn_from_the_contract_as_it_stands():
    drawn = runpy.run_path(str(ROOT / "docs" / "draw_house.py"))["draw"]()
    assert (ROOT / "docs" / "pictures" / "house.svg").read_text(encoding="utf-8") == drawn


def test_every_target_of_the_makefile_says_what_it_does():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY")).split()[1:]
    assert set(re.findall(r"^([a-z-]+):.*## \w", makefile, flags=re.MULTILINE)) == set(phony)


def test_the_readme_names_only_targets_and_files_that_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", readme, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for link in re.findall(r"\]\((?!http)([^)#]+)", readme):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_lives_there_and_pickles_nothing(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert not re.search(r"^\s*(import|from) (pickle|dill|cloudpickle|joblib)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_name_no_host(lock):
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")
