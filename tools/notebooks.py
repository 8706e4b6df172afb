"""The chapters as notebooks: ``python -m tools.notebooks`` makes each from its ``book/NAME.md``.

Jupyter, Colab and papermill open these; the book is built from the texts themselves.
"""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from tools.plain import is_chapter, plain

ROOT = Path(__file__).parent.parent


def chapters(root: Path = ROOT) -> list[Path]:
    """The book's chapters with code, ``book/NAME.md``, in the order of its table of contents."""
    contents = yaml.safe_load((root / "_toc.yml").read_text())
    files = [contents["root"]]
    files += [item["file"] for part in contents["parts"] for item in part["chapters"]]
    return [path for path in (root / name for name in files) if is_chapter(path)]


def read(chapter: Path) -> NotebookNode:
    """A chapter as a notebook without outputs, its prose still in MyST."""
    made = jupytext.read(chapter)
    made.metadata = {"kernelspec": made.metadata["kernelspec"]}
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    return made


def notebook(chapter: Path) -> NotebookNode:
    """A chapter's notebook, its prose made plain."""
    made = read(chapter)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
    return made


def main() -> None:
    for chapter in chapters():
        nbformat.write(notebook(chapter), chapter.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
