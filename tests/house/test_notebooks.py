"""Every notebook answers a question, runs as it is, and holds the pictures it was executed with."""

import re
import runpy
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MACHINE = re.compile(r"(?<![\w<])/(?:tmp|home|root|Users|work|opt|usr|var)/|site-packages|ipykernel_")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def texts(notebook):
    """Everything that a reader of the outputs sees as text."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield str(output.get("text", ""))
            yield from (str(told) for kind, told in output.get("data", {}).items() if not kind.startswith("image/"))


def check_sentence(notebook):
    """The last cell shows one sentence, in bold, its figures computed."""
    last = notebook.cells[-1]
    (output,) = last.outputs
    told = output["data"]["text/markdown"]
    assert told.startswith("> **")
    assert told.endswith(".**")
    assert ". " not in told
    assert "nan" not in re.findall(r"\w+", told)
    assert len(re.findall(r"\{[^}]+\}", last.source)) >= 3


@pytest.mark.notebooks
@each
def test_a_notebook_runs_from_top_to_bottom(path):
    execute = runpy.run_path(str(path.parent / "execute.py"))["execute"]
    notebook = execute(path)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    check_sentence(notebook)


@each
def test_a_notebook_is_kept_with_its_pictures_and_small(path):
    assert path.stat().st_size < 1_000_000
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output.output_type == "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)


@each
def test_a_notebook_asks_a_question_and_ends_with_the_sentence_for_the_meeting(path):
    notebook = nbformat.read(path, as_version=4)
    title, *_ = notebook.cells
    assert re.match(r"# [^\n]+\n\n\*\*The question: [^\n]+\?\*\*\n", title.source)
    heading = notebook.cells[-2]
    assert heading.source == "## The sentence for the meeting"
    check_sentence(notebook)


@each
def test_a_notebook_names_no_path_of_the_machine_it_ran_on(path):
    found = [MACHINE.search(text) for text in texts(nbformat.read(path, as_version=4))]
    assert not any(found), [match.string[match.start() : match.end() + 40] for match in found if match]
