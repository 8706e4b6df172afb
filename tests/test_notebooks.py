"""Each chapter's notebook is made from its text and runs: as it stands, and with other parameters."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import papermill
import pytest

from tools import notebooks
from tools.notebooks import ROOT

PARAMETERS = {"alpha", "preset", "seed", "device", "retrain"}


CHAPTERS = [path.with_suffix(".ipynb") for path in notebooks.chapters()]
TRAINING = [path for path in CHAPTERS if path.stem not in ("intro", "claims", "runs")]


def parameter_cells(notebook):
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]


def defaults(cell):
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign)
    }


def over(paths):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


each_notebook = over(CHAPTERS)
each_training_chapter = over(TRAINING)


@each_notebook
def test_pair_agrees(path):
    made = nbformat.writes(notebooks.notebook(path.with_suffix(".md"))) + "\n"
    assert made == path.read_text(), f"{path.name} is out of date: run make notebooks, commit both"


@each_notebook
def test_prose_reads_well_in_any_notebook(path):
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    formulas = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.S)
    assert not re.search(r":::|```\{|\{[a-z:]+\}`|\]\{|<a\s|<script", formulas.sub("", prose))
    for target in re.findall(r"\]\(([^)]*)\)", formulas.sub("", prose)):
        assert target.startswith("https://") or (path.parent / target).suffix == ".ipynb"
        assert target.startswith("https://") or (path.parent / target).exists(), target


@each_notebook
def test_notebook_is_valid_and_holds_no_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None


@each_notebook
def test_one_cell_of_parameters(path):
    (cell,) = parameter_cells(nbformat.read(path, as_version=4))
    assert PARAMETERS <= defaults(cell).keys()


@each_training_chapter
def test_a_few_short_cells_teach(path):
    cells = nbformat.read(path, as_version=4).cells
    teaching = [cell for cell in cells if "teach" in cell.metadata.get("tags", [])]
    assert 2 <= len(teaching) <= 4
    for cell in teaching:
        assert cell.metadata.tags == ["teach"] and len(cell.source.splitlines()) <= 6


def run(path, folder, monkeypatch, **parameters):
    monkeypatch.setenv("LSBOOK_RUNS", str(folder / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder.mkdir(exist_ok=True)
    output = folder / path.name
    papermill.execute_notebook(
        path, output, parameters, cwd=ROOT / "book", progress_bar=False, execution_timeout=300
    )
    return nbformat.read(output, as_version=4)


@pytest.mark.slow
@each_notebook
def test_chapter_runs_as_it_stands(path, tmp_path):
    cells = len([c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"])
    environment = os.environ | {"LSBOOK_RUNS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    nbval = ["-p", "no:xdist", "-q", "--nbval-lax", "--nbval-current-env", str(path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *nbval, "-o", "addopts="],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400,
    )
    assert done.returncode == 0 and f"{cells} passed" in done.stdout, done.stdout[-3000:]


@pytest.mark.slow
@each_training_chapter
def test_chapter_runs_with_another_alpha(path, tmp_path, monkeypatch):
    notebook = run(path, tmp_path, monkeypatch, alpha=0.17)
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    trained = list((tmp_path / "runs").glob("*/manifest.json"))
    assert trained, "another alpha has to train a model of its own"


NOTHING_RECORDED = """\
from pathlib import Path
from lsbook import recipes
from lsbook.runs import store
store.COMMITTED = Path("none")
name = "lab/transformer-grammar"
recipes.CATALOGUE[name] = recipes.CATALOGUE[name].with_(scale=0.1)  # a short training
"""


@pytest.mark.slow
@each_training_chapter
def test_chapter_runs_where_nothing_is_recorded(path, tmp_path, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    (cell,) = parameter_cells(notebook)
    notebook.cells.insert(notebook.cells.index(cell) + 1,
                          nbformat.v4.new_code_cell(NOTHING_RECORDED))
    nbformat.write(notebook, tmp_path / path.name)
    short = {"epochs": 1} if "epochs" in defaults(cell) else {}
    done = run(tmp_path / path.name, tmp_path / "out", monkeypatch, **short)
    said = "".join(output.get("text", "") for cell in done.cells if "teach" in cell.metadata.tags
                   for output in cell.outputs)
    assert said.count("lsbook") >= 2


@pytest.mark.slow
@each_training_chapter
def test_no_smoothing_is_told_what_stands_beside_it(path, tmp_path, monkeypatch):
    done = run(path, tmp_path, monkeypatch, alpha=0)
    said = "".join(output.get("text", "") for cell in done.cells for output in
                   cell.get("outputs", []))
    assert said.count("α = 0 has nothing to be compared with: beside it stands α = ") == 1


@pytest.mark.slow
@each_training_chapter
def test_chapter_refuses_impossible_alpha(path, tmp_path, monkeypatch):
    with pytest.raises(papermill.PapermillExecutionError, match="alpha"):
        run(path, tmp_path, monkeypatch, alpha=1.5)
