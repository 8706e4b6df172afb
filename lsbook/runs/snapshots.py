"""A run as it was at a moment of its training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsbook.recipes import Recipe
from lsbook.runs.store import Run
from lsbook.training.snapshots import EXAMPLES


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What figures of the plane read of a run, after some epochs.

    ``arrays`` holds logits and targets of the first examples of each class, ``train`` and ``val``,
    and templates (K, K) that are the network's own but for a rotation.
    """

    recipe: Recipe
    arrays: dict[str, np.ndarray]


def epochs(run: Run) -> list[int]:
    """Epochs after which ``run`` can be looked at: its snapshots, which it may lack, and its end.
    """
    earlier = run.arrays.get("snapshot_epoch", np.empty(0, int)).tolist()
    return [*earlier, run.history["epoch"][-1]]


def at_epoch(run: Run, epoch: int) -> Run | Snapshot:
    """``run`` after ``epoch`` epochs; at the end itself.

    Raises
    ------
    ValueError
        If no snapshot was recorded then.
    """
    recorded = epochs(run)
    if epoch not in recorded:
        raise ValueError(
            f"Run {run.recipe.hash} has no snapshot after epoch {epoch}; choose among "
            f"{', '.join(map(str, recorded))}.")
    if epoch == recorded[-1]:
        return run
    moment = recorded.index(epoch)
    arrays = {"templates": run.arrays["snapshot_templates"][moment]}
    for part in ("train", "val"):
        logits = run.arrays[f"snapshot_{part}_logits"][moment]
        counts = np.bincount(run.arrays[f"{part}_targets"], minlength=logits.shape[1])
        arrays[f"{part}_logits"] = logits
        arrays[f"{part}_targets"] = np.repeat(np.arange(len(counts)), np.minimum(counts, EXAMPLES))
    return Snapshot(run.recipe, arrays)
