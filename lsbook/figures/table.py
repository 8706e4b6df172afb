"""Frames as the book's tables."""

from __future__ import annotations

import pandas as pd
from IPython.display import HTML
from markupsafe import Markup


def table(frame: pd.DataFrame, label: str, digits: int = 3, wide: bool = False) -> HTML:
    """``frame`` without its index; ``label`` names the region for screen readers.

    A ``wide`` one scrolls sideways on a phone where it would otherwise grow too tall.
    """
    kind = "ls-table ls-wide" if wide else "ls-table"
    body = frame.to_html(index=False, border=0, classes="table", float_format=f"%.{digits}f")
    region = Markup('<div class="{}" role="region" tabindex="0" aria-label="{}">{}</div>')
    return HTML(region.format(kind, label, Markup(body)))
