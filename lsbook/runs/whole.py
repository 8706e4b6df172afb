"""Runs with every array: those published for their validation numbers alone are trained again."""

from __future__ import annotations

from lsbook.runs.get import get
from lsbook.runs.store import Run


def whole(run: Run, device: str = "auto") -> Run:
    """``run`` itself if it keeps logits of training examples, else the same recipe trained anew."""
    return run if "train_logits" in run.arrays else get(run.recipe, device=device, retrain=True)
