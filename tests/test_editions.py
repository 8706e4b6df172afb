"""Editions for a course: what students get, what teachers get, and that both fit each other."""

import ast
import contextlib
import io
import os
import re
import symtable

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import editions, notebooks
from tools.plain import plain

SOLUTION = '''\
import math


def gap(alpha, K):
    """The logit gap of least loss, in nats."""
    right = 1 - alpha + alpha / K
    return math.log(right / (alpha / K))


# check
assert abs(gap(0.1, 10) - math.log(91)) < 1e-9
'''
STUB = '''\
import math


def gap(alpha, K):
    """The logit gap of least loss, in nats."""
    raise NotImplementedError("Your turn")


# check
assert abs(gap(0.1, 10) - math.log(91)) < 1e-9
'''
PROSE = """\
# Title

:::{admonition} Predict
:class: tip
Which [smoothed]{.c-smooth} network {cite}`muller2019,hinton2015`?
:::

```{dropdown} Reveal
The second.
```

1. Look.

   ````{dropdown} Solution
   ```python
   secret()
   ```
   ````
"""


def notebook():
    cells = [new_markdown_cell(PROSE), new_code_cell(SOLUTION)]
    cells[1].metadata["tags"] = ["solution", "hide-cell"]
    return new_notebook(cells=cells)


def over_chapters(paths):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def solutions(path):
    return [cell for cell in notebooks.read(path).cells if editions.is_solution(cell)]


def test_stub_keeps_signature_docstring_and_check():
    assert editions.stub(SOLUTION) == STUB


def test_stub_of_a_stub_is_itself():
    assert editions.stub(STUB) == STUB


@pytest.mark.parametrize(
    "source, message",
    [
        ("def f():\n    'What.'\n", "# check"),
        ("x = 1\n# check\nassert x", "needs a function"),
        ("def f():\n    return 1\n# check\nassert f()", "docstring"),
    ],
)
def test_solution_of_another_shape_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        editions.stub(source)


def test_students_see_no_answer():
    made = editions.edition(notebook(), "student", notes="Say this.")
    text = "\n".join(cell.source for cell in made.cells)
    assert "secret" not in text and "Say this" not in text and "math.log(right" not in text
    assert "<details><summary>Reveal</summary>" in text
    assert made.cells[1].source == STUB
    nbformat.validate(made)


def test_teachers_see_answers_and_notes():
    made = editions.edition(notebook(), "instructor", notes="Say this.")
    assert made.cells[1].source == "## Teaching notes\n\nSay this."
    assert "<details open><summary>Solution</summary>" in made.cells[0].source
    assert made.cells[2].source == SOLUTION
    assert made.cells[2].metadata["tags"] == ["solution"]
    nbformat.validate(made)


def test_prose_needs_no_myst():
    text = plain(PROSE)
    cited = (
        "([Müller et al. 2019](https://arxiv.org/abs/1906.02629); "
        "[Hinton et al. 2015](https://arxiv.org/abs/1503.02531))"
    )
    assert f"> **Predict**\n>\n> Which smoothed network {cited}?" in text
    assert plain("Kumar and Sarawagi {cite}`he2016` ask.") == "Kumar and Sarawagi (2016) ask."
    assert plain("as {cite:t}`guo2017,he2016` say") == "as Guo et al. 2017 and He et al. 2016 say"
    assert plain("[Two](claims.md#a), [three](api.md)") == "[Two](claims.ipynb), three"
    assert plain("See [below](#the-claims).") == "See below."
    assert plain('Take <a href="#explore-x?bins=5">five</a>.') == "Take five."
    assert plain('See <a href="intro.html#explore-x?T=2">the\nfigure</a>.') == "See the\nfigure."
    assert not re.search(r":::|\{\.|\{cite|\{dropdown|^ *:class:", text, re.M)


@pytest.mark.parametrize("kind", ["student", "instructor"])
def test_same_book_same_bytes(kind, tmp_path):
    for folder in ("a", "b"):
        editions.write(kind, tmp_path / folder)
    for path in notebooks.chapters():
        name = path.with_suffix(".ipynb").name
        first, second = (tmp_path / folder / name for folder in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        made = nbformat.read(first, as_version=4)
        nbformat.validate(made)
        text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
        assert not re.search(r"\{(cite|dropdown|admonition)\}", text)
        assert kind == "instructor" or "<summary>Solution" not in text


def signatures(source):
    code, _ = editions.split(source)
    return [
        (node.name, ast.dump(node.args), node.returns and ast.dump(node.returns))
        for node in editions.functions(code)
    ]


def test_experiments_have_exercises():
    for path in notebooks.chapters():
        if path.stem not in ("intro", "claims", "runs"):
            assert len(solutions(path)) >= 3, path


@over_chapters(notebooks.chapters())
def test_stubs_agree_with_solutions(path):
    for cell in solutions(path):
        assert signatures(editions.stub(cell.source)) == signatures(cell.source)
        code, check = editions.split(cell.source)
        asked = {node.name for node in editions.functions(code)}
        tree = ast.parse(check)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))
        assert asked & used, "the check never calls what the reader writes"


