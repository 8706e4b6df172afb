"""From the runs of this machine to the ones the book ships: light, and the same numbers."""

from __future__ import annotations

import shutil
from pathlib import Path

from lsbook.runs.classes import thinned
from lsbook.runs.drafts import draft, install
from lsbook.runs.store import COMMITTED, Run, save_arrays
from lsbook.training.trace import ARRAYS

WITH_WEIGHTS = (0.0, 0.1)  # α of compact teachers
LARGEST_WEIGHTS = 2 * 2**20
SNAPSHOTS = tuple(name for name in ARRAYS if name.startswith("snapshot"))
HEAVY = ("mi_mean", "mi_scored", "token_confidence", *SNAPSHOTS)
OF_A_TEXT = ("plane_words", "plane_names", "plane_logits", "plane_targets", "plane_templates",
             "token_confidence", "token_correct", "truth_confidence", "truth_probability")
OF_A_STUDENT = ("train_logits", "train_targets", "templates", "shown_classes", *SNAPSHOTS)


def publish(run: Run, root: Path = COMMITTED) -> Path:
    """Copy ``run`` to ``root`` with what the book needs of it.

    Every run keeps validation logits, so that numbers from them can be computed again; of many
    classes the training examples are of a chosen twenty (`lsbook.runs.classes`). Students keep no
    more than that, and no weights. Seed 0 of the others keeps all its arrays, and weights of up to
    2 MiB, which hold a ResNet-56; other seeds keep neither weights nor heavy arrays. A text that is
    cut to several sizes keeps its curves alone, and of compact teachers two keep their weights.
    """
    target = root / run.recipe.hash
    with draft(root) as folder:
        made = Path(shutil.copytree(run.path, folder / run.recipe.hash))
        weights = made / "weights.safetensors"
        if weights.exists() and not _keeps_weights(run, weights.stat().st_size):
            weights.unlink()
        if run.recipe.seed != 0 or run.recipe.sentences:
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
    recipe = run.recipe
    wanted = recipe.seed == 0 and not recipe.sentences and not _is_student(run)
    if recipe.name == "compact/teacher-cifar10":
        wanted = wanted and recipe.scale == 1 and recipe.alpha in WITH_WEIGHTS
    return wanted and size <= LARGEST_WEIGHTS


def _left(run: Run) -> tuple[str, ...]:
    """Names of the arrays that stay behind."""
    heavy = HEAVY if run.recipe.seed != 0 else ()
    if run.recipe.sentences:
        return OF_A_TEXT
    return heavy + OF_A_STUDENT if _is_student(run) else heavy


def _is_student(run: Run) -> bool:
    return "student" in run.recipe.name
