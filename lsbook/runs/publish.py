"""From the runs of this machine to the ones the book ships: light, and the same numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from lsbook.runs.classes import thinned
from lsbook.runs.store import COMMITTED, Run

LARGEST_FILE = 4 * 2**20
HEAVY = ("mi_mean", "mi_scored", "token_confidence")
OF_A_STUDENT = ("train_logits", "train_targets", "shown_classes")


def publish(run: Run, root: Path = COMMITTED) -> Path:
    """Copy ``run`` to ``root`` with what the book needs of it.

    Every run keeps validation logits, so that its numbers can be computed again. Seed 0 keeps
    weights of up to 4 MiB and all its arrays; of many classes the training examples of a chosen
    twenty (`lsbook.runs.classes`). Other seeds keep neither weights nor heavy arrays, and students
    on real data keep validation logits alone.
    """
    target = root / run.recipe.hash
    draft = root / f".{run.recipe.hash}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(run.path, draft)
    weights = draft / "weights.safetensors"
    if weights.exists() and not _keeps_weights(run, weights.stat().st_size):
        weights.unlink()
    if run.recipe.seed != 0:
        (draft / "samples.json").unlink(missing_ok=True)
    stored = run.stored_arrays()
    kept = {k: v for k, v in thinned(run.recipe.dataset, stored).items() if k not in _left(run)}
    if kept.keys() != stored.keys():
        np.savez_compressed(draft / "arrays.npz", **kept)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return target


def _keeps_weights(run: Run, size: int) -> bool:
    return run.recipe.seed == 0 and size <= LARGEST_FILE and not _is_light_student(run)


def _left(run: Run) -> tuple[str, ...]:
    """Names of the arrays that stay behind."""
    left = HEAVY if run.recipe.seed != 0 else ()
    light = _is_light_student(run) or (run.recipe.distil and run.recipe.seed != 0)
    return left + OF_A_STUDENT if light else left


def _is_light_student(run: Run) -> bool:
    return "student" in run.recipe.name and run.recipe.preset != "lab"
