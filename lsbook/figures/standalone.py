"""A figure with the scripts and styles that it needs: what a notebook shows, and keeps."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

STATIC = Path(__file__).parents[2] / "book" / "_static"
STYLES = ("lsbook.css", "explore/explore.css")


def on_site() -> bool:
    """Whether the page is the built site (``LSBOOK_STATIC=1``), with no kernel behind it."""
    return os.environ.get("LSBOOK_STATIC") == "1"


def standalone(figure: str, scripts: Iterable[str], shipped: str, draw: str) -> str:
    """HTML of a figure that asks for nothing, so that a saved notebook shows it as it was.

    Parameters
    ----------
    figure
        Its HTML on the site.
    scripts
        Names of files in ``book/_static``, in the order in which they are to run.
    shipped
        Script that brings what the site would load.
    draw
        Function that draws, given the element of the figure.
    """
    place = f"ls-{uuid.uuid4().hex}"
    style = "\n".join((STATIC / name).read_text() for name in STYLES)
    script = "\n".join([
        shipped, *((STATIC / name).read_text() for name in scripts),
        f'{draw}(document.querySelector("#{place} figure"));'])
    # In a script these would end it or hide its end; in JavaScript's strings they say the same.
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return (
        f'<div id="{place}" class="ls-alone"><style>{style}</style>{figure}'
        f"<script>(() => {{\n{script}\n}})();</script></div>")
