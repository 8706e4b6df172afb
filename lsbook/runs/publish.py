"""From the runs of this machine to the ones the book ships: light, and the same numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

from lsbook.runs.classes import thinned
from lsbook.runs.drafts import draft, install
from lsbook.runs.store import COMMITTED, Run, save_arrays
from lsbook.training.trace import ARRAYS

LARGEST_WEIGHTS = 2 * 2**20
SNAPSHOTS = tuple(name for name in ARRAYS if name.startswith("snapshot"))
HEAVY = ("mi_mean", "mi_scored", "token_confidence", *SNAPSHOTS)
OF_A_STUDENT = ("train_logits", "train_targets", "templates", "shown_classes", *SNAPSHOTS)


def publish(run: Run, root: Path = COMMITTED) -> Path:
    """Copy ``run`` to ``root`` with what the book needs of it.

    Every run keeps validation logits, so that numbers from them can be computed again; of many
    classes the training examples are of a chosen twenty (`lsbook.runs.classes`). Students keep no
    more than that, and no weights. Seed 0 of the others keeps all its arrays, and weights of up to
    2 MiB, which hold a ResNet-56; other seeds keep neither weights nor heavy arrays.
    """
    target = root / run.recipe.hash
    with draft(root) as folder:
        made = Path(shutil.copytree(run.path, folder / run.recipe.hash))
        weights = made / "weights.safetensors"
        if weights.exists() and not _keeps_weights(run, weights.stat().st_size):
            weights.unlink()
        if run.recipe.seed != 0:
            (made / "samples.json").unlink(missing_ok=True)
        stored = run.stored_arrays()
        kept = {
            k: v for k, v in thinned(run.recipe.dataset, stored).items() if k not in _left(run)
        }
        if kept.keys() != stored.keys():
            save_arrays(made / "arrays.npz", kept)
        install(made, target)
    return target


def _keeps_weights(run: Run, size: int) -> bool:
    return run.recipe.seed == 0 and size <= LARGEST_WEIGHTS and not _is_student(run)


def _left(run: Run) -> tuple[str, ...]:
    """Names of the arrays that stay behind."""
    heavy = HEAVY if run.recipe.seed != 0 else ()
    return heavy + OF_A_STUDENT if _is_student(run) else heavy


def _is_student(run: Run) -> bool:
    return "student" in run.recipe.name
