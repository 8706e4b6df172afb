"""Notebooks for a course: ``python -m tools.editions student|instructor --into DIR``.

Both are made from the book's chapters. Students get stubs in place of the solutions, each with its
check; instructors get the solutions and the teaching notes.
"""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.notebooks import ROOT, chapters, read
from tools.plain import plain

TAG = "solution"
CHECK = re.compile(r"^# check\b", re.M)
YOUR_TURN = 'raise NotImplementedError("Your turn")'


def is_solution(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and TAG in cell.metadata.get("tags", [])


def split(source: str) -> tuple[str, str]:
    """A solution's code and its check, which starts at the line ``# check``."""
    places = [found.start() for found in CHECK.finditer(source)]
    if len(places) != 1:
        raise ValueError(f"A solution needs one line '# check', got {len(places)}:\n{source}")
    return source[: places[0]], source[places[0] :]


def functions(code: str) -> list[ast.FunctionDef]:
    """The functions a reader is to write; each must say in a docstring what it returns."""
    found = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    if not found:
        raise ValueError(f"A solution needs a function for the reader to write:\n{code}")
    for node in found:
        if not ast.get_docstring(node):
            raise ValueError(f"{node.name} needs a docstring that says what it must return.")
    return found


def stub(source: str) -> str:
    """A solution with the bodies of its functions left to the reader, and its check as it was."""
    code, check = split(source)
    lines = code.splitlines(keepends=True)
    for function in reversed(functions(code)):
        docstring = function.body[0]
        lines[docstring.end_lineno : function.end_lineno] = [
            " " * docstring.col_offset + YOUR_TURN + "\n"
        ]
    return "".join(lines) + check


def teaching_notes(name: str, root: Path = ROOT) -> str:
    """The instructor page's section whose heading links to the chapter; empty if none does."""
    page = (root / "book" / "instructors.md").read_text()
    heading = re.compile(rf"^### \[.*\]\({re.escape(name)}\.md\)\n((?:(?!#).*\n)*)", re.M)
    found = heading.search(page + "\n")
    return found[1].strip() if found else ""


def edition(notebook: NotebookNode, kind: str, notes: str = "") -> NotebookNode:
    """A chapter that `notebooks.read` gave, as ``student`` or ``instructor`` gets it."""
    student = kind == "student"
    made = nbformat.from_dict(notebook)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, solutions=not student)
        elif is_solution(cell):
            cell.source = stub(cell.source) if student else cell.source
            cell.metadata.tags = ["exercise"] if student else [TAG]
    if notes and not student:
        text = "## Teaching notes\n\n" + plain(notes)
        made.cells.insert(1, nbformat.v4.new_markdown_cell(text, id="teaching-notes"))
    return made


def write(kind: str, folder: Path, root: Path = ROOT) -> list[Path]:
    """Write the whole edition into ``folder``; the same book gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in chapters(root):
        made = edition(read(path), kind, teaching_notes(path.stem, root))
        written.append((folder / path.name).with_suffix(".ipynb"))
        nbformat.write(made, written[-1])
    return written


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.editions", description=__doc__)
    parser.add_argument("kind", choices=("student", "instructor"))
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    chosen = parser.parse_args()
    for path in write(chosen.kind, chosen.into):
        print(path)


if __name__ == "__main__":
    main()
