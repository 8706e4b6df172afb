"""The book's Sphinx extension: when chapters execute again, and scripts that stay on the site."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from lsbook import runs
from lsbook.explore import evaluation
from lsbook.explore.figure import SCRIPTS
from lsbook.figures import theme

EXECUTED_FROM = ("lsbook", "runs", "requirements.txt")
CACHES_KEPT = 4


def setup(app):
    os.environ["LSBOOK_STATIC"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app.connect("config-inited", choose_execution_cache)
    app.connect("config-inited", write_settings)
    app.connect("html-page-context", add_chart_scripts)
    app.connect("html-page-context", add_explorers)
    app.connect("html-page-context", mend_list_of_references)
    app.add_directive("benchmarks", Benchmarks)
    app.add_css_file("lsbook.css")
    app.add_js_file("contents.js")
    app.add_js_file("fold.js")
    app.add_js_file("code.js")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fingerprint(root: Path) -> str:
    """Hash of everything outside a chapter that decides what its cells put out."""
    digest = hashlib.sha256()
    for name in EXECUTED_FROM:
        top = root / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def choose_execution_cache(app, config):
    """Name the execution cache by the fingerprint; a change then executes every chapter again."""
    root = Path(app.srcdir)
    caches = root / "_build" / "executed"
    cache = caches / fingerprint(root)
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    os.environ.setdefault("LSBOOK_RUNS", str(root / "_build" / "runs"))
    config.nb_execution_cache_path = str(cache)
    for old in sorted(caches.iterdir(), key=lambda path: path.stat().st_mtime)[:-CACHES_KEPT]:
        shutil.rmtree(old)


def write_settings(app, config):
    """Tell the page where its vega is and how charts look, from the values Python uses."""
    folder = Path(app.srcdir) / "_build" / "static" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.js").write_text(theme.page_settings(theme.CHART_SCRIPTS))
    config.html_static_path.append(str(folder.parent))


def add_chart_scripts(app, pagename, templatename, context, doctree):
    body = context.get("body", "")
    if 'class="ls-figure"' in body or "vegaEmbed" in body:
        for script in ("site/settings.js", "states.js", "frame.js", "figures.js", "page.js"):
            app.add_js_file(script, loading_method="defer")


def add_explorers(app, pagename, templatename, context, doctree):
    """Give a page the scripts of its explorers, and the site the evaluations that they name."""
    body = context.get("body", "")
    kinds = list(dict.fromkeys(re.findall(r'data-kind="([^"]*)"', body)))
    if not kinds:
        return
    static = Path(app.srcdir) / "book" / "_static"
    own = [f"explore/{kind}{part}.js" for kind in kinds for part in ("-math", "")]
    for script in (*SCRIPTS, *own, "page.js"):
        if (static / script).exists():
            app.add_js_file(script, loading_method="defer")
    app.add_css_file("explore/explore.css")
    folder = Path(app.outdir) / "_static" / "site" / "evaluations"
    for name in evaluation.named_in(body):
        run, kind = name.split("-", 1)
        evaluation.write(finished_runs()[run], kind, folder)


def mend_list_of_references(app, pagename, templatename, context, doctree):
    """Call a reference's entry what its list may hold; the role Sphinx gives it is deprecated."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


@cache
def finished_runs() -> dict:
    return {run.recipe.hash: run for run in runs.available()}


class Benchmarks(SphinxDirective):
    """``{benchmarks}``: the table of ``benchmarks/results.json``, with machine and versions."""

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "benchmarks" / "results.json"
        self.env.note_dependency(str(path))
        if not path.exists():
            return [nodes.paragraph(text="No results are recorded yet; make bench writes them.")]
        results = json.loads(path.read_text())
        machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
        rows = [row for module in results["modules"].values() for row in module]
        return [self._table(rows), nodes.paragraph(text=f"Measured on: {machine}.")]

    def _table(self, rows: list[dict]) -> nodes.table:
        heads = ("benchmark", "ratio", "ours", "theirs")
        group = nodes.tgroup(cols=len(heads))
        group += [nodes.colspec(colwidth=1) for _ in heads]
        head, body = nodes.thead(), nodes.tbody()
        head += self._row(heads)
        body += [self._result(row) for row in rows]
        group += [head, body]
        return nodes.table("", group, classes=["ls-benchmarks"])

    def _result(self, row: dict) -> nodes.row:
        times = (_cell(row[name], row["unit"]) for name in ("ours", "theirs"))
        result = self._row([row["benchmark"], _cell(row["ratio"]), *times])
        note = "; ".join(filter(None, (row["peer"], row.get("note"))))
        result[0] += nodes.paragraph(text=note, classes=["ls-note"])
        return result

    @staticmethod
    def _row(texts) -> nodes.row:
        row = nodes.row()
        row += [nodes.entry("", nodes.paragraph(text=text)) for text in texts]
        return row


def _cell(value: float | None, unit: str = "") -> str:
    if value is None:
        return "–"
    short = f"{value:.3g}"
    number = f"{float(short):,.0f}" if abs(value) >= 1000 else short
    return f"{number} {unit}".strip()
