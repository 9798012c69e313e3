"""Executes every notebook beside it; with --write the outputs are kept, without it they only have to run."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def execute(path: Path) -> nbformat.NotebookNode:
    """Run one notebook in its own folder, as Jupyter does, and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    folder = str(path.resolve().parent)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return notebook


def main() -> None:
    """Execute all."""
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        notebook = execute(path)
        if "--write" in sys.argv:
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
            nbformat.write(notebook, path)
        print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells")


if __name__ == "__main__":
    main()
