"""Each chapter's two files agree, its notebook runs, and it runs again with another alpha."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
import yaml

ROOT = Path(__file__).parent.parent
PARAMETERS = {"alpha", "preset", "seed", "device", "retrain"}


def contents():
    return yaml.safe_load((ROOT / "_toc.yml").read_text())


def notebooks(part):
    return [ROOT / item["file"] for item in part["chapters"] if item["file"].endswith(".ipynb")]


def every_notebook():
    parts = [path for part in contents()["parts"] for path in notebooks(part)]
    return [ROOT / contents()["root"], *parts]


def training_chapters():
    return notebooks(contents()["parts"][0])


def parameter_cells(notebook):
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]


def defaults(cell):
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign)
    }


def outline(notebook):
    return [
        (cell.cell_type, cell.source.strip(), sorted(cell.metadata.get("tags", [])))
        for cell in notebook.cells
    ]


def over(paths):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


each_notebook = over(every_notebook())
each_training_chapter = over(training_chapters())


@each_notebook
def test_pair_agrees(path):
    text = path.with_suffix(".md")
    assert text.exists(), f"{text} is missing: run make notebooks"
    same = outline(nbformat.read(path, as_version=4)) == outline(jupytext.read(text))
    assert same, f"{path.name} and {text.name} differ: run make notebooks and commit both"


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


def run(path, folder, monkeypatch, **parameters):
    monkeypatch.setenv("LSBOOK_RUNS", str(folder / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    output = folder / path.name
    papermill.execute_notebook(
        path, output, parameters, cwd=path.parent, progress_bar=False, execution_timeout=300
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


@pytest.mark.slow
@each_training_chapter
def test_chapter_refuses_impossible_alpha(path, tmp_path, monkeypatch):
    with pytest.raises(papermill.PapermillExecutionError, match="alpha"):
        run(path, tmp_path, monkeypatch, alpha=1.5)
