"""A page of explorers on disk, opened in a browser as a reader's is; their arithmetic in node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lsbook.explore import evaluation

JAVASCRIPT = Path(__file__).parent / "js"
STATIC = Path(__file__).parent.parent / "book" / "_static"
SCRIPTS = (
    "states.js", "frame.js", "explore/figure.js", "explore/evaluations.js", "explore/plot.js",
    "page.js",
)
STYLES = ("lsbook.css", "explore/explore.css")


def find_node():
    """Where node is; skips where there is none (fails in CI)."""
    found = shutil.which("node")
    if found is None:
        reason = "no JavaScript runner found (looked for node)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found


def run_in_node(name, golden, folder):
    """Run one file of ``js/``, which finds the golden values where LSBOOK_GOLDEN says."""
    path = folder / "golden.json"
    path.write_text(json.dumps(golden))
    done = subprocess.run(
        [find_node(), "--test", JAVASCRIPT / f"{name}.test.mjs"],
        env={**os.environ, "LSBOOK_GOLDEN": str(path)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def page_of(kind, figures, folder, runs=None):
    """Write a page with these explorers of one kind; gives its address.

    It has the evaluations of ``runs``, of all that the explorers name if None.
    """
    if runs is None:
        runs = [run for figure in figures for run in figure.runs]
    for run in runs:
        evaluation.write(run, kind, folder / "site" / "evaluations")
    own = [f"explore/{kind}{part}.js" for part in ("-math", "")]
    own = [name for name in own if (STATIC / name).exists()]
    (folder / "explore").mkdir(parents=True)
    for name in (*SCRIPTS, *STYLES, *own):
        (folder / name).write_text((STATIC / name).read_text())
    links = "".join(f'<link rel="stylesheet" href="{name}">' for name in STYLES)
    tags = "".join(f'<script defer src="{name}"></script>' for name in (*SCRIPTS, *own))
    body = "".join(figure.to_html() for figure in figures)
    page = folder / "page.html"
    page.write_text(f'<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">'
                    f"{links}{tags}<body>{body}</body></html>")
    return page.as_uri()


def visit(page, address, fragment=""):
    """Open the page and draw every explorer on it."""
    page.goto("about:blank")
    page.goto(address + fragment)
    page.evaluate("lsExplore.drawAll()")
    return page


def visit_at(page, address, figure, state):
    """Open the page with one of its explorers in a state of its own, and wait until it is drawn."""
    query = "&".join(f"{name}={json.dumps(value)}" for name, value in state.items())
    page.goto("about:blank")
    page.goto(f"{address}#explore-{figure}?{query}")
    page.wait_for_selector(f"#explore-{figure}[data-ready]")
    return page
