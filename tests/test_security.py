"""What SECURITY.md promises, where no other test holds it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = sorted((ROOT / "lsbook").rglob("*.py"))
SCRIPTS = [path for path in sorted((ROOT / "book" / "_static").rglob("*.js"))
           if not {"vendor", "scripts"} & set(path.parts)]
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
WRITES_HTML = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc)\b")
EVALUATES = re.compile(r"\beval\(|new Function|set(Timeout|Interval)\(\s*[\"'`]|javascript:")
REQUESTS = re.compile(r"\b(fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)")


def unsafe(source):
    """Lines of Python that load pickles or run text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            if PICKLES & {name.split(".")[0] for name in names}:
                yield node.lineno
        if isinstance(node, ast.Call):
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            called = ast.unparse(node.func)
            if (called in ("eval", "exec")
                    or called == "torch.load" and options.get("weights_only") != "True"
                    or called == "np.load" and options.get("allow_pickle") != "False"
                    or options.get("allow_pickle") == "True" or options.get("shell") == "True"):
                yield node.lineno


@pytest.mark.parametrize("source, lines", [
    ("import pickle", [1]), ("from joblib import load", [1]), ("x = 1\neval(x)", [2]),
    ("np.load(x)", [1]), ("np.load(x, allow_pickle=True)", [1]), ("torch.load(x)", [1]),
    ("torch.load(x, weights_only=True)", []), ("torch.load(x, weights_only=flag)", [1]),
    ("np.load(x, allow_pickle=False)", []), ("model.eval()", []),
])
def test_what_counts_as_unsafe(source, lines):
    assert list(unsafe(source)) == lines


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_unpickles_nothing_and_runs_no_text(path):
    assert not list(unsafe(path.read_text()))


@pytest.mark.parametrize("forbidden", [WRITES_HTML, EVALUATES, REQUESTS],
                         ids=["HTML", "text", "requests"])
def test_scripts_write_no_html_evaluate_no_text_and_ask_nobody(forbidden):
    found = {path.name: forbidden.search(path.read_text()) for path in SCRIPTS}
    assert found and not {name: match[0] for name, match in found.items() if match}


def test_the_tests_that_are_named_are_there():
    named = re.findall(r"`(tests/[\w./]+)`", (ROOT / "SECURITY.md").read_text())
    assert len(named) == 5 and all((ROOT / name).exists() for name in named)
