"""The book's second Sphinx extension: buttons that need an address, and the link to the slides."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

SLIDES = "_static/site/slides.html"


def setup(app):
    app.connect("config-inited", hide_buttons_without_address)
    app.add_directive("slides", Slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def hide_buttons_without_address(app, config):
    """Colab and Binder open a repository; while none is named their buttons are left out."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options["launch_buttons"] = {}


class Slides(SphinxDirective):
    """``{slides}``: a link to the slides, or how to make them where that has not been done."""

    def run(self) -> list[nodes.Node]:
        built = Path(self.env.srcdir) / "_build" / SLIDES.removeprefix("_")
        self.env.note_dependency(str(built))
        if not built.exists():
            return [nodes.paragraph(text="They are not built yet: make slides writes them.")]
        up = "../" * self.env.docname.count("/")
        paragraph = nodes.paragraph()
        paragraph += nodes.reference(text="Open the slides", refuri=up + SLIDES)
        return [paragraph]
