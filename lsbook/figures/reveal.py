"""An answer that stays folded until the reader has made a guess."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from IPython.display import HTML


def reveal(answers: Iterable[str], label: str = "Reveal") -> HTML:
    """Paragraphs of plain text behind a line that opens them."""
    paragraphs = "".join(f"<p>{escape(answer)}</p>" for answer in answers)
    summary = f"<summary>{escape(label)}</summary>"
    return HTML(f'<details class="ls-reveal">{summary}{paragraphs}</details>')
