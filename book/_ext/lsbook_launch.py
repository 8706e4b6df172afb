"""The book's second Sphinx extension: a chapter's buttons, and the link to the slides."""

from __future__ import annotations

import base64
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

AFTER_THEME = 900
SLIDES = "_static/site/slides.html"


def setup(app):
    app.connect("config-inited", hide_buttons_without_address)
    app.connect("html-page-context", offer_notebook, priority=AFTER_THEME)
    app.add_directive("slides", Slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def hide_buttons_without_address(app, config):
    """Colab and Binder open a repository; while none is named their buttons are left out."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options["launch_buttons"] = {}


def offer_notebook(app, pagename, templatename, context, doctree):
    """Carry a chapter's notebook in its page: a file's page may not download another file."""
    if context.get("page_source_suffix") is None:
        return
    path = Path(app.env.doc2path(pagename)).with_suffix(".ipynb")
    if not path.exists():
        return
    content = base64.b64encode(path.read_bytes()).decode()
    context["body"] += (
        f'<a id="ls-notebook" hidden download="{path.name}" '
        f'href="data:application/x-ipynb+json;base64,{content}">{path.name}</a>'
    )
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            source = next(b for b in group["buttons"] if b["label"] == "download-source-button")
            del source["url"]
            source |= {
                "type": "javascript",
                "javascript": "document.getElementById('ls-notebook').click()",
                "text": ".ipynb",
                "tooltip": "Download the notebook",
            }


class Slides(SphinxDirective):
    """``{slides}``: a link to the slides, or how to make them where that has not been done."""

    def run(self) -> list[nodes.Node]:
        built = Path(self.env.srcdir) / "_build" / SLIDES.removeprefix("_")
        self.env.note_dependency(str(built))
        if not built.exists():
            return [nodes.paragraph(text="The slides are not built yet: make slides writes them.")]
        up = "../" * self.env.docname.count("/")
        paragraph = nodes.paragraph()
        paragraph += nodes.reference(text="Open the slides", refuri=up + SLIDES)
        return [paragraph]