def bound(scope):
    """Names that a cell's top level defines."""
    return {s.get_name() for s in scope.get_symbols() if s.is_assigned() or s.is_imported()}


def read(scope):
    """Names that a cell reads from the notebook, functions and comprehensions included."""
    own = {s.get_name() for s in scope.get_symbols() if s.is_referenced() and s.is_global()}
    return own.union(*map(read, scope.get_children()))


def needed(cells):
    """Code cells that the solutions build on, in order; most figures are not among them."""
    wanted, kept = set(), []
    for cell in reversed(cells):
        scope = symtable.symtable(cell.source, "cell", "exec")
        if editions.is_solution(cell) or bound(scope) & wanted:
            kept.append(cell)
            wanted |= read(scope) | {s.get_name() for s in scope.get_symbols() if s.is_referenced()}
    return kept[::-1]


def given_as(kind, function):
    """The same answers as another kind of object."""
    def answered(*arguments, **named):
        return kind(np.asarray(function(*arguments, **named)))
    return answered


WRONG = {
    ("calibration", "expected_calibration_error"): (
        "def expected_calibration_error(confidence, correct, bins=15):\n"
        "    bin_of = np.minimum((bins * confidence).astype(int), bins - 1)  # lower edges\n"
        "    gaps = correct - confidence\n"
        "    return sum(abs(gaps[bin_of == b].sum()) for b in range(bins)) / len(correct)\n"),
    ("representations", "most_confused"): (
        "def most_confused(logits, targets):\n"
        "    counts = np.zeros((logits.shape[-1],) * 2)\n"
        "    np.add.at(counts, (targets, logits.argmax(-1)), 1)\n"
        "    np.fill_diagonal(counts, 0)  # one way only\n"
        "    return np.unravel_index(counts.argmax(), counts.shape)\n"),
    ("translation", "corrected"): (
        "def corrected(confidence, alpha, V):\n"
        "    return (confidence - alpha / V) / (1 - alpha)  # not within [0, 1]\n"),
    ("representations", "separation"): (
        "def separation(activations, targets):\n"
        "    unit = activations / np.linalg.norm(activations, axis=1, keepdims=True)\n"
        "    cosines, same = unit @ unit.T, targets[:, None] == targets  # examples weigh alike\n"
        "    return 1 - (1 - cosines[same].mean()) / (1 - cosines.mean())\n"),
}


def try_answers(chapter, cell, state):
    """A cell's check accepts the solution's answers as any kind, and refuses wrong ones in words."""
    code, check = editions.split(cell.source)
    for node in editions.functions(code):
        if node.name == "translations":
            continue  # of words, not numbers
        own = state[node.name]
        for kind in (torch.as_tensor, np.ndarray.tolist):
            exec(check, state | {node.name: given_as(kind, own)})
        for wrong in (lambda *_, **__: None, given_as(lambda answer: answer + 0.3, own)):
            with pytest.raises(AssertionError, match=r"\w+ \w+|\d"):
                exec(check, state | {node.name: wrong})
        if (chapter, node.name) in WRONG:
            tried = dict(state)
            exec(WRONG[chapter, node.name], tried)
            with pytest.raises(AssertionError, match=r"\w+ \w+"):
                exec(check, tried)


@pytest.mark.slow
@over_chapters([path for path in notebooks.chapters() if solutions(path)])
def test_solutions_pass_their_check_and_stubs_do_not(path, tmp_path, monkeypatch):
    monkeypatch.setenv("LSBOOK_RUNS", str(tmp_path))
    cells = [c for c in notebooks.read(path).cells if c.cell_type == "code"]
    cells = [cell for cell in cells if "setup" not in cell.metadata.get("tags", [])]
    state = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in needed(cells):
            if editions.is_solution(cell):
                with pytest.raises(NotImplementedError, match="Your turn"):
                    exec(editions.stub(cell.source), dict(state))
            exec(cell.source, state)
            if editions.is_solution(cell) and path.stem != "intro":
                try_answers(path.stem, cell, state)
    assert not os.listdir(tmp_path), "an exercise may only use recorded runs"
