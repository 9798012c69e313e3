"""The side-by-side table: every cell of ours names what shows it, and each of these exists."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import BARS
from patron import plots

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


def shown():
    """What the page gives for each capability: its label to the text that follows."""
    lists = re.findall(r"^- (\*\*.+?)(?=^- \*\*|^$)", PAGE, re.MULTILINE | re.DOTALL)
    for line in lists:
        names, _, proof = line.rpartition("**:")
        yield from ((name, proof) for name in re.findall(r"\*\*(.+?)\*\*", f"{names}**"))


def claimed():
    """Label and own cell of every row of the tables that compare."""
    for table in re.findall(r"^\| \| Patron \|.+?\n\|[-|]+\n((?:\|.+\n)+)", PAGE, re.MULTILINE):
        for row in table.splitlines():
            yield [cell.strip() for cell in row.split("|")[1:3]]


@pytest.mark.parametrize("name", TESTS)
def test_a_test_that_is_named_exists(name):
    path, _, function = name.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert any(one.startswith("test_") for one in functions)
    assert not function or function in functions


def test_every_cell_of_ours_is_shown_by_something():
    proofs = dict(shown())
    ours = [label for label, cell in claimed() if not re.match(r"no\b", cell)]
    assert len(ours) > 40
    assert [label for label in ours if not re.search(r"`(tests/|make )", proofs.get(label, ""))] == []
    assert set(proofs) == set(ours)


def test_every_bar_and_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    bars = [bar for bar in re.findall(r"BAR=([a-z0-9-]+)", PAGE) if bar != "ID"]
    assert len(bars) > 10
    assert set(bars) <= set(BARS)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in re.findall(r"`make ([a-z-]+)", PAGE))


def test_sizes_told_are_those_of_today():
    packages = re.findall(r"^[a-z][^ ]*==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"{len(packages)} packages in the lock" in PAGE
    assert f"| plots | {sum(name.startswith('plot_') for name in plots.__all__)}, " in PAGE
