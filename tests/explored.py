"""A page of explorers on disk, opened in a browser as a reader's is."""

from pathlib import Path

from lsbook.explore import evaluation

STATIC = Path(__file__).parent.parent / "book" / "_static"
SCRIPTS = ("frame.js", "explore/figure.js", "explore/evaluations.js", "explore/plot.js")
STYLES = ("lsbook.css", "explore/explore.css")


def page_of(kind, figures, folder):
    """Write a page with these explorers of one kind and their evaluations; gives its address."""
    for figure in figures:
        for run in figure.runs:
            evaluation.write(run, kind, folder / "site" / "evaluations")
    own = [f"explore/{kind}{part}.js" for part in ("-math", "")]
    own = [name for name in own if (STATIC / name).exists()]
    (folder / "explore").mkdir()
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
