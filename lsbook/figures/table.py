"""Frames as the book's tables."""

from __future__ import annotations

from html import escape

import pandas as pd
from IPython.display import HTML


def table(frame: pd.DataFrame, label: str, digits: int = 3) -> HTML:
    """``frame`` without its index; ``label`` names the region for screen readers."""
    body = frame.to_html(index=False, border=0, classes="table", float_format=f"%.{digits}f")
    return HTML(f'<div class="ls-table" role="region" tabindex="0" aria-label="{escape(label)}">'
                f"{body}</div>")
