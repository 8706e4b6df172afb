"""An answer that stays folded until the reader has made a guess."""

from __future__ import annotations

from collections.abc import Iterable

from IPython.display import HTML
from markupsafe import Markup


def reveal(answers: Iterable[str], label: str = "Reveal") -> HTML:
    """Paragraphs of plain text behind a line that opens them."""
    paragraphs = Markup().join(map(Markup("<p>{}</p>").format, answers))
    return HTML(Markup('<details class="ls-reveal"><summary>{}</summary>{}</details>').format(
        label, paragraphs))
