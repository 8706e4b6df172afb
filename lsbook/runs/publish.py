"""From the runs of this machine to the ones the book ships: light, and the same numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from lsbook.runs.store import COMMITTED, Run

LARGEST_FILE = 4 * 2**20
HEAVY = ("mi_mean", "mi_scored", "token_confidence")
OF_A_STUDENT = ("train_logits", "train_targets")


def publish(run: Run, root: Path = COMMITTED) -> Path:
    """Copy ``run`` to ``root``; seed 0 keeps all, the others neither weights nor heavy arrays.

    Weights of more than 4 MiB stay behind.
    """
    target = root / run.recipe.hash
    draft = root / f".{run.recipe.hash}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(run.path, draft)
    weights = draft / "weights.safetensors"
    if weights.exists() and (run.recipe.seed != 0 or weights.stat().st_size > LARGEST_FILE):
        weights.unlink()
    if run.recipe.seed != 0:
        (draft / "samples.json").unlink(missing_ok=True)
        heavy = HEAVY + (OF_A_STUDENT if run.recipe.distil else ())
        light = {name: value for name, value in run.stored_arrays().items() if name not in heavy}
        np.savez_compressed(draft / "arrays.npz", **light)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return target
