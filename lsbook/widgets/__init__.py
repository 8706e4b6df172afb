"""Explorers that recompute in Python; the only place where ipywidgets is imported."""

from __future__ import annotations

import os


def live() -> bool:
    """Whether a kernel stands behind the page: not so on the built site (``LSBOOK_STATIC=1``)."""
    return os.environ.get("LSBOOK_STATIC") != "1"
